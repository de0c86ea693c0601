-- pg_class, pg_attribute and what describes tables, columns, keys and indexes.

CREATE VIEW teatree_system.pg.pg_namespace AS
SELECT n.oid, n.name AS nspname, teatree_system.support.role_oid(coalesce(o.owner, 'postgres')) AS nspowner, a.acl AS nspacl
FROM teatree_system.support.schema_entry n
LEFT JOIN teatree_system.support.object_owner o ON o.kind = 'schema' AND o.oid = n.oid
LEFT JOIN teatree_system.support.object_acl a ON a.kind = 'schema' AND a.oid = n.oid;

CREATE MACRO teatree_system.support.access_method(of_name) AS
  CASE of_name WHEN 'hash' THEN 405 WHEN 'brin' THEN 3580 ELSE 403 END::UINTEGER;
CREATE MACRO teatree_system.support.index_column_name(of_expression) AS
  CASE WHEN of_expression NOT LIKE '(%' THEN of_expression
       ELSE coalesce(nullif(regexp_extract(of_expression, '^\(([a-z_][a-z0-9_]*)\(', 1), ''), 'expr') END;

CREATE VIEW teatree_system.pg.pg_class AS
SELECT oid, name AS relname, CAST(namespace_oid AS UINTEGER) AS relnamespace, 0::UINTEGER AS reltype,
  0::UINTEGER AS reloftype, teatree_system.support.role_oid(coalesce(owner, 'postgres')) AS relowner, CAST(access_method AS UINTEGER) AS relam,
  oid AS relfilenode, 0::UINTEGER AS reltablespace, 0::INTEGER AS relpages,
  CAST(row_count AS FLOAT) AS reltuples, 0::INTEGER AS relallvisible, 0::UINTEGER AS reltoastrelid,
  has_index AS relhasindex, false AS relisshared, CASE WHEN is_temporary THEN 't' ELSE 'p' END AS relpersistence,
  kind AS relkind, CAST(column_count AS SMALLINT) AS relnatts, CAST(coalesce(check_count, 0) AS SMALLINT) AS relchecks,
  kind IN ('v', 'm') AS relhasrules, oid IN (SELECT table_oid FROM teatree_system.support.constraint_entry WHERE kind = 'f'
    UNION ALL SELECT teatree_system.support.object_oid(database_name, referenced_schema, referenced_table, '')
              FROM teatree_system.support.constraint_entry WHERE kind = 'f'
    UNION ALL SELECT table_oid FROM teatree_system.support.trigger_entry) AS relhastriggers, false AS relhassubclass, false AS relrowsecurity,
  false AS relforcerowsecurity, is_populated AS relispopulated,
  CASE WHEN kind IN ('r', 'm') AND namespace_oid <> 11 THEN 'd' ELSE 'n' END AS relreplident,
  false AS relispartition, 0::UINTEGER AS relrewrite, 0::BIGINT AS relfrozenxid,
  0::BIGINT AS relminmxid, acl AS relacl, NULL::VARCHAR[] AS reloptions,
  NULL::VARCHAR AS relpartbound
FROM (
  SELECT oid, name, namespace_oid, kind, is_temporary, row_count, column_count, has_index,
         kind <> 'm' OR oid NOT IN (SELECT oid FROM teatree_system.support.view_text WHERE NOT is_populated)
           AS is_populated,
         CASE WHEN kind NOT IN ('r', 'm') THEN 0 WHEN storage = 'arrow' THEN 15999 ELSE 2 END AS access_method
  FROM teatree_system.support.user_relation
  UNION ALL
  SELECT oid, name, namespace_oid, 'i', is_temporary, 0, len(expressions) + len(include), false, true,
         teatree_system.support.access_method(method)
  FROM teatree_system.support.index_entry
  UNION ALL
  SELECT oid, name, namespace_oid, kind, false, 0, column_count, false, true,
         CASE WHEN kind = 'r' THEN 2 ELSE 0 END
  FROM teatree_system.support.system_relation)
LEFT JOIN (SELECT table_oid AS checked_oid, count(*) AS check_count
           FROM teatree_system.support.constraint_entry WHERE kind = 'c' GROUP BY table_oid) ON checked_oid = oid
