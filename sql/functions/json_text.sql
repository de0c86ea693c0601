-- JSON as PostgreSQL prints it. A macro has a fixed number of arguments, so each number has one of its own.

-- A value in JSON, by what also writes results.
CREATE MACRO teatree_system.support.json_string(arg_text) AS CAST(system.main.to_json(CAST(arg_text AS VARCHAR)) AS VARCHAR);
CREATE MACRO teatree_system.support.json_value(arg_value) AS
  teatree_json(arg_value, system.main.current_setting('TimeZone'), '');
CREATE MACRO teatree_system.support.json_part(arg_value) AS coalesce(teatree_system.support.json_value(arg_value), 'null');
CREATE MACRO teatree_system.support.key_text(arg_key) AS teatree_system.support.json_string(teatree_system.pg.text(arg_key));
CREATE MACRO teatree_system.support.json_key(arg_key, arg_place) AS
  CASE WHEN arg_key IS NULL THEN error('[22023] argument ' || arg_place || ': key must not be null')
       ELSE teatree_system.support.key_text(arg_key) END;

CREATE MACRO teatree_system.pg.to_json(arg_value) AS CAST(teatree_system.support.json_value(arg_value) AS JSON);
CREATE MACRO teatree_system.pg.to_jsonb(arg_value) AS teatree_system.pg.jsonb_in(teatree_system.support.json_value(arg_value));
CREATE MACRO teatree_system.pg.array_to_json(arg_items) AS teatree_system.pg.to_json(arg_items);

