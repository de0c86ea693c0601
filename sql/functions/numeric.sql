-- Arithmetic of numeric, and rounding, where DuckDB's differs. A macro that has the name of PostgreSQL's
-- own code for a function or an operator stands for it, after its arguments' types have chosen it.

-- Exact, with PostgreSQL's scale.
CREATE MACRO teatree_system.pg.numeric_div(arg_left, arg_right) AS teatree_numeric_div(arg_left, arg_right);
-- Roots, powers and logarithms, in the decimals that results are shown from with PostgreSQL's places.
CREATE MACRO teatree_system.pg.numeric_sqrt(arg_number) AS CAST(teatree_numeric_sqrt(CAST(arg_number AS VARCHAR)) AS DECIMAL(38, 21));
CREATE MACRO teatree_system.pg.numeric_exp(arg_number) AS CAST(teatree_numeric_exp(CAST(arg_number AS VARCHAR)) AS DECIMAL(38, 19));
CREATE MACRO teatree_system.pg.numeric_ln(arg_number) AS CAST(teatree_numeric_ln(CAST(arg_number AS VARCHAR)) AS DECIMAL(38, 19));
CREATE MACRO teatree_system.pg.numeric_log(arg_base, arg_number) AS
  CAST(teatree_numeric_log(CAST(arg_base AS VARCHAR), CAST(arg_number AS VARCHAR)) AS DECIMAL(38, 19));
CREATE MACRO teatree_system.pg.numeric_log10(arg_number) AS teatree_system.pg.numeric_log(10, arg_number);
CREATE MACRO teatree_system.pg.numeric_power(arg_base, arg_exponent) AS
  CAST(teatree_numeric_power(CAST(arg_base AS VARCHAR), CAST(arg_exponent AS VARCHAR)) AS DECIMAL(38, 16));
-- Half to even.
CREATE MACRO teatree_system.pg.dround(arg_number) AS teatree_round_half_even(CAST(arg_number AS DOUBLE));

-- EXTRACT of what has a fraction; a date has none.
CREATE MACRO teatree_system.pg.extract_second(arg_time) AS CAST(datepart('microsecond', arg_time) AS DECIMAL(18, 0)) * 0.000001;
CREATE MACRO teatree_system.pg.extract_millisecond(arg_time) AS CAST(datepart('microsecond', arg_time) AS DECIMAL(18, 0)) * 0.001;
CREATE MACRO teatree_system.pg.extract_epoch(arg_time) AS
  CASE WHEN typeof(arg_time) = 'DATE' THEN CAST(epoch(arg_time) AS DECIMAL(18, 0)) ELSE CAST(epoch(arg_time) AS DECIMAL(24, 6)) END;
CREATE MACRO teatree_system.pg.numeric_div_trunc(arg_left, arg_right) AS trunc(teatree_numeric_div(arg_left, arg_right));
CREATE MACRO teatree_system.pg.scale(arg_number) AS CAST(len(system.main.split_part(CAST(arg_number AS VARCHAR), '.', 2)) AS INTEGER);
CREATE MACRO teatree_system.pg.int2xor(arg_left, arg_right) AS xor(arg_left, arg_right);
CREATE MACRO teatree_system.pg.int4xor(arg_left, arg_right) AS xor(arg_left, arg_right);
CREATE MACRO teatree_system.pg.int8xor(arg_left, arg_right) AS xor(arg_left, arg_right);
CREATE MACRO teatree_system.pg.int4abs(arg_number) AS system.main.abs(arg_number);
CREATE MACRO teatree_system.pg.int8abs(arg_number) AS system.main.abs(arg_number);
CREATE MACRO teatree_system.pg.float8abs(arg_number) AS system.main.abs(arg_number);
CREATE MACRO teatree_system.pg.numeric_abs(arg_number) AS system.main.abs(arg_number);
