// pgx 4 by itself: binary values, batches, COPY, transactions, cursors, a cache of descriptions,
// listening.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgtype"
	"github.com/jackc/pgx/v4"
)

var pgxChecks = []check{
	{"pgxConnection", pgxConnection}, {"pgxScalars", pgxScalars}, {"pgxArrays", pgxArrays},
	{"pgxInferred", pgxInferred}, {"pgxOids", pgxOids}, {"pgxPrepared", pgxPrepared},
	{"pgxModes", pgxModes}, {"pgxBatch", pgxBatch}, {"pgxBatchFails", pgxBatchFails},
	{"pgxCopyFrom", pgxCopyFrom}, {"pgxCopyText", pgxCopyText}, {"pgxErrors", pgxErrors},
	{"pgxTransactions", pgxTransactions}, {"pgxCursor", pgxCursor}, {"pgxEnum", pgxEnum},
	{"pgxCancel", pgxCancel}, {"pgxListen", pgxListen},
}

var ctx = context.Background()

func dial(options string) *pgx.Conn {
	if os.Getenv("PGSSLMODE") == "" {
		options += " sslmode=disable"
	}
	conn, err := pgx.Connect(ctx, options)
	must(err)
	return conn
}

func pgxOne(conn *pgx.Conn, into interface{}, query string, values ...interface{}) {
	must(conn.QueryRow(ctx, text(query), values...).Scan(into))
}

func pgxCode(err error) string {
	var failure *pgconn.PgError
	if !errors.As(err, &failure) {
		panic(fmt.Sprintf("no server's error: %v", err))
	}
	return failure.Code
}

func pgxConnection() {
	conn := dial("application_name=tea timezone=Asia/Kolkata")
	defer conn.Close(ctx)
	equal(conn.PgConn().ParameterStatus("TimeZone"), "Asia/Kolkata")
	equal(conn.PgConn().ParameterStatus("application_name"), "tea")
	var pid uint32
	pgxOne(conn, &pid, "SELECT pg_backend_pid()")
	equal(pid, conn.PgConn().PID())
}

func pgxScalars() {
	conn := dial("")
	defer conn.Close(ctx)
	var i int64
	pgxOne(conn, &i, "SELECT $1::int8", int64(-1)<<63)
	equal(i, int64(-1)<<63)
	var small int16
	pgxOne(conn, &small, "SELECT $1::int2", int16(-3))
	equal(small, int16(-3))
	var f float64
	pgxOne(conn, &f, "SELECT $1::float8", 1.5)
	equal(f, 1.5)
	var number pgtype.Numeric
	pgxOne(conn, &number, "SELECT 12345.678::numeric")
	equal(fmt.Sprint(number.Int, number.Exp), "12345678 -3")
	var at time.Time
	wanted := time.Date(2024, 2, 29, 1, 2, 3, 4000, time.UTC)
	for _, kind := range []string{"timestamptz", "timestamp"} {
		pgxOne(conn, &at, "SELECT $1::"+kind, wanted)
		equal(at.UTC(), wanted)
	}
	var span pgtype.Interval
	pgxOne(conn, &span, "SELECT '1 month 2 days 3 seconds'::interval")
	equal(span, pgtype.Interval{Months: 1, Days: 2, Microseconds: 3000000, Status: pgtype.Present})
	var id pgtype.UUID
	pgxOne(conn, &id, "SELECT $1::uuid", "00000000-0000-0000-0000-000000000007")
	equal(id.Bytes[15], byte(7))
	var doc map[string]interface{}
	pgxOne(conn, &doc, "SELECT $1::jsonb", map[string]interface{}{"a": 1.0})
	equal(doc, map[string]interface{}{"a": 1.0})
	var raw []byte
	pgxOne(conn, &raw, "SELECT $1::bytea", []byte{0, 255})
	equal(raw, []byte{0, 255})
}

func pgxArrays() {
	conn := dial("")
	defer conn.Close(ctx)
	var words []string
	pgxOne(conn, &words, "SELECT $1::text[]", []string{"a", "", "q\"u,{}"})
	equal(words, []string{"a", "", "q\"u,{}"})
	var numbers []int32
	pgxOne(conn, &numbers, "SELECT array_agg(id ORDER BY id) FROM $t WHERE id = ANY($1)",
		[]int32{5, 3, 999})
	equal(numbers, []int32{3, 5})
}

