// What a Grafana data source asks of the server: its version, tables and columns for its query
// builder, and panels whose time macros have been expanded. By lib/pq, without and with arguments.
package main

import (
	"database/sql"
	"fmt"
	"strings"
)

var grafanaChecks = []check{
	{"grafanaVersion", grafanaVersion}, {"grafanaTables", grafanaTables},
	{"grafanaColumns", grafanaColumns}, {"grafanaTimeGroup", grafanaTimeGroup},
	{"grafanaDateTrunc", grafanaDateTrunc}, {"grafanaEpoch", grafanaEpoch},
	{"grafanaGaps", grafanaGaps}, {"grafanaTypes", grafanaTypes},
	{"grafanaVariable", grafanaVariable},
}

// Every row as text, columns by a space, as lib/pq gives them.
func lines(db *sql.DB, query string, values ...interface{}) []string {
	rows, err := db.Query(text(query), values...)
	must(err)
	defer rows.Close()
	names, err := rows.Columns()
	must(err)
	found := []string{}
	for rows.Next() {
		row, into := make([]sql.NullString, len(names)), make([]interface{}, len(names))
		for at := range row {
			into[at] = &row[at]
		}
		must(rows.Scan(into...))
		words := []string{}
		for _, one := range row {
			words = append(words, one.String)
		}
		found = append(found, strings.Join(words, " "))
	}
	must(rows.Err())
	return found
}

func grafanaVersion() {
	db := open("")
	defer db.Close()
	equal(lines(db, "SELECT current_setting('server_version_num')::int / 100"), []string{"1500"})
	equal(lines(db, "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"), []string{})
}

func grafanaTables() {
	db := open("")
	defer db.Close()
	query := "SELECT CASE WHEN quote_ident(table_schema) IN (SELECT trim(s) FROM " +
		"unnest(string_to_array(replace(current_setting('search_path'), '\"$user\"', " +
		"current_user), ',')) s) " +
		"THEN quote_ident(table_name) ELSE quote_ident(table_schema) || '.' || " +
		"quote_ident(table_name) END AS \"table\" FROM information_schema.tables " +
		"WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog') " +
		"AND table_name = '$t' ORDER BY 1"
	equal(lines(db, query), []string{table})
}

func grafanaColumns() {
	db := open("")
	defer db.Close()
	query := "SELECT quote_ident(column_name) AS \"column\", data_type AS \"type\" " +
		"FROM information_schema.columns WHERE quote_ident(table_name) = quote_ident('$t') " +
		"AND table_schema = ANY (current_schemas(false)) ORDER BY ordinal_position"
	equal(lines(db, query), []string{"id integer", "garden character varying", "price numeric",
		"value double precision", "at timestamp with time zone", "made timestamp without time zone",
		"tags ARRAY"})
}

func grafanaTimeGroup() {
	db := open("")
	defer db.Close()
	query := "SELECT floor(extract(epoch from at)/60)*60 AS \"time\", garden AS metric, avg(value) " +
		"FROM $t WHERE at BETWEEN '2024-03-01T00:01:00Z' AND '2024-03-01T00:02:59Z' " +
		"GROUP BY 1, 2 ORDER BY 1, 2"
	equal(lines(db, query), []string{"1709251260 garden 0 4.5", "1709251260 garden 1 6",
		"1709251260 garden 2 7.5", "1709251320 garden 0 9", "1709251320 garden 1 10.5",
		"1709251320 garden 2 12"})
	query = "SELECT floor(extract(epoch from at)/60)*60 AS t, max(price) FROM $t " +
		"WHERE extract(epoch from at) >= $1 AND at < $2 GROUP BY t ORDER BY t"
	equal(lines(db, query, 1709251200, "2024-03-01T00:02:00Z"),
		[]string{"1709251200 0.50", "1709251260 1.25"})
}

func grafanaDateTrunc() {
	db := open("TimeZone=UTC")
	defer db.Close()
	query := "SELECT date_trunc('hour', at) AS \"time\", count(*), sum(price) FROM $t " +
		"WHERE garden IN ('garden 1', 'garden 2') GROUP BY 1 ORDER BY 1"
	equal(lines(db, query), []string{"2024-03-01T00:00:00Z 120 2700.00",
		"2024-03-01T01:00:00Z 80 4800.00"})
	query = "SELECT to_char(date_trunc('day', made), 'YYYY-MM-DD HH24:MI') AS d, " +
		"percentile_cont(0.5) WITHIN GROUP (ORDER BY value) FROM $t GROUP BY 1"
	equal(lines(db, query), []string{"2024-03-01 00:00 225.75"})
}

func grafanaEpoch() {
	db := open("TimeZone=UTC")
	defer db.Close()
	query := "SELECT extract(epoch from at)*1000 AS \"time\", value FROM $t " +
		"WHERE at >= to_timestamp(1709251220) AND at < to_timestamp(1709251260) ORDER BY 1"
	equal(lines(db, query), []string{"1709251220000.000000 1.5", "1709251240000.000000 3"})
	query = "SELECT at AS \"time\", value FROM $t WHERE at >= '2024-03-01T00:00:20.5Z' " +
		"ORDER BY at LIMIT 1"
	equal(lines(db, query), []string{"2024-03-01T00:00:40Z 3"})
}

func grafanaGaps() {
	db := open("TimeZone=UTC")
	defer db.Close()
	query := "SELECT s.bucket, coalesce(sum(value), 0) FROM generate_series(" +
		"'2024-03-01T00:00:00Z'::timestamptz, '2024-03-01T00:03:00Z'::timestamptz, '1 minute') " +
		"AS s(bucket) LEFT JOIN $t ON date_trunc('minute', at) = s.bucket AND garden = 'garden 0' " +
		"GROUP BY 1 ORDER BY 1"
	equal(lines(db, query), []string{"2024-03-01T00:00:00Z 0", "2024-03-01T00:01:00Z 4.5",
		"2024-03-01T00:02:00Z 9", "2024-03-01T00:03:00Z 13.5"})
}

// Grafana turns columns into frames by the names of their types.
func grafanaTypes() {
	db := open("")
	defer db.Close()
	rows, err := db.Query(text("SELECT floor(extract(epoch from at)/60)*60, date_trunc('hour', at), " +
		"avg(id), avg(value), sum(price), count(*), sum(id), max(garden), now(), 1 FROM $t " +
		"GROUP BY 1, 2 LIMIT 1"))
	must(err)
	defer rows.Close()
	types, err := rows.ColumnTypes()
	must(err)
	found := []string{}
	for _, column := range types {
		found = append(found, column.DatabaseTypeName())
	}
	equal(strings.Join(found, " "), "NUMERIC TIMESTAMPTZ NUMERIC FLOAT8 NUMERIC INT8 INT8 TEXT "+
		"TIMESTAMPTZ INT4")
}

func grafanaVariable() {
	db := open("")
	defer db.Close()
	equal(lines(db, "SELECT DISTINCT garden AS __text, upper(garden) AS __value FROM $t ORDER BY 1"),
		[]string{"garden 0 GARDEN 0", "garden 1 GARDEN 1", "garden 2 GARDEN 2"})
	equal(lines(db, fmt.Sprintf("SELECT id FROM $t WHERE garden ~* '%s' AND id < 3 ORDER BY 1",
		"(GARDEN 1|garden 2)")), []string{"1", "2"})
}
