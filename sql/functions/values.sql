-- Types' names as functions, which are casts; counts of NULLs; sizes and facts of the server.

CREATE MACRO teatree_system.pg.int2(arg_value) AS CAST(arg_value AS SMALLINT);
CREATE MACRO teatree_system.pg.int4(arg_value) AS CAST(arg_value AS INTEGER);
CREATE MACRO teatree_system.pg.int8(arg_value) AS CAST(arg_value AS BIGINT);
CREATE MACRO teatree_system.pg.float4(arg_value) AS CAST(arg_value AS REAL);
CREATE MACRO teatree_system.pg.float8(arg_value) AS CAST(arg_value AS DOUBLE);
CREATE MACRO teatree_system.pg.bool(arg_value) AS CAST(arg_value AS BOOLEAN);
CREATE MACRO teatree_system.pg.date(arg_value) AS CAST(arg_value AS DATE);
CREATE MACRO teatree_system.pg.timestamptz(arg_value) AS CAST(arg_value AS TIMESTAMPTZ);
-- Whole words for booleans, as a cast has them, not the letters that a result has.
CREATE MACRO teatree_system.pg.text(arg_value) AS
  CASE WHEN typeof(arg_value) = 'BOOLEAN' THEN CAST(arg_value AS VARCHAR) ELSE teatree_system.support.out_text(arg_value) END;
CREATE MACRO teatree_system.pg.varchar(arg_value) AS teatree_system.pg.text(arg_value);

CREATE MACRO teatree_system.support.null_count(arg_tests) AS CAST(len([t FOR t IN arg_tests IF t]) AS INTEGER);
CREATE MACRO teatree_system.pg.pg_num_nulls(arg_1) AS CAST(arg_1 IS NULL AS INTEGER),
  (arg_1, arg_2) AS CAST(arg_1 IS NULL AS INTEGER) + CAST(arg_2 IS NULL AS INTEGER),
  (arg_1, arg_2, arg_3) AS CAST(arg_1 IS NULL AS INTEGER) + CAST(arg_2 IS NULL AS INTEGER) + CAST(arg_3 IS NULL AS INTEGER),
  (arg_1, arg_2, arg_3, arg_4) AS teatree_system.support.null_count([arg_1 IS NULL, arg_2 IS NULL, arg_3 IS NULL, arg_4 IS NULL]),
  (arg_1, arg_2, arg_3, arg_4, arg_5) AS teatree_system.support.null_count([arg_1 IS NULL, arg_2 IS NULL, arg_3 IS NULL, arg_4 IS NULL, arg_5 IS NULL]),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6) AS
    teatree_system.support.null_count([arg_1 IS NULL, arg_2 IS NULL, arg_3 IS NULL, arg_4 IS NULL, arg_5 IS NULL, arg_6 IS NULL]);
CREATE MACRO teatree_system.pg.pg_num_nonnulls(arg_1) AS CAST(arg_1 IS NOT NULL AS INTEGER),
  (arg_1, arg_2) AS CAST(arg_1 IS NOT NULL AS INTEGER) + CAST(arg_2 IS NOT NULL AS INTEGER),
  (arg_1, arg_2, arg_3) AS CAST(arg_1 IS NOT NULL AS INTEGER) + CAST(arg_2 IS NOT NULL AS INTEGER) + CAST(arg_3 IS NOT NULL AS INTEGER),
  (arg_1, arg_2, arg_3, arg_4) AS teatree_system.support.null_count([arg_1 IS NOT NULL, arg_2 IS NOT NULL, arg_3 IS NOT NULL, arg_4 IS NOT NULL]),
  (arg_1, arg_2, arg_3, arg_4, arg_5) AS
    teatree_system.support.null_count([arg_1 IS NOT NULL, arg_2 IS NOT NULL, arg_3 IS NOT NULL, arg_4 IS NOT NULL, arg_5 IS NOT NULL]),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6) AS
    teatree_system.support.null_count([arg_1 IS NOT NULL, arg_2 IS NOT NULL, arg_3 IS NOT NULL, arg_4 IS NOT NULL, arg_5 IS NOT NULL, arg_6 IS NOT NULL]);

CREATE MACRO teatree_system.pg.pg_size_bytes(arg_size) AS
  CASE WHEN arg_size IS NULL THEN NULL
       WHEN regexp_full_match(arg_size, '(?i)\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*(bytes|kb|mb|gb|tb|pb)?\s*')
       THEN CAST(round(CAST(CAST(regexp_extract(arg_size, '(?i)[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?') AS DOUBLE) AS DECIMAL(38, 10))
         * CASE left(lower(regexp_extract(arg_size, '[A-Za-z]+\s*$')), 1) WHEN 'k' THEN 1024::BIGINT WHEN 'm' THEN 1048576::BIGINT WHEN 'g' THEN 1073741824::BIGINT
             WHEN 't' THEN 1099511627776::BIGINT WHEN 'p' THEN 1125899906842624::BIGINT ELSE 1::BIGINT END) AS BIGINT)
       ELSE error('[22023] invalid size: "' || arg_size || '"') END;
