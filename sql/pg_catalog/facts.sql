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

CREATE VIEW teatree_system.support.subject_comment AS
SELECT s.oid, s.class_oid, s.number, f.value AS comment
FROM teatree_system.support.object_fact f
JOIN teatree_system.support.subject s ON s.kind = f.kind AND s.schema_name = f.schema_name
  AND s.object_name = f.object_name AND s.part = f.part
WHERE f.fact = 'comment';
