-- Intervals as PostgreSQL computes with them: months, days and microseconds stay apart.

-- The whole part of a number of months or days; PostgreSQL's error where it has no room.
CREATE MACRO teatree_system.support.whole_part(arg_number) AS
  CAST(CASE WHEN abs(arg_number) > 2147483647 THEN error('[22008] interval out of range') ELSE trunc(arg_number) END AS INTEGER);
CREATE MACRO teatree_system.support.interval_of(arg_months, arg_days, arg_micros) AS
  to_months(CAST(arg_months AS INTEGER)) + to_days(CAST(arg_days AS INTEGER)) + to_microseconds(CAST(arg_micros AS BIGINT));
-- An interval of broken months, days and microseconds: fractions of months become days, those of days seconds.
-- Lists of one element hold what is used more than once, as a macro's argument is written out at each place.
CREATE MACRO teatree_system.support.scaled(arg_months, arg_days, arg_micros) AS
  list_transform(list_transform(list_transform([{'m': arg_months, 'd': arg_days, 't': arg_micros}],
    lambda p: {'m': p.m, 'd': p.d, 't': p.t, 'r': round_even((p.m - trunc(p.m)) * 30 * 1000000.0::DOUBLE, 0) / 1000000.0::DOUBLE}),
    lambda p: {'m': p.m, 'd': p.d, 't': p.t, 'r': p.r,
      's': round_even((p.d - trunc(p.d) + p.r - trunc(p.r)) * 86400 * 1000000.0::DOUBLE, 0) / 1000000.0::DOUBLE}),
    lambda p: teatree_system.support.interval_of(teatree_system.support.whole_part(p.m),
      teatree_system.support.whole_part(p.d) + trunc(p.s / 86400) + trunc(p.r),
      CASE WHEN abs(p.t) >= 9223372036854775807::DOUBLE THEN error('[22008] interval out of range')
           ELSE round_even(p.t + (p.s - trunc(p.s / 86400) * 86400) * 1000000.0::DOUBLE, 0) END))[1];

CREATE MACRO teatree_system.pg.interval_mul(arg_span, arg_number) AS
  teatree_system.support.scaled(teatree_system.support.months_of(arg_span) * CAST(arg_number AS DOUBLE),
    teatree_system.support.days_of(arg_span) * CAST(arg_number AS DOUBLE), teatree_system.support.micros_of(arg_span) * CAST(arg_number AS DOUBLE));
CREATE MACRO teatree_system.pg.mul_d_interval(arg_number, arg_span) AS teatree_system.pg.interval_mul(arg_span, arg_number);
CREATE MACRO teatree_system.support.divided(arg_span, arg_divisor) AS
  teatree_system.support.scaled(teatree_system.support.months_of(arg_span) / arg_divisor,
    teatree_system.support.days_of(arg_span) / arg_divisor, teatree_system.support.micros_of(arg_span) / arg_divisor);
CREATE MACRO teatree_system.pg.interval_div(arg_span, arg_number) AS
  teatree_system.support.divided(arg_span, CASE WHEN CAST(arg_number AS DOUBLE) = 0 THEN error('[22012] division by zero') ELSE CAST(arg_number AS DOUBLE) END);

-- One number for two parts of an interval; its quotient and its rest have the same sign.
CREATE MACRO teatree_system.support.day_micros(arg_span) AS
  teatree_system.support.days_of(arg_span) * 86400000000::HUGEINT + teatree_system.support.micros_of(arg_span);
CREATE MACRO teatree_system.support.all_days(arg_span) AS teatree_system.support.months_of(arg_span) * 30::BIGINT + teatree_system.support.days_of(arg_span);
CREATE MACRO teatree_system.support.all_micros(arg_span) AS
  teatree_system.support.all_days(arg_span) * 86400000000::HUGEINT + teatree_system.support.micros_of(arg_span);
