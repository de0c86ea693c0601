-- PostgreSQL's functions about roles and privileges. A form without a role gets the session's own as its
-- first argument before it comes here (src/sql/rewrite/of_session.rs), unless that role may do all.

-- Each role, with all that it may do where it may not do all.
CREATE VIEW teatree_system.support.lookup_right AS
SELECT r.ti_name AS ti_who, r.ti_oid AS ti_who_oid, r.ti_super, a.ti_kind, a.ti_oid, a.ti_part, a.ti_letter, a.ti_grantable
FROM teatree_system.support.lookup_role r
LEFT JOIN teatree_system.support.lookup_allowed a ON a.ti_who = r.ti_name AND NOT r.ti_super;

CREATE MACRO teatree_system.support.role_name(arg_role) AS
  coalesce((SELECT ti_name FROM teatree_system.support.lookup_role
            WHERE ti_name = CAST(arg_role AS VARCHAR) OR ti_oid = TRY_CAST(arg_role AS UINTEGER) LIMIT 1),
           CASE WHEN arg_role IS NOT NULL THEN error('[42704] role "' || CAST(arg_role AS VARCHAR) || '" does not exist') END);
CREATE MACRO teatree_system.support.privilege_letter(arg_word) AS
  CASE upper(trim(arg_word)) WHEN 'SELECT' THEN 'r' WHEN 'INSERT' THEN 'a' WHEN 'UPDATE' THEN 'w' WHEN 'DELETE' THEN 'd'
    WHEN 'TRUNCATE' THEN 'D' WHEN 'REFERENCES' THEN 'x' WHEN 'TRIGGER' THEN 't' WHEN 'EXECUTE' THEN 'X' WHEN 'USAGE' THEN 'U'
    WHEN 'CREATE' THEN 'C' WHEN 'TEMP' THEN 'T' WHEN 'TEMPORARY' THEN 'T' WHEN 'CONNECT' THEN 'c'
    ELSE error('[22023] unrecognized privilege type: "' || arg_word || '"') END;
-- The letters of a list of privileges, with a star where the right to grant it is asked for.
CREATE MACRO teatree_system.support.privilege_letters(arg_privileges) AS
  [teatree_system.support.privilege_letter(regexp_replace(w, '(?i)\s+with\s+grant\s+option\s*$', ''))
   || CASE WHEN regexp_matches(w, '(?i)\s+with\s+grant\s+option\s*$') THEN '*' ELSE '' END FOR w IN string_split(arg_privileges, ',')];
CREATE MACRO teatree_system.support.has_privilege(arg_who, arg_kind, arg_oid, arg_part, arg_privileges) AS
  CASE WHEN arg_who IS NULL OR arg_oid IS NULL OR arg_privileges IS NULL THEN NULL
       ELSE (SELECT CASE WHEN count(*) = 0 THEN error('[42704] role "' || CAST(arg_who AS VARCHAR) || '" does not exist')
                    ELSE bool_or(ti_super OR coalesce(ti_kind = arg_kind AND ti_oid = arg_oid AND ti_part IN ('', arg_part)
                      AND (list_contains(teatree_system.support.privilege_letters(arg_privileges), ti_letter)
                           OR ti_grantable AND list_contains(teatree_system.support.privilege_letters(arg_privileges), ti_letter || '*')), false)) END
             FROM teatree_system.support.lookup_right
             WHERE ti_who = CAST(arg_who AS VARCHAR) OR CAST(ti_who_oid AS VARCHAR) = CAST(arg_who AS VARCHAR)) END;
CREATE MACRO teatree_system.support.is_in_role(arg_who, arg_role) AS
  coalesce((SELECT bool_or(ti_super) FROM teatree_system.support.lookup_role WHERE ti_name = teatree_system.support.role_name(arg_who)), false)
  OR coalesce((SELECT bool_or(true) FROM teatree_system.support.lookup_closure
               WHERE ti_member = teatree_system.support.role_name(arg_who) AND ti_role = teatree_system.support.role_name(arg_role)), false);

