//! Algorithms in Rust and procedures in Polars, over tables of both storages. What they give is
//! compared with the same computation in SQL.

use crate::harness::{Server, connect, skip_on_oracle, unique};
use crate::messages::Out;
use crate::raw_client::RawClient;

/// A client with a schema of its own.
fn own_schema() -> (RawClient, String) {
    let mut client = connect();
    let schema = unique("algorithms");
    client.run(&format!("CREATE SCHEMA {schema}; SET search_path = {schema}"));
    (client, schema)
}

fn gone(mut client: RawClient, schema: &str) {
    client.run("SET client_min_messages = 'warning'");
    let datasets =
        format!("SELECT name FROM teatree.tables WHERE schema = '{schema}' AND storage = 'arrow'");
    for name in client.lines(&datasets) {
        client.run(&format!("DROP TABLE {schema}.{name}"));
    }
    client.run(&format!("DROP SCHEMA {schema} CASCADE"));
}

/// 600 readings of three series, with gaps, NULLs and two outliers.
const READINGS: &str = "INSERT INTO readings
SELECT 's' || i % 3, timestamp '2024-01-01' + i * interval '7 seconds',
       CASE WHEN i % 50 = 49 THEN NULL WHEN i IN (301, 400) THEN 500
            ELSE 20 + (i * 7919 % 101) / 10.0 END
FROM generate_series(0, 599) AS r(i)";

const BY_WINDOWS: &str =
    "SELECT sensor, at, round(temperature::numeric, 6), round(mean::numeric, 6),
  round(deviation::numeric, 6), round(((temperature - mean) / deviation)::numeric, 6)
FROM (SELECT sensor, at, temperature,
        avg(temperature) OVER w AS mean, stddev_samp(temperature) OVER w AS deviation
      FROM readings WHERE temperature IS NOT NULL
      WINDOW w AS (PARTITION BY sensor ORDER BY at ROWS BETWEEN 10 PRECEDING AND 1 PRECEDING)) x
WHERE abs(temperature - mean) > 2.5 * deviation ORDER BY sensor, at";

fn spot(output: &str) -> String {
    format!(
        "CALL teatree.zscore('readings', {output} series => 'sensor', value => 'temperature',
                             lookback => 10, threshold => 2.5)"
    )
}

#[test]
fn anomalies_are_those_of_window_functions() {
    if skip_on_oracle("algorithms") {
        return;
    }
    for storage in ["", " USING arrow"] {
        let (mut client, schema) = own_schema();
        client.run(&format!(
            "CREATE TABLE readings (sensor text, at timestamp, temperature float8){storage}"
        ));
        client.run(READINGS);
        let wanted = client.lines(BY_WINDOWS);
        assert!(wanted.len() >= 2 && wanted.len() < 60, "{wanted:?}");
        let given = client.lines(&spot(""));
        assert_eq!(given.len(), wanted.len(), "as rows of the call");
        let done = client.run(&spot("output => 'anomalies',"));
        assert_eq!(done, "CALL");
        let rows = "SELECT series, at, round(value::numeric, 6), round(mean::numeric, 6),
            round(deviation::numeric, 6), round(score::numeric, 6) FROM anomalies ORDER BY 1, 2";
        assert_eq!(client.lines(rows), wanted, "storage:{storage}");
        gone(client, &schema);
    }
}

