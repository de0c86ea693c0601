-- group: Protocol
-- Parameters whose types are inferred, results in binary, cursors, settings, transactions.

-- setup
CREATE TYPE color AS ENUM ('red', 'green', 'blue');
CREATE TABLE v (
    id integer PRIMARY KEY, i2 smallint, i8 bigint, f4 real, f8 double precision,
    n numeric(12,3), b boolean, t text, vc varchar(20), ch char(4), bin bytea,
    d date, tm time, ts timestamp, tz timestamptz, iv interval, u uuid, j json, jb jsonb,
    ai integer[], at text[]
);
CREATE TABLE e (id integer, c color);
INSERT INTO v VALUES
    (1, 2, 3, 1.5, 2.25, 1234.5, true, 'tea', 'oolong', 'ab', '\xdeadbeef', '2024-02-29',
     '12:34:56.789', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789+00',
     '1 year 2 mons 3 days 04:05:06', '12345678-1234-5678-1234-567812345678',
     '{"a": 1}', '{"b": [1, 2]}', '{1,2,3}', '{x,y}');
INSERT INTO v (id) VALUES (2);
INSERT INTO e VALUES (1, 'red'), (2, 'blue');
-- end

-- A parameter compared with a column
-- bind: ["1"]
SELECT id FROM v WHERE id = $1;
-- bind: ["2"]
SELECT id FROM v WHERE i2 = $1;
-- bind: ["3"]
SELECT id FROM v WHERE i8 = $1;
-- bind: ["1.5"]
SELECT id FROM v WHERE f4 = $1;
-- bind: ["2.25"]
SELECT id FROM v WHERE f8 = $1;
-- bind: ["1234.500"]
SELECT id FROM v WHERE n = $1;
-- bind: ["true"]
SELECT id FROM v WHERE b = $1;
-- bind: ["tea"]
SELECT id FROM v WHERE t = $1;
-- bind: ["oolong"]
SELECT id FROM v WHERE vc = $1;
-- bind: ["ab"]
SELECT id FROM v WHERE ch = $1;
-- bind: ["\\xdeadbeef"]
SELECT id FROM v WHERE bin = $1;
-- bind: ["2024-02-29"]
SELECT id FROM v WHERE d = $1;
-- bind: ["12:34:56.789"]
SELECT id FROM v WHERE tm = $1;
-- bind: ["2024-02-29 12:34:56.789"]
SELECT id FROM v WHERE ts = $1;
-- bind: ["2024-02-29 12:34:56.789+00"]
SELECT id FROM v WHERE tz = $1;
-- bind: ["1 year 2 mons 3 days 04:05:06"]
SELECT id FROM v WHERE iv = $1;
-- bind: ["12345678-1234-5678-1234-567812345678"]
SELECT id FROM v WHERE u = $1;
-- bind: ["{\"b\": [1, 2]}"]
SELECT id FROM v WHERE jb = $1;
-- bind: ["{1,2,3}"]
SELECT id FROM v WHERE ai = $1;
-- bind: ["{x,y}"]
SELECT id FROM v WHERE at = $1;
-- bind: ["blue"]
SELECT id FROM e WHERE c = $1;

