-- jsonb's and json's operators and functions, over the functions in Rust. Each has the name of PostgreSQL's
-- own code for it; one that gives many rows gives a list here.

CREATE MACRO teatree_system.pg.jsonb_in(arg_json) AS CAST(teatree_jsonb(CAST(arg_json AS VARCHAR)) AS JSON);

CREATE MACRO teatree_system.pg.jsonb_object_field(arg_json, arg_key) AS CAST(teatree_jsonb_get_field(CAST(arg_json AS VARCHAR), arg_key) AS JSON);
CREATE MACRO teatree_system.pg.jsonb_object_field_text(arg_json, arg_key) AS teatree_jsonb_get_field_text(CAST(arg_json AS VARCHAR), arg_key);
CREATE MACRO teatree_system.pg.jsonb_array_element(arg_json, arg_place) AS CAST(teatree_jsonb_get_element(CAST(arg_json AS VARCHAR), CAST(arg_place AS INTEGER)) AS JSON);
CREATE MACRO teatree_system.pg.jsonb_array_element_text(arg_json, arg_place) AS teatree_jsonb_get_element_text(CAST(arg_json AS VARCHAR), CAST(arg_place AS INTEGER));
CREATE MACRO teatree_system.pg.json_object_field(arg_json, arg_key) AS CAST(teatree_json_get_field(CAST(arg_json AS VARCHAR), arg_key) AS JSON);
CREATE MACRO teatree_system.pg.json_object_field_text(arg_json, arg_key) AS teatree_json_get_field_text(CAST(arg_json AS VARCHAR), arg_key);
CREATE MACRO teatree_system.pg.json_array_element(arg_json, arg_place) AS CAST(teatree_json_get_element(CAST(arg_json AS VARCHAR), CAST(arg_place AS INTEGER)) AS JSON);
CREATE MACRO teatree_system.pg.json_array_element_text(arg_json, arg_place) AS teatree_json_get_element_text(CAST(arg_json AS VARCHAR), CAST(arg_place AS INTEGER));

-- The path comes as one array from the operators, and as its parts from the functions.
CREATE MACRO teatree_system.support.json_path(arg_path) AS
  CASE WHEN typeof(arg_path) = 'VARCHAR' THEN [CAST(arg_path AS VARCHAR)] ELSE TRY_CAST(arg_path AS VARCHAR[]) END;
CREATE MACRO teatree_system.pg.jsonb_extract_path(arg_json, arg_path) AS CAST(teatree_jsonb_get_path(CAST(arg_json AS VARCHAR), teatree_system.support.json_path(arg_path)) AS JSON),
  (arg_json, arg_1, arg_2) AS CAST(teatree_jsonb_get_path(CAST(arg_json AS VARCHAR), [arg_1, arg_2]) AS JSON),
  (arg_json, arg_1, arg_2, arg_3) AS CAST(teatree_jsonb_get_path(CAST(arg_json AS VARCHAR), [arg_1, arg_2, arg_3]) AS JSON),
  (arg_json, arg_1, arg_2, arg_3, arg_4) AS CAST(teatree_jsonb_get_path(CAST(arg_json AS VARCHAR), [arg_1, arg_2, arg_3, arg_4]) AS JSON),
  (arg_json, arg_1, arg_2, arg_3, arg_4, arg_5) AS CAST(teatree_jsonb_get_path(CAST(arg_json AS VARCHAR), [arg_1, arg_2, arg_3, arg_4, arg_5]) AS JSON),
  (arg_json, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6) AS CAST(teatree_jsonb_get_path(CAST(arg_json AS VARCHAR), [arg_1, arg_2, arg_3, arg_4, arg_5, arg_6]) AS JSON);
