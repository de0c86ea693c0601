-- Types, functions, operators, casts, collations: PostgreSQL's own rows, and the user's enums.

CREATE VIEW teatree_system.pg.pg_type AS
SELECT oid, typname, 11::UINTEGER AS typnamespace, 10::UINTEGER AS typowner, typlen, typbyval, typtype,
  typcategory, typispreferred, true AS typisdefined, typdelim, 0::UINTEGER AS typrelid, typsubscript,
  typelem, typarray, typinput, typoutput, typreceive, typsend, typmodin, typmodout, typanalyze,
  typalign, typstorage, false AS typnotnull, 0::UINTEGER AS typbasetype, -1::INTEGER AS typtypmod,
  0::INTEGER AS typndims, typcollation, NULL::VARCHAR AS typdefaultbin, NULL::VARCHAR AS typdefault,
  NULL::VARCHAR[] AS typacl
FROM teatree_system.support.builtin_type
UNION ALL
SELECT oid, name, namespace_oid, 10::UINTEGER, 4::SMALLINT, true, 'e', 'E', false, true, ',',
  0::UINTEGER, 0::UINTEGER, 0::UINTEGER, array_oid, 3504::UINTEGER, 3505::UINTEGER,
  3532::UINTEGER, 3533::UINTEGER, 0::UINTEGER, 0::UINTEGER, 0::UINTEGER, 'i', 'p', false,
  0::UINTEGER, -1, 0, 0::UINTEGER, NULL, NULL, NULL
FROM teatree_system.support.user_enum
UNION ALL
SELECT e.array_oid, '_' || e.name, e.namespace_oid, 10::UINTEGER, t.typlen, t.typbyval, t.typtype, t.typcategory,
  false, true, ',', 0::UINTEGER, t.typsubscript, e.oid, 0::UINTEGER, t.typinput, t.typoutput, t.typreceive,
  t.typsend, t.typmodin, t.typmodout, t.typanalyze, t.typalign, t.typstorage, false, 0::UINTEGER, -1, 0,
  0::UINTEGER, NULL, NULL, NULL
FROM teatree_system.support.user_enum e JOIN teatree_system.support.builtin_type t ON t.oid = 1009
UNION ALL
SELECT d.oid, d.name, d.namespace_oid, 10::UINTEGER, t.typlen, t.typbyval, 'd', t.typcategory,
  false, true, t.typdelim, 0::UINTEGER, t.typsubscript, t.typelem, 0::UINTEGER, 2597::UINTEGER, t.typoutput,
  2598::UINTEGER, t.typsend, 0::UINTEGER, 0::UINTEGER, t.typanalyze, t.typalign, t.typstorage, d.not_null,
  t.oid, d.base_modifier, 0, t.typcollation, NULL, d.column_default, NULL
FROM teatree_system.support.user_domain d JOIN teatree_system.support.builtin_type t ON t.oid = d.base_oid;

CREATE VIEW teatree_system.pg.pg_enum AS
SELECT CAST(16384 + (oid + place * 16777619) % 2147467264 AS UINTEGER) AS oid, oid AS enumtypid,
       CAST(place AS FLOAT) AS enumsortorder, labels[place] AS enumlabel
FROM (SELECT oid, labels, unnest(range(1, len(labels) + 1)) AS place FROM teatree_system.support.user_enum);

CREATE VIEW teatree_system.pg.pg_proc AS
SELECT oid, proname, 11::UINTEGER AS pronamespace, 10::UINTEGER AS proowner, prolang, 1::FLOAT AS procost,
  CASE WHEN proretset THEN 1000 ELSE 0 END::FLOAT AS prorows, provariadic, 0::UINTEGER AS prosupport,
  prokind, false AS prosecdef, false AS proleakproof, proisstrict, proretset, provolatile,
  's' AS proparallel, CAST(len(proargtypes) AS SMALLINT) AS pronargs, pronargdefaults, prorettype,
  proargtypes, proallargtypes, proargmodes, proargnames,
  NULL::VARCHAR AS proargdefaults, NULL::UINTEGER[] AS protrftypes, prosrc, NULL::VARCHAR AS probin,
  NULL::VARCHAR AS prosqlbody, NULL::VARCHAR[] AS proconfig, NULL::VARCHAR[] AS proacl