#[test]
fn rows_before_are_not_judged_and_what_does_not_vary_is_no_anomaly() {
    if skip_on_oracle("algorithms") {
        return;
    }
    let call = |rows: &str, more: &str| {
        format!(
            "CALL teatree.zscore('SELECT timestamp ''2024-01-01'' + i * interval ''1 s'' AS at,
               {rows} FROM generate_series(1, 40) AS g(i)', lookback => 5{more})"
        )
    };
    let mut client = connect();
    assert!(client.lines(&call("0.1 AS value", "")).is_empty());
    assert_eq!(client.lines(&call("0.1 AS value", ", all_rows => true")).len(), 40);
    let spiky = "CASE WHEN i IN (20, 39) THEN 100 ELSE i % 3 END AS value";
    assert_eq!(client.lines(&call(spiky, ", threshold => 10")).len(), 2);
    let new = format!("{spiky}, i > 35 AS is_new");
    assert_eq!(client.lines(&call(&new, ", threshold => 10")).len(), 1);
    let early = "CASE WHEN i = 4 THEN 100 ELSE i % 3 END AS value";
    assert_eq!(client.lines(&call(early, ", threshold => 10")).len(), 1);
    assert!(client.lines(&call(early, ", threshold => 10, at_least => 4")).is_empty());
    assert_eq!(client.sqlstate(&call(early, ", at_least => 6")), "22023");
    let leaves = client.lines(&call("CASE WHEN i = 30 THEN 2 ELSE 1 END AS value", ""));
    assert_eq!(leaves.len(), 1);
    assert!(leaves[0].ends_with("|Infinity"), "{leaves:?}");
}

#[test]
fn sessions_end_after_a_gap() {
    if skip_on_oracle("algorithms") {
        return;
    }
    let (mut client, schema) = own_schema();
    client.run("CREATE TABLE clicks (who int, at timestamptz, page text)");
    client.run(
        "INSERT INTO clicks SELECT i % 7, timestamptz '2024-03-01 00:00+00'
             + (i * i % 977) * interval '3 minutes', 'p' || i FROM generate_series(1, 400) AS r(i)",
    );
    let wanted = client.lines(
        "SELECT who, session, min(at), max(at), count(*) FROM (
           SELECT who, at, sum(starts) OVER (PARTITION BY who ORDER BY at, page) AS session FROM (
             SELECT who, at, page, CASE WHEN at - lag(at) OVER (PARTITION BY who ORDER BY at, page)
                                         <= interval '20 minutes' THEN 0 ELSE 1 END AS starts
             FROM clicks) a) b
         GROUP BY who, session ORDER BY who, session",
    );
    let call = "CALL teatree.sessions('clicks', user_id => 'who', gap => '20 minutes')";
    let given = client.lines(call);
    assert!(wanted.len() > 20, "{}", wanted.len());
    assert_eq!(given, wanted);
    let columns = client.talk(Out::new().query(call)).remove(0);
    for name in ["user_id", "session", "started_at", "ended_at", "events"] {
        assert!(columns.contains(name), "{columns}");
    }
    gone(client, &schema);
}

#[test]
fn buckets_have_their_values_and_late_rows_are_counted() {
    if skip_on_oracle("algorithms") {
        return;
    }
    let (mut client, schema) = own_schema();
    client.run(
        "CREATE TABLE trades (symbol text, at timestamp, value numeric(10,2), volume int,
                                     arrived timestamp)",
    );
    client.run(
        "INSERT INTO trades VALUES
         ('A', '2024-01-01 10:00:05', 10, 1, '2024-01-01 10:00:06'),
         ('A', '2024-01-01 10:00:40', 12, 2, '2024-01-01 10:00:41'),
         ('A', '2024-01-01 10:01:10', 11, 3, '2024-01-01 10:01:11'),
         ('A', '2024-01-01 10:00:50',  9, 4, '2024-01-01 10:01:12'),
         ('A', '2024-01-01 10:02:40', 14, 5, '2024-01-01 10:02:41'),
         ('A', '2024-01-01 10:00:30', 99, 6, '2024-01-01 10:02:42'),
         ('B', '1969-12-31 23:59:59',  1, 1, NULL),
         ('B', '1970-01-01 00:00:00',  2, 1, NULL),
         ('B', NULL, 3, 1, NULL)",
    );
    let call = |lateness: &str| {
        format!(
            "CALL teatree.ohlc('trades', series => 'symbol', width => '1 minute',
                               lateness => '{lateness}')"
        )
    };
    assert_eq!(
        client.lines(&call("30 seconds")),
        [
            "A|2024-01-01 10:00:00|10|12|9|9|7|3|1|t",
            "A|2024-01-01 10:01:00|11|11|11|11|3|1|0|t",
            "A|2024-01-01 10:02:00|14|14|14|14|5|1|0|f",
            "B|1969-12-31 23:59:00|1|1|1|1|1|1|0|f",
            "B|1970-01-01 00:00:00|2|2|2|2|1|1|0|f",
        ]
    );
    let strict = client.lines(&call("0"));
    assert_eq!(strict[0], "A|2024-01-01 10:00:00|10|12|10|12|3|2|2|t");
    gone(client, &schema);
}