CREATE MACRO teatree_system.pg.jsonb_extract_path_text(arg_json, arg_path) AS teatree_jsonb_get_path_text(CAST(arg_json AS VARCHAR), teatree_system.support.json_path(arg_path)),
  (arg_json, arg_1, arg_2) AS teatree_jsonb_get_path_text(CAST(arg_json AS VARCHAR), [arg_1, arg_2]),
  (arg_json, arg_1, arg_2, arg_3) AS teatree_jsonb_get_path_text(CAST(arg_json AS VARCHAR), [arg_1, arg_2, arg_3]),
  (arg_json, arg_1, arg_2, arg_3, arg_4) AS teatree_jsonb_get_path_text(CAST(arg_json AS VARCHAR), [arg_1, arg_2, arg_3, arg_4]),
  (arg_json, arg_1, arg_2, arg_3, arg_4, arg_5) AS teatree_jsonb_get_path_text(CAST(arg_json AS VARCHAR), [arg_1, arg_2, arg_3, arg_4, arg_5]),
  (arg_json, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6) AS teatree_jsonb_get_path_text(CAST(arg_json AS VARCHAR), [arg_1, arg_2, arg_3, arg_4, arg_5, arg_6]);
CREATE MACRO teatree_system.pg.json_extract_path(arg_json, arg_path) AS CAST(teatree_json_get_path(CAST(arg_json AS VARCHAR), teatree_system.support.json_path(arg_path)) AS JSON),
  (arg_json, arg_1, arg_2) AS CAST(teatree_json_get_path(CAST(arg_json AS VARCHAR), [arg_1, arg_2]) AS JSON),
  (arg_json, arg_1, arg_2, arg_3) AS CAST(teatree_json_get_path(CAST(arg_json AS VARCHAR), [arg_1, arg_2, arg_3]) AS JSON),
  (arg_json, arg_1, arg_2, arg_3, arg_4) AS CAST(teatree_json_get_path(CAST(arg_json AS VARCHAR), [arg_1, arg_2, arg_3, arg_4]) AS JSON),
  (arg_json, arg_1, arg_2, arg_3, arg_4, arg_5) AS CAST(teatree_json_get_path(CAST(arg_json AS VARCHAR), [arg_1, arg_2, arg_3, arg_4, arg_5]) AS JSON),
  (arg_json, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6) AS CAST(teatree_json_get_path(CAST(arg_json AS VARCHAR), [arg_1, arg_2, arg_3, arg_4, arg_5, arg_6]) AS JSON);
CREATE MACRO teatree_system.pg.json_extract_path_text(arg_json, arg_path) AS teatree_json_get_path_text(CAST(arg_json AS VARCHAR), teatree_system.support.json_path(arg_path)),
  (arg_json, arg_1, arg_2) AS teatree_json_get_path_text(CAST(arg_json AS VARCHAR), [arg_1, arg_2]),
  (arg_json, arg_1, arg_2, arg_3) AS teatree_json_get_path_text(CAST(arg_json AS VARCHAR), [arg_1, arg_2, arg_3]),
  (arg_json, arg_1, arg_2, arg_3, arg_4) AS teatree_json_get_path_text(CAST(arg_json AS VARCHAR), [arg_1, arg_2, arg_3, arg_4]),
  (arg_json, arg_1, arg_2, arg_3, arg_4, arg_5) AS teatree_json_get_path_text(CAST(arg_json AS VARCHAR), [arg_1, arg_2, arg_3, arg_4, arg_5]),
  (arg_json, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6) AS teatree_json_get_path_text(CAST(arg_json AS VARCHAR), [arg_1, arg_2, arg_3, arg_4, arg_5, arg_6]);

