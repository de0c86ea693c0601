-- Dates and times: units, zones, and dates made of numbers.

-- Which words for a unit PostgreSQL knows; DuckDB knows them too, and finds an offset of a time's zone where one is.
CREATE MACRO teatree_system.support.is_long_unit(arg_word) AS
  regexp_full_match(arg_word, '(?i)dec(ade)?s?|c|cent|century|centuries|mils?|millennia|millennium');
CREATE MACRO teatree_system.support.is_clock_unit(arg_word) AS
  regexp_full_match(arg_word, '(?i)us|usecs?|useconds?|microseconds?|ms|msecs?|mseconds?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?');
CREATE MACRO teatree_system.support.is_day_unit(arg_word) AS
  regexp_full_match(arg_word, '(?i)d|days?|w|weeks?|mons?|months?|quarter|qtr|y|yrs?|years?');
CREATE MACRO teatree_system.support.unknown_unit(arg_word, arg_type) AS
  error('[' || CASE WHEN starts_with(lower(arg_word), 'timezone') THEN '0A000] unit "' || lower(arg_word) || '" not supported for type '
    ELSE '22023] unit "' || lower(arg_word) || '" not recognized for type ' END || arg_type);
-- What DuckDB's date_trunc is given: never a word that it would refuse in its own words.
CREATE MACRO teatree_system.support.plain_unit(arg_word, arg_type) AS
  CASE WHEN teatree_system.support.is_clock_unit(arg_word) OR teatree_system.support.is_day_unit(arg_word) THEN replace(lower(arg_word), 'qtr', 'quarter')
       WHEN teatree_system.support.is_long_unit(arg_word) THEN 'year'
       WHEN arg_word IS NOT NULL THEN teatree_system.support.unknown_unit(arg_word, arg_type) END;

-- Centuries and millennia begin with a year 1; year 0 is 1 BC.
CREATE MACRO teatree_system.support.first_year(arg_year, arg_size, arg_from) AS
  CAST(floor((arg_year - arg_from) / CAST(arg_size AS DOUBLE)) * arg_size + arg_from AS BIGINT);
CREATE MACRO teatree_system.support.trunc_timestamp(arg_word, arg_time, arg_type) AS
  CASE WHEN teatree_system.support.is_long_unit(arg_word) AND isfinite(arg_time)
       THEN CAST(system.main.make_date(teatree_system.support.first_year(system.main.year(arg_time),
           CASE left(lower(arg_word), 1) WHEN 'd' THEN 10 WHEN 'c' THEN 100 ELSE 1000 END, CASE left(lower(arg_word), 1) WHEN 'd' THEN 0 ELSE 1 END), 1, 1) AS TIMESTAMP)
       ELSE CAST(system.main.date_trunc(teatree_system.support.plain_unit(arg_word, arg_type), arg_time) AS TIMESTAMP) END;
CREATE MACRO teatree_system.pg.timestamp_trunc(arg_word, arg_time) AS
  teatree_system.support.trunc_timestamp(arg_word, CAST(arg_time AS TIMESTAMP), 'timestamp without time zone');
CREATE MACRO teatree_system.support.trunc_in_zone(arg_word, arg_time, arg_zone) AS
  CASE WHEN teatree_system.support.is_clock_unit(arg_word)
       THEN arg_time - (timezone(arg_zone, arg_time) - CAST(system.main.date_trunc(teatree_system.support.plain_unit(arg_word, 'timestamp with time zone'), timezone(arg_zone, arg_time)) AS TIMESTAMP))
       ELSE timezone(arg_zone, teatree_system.support.trunc_timestamp(arg_word, timezone(arg_zone, arg_time), 'timestamp with time zone')) END;
CREATE MACRO teatree_system.pg.timestamptz_trunc(arg_word, arg_time) AS
  teatree_system.support.trunc_in_zone(arg_word, CAST(arg_time AS TIMESTAMPTZ), system.main.current_setting('TimeZone'));
CREATE MACRO teatree_system.pg.timestamptz_trunc_zone(arg_word, arg_time, arg_zone) AS
  teatree_system.support.trunc_in_zone(arg_word, CAST(arg_time AS TIMESTAMPTZ), arg_zone);

