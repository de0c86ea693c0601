-- Arrays, strings and bytes, where DuckDB lacks PostgreSQL's functions or has other names for them.

CREATE MACRO teatree_system.pg.array_append(arg_items, arg_item) AS list_append(arg_items, arg_item);
CREATE MACRO teatree_system.pg.array_prepend(arg_item, arg_items) AS list_prepend(arg_item, arg_items);
CREATE MACRO teatree_system.pg.array_cat(arg_items, arg_more) AS
  CASE WHEN arg_items IS NOT NULL OR arg_more IS NOT NULL THEN list_concat(arg_items, arg_more) END;
CREATE MACRO teatree_system.pg.array_replace(arg_items, arg_old, arg_new) AS
  [CASE WHEN i IS NOT DISTINCT FROM arg_old THEN arg_new ELSE i END FOR i IN arg_items];
CREATE MACRO teatree_system.pg.array_positions(arg_items, arg_item) AS
  [CAST(n AS INTEGER) FOR n IN range(1, len(arg_items) + 1) IF arg_items[n] IS NOT DISTINCT FROM arg_item];
CREATE MACRO teatree_system.pg.textoctetlen(arg_text) AS CAST(strlen(arg_text) AS INTEGER);
CREATE MACRO teatree_system.pg.bytealength(arg_bytes) AS CAST(system.main.octet_length(CAST(arg_bytes AS BLOB)) AS INTEGER);
CREATE MACRO teatree_system.pg.byteaoctetlen(arg_bytes) AS CAST(system.main.octet_length(CAST(arg_bytes AS BLOB)) AS INTEGER);
CREATE MACRO teatree_system.pg.pg_convert_from(arg_bytes, arg_encoding) AS system.main.decode(CAST(arg_bytes AS BLOB));
CREATE MACRO teatree_system.pg.pg_convert_to(arg_text, arg_encoding) AS system.main.encode(arg_text);
CREATE MACRO teatree_system.pg.to_hex32(arg_number) AS lower(system.main.to_hex(CASE WHEN arg_number < 0 THEN 4294967296 + arg_number ELSE arg_number END));
CREATE MACRO teatree_system.pg.to_hex64(arg_number) AS lower(system.main.to_hex(arg_number));
CREATE MACRO teatree_system.pg.clock_timestamp() AS system.main.now();
CREATE MACRO teatree_system.pg.statement_timestamp() AS system.main.now();
CREATE MACRO teatree_system.pg.time_mi_time(arg_left, arg_right) AS
  to_microseconds(epoch_us(DATE '2000-01-01' + arg_left) - epoch_us(DATE '2000-01-01' + arg_right));

-- Lengths by dimension; an empty array has none. Dimensions behind the first are counted in JSON, which takes elements of any type.
CREATE MACRO teatree_system.pg.array_length(arg_items, arg_dimension) AS
  CASE WHEN len(arg_items) = 0 THEN NULL WHEN arg_dimension = 1 THEN CAST(len(arg_items) AS INTEGER)
       WHEN arg_dimension > 1 AND arg_dimension * 2 <= length(regexp_extract(typeof(arg_items), '(\[\])*$'))
       THEN CAST(nullif(system.main.json_array_length(system.main.to_json(arg_items), '$' || system.main.repeat('[0]', CAST(arg_dimension - 1 AS BIGINT))), 0) AS INTEGER) END;
CREATE MACRO teatree_system.pg.array_upper(arg_items, arg_dimension) AS teatree_system.pg.array_length(arg_items, arg_dimension);
CREATE MACRO teatree_system.pg.array_lower(arg_items, arg_dimension) AS
  CASE WHEN teatree_system.pg.array_length(arg_items, arg_dimension) IS NOT NULL THEN 1 END;
-- Vectors of the catalogue begin with 0.
CREATE MACRO teatree_system.pg.vector_lower(arg_items, arg_dimension) AS CASE WHEN arg_dimension = 1 AND len(arg_items) > 0 THEN 0 END;
CREATE MACRO teatree_system.pg.vector_upper(arg_items, arg_dimension) AS
  CASE WHEN arg_dimension = 1 AND len(arg_items) > 0 THEN CAST(len(arg_items) - 1 AS INTEGER) END;