CREATE MACRO teatree_system.pg.jsonb_contains(arg_json, arg_other) AS teatree_jsonb_contains(CAST(arg_json AS VARCHAR), CAST(arg_other AS VARCHAR));
CREATE MACRO teatree_system.pg.jsonb_contained(arg_json, arg_other) AS teatree_jsonb_contains(CAST(arg_other AS VARCHAR), CAST(arg_json AS VARCHAR));
CREATE MACRO teatree_system.pg.jsonb_exists(arg_json, arg_key) AS teatree_jsonb_exists(CAST(arg_json AS VARCHAR), arg_key);
CREATE MACRO teatree_system.pg.jsonb_exists_any(arg_json, arg_keys) AS teatree_jsonb_exists_any(CAST(arg_json AS VARCHAR), arg_keys);
CREATE MACRO teatree_system.pg.jsonb_exists_all(arg_json, arg_keys) AS teatree_jsonb_exists_all(CAST(arg_json AS VARCHAR), arg_keys);
CREATE MACRO teatree_system.pg.jsonb_concat(arg_json, arg_other) AS CAST(teatree_jsonb_concat(CAST(arg_json AS VARCHAR), CAST(arg_other AS VARCHAR)) AS JSON);
CREATE MACRO teatree_system.pg.jsonb_delete(arg_json, arg_key) AS CAST(teatree_jsonb_delete(CAST(arg_json AS VARCHAR), arg_key) AS JSON);
CREATE MACRO teatree_system.pg.jsonb_delete_idx(arg_json, arg_place) AS CAST(teatree_jsonb_delete_element(CAST(arg_json AS VARCHAR), CAST(arg_place AS INTEGER)) AS JSON);
CREATE MACRO teatree_system.pg.jsonb_delete_array(arg_json, arg_keys) AS CAST(teatree_jsonb_delete_keys(CAST(arg_json AS VARCHAR), arg_keys) AS JSON);
CREATE MACRO teatree_system.pg.jsonb_delete_path(arg_json, arg_path) AS CAST(teatree_jsonb_delete_path(CAST(arg_json AS VARCHAR), arg_path) AS JSON);
CREATE MACRO teatree_system.pg.jsonb_eq(arg_json, arg_other) AS teatree_jsonb_compare(CAST(arg_json AS VARCHAR), CAST(arg_other AS VARCHAR)) = 0;
CREATE MACRO teatree_system.pg.jsonb_ne(arg_json, arg_other) AS teatree_jsonb_compare(CAST(arg_json AS VARCHAR), CAST(arg_other AS VARCHAR)) <> 0;
CREATE MACRO teatree_system.pg.jsonb_lt(arg_json, arg_other) AS teatree_jsonb_compare(CAST(arg_json AS VARCHAR), CAST(arg_other AS VARCHAR)) < 0;
CREATE MACRO teatree_system.pg.jsonb_le(arg_json, arg_other) AS teatree_jsonb_compare(CAST(arg_json AS VARCHAR), CAST(arg_other AS VARCHAR)) <= 0;
CREATE MACRO teatree_system.pg.jsonb_gt(arg_json, arg_other) AS teatree_jsonb_compare(CAST(arg_json AS VARCHAR), CAST(arg_other AS VARCHAR)) > 0;
CREATE MACRO teatree_system.pg.jsonb_ge(arg_json, arg_other) AS teatree_jsonb_compare(CAST(arg_json AS VARCHAR), CAST(arg_other AS VARCHAR)) >= 0;

CREATE MACRO teatree_system.pg.jsonb_set(arg_json, arg_path, arg_new) AS CAST(teatree_jsonb_set(CAST(arg_json AS VARCHAR), arg_path, CAST(arg_new AS VARCHAR), true) AS JSON),
  (arg_json, arg_path, arg_new, arg_create) AS CAST(teatree_jsonb_set(CAST(arg_json AS VARCHAR), arg_path, CAST(arg_new AS VARCHAR), arg_create) AS JSON);
CREATE MACRO teatree_system.pg.jsonb_insert(arg_json, arg_path, arg_new) AS CAST(teatree_jsonb_insert(CAST(arg_json AS VARCHAR), arg_path, CAST(arg_new AS VARCHAR), false) AS JSON),
  (arg_json, arg_path, arg_new, arg_after) AS CAST(teatree_jsonb_insert(CAST(arg_json AS VARCHAR), arg_path, CAST(arg_new AS VARCHAR), arg_after) AS JSON);
CREATE MACRO teatree_system.pg.jsonb_strip_nulls(arg_json) AS CAST(teatree_jsonb_strip_nulls(CAST(arg_json AS VARCHAR)) AS JSON);
CREATE MACRO teatree_system.pg.json_strip_nulls(arg_json) AS CAST(teatree_json_strip_nulls(CAST(arg_json AS VARCHAR)) AS JSON);
CREATE MACRO teatree_system.pg.jsonb_pretty(arg_json) AS teatree_jsonb_pretty(CAST(arg_json AS VARCHAR));
CREATE MACRO teatree_system.pg.jsonb_typeof(arg_json) AS teatree_jsonb_typeof(CAST(arg_json AS VARCHAR));
CREATE MACRO teatree_system.pg.json_typeof(arg_json) AS teatree_jsonb_typeof(CAST(arg_json AS VARCHAR));
CREATE MACRO teatree_system.pg.jsonb_array_length(arg_json) AS teatree_jsonb_array_length(CAST(arg_json AS VARCHAR));
CREATE MACRO teatree_system.pg.json_array_length(arg_json) AS teatree_json_array_length(CAST(arg_json AS VARCHAR));

