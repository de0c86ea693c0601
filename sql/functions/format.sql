-- to_char, to_date and their like, over the functions in Rust. Each has the name of PostgreSQL's own code.

-- An interval's months, days and microseconds.
CREATE MACRO teatree_system.support.months_of(arg_span) AS CAST(datepart('year', arg_span) * 12 + datepart('month', arg_span) AS INTEGER);
CREATE MACRO teatree_system.support.days_of(arg_span) AS CAST(datepart('day', arg_span) AS INTEGER);
CREATE MACRO teatree_system.support.micros_of(arg_span) AS
  CAST(datepart('hour', arg_span) * 3600000000 + datepart('minute', arg_span) * 60000000 + datepart('microsecond', arg_span) AS BIGINT);
-- A time in the session's zone, as a plain timestamp.
CREATE MACRO teatree_system.support.local_of(arg_time) AS CAST(timezone(system.main.current_setting('TimeZone'), CAST(arg_time AS TIMESTAMPTZ)) AS TIMESTAMP);

CREATE MACRO teatree_system.pg.timestamp_to_char(arg_time, arg_template) AS teatree_to_char_timestamp(CAST(arg_time AS TIMESTAMP), arg_template);
CREATE MACRO teatree_system.pg.timestamptz_to_char(arg_time, arg_template) AS
  teatree_to_char_timestamptz(teatree_system.support.local_of(arg_time),
    CAST(epoch(teatree_system.support.local_of(arg_time)) - epoch(CAST(arg_time AS TIMESTAMPTZ)) AS INTEGER),
    system.main.current_setting('TimeZone'), arg_template);
CREATE MACRO teatree_system.pg.interval_to_char(arg_span, arg_template) AS
  teatree_to_char_interval(teatree_system.support.months_of(arg_span), teatree_system.support.days_of(arg_span), teatree_system.support.micros_of(arg_span), arg_template);
CREATE MACRO teatree_system.pg.numeric_to_char(arg_number, arg_template) AS teatree_to_char_numeric(CAST(arg_number AS VARCHAR), arg_template);
CREATE MACRO teatree_system.pg.int4_to_char(arg_number, arg_template) AS teatree_to_char_int(CAST(arg_number AS BIGINT), arg_template);
CREATE MACRO teatree_system.pg.int8_to_char(arg_number, arg_template) AS teatree_to_char_int(CAST(arg_number AS BIGINT), arg_template);
CREATE MACRO teatree_system.pg.float4_to_char(arg_number, arg_template) AS teatree_to_char_float(CAST(arg_number AS DOUBLE), arg_template);
CREATE MACRO teatree_system.pg.float8_to_char(arg_number, arg_template) AS teatree_to_char_float(CAST(arg_number AS DOUBLE), arg_template);

CREATE MACRO teatree_system.pg.to_date(arg_text, arg_template) AS teatree_to_date(arg_text, arg_template);
CREATE MACRO teatree_system.pg.to_timestamp(arg_seconds) AS system.main.to_timestamp(CAST(arg_seconds AS DOUBLE)),
  (arg_text, arg_template) AS
  CASE WHEN teatree_to_timestamp_offset(arg_text, arg_template) IS NULL
       THEN timezone(system.main.current_setting('TimeZone'), teatree_to_timestamp_local(arg_text, arg_template))
       ELSE timezone('UTC', teatree_to_timestamp_local(arg_text, arg_template) - to_seconds(teatree_to_timestamp_offset(arg_text, arg_template))) END;
CREATE MACRO teatree_system.pg.numeric_to_number(arg_text, arg_template) AS CAST(teatree_to_number(arg_text, arg_template) AS DECIMAL(38,10));

CREATE MACRO teatree_system.pg.initcap(arg_text) AS teatree_initcap(arg_text);
CREATE MACRO teatree_system.pg.text_format_nv(arg_template) AS teatree_format(arg_template, []::VARCHAR[]);
CREATE MACRO teatree_system.pg.text_format(arg_template, arg_1) AS teatree_format(arg_template, [CAST(arg_1 AS VARCHAR)]),
  (arg_template, arg_1, arg_2) AS teatree_format(arg_template, [CAST(arg_1 AS VARCHAR), CAST(arg_2 AS VARCHAR)]),
  (arg_template, arg_1, arg_2, arg_3) AS teatree_format(arg_template, [CAST(arg_1 AS VARCHAR), CAST(arg_2 AS VARCHAR), CAST(arg_3 AS VARCHAR)]),
  (arg_template, arg_1, arg_2, arg_3, arg_4) AS teatree_format(arg_template, [CAST(arg_1 AS VARCHAR), CAST(arg_2 AS VARCHAR), CAST(arg_3 AS VARCHAR), CAST(arg_4 AS VARCHAR)]);
CREATE MACRO teatree_system.pg.width_bucket_float8(arg_number, arg_low, arg_high, arg_count) AS
  teatree_width_bucket(CAST(arg_number AS DOUBLE), CAST(arg_low AS DOUBLE), CAST(arg_high AS DOUBLE), CAST(arg_count AS INTEGER));
CREATE MACRO teatree_system.pg.width_bucket_numeric(arg_number, arg_low, arg_high, arg_count) AS
  teatree_width_bucket(CAST(arg_number AS DOUBLE), CAST(arg_low AS DOUBLE), CAST(arg_high AS DOUBLE), CAST(arg_count AS INTEGER));

CREATE MACRO teatree_system.pg.timestamp_bin(arg_stride, arg_source, arg_origin) AS
  teatree_date_bin(teatree_system.support.months_of(arg_stride), teatree_system.support.days_of(arg_stride), teatree_system.support.micros_of(arg_stride),
    CAST(arg_source AS TIMESTAMP), CAST(arg_origin AS TIMESTAMP));
CREATE MACRO teatree_system.pg.timestamptz_bin(arg_stride, arg_source, arg_origin) AS
  timezone('UTC', teatree_date_bin(teatree_system.support.months_of(arg_stride), teatree_system.support.days_of(arg_stride), teatree_system.support.micros_of(arg_stride),
    timezone('UTC', CAST(arg_source AS TIMESTAMPTZ)), timezone('UTC', CAST(arg_origin AS TIMESTAMPTZ))));