-- date_part gives floats; a second and what is less of it have a fraction. DuckDB counts years before Christ otherwise.
CREATE MACRO teatree_system.support.part_unit(arg_word, arg_type) AS
  CASE WHEN teatree_system.support.is_clock_unit(arg_word) OR teatree_system.support.is_day_unit(arg_word) OR teatree_system.support.is_long_unit(arg_word)
         OR regexp_full_match(arg_word, '(?i)dow|isodow|doy|isoyear|timezone|timezone_hour|timezone_minute') THEN replace(lower(arg_word), 'qtr', 'quarter')
       WHEN regexp_full_match(arg_word, '(?i)epoch|j|jd|julian') THEN 'day'
       WHEN arg_word IS NOT NULL THEN teatree_system.support.unknown_unit(arg_word, arg_type) END;
CREATE MACRO teatree_system.support.time_part(arg_word, arg_time, arg_type) AS
  CASE WHEN regexp_full_match(arg_word, '(?i)s|secs?|seconds?') THEN datepart('microsecond', arg_time) / 1000000::DOUBLE
    WHEN regexp_full_match(arg_word, '(?i)ms|msecs?|mseconds?|milliseconds?') THEN datepart('microsecond', arg_time) / 1000::DOUBLE
    WHEN lower(arg_word) = 'epoch' THEN epoch_us(arg_time) / 1000000::DOUBLE
    WHEN regexp_full_match(arg_word, '(?i)j|jd|julian') THEN julian(arg_time)
    WHEN (teatree_system.support.is_long_unit(arg_word) OR regexp_full_match(arg_word, '(?i)isoyear|y|yrs?|years?')) AND system.main.year(arg_time) <= 1
      THEN CAST(error('[0A000] unit "' || lower(arg_word) || '" of a time before Christ is not supported') AS DOUBLE)
    ELSE CAST(datepart(teatree_system.support.part_unit(arg_word, arg_type), arg_time) AS DOUBLE) END;
CREATE MACRO teatree_system.pg.timestamp_part(arg_word, arg_time) AS
  CASE WHEN starts_with(lower(arg_word), 'timezone') THEN teatree_system.support.unknown_unit(arg_word, 'timestamp without time zone')
       ELSE teatree_system.support.time_part(arg_word, CAST(arg_time AS TIMESTAMP), 'timestamp without time zone') END;
CREATE MACRO teatree_system.pg.timestamptz_part(arg_word, arg_time) AS
  CASE WHEN lower(arg_word) = 'epoch' THEN epoch_us(CAST(arg_time AS TIMESTAMPTZ)) / 1000000::DOUBLE
       WHEN starts_with(lower(arg_word), 'timezone')
       THEN CAST(datepart(teatree_system.support.part_unit(arg_word, 'timestamp with time zone'), CAST(arg_time AS TIMESTAMPTZ)) AS DOUBLE)
       ELSE teatree_system.support.time_part(arg_word, teatree_system.support.local_of(arg_time), 'timestamp with time zone') END;

-- A day that is in no calendar is an error. Year -1 is 1 BC.
CREATE MACRO teatree_system.support.no_date(arg_year, arg_month, arg_day) AS
  error('[22008] date field value out of range: ' || arg_year || '-' || right('0' || arg_month, 2) || '-' || right('0' || arg_day, 2));
CREATE MACRO teatree_system.support.date_of(arg_year, arg_month, arg_day, arg_astronomical) AS
  CASE WHEN arg_year = 0 OR arg_month NOT BETWEEN 1 AND 12 OR arg_day < 1
            OR arg_day > CASE WHEN arg_month IN (4, 6, 9, 11) THEN 30 WHEN arg_month <> 2 THEN 31
              WHEN arg_astronomical % 4 = 0 AND (arg_astronomical % 100 <> 0 OR arg_astronomical % 400 = 0) THEN 29 ELSE 28 END
       THEN teatree_system.support.no_date(arg_year, arg_month, arg_day)
       ELSE system.main.make_date(arg_astronomical, arg_month, arg_day) END;
CREATE MACRO teatree_system.pg.make_date(arg_year, arg_month, arg_day) AS
  CAST(teatree_system.support.date_of(arg_year, arg_month, arg_day, CASE WHEN arg_year < 0 THEN arg_year + 1 ELSE arg_year END) AS DATE);
