-- Names to OIDs and back: regclass, regtype and their like are numbers that read and print as names.
-- An error carries its SQLSTATE in brackets, since DuckDB gives every error() the same type.
CREATE MACRO teatree_system.pg.pg_get_userbyid(arg_role) AS
  coalesce((SELECT ti_name FROM teatree_system.support.lookup_role WHERE ti_oid = arg_role),
           'unknown (OID=' || arg_role || ')');

CREATE MACRO teatree_system.pg.format_type(arg_type, arg_modifier) AS
  CASE WHEN arg_type IS NULL THEN NULL WHEN arg_type = 0 THEN '-'
  ELSE coalesce((
    SELECT CASE
      WHEN ti_oid = 1700 AND arg_modifier >= 4 THEN
        'numeric(' || ((arg_modifier - 4) // 65536) || ',' || ((arg_modifier - 4) % 65536) || ')'
      WHEN ti_oid IN (1042, 1043) AND arg_modifier >= 4 THEN ti_sqlname || '(' || (arg_modifier - 4) || ')'
      WHEN ti_oid = 1042 AND arg_modifier = -1 THEN 'bpchar'
      WHEN ti_oid IN (1083, 1114, 1184, 1266) AND arg_modifier >= 0 THEN
        regexp_replace(ti_sqlname, '^(\w+)', '\1(' || arg_modifier || ')')
      WHEN ti_oid = 1186 AND arg_modifier >= 0 AND arg_modifier % 65536 <= 6 THEN 'interval(' || (arg_modifier % 65536) || ')'
      WHEN ti_oid IN (1560, 1562) AND arg_modifier >= 0 THEN ti_sqlname || '(' || arg_modifier || ')'
      WHEN ti_oid = 1231 AND arg_modifier >= 4 THEN
        'numeric(' || ((arg_modifier - 4) // 65536) || ',' || ((arg_modifier - 4) % 65536) || ')[]'
      WHEN ti_oid IN (1014, 1015) AND arg_modifier >= 4 THEN
        replace(ti_sqlname, '[]', '(' || (arg_modifier - 4) || ')[]')
      ELSE ti_sqlname END
    FROM teatree_system.support.lookup_type WHERE ti_oid = CAST(arg_type AS UINTEGER)), '???') END;

CREATE MACRO teatree_system.support.find_relation(of_schema_name, of_relation_name) AS
  (SELECT arg_min(ti_oid, coalesce(ti_rank, 99)) FROM teatree_system.support.lookup_relation
   WHERE ti_name = of_relation_name
     AND CASE WHEN of_schema_name IS NOT NULL THEN ti_schema = of_schema_name ELSE ti_visible END);
-- The parts of a written name: folded unless quoted.
CREATE MACRO teatree_system.support.name_parts(of_written) AS
  [CASE WHEN p LIKE '"%' THEN replace(p[2:-2], '""', '"') ELSE lower(p) END
   FOR p IN regexp_extract_all(of_written, '"(?:[^"]|"")*"|[^."\s]+')];
CREATE MACRO teatree_system.pg.to_regclass(arg_written) AS
  teatree_system.support.find_relation(
    teatree_system.support.name_parts(CAST(arg_written AS VARCHAR))[-2],
    teatree_system.support.name_parts(CAST(arg_written AS VARCHAR))[-1]);
CREATE MACRO teatree_system.pg.regclass_in(arg_written) AS
  CASE WHEN arg_written IS NULL THEN NULL
       ELSE coalesce(TRY_CAST(CAST(arg_written AS VARCHAR) AS UINTEGER),
                     teatree_system.pg.to_regclass(arg_written),
                     CAST(error('[42P01] relation "' || CAST(arg_written AS VARCHAR) || '" does not exist') AS UINTEGER)) END;
-- The same for an expression that is long: it is pasted once.
CREATE MACRO teatree_system.pg.regclass_of(arg_written) AS
  (SELECT coalesce(
     TRY_CAST(ti_written AS UINTEGER),
     (SELECT arg_min(ti_oid, coalesce(ti_rank, 99)) FROM teatree_system.support.lookup_relation
      WHERE ti_name = ti_parts[-1] AND CASE WHEN ti_parts[-2] IS NOT NULL THEN ti_schema = ti_parts[-2] ELSE ti_visible END),
     CASE WHEN ti_written IS NOT NULL THEN CAST(error('[42P01] relation "' || ti_written || '" does not exist') AS UINTEGER) END)
   FROM (SELECT ti_written, teatree_system.support.name_parts(ti_written) AS ti_parts
         FROM (SELECT CAST(arg_written AS VARCHAR) AS ti_written)));
CREATE MACRO teatree_system.pg.regclass_out(arg_relation) AS
  CASE WHEN arg_relation = 0 THEN '-' ELSE coalesce((
    SELECT CASE WHEN ti_visible THEN '' ELSE teatree_system.support.quoted(ti_schema) || '.' END
           || teatree_system.support.quoted(ti_name)
    FROM teatree_system.support.lookup_relation WHERE ti_oid = arg_relation),
    CAST(arg_relation AS VARCHAR)) END;
-- A type's name without its schema, its modifiers and its quotes.
CREATE MACRO teatree_system.support.type_name(of_written) AS
  regexp_replace(regexp_replace(regexp_replace(trim(of_written, ' '), '^(pg_catalog|public)\.', ''),
    '\s*\([0-9, ]*\)', ''), '^"(.*)"$', '\1');
CREATE MACRO teatree_system.support.find_type(of_name) AS
  (SELECT min(ti_oid) FROM teatree_system.support.lookup_type
   WHERE ti_name = of_name OR ti_sqlname = lower(of_name)
      OR ti_sqlname = MAP {'int': 'integer', 'decimal': 'numeric', 'varchar': 'character varying',
                           'float': 'double precision', 'char': 'character', 'int[]': 'integer[]',
                           'varchar[]': 'character varying[]', 'int4[]': 'integer[]',
                           'int8[]': 'bigint[]', 'bool[]': 'boolean[]',
                           'float8[]': 'double precision[]', 'decimal[]': 'numeric[]'}[lower(of_name)]);
CREATE MACRO teatree_system.pg.to_regtype(arg_written) AS
  teatree_system.support.find_type(
    -- The type "char" is another, and told by its quotes.
    CASE lower(trim(arg_written, ' ')) WHEN 'char' THEN 'bpchar' WHEN 'char[]' THEN '_bpchar'
    ELSE teatree_system.support.type_name(arg_written) END);
CREATE MACRO teatree_system.pg.regtype_in(arg_written) AS
  CASE WHEN arg_written IS NULL THEN NULL
       ELSE coalesce(TRY_CAST(CAST(arg_written AS VARCHAR) AS UINTEGER),
                     teatree_system.pg.to_regtype(CAST(arg_written AS VARCHAR)),
                     CAST(error('[42704] type "' || CAST(arg_written AS VARCHAR) || '" does not exist') AS UINTEGER)) END;
CREATE MACRO teatree_system.pg.regtype_out(arg_type) AS
  CASE WHEN arg_type = 0 THEN '-' ELSE teatree_system.pg.format_type(arg_type, NULL) END;
CREATE MACRO teatree_system.pg.regproc_in(arg_written) AS
  coalesce(TRY_CAST(CAST(arg_written AS VARCHAR) AS UINTEGER),
           CASE WHEN CAST(arg_written AS VARCHAR) = '-' THEN 0::UINTEGER END,
           CASE WHEN CAST(arg_written AS VARCHAR) LIKE '%(%' THEN
             (SELECT CASE WHEN count(*) = 1 THEN min(ti_oid) END FROM teatree_system.support.lookup_proc
              WHERE ti_name = teatree_system.support.name_parts(regexp_replace(CAST(arg_written AS VARCHAR), '\(.*$', ''))[-1])
           ELSE
             (SELECT min(ti_oid) FROM teatree_system.support.lookup_proc
              WHERE ti_name = teatree_system.support.name_parts(CAST(arg_written AS VARCHAR))[-1]) END,
           CAST(error('[42883] function "' || CAST(arg_written AS VARCHAR) || '" does not exist') AS UINTEGER));
CREATE MACRO teatree_system.pg.regproc_out(arg_f) AS
  CASE WHEN TRY_CAST(CAST(arg_f AS VARCHAR) AS UINTEGER) IS NULL THEN CAST(arg_f AS VARCHAR)
       WHEN CAST(arg_f AS VARCHAR) = '0' THEN '-'
       ELSE coalesce((SELECT ti_name FROM teatree_system.support.lookup_proc
                      WHERE ti_oid = TRY_CAST(CAST(arg_f AS VARCHAR) AS UINTEGER)), CAST(arg_f AS VARCHAR)) END;
-- The types in the parentheses of a function's or an operator's name, as format_type writes them.
CREATE MACRO teatree_system.support.argument_types(of_written) AS
  system.main.array_to_string(list_transform(
    string_split(lower(nullif(trim(regexp_extract(of_written, '\((.*)\)\s*$', 1)), '')), ','),
    lambda e: coalesce(MAP {'int': 'integer', 'int4': 'integer', 'int8': 'bigint', 'int2': 'smallint',
      'float8': 'double precision', 'float4': 'real', 'bool': 'boolean', 'decimal': 'numeric',
      'varchar': 'character varying', 'bpchar': 'character', 'char': 'character',
      'timestamp': 'timestamp without time zone', 'timestamptz': 'timestamp with time zone',
      'time': 'time without time zone', 'timetz': 'time with time zone', 'none': 'NONE'}[trim(e)], trim(e))), ',');
CREATE MACRO teatree_system.support.before_parenthesis(of_written) AS
  trim(regexp_replace(of_written, '\(.*$', '', 's'), ' ');
CREATE MACRO teatree_system.pg.to_regprocedure(arg_written) AS
  (SELECT min(ti_oid) FROM teatree_system.support.lookup_procedure
   WHERE ti_name = teatree_system.support.name_parts(teatree_system.support.before_parenthesis(CAST(arg_written AS VARCHAR)))[-1]
     AND ti_arguments = coalesce(teatree_system.support.argument_types(CAST(arg_written AS VARCHAR)), ''));
CREATE MACRO teatree_system.pg.regprocedure_in(arg_written) AS
  CASE WHEN arg_written IS NULL THEN NULL
       ELSE coalesce(TRY_CAST(CAST(arg_written AS VARCHAR) AS UINTEGER),
                     CASE WHEN CAST(arg_written AS VARCHAR) = '-' THEN 0::UINTEGER END,
                     teatree_system.pg.to_regprocedure(arg_written),
                     CAST(error('[42883] function "' || CAST(arg_written AS VARCHAR) || '" does not exist') AS UINTEGER)) END;
CREATE MACRO teatree_system.pg.regprocedure_out(arg_f) AS
  CASE WHEN TRY_CAST(CAST(arg_f AS VARCHAR) AS UINTEGER) IS NULL THEN CAST(arg_f AS VARCHAR)
       WHEN CAST(arg_f AS VARCHAR) = '0' THEN '-'
       ELSE coalesce((SELECT teatree_system.support.quoted(ti_name) || '(' || ti_arguments || ')'
                      FROM teatree_system.support.lookup_procedure
                      WHERE ti_oid = TRY_CAST(CAST(arg_f AS VARCHAR) AS UINTEGER)), CAST(arg_f AS VARCHAR)) END;
-- An operator's name is what stands behind the last point of letters.
CREATE MACRO teatree_system.pg.to_regoperator(arg_written) AS
  (SELECT min(ti_oid) FROM teatree_system.support.lookup_operator
   WHERE ti_name = regexp_replace(teatree_system.support.before_parenthesis(CAST(arg_written AS VARCHAR)), '^pg_catalog\.', '')
     AND ti_arguments = teatree_system.support.argument_types(CAST(arg_written AS VARCHAR)));
CREATE MACRO teatree_system.pg.regoperator_in(arg_written) AS
  CASE WHEN arg_written IS NULL THEN NULL
       ELSE coalesce(TRY_CAST(CAST(arg_written AS VARCHAR) AS UINTEGER),
                     teatree_system.pg.to_regoperator(arg_written),
                     CAST(error('[42883] operator does not exist: ' || CAST(arg_written AS VARCHAR)) AS UINTEGER)) END;
CREATE MACRO teatree_system.pg.regoperator_out(arg_operator) AS
  CASE WHEN arg_operator = 0 THEN '0'
       ELSE coalesce((SELECT ti_name || '(' || ti_arguments || ')' FROM teatree_system.support.lookup_operator
                      WHERE ti_oid = arg_operator), CAST(arg_operator AS VARCHAR)) END;
CREATE MACRO teatree_system.pg.regnamespace_in(arg_written) AS
  coalesce(TRY_CAST(CAST(arg_written AS VARCHAR) AS UINTEGER),
           (SELECT ti_oid FROM teatree_system.support.lookup_schema
            WHERE ti_name = teatree_system.support.name_parts(CAST(arg_written AS VARCHAR))[-1]),
           CAST(error('[3F000] schema "' || CAST(arg_written AS VARCHAR) || '" does not exist') AS UINTEGER));
CREATE MACRO teatree_system.pg.to_regnamespace(arg_written) AS
  (SELECT ti_oid FROM teatree_system.support.lookup_schema
   WHERE ti_name = teatree_system.support.name_parts(CAST(arg_written AS VARCHAR))[-1]);
CREATE MACRO teatree_system.pg.to_regrole(arg_written) AS
  (SELECT ti_oid FROM teatree_system.support.lookup_role WHERE ti_name = CAST(arg_written AS VARCHAR));
CREATE MACRO teatree_system.pg.to_regproc(arg_written) AS
  (SELECT min(ti_oid) FROM teatree_system.support.lookup_proc
   WHERE ti_name = teatree_system.support.name_parts(CAST(arg_written AS VARCHAR))[-1]);
CREATE MACRO teatree_system.pg.regnamespace_out(arg_n) AS
  coalesce((SELECT teatree_system.support.quoted(ti_name) FROM teatree_system.support.lookup_schema WHERE ti_oid = arg_n),
           CAST(arg_n AS VARCHAR));
CREATE MACRO teatree_system.pg.regrole_in(arg_written) AS
  coalesce(TRY_CAST(CAST(arg_written AS VARCHAR) AS UINTEGER),
           (SELECT ti_oid FROM teatree_system.support.lookup_role WHERE ti_name = CAST(arg_written AS VARCHAR)),
           CAST(error('[42704] role "' || CAST(arg_written AS VARCHAR) || '" does not exist') AS UINTEGER));
CREATE MACRO teatree_system.pg.regrole_out(arg_role) AS teatree_system.pg.pg_get_userbyid(arg_role);
