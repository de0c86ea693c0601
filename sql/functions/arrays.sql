-- Arrays, strings and bytes, where DuckDB lacks PostgreSQL's functions or has other names for them.

CREATE MACRO teatree_system.pg.array_append(arg_items, arg_item) AS list_append(arg_items, arg_item);
CREATE MACRO teatree_system.pg.array_prepend(arg_item, arg_items) AS list_prepend(arg_item, arg_items);
CREATE MACRO teatree_system.pg.array_cat(arg_items, arg_more) AS list_concat(arg_items, arg_more);
CREATE MACRO teatree_system.pg.array_replace(arg_items, arg_old, arg_new) AS
  [CASE WHEN i IS NOT DISTINCT FROM arg_old THEN arg_new ELSE i END FOR i IN arg_items];
CREATE MACRO teatree_system.pg.array_positions(arg_items, arg_item) AS
  [CAST(n AS INTEGER) FOR n IN range(1, len(arg_items) + 1) IF arg_items[n] IS NOT DISTINCT FROM arg_item];
CREATE MACRO teatree_system.pg.array_fill(arg_item, arg_sizes) AS [arg_item FOR n IN range(1, arg_sizes[1] + 1)];
CREATE MACRO teatree_system.pg.array_dims(arg_items) AS CASE WHEN len(arg_items) > 0 THEN '[1:' || len(arg_items) || ']' END;
CREATE MACRO teatree_system.pg.trim_array(arg_items, arg_count) AS arg_items[1:len(arg_items) - arg_count];
CREATE MACRO teatree_system.pg.lpad(arg_text, arg_length) AS system.main.lpad(arg_text, CAST(arg_length AS INTEGER), ' '),
  (arg_text, arg_length, arg_fill) AS system.main.lpad(arg_text, CAST(arg_length AS INTEGER), arg_fill);
CREATE MACRO teatree_system.pg.rpad(arg_text, arg_length) AS system.main.rpad(arg_text, CAST(arg_length AS INTEGER), ' '),
  (arg_text, arg_length, arg_fill) AS system.main.rpad(arg_text, CAST(arg_length AS INTEGER), arg_fill);
CREATE MACRO teatree_system.pg.textoverlay(arg_text, arg_new, arg_place, arg_count) AS
  left(arg_text, CAST(arg_place AS INTEGER) - 1) || arg_new || substr(arg_text, CAST(arg_place AS INTEGER) + CAST(arg_count AS INTEGER));
CREATE MACRO teatree_system.pg.textoverlay_no_len(arg_text, arg_new, arg_place) AS
  left(arg_text, CAST(arg_place AS INTEGER) - 1) || arg_new || substr(arg_text, CAST(arg_place AS INTEGER) + length(arg_new));
CREATE MACRO teatree_system.pg.textoctetlen(arg_text) AS CAST(strlen(arg_text) AS INTEGER);
CREATE MACRO teatree_system.pg.bytealength(arg_bytes) AS CAST(system.main.octet_length(CAST(arg_bytes AS BLOB)) AS INTEGER);
CREATE MACRO teatree_system.pg.byteaoctetlen(arg_bytes) AS CAST(system.main.octet_length(CAST(arg_bytes AS BLOB)) AS INTEGER);
CREATE MACRO teatree_system.pg.binary_encode(arg_bytes, arg_format) AS
  CASE arg_format WHEN 'hex' THEN lower(hex(CAST(arg_bytes AS BLOB))) WHEN 'base64' THEN to_base64(CAST(arg_bytes AS BLOB))
       WHEN 'escape' THEN CAST(CAST(arg_bytes AS BLOB) AS VARCHAR) ELSE error('[22023] unrecognized encoding: "' || arg_format || '"') END;
CREATE MACRO teatree_system.pg.binary_decode(arg_text, arg_format) AS
  CASE arg_format WHEN 'hex' THEN unhex(arg_text) WHEN 'base64' THEN from_base64(arg_text) WHEN 'escape' THEN CAST(arg_text AS BLOB)
       ELSE error('[22023] unrecognized encoding: "' || arg_format || '"') END;
CREATE MACRO teatree_system.pg.pg_convert_from(arg_bytes, arg_encoding) AS system.main.decode(CAST(arg_bytes AS BLOB));
CREATE MACRO teatree_system.pg.pg_convert_to(arg_text, arg_encoding) AS system.main.encode(arg_text);
CREATE MACRO teatree_system.pg.to_hex32(arg_number) AS lower(system.main.to_hex(CASE WHEN arg_number < 0 THEN 4294967296 + arg_number ELSE arg_number END));
CREATE MACRO teatree_system.pg.to_hex64(arg_number) AS lower(system.main.to_hex(arg_number));
CREATE MACRO teatree_system.pg.textregexsubstr(arg_text, arg_pattern) AS
  CASE WHEN NOT regexp_matches(arg_text, arg_pattern) THEN NULL
       WHEN contains(replace(replace(arg_pattern, '\(', ''), '(?', ''), '(') THEN regexp_extract(arg_text, arg_pattern, 1)
       ELSE regexp_extract(arg_text, arg_pattern, 0) END;
CREATE MACRO teatree_system.pg.clock_timestamp() AS system.main.now();
CREATE MACRO teatree_system.pg.statement_timestamp() AS system.main.now();
CREATE MACRO teatree_system.pg.time_mi_time(arg_left, arg_right) AS
  to_microseconds(epoch_us(DATE '2000-01-01' + arg_left) - epoch_us(DATE '2000-01-01' + arg_right));
