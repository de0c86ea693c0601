-- group: Types and values
-- Every type's text in and out, casts, and the types of results.

-- setup
CREATE TYPE size AS ENUM ('small', 'medium', 'large');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TABLE typed (
    id integer PRIMARY KEY, vc varchar(5), ch char(5), n numeric(6,2), i2 smallint,
    ts0 timestamp(0), ts3 timestamptz(3), t text, f real, sz size
);
CREATE TABLE nums (
    i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision, n numeric, n2 numeric(8,2)
);
INSERT INTO nums VALUES (1, 10, 100, 1.5, 2.5, 3.25, 4.50), (2, 20, 200, 2.5, 3.5, 4.5, 5.25);
INSERT INTO nums (i4) VALUES (NULL);
-- end

-- Floats
SELECT 1.5::float8, 1::float8, -2.50::float8, 0::float8, '-0'::float8;
SELECT 0.1::float8, 0.2::float8, 0.1::float8 + 0.2::float8, 1.0::float8 / 3;
SELECT 1e10::float8, 1e15::float8, 123456789012345::float8, 1e16::float8;
SELECT 1e-4::float8, 1e-5::float8, 0.00012345::float8, 1.5e-10::float8;
SELECT 1e20::float8, 1e100::float8, 1.7976931348623157e308::float8, 5e-324::float8;
SELECT 'NaN'::float8, 'Infinity'::float8, '-Infinity'::float8, 'inf'::float8, '-inf'::float8;
SELECT 'nan'::float8 = 'NaN'::float8 AS eq, 'NaN'::float8 > 'Infinity'::float8 AS gt;
SELECT ' 1.5 '::float8, '1e3'::float8, '.5'::float8, '5.'::float8;
SELECT 'abc'::float8;
SELECT ''::float8;
SELECT '1e400'::float8;
SELECT 1.5::real, 0.1::real, 1e10::real, 123456.7::real, 1234567.8::real;
SELECT 16777217::real, 1e-5::real, 3.4028235e38::real, 'NaN'::real, '-Infinity'::real;
SELECT 0.1::real::float8, 0.1::float8::real, 0.1::real = 0.1::float8 AS eq;
SELECT '1e39'::real;
SELECT 1e39::float8::real;
SELECT 1::float8 / 0;
SELECT 'Infinity'::float8 - 'Infinity'::float8, 'Infinity'::float8 * 2;
SELECT 1e308::float8 * 10;
SELECT 100000::float8, 1000000::float8, 1234567.125::float8, 1e5::float8::text;
SELECT 3::float8::text || '!', 2.50::real::text, (1e21::float8)::text;

-- Numeric
SELECT 1.0, 1.50, 100, 0.000, -0.0, 1e3, 1.5e-5, 12345678901234567890;
SELECT 1.10::numeric, '1.10'::numeric, '  7  '::numeric, '1e5'::numeric, '1.5e-3'::numeric;
SELECT 1.005::numeric(5,2), 2.675::numeric(5,2), -1.005::numeric(5,2), 5::numeric(5,2);
SELECT 99.995::numeric(4,2);
SELECT 1234.5::numeric(3,0);
SELECT 12345.678::numeric(10), 0.5::numeric(3,0), 1.5::numeric(3,0), 2.5::numeric(3,0);
SELECT 1.1 + 2.22, 1.10 * 2.0, 10.0 - 0.001, 1.5 * 1.5;
SELECT 1 / 3.0, 10.0 / 4, 1.0 / 7, 2 / 3.000;
SELECT 100.0 / 3, 1e10 / 3, 0.001 / 3, 1.0 / 1000000;
SELECT 7.5 % 2, -7.5 % 2, 7 % -3, -7 % 3, 10.5 % 0.3;
SELECT 2 ^ 10, 2.0 ^ 0.5, 2 ^ -1, 10.0 ^ 3;
SELECT 'NaN'::numeric, 'Infinity'::numeric, '-Infinity'::numeric, 'NaN'::numeric = 'NaN'::numeric AS eq;
SELECT 'abc'::numeric;
SELECT ''::numeric;
SELECT 123456789012345678901234567890.123456789;
SELECT 99999999999999999999 + 1, 12345678901234567890 * 98765432109876543210;
SELECT 0.1 + 0.2 = 0.3 AS eq, 1.0 = 1.00 AS eq2, 1.0::text = 1.00::text AS eq3;
SELECT round(2.5), round(3.5), round(-2.5), round(2.345, 2), round(1234.5, -2);
SELECT round(2.5::float8), round(3.5::float8), round(-0.4::float8), round(1e10::float8);
SELECT ceil(1.2), floor(-1.2), trunc(1.99), trunc(-1.987, 2), ceil(1.2::float8), floor(5);
SELECT scale(1.500), trim_scale(1.500), min_scale(1.500);
SELECT sign(-2.5), abs(-1.50), -(-3), +4.0, @ -5;
SELECT sqrt(2.0), sqrt(16::float8), sqrt(2), cbrt(27), exp(1.0), ln(10.0), log(100.0);
SELECT power(2, 3), power(2.0, 3), power(2::float8, 0.5), mod(10, 3), mod(10.5, 3), div(7, 2), div(7.9, 2);
SELECT 5 / 2, -5 / 2, 5 % 2, 5.0 / 2, 5 / 2.0, 5::float8 / 2;
SELECT 1::numeric / 0;
SELECT 5 % 0;
SELECT sum(x) FROM (VALUES (0.1), (0.20), (3)) AS s(x);
SELECT avg(x), avg(x::float8), avg(x::int) FROM (VALUES (1.0), (2.0), (4.0)) AS s(x);
SELECT 1.23456789012345678901234567890::numeric::float8, 1.5::numeric::int, 2.5::numeric::int, -1.5::numeric::int;
SELECT 1e-10::numeric, 0.00000000001, 1e25::float8::numeric, 0.1::float8::numeric, 0.1::real::numeric;