func pgxInferred() {
	conn := dial("")
	defer conn.Close(ctx)
	var found int
	pgxOne(conn, &found, "SELECT id FROM $t WHERE garden = $1 AND price > $2 AND at >= $3 "+
		"AND value < $4 ORDER BY id LIMIT $5 OFFSET $6",
		"garden 1", 1.5, time.Unix(0, 0), 100.0, 2, 1)
	equal(found, 10)
}

func pgxOids() {
	conn := dial("")
	defer conn.Close(ctx)
	described, err := conn.Prepare(ctx, "", text("SELECT id, garden, price, tags, at, "+
		"count(*) OVER () FROM $t WHERE id = $1 AND tags = $2 AND made < $3"))
	must(err)
	equal(described.ParamOIDs, []uint32{23, 1009, 1114})
	found := []uint32{}
	for _, field := range described.Fields {
		found = append(found, field.DataTypeOID)
	}
	equal(found, []uint32{23, 1043, 1700, 1009, 1184, 20})
}

func pgxPrepared() {
	conn := dial("")
	defer conn.Close(ctx)
	_, err := conn.Prepare(ctx, "by id", text("SELECT garden FROM $t WHERE id = $1"))
	must(err)
	var garden string
	pgxOne(conn, &garden, "by id", 4)
	equal(garden, "garden 1")
	must(conn.Deallocate(ctx, "by id"))
	_, err = conn.Exec(ctx, "EXECUTE \"by id\"(1)")
	equal(pgxCode(err), "26000")
}

func pgxModes() {
	for _, options := range []string{"statement_cache_mode=describe", "statement_cache_capacity=0",
		"prefer_simple_protocol=true"} {
		config, err := pgx.ParseConfig("sslmode=disable")
		must(err)
		switch options {
		case "statement_cache_capacity=0":
			config.BuildStatementCache = nil
		case "prefer_simple_protocol=true":
			config.PreferSimpleProtocol = true
		default:
			config, err = pgx.ParseConfig("sslmode=disable " + options)
			must(err)
		}
		conn, err := pgx.ConnectConfig(ctx, config)
		must(err)
		for number := 1; number < 4; number++ {
			var found int
			pgxOne(conn, &found, "SELECT id FROM $t WHERE id = $1 AND garden <> $2", number, "it's")
			equal(found, number)
		}
		must(conn.Close(ctx))
	}
}

func pgxBatch() {
	conn := dial("")
	defer conn.Close(ctx)
	batch := &pgx.Batch{}
	for number := 1; number <= 20; number++ {
		batch.Queue(text("SELECT garden FROM $t WHERE id = $1"), number)
	}
	batch.Queue(text("UPDATE $t SET price = price WHERE id <= $1"), 5)
	results := conn.SendBatch(ctx, batch)
	for number := 1; number <= 20; number++ {
		var garden string
		must(results.QueryRow().Scan(&garden))
		equal(garden, fmt.Sprintf("garden %d", number%3))
	}
	tag, err := results.Exec()
	must(err)
	equal(tag.String(), "UPDATE 5")
	must(results.Close())
}

func pgxBatchFails() {
	conn := dial("")
	defer conn.Close(ctx)
	batch := &pgx.Batch{}
	batch.Queue(text("INSERT INTO $t (id) VALUES ($1)"), 5000)
	batch.Queue(text("INSERT INTO $t (id) VALUES ($1)"), 1)
	equal(pgxCode(conn.SendBatch(ctx, batch).Close()), "23505")
	var found int
	pgxOne(conn, &found, "SELECT count(*) FROM $t WHERE id = 5000")
	equal(found, 0)
}

func pgxCopyFrom() {
	conn := dial("")
	defer conn.Close(ctx)
	rows := [][]interface{}{}
	at := time.Date(2024, 2, 29, 1, 2, 3, 4000, time.UTC)
	for number := 6000; number < 8000; number++ {
		rows = append(rows, []interface{}{number, "copied", 1.5, 2.5, at, at, []string{"a", "b"}})
	}
	columns := []string{"id", "garden", "price", "value", "at", "made", "tags"}
	copied, err := conn.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
	must(err)
	equal(copied, int64(2000))
	var last time.Time
	pgxOne(conn, &last, "SELECT max(at) FROM $t WHERE garden = 'copied' AND tags = '{a,b}' "+
		"AND price = 1.5")
	equal(last.UTC(), at)
	_, err = conn.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows[:1]))
	equal(pgxCode(err), "23505")
	tag, err := conn.Exec(ctx, text("DELETE FROM $t WHERE garden = 'copied'"))
	must(err)
	equal(tag.RowsAffected(), int64(2000))
}

