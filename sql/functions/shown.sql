-- Texts of values inside of expressions, where DuckDB writes them otherwise, and what casts to
-- lengths and precisions do.

CREATE MACRO teatree_system.pg.float8_text(arg_number) AS teatree_float8_text(CAST(arg_number AS DOUBLE));
CREATE MACRO teatree_system.pg.float4_text(arg_number) AS teatree_float4_text(CAST(CAST(arg_number AS REAL) AS VARCHAR));
CREATE MACRO teatree_system.pg.boolout(arg_value) AS CASE WHEN arg_value THEN 't' WHEN NOT arg_value THEN 'f' END;

-- An element of an array: in quotes where it would be read as something else.
CREATE MACRO teatree_system.pg.array_element(arg_text) AS
  CASE WHEN arg_text IS NULL THEN 'NULL'
       WHEN arg_text = '' OR lower(arg_text) = 'null' OR regexp_matches(arg_text, '[\s,{}"\\]')
       THEN '"' || replace(replace(arg_text, '\', '\\'), '"', '\"') || '"'
       ELSE arg_text END;
CREATE MACRO teatree_system.pg.array_of_texts(arg_texts) AS
  '{' || coalesce(list_aggregate([teatree_system.pg.array_element(i) FOR i IN arg_texts], 'string_agg', ','), '') || '}';
CREATE MACRO teatree_system.pg.array_text(arg_items) AS
  teatree_system.pg.array_of_texts(CAST(arg_items AS VARCHAR[]));
CREATE MACRO teatree_system.pg.array_bool_text(arg_items) AS
  teatree_system.pg.array_of_texts([teatree_system.pg.boolout(i) FOR i IN arg_items]);
CREATE MACRO teatree_system.pg.array_float8_text(arg_items) AS
  teatree_system.pg.array_of_texts([teatree_system.pg.float8_text(i) FOR i IN arg_items]);
CREATE MACRO teatree_system.pg.array_float4_text(arg_items) AS
  teatree_system.pg.array_of_texts([teatree_system.pg.float4_text(i) FOR i IN arg_items]);

-- `x = ANY (list)`, with its three answers.
CREATE MACRO teatree_system.pg.is_member(arg_items, arg_item) AS
  CASE WHEN len(arg_items) = 0 THEN false
       WHEN arg_item IS NULL OR arg_items IS NULL THEN NULL
       WHEN list_contains(arg_items, arg_item) THEN true
       WHEN list_count(arg_items) < len(arg_items) THEN NULL
       ELSE false END;

CREATE MACRO teatree_system.pg.char_trim(arg_text) AS rtrim(arg_text, ' ');

-- Microseconds rounded to so many places of seconds.
CREATE MACRO teatree_system.pg.rounded_micros(arg_micros, arg_places) AS
  CAST(round(CAST(arg_micros AS DECIMAL(38, 6)) / power(10, 6 - arg_places)::INTEGER, 0) AS BIGINT) * power(10, 6 - arg_places)::BIGINT;
CREATE MACRO teatree_system.pg.timestamp_scale(arg_time, arg_places) AS
  CASE WHEN isfinite(arg_time) THEN system.main.make_timestamp(teatree_system.pg.rounded_micros(epoch_us(arg_time), arg_places)) ELSE arg_time END;
CREATE MACRO teatree_system.pg.timestamptz_scale(arg_time, arg_places) AS
  CASE WHEN isfinite(arg_time) THEN system.main.make_timestamptz(teatree_system.pg.rounded_micros(epoch_us(arg_time), arg_places)) ELSE arg_time END;
CREATE MACRO teatree_system.pg.time_scale(arg_time, arg_places) AS
  CAST(system.main.make_timestamp(teatree_system.pg.rounded_micros(epoch_us(arg_time), arg_places)) AS TIME);

-- Vectors of the catalogue, which are no arrays to a reader.
CREATE MACRO teatree_system.pg.int2vectorout(arg_vector) AS system.main.array_to_string(arg_vector, ' ');
CREATE MACRO teatree_system.pg.oidvectorout(arg_vector) AS system.main.array_to_string(arg_vector, ' ');
