-- Triggers. The view support.user_trigger is of the table in the data file, whose database's name only
-- the server knows: it makes the view before it runs this.

CREATE VIEW teatree_system.support.trigger_entry AS
SELECT teatree_system.support.object_oid(current_database(), table_schema, table_name, concat(name, chr(31), 'trigger')) AS oid,
  teatree_system.support.object_oid(current_database(), table_schema, table_name, '') AS table_oid,
  teatree_system.support.object_oid(current_database(), routine_schema, routine_signature, 'routine') AS routine_oid,
  schema_name, table_name, name, kind, is_enabled, columns, old_table, new_table, arguments, statement, full_text, short_text
FROM (SELECT *, CASE WHEN schema_name = 'public' THEN 'main' ELSE schema_name END AS table_schema
      FROM teatree_system.support.user_trigger);

CREATE VIEW teatree_system.support.lookup_trigger AS
SELECT oid AS ti_oid, full_text AS ti_full, short_text AS ti_short FROM teatree_system.support.trigger_entry;
