-- Roles and privileges: facts of src/writer/define/roles.rs and privileges.rs. Who is connected without
-- having been made is shown as a role that may do all.

CREATE MACRO teatree_system.support.role_oid(of_name) AS
  CASE of_name WHEN 'postgres' THEN 10::UINTEGER ELSE teatree_system.support.object_oid('', '', of_name, 'role') END;

CREATE VIEW teatree_system.support.made_role AS
SELECT 'postgres' AS name, true AS superuser, true AS inherit, true AS create_role, true AS create_db, true AS login,
  true AS replication, true AS bypass_rls, -1::INTEGER AS connection_limit, NULL::VARCHAR AS valid_until
UNION ALL
SELECT object_name, json_extract_string(value, '$.superuser') = 'true', json_extract_string(value, '$.inherit') = 'true',
  json_extract_string(value, '$.create_role') = 'true', json_extract_string(value, '$.create_db') = 'true',
  json_extract_string(value, '$.login') = 'true', json_extract_string(value, '$.replication') = 'true',
  json_extract_string(value, '$.bypass_rls') = 'true', CAST(json_extract_string(value, '$.connection_limit') AS INTEGER),
  json_extract_string(value, '$.valid_until')
FROM teatree_system.support.object_fact WHERE kind = 'role' AND fact = 'role';

CREATE VIEW teatree_system.pg.pg_authid AS
SELECT teatree_system.support.role_oid(name) AS oid, name AS rolname, superuser AS rolsuper, inherit AS rolinherit, create_role AS rolcreaterole,
  create_db AS rolcreatedb, login AS rolcanlogin, replication AS rolreplication, bypass_rls AS rolbypassrls,
  connection_limit AS rolconnlimit, NULL::VARCHAR AS rolpassword, TRY_CAST(valid_until AS TIMESTAMPTZ) AS rolvaliduntil
FROM teatree_system.support.made_role
UNION ALL
SELECT teatree_system.support.role_oid(usename), usename, true, true, true, true, true, false, true, -1, NULL, NULL
FROM (SELECT DISTINCT usename FROM teatree_sessions() WHERE usename IS NOT NULL
      AND usename NOT IN (SELECT name FROM teatree_system.support.made_role));

CREATE VIEW teatree_system.support.role_member AS
SELECT object_name AS role, part AS member, value = 'true' AS admin
FROM teatree_system.support.object_fact WHERE kind = 'role' AND fact = 'member';

CREATE VIEW teatree_system.pg.pg_auth_members AS
SELECT teatree_system.support.role_oid(role) AS roleid, teatree_system.support.role_oid(member) AS member, 10::UINTEGER AS grantor,
  admin AS admin_option, teatree_system.support.object_oid('', role, member, 'member') AS oid,
  true AS inherit_option, true AS set_option
FROM teatree_system.support.role_member;

-- Each role with all that it is a member of, itself among them.
CREATE VIEW teatree_system.support.role_closure AS
WITH RECURSIVE closure (member, role) AS (
  SELECT name, name FROM teatree_system.support.made_role
  UNION
  SELECT c.member, m.role FROM closure c JOIN teatree_system.support.role_member m ON m.member = c.role)
SELECT member, role FROM closure;

-- Owners and privileges, by the objects' numbers, which are made of their names; a column's by its table's
-- and its name.
CREATE VIEW teatree_system.support.owned_fact AS
SELECT f.kind, f.part, f.fact, f.value,
  CASE WHEN f.kind = 'schema' THEN teatree_system.support.schema_oid(current_database(), CASE WHEN f.object_name = 'public' THEN 'main' ELSE f.object_name END)
       WHEN f.kind = 'routine' THEN teatree_system.support.object_oid(current_database(), f.schema_name, f.object_name, 'routine')
       WHEN f.kind = 'database' THEN 5::UINTEGER
       ELSE coalesce(d.oid, teatree_system.support.object_oid(current_database(),
              CASE WHEN f.schema_name = 'public' THEN 'main' ELSE f.schema_name END, f.object_name, '')) END AS oid
FROM (SELECT * FROM teatree_system.support.object_fact WHERE fact IN ('owner', 'acl') AND kind IN ('relation', 'column', 'schema', 'routine', 'database')) f
LEFT JOIN teatree_datasets() d ON f.kind IN ('relation', 'column') AND d.schema_name = f.schema_name AND d.table_name = f.object_name;

