-- Mathematics over floats with PostgreSQL's errors, and over numerics where the digits are exact.

CREATE MACRO teatree_system.pg.dsqrt(arg_number) AS
  system.main.sqrt(CASE WHEN CAST(arg_number AS DOUBLE) < 0 THEN error('[2201F] cannot take square root of a negative number') ELSE CAST(arg_number AS DOUBLE) END);
CREATE MACRO teatree_system.pg.dcbrt(arg_number) AS system.main.cbrt(CAST(arg_number AS DOUBLE));
CREATE MACRO teatree_system.support.for_logarithm(arg_number) AS
  CASE WHEN arg_number = 0 THEN error('[2201E] cannot take logarithm of zero')
       WHEN arg_number < 0 THEN error('[2201E] cannot take logarithm of a negative number') ELSE arg_number END;
CREATE MACRO teatree_system.pg.dlog1(arg_number) AS system.main.ln(teatree_system.support.for_logarithm(CAST(arg_number AS DOUBLE)));
CREATE MACRO teatree_system.pg.dlog10(arg_number) AS system.main.log10(teatree_system.support.for_logarithm(CAST(arg_number AS DOUBLE)));
CREATE MACRO teatree_system.pg.dexp(arg_number) AS
  CASE WHEN CAST(arg_number AS DOUBLE) > 709.782712893384 AND NOT isinf(CAST(arg_number AS DOUBLE)) AND NOT isnan(CAST(arg_number AS DOUBLE))
       THEN error('[22003] value out of range: overflow')
       WHEN CAST(arg_number AS DOUBLE) < -745.133219101941 AND NOT isinf(CAST(arg_number AS DOUBLE)) THEN error('[22003] value out of range: underflow')
       ELSE system.main.exp(CAST(arg_number AS DOUBLE)) END;
CREATE MACRO teatree_system.support.power(arg_base, arg_exponent) AS
  CASE WHEN arg_base = 0 AND arg_exponent < 0 THEN error('[2201F] zero raised to a negative power is undefined')
       WHEN arg_base < 0 AND isfinite(arg_exponent) AND arg_exponent <> floor(arg_exponent)
       THEN error('[2201F] a negative number raised to a non-integer power yields a complex result')
       WHEN isinf(system.main.pow(arg_base, arg_exponent)) AND isfinite(arg_base) AND isfinite(arg_exponent) THEN error('[22003] value out of range: overflow')
       WHEN system.main.pow(arg_base, arg_exponent) = 0 AND arg_base <> 0 AND isfinite(arg_base) AND isfinite(arg_exponent) THEN error('[22003] value out of range: underflow')
       ELSE system.main.pow(arg_base, arg_exponent) END;
CREATE MACRO teatree_system.pg.dpow(arg_base, arg_exponent) AS teatree_system.support.power(CAST(arg_base AS DOUBLE), CAST(arg_exponent AS DOUBLE));
CREATE MACRO teatree_system.support.unit_interval(arg_number) AS
  CASE WHEN isnan(arg_number) THEN arg_number WHEN arg_number NOT BETWEEN -1 AND 1 THEN error('[22003] input is out of range') ELSE arg_number END;
CREATE MACRO teatree_system.pg.dasin(arg_number) AS system.main.asin(teatree_system.support.unit_interval(CAST(arg_number AS DOUBLE)));
CREATE MACRO teatree_system.pg.dacos(arg_number) AS system.main.acos(teatree_system.support.unit_interval(CAST(arg_number AS DOUBLE)));

-- Degrees: exact where PostgreSQL makes them exact, else by the constants that it scales with.
CREATE MACRO teatree_system.support.sind_q1(arg_x) AS
  CASE WHEN arg_x <= 30 THEN (system.main.sin(arg_x * 0.017453292519943295::DOUBLE) / system.main.sin(0.5235987755982988::DOUBLE)) / 2
       ELSE 1 - ((1 - system.main.cos((90 - arg_x) * 0.017453292519943295::DOUBLE)) / (1 - system.main.cos(1.0471975511965976::DOUBLE))) / 2 END;
CREATE MACRO teatree_system.support.cosd_q1(arg_x) AS
  CASE WHEN arg_x <= 60 THEN 1 - ((1 - system.main.cos(arg_x * 0.017453292519943295::DOUBLE)) / (1 - system.main.cos(1.0471975511965976::DOUBLE))) / 2
       ELSE (system.main.sin((90 - arg_x) * 0.017453292519943295::DOUBLE) / system.main.sin(0.5235987755982988::DOUBLE)) / 2 END;
-- An angle of the first quadrant, and the sign that the sine or cosine of the whole angle has.
CREATE MACRO teatree_system.support.angle(arg_x) AS
  CASE WHEN isinf(arg_x) THEN error('[22003] input is out of range') ELSE system.main.fmod(abs(arg_x), 360) END;
CREATE MACRO teatree_system.support.half(arg_x) AS CASE WHEN arg_x > 180 THEN 360 - arg_x ELSE arg_x END;
CREATE MACRO teatree_system.support.quarter(arg_x) AS CASE WHEN arg_x > 90 THEN 180 - arg_x ELSE arg_x END;
CREATE MACRO teatree_system.pg.dsind(arg_x) AS
  list_transform([teatree_system.support.angle(CAST(arg_x AS DOUBLE))], lambda a:
    (CASE WHEN arg_x < 0 THEN -1 ELSE 1 END * CASE WHEN a > 180 THEN -1 ELSE 1 END)
      * teatree_system.support.sind_q1(teatree_system.support.quarter(teatree_system.support.half(a))))[1];