-- Other places in a condition
-- bind: ["0", "3"]
SELECT id FROM v WHERE id > $1 AND i8 <= $2;
-- bind: ["1", "2"]
SELECT id FROM v WHERE id IN ($1, $2) ORDER BY id;
-- bind: ["tea", "milk"]
SELECT id FROM v WHERE t IN ($1, $2);
-- bind: ["2024-01-01", "2024-12-31"]
SELECT id FROM v WHERE d BETWEEN $1 AND $2;
-- bind: ["1", "2000"]
SELECT id FROM v WHERE n BETWEEN $1 AND $2;
-- bind: ["t%"]
SELECT id FROM v WHERE t LIKE $1;
-- bind: ["OO%"]
SELECT id FROM v WHERE vc ILIKE $1;
-- bind: ["^te"]
SELECT id FROM v WHERE t ~ $1;
-- bind: ["x"]
SELECT id FROM v WHERE t NOT LIKE $1 || '%';
-- bind: ["{1,2}"]
SELECT id FROM v WHERE id = ANY ($1) ORDER BY id;
-- bind: ["{tea,milk}"]
SELECT id FROM v WHERE t = ANY ($1);
-- bind: ["{12345678-1234-5678-1234-567812345678}"]
SELECT id FROM v WHERE u = ANY ($1);
-- bind: ["{5,6}"]
SELECT id FROM v WHERE i8 <> ALL ($1);
-- bind: ["{2024-02-29}"]
SELECT id FROM v WHERE d = ANY ($1);
-- bind: ["{2}"]
SELECT id FROM v WHERE id = ANY ($1::int[]);
-- bind: ["1"]
SELECT id FROM v WHERE $1 = id;
-- bind: ["1000"]
SELECT id FROM v WHERE $1 < n;
-- bind: ["tea"]
SELECT id FROM v WHERE t IS DISTINCT FROM $1 ORDER BY id;
-- bind: ["1", "tea"]
SELECT id FROM v WHERE (id, t) = ($1, $2);
-- bind: ["2024-02-01", "2024-03-01"]
SELECT id FROM v WHERE tz >= $1 AND tz < $2;
-- bind: ["2024-01-01"]
SELECT id FROM v WHERE ts > $1::timestamp;
-- bind: ["f"]
SELECT id FROM v WHERE b = $1 OR b IS NULL ORDER BY id;
-- bind: ["true"]
SELECT id FROM v WHERE $1 ORDER BY id;
-- bind: ["2"]
SELECT id FROM v WHERE $1::int IS NULL OR id = $1 ORDER BY id;
-- bind: [null]
SELECT id FROM v WHERE ($1::text IS NULL OR t = $1) ORDER BY id;
-- bind: ["tea"]
SELECT id FROM v WHERE lower(t) = $1;
-- bind: ["OOLONG"]
SELECT id FROM v WHERE lower(vc) = lower($1);
-- bind: ["1"]
SELECT id FROM v WHERE id = (SELECT max(id) FROM v WHERE id <= $1);
-- bind: ["red"]
SELECT id FROM v WHERE EXISTS (SELECT 1 FROM e WHERE e.id = v.id AND e.c = $1);
-- bind: ["1"]
SELECT count(*) FROM v GROUP BY b HAVING count(*) >= $1 LIMIT 1;
-- bind: ["1"]
SELECT v.id FROM v JOIN e ON e.id = v.id AND e.id = $1;
-- bind: ["1"]
SELECT id FROM v ORDER BY id LIMIT $1;
-- bind: ["5", "1"]
SELECT id FROM v ORDER BY id LIMIT $1 OFFSET $2;
-- bind: ["0", "1"]
SELECT id FROM v ORDER BY id OFFSET $1 FETCH FIRST $2 ROWS ONLY;
-- bind: [null]
SELECT id FROM v ORDER BY id LIMIT $1;