CREATE VIEW teatree_system.support.object_owner AS
SELECT kind, oid, value AS owner FROM teatree_system.support.owned_fact WHERE fact = 'owner';

CREATE VIEW teatree_system.support.object_acl AS
SELECT kind, oid, part, CASE WHEN value = '' THEN CAST([] AS VARCHAR[]) ELSE string_split(value, chr(31)) END AS acl
FROM teatree_system.support.owned_fact WHERE fact = 'acl';

CREATE MACRO teatree_system.support.privilege_word(of_letter) AS
  CASE of_letter WHEN 'a' THEN 'INSERT' WHEN 'r' THEN 'SELECT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' WHEN 'D' THEN 'TRUNCATE'
    WHEN 'x' THEN 'REFERENCES' WHEN 't' THEN 'TRIGGER' WHEN 'X' THEN 'EXECUTE' WHEN 'U' THEN 'USAGE' WHEN 'C' THEN 'CREATE'
    WHEN 'T' THEN 'TEMPORARY' WHEN 'c' THEN 'CONNECT' END;
CREATE MACRO teatree_system.support.acl_name(of_text) AS
  CASE WHEN of_text LIKE '"%' THEN replace(of_text[2:-2], '""', '"') ELSE of_text END;
-- An item's parts: the last = and / before and behind the letters are the item's own.
CREATE MACRO teatree_system.support.acl_grantee(of_item) AS
  teatree_system.support.acl_name(regexp_extract(of_item, '^(.*)=[a-zA-Z*]*/.*$', 1, 's'));
CREATE MACRO teatree_system.support.acl_grantor(of_item) AS
  teatree_system.support.acl_name(regexp_extract(of_item, '^.*=[a-zA-Z*]*/(.*)$', 1, 's'));
CREATE MACRO teatree_system.support.acl_letters(of_item) AS
  regexp_extract_all(regexp_extract(of_item, '^.*=([a-zA-Z*]*)/.*$', 1, 's'), '[a-zA-Z]\*?');

-- What roles have, by the classes of has_table_privilege and its like; what nothing was said of has what
-- PostgreSQL gives it.
CREATE VIEW teatree_system.support.object_privilege AS
SELECT kind, oid, part, teatree_system.support.acl_grantee(item) AS grantee, teatree_system.support.acl_grantor(item) AS grantor,
       letter[1] AS letter, len(letter) > 1 AS is_grantable
FROM (SELECT kind, oid, part, item, unnest(teatree_system.support.acl_letters(item)) AS letter
      FROM (SELECT kind, oid, part, unnest(acl) AS item FROM teatree_system.support.object_acl))
UNION ALL
SELECT kind, oid, '', owner, owner, unnest(['a', 'r', 'w', 'd', 'D', 'x', 't', 'X', 'U', 'C', 'T', 'c']), true
FROM teatree_system.support.object_owner
UNION ALL
SELECT 'routine', oid, '', '', 'postgres', 'X', false FROM teatree_system.support.user_proc
WHERE oid NOT IN (SELECT oid FROM teatree_system.support.object_acl WHERE kind = 'routine')
UNION ALL
SELECT 'schema', oid, '', '', 'postgres', 'U', false FROM teatree_system.support.schema_entry
WHERE name IN ('public', 'pg_catalog', 'information_schema')
  AND oid NOT IN (SELECT oid FROM teatree_system.support.object_acl WHERE kind = 'schema')
UNION ALL
SELECT 'relation', oid, '', '', 'postgres', 'r', false FROM teatree_system.support.system_relation
UNION ALL
SELECT 'database', 5::UINTEGER, '', '', 'postgres', letter, false FROM (SELECT unnest(['T', 'c']) AS letter)
WHERE NOT EXISTS (FROM teatree_system.support.object_acl WHERE kind = 'database');

CREATE VIEW teatree_system.support.lookup_allowed AS
SELECT r.name AS ti_who, p.kind AS ti_kind, p.oid AS ti_oid, p.part AS ti_part, p.letter AS ti_letter, p.is_grantable AS ti_grantable
FROM teatree_system.support.made_role r
JOIN teatree_system.support.object_privilege p ON p.grantee = ''
UNION ALL
SELECT c.member, p.kind, p.oid, p.part, p.letter, p.is_grantable
FROM teatree_system.support.role_closure c
JOIN teatree_system.support.object_privilege p ON p.grantee = c.role;

CREATE VIEW teatree_system.support.lookup_closure AS
SELECT member AS ti_member, role AS ti_role FROM teatree_system.support.role_closure;
