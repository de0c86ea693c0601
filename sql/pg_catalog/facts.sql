-- Facts about objects: what PostgreSQL keeps of them and DuckDB has no place for. The view
-- support.object_fact is of the table in the data file, whose database's name only the server knows:
-- it makes the view before it runs this.

-- Everything that facts can be about, under the words of src/sql/define/subject.rs; what is known by
-- its fact alone (roles), and the database, left out.
CREATE VIEW teatree_system.support.subject AS
SELECT 'relation' AS kind, n.name AS schema_name, r.name AS object_name, '' AS part, 1259::UINTEGER AS class_oid, r.oid, 0::INTEGER AS number
FROM teatree_system.support.relation r JOIN teatree_system.support.schema_entry n ON n.oid = r.namespace_oid
UNION ALL
SELECT 'column', schema_name, table_name, name, 1259::UINTEGER, table_oid, CAST(number AS INTEGER)
FROM teatree_system.support.column_type
UNION ALL
SELECT 'constraint', n.name, k.table_name, k.name, 2606::UINTEGER, k.oid, 0
FROM teatree_system.support.constraint_entry k JOIN teatree_system.support.schema_entry n ON n.oid = k.namespace_oid
UNION ALL
SELECT 'trigger', schema_name, table_name, name, 2620::UINTEGER, oid, 0 FROM teatree_system.support.trigger_entry
UNION ALL
SELECT 'type', n.name, t.name, '', 1247::UINTEGER, t.oid, 0
FROM (SELECT oid, name, namespace_oid FROM teatree_system.support.user_enum
      UNION ALL SELECT oid, name, namespace_oid FROM teatree_system.support.user_domain) t
JOIN teatree_system.support.schema_entry n ON n.oid = t.namespace_oid
UNION ALL
SELECT 'domain constraint', n.name, c.domain_name, c.name, 2606::UINTEGER, c.oid, 0
FROM teatree_system.support.domain_check c JOIN teatree_system.support.schema_entry n ON n.oid = c.namespace_oid
UNION ALL
SELECT 'routine', schema_name, signature, '', 1255::UINTEGER, oid, 0 FROM teatree_system.support.user_proc
UNION ALL
SELECT 'schema', '', name, '', 2615::UINTEGER, oid, 0 FROM teatree_system.support.schema_entry;

-- Comments by the numbers of what they are on. Numbers are made of names, so that little has to be looked
-- up; a constraint's is not made of its shown name alone.
CREATE VIEW teatree_system.support.commented AS
SELECT kind, CASE WHEN schema_name = 'public' THEN 'main' ELSE schema_name END AS of_schema, schema_name, object_name, part, value
FROM teatree_system.support.object_fact WHERE fact = 'comment';
CREATE VIEW teatree_system.support.subject_comment AS
SELECT teatree_system.support.object_oid(current_database(), of_schema, object_name, '') AS oid, 1259::UINTEGER AS class_oid, 0::INTEGER AS number, value AS comment
FROM teatree_system.support.commented WHERE kind = 'relation'
UNION ALL
SELECT teatree_system.support.object_oid(current_database(), of_schema, object_name, concat(part, chr(31), 'trigger')), 2620::UINTEGER, 0, value
FROM teatree_system.support.commented WHERE kind = 'trigger'
UNION ALL
SELECT teatree_system.support.schema_oid(current_database(), CASE WHEN object_name = 'public' THEN 'main' ELSE object_name END), 2615::UINTEGER, 0, value
FROM teatree_system.support.commented WHERE kind = 'schema'
UNION ALL
SELECT k.oid, 2606::UINTEGER, 0, f.value
FROM teatree_system.support.commented f JOIN teatree_system.support.constraint_entry k
  ON k.schema_name = f.of_schema AND k.table_name = f.object_name AND k.name = f.part WHERE f.kind = 'constraint' AND NOT k.is_temporary
UNION ALL
SELECT k.index_oid, 1259::UINTEGER, 0, f.value
FROM teatree_system.support.commented f JOIN teatree_system.support.constraint_entry k
  ON k.schema_name = f.of_schema AND k.name = f.object_name WHERE f.kind = 'relation' AND k.kind IN ('p', 'u') AND NOT k.is_temporary
UNION ALL
SELECT c.oid, 2606::UINTEGER, 0, f.value
FROM teatree_system.support.commented f JOIN teatree_system.support.domain_check c
  ON c.domain_name = f.object_name AND c.name = f.part AND c.namespace_oid = teatree_system.support.schema_oid(current_database(), f.of_schema)
WHERE f.kind = 'domain constraint';