CREATE MACRO teatree_system.pg.jsonb_object_keys(arg_json) AS teatree_jsonb_object_keys(CAST(arg_json AS VARCHAR));
CREATE MACRO teatree_system.pg.json_object_keys(arg_json) AS teatree_json_object_keys(CAST(arg_json AS VARCHAR));
CREATE MACRO teatree_system.pg.jsonb_array_elements(arg_json) AS CAST(teatree_jsonb_array_elements(CAST(arg_json AS VARCHAR)) AS JSON[]);
CREATE MACRO teatree_system.pg.json_array_elements(arg_json) AS CAST(teatree_json_array_elements(CAST(arg_json AS VARCHAR)) AS JSON[]);
CREATE MACRO teatree_system.pg.jsonb_array_elements_text(arg_json) AS teatree_jsonb_array_elements_text(CAST(arg_json AS VARCHAR));
CREATE MACRO teatree_system.pg.json_array_elements_text(arg_json) AS teatree_json_array_elements_text(CAST(arg_json AS VARCHAR));
CREATE MACRO teatree_system.pg.jsonb_each(arg_json) AS
  list_transform(list_zip(teatree_jsonb_object_keys(CAST(arg_json AS VARCHAR)), teatree_jsonb_each(CAST(arg_json AS VARCHAR))), lambda p: {'key': p[1], 'value': CAST(p[2] AS JSON)});
CREATE MACRO teatree_system.pg.json_each(arg_json) AS
  list_transform(list_zip(teatree_json_object_keys(CAST(arg_json AS VARCHAR)), teatree_json_each(CAST(arg_json AS VARCHAR))), lambda p: {'key': p[1], 'value': CAST(p[2] AS JSON)});
CREATE MACRO teatree_system.pg.jsonb_each_text(arg_json) AS
  list_transform(list_zip(teatree_jsonb_object_keys(CAST(arg_json AS VARCHAR)), teatree_jsonb_each_text(CAST(arg_json AS VARCHAR))), lambda p: {'key': p[1], 'value': p[2]});
CREATE MACRO teatree_system.pg.json_each_text(arg_json) AS
  list_transform(list_zip(teatree_json_object_keys(CAST(arg_json AS VARCHAR)), teatree_json_each_text(CAST(arg_json AS VARCHAR))), lambda p: {'key': p[1], 'value': p[2]});

CREATE MACRO teatree_system.pg.jsonb_path_query(arg_json, arg_path) AS CAST(teatree_jsonb_path_query(CAST(arg_json AS VARCHAR), arg_path) AS JSON[]);
CREATE MACRO teatree_system.pg.jsonb_path_query_array(arg_json, arg_path) AS CAST(teatree_jsonb_path_query_array(CAST(arg_json AS VARCHAR), arg_path) AS JSON);
CREATE MACRO teatree_system.pg.jsonb_path_query_first(arg_json, arg_path) AS CAST(teatree_jsonb_path_query_first(CAST(arg_json AS VARCHAR), arg_path) AS JSON);
CREATE MACRO teatree_system.pg.jsonb_path_exists(arg_json, arg_path) AS teatree_jsonb_path_exists(CAST(arg_json AS VARCHAR), arg_path, false);
CREATE MACRO teatree_system.pg.jsonb_path_match(arg_json, arg_path) AS teatree_jsonb_path_match(CAST(arg_json AS VARCHAR), arg_path, false);
CREATE MACRO teatree_system.pg.jsonb_path_exists_opr(arg_json, arg_path) AS teatree_jsonb_path_exists(CAST(arg_json AS VARCHAR), arg_path, true);
CREATE MACRO teatree_system.pg.jsonb_path_match_opr(arg_json, arg_path) AS teatree_jsonb_path_match(CAST(arg_json AS VARCHAR), arg_path, true);
