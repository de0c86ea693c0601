// database/sql over lib/pq, writing: transactions, savepoints, cursors, COPY.
package main

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/lib/pq"
)

var pqWriteChecks = []check{
	{"pqTransaction", pqTransaction}, {"pqFailedTransaction", pqFailedTransaction},
	{"pqTransactionModes", pqTransactionModes}, {"pqSavepoint", pqSavepoint},
	{"pqReturning", pqReturning}, {"pqCopyIn", pqCopyIn}, {"pqCursor", pqCursor},
}

func count(db *sql.DB) (found int) {
	one(db, &found, "SELECT count(*) FROM $t")
	return
}

func begin(db *sql.DB, options *sql.TxOptions) *sql.Tx {
	tx, err := db.BeginTx(context.Background(), options)
	must(err)
	return tx
}

func run(tx *sql.Tx, query string, values ...interface{}) {
	_, err := tx.Exec(text(query), values...)
	must(err)
}

func pqTransaction() {
	db := open("")
	defer db.Close()
	tx := begin(db, nil)
	run(tx, "INSERT INTO $t (id, garden) VALUES ($1, $2)", 1000, "new")
	equal(count(db), 300)
	must(tx.Commit())
	equal(count(db), 301)
	tx = begin(db, nil)
	run(tx, "DELETE FROM $t")
	must(tx.Rollback())
	equal(exec(db, "DELETE FROM $t WHERE id = $1", 1000), int64(1))
}

func pqFailedTransaction() {
	db := open("")
	defer db.Close()
	tx := begin(db, nil)
	_, err := tx.Exec("SELECT 1/0")
	equal(code(err), "22012")
	_, err = tx.Exec("SELECT 1")
	equal(code(err), "25P02")
	must(tx.Rollback())
}

func pqTransactionModes() {
	db := open("")
	defer db.Close()
	tx := begin(db, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	var level string
	must(tx.QueryRow("SHOW transaction_isolation").Scan(&level))
	equal(level, "repeatable read")
	_, err := tx.Exec(text("DELETE FROM $t"))
	equal(code(err), "25006")
	must(tx.Rollback())
}

func pqSavepoint() {
	db := open("")
	defer db.Close()
	tx := begin(db, nil)
	run(tx, "SAVEPOINT a")
	_, err := tx.Exec("SELECT 1/0")
	equal(code(err), "22012")
	run(tx, "ROLLBACK TO SAVEPOINT a")
	run(tx, "RELEASE SAVEPOINT a")
	must(tx.Commit())
}

func pqReturning() {
	db := open("")
	defer db.Close()
	var found int
	one(db, &found, "INSERT INTO $t (id) VALUES ($1) RETURNING id * 2", 2000)
	equal(found, 4000)
	var garden sql.NullString
	one(db, &garden, "UPDATE $t SET garden = $1 WHERE id = $2 RETURNING garden", "new", 2000)
	equal(garden.String, "new")
	equal(exec(db, "DELETE FROM $t WHERE id = 2000"), int64(1))
}

func pqCopyIn() {
	db := open("")
	defer db.Close()
	tx := begin(db, nil)
	statement, err := tx.Prepare(pq.CopyIn(table, "id", "garden", "price"))
	must(err)
	for number := 3000; number < 4000; number++ {
		_, err = statement.Exec(number, fmt.Sprintf("a\tb %d", number), nil)
		must(err)
	}
	done, err := statement.Exec()
	must(err)
	rows, err := done.RowsAffected()
	must(err)
	equal(rows, int64(1000))
	must(statement.Close())
	must(tx.Commit())
	equal(exec(db, "DELETE FROM $t WHERE garden LIKE $1", "a\tb%"), int64(1000))
}

func pqCursor() {
	db := open("")
	defer db.Close()
	tx := begin(db, nil)
	run(tx, "DECLARE c CURSOR FOR SELECT id FROM $t ORDER BY id")
	rows, err := tx.Query("FETCH 2 FROM c")
	must(err)
	found := 0
	for rows.Next() {
		found++
	}
	equal(found, 2)
	run(tx, "CLOSE c")
	must(tx.Rollback())
}
