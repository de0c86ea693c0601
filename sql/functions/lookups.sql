-- What the functions look up. A macro's arguments are pasted into its body, where a bare `oid` or an
-- alias such as `c` would be taken for the body's own; so these columns have names that nobody uses.
-- **Invariant:** a macro's sub-select names one of these views, without an alias, and ti_ columns only.

CREATE VIEW teatree_system.support.lookup_relation AS
SELECT r.oid AS ti_oid, r.name AS ti_name, n.name AS ti_schema,
  n.oid = 11 OR n.name = 'pg_temp_1'
    OR list_contains(system.main.current_schemas(false), n.duckdb_name) AS ti_visible,
  CASE WHEN n.oid = 11 THEN 0 WHEN n.name = 'pg_temp_1' THEN 1
       ELSE 1 + list_position(system.main.current_schemas(false), n.duckdb_name) END AS ti_rank
FROM teatree_system.support.relation r
JOIN teatree_system.support.schema_entry n ON n.oid = r.namespace_oid;

CREATE VIEW teatree_system.support.lookup_type AS
SELECT oid AS ti_oid, typname AS ti_name, sqlname AS ti_sqlname, true AS ti_visible
FROM teatree_system.support.builtin_type
UNION ALL
SELECT e.oid, e.name, e.sqlname,
       list_contains(system.main.current_schemas(false), n.duckdb_name)
FROM (SELECT oid, name, teatree_system.support.quoted(name) AS sqlname, namespace_oid FROM teatree_system.support.user_enum
      UNION ALL SELECT array_oid, '_' || name, teatree_system.support.quoted(name) || '[]', namespace_oid FROM teatree_system.support.user_enum
      UNION ALL SELECT oid, name, teatree_system.support.quoted(name), namespace_oid FROM teatree_system.support.user_domain) e
JOIN teatree_system.support.schema_entry n ON n.oid = e.namespace_oid;

CREATE VIEW teatree_system.support.lookup_schema AS
SELECT oid AS ti_oid, name AS ti_name FROM teatree_system.support.schema_entry;

CREATE VIEW teatree_system.support.lookup_role AS
SELECT oid AS ti_oid, rolname AS ti_name, rolsuper AS ti_super FROM teatree_system.pg.pg_authid;

CREATE VIEW teatree_system.support.lookup_proc AS
SELECT p.oid AS ti_oid, p.proname AS ti_name,
  CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END || t.sqlname AS ti_result
FROM teatree_system.support.builtin_proc p
LEFT JOIN teatree_system.support.builtin_type t ON t.oid = p.prorettype
UNION ALL
SELECT oid, name, result FROM teatree_system.support.user_proc_text;

-- Functions with the types of their arguments, as regprocedure writes them.
CREATE VIEW teatree_system.support.lookup_procedure AS
SELECT p.oid AS ti_oid, p.proname AS ti_name,
  coalesce(string_agg(t.ti_sqlname, ',' ORDER BY p.place), '') AS ti_arguments
FROM (SELECT oid, proname, unnest(CASE WHEN len(proargtypes) > 0 THEN proargtypes ELSE [0::UINTEGER] END) AS type_oid,
             unnest(range(greatest(len(proargtypes), 1))) AS place
      FROM teatree_system.pg.pg_proc) p
LEFT JOIN teatree_system.support.lookup_type t ON t.ti_oid = p.type_oid
GROUP BY p.oid, p.proname;

CREATE VIEW teatree_system.support.lookup_operator AS
SELECT o.oid AS ti_oid, o.oprname AS ti_name,
  coalesce(l.sqlname, 'NONE') || ',' || coalesce(r.sqlname, 'NONE') AS ti_arguments
FROM teatree_system.support.builtin_operator o
LEFT JOIN teatree_system.support.builtin_type l ON l.oid = o.oprleft
LEFT JOIN teatree_system.support.builtin_type r ON r.oid = o.oprright;

CREATE VIEW teatree_system.support.lookup_proc_argument AS
SELECT p.oid AS ti_oid, p.place AS ti_place, p.mode AS ti_mode,
  CASE p.mode WHEN 'o' THEN 'OUT ' WHEN 'b' THEN 'INOUT ' WHEN 'v' THEN 'VARIADIC ' ELSE '' END
    || CASE WHEN p.name <> '' THEN teatree_system.support.quoted(p.name) || ' ' ELSE '' END || t.sqlname AS ti_argument