-- Microseconds of the day; second 60 is the next minute's first, and 24:00:00 is the day's end.
CREATE MACRO teatree_system.support.micros_of_day(arg_hour, arg_minute, arg_second) AS
  CASE WHEN arg_hour IS NULL OR arg_minute IS NULL OR arg_second IS NULL THEN NULL
       WHEN arg_hour BETWEEN 0 AND 24 AND arg_minute BETWEEN 0 AND 59 AND arg_second >= 0 AND arg_second <= 60
            AND arg_hour * 3600000000 + arg_minute * 60000000::BIGINT + round_even(CAST(arg_second AS DOUBLE) * 1000000, 0) <= 86400000000
       THEN CAST(arg_hour * 3600000000 + arg_minute * 60000000::BIGINT + round_even(CAST(arg_second AS DOUBLE) * 1000000, 0) AS BIGINT)
       ELSE error('[22008] time field value out of range: ' || arg_hour || ':' || right('0' || arg_minute, 2) || ':' || arg_second) END;
CREATE MACRO teatree_system.pg.make_time(arg_hour, arg_minute, arg_second) AS
  CASE WHEN teatree_system.support.micros_of_day(arg_hour, arg_minute, arg_second) = 86400000000 THEN TIME '24:00:00'
       ELSE TIME '00:00:00' + to_microseconds(teatree_system.support.micros_of_day(arg_hour, arg_minute, arg_second)) END;
CREATE MACRO teatree_system.pg.make_timestamp(arg_year, arg_month, arg_day, arg_hour, arg_minute, arg_second) AS
  CAST(teatree_system.pg.make_date(arg_year, arg_month, arg_day) AS TIMESTAMP)
    + to_microseconds(teatree_system.support.micros_of_day(arg_hour, arg_minute, arg_second));

-- Zones. Before ICU's come PostgreSQL's abbreviations, which mean one offset all the year, and POSIX's
-- offsets, whose sign counts to the west.
CREATE MACRO teatree_system.support.is_posix_zone(arg_zone) AS
  regexp_matches(arg_zone, '^(([A-Za-z]{3,}|<[^>]*>)[+-]?|[+-])\d{1,2}(:\d{2}){0,2}$');
CREATE MACRO teatree_system.support.clock_seconds(arg_clock) AS
  CAST(system.main.split_part(arg_clock, ':', 1) AS INTEGER) * 3600 + coalesce(CAST(nullif(system.main.split_part(arg_clock, ':', 2), '') AS INTEGER), 0) * 60
    + coalesce(CAST(nullif(system.main.split_part(arg_clock, ':', 3), '') AS INTEGER), 0);
CREATE MACRO teatree_system.support.posix_seconds(arg_zone) AS
  CASE WHEN regexp_matches(arg_zone, '-\d') THEN 1 ELSE -1 END * teatree_system.support.clock_seconds(regexp_extract(arg_zone, '\d{1,2}(:\d{2}){0,2}$'));
CREATE MACRO teatree_system.support.abbreviation_seconds(arg_zone) AS
  MAP {'UTC': 0, 'GMT': 0, 'UT': 0, 'UCT': 0, 'Z': 0, 'ZULU': 0, 'WET': 0, 'EST': -18000, 'EDT': -14400, 'CST': -21600, 'CDT': -18000, 'MST': -25200,
    'MDT': -21600, 'PST': -28800, 'PDT': -25200, 'AKST': -32400, 'AKDT': -28800, 'HST': -36000, 'AST': -14400, 'ADT': -10800, 'NST': -12600, 'NDT': -9000,
    'BST': 3600, 'CET': 3600, 'CEST': 7200, 'MET': 3600, 'MEST': 7200, 'EET': 7200, 'EEST': 10800, 'IST': 7200, 'IDT': 10800, 'SAST': 7200, 'EAT': 10800, 'WAT': 3600,
    'PKT': 18000, 'ICT': 25200, 'HKT': 28800, 'SGT': 28800, 'AWST': 28800, 'JST': 32400, 'KST': 32400, 'ACST': 34200, 'ACDT': 37800, 'AEST': 36000, 'AEDT': 39600,
    'NZST': 43200, 'NZDT': 46800}[upper(arg_zone)];
CREATE MACRO teatree_system.support.zone_seconds(arg_zone) AS
  coalesce(teatree_system.support.abbreviation_seconds(arg_zone),
    CASE WHEN teatree_system.support.is_posix_zone(arg_zone) THEN teatree_system.support.posix_seconds(arg_zone) END);
CREATE MACRO teatree_system.pg.timestamptz_zone(arg_zone, arg_time) AS
  list_transform([teatree_system.support.zone_seconds(arg_zone)], lambda s:
    CASE WHEN s IS NOT NULL THEN timezone('UTC', CAST(arg_time AS TIMESTAMPTZ)) + to_seconds(s) ELSE timezone(arg_zone, CAST(arg_time AS TIMESTAMPTZ)) END)[1];