LEFT JOIN (SELECT oid AS owned_oid, owner FROM teatree_system.support.object_owner WHERE kind = 'relation') ON owned_oid = oid
LEFT JOIN (SELECT oid AS acl_oid, acl FROM teatree_system.support.object_acl WHERE kind = 'relation') ON acl_oid = oid;

-- The columns of PostgreSQL's own relations, which never change, and those of users' relations.
CREATE TABLE teatree_system.support.fixed_attribute AS
SELECT c.table_oid AS attrelid, c.name AS attname, c.type_oid AS atttypid, -1::INTEGER AS attstattarget,
  t.typlen AS attlen, c.number AS attnum, 0::INTEGER AS attndims,
  -1::INTEGER AS attcacheoff, -1::INTEGER AS atttypmod, t.typbyval AS attbyval,
  t.typalign AS attalign, t.typstorage AS attstorage, '' AS attcompression, false AS attnotnull,
  false AS atthasdef, false AS atthasmissing, '' AS attidentity, '' AS attgenerated,
  false AS attisdropped, true AS attislocal, 0::INTEGER AS attinhcount,
  t.typcollation AS attcollation, NULL::VARCHAR[] AS attacl, NULL::VARCHAR[] AS attoptions,
  NULL::VARCHAR[] AS attfdwoptions, NULL::VARCHAR AS attmissingval
FROM teatree_system.support.system_column c
LEFT JOIN teatree_system.support.builtin_type t ON t.oid = c.type_oid;

CREATE VIEW teatree_system.support.user_attribute AS
SELECT c.table_oid AS attrelid, c.name AS attname, c.type_oid AS atttypid, -1::INTEGER AS attstattarget,
  t.typlen AS attlen, c.number AS attnum, CAST(c.dimensions AS INTEGER) AS attndims,
  -1::INTEGER AS attcacheoff, CAST(c.type_modifier AS INTEGER) AS atttypmod, t.typbyval AS attbyval,
  t.typalign AS attalign, t.typstorage AS attstorage, '' AS attcompression, c.not_null AS attnotnull,
  c.has_default AS atthasdef, false AS atthasmissing, c.identity AS attidentity, c.generated AS attgenerated,
  false AS attisdropped, true AS attislocal, 0::INTEGER AS attinhcount,
  t.typcollation AS attcollation, a.acl AS attacl, NULL::VARCHAR[] AS attoptions,
  NULL::VARCHAR[] AS attfdwoptions, NULL::VARCHAR AS attmissingval
FROM (
  SELECT table_oid, name, type_oid, number, dimensions, type_modifier, not_null,
         column_default IS NOT NULL AS has_default, identity, generated
  FROM teatree_system.support.column_entry
  UNION ALL
  SELECT i.oid, teatree_system.support.index_column_name(i.part), coalesce(c.type_oid, 25::UINTEGER), CAST(i.number AS SMALLINT), 0,
         coalesce(c.type_modifier, -1), false, false, '', ''
  FROM (SELECT oid, table_oid, unnest(list_concat(expressions, include)) AS part,
               unnest(range(1, len(expressions) + len(include) + 1)) AS number
        FROM teatree_system.support.index_entry) i
  LEFT JOIN teatree_system.support.column_type c ON c.table_oid = i.table_oid AND c.name = i.part) c
LEFT JOIN teatree_system.support.any_type t ON t.oid = c.type_oid
LEFT JOIN teatree_system.support.object_acl a ON a.kind = 'column' AND a.oid = c.table_oid AND a.part = c.name;

CREATE VIEW teatree_system.pg.pg_attribute AS
SELECT * FROM teatree_system.support.fixed_attribute UNION ALL SELECT * FROM teatree_system.support.user_attribute;

CREATE VIEW teatree_system.pg.pg_attrdef AS
SELECT default_oid AS oid, table_oid AS adrelid,
       number AS adnum, column_default AS adbin
FROM teatree_system.support.column_entry WHERE column_default IS NOT NULL;

-- Conditions in PostgreSQL's words.
CREATE VIEW teatree_system.support.shown_check AS
SELECT k.oid, teatree_shown_expression(k.expression, coalesce(c.names, []), coalesce(c.types, []), false) AS expression
FROM teatree_system.support.constraint_entry k
LEFT JOIN teatree_system.support.shown_columns c ON c.table_oid = k.table_oid WHERE k.kind = 'c';

