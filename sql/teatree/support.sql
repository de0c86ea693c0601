-- What every catalogue relation is built from: the mapping of DuckDB's objects to PostgreSQL's OIDs.
-- Everything here is inside the in-memory database teatree_system, so data files stay clean.
-- All names are written in full: a macro's names are looked up where it is used.
--
-- OIDs are made of names, so that they agree between relations and connections and are the same after
-- a restart; a new name is a new OID. Those of relations are below 0x60000000. Datasets bring their
-- own, from 0x70000000. Built-in objects keep PostgreSQL's, below 16384.

-- The OID of an object by its database, schema and name, and what it belongs to or '' for a relation.
CREATE MACRO teatree_system.support.object_oid(of_database, of_schema, of_name, of_part) AS
  CAST(16384 + md5_number_lower(concat(of_database, chr(31), of_schema, chr(31), of_name, chr(31), of_part))
       % 1610596352 AS UINTEGER);

-- DuckDB's schema main is PostgreSQL's public.
CREATE MACRO teatree_system.support.schema_name(of_name) AS
  CASE WHEN of_name = 'main' THEN 'public' ELSE of_name END;
CREATE MACRO teatree_system.support.quoted(of_name) AS
  CASE WHEN regexp_full_match(of_name, '[a-z_][a-z0-9_$]*') THEN of_name
       ELSE '"' || replace(of_name, '"', '""') || '"' END;

CREATE MACRO teatree_system.support.quoted_list(of_names) AS
  system.main.array_to_string([teatree_system.support.quoted(c) FOR c IN of_names], ', ');

-- The OID of pg_namespace, from DuckDB's names.
CREATE MACRO teatree_system.support.schema_oid(of_database, of_name) AS
  CASE WHEN of_database <> 'temp' AND of_name = 'main' THEN CAST(2200 AS UINTEGER)
       WHEN of_database <> 'temp' AND of_name = 'teatree' THEN CAST(13999 AS UINTEGER)
       ELSE teatree_system.support.object_oid(of_database, of_name, '', 'schema') END;

CREATE VIEW teatree_system.support.schema_entry AS
SELECT 11::UINTEGER AS oid, 'pg_catalog' AS name, NULL AS duckdb_name, NULL AS comment
UNION ALL SELECT 13184::UINTEGER, 'information_schema', NULL, NULL
UNION ALL SELECT 99::UINTEGER, 'pg_toast', NULL, 'reserved schema for TOAST tables'
UNION ALL SELECT 13999::UINTEGER, 'teatree', NULL, 'what Teatree tells about itself'
UNION ALL
SELECT teatree_system.support.schema_oid(database_name, schema_name),
       CASE WHEN database_name = 'temp' THEN 'pg_temp_1'
            ELSE teatree_system.support.schema_name(schema_name) END,
       schema_name, comment
FROM duckdb_schemas()
WHERE (database_name = current_database() AND schema_name NOT IN ('pg_catalog', 'information_schema', 'teatree', 'teatree_internal'))
   OR (database_name = 'temp' AND schema_name = 'main');

-- Types: DuckDB's written name to the OIDs of pg_type. Nested types travel as json, enums as text.
CREATE TABLE teatree_system.support.duckdb_type (name VARCHAR, oid UINTEGER, array_oid UINTEGER);
INSERT INTO teatree_system.support.duckdb_type VALUES
('INTEGER', 23, 1007), ('BIGINT', 20, 1016), ('VARCHAR', 25, 1009), ('BOOLEAN', 16, 1000),
('DOUBLE', 701, 1022), ('FLOAT', 700, 1021), ('DATE', 1082, 1182), ('TIME', 1083, 1183),
('TIMESTAMP', 1114, 1115), ('TIMESTAMP WITH TIME ZONE', 1184, 1185), ('TIME WITH TIME ZONE', 1266, 1270),
('SMALLINT', 21, 1005), ('TINYINT', 21, 1005), ('UTINYINT', 21, 1005), ('USMALLINT', 23, 1007),
('UINTEGER', 20, 1016), ('UBIGINT', 1700, 1231), ('HUGEINT', 1700, 1231), ('UHUGEINT', 1700, 1231),
('BIGNUM', 1700, 1231), ('DECIMAL', 1700, 1231), ('INTERVAL', 1186, 1187), ('UUID', 2950, 2951),
('BLOB', 17, 1001), ('JSON', 3802, 3807), ('TIMESTAMP_S', 1114, 1115), ('TIMESTAMP_MS', 1114, 1115),
('TIMESTAMP_NS', 1114, 1115), ('TIME_NS', 1083, 1183), ('STRUCT', 114, 199), ('MAP', 114, 199),
('UNION', 114, 199), ('VARIANT', 114, 199), ('ENUM', 25, 1009), ('BIT', 25, 1009);
CREATE MACRO teatree_system.support.base_type(of_name) AS
  regexp_extract(of_name, '^[A-Z_]+( WITH TIME ZONE)?');