-- Integers
SELECT 2147483647, 2147483648, -2147483648, 9223372036854775807, 9223372036854775808;
SELECT pg_typeof(2147483647), pg_typeof(2147483648), pg_typeof(9223372036854775808), pg_typeof(1.0);
SELECT 2147483647 + 1;
SELECT -2147483648 - 1;
SELECT 65536 * 65536;
SELECT 9223372036854775807 + 1;
SELECT 32767::smallint + 1::smallint;
SELECT 32768::smallint;
SELECT 3000000000::int;
SELECT '3000000000'::int;
SELECT '40000'::smallint;
SELECT 1e19::bigint;
SELECT '9223372036854775808'::bigint;
SELECT ' 42 '::int, '-7'::int, '+7'::int, '007'::int;
SELECT '1.5'::int;
SELECT '1e3'::int;
SELECT ''::int;
SELECT '0x1F'::int;
SELECT 1.5::float8::int, 2.5::float8::int, -2.5::float8::int, 0.5::float8::int, 3.5::float8::bigint;
SELECT 'NaN'::float8::int;
SELECT abs(-2147483648);
SELECT -(-2147483648);
SELECT 7 / -2, -7 % 2, 7 & 3, 5 | 2, 5 # 1, ~5, 1 << 4, -16 >> 2;
SELECT 1::bigint + 1::int, 1::smallint * 2::smallint, 2::bigint / 3, 10::smallint % 3::smallint;
SELECT sum(x) FROM (VALUES (2147483647), (1)) AS s(x);
SELECT sum(x) FROM (VALUES (9223372036854775807), (1::bigint)) AS s(x);
SELECT factorial(10), gcd(12, 18), lcm(4, 6);

-- Types of results
SELECT pg_typeof(1 + 1), pg_typeof(1 + 1::bigint), pg_typeof(1::smallint + 1::smallint), pg_typeof(1::smallint + 1);
SELECT pg_typeof(1 + 1.5), pg_typeof(1 + 1.5::real), pg_typeof(1 + 1.5::float8), pg_typeof(1.5 + 1.5::float8);
SELECT pg_typeof(1.5::real + 1.5::real), pg_typeof(1.5::real + 1.5::float8), pg_typeof(1::bigint * 1.0);
SELECT pg_typeof(4 / 2), pg_typeof(4::bigint / 2::smallint), pg_typeof(4.0 / 2), pg_typeof(2 ^ 2), pg_typeof(2.0 ^ 2.0);
SELECT i2 + i4, i4 + i8, i8 + n, n + f8, i2 + f4, f4 + f8 FROM nums WHERE i4 = 10;
SELECT i2 * n2, i4 / i2, i8 / i4, n2 / i4, f4 / i4, i8 % i4 FROM nums WHERE i4 = 10;
SELECT i2 - f4, i8 - f4, n - f4, n2 - n, -i2, -n2 FROM nums WHERE i4 = 20;
SELECT sum(i2), sum(i4), sum(i8) FROM nums;
SELECT sum(f4), sum(f8), sum(n), sum(n2) FROM nums;
SELECT avg(i2), avg(i4), avg(i8) FROM nums;
SELECT avg(f4), avg(f8), avg(n), avg(n2) FROM nums;
SELECT min(i2), max(i4), min(i8), max(f4), min(f8), max(n), min(n2) FROM nums;
SELECT count(*), count(i2), count(DISTINCT i4) FROM nums;
SELECT stddev(i4), stddev_pop(i4), stddev_samp(i4) FROM nums;
SELECT variance(i4), var_pop(i4), var_samp(i4) FROM nums;
SELECT stddev(f8), variance(f8), stddev(n2), var_pop(n2) FROM nums;
SELECT corr(f8, i4), covar_pop(f8, i4), covar_samp(f8, i4), regr_slope(f8, i4) FROM nums;
SELECT bit_and(i4), bit_or(i4), bool_and(i4 > 5), bool_or(i4 > 15), every(i4 > 0) FROM nums;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY i4), percentile_disc(0.5) WITHIN GROUP (ORDER BY i4) FROM nums;
SELECT mode() WITHIN GROUP (ORDER BY i4) FROM nums WHERE i4 = 10;
SELECT sum(i4), avg(i4), max(i4), count(*) FROM nums WHERE i4 > 1000;
SELECT array_agg(i4 ORDER BY i4), string_agg(i4::text, '-' ORDER BY i4) FROM nums;
SELECT sum(i4) OVER (), avg(i4) OVER (), count(*) OVER () FROM nums ORDER BY i4 LIMIT 1;
SELECT round(i4), round(f8), round(n), round(n, 1), round(n2, 1) FROM nums WHERE i4 = 10;
SELECT ceil(i4), ceil(f8), ceil(n), floor(i8), floor(n2), trunc(f8), trunc(n2) FROM nums WHERE i4 = 10;
SELECT abs(i2), abs(i8), abs(f4), abs(n), sign(i4), sign(f8), sign(n) FROM nums WHERE i4 = 10;
SELECT sqrt(i4), exp(i2), ln(n), log(f8), power(i4, 2), power(n, 2) FROM nums WHERE i4 = 10;
SELECT coalesce(i2, 0), coalesce(i4, 0.5), coalesce(i8, 1), nullif(n, 0), greatest(i2, i8), least(i4, n2) FROM nums WHERE i4 = 10;
SELECT CASE WHEN true THEN i2 ELSE i8 END, CASE WHEN true THEN i4 ELSE 1.5 END, CASE WHEN false THEN 1 END FROM nums WHERE i4 = 10;
SELECT length('abc'), char_length('abc'), octet_length('é'), bit_length('a'), position('b' IN 'abc'), strpos('abc', 'c');
SELECT random() < 1 AS a, pi(), degrees(pi()), radians(180);
SELECT ascii('a'), chr(65), 'a' || 1, 1 || 'a', 'x' || 1.50, 'x' || true;
SELECT pg_typeof('a' || 'b'), pg_typeof('a'::varchar || 'b'::varchar), pg_typeof('a'::char(3) || 'b'), pg_typeof(1 || 'a');
SELECT pg_typeof(upper('a')), pg_typeof(now()), pg_typeof(current_date), pg_typeof(current_time), pg_typeof(localtimestamp);
SELECT pg_typeof(count(*)), pg_typeof(sum(1)), pg_typeof(avg(1)), pg_typeof(max('a'::text));
SELECT pg_typeof(CASE WHEN true THEN 1 ELSE 2.5 END), pg_typeof(coalesce(NULL, 1)), pg_typeof(ARRAY[1, 2.5]);
SELECT pg_typeof('1'), pg_typeof('2024-01-01'), pg_typeof(DATE '2024-01-01'), pg_typeof(true), pg_typeof(INTERVAL '1 day');
SELECT x, pg_typeof(x) FROM (SELECT 'a' AS x) s;
SELECT x FROM (VALUES (1), (2.5)) AS s(x) ORDER BY 1;
SELECT 1 AS x UNION ALL SELECT 2.5 ORDER BY 1;
SELECT NULL AS x UNION ALL SELECT 1 ORDER BY 1;
SELECT 'a' AS x UNION SELECT NULL ORDER BY 1;

