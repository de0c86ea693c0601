# What psql does besides queries: \gdesc, FETCH_COUNT, ON_ERROR_ROLLBACK, \crosstabview, \gexec and
# others. Sourced by run.

t="tea_more_$$"

script() { run -At; } # statements from the standard input

run -q -c "CREATE TABLE $t (id int PRIMARY KEY, kind text, n numeric(8,2), at timestamp,
  tags text[])"
run -q -c "INSERT INTO $t SELECT g, 'kind ' || g % 3, g / 4.0, '2024-02-29 01:02:03',
  ARRAY['a', 'b'] FROM generate_series(1, 100) g"

expect "\\gdesc of many types" "id|integer
kind|text
n|numeric(8,2)
at|timestamp without time zone
tags|text[]
count|bigint
sum|numeric
?column?|integer" "$(script <<<"SELECT id, kind, n, at, tags, count(*) OVER (), sum(n) OVER (), 1
  FROM $t \\gdesc")"
expect "\\gset" "7 seven" "$(script <<<"SELECT 7 AS number, 'seven' AS name \\gset
\\echo :number :name")"
expect "\\gexec" "1
2" "$(script <<<"SELECT 'SELECT 1' UNION ALL SELECT 'SELECT 2' ORDER BY 1 \\gexec")"
expect "\\gx" "a|1
b|x" "$(script <<<"SELECT 1 AS a, 'x' AS b \\gx")"
expect "\\crosstabview" "kind|1|2
kind 1|1|
kind 2||1
(2 rows)" "$(run -A <<<"SELECT kind, id, count(*) FROM $t WHERE id < 3
  GROUP BY 1, 2 ORDER BY 1, 2
\\crosstabview")"
expect "FETCH_COUNT" "100 1 100" "$(run -At -v FETCH_COUNT=30 -c "SELECT id FROM $t ORDER BY id" |
  awk 'NR == 1 { first = $1 } { last = $1 } END { print NR, first, last }')"
expect "FETCH_COUNT in a transaction" "BEGIN
1
2
COMMIT" "$(run -At -v FETCH_COUNT=1 -c BEGIN \
  -c "SELECT id FROM $t WHERE id < 3 ORDER BY id" -c COMMIT)"
expect "ON_ERROR_ROLLBACK" "BEGIN
INSERT 0 1
ERROR:  division by zero
1
COMMIT" "$(run -At -v ON_ERROR_ROLLBACK=on <<SQL
BEGIN;
INSERT INTO $t (id) VALUES (1000);
SELECT 1/0;
SELECT count(*) FROM $t WHERE id = 1000;
COMMIT;
SQL
)"
expect "AUTOCOMMIT off" "0" "$(run -Atq -v AUTOCOMMIT=off -c "DELETE FROM $t" >/dev/null
  run -At -c "SELECT count(*) - 101 FROM $t")"
expect "a single transaction" "100" "$(run -1 -q -c "DELETE FROM $t" -c 'SELECT 1/0' >/dev/null
  run -At -c "SELECT count(*) FROM $t WHERE id <= 100")"
expect "\\copy with options" "COPY 2" "$(printf 'id;kind\n2000;"a;b"\n2001;\n' |
  run -c "\\copy $t (id, kind) FROM pstdin WITH (FORMAT csv, HEADER, DELIMITER ';')")"
expect "\\copy out with options" "id|kind
2000|a;b
2001|-" "$(run -c "\\copy (SELECT id, kind FROM $t WHERE id >= 2000 ORDER BY id) TO STDOUT \
WITH (FORMAT csv, HEADER, DELIMITER '|', NULL '-')")"
expect "COPY from a script" "COPY 2
3000|one
3001|" "$(script <<SQL
COPY $t (id, kind) FROM STDIN;
3000	one
3001	\\N
\\.
SELECT id, kind FROM $t WHERE id >= 3000 ORDER BY id;
SQL
)"
expect "\\if and variables" "yes" "$(script <<<"SELECT count(*) > 5 AS many FROM $t \\gset
\\if :many
\\echo yes
\\endif")"
expect "SQLSTATE and ROW_COUNT" "22012 true 0
00000 false 2" "$(script 2>/dev/null <<SQL | grep -v '^ERROR\|^LINE\|^kept'
SELECT 1/0;
\\echo :SQLSTATE :ERROR :ROW_COUNT
SELECT 'kept' FROM generate_series(1, 2);
\\echo :SQLSTATE :ERROR :ROW_COUNT
SQL
)"
expect "\\errverbose" "42P01" "$(script <<<"SELECT * FROM no_such_table;
\\errverbose" | grep -oE '42P01')"
expect "EXPLAIN" "1" "$(run -At -c "EXPLAIN SELECT * FROM $t" | grep -c . |
  sed 's/^[1-9][0-9]*$/1/')"
expect "PREPARE and EXECUTE" "PREPARE
kind 1
DEALLOCATE" "$(run -At -c "PREPARE p (int) AS SELECT kind FROM $t WHERE id = \$1" \
  -c 'EXECUTE p (4)' \
  -c 'DEALLOCATE p')"
expect "\\password asks for how to encrypt" "scram-sha-256" \
  "$(run -At -c 'SHOW password_encryption')"
expect "\\connect" "postgres" "$(script <<<"\\connect -reuse-previous=on postgres
SELECT current_database();" | tail -n 1)"
expect "\\encoding" "UTF8" "$(script <<<'\encoding')"
expect "null and formats" "id,n
1,0.25" "$(run --csv -c "SELECT id, n FROM $t WHERE id = 1")"
expect "a notice" "NOTICE:  table \"no_such_table\" does not exist, skipping
DROP TABLE" "$(run -c 'DROP TABLE IF EXISTS no_such_table')"

run -q -c "DROP TABLE $t"