#[test]
fn delays_come_with_late_aircraft() {
    if skip_on_oracle("algorithms") {
        return;
    }
    let (mut client, schema) = own_schema();
    client.run(
        "CREATE TABLE flights (year int, month int, day int, sched_dep_time int, dep_delay int,
                               arr_delay int, carrier text, tailnum text) USING arrow",
    );
    client.run(
        "INSERT INTO flights VALUES
         (2013, 1, 1, 600, 20, 30, 'AA', 'N1'), (2013, 1, 1, 1200, 50, 45, 'AA', 'N1'),
         (2013, 1, 1, 1800, 10, 5, 'AA', 'N1'), (2013, 1, 2, 600, 15, 0, 'AA', 'N1'),
         (2013, 1, 1, 700, -5, -10, 'BB', 'N2'), (2013, 1, 1, 900, NULL, NULL, 'BB', 'N2')",
    );
    assert_eq!(
        client.lines("CALL teatree.flight_delays('flights')"),
        ["AA|4|95|40|55|0.42105263157894735", "BB|1|0|0|0|NULL"]
    );
    gone(client, &schema);
}

#[test]
fn what_does_not_fit_is_told_by_its_name() {
    if skip_on_oracle("algorithms") {
        return;
    }
    let (mut client, schema) = own_schema();
    client.run("CREATE TABLE r (at text, value int, label text)");
    client.run("CREATE TABLE other (at timestamp, value text)");
    client.run("CREATE MATERIALIZED VIEW kept AS SELECT 1 AS value");
    for (call, sqlstate, part) in [
        ("zscore('r')", "42804", "column \"at\" of input \"r\" is of type text"),
        ("zscore('SELECT now()::timestamp AS at')", "42703", "column \"value\" of input"),
        ("zscore('r', at => 'nothing')", "42703", "column \"nothing\" of input \"r\""),
        ("zscore('no_such')", "42P01", "no_such"),
        ("zscore('DROP TABLE r')", "42601", ""),
        ("zscore('r; DROP TABLE r')", "42601", ""),
        ("zscore()", "42883", "argument input must be given"),
        ("zscore('r', 'o', 'p')", "42883", "fewer places"),
        ("zscore('r', colour => 'red')", "42883", "no argument colour"),
        ("zscore('r', input => 'r')", "42883", "given twice"),
        ("zscore('r', mode => 'append')", "22023", "not given"),
        ("sessions('SELECT 1 AS user_id, now() AS at', gap => '1 month')", "22023", "months"),
        ("sessions('r', user_id => 'label', at => 'value')", "42804", "\"value\""),
        ("no_such('r')", "42883", "does not exist"),
    ] {
        let error = client.error(&format!("CALL teatree.{call}"));
        assert_eq!(error[&'C'], sqlstate, "{call}: {error:?}");
        assert!(error[&'M'].contains(part), "{call}: {error:?}");
    }
    let good = "SELECT timestamp ''2024-01-01'' + value * interval ''1 s'' AS at, value FROM r";
    for (output, sqlstate) in [("other", "42703"), ("kept", "42809"), ("no_schema.x", "3F000")] {
        let call = format!("CALL teatree.zscore('{good}', '{output}', lookback => 3)");
        assert_eq!(client.sqlstate(&call), sqlstate, "{output}");
    }
    client.run("INSERT INTO r VALUES ('x', 1, 'a')");
    let call = format!("CALL teatree.zscore('{good}', lookback => 1)");
    assert_eq!(client.sqlstate(&call), "22023");
    assert_eq!(client.value("SELECT count(*) FROM r"), "1");
    gone(client, &schema);
}