CREATE MACRO teatree_system.pg.interval_justify_hours(arg_span) AS
  teatree_system.support.interval_of(teatree_system.support.months_of(arg_span),
    teatree_system.support.day_micros(arg_span) // 86400000000, teatree_system.support.day_micros(arg_span) % 86400000000);
CREATE MACRO teatree_system.pg.interval_justify_days(arg_span) AS
  teatree_system.support.interval_of(teatree_system.support.all_days(arg_span) // 30, teatree_system.support.all_days(arg_span) % 30,
    teatree_system.support.micros_of(arg_span));
CREATE MACRO teatree_system.pg.interval_justify_interval(arg_span) AS
  teatree_system.support.interval_of(teatree_system.support.all_micros(arg_span) // 2592000000000,
    (teatree_system.support.all_micros(arg_span) % 2592000000000) // 86400000000, teatree_system.support.all_micros(arg_span) % 86400000000);

CREATE MACRO teatree_system.pg.make_interval(years := 0, months := 0, weeks := 0, days := 0, hours := 0, mins := 0, secs := 0) AS
  teatree_system.support.interval_of(
    CAST(years AS INTEGER) * 12::BIGINT + CAST(months AS INTEGER), CAST(weeks AS INTEGER) * 7::BIGINT + CAST(days AS INTEGER),
    CAST(hours AS INTEGER) * 3600000000 + CAST(mins AS INTEGER) * 60000000::BIGINT
      + CASE WHEN isfinite(CAST(secs AS DOUBLE)) THEN CAST(round_even(CAST(secs AS DOUBLE) * 1000000.0::DOUBLE, 0) AS BIGINT)
             WHEN secs IS NOT NULL THEN error('[22008] interval out of range') END);
CREATE MACRO teatree_system.pg.interval_finite(arg_span) AS arg_span IS NOT NULL OR NULL;
CREATE MACRO teatree_system.pg.time_interval(arg_time) AS to_microseconds(epoch_us(arg_time));
CREATE MACRO teatree_system.pg.interval_time(arg_span) AS TIME '00:00:00' + to_microseconds(teatree_system.support.micros_of(arg_span) % 86400000000);

-- Aggregates: the parts are summed each for itself.
CREATE MACRO teatree_system.pg.sum_interval(arg_span) AS
  teatree_system.support.interval_of(sum(teatree_system.support.months_of(arg_span)), sum(teatree_system.support.days_of(arg_span)),
    sum(teatree_system.support.micros_of(arg_span)));
CREATE MACRO teatree_system.pg.avg_interval(arg_span) AS
  teatree_system.support.scaled(sum(teatree_system.support.months_of(arg_span)) / nullif(count(arg_span), 0)::DOUBLE,
    sum(teatree_system.support.days_of(arg_span)) / nullif(count(arg_span), 0)::DOUBLE,
    sum(teatree_system.support.micros_of(arg_span)) / nullif(count(arg_span), 0)::DOUBLE);

-- Whether two spans of time share a point: each end may come first, and one may be unknown.
CREATE MACRO teatree_system.support.overlap(arg_start, arg_end, arg_other, arg_other_end) AS
  CASE WHEN arg_start > arg_other THEN CASE WHEN arg_other_end IS NULL THEN NULL WHEN arg_start < arg_other_end THEN true WHEN arg_end IS NULL THEN NULL ELSE false END
       WHEN arg_start < arg_other THEN CASE WHEN arg_end IS NULL THEN NULL WHEN arg_other < arg_end THEN true WHEN arg_other_end IS NULL THEN NULL ELSE false END
       WHEN arg_start = arg_other THEN CASE WHEN arg_end IS NULL OR arg_other_end IS NULL THEN NULL ELSE true END END;
-- The earlier end of each is its start; an unknown one gives way to the other.
CREATE MACRO teatree_system.support.overlap_ordered(arg_start, arg_end, arg_other, arg_other_end) AS
  teatree_system.support.overlap(least(arg_start, arg_end), CASE WHEN arg_start IS NOT NULL AND arg_end IS NOT NULL THEN greatest(arg_start, arg_end) END,
    least(arg_other, arg_other_end), CASE WHEN arg_other IS NOT NULL AND arg_other_end IS NOT NULL THEN greatest(arg_other, arg_other_end) END);
CREATE MACRO teatree_system.pg.overlaps_timestamp(arg_start, arg_end, arg_other, arg_other_end) AS
  teatree_system.support.overlap_ordered(arg_start, arg_end, arg_other, arg_other_end);
CREATE MACRO teatree_system.pg.overlaps_time(arg_start, arg_end, arg_other, arg_other_end) AS
  teatree_system.support.overlap_ordered(arg_start, arg_end, arg_other, arg_other_end);