-- Text, varchar(n), char(n)
SELECT 'abc'::varchar(2), 'abc'::varchar(5), 'abc'::char(5), 'abc'::char(2), 'abc'::char;
SELECT 'abc'::char(5) = 'abc' AS a, 'abc'::char(5) = 'abc  '::text AS b, 'abc  '::char(5) = 'abc'::char(3) AS c;
SELECT length('ab'::char(5)), octet_length('ab'::char(5)), 'ab'::char(5) || '|', ('ab'::char(5))::text || '|';
SELECT 'ab'::char(5) LIKE 'ab' AS a, 'ab'::char(5) LIKE 'ab   ' AS b, concat('ab'::char(4), '|');
INSERT INTO typed (id, vc) VALUES (1, 'abcde');
INSERT INTO typed (id, vc) VALUES (2, 'abcdef');
INSERT INTO typed (id, vc) VALUES (3, 'abcde   ');
INSERT INTO typed (id, ch) VALUES (4, 'ab');
INSERT INTO typed (id, ch) VALUES (5, 'abcdef');
SELECT id, vc, ch, ch || '|' AS x, length(ch) FROM typed ORDER BY id;
SELECT id FROM typed WHERE ch = 'ab';
SELECT id FROM typed WHERE ch = 'ab   ';
INSERT INTO typed (id, n) VALUES (6, 1234.567), (7, -0.005), (8, 3);
INSERT INTO typed (id, n) VALUES (9, 12345.6);
SELECT id, n FROM typed WHERE n IS NOT NULL ORDER BY id;
INSERT INTO typed (id, i2) VALUES (10, 32768);
INSERT INTO typed (id, i2) VALUES (10, 1.5), (11, '2');
INSERT INTO typed (id, ts0, ts3) VALUES (12, '2024-01-02 03:04:05.678', '2024-01-02 03:04:05.6789+00');
INSERT INTO typed (id, f) VALUES (13, 1.1), (14, 16777217);
INSERT INTO typed (id, t) VALUES (15, 42), (16, true);
SELECT id, i2, ts0, ts3, f, t FROM typed WHERE id >= 10 ORDER BY id;
UPDATE typed SET vc = 'toolong' WHERE id = 1;
SELECT 'é✓😀', length('é✓😀'), upper('é'), reverse('é✓'), substr('é✓😀', 2, 1);
SELECT E'a\tb\nc', E'\u00e9', U&'\00e9', 'it''s', $$dollar 'quoted'$$, E'\\x';
SELECT 'abc' < 'abd' AS a, 'a' < 'B' AS b, 'Z' < 'a' AS c, 'é' > 'z' AS d, '' < ' ' AS e;
SELECT x FROM (VALUES ('b'), ('A'), ('a'), ('B'), ('_'), ('é'), (''), ('10'), ('9')) AS s(x) ORDER BY x;
SELECT x FROM (VALUES ('b'), (NULL), ('a')) AS s(x) ORDER BY x DESC;
SELECT 'abc'::name, 'abc'::"char", 65::"char", 'abc'::text::varchar;
SELECT 1::text, 1.50::text, true::text, NULL::text, '2024-01-01'::date::text, 1e3::text;
SELECT 123::varchar(2), 123::char(5) || '|', 1.5::varchar;
SELECT chr(0);
SELECT 'caf' || chr(233), ascii('é'), E'\xc3\xa9';

-- Boolean
SELECT true, false, NULL::boolean, 't'::boolean, 'F'::boolean, 'yes'::boolean, 'off'::boolean, '1'::boolean, 'n'::boolean;
SELECT ' TRUE '::boolean, 'tr'::boolean, 'of'::boolean, 'y'::boolean, '0'::boolean;
SELECT 'maybe'::boolean;
SELECT 'o'::boolean;
SELECT 1::boolean, 0::boolean, 5::boolean, true::int, false::int, true::text, 'on'::bool;
SELECT 1.5::boolean;
SELECT true = 't' AS a, true > false AS b, NOT NULL::boolean AS c, true AND NULL AS d, false AND NULL AS e, true OR NULL AS f;
SELECT true IS TRUE AS a, NULL::boolean IS UNKNOWN AS b, NULL::boolean IS NOT TRUE AS c;

