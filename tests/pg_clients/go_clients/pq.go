// database/sql over lib/pq, reading: parameters, column types, prepared statements, errors,
// cancelling.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"

	"github.com/lib/pq"
)

var pqChecks = []check{
	{"pqConnection", pqConnection}, {"pqScalars", pqScalars}, {"pqArrays", pqArrays},
	{"pqInferred", pqInferred}, {"pqNull", pqNull}, {"pqColumnTypes", pqColumnTypes},
	{"pqPrepared", pqPrepared}, {"pqResultSets", pqResultSets}, {"pqErrors", pqErrors},
	{"pqConstraint", pqConstraint}, {"pqNoDatabase", pqNoDatabase}, {"pqPing", pqPing},
	{"pqCancel", pqCancel}, {"pqBinaryParameters", pqBinaryParameters}, {"pqNotify", pqNotify},
}

func one(db *sql.DB, into interface{}, query string, values ...interface{}) {
	must(db.QueryRow(text(query), values...).Scan(into))
}

func ints(db *sql.DB, query string, values ...interface{}) []int {
	rows, err := db.Query(text(query), values...)
	must(err)
	defer rows.Close()
	found := []int{}
	for rows.Next() {
		var number int
		must(rows.Scan(&number))
		found = append(found, number)
	}
	must(rows.Err())
	return found
}

func code(err error) string {
	failure, ok := err.(*pq.Error)
	if !ok {
		panic(fmt.Sprintf("no server's error: %v", err))
	}
	return string(failure.Code)
}

func pqConnection() {
	db := open("application_name=tea search_path=public TimeZone=Asia/Kolkata")
	defer db.Close()
	for query, wanted := range map[string]string{
		"SHOW application_name": "tea", "SHOW TimeZone": "Asia/Kolkata", "SHOW search_path": "public",
		"SELECT current_setting('application_name')": "tea",
	} {
		var found string
		one(db, &found, query)
		equal(found, wanted)
	}
}

func pqScalars() {
	db := open("")
	defer db.Close()
	var i int64
	one(db, &i, "SELECT $1::int8", int64(1)<<62)
	equal(i, int64(1)<<62)
	var f float64
	one(db, &f, "SELECT $1::float8", 1.5e-300)
	equal(f, 1.5e-300)
	var s string
	one(db, &s, "SELECT $1::text", "it's \\ 🍵")
	equal(s, "it's \\ 🍵")
	one(db, &s, "SELECT $1::numeric", "12.50")
	equal(s, "12.50")
	one(db, &s, "SELECT $1::uuid", "00000000-0000-0000-0000-000000000007")
	equal(s, "00000000-0000-0000-0000-000000000007")
	var b bool
	one(db, &b, "SELECT $1::bool", true)
	equal(b, true)
	var raw []byte
	one(db, &raw, "SELECT $1::bytea", []byte{0, 255})
	equal(raw, []byte{0, 255})
	var at time.Time
	wanted := time.Date(2024, 2, 29, 1, 2, 3, 4000, time.UTC)
	one(db, &at, "SELECT $1::timestamptz", wanted)
	equal(at.UTC(), wanted)
	one(db, &at, "SELECT '2024-02-29'::date")
	equal(at.Format("2006-01-02"), "2024-02-29")
}

func pqArrays() {
	db := open("")
	defer db.Close()
	var numbers []int64
	one(db, pq.Array(&numbers), "SELECT $1::int8[]", pq.Array([]int64{1, 2, 3}))
	equal(numbers, []int64{1, 2, 3})
	var words []string
	one(db, pq.Array(&words), "SELECT $1::text[]", pq.Array([]string{"a", "q\"u,o{te}", ""}))
	equal(words, []string{"a", "q\"u,o{te}", ""})
	equal(ints(db, "SELECT id FROM $t WHERE id = ANY($1) ORDER BY id", pq.Array([]int{3, 5, 999})),
		[]int{3, 5})
	one(db, pq.Array(&words), "SELECT tags FROM $t WHERE id = 4")
	equal(words, []string{"t4", "x"})
}

func pqInferred() {
	db := open("")
	defer db.Close()
	equal(ints(db, "SELECT id FROM $t WHERE garden = $1 AND price > $2 AND at >= $3 AND value < $4 "+
		"ORDER BY id LIMIT $5 OFFSET $6", "garden 1", "1.5", time.Unix(0, 0), 100.0, 2, 1),
		[]int{10, 13})
	equal(ints(db, "SELECT id FROM $t WHERE id BETWEEN $1 AND $2 AND id IN ($3, $4) ORDER BY 1", 1, 5,
		2, 9), []int{2})
}