-- In the select list
-- bind: ["x"]
SELECT $1;
-- bind: ["x", null]
SELECT $1 AS a, $2 AS b;
-- bind: ["7", "y", "t"]
SELECT $1::int, $2::text, $3::bool;
-- bind: ["3.14159", "abcdef", "2024-05-06"]
SELECT $1::numeric(6,2), $2::varchar(3), $3::date;
-- bind: ["9", "2024-05-06 07:08:09+02"]
SELECT CAST($1 AS bigint), CAST($2 AS timestamptz);
-- bind: ["{1,2}", "{a,\"b c\"}", "{\"k\":1}"]
SELECT $1::int[], $2::text[], $3::jsonb;
-- bind: ["12345678-1234-5678-1234-567812345678", "\\x00ff", "90 minutes"]
SELECT $1::uuid, $2::bytea, $3::interval;
-- bind: ["41"]
SELECT $1 + 1;
-- bind: ["1", "2", "3"]
SELECT 1 + $1, 2 * $2, 10 / $3;
-- bind: ["1", "3"]
SELECT $1 + 1.5, $2 * 2.0;
-- bind: ["1", "2"]
SELECT $1 + $2::bigint;
-- bind: ["1", "2", "3", "4"]
SELECT id + $1, i8 - $2, n * $3, f8 / $4 FROM v WHERE id = 1;
-- bind: ["5", "-6"]
SELECT -$1::int, abs($2::int);
-- bind: ["a", "b"]
SELECT $1 || 'x', 'y' || $2;
-- bind: ["!"]
SELECT t || $1 FROM v WHERE id = 1;
-- bind: ["a", "b"]
SELECT $1 || $2 || '.';
-- bind: ["tea", "four", "  x "]
SELECT upper($1), length($2), trim($3);
-- bind: ["abcd", "xyz", "banana"]
SELECT substring($1, 2, 2), left($2, 1), replace($3, 'a', 'b');
-- bind: ["1", "2", "1"]
SELECT substring(t, $1, $2), left(t, $3) FROM v WHERE id = 1;
-- bind: ["3.14159", "1"]
SELECT round($1, 2), round(n, $2) FROM v WHERE id = 1;
-- bind: [null, "zz"]
SELECT coalesce($1, 'none'), coalesce(t, $2) FROM v WHERE id = 2;
-- bind: ["4", null, "2020-01-01"]
SELECT coalesce(i8, $1), coalesce($2, 5), coalesce(d, $3) FROM v WHERE id = 2;
-- bind: ["a", "1"]
SELECT nullif($1, 'a'), nullif(id, $2) FROM v WHERE id = 1;
-- bind: ["9", "2"]
SELECT greatest($1, 3), least(n, $2) FROM v WHERE id = 1;
-- bind: ["1", "one"]
SELECT CASE WHEN id = $1 THEN $2 ELSE 'other' END FROM v ORDER BY id;
-- bind: ["t", "a"]
SELECT CASE WHEN $1 THEN 1 ELSE 2 END, CASE $2 WHEN 'a' THEN 1 END;
-- bind: ["1", "77"]
SELECT CASE id WHEN $1 THEN $2 ELSE 0 END FROM v ORDER BY id;
-- bind: ["q"]
SELECT CASE WHEN id = 1 THEN $1 END FROM v ORDER BY id;
-- bind: ["a", "b", "2"]
SELECT ARRAY[$1, $2], ARRAY[1, $3];
-- bind: ["2", "3"]
SELECT (ARRAY[10,20,30])[$1], ai[$2] FROM v WHERE id = 1;
-- bind: ["9", "2"]
SELECT array_append(ai, $1), $2 = ANY (ai) FROM v WHERE id = 1;
-- bind: ["{a,b}", "b", "{1,2,3}"]
SELECT array_position($1::text[], $2), cardinality($3::int[]);
-- bind: ["a", "1"]
SELECT pg_typeof($1), pg_typeof($2::int);
-- bind: ["a", "2", "c"]
SELECT concat($1::text, '-', $2::int), format('%s', $3::text);
-- bind: ["2024-01-02", "2024-03-04"]
SELECT to_char($1::date, 'YYYY'), to_date($2, 'YYYY-MM-DD');
-- bind: [null, "a"]
SELECT $1 IS NULL, $2::text IS NOT NULL;
-- bind: ["t", "t", "f"]
SELECT NOT $1, $2 AND true, false OR $3;
-- bind: ["10", "1"]
SELECT sum(id + $1), count(*) FILTER (WHERE id > $2) FROM v;
-- bind: ["1"]
SELECT row_number() OVER (ORDER BY id), lag(id, $1) OVER (ORDER BY id) FROM v ORDER BY 1;
-- bind: [", "]
SELECT string_agg(c::text, $1 ORDER BY id) FROM e;
-- bind: ["1", "3"]
SELECT generate_series($1, $2);
-- bind: ["2", "3"]
SELECT * FROM generate_series($1::int, $2::int) AS g(x);
-- bind: ["{1,2}", "{x,y}"]
SELECT * FROM unnest($1::int[], $2::text[]) AS t(a, b) ORDER BY a;
-- bind: ["2", "1"]
SELECT x FROM (VALUES ($1::int), ($2)) AS s(x) ORDER BY x;
-- bind: ["a"]
SELECT $1 UNION ALL SELECT 'b';
-- bind: ["1", "5"]
SELECT id FROM v WHERE id = $1 UNION SELECT $2 ORDER BY 1;
-- bind: ["1", "2"]
WITH q AS (SELECT $1::int AS x) SELECT x + $2 FROM q;
-- bind: ["1", "two"]
SELECT $2::text, $1::int;
-- bind: ["same"]
SELECT $1::text, $1::text || '!';
-- bind: ["a", "a"]
SELECT $1 = $2;
-- bind: ["1e10", "0.1", "3"]
SELECT $1::float8, $2::real, $3::smallint;
-- bind: ["green", "red"]
SELECT $1::color, $2::text::color;
-- bind: ["v", "none"]
SELECT exists(SELECT 1 FROM pg_class WHERE relname = $1), to_regclass($2) IS NULL;
-- bind: ["1259"]
SELECT relname FROM pg_class WHERE oid = $1;
-- bind: ["int4", "pg_catalog"]
SELECT oid, typname FROM pg_type WHERE typname = $1 AND typnamespace = $2::regnamespace;
-- bind: ["TimeZone", "application_name", "p"]
SELECT current_setting($1), set_config($2, $3, false);