-- Bytea
SELECT '\xDEADbeef'::bytea, ''::bytea, '\x'::bytea, 'abc'::bytea, E'\\000\\377'::bytea;
SELECT '\xabc'::bytea;
SELECT '\xzz'::bytea;
SELECT length('\x00ff'::bytea), octet_length('\x0102'::bytea), '\x01'::bytea || '\x02'::bytea;
SELECT encode('\x0001ff'::bytea, 'hex'), encode('abc'::bytea, 'base64'), decode('ff00', 'hex'), decode('YWJj', 'base64');
SELECT get_byte('\x0aff'::bytea, 1), set_byte('\x0000'::bytea, 0, 255), substring('\x010203'::bytea FROM 2 FOR 1);
SELECT convert_from('\xc3a9'::bytea, 'UTF8'), convert_to('é', 'UTF8'), md5('abc'::bytea), sha256('abc'::bytea);
SELECT '\x01'::bytea < '\x02'::bytea AS a, '\x61'::bytea = 'a'::bytea AS b, '\x'::bytea = ''::bytea AS c;
SET bytea_output = 'escape';
SELECT '\x61625c00ff'::bytea;
RESET bytea_output;

-- Dates
SELECT '2024-02-29'::date, 'January 8, 1999'::date, '1999-Jan-08'::date, '19990108'::date, '1/8/1999'::date;
SELECT '2024-02-30'::date;
SELECT '2023-02-29'::date;
SELECT 'not a date'::date;
SELECT ''::date;
SELECT '0044-03-15 BC'::date, '0001-01-01'::date, '9999-12-31'::date, '10000-01-01'::date;
SELECT 'infinity'::date, '-infinity'::date, 'epoch'::date, 'infinity'::date > '9999-12-31'::date AS a;
SELECT date '2024-03-01' - date '2024-02-01', date '2024-01-31' + 1, date '2024-01-01' - 7, 5 + date '2024-01-01';
SELECT date '2024-01-31' + interval '1 month', date '2024-01-01' - interval '1 day', date '2024-01-01' + time '10:30';
SELECT pg_typeof(date '2024-03-01' - date '2024-02-01'), pg_typeof(date '2024-01-31' + 1), pg_typeof(date '2024-01-31' + interval '1 day');
SELECT date '2024-01-15' = timestamp '2024-01-15 00:00' AS a, date '2024-01-15' < timestamptz '2024-01-15 00:00:01+00' AS b;
SELECT '2024-01-15 13:14:15'::date, timestamp '2024-01-15 23:59:59'::date, '2024-01-15T13:14:15Z'::date;
SELECT extract(year FROM date '2024-02-29'), extract(doy FROM date '2024-12-31'), extract(isodow FROM date '2024-02-29'), extract(week FROM date '2024-12-30');
SELECT extract(epoch FROM date '1970-01-02'), extract(quarter FROM date '2024-05-01'), extract(century FROM date '2024-05-01'), extract(isoyear FROM date '2024-12-30');
SELECT date_part('year', date '2024-02-29'), date_part('dow', date '2024-02-25'), date_part('decade', date '2024-01-01');
SELECT extract(hour FROM date '2024-02-29');
SELECT pg_typeof(extract(year FROM date '2024-02-29')), pg_typeof(date_part('year', date '2024-02-29'));
SELECT date_trunc('month', date '2024-02-29'), pg_typeof(date_trunc('month', date '2024-02-29'));
SELECT to_date('29 02 2024', 'DD MM YYYY'), make_date(2024, 2, 29), to_date('20240229', 'YYYYMMDD');
SELECT make_date(2024, 2, 30);
SELECT (date '2024-01-01', date '2024-02-01') OVERLAPS (date '2024-01-15', date '2024-03-01') AS x;
SET DateStyle = 'ISO, DMY';
SELECT '1/8/1999'::date, '13/02/2024'::date;
SET DateStyle = 'SQL, MDY';
SELECT date '2024-02-29', timestamp '2024-02-29 12:34:56.7', timestamptz '2024-02-29 12:34:56+00';
SET DateStyle = 'German';
SELECT date '2024-02-29', timestamp '2024-02-29 12:34:56';
SET DateStyle = 'Postgres, MDY';
SELECT date '2024-02-29', timestamp '2024-02-29 12:34:56';
RESET DateStyle;

