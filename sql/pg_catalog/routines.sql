-- Functions and procedures that users wrote. The view support.routine is of the table in the data file,
-- whose database's name only the server knows: it makes the view before it runs this.

CREATE VIEW teatree_system.support.user_proc AS
SELECT teatree_system.support.object_oid(current_database(), schema_name, signature, 'routine') AS oid,
  teatree_system.support.schema_oid(current_database(), CASE WHEN schema_name = 'public' THEN 'main' ELSE schema_name END) AS namespace_oid,
  schema_name, name, kind, argument_names, argument_modes, argument_oids, argument_defaults,
  coalesce(input_oids, CAST([] AS UINTEGER[])) AS input_oids, result_oid, returns_set, volatility, strict,
  security_definer, body, is_standard, comment, signature, language
FROM teatree_system.support.routine;

-- Arguments, and the columns of RETURNS TABLE, as they are written.
CREATE VIEW teatree_system.support.user_proc_argument AS
SELECT p.oid, p.place, p.kind, p.argument_names[p.place] AS name, p.argument_modes[p.place] AS mode, t.sqlname AS type_name, t.typname,
  CASE p.argument_modes[p.place] WHEN 'i' THEN CASE WHEN p.kind = 'p' THEN 'IN ' ELSE '' END
    WHEN 'o' THEN 'OUT ' WHEN 'b' THEN 'INOUT ' ELSE '' END
  || CASE WHEN p.argument_names[p.place] = '' THEN ''
          ELSE teatree_system.support.quoted(p.argument_names[p.place]) || ' ' END
  || t.sqlname AS written,
  CASE WHEN p.argument_defaults[p.place] = '' THEN NULL
       WHEN regexp_full_match(p.argument_defaults[p.place], '''([^'']|'''')*''') THEN p.argument_defaults[p.place] || '::' || t.sqlname
       ELSE p.argument_defaults[p.place] END AS default_text
FROM (SELECT oid, kind, argument_names, argument_modes, argument_oids, argument_defaults,
             unnest(range(1, len(argument_oids) + 1)) AS place
      FROM teatree_system.support.user_proc WHERE argument_oids IS NOT NULL) p
JOIN teatree_system.support.builtin_type t ON t.oid = p.argument_oids[p.place];

CREATE VIEW teatree_system.support.user_proc_arguments AS
SELECT oid,
  string_agg(written || coalesce(' DEFAULT ' || default_text, ''), ', ' ORDER BY place) FILTER (WHERE mode <> 't') AS arguments,
  string_agg(written, ', ' ORDER BY place) FILTER (WHERE mode <> 't') AS identity,
  string_agg(written, ', ' ORDER BY place) FILTER (WHERE mode = 't') AS columns,
  string_agg(default_text, ', ' ORDER BY place) AS defaults,
  count(default_text) AS default_count
FROM teatree_system.support.user_proc_argument GROUP BY oid;

CREATE VIEW teatree_system.support.user_proc_text AS
SELECT p.oid, p.name, p.kind, p.schema_name, coalesce(a.arguments, '') AS arguments, coalesce(a.identity, '') AS identity, a.defaults,
  coalesce(a.default_count, 0) AS default_count,
  CASE WHEN p.kind = 'p' THEN NULL WHEN a.columns IS NOT NULL THEN 'TABLE(' || a.columns || ')'
       ELSE CASE WHEN p.returns_set THEN 'SETOF ' ELSE '' END || t.sqlname END AS result,
  CASE WHEN p.kind = 'p' THEN 'procedure' ELSE 'function' END AS word,
  CASE p.volatility WHEN 'i' THEN ' IMMUTABLE' WHEN 's' THEN ' STABLE' ELSE '' END
  || CASE WHEN p.strict THEN ' STRICT' ELSE '' END
  || CASE WHEN p.security_definer THEN ' SECURITY DEFINER' ELSE '' END AS options,
  p.body, p.is_standard, p.language
FROM teatree_system.support.user_proc p
LEFT JOIN teatree_system.support.user_proc_arguments a ON a.oid = p.oid
LEFT JOIN teatree_system.support.builtin_type t ON t.oid = p.result_oid;

CREATE VIEW teatree_system.support.lookup_routine AS
SELECT oid AS ti_oid, arguments AS ti_arguments, identity AS ti_identity, schema_name AS ti_schema,
  'CREATE OR REPLACE ' || upper(word) || ' ' || teatree_system.support.quoted(schema_name) || '.'
  || teatree_system.support.quoted(name) || '(' || arguments || ')' || chr(10)
  || coalesce(' RETURNS ' || result || chr(10), '') || ' LANGUAGE ' || language || chr(10)
  || CASE WHEN options = '' THEN '' ELSE options || chr(10) END
  || CASE WHEN is_standard THEN 'BEGIN ATOMIC' || chr(10) || ' ' || rtrim(body, '; ') || ';' || chr(10) || 'END'
          ELSE 'AS $' || word || '$' || body || '$' || word || '$' END || chr(10) AS ti_definition
FROM teatree_system.support.user_proc_text;