CREATE MACRO teatree_system.pg.json_build_object() AS CAST('{}' AS JSON),
  (arg_1) AS
    CAST(error('[22023] argument list must have even number of elements') AS JSON),
  (arg_1, arg_2) AS
    CAST('{' || teatree_system.support.json_key(arg_1, 1) || ' : ' || teatree_system.support.json_part(arg_2) || '}' AS JSON),
  (arg_1, arg_2, arg_3) AS
    CAST(error('[22023] argument list must have even number of elements') AS JSON),
  (arg_1, arg_2, arg_3, arg_4) AS
    CAST('{' || teatree_system.support.json_key(arg_1, 1) || ' : ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_key(arg_3, 3) || ' : ' || teatree_system.support.json_part(arg_4) || '}' AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5) AS
    CAST(error('[22023] argument list must have even number of elements') AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6) AS
    CAST('{' || teatree_system.support.json_key(arg_1, 1) || ' : ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_key(arg_3, 3) || ' : ' || teatree_system.support.json_part(arg_4)
       || ', ' || teatree_system.support.json_key(arg_5, 5) || ' : ' || teatree_system.support.json_part(arg_6) || '}' AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7) AS
    CAST(error('[22023] argument list must have even number of elements') AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8) AS
    CAST('{' || teatree_system.support.json_key(arg_1, 1) || ' : ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_key(arg_3, 3) || ' : ' || teatree_system.support.json_part(arg_4)
       || ', ' || teatree_system.support.json_key(arg_5, 5) || ' : ' || teatree_system.support.json_part(arg_6) || ', ' || teatree_system.support.json_key(arg_7, 7) || ' : ' || teatree_system.support.json_part(arg_8) || '}' AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9) AS
    CAST(error('[22023] argument list must have even number of elements') AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10) AS
    CAST('{' || teatree_system.support.json_key(arg_1, 1) || ' : ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_key(arg_3, 3) || ' : ' || teatree_system.support.json_part(arg_4)
       || ', ' || teatree_system.support.json_key(arg_5, 5) || ' : ' || teatree_system.support.json_part(arg_6) || ', ' || teatree_system.support.json_key(arg_7, 7) || ' : ' || teatree_system.support.json_part(arg_8)
       || ', ' || teatree_system.support.json_key(arg_9, 9) || ' : ' || teatree_system.support.json_part(arg_10) || '}' AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11) AS
    CAST(error('[22023] argument list must have even number of elements') AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12) AS
    CAST('{' || teatree_system.support.json_key(arg_1, 1) || ' : ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_key(arg_3, 3) || ' : ' || teatree_system.support.json_part(arg_4)
       || ', ' || teatree_system.support.json_key(arg_5, 5) || ' : ' || teatree_system.support.json_part(arg_6) || ', ' || teatree_system.support.json_key(arg_7, 7) || ' : ' || teatree_system.support.json_part(arg_8)
       || ', ' || teatree_system.support.json_key(arg_9, 9) || ' : ' || teatree_system.support.json_part(arg_10) || ', ' || teatree_system.support.json_key(arg_11, 11) || ' : ' || teatree_system.support.json_part(arg_12) || '}' AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13) AS
    CAST(error('[22023] argument list must have even number of elements') AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14) AS
    CAST('{' || teatree_system.support.json_key(arg_1, 1) || ' : ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_key(arg_3, 3) || ' : ' || teatree_system.support.json_part(arg_4)
       || ', ' || teatree_system.support.json_key(arg_5, 5) || ' : ' || teatree_system.support.json_part(arg_6) || ', ' || teatree_system.support.json_key(arg_7, 7) || ' : ' || teatree_system.support.json_part(arg_8)
       || ', ' || teatree_system.support.json_key(arg_9, 9) || ' : ' || teatree_system.support.json_part(arg_10) || ', ' || teatree_system.support.json_key(arg_11, 11) || ' : ' || teatree_system.support.json_part(arg_12)
       || ', ' || teatree_system.support.json_key(arg_13, 13) || ' : ' || teatree_system.support.json_part(arg_14) || '}' AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15) AS
    CAST(error('[22023] argument list must have even number of elements') AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16) AS
    CAST('{' || teatree_system.support.json_key(arg_1, 1) || ' : ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_key(arg_3, 3) || ' : ' || teatree_system.support.json_part(arg_4)
       || ', ' || teatree_system.support.json_key(arg_5, 5) || ' : ' || teatree_system.support.json_part(arg_6) || ', ' || teatree_system.support.json_key(arg_7, 7) || ' : ' || teatree_system.support.json_part(arg_8)
       || ', ' || teatree_system.support.json_key(arg_9, 9) || ' : ' || teatree_system.support.json_part(arg_10) || ', ' || teatree_system.support.json_key(arg_11, 11) || ' : ' || teatree_system.support.json_part(arg_12)
       || ', ' || teatree_system.support.json_key(arg_13, 13) || ' : ' || teatree_system.support.json_part(arg_14) || ', ' || teatree_system.support.json_key(arg_15, 15) || ' : ' || teatree_system.support.json_part(arg_16) || '}' AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17) AS
    CAST(error('[22023] argument list must have even number of elements') AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18) AS
    CAST('{' || teatree_system.support.json_key(arg_1, 1) || ' : ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_key(arg_3, 3) || ' : ' || teatree_system.support.json_part(arg_4)
       || ', ' || teatree_system.support.json_key(arg_5, 5) || ' : ' || teatree_system.support.json_part(arg_6) || ', ' || teatree_system.support.json_key(arg_7, 7) || ' : ' || teatree_system.support.json_part(arg_8)
       || ', ' || teatree_system.support.json_key(arg_9, 9) || ' : ' || teatree_system.support.json_part(arg_10) || ', ' || teatree_system.support.json_key(arg_11, 11) || ' : ' || teatree_system.support.json_part(arg_12)
       || ', ' || teatree_system.support.json_key(arg_13, 13) || ' : ' || teatree_system.support.json_part(arg_14) || ', ' || teatree_system.support.json_key(arg_15, 15) || ' : ' || teatree_system.support.json_part(arg_16)
       || ', ' || teatree_system.support.json_key(arg_17, 17) || ' : ' || teatree_system.support.json_part(arg_18) || '}' AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19) AS
    CAST(error('[22023] argument list must have even number of elements') AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19, arg_20) AS
    CAST('{' || teatree_system.support.json_key(arg_1, 1) || ' : ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_key(arg_3, 3) || ' : ' || teatree_system.support.json_part(arg_4)
       || ', ' || teatree_system.support.json_key(arg_5, 5) || ' : ' || teatree_system.support.json_part(arg_6) || ', ' || teatree_system.support.json_key(arg_7, 7) || ' : ' || teatree_system.support.json_part(arg_8)
       || ', ' || teatree_system.support.json_key(arg_9, 9) || ' : ' || teatree_system.support.json_part(arg_10) || ', ' || teatree_system.support.json_key(arg_11, 11) || ' : ' || teatree_system.support.json_part(arg_12)
       || ', ' || teatree_system.support.json_key(arg_13, 13) || ' : ' || teatree_system.support.json_part(arg_14) || ', ' || teatree_system.support.json_key(arg_15, 15) || ' : ' || teatree_system.support.json_part(arg_16)
       || ', ' || teatree_system.support.json_key(arg_17, 17) || ' : ' || teatree_system.support.json_part(arg_18) || ', ' || teatree_system.support.json_key(arg_19, 19) || ' : ' || teatree_system.support.json_part(arg_20) || '}' AS JSON);