CREATE MACRO teatree_system.pg.pg_has_role(arg_role, arg_privilege) AS CASE WHEN arg_role IS NOT NULL AND arg_privilege IS NOT NULL THEN true END,
  (arg_who, arg_role, arg_privilege) AS CASE WHEN arg_privilege IS NOT NULL THEN teatree_system.support.is_in_role(arg_who, arg_role) END;
CREATE MACRO teatree_system.pg.has_table_privilege(arg_r, arg_privilege) AS CASE WHEN arg_r IS NOT NULL AND arg_privilege IS NOT NULL THEN true END,
  (arg_who, arg_r, arg_privilege) AS
    teatree_system.support.has_privilege(arg_who, 'relation', teatree_system.pg.regclass_in(arg_r), '', arg_privilege);
CREATE MACRO teatree_system.pg.has_any_column_privilege(arg_r, arg_privilege) AS CASE WHEN arg_r IS NOT NULL AND arg_privilege IS NOT NULL THEN true END,
  (arg_who, arg_r, arg_privilege) AS
    teatree_system.support.has_privilege(arg_who, 'relation', teatree_system.pg.regclass_in(arg_r), '', arg_privilege)
    OR coalesce((SELECT bool_or(teatree_system.support.has_privilege(arg_who, 'column', ti_table, ti_name, arg_privilege))
                 FROM teatree_system.support.lookup_column WHERE ti_table = teatree_system.pg.regclass_in(arg_r)), false);
CREATE MACRO teatree_system.pg.has_column_privilege(arg_r, arg_c, arg_privilege) AS CASE WHEN arg_r IS NOT NULL AND arg_c IS NOT NULL AND arg_privilege IS NOT NULL THEN true END,
  (arg_who, arg_r, arg_c, arg_privilege) AS
    teatree_system.support.has_privilege(arg_who, 'relation', teatree_system.pg.regclass_in(arg_r), '', arg_privilege)
    OR coalesce((SELECT bool_or(teatree_system.support.has_privilege(arg_who, 'column', ti_table, ti_name, arg_privilege))
                 FROM teatree_system.support.lookup_column WHERE ti_table = teatree_system.pg.regclass_in(arg_r)
                   AND (ti_name = CAST(arg_c AS VARCHAR) OR ti_number = TRY_CAST(arg_c AS SMALLINT))), false);
CREATE MACRO teatree_system.pg.has_schema_privilege(arg_s, arg_privilege) AS CASE WHEN arg_s IS NOT NULL AND arg_privilege IS NOT NULL THEN true END,
  (arg_who, arg_s, arg_privilege) AS
    teatree_system.support.has_privilege(arg_who, 'schema', teatree_system.pg.regnamespace_in(arg_s), '', arg_privilege);
CREATE MACRO teatree_system.pg.has_database_privilege(arg_d, arg_privilege) AS CASE WHEN arg_d IS NOT NULL AND arg_privilege IS NOT NULL THEN true END,
  (arg_who, arg_d, arg_privilege) AS
    CASE WHEN arg_d IS NOT NULL THEN teatree_system.support.has_privilege(arg_who, 'database', 5::UINTEGER, '', arg_privilege) END;
CREATE MACRO teatree_system.pg.has_sequence_privilege(arg_s, arg_privilege) AS CASE WHEN arg_s IS NOT NULL AND arg_privilege IS NOT NULL THEN true END,
  (arg_who, arg_s, arg_privilege) AS
    teatree_system.support.has_privilege(arg_who, 'relation', teatree_system.pg.regclass_in(arg_s), '', arg_privilege);
-- A built-in function may be called by everybody.
CREATE MACRO teatree_system.pg.has_function_privilege(arg_f, arg_privilege) AS CASE WHEN arg_f IS NOT NULL AND arg_privilege IS NOT NULL THEN true END,
  (arg_who, arg_f, arg_privilege) AS
    coalesce(TRY_CAST(arg_f AS UINTEGER), 0) < 16384
    OR teatree_system.support.has_privilege(arg_who, 'routine', CAST(arg_f AS UINTEGER), '', arg_privilege);