-- Timestamps
SELECT '2024-02-29 12:34:56'::timestamp, '2024-02-29 12:34:56.5'::timestamp, '2024-02-29 12:34:56.123456'::timestamp;
SELECT '2024-02-29 12:34:56.1234567'::timestamp, '2024-02-29 12:34:56.100'::timestamp, '2024-02-29'::timestamp;
SELECT '2024-02-29T12:34:56Z'::timestamp, '2024-02-29 12:34'::timestamp, '20240229T123456'::timestamp;
SELECT 'Feb 29 2024 1:02 PM'::timestamp, '2024-02-29 24:00:00'::timestamp, '0044-03-15 12:34:56 BC'::timestamp;
SELECT '2024-02-29 25:00'::timestamp;
SELECT '2024-13-01 10:00'::timestamp;
SELECT 'infinity'::timestamp, '-infinity'::timestamptz, 'epoch'::timestamp;
SELECT '2024-02-29 12:34:56.789'::timestamp(0), '2024-02-29 12:34:56.789'::timestamp(1), '2024-02-29 12:34:56.5'::timestamp(0);
SELECT timestamp '2024-03-01 12:00' - timestamp '2024-02-01 10:30', timestamp '2024-02-01' - timestamp '2024-03-01';
SELECT timestamp '2024-01-31 10:00' + interval '1 month', timestamp '2024-03-31' - interval '1 month', timestamp '2024-01-01' + interval '90 minutes';
SELECT age(timestamp '2024-03-01', timestamp '2023-01-15'), age(date '2024-01-01', date '2024-01-31');
SELECT timestamp '2024-01-01 10:00' - date '2024-01-01', timestamp '2024-01-01 10:00'::time, timestamp '2024-01-01 10:00'::date;
SELECT date_trunc('hour', timestamp '2024-02-29 12:34:56'), date_trunc('week', timestamp '2024-02-29'), date_trunc('quarter', timestamp '2024-02-29');
SELECT extract(second FROM timestamp '2024-02-29 12:34:56.789'), extract(epoch FROM timestamp '2024-02-29 12:34:56.789'), extract(microseconds FROM timestamp '2024-02-29 12:34:56.789');
SELECT extract(hour FROM timestamp '2024-02-29 12:34:56'), extract(milliseconds FROM timestamp '2024-02-29 12:34:56.789'), extract(dow FROM timestamp '2024-02-29');
SELECT to_timestamp(0), to_timestamp(1700000000.5), to_timestamp('2024-02-29 12', 'YYYY-MM-DD HH24');
SELECT make_timestamp(2024, 2, 29, 12, 34, 56.7), timestamp '2024-02-29 12:34:56'::text, timestamp '2024-02-29 00:00:00'::text;
SELECT timestamp '2024-01-01' < timestamp '2024-01-01 00:00:00.000001' AS a, timestamp '2024-01-01' = '2024-01-01' AS b;
SELECT timestamp '1000-01-01', timestamp '0001-01-01 BC', timestamp '99999-01-01 00:00';
SELECT isfinite(timestamp 'infinity'), timestamp 'infinity' + interval '1 day', timestamp 'infinity' > now() AS x;

-- Timestamps with time zone
SELECT '2024-02-29 12:34:56+02'::timestamptz, '2024-02-29 12:34:56-05:30'::timestamptz, '2024-02-29 12:34:56Z'::timestamptz;
SELECT '2024-02-29 12:34:56'::timestamptz, '2024-02-29 12:34:56 Europe/Berlin'::timestamptz, '2024-02-29 12:34:56 PST'::timestamptz;
SELECT '2024-02-29 12:34:56.5+00'::timestamptz, '2024-02-29'::timestamptz, '2024-02-29 12:34:56.123456+00'::timestamptz;
SELECT timestamptz '2024-07-01 12:00+00' AT TIME ZONE 'Europe/Berlin', timestamp '2024-07-01 12:00' AT TIME ZONE 'Europe/Berlin';
SELECT timestamptz '2024-07-01 12:00+00' AT TIME ZONE 'UTC', timestamptz '2024-07-01 12:00+00' AT TIME ZONE INTERVAL '-05:00';
SELECT pg_typeof(timestamptz '2024-07-01 12:00+00' AT TIME ZONE 'UTC'), pg_typeof(timestamp '2024-07-01 12:00' AT TIME ZONE 'UTC');
SELECT timestamptz '2024-07-01 12:00+00' AT TIME ZONE 'No/Where';
SET TimeZone = 'America/New_York';
SELECT '2024-02-29 12:34:56+00'::timestamptz, '2024-07-01 12:00'::timestamptz, timestamp '2024-07-01 12:00'::timestamptz;
SELECT timestamptz '2024-07-01 03:00+00'::date, timestamptz '2024-07-01 03:00+00'::time, timestamptz '2024-07-01 03:00+00'::timestamp;
SELECT timestamptz '2024-03-09 12:00' + interval '1 day', timestamptz '2024-03-09 12:00' + interval '24 hours';
SELECT date_trunc('day', timestamptz '2024-07-01 03:00+00'), extract(hour FROM timestamptz '2024-07-01 03:00+00'), extract(timezone FROM timestamptz '2024-07-01 03:00+00');
SELECT date '2024-07-01'::timestamptz, timestamptz '2024-07-01 12:00+00'::text;
SET TimeZone = 'Asia/Kolkata';
SELECT '2024-02-29 12:34:56+00'::timestamptz, '1900-01-01 00:00:00+00'::timestamptz;
SET TimeZone = '+03';
SELECT '2024-02-29 12:00:00+00'::timestamptz;
SET TimeZone = 'UTC';
SELECT extract(epoch FROM timestamptz '2024-07-01 12:00+02'), date_part('hour', timestamptz '2024-07-01 12:00+02');
SELECT timestamptz '2024-07-01 12:00+02' = timestamptz '2024-07-01 10:00+00' AS a, timestamptz '2024-07-01 12:00+02' - timestamptz '2024-06-01 00:00+00' AS b;
SELECT date_trunc('month', timestamptz '2024-07-15 12:00+00'), date_trunc('day', timestamptz '2024-07-15 23:00+00', 'Asia/Tokyo');

-- Time
SELECT '12:34:56'::time, '12:34'::time, '1:02 PM'::time, '12:34:56.789'::time, '123456'::time, '24:00'::time;
SELECT '25:00'::time;
SELECT '12:34:56.789'::time(0), '12:34:56.789'::time(1), time '10:00' + interval '1 hour 30 minutes', time '10:00' - time '08:30';
SELECT time '23:00' + interval '2 hours', extract(hour FROM time '12:34:56'), extract(epoch FROM time '01:00:00.5');
SELECT '12:34:56+02'::timetz, '12:34:56.7-05:30'::timetz, '12:34 UTC'::timetz, '12:34:56+00'::timetz::time;
SELECT pg_typeof(time '10:00' - time '08:30'), pg_typeof(time '10:00' + interval '1 hour'), pg_typeof(date '2024-01-01' + time '10:00');