CREATE MACRO teatree_system.pg.json_build_array() AS CAST('[]' AS JSON),
  (arg_1) AS
    CAST('[' || teatree_system.support.json_part(arg_1) || ']' AS JSON),
  (arg_1, arg_2) AS
    CAST('[' || teatree_system.support.json_part(arg_1) || ', ' || teatree_system.support.json_part(arg_2) || ']' AS JSON),
  (arg_1, arg_2, arg_3) AS
    CAST('[' || teatree_system.support.json_part(arg_1) || ', ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_part(arg_3) || ']' AS JSON),
  (arg_1, arg_2, arg_3, arg_4) AS
    CAST('[' || teatree_system.support.json_part(arg_1) || ', ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_part(arg_3) || ', ' || teatree_system.support.json_part(arg_4) || ']' AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5) AS
    CAST('[' || teatree_system.support.json_part(arg_1) || ', ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_part(arg_3) || ', ' || teatree_system.support.json_part(arg_4)
       || ', ' || teatree_system.support.json_part(arg_5) || ']' AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6) AS
    CAST('[' || teatree_system.support.json_part(arg_1) || ', ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_part(arg_3) || ', ' || teatree_system.support.json_part(arg_4)
       || ', ' || teatree_system.support.json_part(arg_5) || ', ' || teatree_system.support.json_part(arg_6) || ']' AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7) AS
    CAST('[' || teatree_system.support.json_part(arg_1) || ', ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_part(arg_3) || ', ' || teatree_system.support.json_part(arg_4)
       || ', ' || teatree_system.support.json_part(arg_5) || ', ' || teatree_system.support.json_part(arg_6) || ', ' || teatree_system.support.json_part(arg_7) || ']' AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8) AS
    CAST('[' || teatree_system.support.json_part(arg_1) || ', ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_part(arg_3) || ', ' || teatree_system.support.json_part(arg_4)
       || ', ' || teatree_system.support.json_part(arg_5) || ', ' || teatree_system.support.json_part(arg_6) || ', ' || teatree_system.support.json_part(arg_7) || ', ' || teatree_system.support.json_part(arg_8) || ']' AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9) AS
    CAST('[' || teatree_system.support.json_part(arg_1) || ', ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_part(arg_3) || ', ' || teatree_system.support.json_part(arg_4)
       || ', ' || teatree_system.support.json_part(arg_5) || ', ' || teatree_system.support.json_part(arg_6) || ', ' || teatree_system.support.json_part(arg_7) || ', ' || teatree_system.support.json_part(arg_8)
       || ', ' || teatree_system.support.json_part(arg_9) || ']' AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10) AS
    CAST('[' || teatree_system.support.json_part(arg_1) || ', ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_part(arg_3) || ', ' || teatree_system.support.json_part(arg_4)
       || ', ' || teatree_system.support.json_part(arg_5) || ', ' || teatree_system.support.json_part(arg_6) || ', ' || teatree_system.support.json_part(arg_7) || ', ' || teatree_system.support.json_part(arg_8)
       || ', ' || teatree_system.support.json_part(arg_9) || ', ' || teatree_system.support.json_part(arg_10) || ']' AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11) AS
    CAST('[' || teatree_system.support.json_part(arg_1) || ', ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_part(arg_3) || ', ' || teatree_system.support.json_part(arg_4)
       || ', ' || teatree_system.support.json_part(arg_5) || ', ' || teatree_system.support.json_part(arg_6) || ', ' || teatree_system.support.json_part(arg_7) || ', ' || teatree_system.support.json_part(arg_8)
       || ', ' || teatree_system.support.json_part(arg_9) || ', ' || teatree_system.support.json_part(arg_10) || ', ' || teatree_system.support.json_part(arg_11) || ']' AS JSON),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12) AS
    CAST('[' || teatree_system.support.json_part(arg_1) || ', ' || teatree_system.support.json_part(arg_2) || ', ' || teatree_system.support.json_part(arg_3) || ', ' || teatree_system.support.json_part(arg_4)
       || ', ' || teatree_system.support.json_part(arg_5) || ', ' || teatree_system.support.json_part(arg_6) || ', ' || teatree_system.support.json_part(arg_7) || ', ' || teatree_system.support.json_part(arg_8)
       || ', ' || teatree_system.support.json_part(arg_9) || ', ' || teatree_system.support.json_part(arg_10) || ', ' || teatree_system.support.json_part(arg_11) || ', ' || teatree_system.support.json_part(arg_12) || ']' AS JSON);
