# Queries, the first of the \d family, errors with their caret, \copy, settings. Sourced by run.

expect "a query" " a |  b  
---+-----
 1 | tea
(1 row)" "$(run -c "SELECT 1 AS a, 'tea' AS b" | sed '/^$/d')"

expect "writes and their tags" "CREATE TABLE
INSERT 0 2
UPDATE 1
DELETE 1" "$(run -c "CREATE TABLE $t (id integer PRIMARY KEY, name varchar(20) NOT NULL,
    n numeric(10,2), at timestamptz)" \
  -c "INSERT INTO $t VALUES (1, 'one', 1.5, '2024-01-01 12:00:00+00'), (2, 'two', NULL, NULL)" \
  -c "UPDATE $t SET n = 3 WHERE id = 1" -c "DELETE FROM $t WHERE id = 2")"

expect "rows" "1|one|3.00|2024-01-01 12:00:00+00" "$(run -At -c "SELECT * FROM $t")"

expect "an error with its caret" "ERROR:  relation \"no_such_table\" does not exist
LINE 1: SELECT * FROM no_such_table
                      ^" "$(run -c 'SELECT * FROM no_such_table')"
expect "a column's error with its caret" "ERROR:  column \"xyzzy\" does not exist
LINE 1: SELECT id, xyzzy FROM $t
                   ^" "$(run -c "SELECT id, xyzzy FROM $t" | head -n 3)" # a HINT may follow
has "a syntax error" 'ERROR:  syntax error at or near "SELEKT"' "$(run -c 'SELEKT 1')"
has "a syntax error's caret" '^ {8}\^$' "$(run -c 'SELEKT 1')"
has "a constraint" 'duplicate key value violates unique constraint' \
  "$(run -c "INSERT INTO $t VALUES (1, 'again')")"
has "the SQLSTATE" '^23505$' "$(run -At -c "INSERT INTO $t VALUES (1, 'again')" \
  -c '\echo :SQLSTATE' | tail -n 1
  printf 'INSERT INTO %s VALUES (1, $$again$$);\n\\echo :SQLSTATE\n' "$t" | run -q)"

list=$(run -c '\dt')
has "\\dt names the columns" 'Schema +\| +Name +\| +Type +\| +Owner' "$list"
has "\\dt lists the table" "public +\| $t +\| table +\| " "$list"
has "\\d lists it too" "public +\| $t +\| table" "$(run -c '\d')"
has "\\d+ as well" "public +\| $t +\| table" "$(run -c '\d+')"
described=$(run -c "\\d $t")
has "\\d table: title" "Table \"public\.$t\"" "$described"
has "\\d table: integer" '^ id +\| integer +\| +\| not null +\|' "$described"
# DuckDB keeps one type of text, so varchar(20) may come back as text.
has "\\d table: varchar" \
  '^ name +\| (text|character varying(\(20\))?) +\| +\| not null +\|' "$described"
has "\\d table: numeric" '^ n +\| numeric\(10,2\) +\| +\| +\|' "$described"
has "\\d table: timestamptz" '^ at +\| timestamp with time zone +\|' "$described"
has "\\d table: primary key" 'PRIMARY KEY, btree \(id\)' "$described"
has "\\d+ table" "Table \"public\.$t\"" "$(run -c "\\d+ $t")"
has "\\d of what is not there" 'Did not find any relation named "no_such_table"' \
  "$(run -c '\d no_such_table')"
has "\\l lists the database" '^ postgres +\| ' "$(run -c '\l')"
has "\\dn lists public" '^ public +\| ' "$(run -c '\dn')"
run -q -c "CREATE VIEW ${t}_v AS SELECT id, name FROM $t"
has "\\dv" "public +\| ${t}_v +\| view" "$(run -c '\dv')"
has "\\d view" "View \"public\.${t}_v\"" "$(run -c "\\d ${t}_v")"
for command in '\di' '\ds' '\df' '\du' '\dT' '\db' '\dx' '\dp' '\conninfo' '\encoding' '\dt *.*'; do
  answer=$(run -v ON_ERROR_STOP=1 -c "$command") ||
    has "$command works" '^$' "failed: $answer"
done

expect "\\copy from" "COPY 3" \
  "$(printf '10,ten\n11,"eleven, quoted"\n12,twelve\n' |
    run -c "\\copy $t (id, name) FROM pstdin CSV")"
expect "\\copy to" "10,ten
11,\"eleven, quoted\"
12,twelve" "$(run -c "\\copy (SELECT id, name FROM $t WHERE id > 9 ORDER BY id) TO STDOUT CSV")"
bad=$(printf '20\ttwenty\nx\tbad\n' | run -c "\\copy $t (id, name) FROM pstdin")
has "a bad line" 'ERROR:  invalid input syntax for type integer: "x"' "$bad"
has "a bad line's context" "CONTEXT:  COPY $t, line 2, column id: \"x\"" "$bad"
expect "and nothing of it is loaded" "0" "$(run -At -c "SELECT count(*) FROM $t WHERE id = 20")"

expect "several statements" "1
2" "$(run -At -c 'SELECT 1; SELECT 2')"
expect "variables" "one" "$(printf "SELECT name FROM :\"table\" WHERE name = :'name';\n" |
  run -At -v table="$t" -v name=one)"
has "\\gdesc" '^name\|(text|character varying(\(20\))?)$' \
  "$(printf 'SELECT id, name FROM %s \\gdesc\n' "$t" | run -At)"
expect "a transaction" "BEGIN
1
COMMIT" "$(run -At -c 'BEGIN' -c 'SELECT 1' -c 'COMMIT')"
expect "settings" "SET
Asia/Kolkata" "$(run -At -c "SET timezone = 'Asia/Kolkata'" -c 'SHOW timezone')"
expect "cast and null" "tea||5" "$(run -At -c "SELECT 'tea', NULL, '5'::int")"
has "the server's version" '^15\.' "$(run -At -c 'SHOW server_version')"
expect "many rows" "100000" \
  "$(run -At -c 'SELECT g FROM generate_series(1, 100000) AS s(g)' | wc -l | tr -d ' ')"

run -q -c "DROP VIEW ${t}_v" -c "DROP TABLE $t"