-- Intervals
SELECT '1 day'::interval, '1 day 2 hours'::interval, '90 minutes'::interval, '1.5 days'::interval, '1 week'::interval;
SELECT '1 year 2 months 3 days 04:05:06.789'::interval, '-1 day'::interval, '1 day ago'::interval, '-1 year -2 mons +3 days'::interval;
SELECT 'P1Y2M3DT4H5M6S'::interval, 'PT90M'::interval, 'P2W'::interval, '1-2'::interval, '3 4:05:06'::interval;
SELECT '0'::interval, '0 days'::interval, '00:00:01'::interval, '100:00:00'::interval, '1 mon -1 day'::interval;
SELECT '1 microsecond'::interval, '1 millisecond'::interval, '1 decade'::interval, '1 century'::interval, '1h 30m'::interval;
SELECT 'nonsense'::interval;
SELECT '1 fortnight'::interval;
SELECT interval '1' day, interval '2' hour, interval '1-6' year to month, interval '10:20' hour to minute;
SELECT interval '1 day' * 2, interval '1 hour' / 4, interval '1 day' + interval '2 hours', -interval '1 day', interval '1 month' * 0.5;
SELECT interval '1 day' = interval '24 hours' AS a, interval '1 month' > interval '29 days' AS b, interval '30 days' = interval '1 month' AS c;
SELECT extract(epoch FROM interval '1 day 1 hour'), extract(day FROM interval '36 hours'), extract(hour FROM interval '36 hours'), extract(month FROM interval '14 months');
SELECT justify_hours(interval '36 hours'), justify_days(interval '45 days'), justify_interval(interval '1 mon -1 hour');
SELECT sum(x), avg(x), min(x), max(x) FROM (VALUES (interval '1 hour'), (interval '2 hours')) AS s(x);
SELECT make_interval(days => 10, hours => 5), make_interval(1, 2, 3, 4, 5, 6, 7.5);
SELECT interval '1 day'::text, interval '26 hours'::text, '1 year 3 hours'::interval::text, interval '25 hours' > interval '1 day' AS x;
SELECT '1.5 hours'::interval, '1.25 years'::interval, '2.5 months'::interval, '0.1 seconds'::interval;
SELECT '1 day 02:00:00.7'::interval(0), '1.123456 sec'::interval(2), '12:34:56'::interval second;
SELECT interval '04:05:06'::time, time '04:05:06'::interval;
SET IntervalStyle = 'iso_8601';
SELECT interval '1 year 2 months 3 days 04:05:06', interval '-1 day', interval '0', interval '1.5 sec';
SET IntervalStyle = 'postgres_verbose';
SELECT interval '1 year 2 months 3 days 04:05:06', interval '-1 day', interval '0', interval '1.5 sec';
SET IntervalStyle = 'sql_standard';
SELECT interval '1 year 2 months 3 days 04:05:06', interval '1 day 2 hours', interval '-1 day', interval '0';
SET IntervalStyle = 'postgres';

-- Arrays
SELECT '{1,2,3}'::int[], ARRAY[1,2,3], '{}'::int[], ARRAY[]::text[], '{NULL,1}'::int[], ARRAY[NULL]::int[];
SELECT ARRAY['a','b c','d,e','f"g','h\i','','NULL',NULL,'{x}'], '{"a b",c,"d\"e"}'::text[];
SELECT ARRAY[[1,2],[3,4]], '{{1,2},{3,4}}'::int[], ARRAY[['a'],['b']];
SELECT ARRAY[[1,2],[3]];
SELECT '{1,2'::int[];
SELECT '{a,b}'::int[];
SELECT '1,2'::int[];
SELECT (ARRAY[10,20,30])[1], (ARRAY[10,20,30])[4], (ARRAY[10,20,30])[0], (ARRAY[10,20,30])[-1], (ARRAY[[1,2],[3,4]])[2][1];
SELECT (ARRAY[10,20,30,40])[2:3], (ARRAY[10,20,30])[:2], (ARRAY[10,20,30])[2:], (ARRAY[10,20,30])[5:6];
SELECT array_length(ARRAY[1,2,3], 1), array_length('{}'::int[], 1), cardinality(ARRAY[[1,2],[3,4]]), array_ndims(ARRAY[[1],[2]]), array_dims(ARRAY[[1,2],[3,4]]);
SELECT array_lower(ARRAY[5,6], 1), array_upper(ARRAY[5,6], 1), array_upper('{}'::int[], 1), '[2:4]={1,2,3}'::int[];
SELECT ARRAY[1,2] || 3, 0 || ARRAY[1,2], ARRAY[1,2] || ARRAY[3], ARRAY['a'] || 'b'::text, ARRAY[1] || NULL::int[];
SELECT array_append(ARRAY[1,2], 3), array_prepend(0, ARRAY[1]), array_cat(ARRAY[1], ARRAY[2]), array_remove(ARRAY[1,2,1], 1), array_replace(ARRAY[1,2,1], 1, 9);
SELECT array_position(ARRAY['a','b','a'], 'a'), array_positions(ARRAY['a','b','a'], 'a'), array_position(ARRAY[1,2], 5), array_fill(7, ARRAY[3]);
SELECT ARRAY[1,2] = ARRAY[1,2] AS a, ARRAY[1,2] < ARRAY[1,3] AS b, ARRAY[1,2,3] @> ARRAY[2] AS c, ARRAY[1] <@ ARRAY[1,2] AS d, ARRAY[1,2] && ARRAY[2,3] AS e;
SELECT 2 = ANY (ARRAY[1,2]) AS a, 2 = ALL (ARRAY[2,2]) AS b, 5 > ALL ('{}'::int[]) AS c, NULL = ANY (ARRAY[1]) AS d, 1 = ANY (ARRAY[NULL,2]::int[]) AS e;
SELECT array_to_string(ARRAY[1,NULL,3], ','), array_to_string(ARRAY[1,NULL,3], ',', '*'), string_to_array('a,b,,c', ','), string_to_array('a,b', ',', 'b'), string_to_array('', ',');
SELECT unnest(ARRAY[3,1,2]);
SELECT unnest(ARRAY['a','b']), unnest(ARRAY[1,2,3]);
SELECT * FROM unnest(ARRAY['x','y']) WITH ORDINALITY AS t(v, n);
SELECT ARRAY(SELECT g * 2 FROM generate_series(1, 3) AS g), array_agg(g ORDER BY g DESC) FROM generate_series(1, 3) AS g;
SELECT ARRAY[1, 2.5], ARRAY[1, NULL], ARRAY['2024-01-01'::date], ARRAY[true, false], ARRAY[1.50, 2];
SELECT ARRAY[timestamp '2024-01-01 10:00', NULL], ARRAY[interval '1 day 2 hours'], ARRAY['\x01ff'::bytea];
SELECT ARRAY[1,2]::text[], ARRAY['1','2']::int[], ARRAY[1.5,2.5]::int[], ARRAY[1,2]::text, '{1,2}'::text::int[];
SELECT pg_typeof(ARRAY[1,2]), pg_typeof(ARRAY['a']), pg_typeof(ARRAY[1.5]), pg_typeof(ARRAY[NULL]), pg_typeof('{a}'::varchar[]);
SELECT ARRAY[];
SELECT array_agg(x) FROM (SELECT 1 AS x WHERE false) s;
SELECT ARRAY[ROW(1,'a'), ROW(2,'b')];