CREATE MACRO teatree_system.pg.vector_subscripts(arg_items, arg_dimension) AS
  unnest(CAST(range(0, CASE WHEN arg_dimension = 1 THEN len(arg_items) ELSE 0 END) AS INTEGER[]));
CREATE MACRO teatree_system.pg.array_ndims(arg_items) AS
  CASE WHEN len(arg_items) > 0 THEN CAST(length(regexp_extract(typeof(arg_items), '(\[\])*$')) // 2 AS INTEGER) END;
CREATE MACRO teatree_system.pg.array_dims(arg_items) AS
  CASE WHEN len(arg_items) > 0 THEN '[1:' || len(arg_items) || ']' || coalesce('[1:' || teatree_system.pg.array_length(arg_items, 2) || ']', '')
    || coalesce('[1:' || teatree_system.pg.array_length(arg_items, 3) || ']', '') END;
CREATE MACRO teatree_system.pg.array_cardinality(arg_items) AS
  CAST(len(arg_items) * coalesce(teatree_system.pg.array_length(arg_items, 2), 1) * coalesce(teatree_system.pg.array_length(arg_items, 3), 1) AS INTEGER);
CREATE MACRO teatree_system.pg.cardinality(arg_items) AS teatree_system.pg.array_cardinality(arg_items);
CREATE MACRO teatree_system.pg.array_position_start(arg_items, arg_item, arg_start) AS
  CASE WHEN arg_start IS NULL THEN error('[22004] initial position must not be null')
       ELSE CAST(nullif(list_position(arg_items[greatest(arg_start, 1):], arg_item), 0) + greatest(arg_start, 1) - 1 AS INTEGER) END;
CREATE MACRO teatree_system.pg.array_position(arg_items, arg_item) AS CAST(nullif(list_position(arg_items, arg_item), 0) AS INTEGER),
  (arg_items, arg_item, arg_start) AS teatree_system.pg.array_position_start(arg_items, arg_item, arg_start);
CREATE MACRO teatree_system.pg.array_fill(arg_item, arg_sizes) AS
  CASE WHEN arg_sizes IS NULL THEN error('[22004] dimension array or low bound array cannot be null')
       WHEN len(arg_sizes) > 1 THEN error('[0A000] array_fill of more than one dimension is not supported')
       WHEN arg_sizes[1] < 0 THEN error('[54000] array size exceeds the maximum allowed')
       ELSE [arg_item FOR n IN range(0, coalesce(arg_sizes[1], 0))] END;
CREATE MACRO teatree_system.pg.trim_array(arg_items, arg_count) AS
  CASE WHEN arg_count < 0 OR arg_count > len(arg_items) THEN error('[2202E] number of elements to trim must be between 0 and ' || len(arg_items))
       ELSE arg_items[1:len(arg_items) - arg_count] END;
CREATE MACRO teatree_system.pg.generate_subscripts_nodir(arg_items, arg_dimension) AS
  unnest(CAST(range(1, coalesce(teatree_system.pg.array_length(arg_items, arg_dimension), 0) + 1) AS INTEGER[]));
CREATE MACRO teatree_system.pg.generate_subscripts(arg_items, arg_dimension) AS teatree_system.pg.generate_subscripts_nodir(arg_items, arg_dimension),
  (arg_items, arg_dimension, arg_reverse) AS
    unnest(CAST(CASE WHEN arg_reverse THEN list_reverse(range(1, coalesce(teatree_system.pg.array_length(arg_items, arg_dimension), 0) + 1))
      ELSE range(1, coalesce(teatree_system.pg.array_length(arg_items, arg_dimension), 0) + 1) END AS INTEGER[]));
CREATE MACRO teatree_system.pg.generate_subscripts(arg_items, arg_dimension) AS TABLE
    (SELECT CAST(range AS INTEGER) AS generate_subscripts FROM range(1, coalesce(teatree_system.pg.array_length(arg_items, arg_dimension), 0) + 1)),
  (arg_items, arg_dimension, arg_reverse) AS TABLE
    (SELECT CASE WHEN arg_reverse THEN teatree_system.pg.array_length(arg_items, arg_dimension) + 1 - CAST(range AS INTEGER)
       ELSE CAST(range AS INTEGER) END AS generate_subscripts
     FROM range(1, coalesce(teatree_system.pg.array_length(arg_items, arg_dimension), 0) + 1));