-- Dates and times
-- bind: ["1 day", "2024-02-01"]
SELECT ts + $1, ts - $2 FROM v WHERE id = 1;
-- bind: ["2", "2024-02-01"]
SELECT d - $1::int, d - $2::date FROM v WHERE id = 1;
-- bind: ["1 hour", "30 minutes"]
SELECT ts + $1::interval, tz - $2::interval FROM v WHERE id = 1;
-- bind: ["2"]
SELECT ts + $1 * interval '1 day' FROM v WHERE id = 1;
-- bind: ["hour", "2024-05-06 07:00"]
SELECT date_trunc($1, ts), date_trunc('month', $2::timestamp) FROM v WHERE id = 1;
-- bind: ["day", "2024-05-06"]
SELECT date_part($1, ts), extract(year FROM $2::date) FROM v WHERE id = 1;
-- bind: ["Europe/Berlin", "2024-05-06 07:00"]
SELECT tz AT TIME ZONE $1, $2::timestamp AT TIME ZONE 'UTC' FROM v WHERE id = 1;
-- bind: ["2025-01-01", "2"]
SELECT age($1::timestamp, ts), iv * $2 FROM v WHERE id = 1;
-- bind: ["2024", "2", "3", "4"]
SELECT make_date($1, $2, $3), make_interval(days => $4);
-- bind: ["100 years", "2000-01-01"]
SELECT id FROM v WHERE ts >= now() - $1::interval AND d > $2;
-- bind: ["1 day", "23:00"]
SELECT id FROM v WHERE iv > $1 AND tm < $2;

-- JSON
-- bind: ["b"]
SELECT jb -> $1 FROM v WHERE id = 1;
-- bind: ["b", "0"]
SELECT jb ->> $1, jb -> 'b' -> $2::int FROM v WHERE id = 1;
-- bind: ["{b,1}", "b"]
SELECT jb #>> $1, jb ? $2 FROM v WHERE id = 1;
-- bind: ["{\"b\": [1]}"]
SELECT id FROM v WHERE jb @> $1;
-- bind: ["x", "1"]
SELECT id FROM v WHERE jb ->> 'c' = $1 OR j ->> 'a' = $2;
-- bind: ["\"z\"", "{\"d\": null}"]
SELECT jsonb_set(jb, '{c}', $1), jb || $2 FROM v WHERE id = 1;
-- bind: ["1", "t"]
SELECT jsonb_build_object('k', $1::int), to_jsonb($2::text);