#[test]
fn an_output_is_replaced_or_added_to_and_views_follow() {
    if skip_on_oracle("algorithms") {
        return;
    }
    for storage in ["duckdb", "arrow"] {
        let (mut client, schema) = own_schema();
        client.run("CREATE TABLE e (user_id text, at timestamp)");
        client.run("INSERT INTO e VALUES ('a', '2024-01-01'), ('b', '2024-01-02')");
        let call = |more: &str| format!("CALL teatree.sessions('e', 'visits'{more})");
        client.run(&call(&format!(", storage => '{storage}'")));
        let found = client.value(&format!(
            "SELECT storage FROM teatree.tables WHERE schema = '{schema}' AND name = 'visits'"
        ));
        assert_eq!(found, storage);
        if storage == "duckdb" {
            client.run(
                "CREATE MATERIALIZED VIEW per_user WITH (refresh = 'on_change') AS
                 SELECT user_id, count(*) AS n FROM visits GROUP BY user_id",
            );
        }
        client.run("INSERT INTO e VALUES ('a', '2024-02-01')");
        client.run(&call(""));
        assert_eq!(client.value("SELECT count(*) FROM visits"), "3");
        client.run(&call(", mode => 'append'"));
        assert_eq!(client.value("SELECT count(*) FROM visits"), "6");
        if storage == "duckdb" {
            let rows = "SELECT user_id, n FROM per_user ORDER BY 1";
            assert_eq!(client.lines(rows), ["a|4", "b|2"]);
            client.run("BEGIN; DELETE FROM e");
            client.run(&call(""));
            assert_eq!(client.value("SELECT count(*) FROM per_user"), "0");
            client.run("ROLLBACK");
            assert_eq!(client.lines(rows), ["a|4", "b|2"]);
        }
        client.run("DELETE FROM e");
        client.run(&call(""));
        assert_eq!(client.value("SELECT count(*) FROM visits"), "0");
        gone(client, &schema);
    }
}

#[test]
fn a_call_with_parameters_is_described_and_run() {
    if skip_on_oracle("algorithms") {
        return;
    }
    let (mut client, schema) = own_schema();
    client.run("CREATE TABLE r (at timestamp, value float8)");
    client.run(
        "INSERT INTO r SELECT timestamp '2024-01-01' + i * interval '1 s', i % 5
                FROM generate_series(1, 100) AS g(i)",
    );
    let call = "CALL teatree.zscore('r', threshold => $1, lookback => $2)";
    let told = client.talk(
        Out::new()
            .parse("", call, &[])
            .describe_statement("")
            .bind("", "", &[Some(b"1.2"), Some(b"20")])
            .execute("", 0)
            .sync(),
    );
    let told = told.join("\n");
    assert!(told.contains("701") && told.contains("20"), "the parameters' types: {told}");
    assert!(told.contains("score"), "{told}");
    assert!(told.contains("CALL"), "{told}");
    gone(client, &schema);
}

#[test]
fn polars_columns_are_described_before_they_are_computed() {
    if skip_on_oracle("language polars") {
        return;
    }
    let (mut client, schema) = own_schema();
    client.run("CREATE TABLE r (id int, value float8, at date)");
    client.run("INSERT INTO r VALUES (1, 1.5, '2024-01-01'), (2, 2.5, '2024-01-02')");
    client.run(
        "CREATE PROCEDURE p(least float8, since date, word text) LANGUAGE polars AS $$
           SELECT id, value * 2 AS twice, word AS said, COUNT(*) OVER () AS n FROM r
           WHERE value >= least AND at >= since ORDER BY id $$",
    );
    for word in ["2", "NULL"] {
        let call = format!("CALL p($1, $2, {word}::text)");
        let params: [Option<&[u8]>; 2] = [Some(b"2"), Some(b"2024-01-01")];
        let told = client.talk(
            Out::new()
                .parse("", &call, &[])
                .describe_statement("")
                .bind("", "", &params)
                .execute("", 0)
                .sync(),
        );
        let told = told.join("\n");
        for part in ["id", "twice", "said", "CALL"] {
            assert!(told.contains(part), "{word}: {told}");
        }
        assert!(told.contains(&format!("2|5|{word}|1")), "{told}");
    }
    gone(client, &schema);
}

