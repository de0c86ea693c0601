-- information_schema, as the SQL standard and PostgreSQL 15 have it. All privileges belong to everyone.

CREATE VIEW teatree_system.information.schemata AS
SELECT current_database() AS catalog_name, name AS schema_name, 'postgres' AS schema_owner,
  NULL::VARCHAR AS default_character_set_catalog, NULL::VARCHAR AS default_character_set_schema,
  NULL::VARCHAR AS default_character_set_name, NULL::VARCHAR AS sql_path
FROM teatree_system.support.schema_entry;

CREATE VIEW teatree_system.information.tables AS
SELECT current_database() AS table_catalog, n.name AS table_schema, r.name AS table_name,
  CASE WHEN r.is_temporary THEN 'LOCAL TEMPORARY' WHEN r.kind = 'v' THEN 'VIEW' ELSE 'BASE TABLE' END AS table_type,
  NULL::VARCHAR AS self_referencing_column_name, NULL::VARCHAR AS reference_generation,
  NULL::VARCHAR AS user_defined_type_catalog, NULL::VARCHAR AS user_defined_type_schema,
  NULL::VARCHAR AS user_defined_type_name,
  CASE WHEN r.kind = 'v' THEN 'NO' ELSE 'YES' END AS is_insertable_into, 'NO' AS is_typed,
  NULL::VARCHAR AS commit_action
FROM (SELECT name, namespace_oid, kind, is_temporary FROM teatree_system.support.user_relation
      UNION ALL SELECT name, namespace_oid, kind, false FROM teatree_system.support.system_relation) r
JOIN teatree_system.support.schema_entry n ON n.oid = r.namespace_oid
WHERE r.kind IN ('r', 'v');

-- What a type tells of each column that has it.
CREATE VIEW teatree_system.support.described_type AS
SELECT t.oid, t.typname, n.name AS schema_name, CASE WHEN t.typcategory = 'A' THEN 'ARRAY' ELSE t.sqlname END AS data_type,
  CASE WHEN t.typname IN ('text', 'varchar', 'bpchar') THEN 1073741824 END AS octet_length,
  CASE t.typname WHEN 'int2' THEN 16 WHEN 'int4' THEN 32 WHEN 'int8' THEN 64 WHEN 'float4' THEN 24 WHEN 'float8' THEN 53 END AS binary_precision,
  CASE WHEN t.typname IN ('int2', 'int4', 'int8', 'float4', 'float8') THEN 2 WHEN t.typname = 'numeric' THEN 10 END AS radix,
  CASE WHEN t.typname IN ('int2', 'int4', 'int8') THEN 0 END AS integer_scale,
  CASE WHEN t.typname = 'date' THEN 0
       WHEN t.typname IN ('time', 'timetz', 'timestamp', 'timestamptz', 'interval') THEN 6 END AS datetime_precision
FROM teatree_system.support.any_type t JOIN teatree_system.support.schema_entry n ON n.oid = t.namespace_oid;

CREATE VIEW teatree_system.information.columns AS
SELECT current_database() AS table_catalog, n.name AS table_schema, r.name AS table_name,
  c.name AS column_name, CAST(c.number AS INTEGER) AS ordinal_position, CASE c.generated WHEN '' THEN c.column_default END AS column_default,
  CASE WHEN c.not_null THEN 'NO' ELSE 'YES' END AS is_nullable,
  t.data_type,
  CASE WHEN t.typname IN ('varchar', 'bpchar') AND c.type_modifier >= 4 THEN c.type_modifier - 4 END AS character_maximum_length,
  CASE WHEN t.typname IN ('varchar', 'bpchar') AND c.type_modifier >= 4 THEN (c.type_modifier - 4) * 4
       ELSE t.octet_length END AS character_octet_length,
  CASE WHEN t.typname = 'numeric' AND c.type_modifier >= 4 THEN (c.type_modifier - 4) // 65536 ELSE t.binary_precision END AS numeric_precision,
  t.radix AS numeric_precision_radix,
  CASE WHEN t.typname = 'numeric' AND c.type_modifier >= 4 THEN (c.type_modifier - 4) % 65536 ELSE t.integer_scale END AS numeric_scale,
  CASE WHEN t.datetime_precision = 6 AND c.type_modifier >= 0 THEN CAST(least(c.type_modifier % 65536, 6) AS INTEGER)
       ELSE t.datetime_precision END AS datetime_precision,
  NULL::VARCHAR AS interval_type, NULL::INTEGER AS interval_precision,
  NULL::VARCHAR AS character_set_catalog, NULL::VARCHAR AS character_set_schema,
  NULL::VARCHAR AS character_set_name, NULL::VARCHAR AS collation_catalog,
  NULL::VARCHAR AS collation_schema, NULL::VARCHAR AS collation_name, NULL::VARCHAR AS domain_catalog,
  NULL::VARCHAR AS domain_schema, NULL::VARCHAR AS domain_name, current_database() AS udt_catalog,
  t.schema_name AS udt_schema, t.typname AS udt_name, NULL::VARCHAR AS scope_catalog,
  NULL::VARCHAR AS scope_schema, NULL::VARCHAR AS scope_name, NULL::INTEGER AS maximum_cardinality,
  CAST(c.number AS VARCHAR) AS dtd_identifier, 'NO' AS is_self_referencing,
  CASE WHEN c.identity = '' THEN 'NO' ELSE 'YES' END AS is_identity,
  CASE c.identity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END AS identity_generation,
  CAST(s.start_value AS VARCHAR) AS identity_start, CAST(s.increment_by AS VARCHAR) AS identity_increment,
  CAST(s.max_value AS VARCHAR) AS identity_maximum, CAST(s.min_value AS VARCHAR) AS identity_minimum,
  CASE WHEN s.cycle THEN 'YES' ELSE 'NO' END AS identity_cycle, CASE c.generated WHEN 's' THEN 'ALWAYS' ELSE 'NEVER' END AS is_generated,
  CASE c.generated WHEN 's' THEN c.column_default END AS generation_expression, CASE WHEN r.kind = 'v' THEN 'NO' ELSE 'YES' END AS is_updatable