-- Writes
-- bind: ["3", "green"]
INSERT INTO e VALUES ($1, $2);
-- bind: ["red", "4", null, "5"]
INSERT INTO e (c, id) VALUES ($1, $2), ($3, $4);
-- bind: ["10", "1", "2", "3.5", "t", "text", "vc", "2024-01-01", "2024-01-01 10:00"]
INSERT INTO v (id, i2, i8, n, b, t, vc, d, ts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);
-- bind: ["11", "2024-01-01 10:00+01", "2 days", "00000000-0000-0000-0000-000000000001", "[1, 2]", "{\"z\": 1}", "{7}", "{q}", "\\x01"]
INSERT INTO v (id, tz, iv, u, j, jb, ai, at, bin) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);
-- bind: ["11"]
SELECT id, tz, iv, u, j, jb, ai, at, bin FROM v WHERE id = $1;
-- bind: ["12", "1", "2"]
INSERT INTO v (id, n, f8) VALUES ($1, $2 + 1, $3 * 2) RETURNING id, n, f8;
-- bind: ["13", "sel"]
INSERT INTO v (id, t) SELECT $1, $2 RETURNING id, t;
-- bind: ["100", "pre-", "13"]
INSERT INTO v (id, t) SELECT id + $1, $2 || t FROM v WHERE id = $3 RETURNING id, t;
-- bind: ["14", null]
INSERT INTO v (id, t) VALUES ($1, coalesce($2, 'none')) RETURNING t;
-- bind: ["15", "2024-02-28"]
INSERT INTO v (id, d) VALUES ($1, $2::date + 1) RETURNING d;
-- bind: ["14", "new", "!"]
INSERT INTO v (id, t) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET t = excluded.t || $3 RETURNING t;
-- bind: ["1"]
INSERT INTO v (id) VALUES ($1) ON CONFLICT DO NOTHING;
-- bind: ["tea", "0", "2024-02-29", "1"]
UPDATE v SET t = $1, n = n + $2, d = $3 WHERE id = $4;
-- bind: ["two", "22", "2"]
UPDATE v SET (t, i8) = ($1, $2) WHERE id = $3 RETURNING t, i8;
-- bind: ["t", "8"]
UPDATE v SET b = NOT $1, ai = ai || $2 WHERE id = 11 RETURNING b, ai;
-- bind: ["2024-06-01", "{13,14}"]
-- unordered
UPDATE v SET ts = $1 WHERE id = ANY ($2) RETURNING id;
-- bind: ["12", "5"]
UPDATE v SET i2 = CASE WHEN id = $1 THEN $2 ELSE i2 END WHERE id = 12 RETURNING i2;
-- bind: ["12"]
DELETE FROM v WHERE id = $1;
-- bind: ["13", "nothing"]
-- unordered
DELETE FROM v WHERE id >= $1 AND (t = $2 OR t IS NULL) RETURNING id;
-- bind: ["1"]
INSERT INTO v (id) VALUES ($1);
-- bind: ["abc"]
INSERT INTO v (id) VALUES ($1);
-- bind: ["x1"]
SELECT $1::int;
-- bind: ["99999999999"]
SELECT $1::int;
-- bind: ["2024-02-30"]
SELECT $1::date;
-- bind: ["1.5"]
SELECT id FROM v WHERE id = $1;
-- bind: [null, "1"]
SELECT $2::int;
-- bind: ["1"]
SELECT no_such_function($1);
-- bind: ["1", "2"]
SELECT $1 + $2;
-- bind: ["1", "2"]
SELECT $1::int;
-- bind: ["1", "2"]
SELECT id FROM v WHERE id = $1 AND nocol = $2;
-- bind: ["0"]
SELECT 1 / $1::int;

-- What else goes by the extended protocol
-- bind: []
SHOW TimeZone;
-- bind: []
SHOW transaction_isolation;
-- bind: []
SHOW TRANSACTION ISOLATION LEVEL;
-- bind: []
SET application_name = 'ext';
-- bind: []
SHOW application_name;
-- bind: []
RESET application_name;
-- bind: []
EXPLAIN SELECT 1 WHERE false;
-- bind: []
SET LOCAL statement_timeout = 0;
-- bind: []
DISCARD TEMP;
-- bind: []
;
-- bind: []
SELECT;
-- bind: []
VALUES (1, 'a'), (2, 'b');
-- bind: []
TABLE e LIMIT 0;
-- bind: []
BEGIN;
-- bind: []
SAVEPOINT s1;
-- bind: []
ROLLBACK TO s1;
-- bind: []
RELEASE s1;
-- bind: []
COMMIT;
-- bind: []
CREATE TEMP TABLE ext_t (a int);
-- bind: []
DROP TABLE ext_t;
-- bind: []
LISTEN ch;
-- bind: []
NOTIFY ch;
-- bind: []
UNLISTEN *;
-- bind: []
DEALLOCATE ALL;
-- bind: []
CLOSE ALL;
-- bind: []
LOCK TABLE e;
-- bind: []
ANALYZE e;
-- bind: []
TRUNCATE e;

