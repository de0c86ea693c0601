//! Which engine answers, and that the answer is the same.

use crate::harness::{connect, skip_on_oracle, unique};
use crate::messages::Out;
use crate::raw_client::RawClient;

/// The same 5,000 rows in a DuckDB table and in a dataset, and a small DuckDB table beside them.
struct Pair {
    duckdb: String,
    arrow: String,
    small: String,
}

fn pair(client: &mut RawClient) -> Pair {
    let name = unique("pair");
    let rows = "SELECT g::int4 AS id, (g % 7)::int4 AS k, 'name ' || (g % 100) AS name, \
                (g * 1.5)::float8 AS x, date '2024-01-01' + (g % 365)::int4 AS d \
                FROM generate_series(1, 5000) AS s(g)";
    let pair = Pair {
        duckdb: name.clone(),
        arrow: format!("{name}_arrow"),
        small: format!("{name}_small"),
    };
    client.run(&format!("CREATE TABLE {} AS {rows}", pair.duckdb));
    client.run(&format!("CREATE TABLE {} USING arrow AS {rows}", pair.arrow));
    client.run(&format!("CREATE TABLE {} (k int4, label text)", pair.small));
    client.run(&format!(
        "INSERT INTO {} VALUES (0, 'zero'), (1, 'one'), (2, 'two'), (NULL, 'none')",
        pair.small
    ));
    pair
}

impl Pair {
    fn drop(&self, client: &mut RawClient) {
        client.run(&format!("DROP TABLE {}, {}", self.duckdb, self.small));
        client.run(&format!("DROP TABLE {}", self.arrow));
    }
}

/// The engine that EXPLAIN names, in its first line.
fn engine(client: &mut RawClient, sql: &str) -> String {
    let plan = client.lines(&format!("EXPLAIN {sql}"));
    let first = plan.first().expect("EXPLAIN gave nothing").to_lowercase();
    let named = ["datafusion", "duckdb"].into_iter().filter(|name| first.contains(name));
    let at = |name: &&str| first.find(name).unwrap();
    named.min_by_key(at).unwrap_or_else(|| panic!("no engine in {plan:?}")).to_owned()
}

/// Questions over a table `@`, each with one right answer in one order.
const QUESTIONS: &[&str] = &[
    "SELECT count(*), sum(id)::int8, min(d), max(name) FROM @",
    "SELECT k, count(*) AS n, avg(x)::numeric(12,4) AS mean FROM @ GROUP BY k ORDER BY k",
    "SELECT id, name, x, d FROM @ WHERE id % 500 = 3 ORDER BY id DESC",
    "SELECT name FROM @ WHERE name LIKE '%7' AND d < date '2024-02-01' ORDER BY id LIMIT 5",
    "SELECT DISTINCT k FROM @ ORDER BY 1",
    "SELECT id, row_number() OVER (PARTITION BY k ORDER BY id) AS r FROM @ WHERE id < 30 ORDER BY id",
    "SELECT CAST(nullif(k, 0) AS int4) AS k FROM @ WHERE id < 9 ORDER BY 1",
    "SELECT CAST(nullif(k, 0) AS int4) AS k FROM @ WHERE id < 9 ORDER BY 1 DESC",
    "WITH a AS (SELECT k, max(id) AS m FROM @ GROUP BY k) SELECT t.id FROM @ t JOIN a ON t.id = a.m \
     ORDER BY 1",
    "SELECT (id / 2)::int8 AS half, (-id / 3)::int8 AS third, (id % 4)::int8 AS rest FROM @ WHERE id < 5 ORDER BY id",
    "SELECT extract(year FROM d)::int4 AS y, count(*) FROM @ GROUP BY 1 ORDER BY 1",
    "SELECT CASE WHEN k IN (1, 2) THEN 'low' ELSE 'high' END AS c, count(*) FROM @ GROUP BY 1 ORDER BY 1",
];