CREATE MACRO teatree_system.support.dimensions(of_name) AS
  CAST(len(regexp_extract(of_name, '((\[[0-9]*\])*)$')) - len(replace(regexp_extract(of_name, '((\[[0-9]*\])*)$'), ']', ''))
       AS SMALLINT);
CREATE MACRO teatree_system.support.type_modifier(of_name) AS
  CASE WHEN of_name LIKE 'DECIMAL(%' AND of_name NOT LIKE '%]' THEN
         CAST(regexp_extract(of_name, '\((\d+)', 1) AS INTEGER) * 65536
         + CAST(regexp_extract(of_name, ',\s*(\d+)', 1) AS INTEGER) + 4
       ELSE -1 END;
-- The modifier of a column's type: what was declared without a scale is kept with ten places, and is
-- shown without the zeros at their end.
CREATE MACRO teatree_system.support.column_modifier(of_name) AS
  CASE WHEN of_name = 'DECIMAL(38,10)' THEN -1 ELSE teatree_system.support.type_modifier(of_name) END;

-- Enums, with their type as DuckDB writes it: a column does not keep the name.
CREATE MACRO teatree_system.support.array_oid(of_enum_oid) AS
  CAST(16384 + (of_enum_oid - 16384 + 805298176) % 1610596352 AS UINTEGER);