CREATE VIEW teatree_system.pg.pg_constraint AS
SELECT k.oid, k.name AS conname, k.namespace_oid AS connamespace, k.kind AS contype,
  k.is_deferrable AS condeferrable, k.is_deferred AS condeferred, k.is_validated AS convalidated, k.table_oid AS conrelid, 0::UINTEGER AS contypid,
  CASE WHEN k.kind IN ('p', 'u') THEN k.index_oid WHEN k.kind = 'f' THEN coalesce(u.index_oid, 0)
       ELSE 0 END::UINTEGER AS conindid,
  0::UINTEGER AS conparentid, coalesce(r.table_oid, 0)::UINTEGER AS confrelid,
  CASE WHEN k.kind = 'f' THEN k.update_action ELSE ' ' END AS confupdtype,
  CASE WHEN k.kind = 'f' THEN k.delete_action ELSE ' ' END AS confdeltype,
  CASE WHEN k.kind <> 'f' THEN ' ' WHEN k.is_full THEN 'f' ELSE 's' END AS confmatchtype, true AS conislocal,
  0::INTEGER AS coninhcount, k.kind <> 'c' AS connoinherit, k.column_numbers AS conkey,
  CASE WHEN k.kind = 'f' THEN [CAST(list_position(n.names, c) AS SMALLINT) FOR c IN k.referenced_column_names]
       END AS confkey,
  NULL::UINTEGER[] AS conpfeqop, NULL::UINTEGER[] AS conppeqop, NULL::UINTEGER[] AS conffeqop,
  NULL::SMALLINT[] AS confdelsetcols, NULL::UINTEGER[] AS conexclop, s.expression AS conbin,
  false AS conperiod, true AS conenforced
FROM teatree_system.support.constraint_entry k
LEFT JOIN teatree_system.support.shown_check s ON s.oid = k.oid
LEFT JOIN (SELECT name, namespace_oid, oid AS table_oid FROM teatree_system.support.user_relation
           WHERE kind = 'r' AND storage = 'duckdb') r
  ON r.name = k.referenced_table
     AND r.namespace_oid = teatree_system.support.schema_oid(k.database_name, k.referenced_schema)
LEFT JOIN teatree_system.support.shown_columns n ON n.table_oid = r.table_oid
LEFT JOIN (SELECT table_oid, list_sort(column_names) AS columns, arg_min(index_oid, kind) AS index_oid
           FROM teatree_system.support.constraint_entry WHERE kind IN ('p', 'u') GROUP BY ALL) u
  ON u.table_oid = r.table_oid AND u.columns = list_sort(k.referenced_column_names)
UNION ALL
SELECT oid, name, namespace_oid, 'c', false, false, true, 0::UINTEGER, domain_oid, 0::UINTEGER, 0::UINTEGER, 0::UINTEGER,
  ' ', ' ', ' ', true, 0, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, condition, false, true
FROM teatree_system.support.domain_check;

-- Each key part and further column of an index.
CREATE VIEW teatree_system.support.index_part AS
SELECT p.oid, p.place, p.is_key, CASE WHEN p.is_key THEN coalesce(p.options[p.place], 0) ELSE 0 END AS option,
  coalesce(c.number, 0::SMALLINT) AS number, coalesce(t.typcollation, 100) AS collation_oid,
  coalesce(n.oid, d.oid, 0::UINTEGER) AS class_oid,
  CASE WHEN p.part NOT LIKE '(%' THEN teatree_system.support.quoted(p.part)
       ELSE teatree_shown_expression(p.part, coalesce(s.names, []), coalesce(s.types, []), false) END AS shown,
  CASE WHEN n.oid <> d.oid THEN ' ' || n.opcname ELSE '' END AS shown_class
FROM (SELECT oid, table_oid, method, options, classes, unnest(list_concat(expressions, include)) AS part,
             unnest(range(1, len(expressions) + len(include) + 1)) AS place,
             unnest([g <= len(expressions) FOR g IN range(1, len(expressions) + len(include) + 1)]) AS is_key
      FROM teatree_system.support.index_entry) p