#[test]
fn two_calls_may_make_one_output() {
    if skip_on_oracle("algorithms") {
        return;
    }
    let (mut client, schema) = own_schema();
    client.run("CREATE TABLE e (user_id int, at timestamp)");
    client.run(
        "INSERT INTO e SELECT i % 50, timestamp '2024-01-01' + i * interval '1 h'
                FROM generate_series(1, 5000) AS g(i)",
    );
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let schema = schema.clone();
            std::thread::spawn(move || {
                let mut client = connect();
                client.run(&format!("SET search_path = {schema}"));
                client.run("CALL teatree.sessions('e', 'visits')")
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), "CALL");
    }
    assert_eq!(client.value("SELECT count(*) FROM visits"), "5000");
    gone(client, &schema);
}

#[test]
fn every_step_is_measured() {
    if skip_on_oracle("algorithms") {
        return;
    }
    let (mut client, schema) = own_schema();
    client.run("CREATE TABLE e (user_id text, at timestamp)");
    client.run(
        "INSERT INTO e SELECT 'u' || i % 10, timestamp '2024-01-01' + i * interval '1 h'
                FROM generate_series(1, 1000) AS g(i)",
    );
    client.run("CALL teatree.sessions('e', 'visits')");
    let steps = client.lines(
        "SELECT position, step, rows_in, rows_out, bytes_in > 0, took_us >= 0 FROM teatree.steps
         WHERE run = (SELECT max(run) FROM teatree.steps
                      WHERE algorithm = 'sessions' AND rows_in = 1000)
         ORDER BY position",
    );
    assert_eq!(steps, ["1|order|1000|1000|t|t", "2|number|1000|1000|t|t", "3|group|1000|1000|t|t"]);
    let known = client.lines("SELECT name FROM teatree.algorithms ORDER BY 1");
    assert_eq!(known, ["flight_delays", "ohlc", "sessions", "zscore"]);
    gone(client, &schema);
}

/// Every 40 rows one is far off.
fn readings(first: u32, count: u32) -> String {
    format!(
        "INSERT INTO readings SELECT 's' || i % 2, timestamp '2024-01-01' + i * interval '1 s',
           CASE WHEN i % 40 = 39 THEN 1000 ELSE i % 7 END
         FROM generate_series({first}, {first} + {count} - 1) AS g(i)"
    )
}