func pqNull() {
	db := open("")
	defer db.Close()
	var word sql.NullString
	one(db, &word, "SELECT $1::text", nil)
	equal(word.Valid, false)
	var number sql.NullInt64
	one(db, &number, "SELECT max(id) FROM $t WHERE id > $1", 1000)
	equal(number.Valid, false)
}

func pqColumnTypes() {
	db := open("")
	defer db.Close()
	rows, err := db.Query(text("SELECT id, garden, price, value, at, made, tags, count(*) OVER (), " +
		"sum(id) OVER () FROM $t LIMIT 1"))
	must(err)
	defer rows.Close()
	types, err := rows.ColumnTypes()
	must(err)
	found := []string{}
	for _, column := range types {
		found = append(found, column.DatabaseTypeName())
	}
	equal(found, []string{"INT4", "VARCHAR", "NUMERIC", "FLOAT8", "TIMESTAMPTZ", "TIMESTAMP", "_TEXT",
		"INT8", "INT8"})
	precision, scale, known := types[2].DecimalSize()
	equal([]interface{}{precision, scale, known}, []interface{}{int64(8), int64(2), true})
	length, known := types[1].Length()
	equal([]interface{}{length, known}, []interface{}{int64(20), true})
}

func pqPrepared() {
	db := open("")
	defer db.Close()
	statement, err := db.Prepare(text("SELECT garden FROM $t WHERE id = $1"))
	must(err)
	defer statement.Close()
	for number := 1; number < 10; number++ {
		var found string
		must(statement.QueryRow(number).Scan(&found))
		equal(found, fmt.Sprintf("garden %d", number%3))
	}
}

func pqResultSets() {
	db := open("")
	defer db.Close()
	rows, err := db.Query("SELECT 1; SELECT 'two', 3")
	must(err)
	defer rows.Close()
	equal(rows.Next(), true)
	equal(rows.Next(), false)
	equal(rows.NextResultSet(), true)
	equal(rows.Next(), true)
	var word string
	var number int
	must(rows.Scan(&word, &number))
	equal(fmt.Sprint(word, number), "two3")
}

func pqErrors() {
	db := open("")
	defer db.Close()
	for query, wanted := range map[string]string{
		"SELECT * FROM no_such": "42P01", "SELEKT 1": "42601", "SELECT no_such": "42703",
		"SELECT no_such()": "42883", "SELECT 1/0": "22012", "SELECT 'x'::int": "22P02",
		"INSERT INTO $t (id) VALUES (1)": "23505", "SELECT 1::no_such": "42704",
	} {
		_, err := db.Exec(text(query))
		equal(code(err), wanted)
	}
	_, err := db.Query(text("SELECT * FROM $t WHERE id = $1"), "text")
	equal(code(err), "22P02")
	_, err = db.Exec("SELECT * FROM no_such")
	equal(err.(*pq.Error).Position, "15")
}

func pqConstraint() {
	db := open("")
	defer db.Close()
	_, err := db.Exec(text("INSERT INTO $t (id) VALUES (1)"))
	failure := err.(*pq.Error)
	equal([]string{failure.Schema, failure.Table, failure.Constraint, failure.Detail},
		[]string{"public", table, table + "_pkey", "Key (id)=(1) already exists."})
}

func pqNoDatabase() {
	db := open("dbname=no_such_database")
	defer db.Close()
	equal(code(db.Ping()), "3D000")
}

func pqPing() {
	db := open("")
	defer db.Close()
	for _, query := range []string{";", "-- ping", "", "/* */"} {
		_, err := db.Exec(query)
		must(err)
	}
	must(db.Ping())
}

func pqCancel() {
	db := open("")
	defer db.Close()
	patience, end := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer end()
	started := time.Now()
	_, err := db.ExecContext(patience, "SELECT pg_sleep(20)")
	equal(err != nil && time.Since(started) < 10*time.Second, true)
	equal(ints(db, "SELECT 1"), []int{1})
}

func pqBinaryParameters() {
	db := open("binary_parameters=yes")
	defer db.Close()
	equal(ints(db, "SELECT id FROM $t WHERE id = $1 AND garden = $2", 4, "garden 1"), []int{4})
	var raw []byte
	one(db, &raw, "SELECT $1::bytea", []byte{0, 255})
	equal(raw, []byte{0, 255})
}

func pqNotify() {
	options := ""
	if os.Getenv("PGSSLMODE") == "" {
		options = "sslmode=disable"
	}
	listener := pq.NewListener(options, time.Second, time.Minute, nil)
	defer listener.Close()
	must(listener.Listen(table))
	db := open("")
	defer db.Close()
	exec(db, "NOTIFY $t, 'hot'")
	select {
	case heard := <-listener.Notify:
		equal(heard.Extra, "hot")
	case <-time.After(5 * time.Second):
		panic("nothing was heard")
	}
}