CREATE VIEW teatree_system.support.user_enum AS
SELECT teatree_system.support.object_oid(database_name, schema_name, type_name, 'type') AS oid,
  teatree_system.support.array_oid(CAST(teatree_system.support.object_oid(database_name, schema_name, type_name, 'type') AS BIGINT)) AS array_oid,
  type_name AS name, teatree_system.support.schema_oid(database_name, schema_name) AS namespace_oid,
  CAST(labels AS VARCHAR[]) AS labels,
  '"' || replace(schema_name, '"', '""') || '"."' || replace(type_name, '"', '""') || '"' AS written_name,
  'ENUM(' || system.main.array_to_string(['''' || replace(l, '''', '''''') || '''' FOR l IN CAST(labels AS VARCHAR[])], ', ')
    || ')' AS written_type
FROM duckdb_types()
WHERE database_name IN (current_database(), 'temp') AND NOT internal AND schema_name <> 'teatree_internal' AND logical_type = 'ENUM'
  AND type_oid IS NOT NULL;

-- Domains: their comment has what they demand, see src/sql/define/domain.rs.
CREATE VIEW teatree_system.support.user_domain AS
SELECT d.*,
       CASE WHEN limit_length IS NULL THEN CASE WHEN dimensions > 0 THEN b.array_oid ELSE b.oid END
            WHEN limit_name = 'character varying' THEN 1043::UINTEGER ELSE 1042::UINTEGER END AS base_oid,
       coalesce(limit_length + 4, teatree_system.support.column_modifier(base)) AS base_modifier
FROM (
  SELECT teatree_system.support.object_oid(database_name, schema_name, type_name, 'type') AS oid,
    type_name AS name, teatree_system.support.schema_oid(database_name, schema_name) AS namespace_oid,
    json_extract_string(comment[8:], '$.base') AS base,
    teatree_system.support.dimensions(json_extract_string(comment[8:], '$.base')) AS dimensions,
    json_extract_string(comment[8:], '$.limit.type_name') AS limit_name,
    CAST(json_extract_string(comment[8:], '$.limit.length') AS INTEGER) AS limit_length,
    json_extract_string(comment[8:], '$.not_null') = 'true' AS not_null,
    json_extract_string(comment[8:], '$.default') AS column_default,
    json_extract_string(comment[8:], '$.comment') AS comment,
    json_extract_string(comment[8:], '$.checks[*].name') AS check_names,
    json_extract_string(comment[8:], '$.checks[*].condition') AS check_conditions
  FROM duckdb_types()
  WHERE database_name = current_database() AND NOT internal AND comment LIKE 'domain {%') d
LEFT JOIN teatree_system.support.duckdb_type b ON b.name = teatree_system.support.base_type(base);

CREATE VIEW teatree_system.support.domain_check AS
SELECT teatree_system.support.object_oid('', CAST(oid AS VARCHAR), name, 'constraint') AS oid, name, namespace_oid, domain_name,
       oid AS domain_oid, condition,
       'CHECK ((' || regexp_replace(regexp_replace(condition, '"value"', 'VALUE', 'g'), '\bvalue\b', 'VALUE', 'g') || '))' AS definition
FROM (SELECT oid, name AS domain_name, namespace_oid, unnest(check_names) AS name, unnest(check_conditions) AS condition
      FROM teatree_system.support.user_domain);

-- What columns need to know of a type, PostgreSQL's or a user's.
CREATE VIEW teatree_system.support.any_type AS
SELECT oid, typname, typlen, typbyval, typalign, typstorage, typcollation, typcategory, sqlname,
       11::UINTEGER AS namespace_oid
FROM teatree_system.support.builtin_type
UNION ALL
SELECT oid, name, 4, true, 'i', 'p', 0, 'E', 'USER-DEFINED', namespace_oid FROM teatree_system.support.user_enum
UNION ALL
SELECT array_oid, '_' || name, -1, false, 'i', 'x', 0, 'A', 'ARRAY', namespace_oid
FROM teatree_system.support.user_enum;

-- What the form of a CHECK tells: `note_code` is 23514 for a constraint with its name, 22001 for a
-- text's length, `type` for a declared type, `name` for another constraint's name; else empty. See src/sql/define/shape.rs.
CREATE VIEW teatree_system.support.raw_constraint AS
SELECT *,
  coalesce(regexp_extract(expression, '\(''\[(23514|22001|name|type)\] ((?:[^'']|'''')*)''\)', 1), '') AS note_code,
  replace(coalesce(regexp_extract(expression, '\(''\[(23514|22001|name|type)\] ((?:[^'']|'''')*)''\)', 2), ''),
          '''''', '''') AS note
FROM duckdb_constraints()
WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'CHECK', 'FOREIGN KEY')
  AND database_name IN (current_database(), 'temp');
CREATE VIEW teatree_system.support.key_name AS
SELECT table_oid AS key_table_oid, note[1] AS key_kind, note[3:] AS key_name,
       list_sort(list_distinct(constraint_column_names)) AS key_columns
FROM teatree_system.support.raw_constraint WHERE note_code = 'name';
-- The OID and the modifier of a column's type that DuckDB's own does not tell.
CREATE VIEW teatree_system.support.text_limit AS
SELECT table_oid AS limited_table_oid, constraint_column_names[1] AS limited_column,
       CASE WHEN note_code = 'type' THEN CAST(system.main.split_part(note, ' ', 1) AS UINTEGER)
            WHEN note LIKE '%character varying(%' THEN 1043::UINTEGER ELSE 1042::UINTEGER END AS limited_type_oid,
       CASE WHEN note_code = 'type' THEN CAST(system.main.split_part(note, ' ', 2) AS INTEGER)
            ELSE CAST(regexp_extract(note, '\((\d+)\)', 1) AS INTEGER) + 4 END AS limited_modifier
FROM teatree_system.support.raw_constraint WHERE note_code IN ('22001', 'type');

-- Foreign keys, see src/sql/foreign_key.rs.
CREATE VIEW teatree_system.support.foreign_key AS
SELECT k.*, current_database() AS database_name, names AS table_columns, table_oid AS duckdb_table_oid,
  CASE on_update WHEN 'Restrict' THEN 'r' WHEN 'Cascade' THEN 'c' WHEN 'SetNull' THEN 'n' WHEN 'SetDefault' THEN 'd'
                 ELSE 'a' END AS update_action,
  CASE on_delete WHEN 'Restrict' THEN 'r' WHEN 'Cascade' THEN 'c' WHEN 'SetNull' THEN 'n' WHEN 'SetDefault' THEN 'd'
                 ELSE 'a' END AS delete_action
FROM (SELECT CASE schema_name WHEN 'public' THEN 'main' ELSE schema_name END AS schema_name, table_name, name,
        CAST(json_extract(definition, '$.columns') AS VARCHAR[]) AS column_names,
        CASE json_extract_string(definition, '$.referenced.schema') WHEN 'public' THEN 'main'
             ELSE json_extract_string(definition, '$.referenced.schema') END AS referenced_schema,
        json_extract_string(definition, '$.referenced.table') AS referenced_table,
        CAST(json_extract(definition, '$.referenced_columns') AS VARCHAR[]) AS referenced_column_names,
        json_extract_string(definition, '$.rules.on_update') AS on_update,
        json_extract_string(definition, '$.rules.on_delete') AS on_delete,
        CAST(json_extract(definition, '$.rules.match_full') AS BOOLEAN) AS is_full,
        CAST(json_extract(definition, '$.rules.deferrable') AS BOOLEAN) AS is_deferrable,
        CAST(json_extract(definition, '$.rules.deferred') AS BOOLEAN) AS is_deferred,
        NOT CAST(json_extract(definition, '$.rules.not_valid') AS BOOLEAN) AS is_validated
      FROM teatree_system.support.user_foreign_key) k
JOIN (SELECT schema_name AS of_schema, table_name AS of_table, table_oid,
             [c.name FOR c IN list_sort(list({'number': column_index, 'name': column_name}))] AS names
      FROM duckdb_columns() WHERE database_name = current_database() GROUP BY ALL)
  ON of_schema = schema_name AND of_table = table_name;
CREATE MACRO teatree_system.support.action_text(of_event, of_action) AS
  CASE of_action WHEN 'a' THEN '' ELSE ' ON ' || of_event || CASE of_action WHEN 'r' THEN ' RESTRICT'
    WHEN 'c' THEN ' CASCADE' WHEN 'n' THEN ' SET NULL' ELSE ' SET DEFAULT' END END;

-- Constraints that PostgreSQL 15 would list; those of one name are numbered within their table.
CREATE VIEW teatree_system.support.constraint_entry AS
WITH named AS MATERIALIZED (
    SELECT
      constraint_index AS place,
      database_name = 'temp' AS is_temporary, database_name, schema_name, table_name, table_oid AS duckdb_table_oid,
      teatree_system.support.object_oid(database_name, schema_name, table_name, '') AS table_oid,
      teatree_system.support.schema_oid(database_name, schema_name) AS namespace_oid, kind,
      coalesce(CASE WHEN note_code = '23514' THEN note END, key_name,
        CASE kind
        WHEN 'p' THEN table_name || '_pkey'
        WHEN 'u' THEN table_name || '_' || system.main.array_to_string(column_names, '_') || '_key'
        WHEN 'c' THEN table_name || CASE WHEN len(column_names) = 1 THEN '_' || column_names[1] ELSE '' END || '_check'
        ELSE table_name || '_' || system.main.array_to_string(column_names, '_') || '_fkey' END) AS base_name,
      column_numbers, column_names, condition AS expression, referenced_table, referenced_column_names,
      CASE kind
        WHEN 'c' THEN 'CHECK (' || condition || ')'
        WHEN 'f' THEN 'FOREIGN KEY (' || teatree_system.support.quoted_list(column_names)
          || ') REFERENCES ' || teatree_system.support.quoted(referenced_table) || '('
          || teatree_system.support.quoted_list(referenced_column_names) || ')'
        ELSE constraint_type || ' (' || teatree_system.support.quoted_list(column_names) || ')'
      END AS definition
    FROM (
      SELECT database_name, schema_name, table_name, table_oid,
        constraint_index, constraint_type, note_code, note, referenced_table, referenced_column_names,
        CASE constraint_type WHEN 'PRIMARY KEY' THEN 'p' WHEN 'UNIQUE' THEN 'u' WHEN 'CHECK' THEN 'c' ELSE 'f' END AS kind,
        CASE WHEN constraint_type = 'CHECK'
             THEN list_sort([CAST(i + 1 AS SMALLINT) FOR i IN list_distinct(constraint_column_indexes)])
             ELSE [CAST(i + 1 AS SMALLINT) FOR i IN constraint_column_indexes] END AS column_numbers,
        CASE WHEN constraint_type = 'CHECK' THEN list_distinct(constraint_column_names)
             ELSE constraint_column_names END AS column_names,
        CASE WHEN note_code = '23514'
             THEN regexp_extract(expression, 'COALESCE\((.*), CAST\(''t'' AS BOOLEAN\)\)\)* THEN ', 1, 's')
             ELSE expression END AS condition
      FROM teatree_system.support.raw_constraint
      WHERE note_code NOT IN ('22001', 'name', 'type') AND note NOT LIKE 'value for domain %')
    LEFT JOIN teatree_system.support.key_name
      ON key_table_oid = table_oid AND key_kind = kind AND key_columns = list_sort(column_names))
SELECT is_temporary, database_name, schema_name, table_name, duckdb_table_oid, table_oid, namespace_oid, kind,
  column_numbers, column_names, expression, schema_name AS referenced_schema, referenced_table, referenced_column_names,
  definition, false AS is_full, 'a' AS update_action, 'a' AS delete_action, false AS is_deferrable, false AS is_deferred,
  true AS is_validated,
  base_name || CASE WHEN twin > 1 THEN CAST(twin - 1 AS VARCHAR) ELSE '' END AS name,
  teatree_system.support.object_oid(database_name, schema_name, table_name, 'constraint ' || base_name || twin) AS oid,
  teatree_system.support.object_oid(database_name, schema_name, table_name, 'index ' || base_name || twin) AS index_oid
FROM (
  SELECT *, CASE WHEN places IS NULL THEN 1 ELSE list_position(places, place) END AS twin
  FROM named
  LEFT JOIN (SELECT duckdb_table_oid AS of_table, base_name AS of_name, list_sort(list(place)) AS places
             FROM named GROUP BY ALL HAVING count(*) > 1)
    ON of_table = duckdb_table_oid AND of_name = base_name)
UNION ALL
SELECT false, database_name, schema_name, table_name, duckdb_table_oid,
  teatree_system.support.object_oid(database_name, schema_name, table_name, ''),
  teatree_system.support.schema_oid(database_name, schema_name), 'f',
  [CAST(list_position(table_columns, c) AS SMALLINT) FOR c IN column_names], column_names, NULL,
  referenced_schema, referenced_table, referenced_column_names,
  'FOREIGN KEY (' || teatree_system.support.quoted_list(column_names)
    || ') REFERENCES '
    || CASE referenced_schema WHEN 'main' THEN '' ELSE teatree_system.support.quoted(referenced_schema) || '.' END
    || teatree_system.support.quoted(referenced_table) || '('
    || teatree_system.support.quoted_list(referenced_column_names) || ')'
    || CASE WHEN is_full THEN ' MATCH FULL' ELSE '' END
    || teatree_system.support.action_text('UPDATE', update_action)
    || teatree_system.support.action_text('DELETE', delete_action)
    || CASE WHEN is_deferrable THEN ' DEFERRABLE' ELSE '' END
    || CASE WHEN is_deferred THEN ' INITIALLY DEFERRED' ELSE '' END
    || CASE WHEN is_validated THEN '' ELSE ' NOT VALID' END,
  is_full, update_action, delete_action, is_deferrable, is_deferred, is_validated, name,
  teatree_system.support.object_oid(database_name, schema_name, table_name, 'constraint ' || name || '1'),
  teatree_system.support.object_oid(database_name, schema_name, table_name, 'index ' || name || '1')
FROM teatree_system.support.foreign_key;

-- Materialized views: tables of the server's own with their rows, whose comments say the rest.
CREATE VIEW teatree_system.support.materialized_view AS
SELECT database_name AS of_database, table_name AS storage,
       CASE named WHEN 'public' THEN 'main' ELSE named END AS of_schema,
       json_extract_string(spec, '$.name.table') AS of_name,
       json_extract_string(spec, '$.text') AS definition,
       CAST(json_extract(spec, '$.populated') AS BOOLEAN) AS is_populated,
       CAST(json_extract(spec, '$.columns') AS VARCHAR[]) AS view_columns,
       estimated_size AS size, index_count > 0 AS is_indexed
FROM (SELECT *, json_extract_string(spec, '$.name.schema') AS named
      -- Other tables' comments are no JSON, and may be looked at before they are left out.
      FROM (SELECT database_name, schema_name, table_name, estimated_size, index_count,
                   CASE WHEN schema_name = 'teatree_internal' THEN comment END AS spec
            FROM duckdb_tables() WHERE database_name = current_database())
      WHERE schema_name = 'teatree_internal' AND spec IS NOT NULL);

-- Indexes: those with a name, and those behind keys, which DuckDB does not list.
CREATE VIEW teatree_system.support.plain_index AS
SELECT
  teatree_system.support.object_oid(database_name, shown_schema, shown_name, '') AS oid, shown_name AS name,
  teatree_system.support.schema_oid(database_name, shown_schema) AS namespace_oid,
  shown_schema AS schema_name, shown_table AS table_name, table_oid AS duckdb_table_oid,
  teatree_system.support.object_oid(database_name, shown_schema, shown_table, '') AS table_oid,
  database_name = 'temp' AS is_temporary,
  is_unique, is_primary, NULL::UINTEGER AS constraint_oid, comment,
  CASE WHEN view_columns IS NULL THEN [trim(e, ' "') FOR e IN keys]
       ELSE [view_columns[CAST(substr(trim(e, ' "'), 2) AS INTEGER) + 1] FOR e IN keys] END AS expressions
FROM (SELECT *, coalesce(of_schema, schema_name) AS shown_schema, coalesce(of_name, table_name) AS shown_table,
             CASE WHEN starts_with(index_name, storage || '.') THEN substr(index_name, length(storage) + 2)
                  ELSE index_name END AS shown_name,
             CAST(expressions AS VARCHAR[]) AS keys
      FROM duckdb_indexes()
      LEFT JOIN teatree_system.support.materialized_view
        ON of_database = database_name AND storage = table_name AND schema_name = 'teatree_internal')
WHERE database_name IN (current_database(), 'temp')
UNION ALL
SELECT index_oid, name, namespace_oid, schema_name, table_name, duckdb_table_oid, table_oid, is_temporary,
       true, kind = 'p', oid, NULL, column_names
FROM teatree_system.support.constraint_entry WHERE kind IN ('p', 'u');

-- What was asked of an index, see src/sql/define/index.rs.
CREATE VIEW teatree_system.support.index_entry AS
SELECT i.*, coalesce(d.method, 'btree') AS method, d.options, d.classes, coalesce(d.include, CAST([] AS VARCHAR[])) AS include, d.predicate
FROM teatree_system.support.plain_index i
LEFT JOIN (SELECT CASE WHEN schema_name = 'public' THEN 'main' ELSE schema_name END AS of_schema, object_name AS of_index,
                  json_extract_string(value, '$.method') AS method, CAST(json_extract(value, '$.options') AS INTEGER[]) AS options,
                  CAST(json_extract(value, '$.operator_classes') AS VARCHAR[]) AS classes,
                  CAST(json_extract(value, '$.include') AS VARCHAR[]) AS include,
                  json_extract_string(value, '$.predicate') AS predicate
           FROM teatree_system.support.object_fact WHERE kind = 'relation' AND fact = 'index') d
  ON d.of_schema = i.schema_name AND d.of_index = i.name;

-- Sequences, under the name that a default has: `"schema"."name"` in DuckDB's words.
CREATE MACRO teatree_system.support.drawn_sequence(of_default) AS
  replace(regexp_extract(of_default, '(?:^|\()nextval\(''((?:[^'']|'''')*)''\)', 1), '''''', '''');
CREATE MACRO teatree_system.support.sequence_regclass(of_written) AS
  CASE WHEN of_written LIKE '"temp".%' THEN 'pg_temp.' || teatree_system.support.quoted(regexp_extract(of_written, '"([^"]*)"$', 1))
       WHEN regexp_extract(of_written, '^"([^"]*)"\.', 1) IN ('', 'main')
       THEN teatree_system.support.quoted(coalesce(nullif(regexp_extract(of_written, '"([^"]*)"$', 1), ''), of_written))
       ELSE teatree_system.support.quoted(regexp_extract(of_written, '^"([^"]*)"\.', 1)) || '.'
            || teatree_system.support.quoted(regexp_extract(of_written, '"([^"]*)"$', 1)) END;
CREATE VIEW teatree_system.support.sequence_entry AS
SELECT teatree_system.support.object_oid(database_name, schema_name, sequence_name, '') AS sequence_oid,
  '"' || replace(schema_name, '"', '""') || '"."' || replace(sequence_name, '"', '""') || '"' AS written_name,
  coalesce(TRY_CAST(regexp_extract(comment, '^sequence starts at (-?\d+)$', 1) AS BIGINT), start_value) AS start_value,
  increment_by, min_value, max_value, cycle, last_value,
  CASE WHEN max_value = 32767 THEN 'smallint' WHEN max_value = 2147483647 THEN 'integer' ELSE 'bigint' END AS type_name,
  schema_name, sequence_name, database_name
FROM duckdb_sequences() WHERE database_name IN (current_database(), 'temp');

-- A default in PostgreSQL's words; an identity has none.
CREATE MACRO teatree_system.support.shown_default(of_default, of_text_type) AS
  CASE WHEN of_default IS NULL OR of_default = 'NULL' THEN NULL
       WHEN regexp_matches(of_default, '^COALESCE\(nextval\(.*, [12]\)$') THEN NULL
       WHEN regexp_matches(of_default, '^(COALESCE\()?nextval\(') THEN
         'nextval(''' || teatree_system.support.sequence_regclass(teatree_system.support.drawn_sequence(of_default)) || '''::regclass)'
       WHEN of_default = 'get_current_timestamp()' THEN 'CURRENT_TIMESTAMP'
       WHEN of_default = 'CAST(''t'' AS BOOLEAN)' THEN 'true'
       WHEN of_default = 'CAST(''f'' AS BOOLEAN)' THEN 'false'
       WHEN regexp_matches(of_default, '^CAST\(\(ARRAY\[.*\]\) AS [A-Z]+\[\]\)$') THEN
         '''{' || replace(replace(regexp_extract(of_default, '^CAST\(\(ARRAY\[(.*)\]\) AS ', 1), '''', ''), ', ', ',') || '}''::'
         || replace(lower(regexp_extract(of_default, ' AS ([A-Z]+)\[\]\)$', 1)), 'varchar', 'text') || '[]'
       WHEN of_text_type IS NOT NULL AND regexp_full_match(of_default, '''(?:[^'']|'''')*''')
         THEN of_default || '::' || of_text_type
       ELSE of_default END;

-- Columns of what a user made: their types, and what else there is of them as DuckDB has it.
CREATE VIEW teatree_system.support.column_type AS
SELECT teatree_system.support.object_oid(database_name, schema_name, table_name, '') AS table_oid,
       table_oid AS duckdb_table_oid,
       CASE WHEN database_name = 'temp' THEN 'pg_temp_1'
            ELSE teatree_system.support.schema_name(schema_name) END AS schema_name, table_name,
       CAST(column_index AS SMALLINT) AS number, column_name AS name,
       coalesce(limited_type_oid, CASE WHEN data_type LIKE '%]' THEN coalesce(e.array_oid, t.array_oid)
                                       ELSE coalesce(e.oid, t.oid) END, 25::UINTEGER) AS type_oid,
       coalesce(limited_modifier, teatree_system.support.column_modifier(data_type)) AS type_modifier,
       teatree_system.support.dimensions(data_type) AS dimensions,
       NOT is_nullable AS not_null, column_default, comment, limited_type_oid, data_type,
       e.oid AS enum_oid, e.written_name AS enum_name, g.sql IS NOT NULL AS is_generated
FROM duckdb_columns()
LEFT JOIN (SELECT written_type, min_by(oid, written_name) AS oid, min_by(array_oid, written_name) AS array_oid,
                  min(written_name) AS written_name
           FROM teatree_system.support.user_enum GROUP BY written_type) e
  ON data_type LIKE 'ENUM(%' AND e.written_type = regexp_replace(data_type, '(\[[0-9]*\])+$', '')
LEFT JOIN teatree_system.support.duckdb_type t ON t.name = teatree_system.support.base_type(data_type)
LEFT JOIN teatree_system.support.text_limit ON limited_table_oid = table_oid AND limited_column = column_name
LEFT JOIN (SELECT table_oid AS of_table, sql FROM duckdb_tables() WHERE contains(sql, ' GENERATED ALWAYS AS')) g
  ON g.of_table = table_oid AND (contains(g.sql, column_name || ' ' || data_type || ' GENERATED ALWAYS AS')
    OR contains(g.sql, '"' || replace(column_name, '"', '""') || '" ' || data_type || ' GENERATED ALWAYS AS'))
WHERE database_name IN (current_database(), 'temp') AND NOT internal AND schema_name <> 'teatree_internal'
UNION ALL
SELECT d.table_oid, NULL, d.schema_name, d.table_name, CAST(d.column_index AS SMALLINT), d.column_name, t.oid, d.typmod,
       CASE WHEN d.typname[1] = '_' THEN 1 ELSE 0 END, d.not_null, NULL, NULL, NULL, NULL, NULL, NULL, false
FROM teatree_dataset_columns() d JOIN teatree_system.support.builtin_type t ON t.typname = d.typname;

-- A table's columns with PostgreSQL's names of their types, for expressions over them.
CREATE VIEW teatree_system.support.shown_columns AS
SELECT table_oid, [c.name FOR c IN columns] AS names, [c.type_name FOR c IN columns] AS types
FROM (SELECT c.table_oid, list_sort(list({'number': c.number, 'name': c.name, 'type_name': coalesce(t.sqlname, '')})) AS columns
      FROM teatree_system.support.column_type c
      LEFT JOIN teatree_system.support.any_type t ON t.oid = c.type_oid GROUP BY c.table_oid);

-- The same with defaults, identities and sequences in PostgreSQL's words.
CREATE VIEW teatree_system.support.column_entry AS
SELECT table_oid, number, name, type_oid, type_modifier, dimensions, not_null, comment,
       teatree_system.support.object_oid('', CAST(table_oid AS VARCHAR), CAST(number AS VARCHAR), 'default') AS default_oid,
       CASE WHEN is_generated THEN 's' ELSE '' END AS generated,
       CASE WHEN is_generated THEN
         teatree_shown_expression(coalesce(nullif(regexp_extract(column_default, '^CAST\((.*) AS [A-Z0-9(), ]+\)$', 1, 's'), ''), column_default),
           CAST([] AS VARCHAR[]), CAST([] AS VARCHAR[]), false)
       ELSE teatree_system.support.shown_default(column_default,
         CASE WHEN limited_type_oid = 1043 THEN 'character varying' WHEN limited_type_oid = 1042 THEN 'bpchar'
              WHEN enum_oid IS NOT NULL AND dimensions = 0 THEN teatree_system.support.sequence_regclass(enum_name)
              WHEN data_type = 'VARCHAR' THEN 'text' END) END AS column_default,
       CASE WHEN regexp_matches(column_default, '^COALESCE\(nextval\(.*, 1\)$') THEN 'd'
            WHEN regexp_matches(column_default, '^COALESCE\(nextval\(.*, 2\)$') THEN 'a' ELSE '' END AS identity,
       CASE WHEN regexp_matches(column_default, '^COALESCE\(nextval\(')
            THEN teatree_system.support.drawn_sequence(column_default) END AS owned_sequence
FROM teatree_system.support.column_type;

-- Tables, views, sequences, datasets of the user; PostgreSQL's relkind.
CREATE VIEW teatree_system.support.user_relation AS
SELECT teatree_system.support.object_oid(database_name, schema_name, table_name, '') AS oid, table_name AS name,
       teatree_system.support.schema_oid(database_name, schema_name) AS namespace_oid,
       'r' AS kind, database_name = 'temp' AS is_temporary, estimated_size AS row_count,
       column_count, check_constraint_count AS check_count, has_primary_key OR index_count > 0 AS has_index,
       'duckdb' AS storage, comment, sql, table_oid AS duckdb_oid
FROM duckdb_tables() WHERE database_name IN (current_database(), 'temp') AND NOT internal AND schema_name <> 'teatree_internal'
UNION ALL
SELECT teatree_system.support.object_oid(database_name, schema_name, view_name, ''), view_name,
       teatree_system.support.schema_oid(database_name, schema_name),
       CASE WHEN storage IS NULL THEN 'v' ELSE 'm' END, database_name = 'temp', coalesce(size, 0), column_count, 0,
       coalesce(is_indexed, false), 'duckdb', comment, sql, view_oid
FROM duckdb_views()
LEFT JOIN teatree_system.support.materialized_view
  ON of_database = database_name AND of_schema = schema_name AND of_name = view_name
WHERE database_name IN (current_database(), 'temp') AND NOT internal AND schema_name <> 'teatree_internal'
UNION ALL
SELECT teatree_system.support.object_oid(database_name, schema_name, sequence_name, ''), sequence_name,
       teatree_system.support.schema_oid(database_name, schema_name),
       'S', database_name = 'temp', 1, 3, 0, false, 'duckdb',
       CASE WHEN comment LIKE 'sequence starts at %' THEN NULL ELSE comment END, sql, sequence_oid
FROM duckdb_sequences() WHERE database_name IN (current_database(), 'temp')
UNION ALL
SELECT d.oid, d.table_name,
       CASE WHEN d.schema_name IN ('public', 'main') THEN 2200::UINTEGER
            ELSE teatree_system.support.schema_oid(current_database(), d.schema_name) END,
       'r', false, d.row_count, 0, 0, false, 'arrow', NULL, NULL, NULL
FROM teatree_datasets() d;

-- Views with their queries: a materialized one's as it was written.
CREATE VIEW teatree_system.support.view_text AS
SELECT teatree_system.support.object_oid(database_name, schema_name, view_name, '') AS oid, view_name AS name, schema_name,
  teatree_system.support.schema_oid(database_name, schema_name) AS namespace_oid,
  storage IS NOT NULL AS is_materialized, coalesce(is_populated, true) AS is_populated, coalesce(is_indexed, false) AS is_indexed,
  coalesce(' ' || definition || ';',
    -- Without the names of the server's functions for what PostgreSQL calls otherwise.
    ' ' || regexp_replace(regexp_replace(regexp_replace(sql, '^\s*CREATE (OR REPLACE )?(TEMP(ORARY)? )?VIEW .*? AS ', '', 's'),
      'teatree_system\.pg\.(timestamptz|timestamp|interval|numeric|int4|int8|float4|float8)_to_char\(', 'to_char(', 'g'),
      'teatree_system\.pg\.(text_)?', '', 'g')) AS definition
FROM duckdb_views()
LEFT JOIN teatree_system.support.materialized_view
  ON of_database = database_name AND of_schema = schema_name AND of_name = view_name
WHERE database_name IN (current_database(), 'temp') AND NOT internal AND schema_name <> 'teatree_internal';

-- Everything that pg_class lists, with no more than is needed to find and name it.
CREATE VIEW teatree_system.support.relation AS
SELECT oid, name, namespace_oid, kind FROM teatree_system.support.user_relation
UNION ALL SELECT oid, name, namespace_oid, 'i' FROM teatree_system.support.index_entry
UNION ALL SELECT oid, name, namespace_oid, kind FROM teatree_system.support.system_relation;