CREATE MACRO teatree_system.pg.has_tablespace_privilege(arg_t, arg_privilege) AS true, (arg_who, arg_t, arg_privilege) AS true;
CREATE MACRO teatree_system.pg.has_type_privilege(arg_t, arg_privilege) AS true, (arg_who, arg_t, arg_privilege) AS true;
CREATE MACRO teatree_system.pg.has_language_privilege(arg_t, arg_privilege) AS true, (arg_who, arg_t, arg_privilege) AS true;
CREATE MACRO teatree_system.pg.has_server_privilege(arg_t, arg_privilege) AS true, (arg_who, arg_t, arg_privilege) AS true;
CREATE MACRO teatree_system.pg.has_foreign_data_wrapper_privilege(arg_t, arg_privilege) AS true, (arg_who, arg_t, arg_privilege) AS true;

CREATE MACRO teatree_system.support.acl_quoted(arg_name) AS
  CASE WHEN regexp_full_match(arg_name, '[a-zA-Z0-9_]*') THEN arg_name ELSE '"' || replace(arg_name, '"', '""') || '"' END;
CREATE MACRO teatree_system.support.acl_owned(arg_role, arg_letters) AS
  teatree_system.support.acl_quoted(teatree_system.pg.pg_get_userbyid(arg_role)) || '=' || arg_letters || '/'
  || teatree_system.support.acl_quoted(teatree_system.pg.pg_get_userbyid(arg_role));
CREATE MACRO teatree_system.support.acl_public(arg_role, arg_letters) AS
  '=' || arg_letters || '/' || teatree_system.support.acl_quoted(teatree_system.pg.pg_get_userbyid(arg_role));
CREATE MACRO teatree_system.pg.acldefault(arg_kind, arg_role) AS
  CASE CAST(arg_kind AS VARCHAR)
    WHEN 'r' THEN [teatree_system.support.acl_owned(arg_role, 'arwdDxt')]
    WHEN 's' THEN [teatree_system.support.acl_owned(arg_role, 'rwU')]
    WHEN 'n' THEN [teatree_system.support.acl_owned(arg_role, 'UC')]
    WHEN 'd' THEN [teatree_system.support.acl_public(arg_role, 'Tc'), teatree_system.support.acl_owned(arg_role, 'CTc')]
    WHEN 'f' THEN [teatree_system.support.acl_public(arg_role, 'X'), teatree_system.support.acl_owned(arg_role, 'X')]
    WHEN 'l' THEN [teatree_system.support.acl_public(arg_role, 'U'), teatree_system.support.acl_owned(arg_role, 'U')]
    WHEN 'T' THEN [teatree_system.support.acl_public(arg_role, 'U'), teatree_system.support.acl_owned(arg_role, 'U')]
    WHEN 't' THEN [teatree_system.support.acl_owned(arg_role, 'C')]
    WHEN 'c' THEN CAST([] AS VARCHAR[]) END;
CREATE MACRO teatree_system.pg.makeaclitem(arg_grantee, arg_grantor, arg_privileges, arg_grantable) AS
  CASE WHEN arg_grantee = 0 THEN '' ELSE teatree_system.support.acl_quoted(teatree_system.pg.pg_get_userbyid(arg_grantee)) END || '='
  || system.main.array_to_string([teatree_system.support.privilege_letter(w) || CASE WHEN arg_grantable THEN '*' ELSE '' END
                                  FOR w IN string_split(arg_privileges, ',')], '')
  || '/' || teatree_system.support.acl_quoted(teatree_system.pg.pg_get_userbyid(arg_grantor));
CREATE MACRO teatree_system.pg.aclexplode_list(arg_list) AS
  CASE WHEN arg_list IS NOT NULL THEN
    flatten([[{'grantor': teatree_system.support.role_oid(teatree_system.support.acl_grantor(i)),
               'grantee': CASE WHEN teatree_system.support.acl_grantee(i) = '' THEN 0::UINTEGER
                               ELSE teatree_system.support.role_oid(teatree_system.support.acl_grantee(i)) END,
               'privilege_type': teatree_system.support.privilege_word(letter[1]), 'is_grantable': len(letter) > 1}
              FOR letter IN teatree_system.support.acl_letters(i)] FOR i IN CAST(arg_list AS VARCHAR[])]) END;
CREATE MACRO teatree_system.pg.aclexplode(arg_list) AS unnest(teatree_system.pg.aclexplode_list(arg_list));