FROM (SELECT table_oid, name, number, column_default, not_null, type_oid, type_modifier, identity, generated,
             CASE WHEN identity <> '' THEN owned_sequence END AS sequence_name
      FROM teatree_system.support.column_entry
      UNION ALL
      SELECT table_oid, name, number, NULL, false, type_oid, -1, '', '', NULL FROM teatree_system.support.system_column) c
JOIN (SELECT oid, name, namespace_oid, kind FROM teatree_system.support.user_relation
      UNION ALL
      SELECT oid, name, namespace_oid, kind FROM teatree_system.support.system_relation) r ON r.oid = c.table_oid
JOIN teatree_system.support.schema_entry n ON n.oid = r.namespace_oid
JOIN teatree_system.support.described_type t ON t.oid = c.type_oid
LEFT JOIN teatree_system.support.sequence_entry s ON s.written_name = c.sequence_name
WHERE r.kind <> 'm';

CREATE VIEW teatree_system.information.table_constraints AS
SELECT current_database() AS constraint_catalog, n.name AS constraint_schema, k.name AS constraint_name,
  current_database() AS table_catalog, n.name AS table_schema, k.table_name,
  CASE k.kind WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' WHEN 'f' THEN 'FOREIGN KEY'
    ELSE 'CHECK' END AS constraint_type,
  CASE WHEN k.is_deferrable THEN 'YES' ELSE 'NO' END AS is_deferrable,
  CASE WHEN k.is_deferred THEN 'YES' ELSE 'NO' END AS initially_deferred, 'YES' AS enforced,
  CASE WHEN k.kind = 'u' THEN 'YES' END AS nulls_distinct
FROM teatree_system.support.constraint_entry k
JOIN teatree_system.support.schema_entry n ON n.oid = k.namespace_oid;

CREATE VIEW teatree_system.information.key_column_usage AS
SELECT current_database() AS constraint_catalog, n.name AS constraint_schema, k.name AS constraint_name,
  current_database() AS table_catalog, n.name AS table_schema, k.table_name,
  k.column_names[k.position] AS column_name, CAST(k.position AS INTEGER) AS ordinal_position,
  CASE WHEN k.kind = 'f' THEN CAST(k.position AS INTEGER) END AS position_in_unique_constraint
FROM (SELECT *, unnest(range(1, len(column_names) + 1)) AS position
      FROM teatree_system.support.constraint_entry WHERE kind <> 'c') k
JOIN teatree_system.support.schema_entry n ON n.oid = k.namespace_oid;

CREATE MACRO teatree_system.support.rule_text(of_action) AS
  CASE of_action WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL'
    WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION' END;
CREATE VIEW teatree_system.information.referential_constraints AS
SELECT current_database() AS constraint_catalog, n.name AS constraint_schema, c.conname AS constraint_name,
  CASE WHEN u.name IS NOT NULL THEN current_database() END AS unique_constraint_catalog,
  un.name AS unique_constraint_schema, u.name AS unique_constraint_name,
  CASE c.confmatchtype WHEN 'f' THEN 'FULL' ELSE 'NONE' END AS match_option,
  teatree_system.support.rule_text(c.confupdtype) AS update_rule,
  teatree_system.support.rule_text(c.confdeltype) AS delete_rule