FROM (SELECT oid, unnest(types) AS type_oid, unnest(range(len(types))) AS place,
             unnest(coalesce(proargmodes, [CASE WHEN provariadic > 0 AND i = len(types) THEN 'v' ELSE 'i' END
                                           FOR i IN range(1, len(types) + 1)])) AS mode,
             unnest(coalesce(proargnames, ['' FOR i IN range(len(types))])) AS name
      FROM (SELECT *, coalesce(proallargtypes, proargtypes) AS types FROM teatree_system.support.builtin_proc)) p
JOIN teatree_system.support.builtin_type t ON t.oid = p.type_oid;

CREATE VIEW teatree_system.support.lookup_constraint AS
SELECT k.oid AS ti_oid,
  CASE WHEN s.expression IS NOT NULL THEN 'CHECK (' || s.expression || ')'
       -- A table on the search path stands there without its schema.
       WHEN k.kind = 'f' AND list_contains(system.main.current_schemas(false), k.referenced_schema) THEN
         replace(k.definition, ' REFERENCES ' || teatree_system.support.quoted(k.referenced_schema) || '.', ' REFERENCES ')
       WHEN k.kind = 'f' AND k.referenced_schema = 'main' THEN
         replace(k.definition, ' REFERENCES ', ' REFERENCES public.')
       ELSE k.definition END AS ti_definition, s.expression AS ti_expression
FROM teatree_system.support.constraint_entry k LEFT JOIN teatree_system.support.shown_check s ON s.oid = k.oid
UNION ALL
SELECT oid, definition, NULL FROM teatree_system.support.domain_check;

CREATE VIEW teatree_system.support.lookup_index AS
SELECT oid AS ti_oid, definition AS ti_definition,
  -- A table on the search path stands there without its schema.
  CASE WHEN list_contains(system.main.current_schemas(false), duckdb_schema)
       THEN replace(pretty, ' ON ' || teatree_system.support.quoted(schema_name) || '.', ' ON ') ELSE pretty END AS ti_pretty, shown AS ti_shown, options AS ti_options, key_count AS ti_keys
FROM teatree_system.support.index_text;

CREATE VIEW teatree_system.support.lookup_view AS
SELECT oid AS ti_oid, definition AS ti_definition FROM teatree_system.support.view_text;

CREATE VIEW teatree_system.support.lookup_column AS
SELECT table_oid AS ti_table, number AS ti_number, name AS ti_name, comment AS ti_comment,
       column_default AS ti_default, owned_sequence AS ti_sequence
FROM teatree_system.support.column_entry;

CREATE VIEW teatree_system.support.lookup_owned_sequence AS
SELECT c.table_oid AS ti_table, c.name AS ti_name, s.sequence_oid AS ti_oid
FROM teatree_system.support.column_entry c
JOIN teatree_system.support.sequence_entry s ON s.written_name = c.owned_sequence;

CREATE VIEW teatree_system.support.lookup_description AS
SELECT d.objoid AS ti_oid, r.name AS ti_catalog, d.description AS ti_description
FROM teatree_system.pg.pg_description d
JOIN teatree_system.support.system_relation r ON r.oid = d.classoid WHERE d.objsubid = 0;

CREATE VIEW teatree_system.support.lookup_shared_description AS
SELECT d.objoid AS ti_oid, r.name AS ti_catalog, d.description AS ti_description
FROM teatree_system.pg.pg_shdescription d
JOIN teatree_system.support.system_relation r ON r.oid = d.classoid;

CREATE VIEW teatree_system.support.lookup_kind AS
SELECT oid AS ti_oid, kind AS ti_kind FROM teatree_system.support.user_relation;

CREATE VIEW teatree_system.support.lookup_size AS
SELECT r.oid AS ti_oid, CAST(coalesce(d.bytes, r.row_count * r.column_count * 8) AS BIGINT) AS ti_bytes
FROM teatree_system.support.user_relation r LEFT JOIN teatree_datasets() d ON d.oid = r.oid;

CREATE VIEW teatree_system.support.lookup_setting AS
SELECT pid AS ti_pid, name AS ti_name, shown AS ti_setting FROM teatree_settings();