-- What a value by itself takes in PostgreSQL.
CREATE MACRO teatree_system.pg.pg_column_size(arg_value) AS
  CASE WHEN arg_value IS NULL THEN NULL ELSE CASE typeof(arg_value) WHEN 'BOOLEAN' THEN 1 WHEN 'SMALLINT' THEN 2 WHEN 'INTEGER' THEN 4 WHEN 'INTEGER_LITERAL' THEN 4
    WHEN 'UINTEGER' THEN 4 WHEN 'BIGINT' THEN 8 WHEN 'FLOAT' THEN 4 WHEN 'DOUBLE' THEN 8 WHEN 'DATE' THEN 4 WHEN 'TIME' THEN 8 WHEN 'TIMESTAMP' THEN 8
    WHEN 'TIMESTAMP WITH TIME ZONE' THEN 8 WHEN 'INTERVAL' THEN 16 WHEN 'UUID' THEN 16 WHEN 'VARCHAR' THEN CAST(strlen(CAST(arg_value AS VARCHAR)) + 4 AS INTEGER)
    ELSE error('[0A000] the size of a value of this type is not known') END END;
CREATE MACRO teatree_system.pg.pg_jit_available() AS false;

-- Words by category, and whether one may be a column's name without AS.
CREATE MACRO teatree_system.pg.pg_get_keywords() AS TABLE
  SELECT unnest(string_split(k.words, ' ')) AS word, k.catcode, k.barelabel, k.catdesc, k.baredesc FROM (VALUES
    ('abort absolute access action add admin after aggregate also alter always asensitive assertion assignment at atomic attach attribute backward before '
      || 'begin breadth by cache call called cascade cascaded catalog chain characteristics checkpoint class close cluster columns comment comments commit '
      || 'committed compression configuration conflict connection constraints content continue conversion copy cost csv cube current cursor cycle data database '
      || 'deallocate declare defaults deferred definer delete delimiter delimiters depends depth detach dictionary disable discard document domain double drop '
      || 'each enable encoding encrypted enum escape event exclude excluding exclusive execute explain expression extension external family finalize first '
      || 'following force forward function functions generated global granted groups handler header hold identity if immediate immutable implicit import include '
      || 'including increment index indexes inherit inherits inline input insensitive insert instead invoker isolation key label language large last leakproof '
      || 'level listen load local location lock locked logged mapping match matched materialized maxvalue merge method minvalue mode move name names new next nfc '
      || 'nfd nfkc nfkd no normalized nothing notify nowait nulls object of off oids old operator option options ordinality others overriding owned owner '
      || 'parallel parameter parser partial partition passing password plans policy preceding prepare prepared preserve prior privileges procedural procedure '
      || 'procedures program publication quote range read reassign recheck recursive ref referencing refresh reindex relative release rename repeatable replace '
      || 'replica reset restart restrict return returns revoke role rollback rollup routine routines rows rule savepoint schema schemas scroll search security '
      || 'sequence sequences serializable server session set sets share show simple skip snapshot sql stable standalone start statement statistics stdin stdout '
      || 'storage stored strict strip subscription support sysid system tables tablespace temp template temporary text ties transaction transform trigger '
      || 'truncate trusted type types uescape unbounded uncommitted unencrypted unknown unlisten unlogged until update vacuum valid validate validator value '
      || 'version view views volatile whitespace work wrapper write xml yes zone',
      'U', true, 'unreserved', 'can be bare label'),
    ('all analyse analyze and any asc asymmetric both case cast check collate column constraint current_catalog current_date current_role current_time '
      || 'current_timestamp current_user default deferrable desc distinct do else end false foreign in initially lateral leading localtime localtimestamp not '
      || 'null only or placing primary references select session_user some symmetric table then trailing true unique user using variadic when',
      'R', true, 'reserved', 'can be bare label'),
    ('array as create except fetch for from grant group having intersect into limit offset on order returning to union where window with',
      'R', false, 'reserved', 'requires AS'),
    ('authorization binary collation concurrently cross current_schema freeze full ilike inner is join left like natural outer right similar tablesample '
      || 'verbose',
      'T', true, 'reserved (can be function or type name)', 'can be bare label'),
    ('between bigint bit boolean coalesce dec decimal exists extract float greatest grouping inout int integer interval least national nchar none normalize '
      || 'nullif numeric out overlay position real row setof smallint substring time timestamp treat trim values varchar xmlattributes xmlconcat xmlelement '
      || 'xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable',
      'C', true, 'unreserved (cannot be function or type name)', 'can be bare label'),
    ('char character precision',
      'C', false, 'unreserved (cannot be function or type name)', 'requires AS'),
    ('day filter hour minute month over second varying within without year',
      'U', false, 'unreserved', 'requires AS'),
    ('isnull notnull overlaps',
      'T', false, 'reserved (can be function or type name)', 'requires AS')) AS k(words, catcode, barelabel, catdesc, baredesc) ORDER BY word;
