-- PostgreSQL's functions on text and arrays that DuckDB lacks or means otherwise.

CREATE MACRO teatree_system.pg.quote_ident(arg_name) AS teatree_system.support.quoted(arg_name);
CREATE MACRO teatree_system.pg.quote_literal(arg_value) AS
  CASE WHEN contains(CAST(arg_value AS VARCHAR), '\')
       THEN 'E''' || replace(replace(CAST(arg_value AS VARCHAR), '\', '\\'), '''', '''''') || ''''
       ELSE '''' || replace(CAST(arg_value AS VARCHAR), '''', '''''') || '''' END;
CREATE MACRO teatree_system.pg.quote_nullable(arg_value) AS
  coalesce(teatree_system.pg.quote_literal(arg_value), 'NULL');
-- Inside these the name array_to_string would mean the macro itself.
CREATE MACRO teatree_system.pg.array_to_string(arg_items, arg_separator) AS
    list_aggregate([CAST(i AS VARCHAR) FOR i IN arg_items IF i IS NOT NULL], 'string_agg', arg_separator),
  (arg_items, arg_separator, arg_instead) AS
    list_aggregate([coalesce(CAST(i AS VARCHAR), arg_instead) FOR i IN arg_items], 'string_agg', arg_separator);
CREATE MACRO teatree_system.pg.string_to_array(arg_value, arg_separator) AS string_split(arg_value, arg_separator),
  (arg_value, arg_separator, arg_missing) AS [nullif(p, arg_missing) FOR p IN string_split(arg_value, arg_separator)];
CREATE MACRO teatree_system.pg.array_upper(arg_items, arg_dimension) AS
  CASE WHEN arg_dimension = 1 AND len(arg_items) > 0 THEN CAST(len(arg_items) AS INTEGER) END;
CREATE MACRO teatree_system.pg.array_lower(arg_items, arg_dimension) AS
  CASE WHEN arg_dimension = 1 AND len(arg_items) > 0 THEN 1 END;
CREATE MACRO teatree_system.pg.array_ndims(arg_items) AS CASE WHEN len(arg_items) > 0 THEN 1 END;
CREATE MACRO teatree_system.pg.cardinality(arg_items) AS CAST(len(arg_items) AS INTEGER);
CREATE MACRO teatree_system.pg.array_remove(arg_items, arg_item) AS [i FOR i IN arg_items IF i IS DISTINCT FROM arg_item];
CREATE MACRO teatree_system.pg.btrim(arg_value) AS trim(arg_value), (arg_value, arg_characters) AS trim(arg_value, arg_characters);
CREATE MACRO teatree_system.pg.parse_ident(arg_written) AS teatree_system.support.name_parts(arg_written);

-- Expands an array into rows of a structure (x, n), as information_schema._pg_expandarray does.
CREATE MACRO teatree_system.pg._pg_expandarray(arg_items) AS
  unnest([{'x': arg_items[CAST(i AS INTEGER)], 'n': CAST(i AS INTEGER)} FOR i IN range(1, len(arg_items) + 1)]);

-- PostgreSQL's ~ looks for the pattern anywhere; NULL on either side gives NULL.
CREATE MACRO teatree_system.pg.textregexeq(arg_value, arg_pattern) AS
  regexp_matches(CAST(arg_value AS VARCHAR), CAST(arg_pattern AS VARCHAR));
CREATE MACRO teatree_system.pg.texticregexeq(arg_value, arg_pattern) AS
  regexp_matches(CAST(arg_value AS VARCHAR), CAST(arg_pattern AS VARCHAR), 'i');

-- What `/` and `%` divide by: DuckDB gives NULL for a division by zero, PostgreSQL an error.
CREATE MACRO teatree_system.pg.nonzero(arg_divisor) AS
  CASE WHEN arg_divisor = 0 THEN error('[22012] division by zero') ELSE arg_divisor END;
