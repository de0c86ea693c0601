-- information_schema's triggers: a row for each event, and for each column of UPDATE OF.

CREATE VIEW teatree_system.support.trigger_event AS
SELECT t.*, e.bit, e.event FROM teatree_system.support.trigger_entry t
JOIN (VALUES (4, 'INSERT'), (8, 'DELETE'), (16, 'UPDATE')) e(bit, event) ON (t.kind & e.bit) > 0;

CREATE VIEW teatree_system.information.triggers AS
SELECT current_database() AS trigger_catalog, schema_name AS trigger_schema, name AS trigger_name,
  event AS event_manipulation, current_database() AS event_object_catalog, schema_name AS event_object_schema,
  table_name AS event_object_table,
  CAST(rank() OVER (PARTITION BY schema_name, table_name, bit ORDER BY name) AS INTEGER) AS action_order,
  NULL::VARCHAR AS action_condition, statement AS action_statement, 'STATEMENT' AS action_orientation,
  'AFTER' AS action_timing, old_table AS action_reference_old_table, new_table AS action_reference_new_table,
  NULL::VARCHAR AS action_reference_old_row, NULL::VARCHAR AS action_reference_new_row, NULL::TIMESTAMPTZ AS created
FROM teatree_system.support.trigger_event;

CREATE VIEW teatree_system.information.triggered_update_columns AS
SELECT current_database() AS trigger_catalog, schema_name AS trigger_schema, name AS trigger_name,
  current_database() AS event_object_catalog, schema_name AS event_object_schema,
  table_name AS event_object_table, unnest(columns) AS event_object_column
FROM teatree_system.support.trigger_entry WHERE columns IS NOT NULL;
