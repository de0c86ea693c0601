-- group: Meaning: queries
-- Functions in FROM, whole rows, names of types and functions in their rarer spellings.

-- setup
CREATE TABLE tea (id int, name text);
INSERT INTO tea VALUES (1, 'green tea'), (2, NULL);
CREATE VIEW teas AS SELECT name FROM tea;
-- end

-- functions that give one value, in FROM
SELECT * FROM upper('tea');
SELECT u FROM upper('tea') AS u;
SELECT x.y + 1 FROM abs(-3) AS x(y);
SELECT * FROM pg_catalog.length('tea') l, lower('TEA');
SELECT t.id, u FROM tea t, upper(t.name) u ORDER BY 1;
SELECT a, b FROM abs(-1) a JOIN abs(1) b ON a = b;
-- a table's name as its row
SELECT tea FROM tea ORDER BY id;
SELECT t FROM tea t ORDER BY t.id;
SELECT t, id FROM tea t WHERE t.name IS NULL;
SELECT row_to_json(tea) FROM tea ORDER BY id;
SELECT to_jsonb(t) FROM tea t ORDER BY id;
SELECT count(tea), count(DISTINCT t.id) FROM tea, tea t;
SELECT (t).name FROM tea t ORDER BY 1;
SELECT t FROM (VALUES (1, 'one')) t(n, w);
SELECT name FROM (SELECT 'x' AS name) name;
SELECT g FROM generate_series(1, 2) g;
-- types by their inner names
SELECT '{1,2}'::_int4, '{a,b}'::_text, pg_catalog.array_length('{1}'::_int8, 1);
SELECT CAST('{1.5}' AS _numeric), '{t,f}'::pg_catalog._bool;
-- locks of nothing
SELECT 1 FOR UPDATE;
SELECT 1 AS a FOR SHARE;
-- the catalogue's functions
SELECT oidvectortypes(proargtypes) FROM pg_proc WHERE proname = 'substring' ORDER BY 1;
SELECT to_regnamespace('public') IS NULL AS a, to_regnamespace('nowhere') IS NULL AS b;
SELECT to_regrole('postgres') IS NULL AS a, to_regproc('now') IS NULL AS b, to_regproc('no_such') IS NULL AS c;
SELECT * FROM pg_options_to_table(ARRAY['a=b', 'c=d=e', 'f']) ORDER BY 1;
SELECT * FROM pg_partition_tree('tea'::regclass) WHERE level > 0;
SELECT pg_relation_is_updatable('tea'::regclass, false), pg_column_is_updatable('tea'::regclass, 1::smallint, false);
SELECT substring('abc', 2), pg_catalog.substring('abcd', 2, 2);