#[test]
fn a_trigger_computes_over_the_rows_that_came() {
    if skip_on_oracle("algorithms") {
        return;
    }
    let (mut client, schema) = own_schema();
    client.run("CREATE TABLE readings (sensor text, at timestamp, value float8)");
    client.run(
        "CREATE TABLE odd (series text, at timestamp, value float8, mean float8,
                                  deviation float8, score float8)",
    );
    client.run(
        "CREATE MATERIALIZED VIEW odd_per_series WITH (refresh = 'on_change') AS
                SELECT series, count(*) AS n FROM odd GROUP BY series",
    );
    client.run(
        "CREATE PROCEDURE spot(least float8) LANGUAGE sql AS $$
           CALL teatree.zscore(
             'SELECT sensor AS series, at, value, false AS is_new FROM readings
              WHERE at < (SELECT min(at) FROM new_table)
              UNION ALL SELECT sensor, at, value, true FROM new_table',
             'odd', mode => 'append', lookback => 10, threshold => least);
           SELECT pg_notify('odd', count(*)::text) FROM odd
           WHERE at >= (SELECT min(at) FROM new_table) HAVING count(*) > 0
         $$",
    );
    client.run("CREATE TRIGGER spot AFTER INSERT ON readings EXECUTE PROCEDURE spot(5)");
    let mut listener = connect();
    listener.run("LISTEN odd");
    for first in [0, 30, 60, 90] {
        client.run(&readings(first, 30));
    }
    let whole =
        "CALL teatree.zscore('readings', series => 'sensor', lookback => 10, threshold => 5)";
    let wanted = client.lines(whole);
    assert_eq!(wanted.len(), 3);
    assert_eq!(client.lines("SELECT * FROM odd ORDER BY series, at"), wanted);
    assert_eq!(client.lines("SELECT series, n FROM odd_per_series"), ["s1|3"]);
    let told = listener.talk(Out::new().query("SELECT 1"));
    assert_eq!(told.iter().filter(|line| line.starts_with('A')).count(), 3, "{told:?}");
    client.run("BEGIN");
    client.run(&readings(120, 60));
    assert_eq!(client.value("SELECT count(*) FROM odd"), "4");
    client.run("ROLLBACK");
    assert_eq!(client.value("SELECT count(*) FROM odd"), "3");
    assert_eq!(client.sqlstate("DROP TABLE odd"), "2BP01");
    gone(client, &schema);
}

#[test]
fn a_trigger_replaces_an_output_or_says_why_it_cannot() {
    if skip_on_oracle("algorithms") {
        return;
    }
    let (mut client, schema) = own_schema();
    client.run("CREATE TABLE readings (sensor text, at timestamp, value float8)");
    client.run("CREATE TABLE arrow_readings (at timestamp, value float8) USING arrow");
    for (call, sqlstate) in [
        ("zscore(''readings'')", "0A000"),
        ("zscore(''readings'', ''no_such_table'')", "42P01"),
        ("zscore(''arrow_readings'', ''readings'')", "0A000"),
        ("zscore(''readings'', ''readings'')", "42703"),
        ("sessions(''readings'', ''visits'')", "42703"),
    ] {
        client
            .run(&format!("CREATE OR REPLACE PROCEDURE p() LANGUAGE sql AS 'CALL teatree.{call}'"));
        let made = "CREATE TRIGGER t AFTER INSERT ON readings EXECUTE PROCEDURE p()";
        assert_eq!(client.sqlstate(made), sqlstate, "{call}");
    }
    client.run(
        "CREATE TABLE bars AS SELECT * FROM (SELECT ''::text AS series,
        now()::timestamp AS bucket, 0::float8 AS open, 0::float8 AS high, 0::float8 AS low,
        0::float8 AS close, 0::float8 AS volume, 0::bigint AS rows, 0::bigint AS late,
        false AS is_final) x WHERE false",
    );
    client.run(
        "CREATE OR REPLACE PROCEDURE p() LANGUAGE sql AS
        $$ CALL teatree.ohlc('readings', 'bars', series => 'sensor', width => '1 minute') $$",
    );
    client.run("CREATE TRIGGER t AFTER INSERT OR DELETE ON readings EXECUTE PROCEDURE p()");
    client.run(&readings(0, 200));
    client.run(&readings(200, 100));
    let bars = "SELECT count(*) || ' ' || sum(rows) FROM bars";
    assert_eq!(client.value(bars), "10 300");
    client.run("DELETE FROM readings WHERE sensor = 's0'");
    assert_eq!(client.value(bars), "5 150");
    gone(client, &schema);
}