LEFT JOIN teatree_system.support.column_type c ON c.table_oid = p.table_oid AND c.name = p.part
LEFT JOIN teatree_system.support.any_type t ON t.oid = c.type_oid
LEFT JOIN teatree_system.support.shown_columns s ON s.table_oid = p.table_oid
LEFT JOIN teatree_system.support.builtin_opclass d ON d.opcdefault AND p.is_key
  AND d.opcmethod = teatree_system.support.access_method(p.method)
  AND d.opcintype = CASE WHEN coalesce(c.type_oid, 1043) = 1043 THEN 25 ELSE c.type_oid END
LEFT JOIN teatree_system.support.builtin_opclass n ON n.opcname = p.classes[p.place] AND p.is_key
  AND n.opcmethod = teatree_system.support.access_method(p.method);

CREATE MACRO teatree_system.support.index_keys(of_parts) AS
  system.main.array_to_string([p.text || p.class || CASE p.option WHEN 1 THEN ' DESC NULLS LAST' WHEN 2 THEN ' NULLS FIRST'
    WHEN 3 THEN ' DESC' ELSE '' END FOR p IN of_parts], ', ');
CREATE VIEW teatree_system.support.index_parts AS
SELECT oid, numbers, [p.collation FOR p IN keys] AS collations, [p.class_oid FOR p IN keys] AS classes,
  [p.option FOR p IN keys] AS options, shown,
  teatree_system.support.index_keys([{'text': CASE WHEN p.shown LIKE '(%' THEN '(' || p.shown || ')' ELSE p.shown END,
    'class': p.shown_class, 'option': p.option} FOR p IN keys]) AS keys_text,
  teatree_system.support.index_keys([{'text': CASE WHEN p.shown LIKE '(%' THEN '(' || p.pretty || ')' ELSE p.pretty END,
    'class': p.shown_class, 'option': p.option} FOR p IN keys]) AS pretty_keys,
  nullif(system.main.array_to_string([p.shown FOR p IN parts IF NOT p.is_key], ', '), '') AS include_text,
  nullif(system.main.array_to_string([p.shown FOR p IN keys IF p.number = 0], ', '), '') AS expressions_text
FROM (SELECT oid, parts, [p FOR p IN parts IF p.is_key] AS keys, [p.number FOR p IN parts] AS numbers, [p.shown FOR p IN parts] AS shown
      FROM (SELECT oid, list_sort(list({'place': place, 'is_key': is_key, 'number': number, 'option': CAST(option AS SMALLINT),
                 'collation': CAST(collation_oid AS UINTEGER), 'class_oid': class_oid, 'shown': shown, 'shown_class': shown_class,
                 'pretty': CASE WHEN contains(shown, '(')
                                THEN teatree_shown_expression(shown, CAST([] AS VARCHAR[]), CAST([] AS VARCHAR[]), true)
                                ELSE shown END})) AS parts
            FROM teatree_system.support.index_part GROUP BY oid));

CREATE VIEW teatree_system.support.shown_predicate AS
SELECT i.oid, teatree_shown_expression(i.predicate, coalesce(s.names, []), coalesce(s.types, []), false) AS predicate
FROM teatree_system.support.index_entry i
LEFT JOIN teatree_system.support.shown_columns s ON s.table_oid = i.table_oid WHERE i.predicate IS NOT NULL;

CREATE VIEW teatree_system.pg.pg_index AS
SELECT i.oid AS indexrelid, i.table_oid AS indrelid, CAST(len(p.numbers) AS SMALLINT) AS indnatts,
  CAST(len(i.expressions) AS SMALLINT) AS indnkeyatts, i.is_unique AS indisunique,
  false AS indnullsnotdistinct, i.is_primary AS indisprimary, false AS indisexclusion,
  true AS indimmediate, false AS indisclustered, true AS indisvalid, false AS indcheckxmin,
  true AS indisready, true AS indislive, false AS indisreplident,
  p.numbers AS indkey, p.collations AS indcollation, p.classes AS indclass, p.options AS indoption,
  p.expressions_text AS indexprs, w.predicate AS indpred
FROM teatree_system.support.index_entry i
JOIN teatree_system.support.index_parts p ON p.oid = i.oid
LEFT JOIN teatree_system.support.shown_predicate w ON w.oid = i.oid;

-- A sequence as it stands in FROM.
CREATE MACRO teatree_system.support.sequence_state(of_database, of_schema, of_name) AS TABLE
SELECT coalesce(last_value, start_value) AS last_value, 0::BIGINT AS log_cnt, last_value IS NOT NULL AS is_called
FROM duckdb_sequences()
WHERE database_name = of_database AND schema_name = of_schema AND sequence_name = of_name;