-- Results in binary
-- binary
SELECT true, false;
-- binary
SELECT 1::smallint, -1::smallint;
-- binary
SELECT 0, 2147483647, -2147483648;
-- binary
SELECT 9223372036854775807, -1::bigint;
-- binary
SELECT 1.5::real, -0.0::real, 'NaN'::real, 'Infinity'::real;
-- binary
SELECT 0.1::float8, 1e300::float8, '-Infinity'::float8;
-- binary
SELECT 0::numeric, 1.50, -12345.6789, 1e20::numeric;
-- binary
SELECT 0.0001, 100000000::numeric, 'NaN'::numeric, 'Infinity'::numeric;
-- binary
SELECT 12345678901234567890.123456789::numeric, 10000::numeric;
-- binary
SELECT 'tea'::text, ''::text, 'thé ✓'::text;
-- binary
SELECT 'abc'::varchar(5), 'ab'::char(4), 'nam'::name, 'r'::"char";
-- binary
SELECT '\xdeadbeef00'::bytea, ''::bytea;
-- binary
SELECT date '2024-02-29', date '1970-01-01', date '0001-01-01 BC', date 'infinity';
-- binary
SELECT time '12:34:56.789', time '00:00', time '24:00';
-- binary
SELECT timetz '12:34:56+02', timetz '00:00-05:30';
-- binary
SELECT timestamp '2024-02-29 12:34:56.789012', timestamp '1900-01-01', timestamp 'infinity';
-- binary
SELECT timestamptz '2024-02-29 12:34:56+05', timestamptz '-infinity';
-- binary
SELECT interval '1 year 2 mons 3 days 04:05:06.5', interval '-1 day', interval '0';
-- binary
SELECT '12345678-1234-5678-1234-567812345678'::uuid;
-- binary
SELECT '{"b": 1, "a": [true, null]}'::json;
-- binary
SELECT '{"b": 1, "a": [true, null]}'::jsonb;
-- binary
SELECT 23::oid, 'pg_class'::regclass, 'int4'::regtype;
-- binary
SELECT NULL, NULL::int, NULL::text[];
-- binary
SELECT ARRAY[1,2,NULL]::int[], '{}'::int[];
-- binary
SELECT ARRAY[[1,2],[3,4]];
-- binary
SELECT ARRAY['a',NULL,'']::text[];
-- binary
SELECT ARRAY[1.5,2.25]::numeric[], ARRAY[0.5]::float8[];
-- binary
SELECT ARRAY[true,false], ARRAY[date '2024-01-01'];
-- binary
SELECT ARRAY[timestamptz '2024-01-01 00:00+00'], ARRAY['12345678-1234-5678-1234-567812345678']::uuid[];
-- binary
SELECT ARRAY['{"a": 1}']::jsonb[], ARRAY[1,2]::bigint[], ARRAY[1]::smallint[];
-- binary
SELECT 'green'::color;
-- binary
SELECT ROW(1, 'a'::text, NULL::int);
-- binary
SELECT '1 2'::int2vector, '23 25'::oidvector;
-- binary
SELECT array_agg(x) FROM (VALUES (1), (2)) AS s(x);
-- binary
SELECT count(*), sum(id), avg(id), max(id) FROM v WHERE id < 3;
-- binary
SELECT sum(n), avg(f8), min(t), bool_and(b) FROM v WHERE id = 1;
-- binary
SELECT now() IS NOT NULL, current_date > '2000-01-01', current_user;
-- binary
SELECT inet '10.0.0.1', cidr '10.0.0.0/8';
-- binary
SELECT int4range(1, 5), numrange(1.5, 2.5);
-- binary
SELECT B'1010'::bit(4), B'101'::varbit;
-- binary
SELECT 'a'::text AS x, 1 AS x;
-- binary
SELECT * FROM v WHERE id = 1;
-- binary
SELECT i2, i8, n, t, d, ts, iv, u, jb, ai FROM v WHERE id = 2;
-- binary
SHOW TimeZone;
-- binary
INSERT INTO v (id, n, tz) VALUES (50, 7.5, '2024-01-01 00:00+00') RETURNING id, n, tz;
-- bind: ["1.10", "2024-01-01 12:00+02", "12345678-1234-5678-1234-567812345678", "{\"x\":1}"]
-- binary
SELECT $1::numeric, $2::timestamptz, $3::uuid, $4::jsonb;
-- bind: ["1"]
-- binary
SELECT id, t FROM v WHERE id = $1;
-- bind: ["plain"]
-- binary
SELECT $1;