func pgxErrors() {
	conn := dial("")
	defer conn.Close(ctx)
	for query, wanted := range map[string]string{
		"SELECT * FROM no_such": "42P01", "SELEKT 1": "42601", "SELECT no_such": "42703",
		"SELECT 1/0": "22012", "SELECT $1::int / 0": "22012",
	} {
		values := []interface{}{}
		if query[7] == '$' {
			values = append(values, 1)
		}
		_, err := conn.Exec(ctx, query, values...)
		equal(pgxCode(err), wanted)
	}
	_, err := pgx.Connect(ctx, "dbname=no_such_database sslmode=disable")
	equal(pgxCode(err), "3D000")
}

func pgxTransactions() {
	conn := dial("")
	defer conn.Close(ctx)
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable,
		DeferrableMode: pgx.NotDeferrable})
	must(err)
	_, err = tx.Exec(ctx, text("INSERT INTO $t (id) VALUES (9000)"))
	must(err)
	inner, err := tx.Begin(ctx)
	must(err)
	_, err = inner.Exec(ctx, text("INSERT INTO $t (id) VALUES (9000)"))
	equal(pgxCode(err), "23505")
	must(inner.Rollback(ctx))
	var found int
	must(tx.QueryRow(ctx, text("SELECT count(*) FROM $t WHERE id = 9000")).Scan(&found))
	equal(found, 1)
	must(tx.Rollback(ctx))
	pgxOne(conn, &found, "SELECT count(*) FROM $t WHERE id = 9000")
	equal(found, 0)
}

func pgxCursor() {
	conn := dial("")
	defer conn.Close(ctx)
	tx, err := conn.Begin(ctx)
	must(err)
	defer tx.Rollback(ctx)
	_, err = tx.Exec(ctx, text("DECLARE c CURSOR FOR SELECT id FROM $t WHERE id > $1 ORDER BY id"), 10)
	must(err)
	var found int
	must(tx.QueryRow(ctx, "FETCH c").Scan(&found))
	equal(found, 11)
}

// A type that pgx does not know is sent and answered as text.
func pgxEnum() {
	conn := dial("")
	defer conn.Close(ctx)
	_, err := conn.Exec(ctx, text("CREATE TYPE $t_mood AS ENUM ('sour', 'sweet')"))
	must(err)
	defer conn.Exec(ctx, text("DROP TYPE $t_mood"))
	var mood string
	pgxOne(conn, &mood, "SELECT $1::$t_mood", "sweet")
	equal(mood, "sweet")
}

func pgxCancel() {
	conn := dial("")
	patience, end := context.WithTimeout(ctx, 300*time.Millisecond)
	defer end()
	_, err := conn.Exec(patience, "SELECT pg_sleep(20)")
	equal(err != nil && pgconn.Timeout(err), true)
}

func pgxListen() {
	conn, other := dial(""), dial("")
	defer conn.Close(ctx)
	defer other.Close(ctx)
	_, err := conn.Exec(ctx, text("LISTEN $t"))
	must(err)
	_, err = other.Exec(ctx, "SELECT pg_notify($1, $2)", table, "hot")
	must(err)
	patience, end := context.WithTimeout(ctx, 5*time.Second)
	defer end()
	heard, err := conn.WaitForNotification(patience)
	must(err)
	equal(heard.Payload, "hot")
}

type discard struct{ bytes []byte }

func (sink *discard) Write(more []byte) (int, error) {
	sink.bytes = append(sink.bytes, more...)
	return len(more), nil
}

func pgxCopyText() {
	conn := dial("")
	defer conn.Close(ctx)
	out := &discard{}
	tag, err := conn.PgConn().CopyTo(ctx, out,
		text("COPY (SELECT id, garden FROM $t WHERE id < 3 ORDER BY id) TO STDOUT (FORMAT csv)"))
	must(err)
	equal([]string{tag.String(), string(out.bytes)}, []string{"COPY 2", "1,garden 1\n2,garden 2\n"})
}