CREATE VIEW teatree_system.pg.pg_sequence AS
SELECT sequence_oid AS seqrelid,
  CASE type_name WHEN 'smallint' THEN 21 WHEN 'integer' THEN 23 ELSE 20 END::UINTEGER AS seqtypid,
  start_value AS seqstart, increment_by AS seqincrement, max_value AS seqmax, min_value AS seqmin,
  1::BIGINT AS seqcache, cycle AS seqcycle
FROM teatree_system.support.sequence_entry;

CREATE VIEW teatree_system.pg.pg_description AS
SELECT objoid, classoid, 0::INTEGER AS objsubid, description FROM teatree_system.support.builtin_description
UNION ALL
SELECT oid AS objoid, 1259::UINTEGER AS classoid, 0::INTEGER AS objsubid, comment AS description
FROM teatree_system.support.user_relation WHERE comment IS NOT NULL
UNION ALL
SELECT oid, 1259::UINTEGER, 0, comment FROM teatree_system.support.index_entry WHERE comment IS NOT NULL
UNION ALL
SELECT table_oid, 1259::UINTEGER, CAST(number AS INTEGER), comment
FROM teatree_system.support.column_entry WHERE comment IS NOT NULL
UNION ALL
SELECT oid, 2615::UINTEGER, 0, comment FROM teatree_system.support.schema_entry WHERE comment IS NOT NULL
UNION ALL
SELECT oid, 1247::UINTEGER, 0, comment FROM teatree_system.support.user_domain WHERE comment IS NOT NULL
UNION ALL
SELECT oid, 1255::UINTEGER, 0, comment FROM teatree_system.support.user_proc WHERE comment IS NOT NULL
UNION ALL
SELECT oid, class_oid, number, comment FROM teatree_system.support.subject_comment;

CREATE MACRO teatree_system.support.rule_oid(of_view_oid) AS
  CAST(16384 + (of_view_oid + 1073741824) % 2147467264 AS UINTEGER);
CREATE VIEW teatree_system.pg.pg_rewrite AS
SELECT teatree_system.support.rule_oid(oid) AS oid, '_RETURN' AS rulename, oid AS ev_class, '1' AS ev_type,
       'O' AS ev_enabled, true AS is_instead, NULL::VARCHAR AS ev_qual, NULL::VARCHAR AS ev_action
FROM teatree_system.support.user_relation WHERE kind IN ('v', 'm');

-- The relations that a view reads. Where a name without a schema was found is not kept: in the view's
-- own, or in public.
CREATE VIEW teatree_system.support.view_reads AS
SELECT DISTINCT v.oid AS view_oid, r.oid
FROM (SELECT oid, namespace_oid, unnest([tables[i:i + 1] FOR i IN range(1, len(tables), 2)]) AS named
      FROM (SELECT oid, namespace_oid, teatree_view_tables('CREATE VIEW v AS' || definition) AS tables
            FROM teatree_system.support.view_text)) v
JOIN teatree_system.support.user_relation r ON r.name = v.named[2]
JOIN teatree_system.support.schema_entry n ON n.oid = r.namespace_oid
WHERE CASE WHEN v.named[1] IS NULL THEN n.oid = v.namespace_oid OR n.duckdb_name = 'main'
           ELSE n.duckdb_name = v.named[1] OR n.name = v.named[1] END;

CREATE VIEW teatree_system.pg.pg_depend AS
SELECT 1259::UINTEGER AS classid, index_oid AS objid, 0::INTEGER AS objsubid,
       2606::UINTEGER AS refclassid, oid AS refobjid, 0::INTEGER AS refobjsubid, 'i' AS deptype
