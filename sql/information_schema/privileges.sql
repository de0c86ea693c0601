-- Roles and privileges, as information_schema has them: for whom may do all, which is to say all of them.

CREATE VIEW teatree_system.support.relation_grant AS
SELECT oid, name, namespace_oid, teatree_system.support.acl_grantor(item) AS grantor,
  CASE WHEN teatree_system.support.acl_grantee(item) = '' THEN 'PUBLIC' ELSE teatree_system.support.acl_grantee(item) END AS grantee,
  letter[1] AS letter, len(letter) > 1 OR teatree_system.support.acl_grantee(item) = owner AS is_grantable
FROM (
  SELECT *, unnest(teatree_system.support.acl_letters(item)) AS letter
  FROM (
    SELECT r.oid, r.name, r.namespace_oid, coalesce(o.owner, 'postgres') AS owner,
      unnest(coalesce(a.acl, [teatree_system.support.acl_quoted(coalesce(o.owner, 'postgres')) || '=arwdDxt/'
                              || teatree_system.support.acl_quoted(coalesce(o.owner, 'postgres'))])) AS item
    FROM (SELECT oid, name, namespace_oid FROM teatree_system.support.user_relation WHERE kind IN ('r', 'v')
          UNION ALL SELECT oid, name, namespace_oid FROM teatree_system.support.system_relation) r
    LEFT JOIN teatree_system.support.object_owner o ON o.kind = 'relation' AND o.oid = r.oid
    LEFT JOIN teatree_system.support.object_acl a ON a.kind = 'relation' AND a.oid = r.oid));

CREATE VIEW teatree_system.information.table_privileges AS
SELECT g.grantor, g.grantee, current_database() AS table_catalog, n.name AS table_schema, g.name AS table_name,
  teatree_system.support.privilege_word(g.letter) AS privilege_type,
  CASE WHEN g.is_grantable THEN 'YES' ELSE 'NO' END AS is_grantable,
  CASE WHEN g.letter = 'r' THEN 'YES' ELSE 'NO' END AS with_hierarchy
FROM teatree_system.support.relation_grant g
JOIN teatree_system.support.schema_entry n ON n.oid = g.namespace_oid
WHERE g.letter IN ('a', 'r', 'w', 'd', 'D', 'x', 't');

CREATE VIEW teatree_system.information.role_table_grants AS
SELECT * FROM teatree_system.information.table_privileges;

CREATE VIEW teatree_system.information.column_privileges AS
SELECT DISTINCT g.grantor, g.grantee, current_database() AS table_catalog, n.name AS table_schema, g.name AS table_name, c.name AS column_name,
  teatree_system.support.privilege_word(g.letter) AS privilege_type,
  CASE WHEN g.is_grantable THEN 'YES' ELSE 'NO' END AS is_grantable
FROM (SELECT oid, name, namespace_oid, grantor, grantee, letter, is_grantable, '' AS part FROM teatree_system.support.relation_grant
      UNION ALL
      SELECT p.oid, r.name, r.namespace_oid, p.grantor, CASE WHEN p.grantee = '' THEN 'PUBLIC' ELSE p.grantee END, p.letter, p.is_grantable, p.part
      FROM teatree_system.support.object_privilege p JOIN teatree_system.support.user_relation r ON r.oid = p.oid WHERE p.kind = 'column') g
JOIN teatree_system.support.schema_entry n ON n.oid = g.namespace_oid
JOIN teatree_system.support.column_entry c ON c.table_oid = g.oid AND g.part IN ('', c.name)
WHERE g.letter IN ('a', 'r', 'w', 'x');

CREATE VIEW teatree_system.information.role_column_grants AS
SELECT * FROM teatree_system.information.column_privileges;

CREATE VIEW teatree_system.information.enabled_roles AS
SELECT rolname AS role_name FROM teatree_system.pg.pg_authid;

CREATE VIEW teatree_system.information.applicable_roles AS
SELECT member AS grantee, role AS role_name, CASE WHEN admin THEN 'YES' ELSE 'NO' END AS is_grantable
FROM teatree_system.support.role_member;

CREATE VIEW teatree_system.information.administrable_role_authorizations AS
SELECT * FROM teatree_system.information.applicable_roles WHERE is_grantable = 'YES';

CREATE VIEW teatree_system.information.routine_privileges AS
SELECT 'postgres' AS grantor, CASE WHEN p.grantee = '' THEN 'PUBLIC' ELSE p.grantee END AS grantee,
  current_database() AS specific_catalog, r.schema_name AS specific_schema, r.name || '_' || CAST(r.oid AS VARCHAR) AS specific_name,
  current_database() AS routine_catalog, r.schema_name AS routine_schema, r.name AS routine_name, 'EXECUTE' AS privilege_type,
  CASE WHEN p.is_grantable THEN 'YES' ELSE 'NO' END AS is_grantable
FROM teatree_system.support.object_privilege p
JOIN teatree_system.support.user_proc r ON r.oid = p.oid WHERE p.kind = 'routine' AND p.letter = 'X';

CREATE VIEW teatree_system.information.role_routine_grants AS
SELECT * FROM teatree_system.information.routine_privileges;