CREATE MACRO teatree_system.pg.timestamp_zone(arg_zone, arg_time) AS
  list_transform([teatree_system.support.zone_seconds(arg_zone)], lambda s:
    CASE WHEN s IS NOT NULL THEN timezone('UTC', CAST(arg_time AS TIMESTAMP) - to_seconds(s)) ELSE timezone(arg_zone, CAST(arg_time AS TIMESTAMP)) END)[1];
CREATE MACRO teatree_system.support.zone_micros(arg_span) AS
  CASE WHEN teatree_system.support.months_of(arg_span) <> 0 OR teatree_system.support.days_of(arg_span) <> 0
       THEN error('[22023] interval time zone "' || arg_span || '" must not include months or days') ELSE teatree_system.support.micros_of(arg_span) END;
CREATE MACRO teatree_system.pg.timestamptz_izone(arg_span, arg_time) AS
  timezone('UTC', CAST(arg_time AS TIMESTAMPTZ)) + to_microseconds(teatree_system.support.zone_micros(arg_span));
CREATE MACRO teatree_system.pg.timestamp_izone(arg_span, arg_time) AS
  timezone('UTC', CAST(arg_time AS TIMESTAMP) - to_microseconds(teatree_system.support.zone_micros(arg_span)));
-- make_timestamptz reads an offset as ISO 8601 does, to the east.
CREATE MACRO teatree_system.pg.make_timestamptz(arg_year, arg_month, arg_day, arg_hour, arg_minute, arg_second) AS
  timezone(system.main.current_setting('TimeZone'), teatree_system.pg.make_timestamp(arg_year, arg_month, arg_day, arg_hour, arg_minute, arg_second)),
  (arg_year, arg_month, arg_day, arg_hour, arg_minute, arg_second, arg_zone) AS
  CASE WHEN regexp_matches(arg_zone, '^[+-]\d{1,2}(:\d{2}){0,2}$')
       THEN timezone('UTC', teatree_system.pg.make_timestamp(arg_year, arg_month, arg_day, arg_hour, arg_minute, arg_second)
         - to_seconds(CASE WHEN left(arg_zone, 1) = '-' THEN -1 ELSE 1 END * teatree_system.support.clock_seconds(substr(arg_zone, 2))))
       WHEN regexp_matches(arg_zone, '^\d') THEN error('[22023] invalid input syntax for type numeric time zone: "' || arg_zone || '"')
       ELSE teatree_system.pg.timestamp_zone(arg_zone, teatree_system.pg.make_timestamp(arg_year, arg_month, arg_day, arg_hour, arg_minute, arg_second)) END;
CREATE MACRO teatree_system.pg.make_timestamptz_at_timezone(arg_year, arg_month, arg_day, arg_hour, arg_minute, arg_second, arg_zone) AS
  teatree_system.pg.make_timestamptz(arg_year, arg_month, arg_day, arg_hour, arg_minute, arg_second, arg_zone);

-- Series with a step of zero have no end.
CREATE MACRO teatree_system.support.step_of(arg_step) AS CASE WHEN arg_step = 0 THEN error('[22023] step size cannot equal zero') ELSE arg_step END;
CREATE MACRO teatree_system.pg.generate_series_step_int4(arg_first, arg_last, arg_step) AS
  system.main.generate_series(arg_first, arg_last, teatree_system.support.step_of(arg_step));
CREATE MACRO teatree_system.pg.generate_series_step_int8(arg_first, arg_last, arg_step) AS
  system.main.generate_series(arg_first, arg_last, teatree_system.support.step_of(arg_step));
CREATE MACRO teatree_system.pg.generate_series_numeric(arg_first, arg_last) AS
  [arg_first + n FOR n IN range(0, CAST(floor(arg_last - arg_first) AS BIGINT) + 1)];
CREATE MACRO teatree_system.pg.generate_series_step_numeric(arg_first, arg_last, arg_step) AS
  [arg_first + n * arg_step FOR n IN range(0, CAST(floor(CAST(arg_last - arg_first AS DOUBLE) / teatree_system.support.step_of(arg_step) + 0.000000001) AS BIGINT) + 1)];

-- A date has no fraction.
CREATE MACRO teatree_system.pg.extract_epoch_date(arg_date) AS CAST(epoch(arg_date) AS DECIMAL(18, 0));