FROM teatree_system.support.constraint_entry WHERE kind IN ('p', 'u')
UNION ALL
SELECT 2606::UINTEGER, oid, 0, 1259::UINTEGER, table_oid, CAST(unnest(column_numbers) AS INTEGER), 'a'
FROM teatree_system.support.constraint_entry
UNION ALL
-- A foreign key needs the columns that it refers to, and their key's index.
SELECT 2606::UINTEGER, k.oid, 0, 1259::UINTEGER, c.table_oid, CAST(c.number AS INTEGER), 'n'
FROM teatree_system.support.constraint_entry k
JOIN teatree_system.support.schema_entry n ON n.duckdb_name = k.referenced_schema
JOIN teatree_system.support.user_relation r ON r.name = k.referenced_table AND r.namespace_oid = n.oid
JOIN teatree_system.support.column_entry c ON c.table_oid = r.oid AND list_contains(k.referenced_column_names, c.name)
WHERE k.kind = 'f'
UNION ALL
SELECT 2606::UINTEGER, k.oid, 0, 1259::UINTEGER, u.index_oid, 0, 'n'
FROM teatree_system.support.constraint_entry k
JOIN teatree_system.support.constraint_entry u
  ON u.kind IN ('p', 'u') AND u.schema_name = k.referenced_schema AND u.table_name = k.referenced_table
     AND list_sort(u.column_names) = list_sort(k.referenced_column_names)
WHERE k.kind = 'f'
UNION ALL
SELECT 1259::UINTEGER, oid, 0, 2615::UINTEGER, namespace_oid, 0, 'n'
FROM teatree_system.support.user_relation WHERE NOT is_temporary
UNION ALL
SELECT 2618::UINTEGER, teatree_system.support.rule_oid(oid), 0, 1259::UINTEGER, oid, 0, 'i'
FROM teatree_system.support.user_relation WHERE kind IN ('v', 'm')
UNION ALL
SELECT 2618::UINTEGER, teatree_system.support.rule_oid(view_oid), 0, 1259::UINTEGER, oid, 0, 'n'
FROM teatree_system.support.view_reads
UNION ALL
SELECT 2604::UINTEGER, default_oid, 0, 1259::UINTEGER, table_oid,
       CAST(number AS INTEGER), 'a'
FROM teatree_system.support.column_entry WHERE column_default IS NOT NULL
UNION ALL
SELECT 1259::UINTEGER, s.sequence_oid, 0, 1259::UINTEGER, c.table_oid, CAST(c.number AS INTEGER),
       CASE WHEN c.identity = '' THEN 'a' ELSE 'i' END
FROM teatree_system.support.column_entry c
JOIN teatree_system.support.sequence_entry s ON s.written_name = c.owned_sequence
UNION ALL
SELECT 2604::UINTEGER, c.default_oid, 0, 1259::UINTEGER,
       s.sequence_oid, 0, 'n'
FROM teatree_system.support.column_entry c
JOIN teatree_system.support.sequence_entry s ON s.written_name = c.owned_sequence WHERE c.identity = ''
UNION ALL
SELECT 2620::UINTEGER, oid, 0, 1259::UINTEGER, table_oid, 0, 'a' FROM teatree_system.support.trigger_entry
UNION ALL
SELECT 2620::UINTEGER, oid, 0, 1255::UINTEGER, routine_oid, 0, 'n' FROM teatree_system.support.trigger_entry;

CREATE VIEW teatree_system.pg.pg_trigger AS
SELECT t.oid, t.table_oid AS tgrelid, 0::UINTEGER AS tgparentid, t.name AS tgname, t.routine_oid AS tgfoid,
  t.kind AS tgtype, CASE WHEN t.is_enabled THEN 'O' ELSE 'D' END AS tgenabled, false AS tgisinternal,
  0::UINTEGER AS tgconstrrelid, 0::UINTEGER AS tgconstrindid, 0::UINTEGER AS tgconstraint,
  false AS tgdeferrable, false AS tginitdeferred,
  CAST(coalesce(len(t.arguments), 0) AS SMALLINT) AS tgnargs,
  list_transform(coalesce(t.columns, CAST([] AS VARCHAR[])), lambda e: CAST(coalesce(list_position(n.names, e), 0) AS SMALLINT)) AS tgattr,
  encode(coalesce(system.main.array_to_string(list_transform(t.arguments, lambda e: e || chr(0)), ''), '')) AS tgargs,
  NULL::VARCHAR AS tgqual, t.old_table AS tgoldtable, t.new_table AS tgnewtable
FROM teatree_system.support.trigger_entry t
LEFT JOIN teatree_system.support.shown_columns n ON n.table_oid = t.table_oid;