#[test]
fn rows_beyond_the_memory_are_refused() {
    if skip_on_oracle("algorithms") {
        return;
    }
    let Some(server) = Server::start(&["--algorithm-memory-mib", "1"]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE e (user_id text, at timestamp)");
    client.run(
        "INSERT INTO e SELECT 'somebody', timestamp '2024-01-01' + i * interval '1 s'
                FROM generate_series(1, 200000) AS g(i)",
    );
    assert_eq!(client.sqlstate("CALL teatree.sessions('e')"), "53400");
    let few = "CALL teatree.sessions('SELECT * FROM e LIMIT 100')";
    assert_eq!(client.lines(few).len(), 1);
}

#[test]
fn polars_runs_a_procedures_query() {
    if skip_on_oracle("language polars") {
        return;
    }
    let (mut client, schema) = own_schema();
    client.run("CREATE TABLE a (id int, name text, x numeric(10,2))");
    client.run("CREATE TABLE b (id int, at date) USING arrow");
    client.run("INSERT INTO a VALUES (1, 'one', 1.50), (2, 'two', 2.25), (3, NULL, NULL)");
    client.run("INSERT INTO b VALUES (1, '2024-01-01'), (2, '2024-06-01'), (2, '2024-07-01')");
    let made = client.run(
        "CREATE PROCEDURE joined(least int, since date DEFAULT '2024-01-01') LANGUAGE polars AS $$
           SELECT a.name, b.at, a.x * 2 AS twice FROM a JOIN b ON a.id = b.id
           WHERE a.id >= least AND b.at >= since ORDER BY b.at
         $$",
    );
    assert_eq!(made, "CREATE PROCEDURE");
    assert_eq!(
        client.lines("CALL joined(1)"),
        ["one|2024-01-01|3.00", "two|2024-06-01|4.50", "two|2024-07-01|4.50"]
    );
    assert_eq!(client.lines("CALL joined(1, '2024-07-01')"), ["two|2024-07-01|4.50"]);
    let told = client.value(
        "SELECT l.lanname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
         WHERE p.proname = 'joined'",
    );
    assert_eq!(told, "polars");
    client.run("CREATE TABLE counts (name text, n bigint)");
    client.run(
        "CREATE PROCEDURE count_names() LANGUAGE polars AS
         $$ INSERT INTO counts SELECT name, COUNT(*) AS n FROM a GROUP BY name ORDER BY name $$",
    );
    assert_eq!(client.run("CALL count_names()"), "CALL");
    assert_eq!(client.run("CALL count_names()"), "CALL");
    assert_eq!(client.value("SELECT count(*) || ' ' || sum(n) FROM counts"), "6 6");
    client.run(
        "CREATE PROCEDURE make_copy() LANGUAGE polars AS
         $$ CREATE TABLE copied USING arrow AS SELECT id, x FROM a WHERE x IS NOT NULL $$",
    );
    client.run("CALL make_copy()");
    assert_eq!(client.lines("SELECT id, x FROM copied ORDER BY 1"), ["1|1.50", "2|2.25"]);
    assert_eq!(client.sqlstate("CALL make_copy()"), "42P07");
    gone(client, &schema);
}

#[test]
fn polars_reads_the_servers_tables_and_nothing_else() {
    if skip_on_oracle("language polars") {
        return;
    }
    let (mut client, schema) = own_schema();
    client.run("CREATE TABLE a (id int)");
    for (body, sqlstate) in [
        ("SELECT * FROM read_csv('/etc/passwd')", "42501"),
        ("SELECT * FROM read_parquet('/etc/passwd') AS t", "42501"),
        ("SELECT * FROM generate_series(1, 3) AS t", "0A000"),
        ("SELECT * FROM no_such", "42P01"),
        ("SELECT 1; SELECT 2", "0A000"),
        ("DELETE FROM a", "0A000"),
        ("SELECT * FROM", "0A000"),
    ] {
        let create = format!("CREATE PROCEDURE p() LANGUAGE polars AS $$ {body} $$");
        assert_eq!(client.sqlstate(&create), sqlstate, "{body}");
    }
    client.run("CREATE PROCEDURE p() LANGUAGE polars AS $$ SELECT no_such_column FROM a $$");
    assert_eq!(client.sqlstate("CALL p()"), "42703");
    assert_eq!(
        client.sqlstate("CREATE FUNCTION f() RETURNS int LANGUAGE polars AS $$ SELECT 1 $$"),
        "0A000"
    );
    gone(client, &schema);
}
