-- PostgreSQL's functions that make JSON, over DuckDB's. A macro has a fixed number of arguments, so each
-- number has one of its own.

CREATE MACRO teatree_system.pg.json_build_object(arg_1, arg_2) AS
    json_object(CAST(arg_1 AS VARCHAR), arg_2),
  (arg_1, arg_2, arg_3, arg_4) AS
    json_object(CAST(arg_1 AS VARCHAR), arg_2, CAST(arg_3 AS VARCHAR), arg_4),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6) AS
    json_object(CAST(arg_1 AS VARCHAR), arg_2, CAST(arg_3 AS VARCHAR), arg_4, CAST(arg_5 AS VARCHAR), arg_6),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8) AS
    json_object(CAST(arg_1 AS VARCHAR), arg_2, CAST(arg_3 AS VARCHAR), arg_4, CAST(arg_5 AS VARCHAR), arg_6, CAST(arg_7 AS VARCHAR), arg_8),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10) AS
    json_object(CAST(arg_1 AS VARCHAR), arg_2, CAST(arg_3 AS VARCHAR), arg_4, CAST(arg_5 AS VARCHAR), arg_6, CAST(arg_7 AS VARCHAR), arg_8, CAST(arg_9 AS VARCHAR), arg_10),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12) AS
    json_object(CAST(arg_1 AS VARCHAR), arg_2, CAST(arg_3 AS VARCHAR), arg_4, CAST(arg_5 AS VARCHAR), arg_6, CAST(arg_7 AS VARCHAR), arg_8, CAST(arg_9 AS VARCHAR), arg_10, CAST(arg_11 AS VARCHAR), arg_12),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14) AS
    json_object(CAST(arg_1 AS VARCHAR), arg_2, CAST(arg_3 AS VARCHAR), arg_4, CAST(arg_5 AS VARCHAR), arg_6, CAST(arg_7 AS VARCHAR), arg_8, CAST(arg_9 AS VARCHAR), arg_10, CAST(arg_11 AS VARCHAR), arg_12, CAST(arg_13 AS VARCHAR), arg_14),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16) AS
    json_object(CAST(arg_1 AS VARCHAR), arg_2, CAST(arg_3 AS VARCHAR), arg_4, CAST(arg_5 AS VARCHAR), arg_6, CAST(arg_7 AS VARCHAR), arg_8, CAST(arg_9 AS VARCHAR), arg_10, CAST(arg_11 AS VARCHAR), arg_12, CAST(arg_13 AS VARCHAR), arg_14, CAST(arg_15 AS VARCHAR), arg_16);
CREATE MACRO teatree_system.pg.jsonb_build_object(arg_1, arg_2) AS
    json_object(CAST(arg_1 AS VARCHAR), arg_2),
  (arg_1, arg_2, arg_3, arg_4) AS
    json_object(CAST(arg_1 AS VARCHAR), arg_2, CAST(arg_3 AS VARCHAR), arg_4),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6) AS
    json_object(CAST(arg_1 AS VARCHAR), arg_2, CAST(arg_3 AS VARCHAR), arg_4, CAST(arg_5 AS VARCHAR), arg_6),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8) AS
    json_object(CAST(arg_1 AS VARCHAR), arg_2, CAST(arg_3 AS VARCHAR), arg_4, CAST(arg_5 AS VARCHAR), arg_6, CAST(arg_7 AS VARCHAR), arg_8),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10) AS
    json_object(CAST(arg_1 AS VARCHAR), arg_2, CAST(arg_3 AS VARCHAR), arg_4, CAST(arg_5 AS VARCHAR), arg_6, CAST(arg_7 AS VARCHAR), arg_8, CAST(arg_9 AS VARCHAR), arg_10),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12) AS
    json_object(CAST(arg_1 AS VARCHAR), arg_2, CAST(arg_3 AS VARCHAR), arg_4, CAST(arg_5 AS VARCHAR), arg_6, CAST(arg_7 AS VARCHAR), arg_8, CAST(arg_9 AS VARCHAR), arg_10, CAST(arg_11 AS VARCHAR), arg_12),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14) AS
    json_object(CAST(arg_1 AS VARCHAR), arg_2, CAST(arg_3 AS VARCHAR), arg_4, CAST(arg_5 AS VARCHAR), arg_6, CAST(arg_7 AS VARCHAR), arg_8, CAST(arg_9 AS VARCHAR), arg_10, CAST(arg_11 AS VARCHAR), arg_12, CAST(arg_13 AS VARCHAR), arg_14),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16) AS
    json_object(CAST(arg_1 AS VARCHAR), arg_2, CAST(arg_3 AS VARCHAR), arg_4, CAST(arg_5 AS VARCHAR), arg_6, CAST(arg_7 AS VARCHAR), arg_8, CAST(arg_9 AS VARCHAR), arg_10, CAST(arg_11 AS VARCHAR), arg_12, CAST(arg_13 AS VARCHAR), arg_14, CAST(arg_15 AS VARCHAR), arg_16);
CREATE MACRO teatree_system.pg.json_build_array(arg_1) AS
    json_array(arg_1),
  (arg_1, arg_2) AS
    json_array(arg_1, arg_2),
  (arg_1, arg_2, arg_3) AS
    json_array(arg_1, arg_2, arg_3),
  (arg_1, arg_2, arg_3, arg_4) AS
    json_array(arg_1, arg_2, arg_3, arg_4),
  (arg_1, arg_2, arg_3, arg_4, arg_5) AS
    json_array(arg_1, arg_2, arg_3, arg_4, arg_5),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6) AS
    json_array(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7) AS
    json_array(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8) AS
    json_array(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8);
CREATE MACRO teatree_system.pg.jsonb_build_array(arg_1) AS
    json_array(arg_1),
  (arg_1, arg_2) AS
    json_array(arg_1, arg_2),
  (arg_1, arg_2, arg_3) AS
    json_array(arg_1, arg_2, arg_3),
  (arg_1, arg_2, arg_3, arg_4) AS
    json_array(arg_1, arg_2, arg_3, arg_4),
  (arg_1, arg_2, arg_3, arg_4, arg_5) AS
    json_array(arg_1, arg_2, arg_3, arg_4, arg_5),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6) AS
    json_array(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7) AS
    json_array(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8) AS
    json_array(arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8);
CREATE MACRO teatree_system.pg.json_agg(arg_value) AS json_group_array(arg_value);
CREATE MACRO teatree_system.pg.jsonb_agg(arg_value) AS json_group_array(arg_value);
CREATE MACRO teatree_system.pg.json_object_agg(arg_name, arg_value) AS
  json_group_object(CAST(arg_name AS VARCHAR), arg_value);
CREATE MACRO teatree_system.pg.jsonb_object_agg(arg_name, arg_value) AS
  json_group_object(CAST(arg_name AS VARCHAR), arg_value);
CREATE MACRO teatree_system.pg.row_to_json(arg_row) AS to_json(arg_row);
CREATE MACRO teatree_system.pg.to_jsonb(arg_value) AS to_json(arg_value);