CREATE VIEW teatree_system.pg.pg_tables AS
SELECT n.name AS schemaname, r.name AS tablename, coalesce(o.owner, 'postgres') AS tableowner, NULL::VARCHAR AS tablespace,
  r.has_index AS hasindexes, false AS hasrules,
  r.oid IN (SELECT table_oid FROM teatree_system.support.trigger_entry) AS hastriggers, false AS rowsecurity
FROM teatree_system.support.user_relation r
JOIN teatree_system.support.schema_entry n ON n.oid = r.namespace_oid
LEFT JOIN teatree_system.support.object_owner o ON o.kind = 'relation' AND o.oid = r.oid WHERE r.kind = 'r'
UNION ALL
SELECT CASE namespace_oid WHEN 11 THEN 'pg_catalog' ELSE 'information_schema' END, name, 'postgres', NULL,
       false, false, false, false
FROM teatree_system.support.system_relation WHERE kind = 'r';

CREATE VIEW teatree_system.pg.pg_views AS
SELECT n.name AS schemaname, v.name AS viewname, coalesce(o.owner, 'postgres') AS viewowner, v.definition
FROM teatree_system.support.view_text v JOIN teatree_system.support.schema_entry n ON n.oid = v.namespace_oid
LEFT JOIN teatree_system.support.object_owner o ON o.kind = 'relation' AND o.oid = v.oid
WHERE NOT v.is_materialized;

CREATE VIEW teatree_system.pg.pg_matviews AS
SELECT n.name AS schemaname, v.name AS matviewname, 'postgres' AS matviewowner, NULL::VARCHAR AS tablespace,
  v.is_indexed AS hasindexes, v.is_populated AS ispopulated, v.definition
FROM teatree_system.support.view_text v JOIN teatree_system.support.schema_entry n ON n.oid = v.namespace_oid
WHERE v.is_materialized;

CREATE VIEW teatree_system.support.index_text AS
SELECT i.oid, i.table_oid, n.name AS schema_name, n.duckdb_name AS duckdb_schema, i.table_name, i.name, p.shown, p.options, len(i.expressions) AS key_count,
  'CREATE ' || CASE WHEN i.is_unique THEN 'UNIQUE ' ELSE '' END || 'INDEX '
  || teatree_system.support.quoted(i.name) || ' ON ' || teatree_system.support.quoted(n.name) || '.'
  || teatree_system.support.quoted(i.table_name) || ' USING ' || i.method || ' (' || p.keys_text || ')'
  || coalesce(' INCLUDE (' || p.include_text || ')', '') || coalesce(' WHERE ' || w.predicate, '') AS definition,
  'CREATE ' || CASE WHEN i.is_unique THEN 'UNIQUE ' ELSE '' END || 'INDEX '
  || teatree_system.support.quoted(i.name) || ' ON ' || teatree_system.support.quoted(n.name) || '.'
  || teatree_system.support.quoted(i.table_name) || ' USING ' || i.method || ' (' || p.pretty_keys || ')'
  || coalesce(' INCLUDE (' || p.include_text || ')', '')
  || coalesce(' WHERE ' || teatree_shown_expression(w.predicate, CAST([] AS VARCHAR[]), CAST([] AS VARCHAR[]), true), '') AS pretty
FROM teatree_system.support.index_entry i
JOIN teatree_system.support.index_parts p ON p.oid = i.oid
JOIN teatree_system.support.schema_entry n ON n.oid = i.namespace_oid
LEFT JOIN teatree_system.support.shown_predicate w ON w.oid = i.oid;

CREATE VIEW teatree_system.pg.pg_indexes AS
SELECT schema_name AS schemaname, table_name AS tablename, name AS indexname,
       NULL::VARCHAR AS tablespace, definition AS indexdef
FROM teatree_system.support.index_text;

CREATE VIEW teatree_system.pg.pg_sequences AS
SELECT n.name AS schemaname, s.sequence_name AS sequencename, 'postgres' AS sequenceowner,
  CASE s.type_name WHEN 'bigint' THEN 20 WHEN 'integer' THEN 23 ELSE 21 END::UINTEGER AS data_type, s.start_value, s.min_value, s.max_value, s.increment_by, s.cycle,
  1::BIGINT AS cache_size, s.last_value
FROM teatree_system.support.sequence_entry s JOIN teatree_system.support.schema_entry n
  ON n.oid = teatree_system.support.schema_oid(s.database_name, s.schema_name);