-- UUID, JSON
SELECT '12345678-1234-5678-1234-567812345678'::uuid, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid, '{a0eebc999c0b4ef8bb6d6bb9bd380a11}'::uuid;
SELECT '1234'::uuid;
SELECT '00000000-0000-0000-0000-000000000001'::uuid < '00000000-0000-0000-0000-000000000002'::uuid AS a, length(gen_random_uuid()::text) AS b;
SELECT '{"b":1,  "a": [1, 2.50, null]}'::json, '{"b":1,  "a": [1, 2.50, null]}'::jsonb;
SELECT '{"a":1,"a":2}'::jsonb, '{"a":1,"a":2}'::json, '{"bb":1,"a":2,"ccc":3}'::jsonb;
SELECT '1'::json, '"x"'::jsonb, 'null'::jsonb, 'true'::json, ' [1 , 2 ] '::json, ' [1 , 2 ] '::jsonb, '1.0'::jsonb, '1e3'::jsonb;
SELECT '{a:1}'::json;
SELECT ''::jsonb;
SELECT '{"a": 1'::jsonb;
SELECT '"\u00e9\n\t"'::jsonb, '"\u00e9"'::json, '"a\/b"'::jsonb;
SELECT '{"a":{"b":[10,20]}}'::jsonb -> 'a', '{"a":{"b":[10,20]}}'::jsonb -> 'a' -> 'b' -> 1, '{"a":{"b":[10,20]}}'::jsonb #> '{a,b,0}', '{"a":"x"}'::jsonb ->> 'a';
SELECT '{"a":1}'::jsonb = '{"a":1.0}'::jsonb AS a, '[1,2]'::jsonb @> '[2]' AS b, '{"a":1}'::jsonb ? 'a' AS c, '{"a":1}'::jsonb || '{"b":2}' AS d, '{"a":1,"b":2}'::jsonb - 'a' AS e;
SELECT to_json('a"b'::text), to_jsonb(1.50), to_json(ARRAY[1,2]), to_jsonb(date '2024-01-01'), to_json(timestamp '2024-01-01 10:00'), to_jsonb(NULL::int);
SELECT json_build_object('a', 1, 'b', NULL, 'c', true), jsonb_build_object('z', 1.50, 'a', 'x'), json_build_array(1, 'a', NULL), jsonb_build_array(1, 'a', NULL);
SELECT row_to_json(ROW(1, 'a')), row_to_json(s), to_jsonb(s) FROM (SELECT 1 AS id, 'x' AS name) s;
SELECT json_agg(x ORDER BY x), jsonb_agg(x ORDER BY x), jsonb_object_agg(x, x + 1) FROM (VALUES (1), (2)) AS s(x);
SELECT pg_typeof('{}'::jsonb -> 'a'), pg_typeof('{}'::jsonb ->> 'a'), pg_typeof(to_json(1)), pg_typeof(json_agg(1));
SELECT ('{"a":5}'::jsonb -> 'a')::int, ('{"a":true}'::jsonb -> 'a')::boolean, ('{"a":1.5}'::jsonb ->> 'a')::numeric, '{"a":1}'::json::text, '{"a":1}'::jsonb::text;
SELECT jsonb_pretty('{"a":[1,2],"b":{}}'::jsonb), jsonb_typeof('[]'::jsonb), jsonb_array_length('[1,2]'::jsonb), json_typeof('1'::json);