CREATE MACRO teatree_system.pg.dcosd(arg_x) AS
  list_transform([teatree_system.support.half(teatree_system.support.angle(CAST(arg_x AS DOUBLE)))], lambda a:
    CASE WHEN a > 90 THEN -1 ELSE 1 END * teatree_system.support.cosd_q1(teatree_system.support.quarter(a)))[1];
CREATE MACRO teatree_system.support.tan_ratio(arg_x) AS
  (teatree_system.support.sind_q1(arg_x) / teatree_system.support.cosd_q1(arg_x)) / (teatree_system.support.sind_q1(45::DOUBLE) / teatree_system.support.cosd_q1(45::DOUBLE));
CREATE MACRO teatree_system.support.cot_ratio(arg_x) AS
  (teatree_system.support.cosd_q1(arg_x) / teatree_system.support.sind_q1(arg_x)) / (teatree_system.support.cosd_q1(45::DOUBLE) / teatree_system.support.sind_q1(45::DOUBLE));
CREATE MACRO teatree_system.pg.dtand(arg_x) AS
  list_transform([teatree_system.support.angle(CAST(arg_x AS DOUBLE))], lambda a:
    (CASE WHEN arg_x < 0 THEN -1 ELSE 1 END * CASE WHEN a > 180 THEN -1 ELSE 1 END * CASE WHEN teatree_system.support.half(a) > 90 THEN -1 ELSE 1 END)
      * teatree_system.support.tan_ratio(teatree_system.support.quarter(teatree_system.support.half(a))) + 0)[1];
CREATE MACRO teatree_system.pg.dcotd(arg_x) AS
  list_transform([teatree_system.support.angle(CAST(arg_x AS DOUBLE))], lambda a:
    (CASE WHEN arg_x < 0 THEN -1 ELSE 1 END * CASE WHEN a > 180 THEN -1 ELSE 1 END * CASE WHEN teatree_system.support.half(a) > 90 THEN -1 ELSE 1 END)
      * teatree_system.support.cot_ratio(teatree_system.support.quarter(teatree_system.support.half(a))) + 0)[1];
CREATE MACRO teatree_system.support.asind_q1(arg_x) AS
  CASE WHEN arg_x <= 0.5 THEN (system.main.asin(arg_x) / system.main.asin(0.5::DOUBLE)) * 30
       ELSE 90 - (system.main.acos(arg_x) / system.main.acos(0.5::DOUBLE)) * 60 END;
CREATE MACRO teatree_system.support.acosd_q1(arg_x) AS
  CASE WHEN arg_x <= 0.5 THEN 90 - (system.main.asin(arg_x) / system.main.asin(0.5::DOUBLE)) * 30
       ELSE (system.main.acos(arg_x) / system.main.acos(0.5::DOUBLE)) * 60 END;
CREATE MACRO teatree_system.pg.dasind(arg_x) AS
  list_transform([teatree_system.support.unit_interval(CAST(arg_x AS DOUBLE))], lambda a:
    CASE WHEN a >= 0 THEN teatree_system.support.asind_q1(a) ELSE -teatree_system.support.asind_q1(-a) END)[1];
CREATE MACRO teatree_system.pg.dacosd(arg_x) AS
  list_transform([teatree_system.support.unit_interval(CAST(arg_x AS DOUBLE))], lambda a:
    CASE WHEN a >= 0 THEN teatree_system.support.acosd_q1(a) ELSE 90 + teatree_system.support.asind_q1(-a) END)[1];
CREATE MACRO teatree_system.pg.datand(arg_x) AS (system.main.atan(CAST(arg_x AS DOUBLE)) / system.main.atan(1::DOUBLE)) * 45;
CREATE MACRO teatree_system.pg.datan2d(arg_y, arg_x) AS
  (system.main.atan2(CAST(arg_y AS DOUBLE), CAST(arg_x AS DOUBLE)) / system.main.atan(1::DOUBLE)) * 45;

-- The remainder by -1 is 0, also of the least number, for which DuckDB has an error.
CREATE MACRO teatree_system.pg.mod(arg_left, arg_right) AS
  CASE WHEN arg_right = -1 THEN arg_left - arg_left ELSE arg_left END
    % CASE WHEN arg_right = 0 THEN error('[22012] division by zero') WHEN arg_right = -1 THEN 1 ELSE arg_right END;

-- A numeric of 10 places is shown without the zeros at its end.
CREATE MACRO teatree_system.pg.numeric_min_scale(arg_number) AS
  CAST(len(rtrim(system.main.split_part(CAST(arg_number AS VARCHAR), '.', 2), '0')) AS INTEGER);
CREATE MACRO teatree_system.pg.numeric_trim_scale(arg_number) AS
  CAST(CASE WHEN teatree_system.pg.numeric_min_scale(arg_number) > 10 THEN error('[0A000] trim_scale of more than 10 places is not supported') ELSE arg_number END AS DECIMAL(38, 10));
-- The place of a number among rising thresholds: as many as it is not below.
CREATE MACRO teatree_system.pg.width_bucket_array(arg_value, arg_thresholds) AS
  CASE WHEN arg_value IS NULL THEN NULL WHEN list_count(arg_thresholds) < len(arg_thresholds) THEN error('[22004] thresholds array must not contain NULLs')
       ELSE CAST(len([i FOR i IN arg_thresholds IF i <= arg_value]) AS INTEGER) END;
