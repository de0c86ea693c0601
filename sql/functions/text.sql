-- PostgreSQL's functions on text and arrays that DuckDB lacks or means otherwise.

-- A word of SQL's grammar is quoted, unless it may be any name.
CREATE MACRO teatree_system.support.is_keyword(arg_name) AS
  list_contains([
    'all', 'analyse', 'analyze', 'and', 'any', 'array', 'as', 'asc', 'asymmetric', 'authorization', 'between', 'bigint', 'binary', 'bit', 'boolean', 'both', 'case', 'cast', 'char', 'character', 'check',
    'coalesce', 'collate', 'collation', 'column', 'concurrently', 'constraint', 'create', 'cross', 'current_catalog', 'current_date', 'current_role', 'current_schema', 'current_time', 'current_timestamp',
    'current_user', 'dec', 'decimal', 'default', 'deferrable', 'desc', 'distinct', 'do', 'else', 'end', 'except', 'exists', 'extract', 'false', 'fetch', 'float', 'for', 'foreign', 'freeze', 'from', 'full',
    'grant', 'greatest', 'group', 'grouping', 'having', 'ilike', 'in', 'initially', 'inner', 'inout', 'int', 'integer', 'intersect', 'interval', 'into', 'is', 'isnull', 'join', 'lateral', 'leading',
    'least', 'left', 'like', 'limit', 'localtime', 'localtimestamp', 'national', 'natural', 'nchar', 'none', 'normalize', 'not', 'notnull', 'null', 'nullif', 'numeric', 'offset', 'on', 'only', 'or',
    'order', 'out', 'outer', 'overlaps', 'overlay', 'placing', 'position', 'precision', 'primary', 'real', 'references', 'returning', 'right', 'row', 'select', 'session_user', 'setof', 'similar',
    'smallint', 'some', 'substring', 'symmetric', 'table', 'tablesample', 'then', 'time', 'timestamp', 'to', 'trailing', 'treat', 'trim', 'true', 'union', 'unique', 'user', 'using', 'values', 'varchar',
    'variadic', 'verbose', 'when', 'where', 'window', 'with', 'xmlattributes', 'xmlconcat', 'xmlelement', 'xmlexists', 'xmlforest', 'xmlnamespaces', 'xmlparse', 'xmlpi', 'xmlroot', 'xmlserialize',
    'xmltable'], arg_name);
CREATE MACRO teatree_system.pg.quote_ident(arg_name) AS
  CASE WHEN regexp_full_match(arg_name, '[a-z_][a-z0-9_]*') AND NOT teatree_system.support.is_keyword(arg_name) THEN arg_name
       ELSE '"' || replace(arg_name, '"', '""') || '"' END;
CREATE MACRO teatree_system.pg.quote_literal(arg_value) AS
  CASE WHEN contains(CAST(arg_value AS VARCHAR), '\')
       THEN 'E''' || replace(replace(CAST(arg_value AS VARCHAR), '\', '\\'), '''', '''''') || ''''
       ELSE '''' || replace(CAST(arg_value AS VARCHAR), '''', '''''') || '''' END;
CREATE MACRO teatree_system.pg.quote_nullable(arg_value) AS
  coalesce(teatree_system.pg.quote_literal(arg_value), 'NULL');
CREATE MACRO teatree_system.pg.array_remove(arg_items, arg_item) AS [i FOR i IN arg_items IF i IS DISTINCT FROM arg_item];
CREATE MACRO teatree_system.pg.btrim(arg_value) AS trim(arg_value), (arg_value, arg_characters) AS trim(arg_value, arg_characters);
CREATE MACRO teatree_system.pg.parse_ident(arg_written) AS teatree_system.support.name_parts(arg_written);

-- Expands an array into rows of a structure (x, n), as information_schema._pg_expandarray does.
CREATE MACRO teatree_system.pg._pg_expandarray(arg_items) AS
  unnest([{'x': arg_items[CAST(i AS INTEGER)], 'n': CAST(i AS INTEGER)} FOR i IN range(1, len(arg_items) + 1)]);

-- What `/` and `%` divide by: DuckDB gives NULL for a division by zero, PostgreSQL an error.
CREATE MACRO teatree_system.pg.nonzero(arg_divisor) AS
  CASE WHEN arg_divisor = 0 THEN error('[22012] division by zero') ELSE arg_divisor END;
