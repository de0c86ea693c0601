-- Texts of values inside of expressions, where DuckDB writes them otherwise, and what casts to
-- lengths and precisions do.

CREATE MACRO teatree_system.pg.float8_text(arg_number) AS teatree_float8_text(CAST(arg_number AS DOUBLE));
CREATE MACRO teatree_system.pg.float4_text(arg_number) AS teatree_float4_text(CAST(CAST(arg_number AS REAL) AS VARCHAR));
CREATE MACRO teatree_system.pg.numeric_text(arg_number) AS
  CASE WHEN typeof(arg_number) = 'DECIMAL(38,10)' THEN rtrim(rtrim(CAST(arg_number AS VARCHAR), '0'), '.')
       ELSE CAST(arg_number AS VARCHAR) END;
CREATE MACRO teatree_system.pg.boolout(arg_value) AS CASE WHEN arg_value THEN 't' WHEN NOT arg_value THEN 'f' END;

-- Arrays and rows, by what also writes results.
CREATE MACRO teatree_system.pg.array_text(arg_items) AS teatree_text(arg_items, system.main.current_setting('TimeZone'));
CREATE MACRO teatree_system.pg.record_text(arg_row) AS teatree_text(arg_row, system.main.current_setting('TimeZone'));

-- `x = ANY (list)`, with its three answers.
CREATE MACRO teatree_system.pg.is_member(arg_items, arg_item) AS
  CASE WHEN len(arg_items) = 0 THEN false
       WHEN arg_item IS NULL OR arg_items IS NULL THEN NULL
       WHEN list_contains(arg_items, arg_item) THEN true
       WHEN list_count(arg_items) < len(arg_items) THEN NULL
       ELSE false END;

-- What is assigned to a `varchar(n)` loses only blanks; a text that is still too long is refused.
CREATE MACRO teatree_system.pg.varchar_assign(arg_text, arg_length) AS
  CASE WHEN rtrim(system.main.substring(CAST(arg_text AS VARCHAR), arg_length + 1), ' ') = ''
       THEN system.main.left(CAST(arg_text AS VARCHAR), arg_length) ELSE CAST(arg_text AS VARCHAR) END;
CREATE MACRO teatree_system.pg.char_trim(arg_text) AS rtrim(arg_text, ' ');

-- Microseconds rounded to so many places of seconds.
CREATE MACRO teatree_system.pg.rounded_micros(arg_micros, arg_places) AS
  CAST(round(CAST(arg_micros AS DECIMAL(38, 6)) / power(10, 6 - arg_places)::INTEGER, 0) AS BIGINT) * power(10, 6 - arg_places)::BIGINT;
-- Halves go away from the year 2000, where PostgreSQL counts from.
CREATE MACRO teatree_system.support.rounded_since_2000(arg_micros, arg_places) AS
  teatree_system.pg.rounded_micros(arg_micros - 946684800000000, arg_places) + 946684800000000;
CREATE MACRO teatree_system.pg.timestamp_scale(arg_time, arg_places) AS
  CASE WHEN isfinite(arg_time) THEN system.main.make_timestamp(teatree_system.support.rounded_since_2000(epoch_us(arg_time), arg_places)) ELSE arg_time END;
CREATE MACRO teatree_system.pg.timestamptz_scale(arg_time, arg_places) AS
  CASE WHEN isfinite(arg_time) THEN system.main.make_timestamptz(teatree_system.support.rounded_since_2000(epoch_us(arg_time), arg_places)) ELSE arg_time END;
CREATE MACRO teatree_system.pg.time_scale(arg_time, arg_places) AS
  CAST(system.main.make_timestamp(teatree_system.pg.rounded_micros(epoch_us(arg_time), arg_places)) AS TIME);
CREATE MACRO teatree_system.pg.interval_scale(arg_span, arg_places) AS
  teatree_system.support.interval_of(teatree_system.support.months_of(arg_span), teatree_system.support.days_of(arg_span),
    teatree_system.pg.rounded_micros(teatree_system.support.micros_of(arg_span), arg_places));

-- `x LIKE ANY (list)` and `x LIKE ALL (list)`, with their three answers.
CREATE MACRO teatree_system.support.any_of(arg_tests) AS
  list_transform([arg_tests], lambda t: CASE WHEN t IS NULL THEN NULL WHEN list_contains(t, true) THEN true WHEN list_count(t) < len(t) THEN NULL ELSE false END)[1];
CREATE MACRO teatree_system.support.all_of(arg_tests) AS
  list_transform([arg_tests], lambda t: CASE WHEN t IS NULL THEN NULL WHEN list_contains(t, false) THEN false WHEN list_count(t) < len(t) THEN NULL ELSE true END)[1];
CREATE MACRO teatree_system.pg.like_any(arg_text, arg_patterns) AS teatree_system.support.any_of([arg_text LIKE p ESCAPE '\' FOR p IN arg_patterns]);
CREATE MACRO teatree_system.pg.like_all(arg_text, arg_patterns) AS teatree_system.support.all_of([arg_text LIKE p ESCAPE '\' FOR p IN arg_patterns]);
CREATE MACRO teatree_system.pg.ilike_any(arg_text, arg_patterns) AS teatree_system.support.any_of([arg_text ILIKE p ESCAPE '\' FOR p IN arg_patterns]);
CREATE MACRO teatree_system.pg.ilike_all(arg_text, arg_patterns) AS teatree_system.support.all_of([arg_text ILIKE p ESCAPE '\' FOR p IN arg_patterns]);

-- An array that is given by its text.
CREATE MACRO teatree_system.pg.text_array(arg_text) AS teatree_array_texts(CAST(arg_text AS VARCHAR));

-- Vectors of the catalogue, which are no arrays to a reader.
CREATE MACRO teatree_system.pg.int2vectorout(arg_vector) AS system.main.array_to_string(arg_vector, ' ');
CREATE MACRO teatree_system.pg.oidvectorout(arg_vector) AS system.main.array_to_string(arg_vector, ' ');