-- Cursors
DECLARE outside CURSOR FOR SELECT 1;
BEGIN;
DECLARE c1 CURSOR FOR SELECT g FROM generate_series(1, 10) AS g;
FETCH 2 FROM c1;
FETCH FORWARD 3 FROM c1;
FETCH NEXT FROM c1;
FETCH c1;
MOVE 1 IN c1;
FETCH ALL FROM c1;
FETCH 1 FROM c1;
CLOSE c1;
FETCH 1 FROM c1;
ROLLBACK;
BEGIN;
DECLARE c2 SCROLL CURSOR FOR SELECT g FROM generate_series(1, 5) AS g;
FETCH LAST FROM c2;
FETCH PRIOR FROM c2;
FETCH ABSOLUTE 2 FROM c2;
FETCH RELATIVE 1 FROM c2;
FETCH FIRST FROM c2;
FETCH BACKWARD 1 FROM c2;
MOVE FORWARD ALL IN c2;
FETCH BACKWARD 2 FROM c2;
MOVE ABSOLUTE 0 IN c2;
FETCH 0 FROM c2;
FETCH FORWARD ALL FROM c2;
COMMIT;
BEGIN;
DECLARE c3 NO SCROLL CURSOR WITHOUT HOLD FOR SELECT 1 AS one, 'a' AS a;
FETCH BACKWARD 1 FROM c3;
ROLLBACK;
BEGIN;
DECLARE c4 CURSOR WITH HOLD FOR SELECT g, g * g AS sq FROM generate_series(1, 4) AS g;
COMMIT;
FETCH 3 FROM c4;
SELECT name, is_holdable, is_scrollable FROM pg_cursors ORDER BY name;
FETCH ALL FROM c4;
CLOSE c4;
CLOSE c4;
DECLARE c5 SCROLL CURSOR WITH HOLD FOR SELECT 'x' AS v;
FETCH ALL FROM c5;
CLOSE ALL;
BEGIN;
DECLARE "Named One" BINARY CURSOR FOR SELECT 1 AS n;
FETCH ALL FROM "Named One";
DECLARE "Named One" CURSOR FOR SELECT 2;
ROLLBACK;

-- Prepared statements by SQL
PREPARE p1 AS SELECT 1 + 1 AS two;
EXECUTE p1;
PREPARE p2 (int, text) AS SELECT $1 + 1 AS n, $2 || '!' AS t;
EXECUTE p2 (41, 'hi');
EXECUTE p2 ('1', NULL);
EXECUTE p2 (1);
PREPARE p3 AS SELECT id FROM v WHERE t = $1;
EXECUTE p3 ('tea');
PREPARE p1 AS SELECT 3;
SELECT name, from_sql FROM pg_prepared_statements WHERE name IN ('p1', 'p2', 'p3') ORDER BY name;
SELECT name, parameter_types FROM pg_prepared_statements WHERE name IN ('p1', 'p2', 'p3') ORDER BY name;
PREPARE p4 (int) AS INSERT INTO e VALUES ($1, 'red');
EXECUTE p4 (30);
EXPLAIN (COSTS OFF) EXECUTE p1;
DEALLOCATE p1;
EXECUTE p1;
DEALLOCATE PREPARE p2;
DEALLOCATE ALL;
DEALLOCATE p3;