CREATE MACRO teatree_system.pg.jsonb_build_object() AS CAST('{}' AS JSON),
  (arg_1) AS teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1)),
  (arg_1, arg_2) AS teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2)),
  (arg_1, arg_2, arg_3) AS teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3)),
  (arg_1, arg_2, arg_3, arg_4) AS teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4)),
  (arg_1, arg_2, arg_3, arg_4, arg_5) AS teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4, arg_5)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6) AS teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7) AS teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8) AS teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9) AS
    teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10) AS
    teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11) AS
    teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12) AS
    teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13) AS
    teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14) AS
    teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15) AS
    teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16) AS
    teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17) AS
    teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18) AS
    teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19) AS
    teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19, arg_20) AS
    teatree_system.pg.jsonb_in(teatree_system.pg.json_build_object(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19, arg_20));
CREATE MACRO teatree_system.pg.jsonb_build_array() AS CAST('[]' AS JSON),
  (arg_1) AS teatree_system.pg.jsonb_in(teatree_system.pg.json_build_array(arg_1)),
  (arg_1, arg_2) AS teatree_system.pg.jsonb_in(teatree_system.pg.json_build_array(arg_1, arg_2)),
  (arg_1, arg_2, arg_3) AS teatree_system.pg.jsonb_in(teatree_system.pg.json_build_array(arg_1, arg_2, arg_3)),
  (arg_1, arg_2, arg_3, arg_4) AS teatree_system.pg.jsonb_in(teatree_system.pg.json_build_array(arg_1, arg_2, arg_3, arg_4)),
  (arg_1, arg_2, arg_3, arg_4, arg_5) AS teatree_system.pg.jsonb_in(teatree_system.pg.json_build_array(arg_1, arg_2, arg_3, arg_4, arg_5)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6) AS teatree_system.pg.jsonb_in(teatree_system.pg.json_build_array(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7) AS teatree_system.pg.jsonb_in(teatree_system.pg.json_build_array(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8) AS teatree_system.pg.jsonb_in(teatree_system.pg.json_build_array(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9) AS
    teatree_system.pg.jsonb_in(teatree_system.pg.json_build_array(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10) AS
    teatree_system.pg.jsonb_in(teatree_system.pg.json_build_array(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11) AS
    teatree_system.pg.jsonb_in(teatree_system.pg.json_build_array(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12) AS
    teatree_system.pg.jsonb_in(teatree_system.pg.json_build_array(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12));

-- What json_agg and json_object_agg make of the lists of their arguments. Rows stand on lines of their own.
CREATE MACRO teatree_system.pg.json_list(arg_items) AS
  CAST(teatree_json(arg_items, system.main.current_setting('TimeZone'), 'list') AS JSON);
CREATE MACRO teatree_system.pg.jsonb_list(arg_items) AS
  teatree_system.pg.jsonb_in(teatree_json(arg_items, system.main.current_setting('TimeZone'), 'list'));
CREATE MACRO teatree_system.pg.json_object_list(arg_pairs) AS
  CAST(teatree_json(arg_pairs, system.main.current_setting('TimeZone'), 'object') AS JSON);
CREATE MACRO teatree_system.pg.jsonb_object_list(arg_pairs) AS
  teatree_system.pg.jsonb_in(teatree_json(arg_pairs, system.main.current_setting('TimeZone'), 'object'));
CREATE MACRO teatree_system.pg.json_object_agg(arg_key, arg_value) AS
  teatree_system.pg.json_object_list(list({'key': arg_key, 'value': arg_value}));
CREATE MACRO teatree_system.pg.jsonb_object_agg(arg_key, arg_value) AS
  teatree_system.pg.jsonb_object_list(list({'key': arg_key, 'value': arg_value}));

CREATE MACRO teatree_system.support.json_of_texts(arg_keys, arg_texts) AS
  CASE WHEN len(arg_keys) <> len(arg_texts) THEN error('[2202E] mismatched array dimensions')
       ELSE '{' || coalesce(list_aggregate(list_transform(list_zip(arg_keys, arg_texts), lambda p: CASE WHEN p[1] IS NULL THEN error('[22004] null value not allowed for object key')
         ELSE teatree_system.support.json_string(p[1]) || ' : ' || coalesce(teatree_system.support.json_string(p[2]), 'null') END), 'string_agg', ', '), '') || '}' END;
CREATE MACRO teatree_system.support.json_of_pairs(arg_items) AS
  CASE WHEN len(arg_items) % 2 = 1 THEN error('[2202E] array must have even number of elements')
       ELSE teatree_system.support.json_of_texts([arg_items[n] FOR n IN range(1, len(arg_items), 2)], [arg_items[n + 1] FOR n IN range(1, len(arg_items), 2)]) END;
CREATE MACRO teatree_system.pg.json_object(arg_items) AS CAST(teatree_system.support.json_of_pairs(arg_items) AS JSON),
  (arg_keys, arg_texts) AS CAST(teatree_system.support.json_of_texts(arg_keys, arg_texts) AS JSON);
CREATE MACRO teatree_system.pg.json_object_two_arg(arg_keys, arg_texts) AS CAST(teatree_system.support.json_of_texts(arg_keys, arg_texts) AS JSON);
CREATE MACRO teatree_system.pg.jsonb_object(arg_items) AS teatree_system.pg.jsonb_in(teatree_system.support.json_of_pairs(arg_items)),
  (arg_keys, arg_texts) AS teatree_system.pg.jsonb_in(teatree_system.support.json_of_texts(arg_keys, arg_texts));
CREATE MACRO teatree_system.pg.jsonb_object_two_arg(arg_keys, arg_texts) AS
  teatree_system.pg.jsonb_in(teatree_system.support.json_of_texts(arg_keys, arg_texts));

CREATE MACRO teatree_system.support.set_lax(arg_json, arg_path, arg_new, arg_create, arg_treatment) AS
    CASE WHEN arg_json IS NULL OR arg_path IS NULL OR arg_create IS NULL THEN NULL
         WHEN arg_new IS NOT NULL THEN teatree_system.pg.jsonb_set(arg_json, arg_path, arg_new, arg_create)
         ELSE CASE arg_treatment WHEN 'use_json_null' THEN teatree_system.pg.jsonb_set(arg_json, arg_path, 'null', arg_create)
           WHEN 'delete_key' THEN teatree_system.pg.jsonb_delete_path(arg_json, arg_path) WHEN 'return_target' THEN CAST(arg_json AS JSON)
           WHEN 'raise_exception' THEN error('[22004] JSON value must not be null')
           ELSE error('[22023] null_value_treatment must be "delete_key", "return_target", "use_json_null", or "raise_exception"') END END;
CREATE MACRO teatree_system.pg.jsonb_set_lax(arg_json, arg_path, arg_new) AS teatree_system.support.set_lax(arg_json, arg_path, arg_new, true, 'use_json_null'),
  (arg_json, arg_path, arg_new, arg_create) AS teatree_system.support.set_lax(arg_json, arg_path, arg_new, arg_create, 'use_json_null'),
  (arg_json, arg_path, arg_new, arg_create, arg_treatment) AS teatree_system.support.set_lax(arg_json, arg_path, arg_new, arg_create, arg_treatment);
