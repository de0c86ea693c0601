-- A row as JSON.

CREATE MACRO teatree_system.pg.row_to_json(arg_row) AS system.main.to_json(arg_row);