FROM teatree_system.support.builtin_proc
UNION ALL
SELECT p.oid, p.name, p.namespace_oid, teatree_system.support.role_oid(coalesce(o.owner, 'postgres')),
  CASE p.language WHEN 'polars' THEN 13998 ELSE 14 END::UINTEGER, 100::FLOAT,
  CASE WHEN p.returns_set THEN 1000 ELSE 0 END::FLOAT, 0::UINTEGER, 0::UINTEGER,
  p.kind, p.security_definer, false, p.strict, p.returns_set, p.volatility, 'u',
  CAST(len(p.input_oids) AS SMALLINT), CAST(t.default_count AS SMALLINT), p.result_oid, p.input_oids,
  CASE WHEN list_bool_or([m <> 'i' FOR m IN p.argument_modes]) THEN p.argument_oids END,
  CASE WHEN list_bool_or([m <> 'i' FOR m IN p.argument_modes]) THEN p.argument_modes END,
  CASE WHEN list_bool_or([n <> '' FOR n IN p.argument_names]) THEN p.argument_names END,
  t.defaults, NULL, CASE WHEN p.is_standard THEN '' ELSE p.body END, NULL,
  CASE WHEN p.is_standard THEN p.body END, NULL, a.acl
FROM teatree_system.support.user_proc p JOIN teatree_system.support.user_proc_text t ON t.oid = p.oid
LEFT JOIN teatree_system.support.object_owner o ON o.kind = 'routine' AND o.oid = p.oid
LEFT JOIN teatree_system.support.object_acl a ON a.kind = 'routine' AND a.oid = p.oid;

CREATE VIEW teatree_system.pg.pg_language AS
SELECT oid, lanname, 10::UINTEGER AS lanowner, lanispl, lanpltrusted, 0::UINTEGER AS lanplcallfoid,
       0::UINTEGER AS laninline, 0::UINTEGER AS lanvalidator, NULL::VARCHAR[] AS lanacl
FROM teatree_system.support.builtin_language
UNION ALL SELECT 13998::UINTEGER, 'polars', 10::UINTEGER, true, true, 0::UINTEGER, 0::UINTEGER, 0::UINTEGER, NULL;

CREATE VIEW teatree_system.pg.pg_collation AS
SELECT oid, collname, 11::UINTEGER AS collnamespace, 10::UINTEGER AS collowner, collprovider,
  true AS collisdeterministic, collencoding, collcollate, collctype, NULL::VARCHAR AS colliculocale,
  NULL::VARCHAR AS collversion, NULL::VARCHAR AS colllocale, NULL::VARCHAR AS collicurules
FROM teatree_system.support.builtin_collation;

CREATE VIEW teatree_system.pg.pg_opclass AS
SELECT oid, opcmethod, opcname, 11::UINTEGER AS opcnamespace, 10::UINTEGER AS opcowner, opcfamily,
       opcintype, opcdefault, opckeytype
FROM teatree_system.support.builtin_opclass;

CREATE VIEW teatree_system.pg.pg_opfamily AS
SELECT oid, opfmethod, opfname, 11::UINTEGER AS opfnamespace, 10::UINTEGER AS opfowner
FROM teatree_system.support.builtin_opfamily;

CREATE VIEW teatree_system.pg.pg_cast AS
SELECT oid, castsource, casttarget, castfunc, castcontext, castmethod FROM teatree_system.support.builtin_cast;

CREATE VIEW teatree_system.pg.pg_operator AS
SELECT oid, oprname, 11::UINTEGER AS oprnamespace, 10::UINTEGER AS oprowner, oprkind,
  oprcanmerge, oprcanhash, oprleft, oprright, oprresult, oprcom, oprnegate, oprcode, oprrest, oprjoin
FROM teatree_system.support.builtin_operator;
