-- Rows and arrays as JSON.

CREATE MACRO teatree_system.pg.row_to_json(arg_row) AS teatree_system.pg.to_json(arg_row);
CREATE MACRO teatree_system.support.pretty(arg_value, arg_is_pretty) AS
  CAST(CASE WHEN arg_is_pretty THEN teatree_json(arg_value, system.main.current_setting('TimeZone'), 'pretty') WHEN NOT arg_is_pretty THEN teatree_system.support.json_value(arg_value) END AS JSON);
CREATE MACRO teatree_system.pg.array_to_json_pretty(arg_items, arg_is_pretty) AS teatree_system.support.pretty(arg_items, arg_is_pretty);
CREATE MACRO teatree_system.pg.row_to_json_pretty(arg_row, arg_is_pretty) AS teatree_system.support.pretty(arg_row, arg_is_pretty);