FROM teatree_system.pg.pg_constraint c
JOIN teatree_system.support.schema_entry n ON n.oid = c.connamespace
LEFT JOIN teatree_system.support.constraint_entry u ON u.index_oid = c.conindid
LEFT JOIN teatree_system.support.schema_entry un ON un.oid = u.namespace_oid
WHERE c.contype = 'f';

CREATE VIEW teatree_system.information.constraint_column_usage AS
SELECT current_database() AS table_catalog,
  CASE WHEN k.kind <> 'f' THEN n.name WHEN k.referenced_schema = 'main' THEN 'public'
       ELSE k.referenced_schema END AS table_schema,
  CASE WHEN k.kind = 'f' THEN k.referenced_table ELSE k.table_name END AS table_name,
  unnest(CASE WHEN k.kind = 'f' THEN k.referenced_column_names ELSE k.column_names END) AS column_name,
  current_database() AS constraint_catalog, n.name AS constraint_schema, k.name AS constraint_name
FROM teatree_system.support.constraint_entry k
JOIN teatree_system.support.schema_entry n ON n.oid = k.namespace_oid;

CREATE VIEW teatree_system.information.constraint_table_usage AS
SELECT current_database() AS table_catalog,
  CASE WHEN k.kind <> 'f' THEN n.name WHEN k.referenced_schema = 'main' THEN 'public' ELSE k.referenced_schema END AS table_schema,
  CASE WHEN k.kind = 'f' THEN k.referenced_table ELSE k.table_name END AS table_name,
  current_database() AS constraint_catalog, n.name AS constraint_schema, k.name AS constraint_name
FROM teatree_system.support.constraint_entry k
JOIN teatree_system.support.schema_entry n ON n.oid = k.namespace_oid WHERE k.kind <> 'c';

CREATE VIEW teatree_system.information.check_constraints AS
SELECT current_database() AS constraint_catalog, n.name AS constraint_schema, k.name AS constraint_name,
       '(' || s.expression || ')' AS check_clause
FROM teatree_system.support.constraint_entry k
JOIN teatree_system.support.shown_check s ON s.oid = k.oid
JOIN teatree_system.support.schema_entry n ON n.oid = k.namespace_oid WHERE k.kind = 'c';

CREATE VIEW teatree_system.information.views AS
SELECT current_database() AS table_catalog, n.name AS table_schema, v.name AS table_name,
  v.definition AS view_definition, 'NONE' AS check_option, 'NO' AS is_updatable,
  'NO' AS is_insertable_into, 'NO' AS is_trigger_updatable, 'NO' AS is_trigger_deletable,
  'NO' AS is_trigger_insertable_into
FROM teatree_system.support.view_text v JOIN teatree_system.support.schema_entry n ON n.oid = v.namespace_oid
WHERE NOT v.is_materialized;

CREATE VIEW teatree_system.information.sequences AS
SELECT current_database() AS sequence_catalog, schemaname AS sequence_schema, sequencename AS sequence_name,
  CASE data_type WHEN 21 THEN 'smallint' WHEN 23 THEN 'integer' ELSE 'bigint' END AS data_type,
  CASE data_type WHEN 21 THEN 16 WHEN 23 THEN 32 ELSE 64 END::INTEGER AS numeric_precision, 2::INTEGER AS numeric_precision_radix,
  0::INTEGER AS numeric_scale, CAST(start_value AS VARCHAR) AS start_value,
  CAST(min_value AS VARCHAR) AS minimum_value, CAST(max_value AS VARCHAR) AS maximum_value,
  CAST(increment_by AS VARCHAR) AS increment, CASE WHEN cycle THEN 'YES' ELSE 'NO' END AS cycle_option
FROM teatree_system.pg.pg_sequences
-- An identity's is the column's own.
WHERE concat('"', CASE schemaname WHEN 'public' THEN 'main' ELSE replace(schemaname, '"', '""') END, '"."', replace(sequencename, '"', '""'), '"')
  NOT IN (SELECT owned_sequence FROM teatree_system.support.column_entry WHERE identity <> '' AND owned_sequence IS NOT NULL);

CREATE VIEW teatree_system.information.character_sets AS
SELECT NULL::VARCHAR AS character_set_catalog, NULL::VARCHAR AS character_set_schema,
  'UTF8' AS character_set_name, 'UCS' AS character_repertoire, 'UTF8' AS form_of_use,
  current_database() AS default_collate_catalog, 'pg_catalog' AS default_collate_schema,
  'C' AS default_collate_name;

CREATE VIEW teatree_system.information.information_schema_catalog_name AS
SELECT current_database() AS catalog_name;