#[test]
fn both_engines_give_the_same_answer() {
    if skip_on_oracle("USING arrow") {
        return;
    }
    let mut client = connect();
    let pair = pair(&mut client);
    let mut wrong = Vec::new();
    for question in QUESTIONS {
        let on_duckdb = client.query(&question.replace('@', &pair.duckdb));
        let on_arrow = client.query(&question.replace('@', &pair.arrow));
        if on_duckdb != on_arrow || on_duckdb.iter().any(|line| line.starts_with('E')) {
            wrong.push(format!("{question}\n  duckdb {on_duckdb:?}\n  arrow  {on_arrow:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    pair.drop(&mut client);
}

#[test]
fn the_storages_decide_and_explain_says_so() {
    if skip_on_oracle("USING arrow") {
        return;
    }
    let mut client = connect();
    let Pair { duckdb, arrow, small } = &pair(&mut client);
    for (sql, expected) in [
        (format!("SELECT * FROM {duckdb}"), "duckdb"),
        ("SELECT 1".to_owned(), "duckdb"),
        (format!("SELECT * FROM {arrow}"), "datafusion"),
        (format!("SELECT * FROM {duckdb} a JOIN {arrow} b ON a.id = b.id"), "datafusion"),
        (format!("SELECT * FROM {duckdb} WHERE id IN (SELECT id FROM {arrow})"), "datafusion"),
        (format!("WITH {arrow} AS (SELECT 1 AS one) SELECT one FROM {arrow}"), "duckdb"),
        (format!("SELECT * FROM {small} s JOIN {duckdb} d ON s.k = d.k"), "duckdb"),
    ] {
        assert_eq!(engine(&mut client, &sql), expected, "{sql}");
    }
    let pair = Pair { duckdb: duckdb.clone(), arrow: arrow.clone(), small: small.clone() };
    pair.drop(&mut client);
}

#[test]
fn both_storages_join_in_one_statement() {
    if skip_on_oracle("USING arrow") {
        return;
    }
    let mut client = connect();
    let pair = pair(&mut client);
    for (sql, lines) in [
        (
            "SELECT s.label, count(*) FROM # s JOIN @ a ON a.k = s.k GROUP BY 1 ORDER BY 1",
            &["one|715", "two|715", "zero|714"][..],
        ),
        (
            "SELECT s.label, count(a.id) FROM # s LEFT JOIN @ a ON a.k = s.k GROUP BY 1 ORDER BY 2, 1",
            &["none|0", "zero|714", "one|715", "two|715"],
        ),
        (
            "SELECT count(*) FROM @ a JOIN % d ON a.id = d.id AND a.name = d.name WHERE d.k = 3",
            &["714"],
        ),
        ("SELECT count(*) FROM @ WHERE k NOT IN (SELECT k FROM # WHERE k IS NOT NULL)", &["2856"]),
        (
            "SELECT id FROM @ WHERE id < 3 UNION ALL SELECT id FROM % WHERE id = 9 ORDER BY 1",
            &["1", "2", "9"],
        ),
    ] {
        let sql =
            sql.replace('#', &pair.small).replace('@', &pair.arrow).replace('%', &pair.duckdb);
        assert_eq!(client.lines(&sql), lines, "{sql}");
    }
    // Parameters reach both sides.
    let sql = format!(
        "SELECT count(*) FROM {} a JOIN {} d ON a.id = d.id WHERE a.k = $1 AND d.id < $2",
        pair.arrow, pair.duckdb
    );
    let out = Out::new()
        .parse("", &sql, &[])
        .describe_statement("")
        .bind("", "", &[Some(b"3"), Some(b"100")])
        .execute("", 0)
        .sync();
    let replies = client.talk(out);
    assert_eq!(replies, ["1", "t [23, 23]", "T count:20", "2", "D 14", "C SELECT 1", "Z I"]);
    pair.drop(&mut client);
}

#[test]
fn parameters_work_on_both_engines() {
    if skip_on_oracle("USING arrow") {
        return;
    }
    let mut client = connect();
    let pair = pair(&mut client);
    for table in [&pair.duckdb, &pair.arrow] {
        let sql = format!("SELECT id, name FROM {table} WHERE id = $1 AND d > $2 AND name = $3");
        let out = Out::new()
            .parse("", &sql, &[])
            .describe_statement("")
            .bind("", "", &[Some(b"42"), Some(b"2024-01-01"), Some(b"name 42")])
            .execute("", 0)
            .sync();
        assert_eq!(
            client.talk(out),
            ["1", "t [23, 1082, 25]", "T id:23 name:25", "2", "D 42|name 42", "C SELECT 1", "Z I",],
            "{table}"
        );
    }
    pair.drop(&mut client);
}

#[test]
fn the_session_can_choose_the_engine() {
    if skip_on_oracle("teatree.engine") {
        return;
    }
    let mut client = connect();
    let pair = pair(&mut client);
    let sql = format!("SELECT count(*) FROM {}", pair.duckdb);
    assert_eq!(client.value("SHOW teatree.engine"), "auto");
    client.run("SET teatree.engine = 'datafusion'");
    assert_eq!(engine(&mut client, &sql), "datafusion");
    assert_eq!(client.value(&sql), "5000");
    client.run("SET teatree.engine = duckdb");
    assert_eq!(engine(&mut client, &sql), "duckdb");
    // DuckDB cannot read a dataset: it is answered elsewhere or refused, with the reason.
    let on_arrow = format!("SELECT count(*) FROM {}", pair.arrow);
    let replies = client.query(&on_arrow);
    if replies[0].starts_with('E') {
        let error = client.error(&on_arrow);
        assert_eq!(error[&'C'], "0A000");
        assert!(error[&'M'].to_lowercase().contains("duckdb"), "{error:?}");
    } else {
        assert_eq!(replies[1], "D 5000");
        let plan = client.lines(&format!("EXPLAIN {on_arrow}")).join("\n").to_lowercase();
        assert!(plan.contains("datafusion"), "{plan}");
    }
    assert_eq!(client.sqlstate("SET teatree.engine = 'steam'"), "22023");
    assert_eq!(client.value("SHOW teatree.engine"), "duckdb");
    client.run("RESET teatree.engine");
    assert_eq!(client.value("SHOW teatree.engine"), "auto");
    assert_eq!(connect().value("SHOW teatree.engine"), "auto");
    pair.drop(&mut client);
}

#[test]
fn a_dataset_stream_can_be_cancelled_and_paged() {
    if skip_on_oracle("USING arrow") {
        return;
    }
    let mut client = connect();
    let pair = pair(&mut client);
    let cross = format!("SELECT a.id, b.id FROM {0} a, {0} b, {0} c", pair.arrow);
    client.send(Out::new().query(&cross));
    for _ in 0..100 {
        client.read();
    }
    client.cancel();
    let replies = client.read_until_ready();
    let end: Vec<String> = replies[replies.len() - 2..].iter().map(|m| m.show()).collect();
    assert_eq!(end, ["E 57014", "Z I"]);
    // Cancelled while it computes, before the first row.
    let count =
        format!("SELECT count(*) FROM {0} a, {0} b, {0} c WHERE a.id + b.id > c.id", pair.arrow);
    client.send(Out::new().query(&count));
    std::thread::sleep(std::time::Duration::from_millis(300));
    client.cancel();
    let replies = client.read_until_ready();
    let end: Vec<String> = replies[replies.len() - 2..].iter().map(|m| m.show()).collect();
    assert_eq!(end, ["E 57014", "Z I"]);
    client.run("BEGIN");
    let sql = format!("SELECT id FROM {} ORDER BY id", pair.arrow);
    client.talk(Out::new().parse("", &sql, &[]).bind("p", "", &[]).sync());
    let page = |client: &mut RawClient| client.talk(Out::new().execute("p", 2).sync());
    assert_eq!(page(&mut client), ["D 1", "D 2", "s", "Z T"]);
    assert_eq!(page(&mut client), ["D 3", "D 4", "s", "Z T"]);
    client.run("COMMIT");
    pair.drop(&mut client);
}

#[test]
fn duckdbs_own_sql_works() {
    if skip_on_oracle("DuckDB's SQL") {
        return;
    }
    let mut client = connect();
    let t = unique("own_sql");
    client.run(&format!("CREATE TABLE {t} AS SELECT 'a' AS k, 1 AS n UNION ALL SELECT 'b', 2"));
    assert_eq!(client.lines(&format!("FROM {t} ORDER BY k")), ["a|1", "b|2"]);
    assert_eq!(client.lines(&format!("SELECT * EXCLUDE (k) FROM {t} ORDER BY ALL")), ["1", "2"]);
    assert_eq!(client.lines(&format!("PIVOT {t} ON k USING sum(n)")), ["1|2"]);
    assert_eq!(
        client.lines(&format!("SELECT column_name FROM (SUMMARIZE {t}) ORDER BY 1")),
        ["k", "n"]
    );
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_dataset_without_rows_can_be_filtered_and_sorted() {
    let (mut client, t) = (connect(), unique("empty"));
    client.run(&format!("CREATE TABLE {t} (id int8, v text) USING arrow"));
    let sorted = format!("SELECT v FROM {t} WHERE id = 1 ORDER BY id, v");
    assert_eq!(client.lines(&sorted), [""; 0]);
    assert_eq!(client.value(&format!("SELECT count(*) FROM {t} WHERE id = 1")), "0");
    client.run(&format!("INSERT INTO {t} VALUES (1, 'a'), (2, 'b')"));
    assert_eq!(client.lines(&sorted), ["a"]);
    let none = format!("SELECT v FROM {t} WHERE id = 77 ORDER BY v LIMIT 3");
    assert_eq!(client.lines(&none), [""; 0], "no part can match");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn a_text_that_was_run_before_means_what_it_means_now() {
    let (mut one, mut two) = (connect(), connect());
    let (t, s) = (unique("again"), unique("again_schema"));
    one.run(&format!("CREATE TABLE {t} (a int)"));
    one.run(&format!("INSERT INTO {t} VALUES (1)"));
    let all = format!("SELECT * FROM {t} WHERE a > 0");
    for _ in 0..2 {
        assert_eq!(one.lines(&all), ["1"]);
    }
    // Its columns change, for other sessions, too.
    one.run(&format!("ALTER TABLE {t} ADD COLUMN b text DEFAULT 'x'"));
    assert_eq!(one.lines(&all), ["1|x"]);
    assert_eq!(two.lines(&all), ["1|x"]);
    one.run(&format!("INSERT INTO {t} VALUES (5, 'five')"));
    assert_eq!(two.lines(&all), ["1|x", "5|five"]);
    // Another schema comes first on one session's path.
    one.run(&format!("CREATE SCHEMA {s}"));
    one.run(&format!("CREATE TABLE {s}.{t} AS SELECT 7 AS a"));
    one.run(&format!("SET search_path = {s}, public"));
    assert_eq!(one.lines(&all), ["7"]);
    assert_eq!(two.lines(&all), ["1|x", "5|five"]);
    // A temporary table, and a definition that is not committed, are one session's.
    two.run(&format!("CREATE TEMP TABLE {t} (c int)"));
    two.run(&format!("INSERT INTO {t} VALUES (9)"));
    assert_eq!(two.sqlstate(&all), "42703");
    assert_eq!(one.lines(&all), ["7"]);
    two.run(&format!("DROP TABLE pg_temp.{t}"));
    two.run("BEGIN");
    two.run(&format!("ALTER TABLE {t} RENAME COLUMN b TO bb"));
    assert_eq!(two.lines(&format!("SELECT bb FROM {t} ORDER BY a")), ["x", "five"]);
    two.run("ROLLBACK");
    assert_eq!(two.sqlstate(&format!("SELECT bb FROM {t} ORDER BY a")), "42703");
    one.run(&format!("DROP SCHEMA {s} CASCADE"));
    assert_eq!(one.lines(&all), ["1|x", "5|five"]);
    one.run(&format!("DROP TABLE {t}"));
    assert_eq!(two.sqlstate(&all), "42P01");
}

#[test]
fn what_a_session_is_asked_for_is_its_own_answer() {
    let (mut one, mut two) = (connect(), connect());
    let sequence = unique("asked");
    one.run(&format!("CREATE SEQUENCE {sequence}"));
    let pid = "SELECT pg_backend_pid()";
    assert_eq!(one.value(pid), one.value(pid));
    assert_ne!(one.value(pid), two.value(pid));
    let current = format!("SELECT currval('{sequence}')");
    for wanted in ["1", "2"] {
        one.run(&format!("SELECT nextval('{sequence}')"));
        assert_eq!(one.value(&current), wanted);
    }
    assert_eq!(two.sqlstate(&current), "55000");
    // The time of a transaction is its own, and another's with the next.
    let mut now_in_block = || {
        one.run("BEGIN");
        let now = one.value("SELECT now()");
        assert_eq!(one.value("SELECT now()"), now);
        one.run("COMMIT");
        now
    };
    assert_ne!(now_in_block(), now_in_block());
    one.run(&format!("DROP SEQUENCE {sequence}"));
}