-- Transactions and savepoints
BEGIN;
INSERT INTO e VALUES (60, 'red');
SAVEPOINT a;
INSERT INTO e VALUES (61, 'blue');
ROLLBACK TO SAVEPOINT a;
INSERT INTO e VALUES (62, 'green');
RELEASE SAVEPOINT a;
COMMIT;
SELECT id FROM e WHERE id BETWEEN 60 AND 69 ORDER BY id;
BEGIN;
SELECT 1 / 0;
SELECT 1;
SHOW TimeZone;
SAVEPOINT b;
COMMIT;
SELECT 'after' AS x;
START TRANSACTION ISOLATION LEVEL REPEATABLE READ;
SHOW transaction_isolation;
BEGIN;
END;
COMMIT;
ROLLBACK;
BEGIN;
SAVEPOINT a;
SELECT no_such_column;
ROLLBACK TO a;
SELECT 2 AS fine;
ROLLBACK TO nowhere;
ROLLBACK;
SAVEPOINT outside;
RELEASE outside;
ROLLBACK TO outside;
BEGIN READ ONLY;
INSERT INTO e VALUES (70, 'red');
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE, READ WRITE;
SHOW transaction_read_only;
ABORT;
BEGIN;
SET TRANSACTION READ ONLY;
SHOW transaction_read_only;
COMMIT AND CHAIN;
ROLLBACK;
BEGIN TRANSACTION;
SET LOCAL statement_timeout = '3s';
SHOW statement_timeout;
COMMIT;
SHOW statement_timeout;
SELECT 1 AS a; SELECT 2 AS b;
SELECT 1 AS a; SELECT 1 / 0; SELECT 3 AS c;
INSERT INTO e VALUES (80, 'red'); SELECT 1 / 0;
SELECT count(*) FROM e WHERE id = 80;
-- nothing here;
;;
;;;
PREPARE TRANSACTION 'x';
LISTEN news;
NOTIFY news;
NOTIFY news, 'with a payload';
SELECT pg_notify('news', 'more');
SELECT * FROM pg_listening_channels();
UNLISTEN news;
UNLISTEN *;

-- Settings
SHOW client_encoding;
SHOW server_encoding;
SHOW DateStyle;
SHOW IntervalStyle;
SHOW TIME ZONE;
SHOW search_path;
SHOW standard_conforming_strings;
SHOW extra_float_digits;
SHOW max_identifier_length;
SHOW default_transaction_isolation;
SHOW default_transaction_read_only;
SHOW integer_datetimes;
SHOW lc_collate;
SHOW bytea_output;
SHOW client_min_messages;
SHOW lock_timeout;
SHOW idle_in_transaction_session_timeout;
SHOW is_superuser;
SHOW session_authorization;
SHOW row_security;
SHOW no_such_setting;
SET no_such_setting = 1;
SET my.own = 'v';
SHOW my.own;
SET extra_float_digits = 3;
SHOW extra_float_digits;
SET extra_float_digits = 99;
SET extra_float_digits = 'abc';
RESET extra_float_digits;
SET TIME ZONE 'Europe/Berlin';
SHOW TimeZone;
SET TIME ZONE 'Nowhere/Land';
SET TIME ZONE INTERVAL '+02:00' HOUR TO MINUTE;
SHOW TimeZone;
SET TimeZone TO DEFAULT;
SET TIME ZONE 'UTC';
SET SESSION application_name TO 'abc';
SHOW application_name;
SET DateStyle = 'ISO, DMY';
SHOW DateStyle;
RESET DateStyle;
SET client_min_messages = warning;
SET client_encoding = 'nonsense';
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;
SHOW default_transaction_read_only;
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE;
SET statement_timeout = '1min';
SHOW statement_timeout;
SET statement_timeout = 2500;
SHOW statement_timeout;
SET work_mem = '64MB';
SHOW work_mem;
SET ROLE postgres;
RESET ROLE;
SET SESSION AUTHORIZATION DEFAULT;
SET LOCAL TimeZone = 'UTC';
RESET ALL;
SHOW application_name;
CHECKPOINT;
DISCARD PLANS;
DISCARD SEQUENCES;
DISCARD ALL;
SHOW search_path;
SELECT current_schemas(false);
