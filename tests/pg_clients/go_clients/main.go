// Go's clients: database/sql over lib/pq, pgx, and the questions that Grafana asks. This file runs
// the checks and names each that fails. Connects by PGHOST, PGPORT, PGUSER, PGDATABASE.
package main

import (
	"database/sql"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"
)

type check struct {
	name string
	run  func()
}

// What these need is not there yet.
var later = map[string]bool{
	"pqScalars": true,
}

var table = fmt.Sprintf("tea_go_%d", os.Getpid())

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func equal(found, wanted interface{}) {
	if !reflect.DeepEqual(found, wanted) {
		panic(fmt.Sprintf("%v (%T), want %v (%T)", found, found, wanted, wanted))
	}
}

// The check's failure, or nil. A check that hangs is left behind.
func attempt(run func()) interface{} {
	ended := make(chan interface{}, 1)
	go func() {
		defer func() { ended <- recover() }()
		run()
	}()
	select {
	case failure := <-ended:
		return failure
	case <-time.After(10 * time.Second):
		return "no end within 10 s"
	}
}

func main() {
	checks := []check{{"setUp", setUp}}
	checks = append(checks, pqChecks...)
	checks = append(checks, pqWriteChecks...)
	checks = append(checks, grafanaChecks...)
	checks = append(checks, pgxChecks...)
	checks = append(checks, check{"cleanUp", cleanUp})
	failed := 0
	for _, one := range checks {
		failure := attempt(one.run)
		switch {
		case failure == nil && later[one.name]:
			fmt.Println("ok", one.name, "(no longer to be named in `later`)")
		case failure == nil:
			fmt.Println("ok", one.name)
		case later[one.name]:
			fmt.Printf("not yet %s: %v\n", one.name, failure)
		default:
			failed++
			fmt.Printf("FAILED %s: %v\n", one.name, failure)
		}
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func open(options string) *sql.DB {
	if os.Getenv("PGSSLMODE") == "" {
		options += " sslmode=disable"
	}
	db, err := sql.Open("postgres", options)
	must(err)
	return db
}

func setUp() {
	db := open("")
	defer db.Close()
	exec(db, "CREATE TABLE $t (id int PRIMARY KEY, garden varchar(20), price numeric(8,2), "+
		"value float8, at timestamptz, made timestamp, tags text[])")
	exec(db, "INSERT INTO $t SELECT g::int, 'garden ' || g % 3, g / 4.0, g * 1.5, "+
		"'2024-03-01 00:00:00+00'::timestamptz + g * interval '20 seconds', "+
		"'2024-03-01 00:00:00'::timestamp + g * interval '20 seconds', ARRAY['t' || g, 'x'] "+
		"FROM generate_series(1, 300) g")
}

func cleanUp() {
	db := open("")
	defer db.Close()
	exec(db, "DROP TABLE IF EXISTS $t")
}

// Text with the table's name for `$t`.
func text(query string) string { return strings.ReplaceAll(query, "$t", table) }

func exec(db *sql.DB, query string, values ...interface{}) int64 {
	done, err := db.Exec(text(query), values...)
	must(err)
	count, err := done.RowsAffected()
	must(err)
	return count
}