-- Enums, domains, rows
SELECT 'small'::size, 'small'::size < 'large'::size AS a, 'medium'::size::text, enum_range(NULL::size), enum_first(NULL::size);
SELECT 'huge'::size;
SELECT x FROM unnest(ARRAY['large','small','medium']::size[]) AS x ORDER BY x;
SELECT max(x), min(x), array_agg(x ORDER BY x) FROM unnest(ARRAY['large','small']::size[]) AS x;
INSERT INTO typed (id, sz) VALUES (20, 'large'), (21, 'small');
SELECT id, sz, sz = 'large' AS big FROM typed WHERE sz IS NOT NULL ORDER BY sz;
INSERT INTO typed (id, sz) VALUES (22, 'tiny');
SELECT 5::positive, '7'::positive + 1, pg_typeof(5::positive);
SELECT (-5)::positive;
SELECT NULL::positive;
SELECT ROW(1, 'a', NULL), ROW(1, 'b c', true), (1, 2) = (1, 2) AS a, (1, 2) < (1, 3) AS b, ROW(NULL, NULL) IS NULL AS c;
SELECT ROW(1, ROW(2, 'x y')), (ROW(1, '')), ROW('a"b', 'c,d'), ROW(1.50, date '2024-01-01');
SELECT s, (s).a FROM (SELECT 1 AS a, 'x' AS b) s;
SELECT t FROM (VALUES (1, 'one'), (2, NULL)) AS t(n, w) ORDER BY n;

-- Casts that are usual, and those that fail
SELECT 1::int::bigint::smallint, 1.9::int, '12'::text::int, 12::text::numeric, true::text::boolean, 3::numeric(5,2)::text;
SELECT '1'::int + '2'::int, '1.5'::numeric * 2, '2024-01-01'::text::date + 1, 1::text || 2::text;
SELECT 1 = '1' AS a, 1.5 = '1.5' AS b, date '2024-01-01' = '2024-01-01' AS c, true = 'yes' AS d;
SELECT 1 = '1'::text;
SELECT 'a'::text = 1;
SELECT 1::date;
SELECT true + 1;
SELECT date '2024-01-01'::int;
SELECT 1::timestamp;
SELECT '{}'::json::int;
SELECT 1::uuid;
SELECT ARRAY[1,2]::int;
SELECT true::float8;
SELECT '10'::bit(4), B'1010', 5::bit(8), B'101' || B'1', B'1100' & B'1010', length(B'101'), 44::bit(3);
SELECT '10.0.0.1'::inet, '10.0.0.0/8'::cidr, '::1'::inet, host('10.0.0.1/8'::inet), '10.0.0.1'::inet << '10.0.0.0/8'::inet AS x;
SELECT int4range(1, 5), '[1,5]'::int4range, numrange(1.5, 2.5), daterange('2024-01-01', '2024-02-01'), 3 <@ int4range(1, 5) AS x, 'empty'::int4range;
SELECT '12.34'::money, 1234.5::money, '$1,000.00'::money::numeric;
SELECT point(1, 2), '(1,2)'::point, box '(0,0),(1,1)', circle '((0,0),2)';
SELECT '<a>b</a>'::xml, 'aa:bb:cc:dd:ee:ff'::macaddr, 'a b'::tsvector, 'a & b'::tsquery;
SELECT 1::oid, '16384'::oid, '-1'::int::oid, pg_typeof(1::oid), '0/16B3748'::pg_lsn;
-- what a type's modifier does where a value is assigned
CREATE TABLE held (id int, t0 time(0), ts0 timestamp(0), tz2 timestamptz(2), iv interval(1), v3 varchar(3), v varchar, j json, jb jsonb, n numeric, na numeric(6,2)[]);
INSERT INTO held (id, t0, ts0, tz2, iv) VALUES (1, '12:00:00.5', '2024-01-01 00:00:00.5', '2024-01-01 00:00:00.125+00', '1.25 s');
INSERT INTO held (id, ts0, v3) SELECT 2, timestamp '1999-12-31 23:59:59.5', 'ab    ';
INSERT INTO held (id, v3) VALUES (3, 'abc      ');
INSERT INTO held (id, v3) VALUES (4, 'abc  d');
INSERT INTO held (id, v3) SELECT 5, 'abc' || '  ' RETURNING v3 || '|';
UPDATE held SET ts0 = '2024-06-01 10:00:00.6', v3 = 'x         ' WHERE id = 3;
INSERT INTO held (id, j, jb) VALUES (6, '{"a":1,  "a": 2}', '{"a":1,  "a": 2}');
INSERT INTO held (id, v, n, na) VALUES (7, 'any length', 1.25, '{1,2.345}'), (8, '', -0.5, NULL), (9, NULL, 100, '{}');
SELECT id, t0, ts0, tz2, iv, v3 || '|' AS v3 FROM held ORDER BY id;
SELECT id, v, j, jb, n, na FROM held WHERE id > 5 ORDER BY id;
SELECT n::text, n || '', n * 2, n + 1 FROM held WHERE id = 7;
SELECT '2024-01-01 00:00:00.5'::timestamp(0), '12:00:00.25'::time(1), '1.25 s'::interval(1);
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'held'::regclass AND attnum > 0 ORDER BY attnum;
ALTER TABLE held ADD COLUMN k json, ADD COLUMN ts timestamp(3);
ALTER TABLE held ALTER COLUMN v3 TYPE varchar(4), ALTER COLUMN ts0 TYPE timestamp(1);
SELECT column_name, data_type, character_maximum_length, datetime_precision FROM information_schema.columns WHERE table_name = 'held' AND column_name IN ('k', 'ts', 'v3', 'ts0') ORDER BY column_name;
CREATE TABLE held_too (LIKE held);
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'held_too'::regclass AND attnum > 0 ORDER BY attnum;
SELECT 1 = ANY (NULL::int[]), 1 <> ALL (NULL::int[]), 1 = ANY ('{}'::int[]);
