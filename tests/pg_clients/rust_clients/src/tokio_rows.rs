//! tokio-postgres: prepared statements and what they say of themselves, streams, portals, several
//! requests at once, scripts, COPY.

use std::pin::pin;

use chrono::{DateTime, Utc};
use futures_util::{
    TryStreamExt,
    future::{join3, join4, try_join_all},
};
use postgres_types::{ToSql, Type};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio_postgres::SimpleQueryMessage::{self, CommandComplete, RowDescription};
use tokio_postgres::{Client, Row};

use crate::checks::{Check, Faults, Outcome, equal, fail, holds};
use crate::tokio_session::{client, fails, number};

pub fn checks() -> Vec<Check> {
    crate::checks![
        tokio_described,
        tokio_origins,
        tokio_described_results,
        tokio_described_rarely,
        tokio_statements,
        tokio_statements_are_seen,
        tokio_statement_after_a_change,
        tokio_statement_of_a_dropped_table,
        tokio_typed,
        tokio_utility_statements,
        tokio_explain_json,
        tokio_counts,
        tokio_stream,
        tokio_many_rows,
        tokio_many_parameters,
        tokio_portals,
        tokio_portal_of_a_write,
        tokio_cursor,
        tokio_pipeline,
        tokio_pipeline_with_an_error,
        tokio_simple_query,
        tokio_script_is_one_transaction,
        tokio_fewer_values,
        tokio_returning,
    ]
}

fn ids(rows: &[Row]) -> Outcome<Vec<i32>> {
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

async fn tokio_described() -> Outcome {
    let client = client().await?;
    let query =
        "SELECT id, name AS \"Label\", price, code, tags, $1::int + 1, count(*) OVER () FROM t";
    let got = client.prepare(query).await?;
    let names: Vec<_> = got.columns().iter().map(|column| column.name()).collect();
    equal(names, ["id", "Label", "price", "code", "tags", "?column?", "count"])?;
    let types: Vec<_> = got.columns().iter().map(|column| column.type_().name()).collect();
    equal(types, ["int4", "text", "numeric", "varchar", "_text", "int4", "int8"])?;
    let modifiers: Vec<_> = got.columns().iter().map(|column| column.type_modifier()).collect();
    equal(modifiers, [-1, -1, 655_366, 24, -1, -1, -1])?;
    Ok(())
}

/// The table and the column that a result comes from.
async fn tokio_origins() -> Outcome {
    let client = client().await?;
    let query = "SELECT id, name, price, $1::int + 1 FROM t";
    let got = client.prepare(query).await?;
    let numbers: Vec<_> = got.columns().iter().map(|column| column.column_id()).collect();
    equal(numbers, [Some(1), Some(5), Some(7), None])?;
    let oid: u32 = client.query_one_scalar("SELECT 't'::regclass::oid", &[]).await?;
    equal(got.columns()[0].table_oid(), Some(oid))?;
    equal(got.columns()[3].table_oid(), None)
}

/// The types and the names of what expressions give.
async fn described(wanted: &[(&str, &str)]) -> Outcome {
    let client = client().await?;
    let mut faults = Faults::default();
    for (query, columns) in wanted {
        let found = match client.prepare(query).await {
            Ok(got) => got
                .columns()
                .iter()
                .map(|one| format!("{} {}", one.name(), one.type_().name()))
                .collect::<Vec<_>>()
                .join(", "),
            Err(error) => crate::checks::whole(&error),
        };
        faults.part(query, equal(found.as_str(), *columns));
    }
    faults.end()
}

async fn tokio_described_results() -> Outcome {
    described(&[
        ("SELECT sum(id), sum(big), sum(price), sum(value) FROM t",
            "sum int8, sum numeric, sum numeric, sum float8"),
        ("SELECT avg(id), avg(value), max(name), min(at) FROM t",
            "avg numeric, avg float8, max text, min timestamptz"),
        ("SELECT extract(epoch FROM at), date_trunc('day', made), at - at, day - day FROM t",
            "extract numeric, date_trunc timestamp, ?column? interval, ?column? int4"),
        ("SELECT 1, 1.5, 'x', true, NULL, 9999999999, ARRAY[1], DATE '2024-01-01'",
            "?column? int4, ?column? numeric, ?column? text, ?column? bool, ?column? text, \
             ?column? int8, array _int4, date date"),
        ("SELECT id / 2, id / 2.0, big * id, price * 2, small + small, value ^ 2 FROM t",
            "?column? int4, ?column? numeric, ?column? int8, ?column? numeric, ?column? int2, \
             ?column? float8"),
        ("SELECT CASE WHEN ok THEN 1 END, coalesce(name, 'x'), name::varchar(3), row_number() \
          OVER () FROM t", "case int4, coalesce text, name varchar, row_number int8"),
        ("SELECT array_agg(id), string_agg(name, ','), bool_and(ok), jsonb_agg(id), json_agg(t) \
          FROM t",
            "array_agg _int4, string_agg text, bool_and bool, jsonb_agg jsonb, json_agg json"),
        ("SELECT relname, relkind, oid, relnatts FROM pg_class",
            "relname name, relkind char, oid oid, relnatts int2"),
        ("SELECT length(name), round(price), floor(value), random(), version() FROM t",
            "length int4, round numeric, floor float8, random float8, version text"),
        ("SELECT EXISTS (SELECT 1), (SELECT max(id) FROM t), localtimestamp, current_user FROM t",
            "exists bool, max int4, localtimestamp timestamp, current_user name"),
    ])
    .await
}

async fn tokio_described_rarely() -> Outcome {
    described(&[
        ("SELECT current_date, now()", "current_date date, now timestamptz"),
        ("SELECT t, ROW(1, 2) FROM t", "t t, row record"),
        ("SELECT FROM t", ""),
    ])
    .await
}

async fn tokio_statements() -> Outcome {
    let client = client().await?;
    let by_id = client.prepare("SELECT id, name FROM t WHERE id = $1").await?;
    for id in 1..=50 {
        let row = client.query_one(&by_id, &[&id]).await?;
        equal(row.try_get::<_, String>("name")?, format!("tea {id}"))?;
    }
    let mut kept = Vec::new();
    for at in 0..100 {
        kept.push(client.prepare(&format!("SELECT {at}, $1::text")).await?);
    }
    for (at, statement) in (0..).zip(&kept) {
        equal(client.query_one(statement, &[&"x"]).await?.try_get::<_, i32>(0)?, at)?;
    }
    drop(kept);
    equal(number(&client, "SELECT 1::int8").await?, 1)
}

async fn tokio_statements_are_seen() -> Outcome {
    let client = client().await?;
    let query = "SELECT count(*) FROM pg_prepared_statements WHERE NOT from_sql \
                 AND statement LIKE 'SELECT 77%'";
    let count = client.prepare(query).await?;
    let seen = client.prepare("SELECT 77, $1::text").await?;
    equal(client.query_one(&count, &[]).await?.try_get::<_, i64>(0)?, 1)?;
    drop(seen); // which closes it
    equal(client.query_one(&count, &[]).await?.try_get::<_, i64>(0)?, 0)
}

async fn tokio_statement_after_a_change() -> Outcome {
    let client = client().await?;
    client.batch_execute("CREATE TABLE shapes (a int); INSERT INTO shapes VALUES (1)").await?;
    let all = client.prepare("SELECT * FROM shapes").await?;
    let some = client.prepare("SELECT a FROM shapes").await?;
    client.query(&all, &[]).await?;
    client.batch_execute("ALTER TABLE shapes ADD COLUMN b text DEFAULT 'x'").await?;
    equal(client.query(&some, &[]).await?.len(), 1)?;
    let outcome = fails(client.query(&all, &[]).await, "0A000");
    let fresh = client.query_one("SELECT * FROM shapes", &[]).await?;
    equal(fresh.try_get::<_, &str>("b")?, "x")?;
    outcome
}

async fn tokio_statement_of_a_dropped_table() -> Outcome {
    let client = client().await?;
    client.batch_execute("CREATE TABLE brief_shapes (a int)").await?;
    let all = client.prepare("SELECT a FROM brief_shapes").await?;
    client.batch_execute("DROP TABLE brief_shapes").await?;
    fails(client.query(&all, &[]).await, "42P01")?;
    client
        .batch_execute("CREATE TABLE brief_shapes (a int); INSERT INTO brief_shapes VALUES (1)")
        .await?;
    equal(ids(&client.query(&all, &[]).await?)?, [1])
}

async fn tokio_typed() -> Outcome {
    let client = client().await?;
    let got = client.prepare_typed("SELECT $1, $2 + 1", &[Type::INT8, Type::INT2]).await?;
    equal(got.params(), [Type::INT8, Type::INT2])?;
    equal(got.columns()[0].type_(), &Type::INT8)?;
    let rows = client
        .query_typed(
            "SELECT id FROM t WHERE id < $1 AND name = $2",
            &[(&5_i64, Type::INT8), (&"tea 3", Type::TEXT)],
        )
        .await?;
    equal(ids(&rows)?, [3])?;
    let row = client.query_typed("SELECT $1", &[(&json!([1]), Type::JSONB)]).await?;
    equal(row[0].try_get::<_, Value>(0)?, json!([1]))?;
    let update = "UPDATE t SET ok = ok WHERE id = $1";
    equal(client.execute_typed(update, &[(&7, Type::INT4)]).await?, 1)
}

/// Statements other than queries, by Parse, Describe and Execute.
async fn tokio_utility_statements() -> Outcome {
    let client = client().await?;
    let none: &[&(dyn ToSql + Sync)] = &[];
    client.execute("SET application_name = 'leaf'", none).await?;
    let name: String = client.query_one_scalar("SHOW application_name", none).await?;
    equal(name.as_str(), "leaf")?;
    equal(client.execute("", none).await?, 0)?;
    equal(client.query("-- nothing", none).await?.len(), 0)?;
    for query in [
        "BEGIN",
        "CREATE TABLE brief (a int)",
        "CREATE INDEX ON brief (a)",
        "SAVEPOINT s",
        "ROLLBACK TO s",
        "DROP TABLE brief",
        "COMMIT",
        "ANALYZE t",
        "DISCARD PLANS",
        "LISTEN brief",
        "UNLISTEN *",
        "RESET application_name",
    ] {
        if let Err(error) = client.execute(query, none).await {
            return Err(fail(format!("{query}: {}", crate::checks::whole(&error))));
        }
    }
    let plan = client.query("EXPLAIN SELECT 1", none).await?;
    holds("EXPLAIN says something", !plan.is_empty())
}

async fn tokio_explain_json() -> Outcome {
    let client = client().await?;
    let plan: Value = client.query_one("EXPLAIN (FORMAT JSON) SELECT 1", &[]).await?.try_get(0)?;
    holds("EXPLAIN gives a plan", plan[0]["Plan"].is_object())
}

async fn tokio_counts() -> Outcome {
    let client = client().await?;
    let mut faults = Faults::default();
    for (query, wanted) in [
        ("CREATE TEMP TABLE counted (id int, name text)", 0),
        ("INSERT INTO counted SELECT g, 'x' FROM generate_series(1, 10) g", 10),
        ("UPDATE counted SET name = 'y' WHERE id > 4", 6),
        ("SELECT * FROM counted", 10),
        ("WITH w AS (SELECT 1) DELETE FROM counted WHERE id < 3", 2),
        ("INSERT INTO counted VALUES (1, 'z') RETURNING id", 1),
        ("CREATE TEMP TABLE counted2 AS SELECT * FROM counted", 9),
        (
            "MERGE INTO counted c USING counted2 d ON c.id = d.id AND c.id > 7 \
          WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (d.id, 'm')",
            9,
        ),
        ("TRUNCATE counted", 0),
        ("DELETE FROM counted", 0),
    ] {
        let found = client.execute(query, &[]).await;
        faults.part(query, found.map_err(Into::into).and_then(|count| equal(count, wanted)));
    }
    faults.end()
}

async fn tokio_stream() -> Outcome {
    let client = client().await?;
    let query = "SELECT g::int4 FROM generate_series(1, $1::int4) g";
    let mut rows = pin!(client.query_raw(query, [1000]).await?);
    let mut sum = 0;
    while let Some(row) = rows.try_next().await? {
        sum += row.try_get::<_, i32>(0)?;
    }
    equal(sum, 500_500)?;
    equal(rows.rows_affected(), Some(1000))?;
    {
        let mut early = pin!(client.query_raw(query, [100_000]).await?);
        holds("a first row", early.try_next().await?.is_some())?;
    }
    equal(number(&client, "SELECT 5::int8").await?, 5)?;
    let failing = "SELECT 10 / (500 - g::int4) FROM generate_series(1, $1::int4) g";
    let failing = pin!(client.query_raw(failing, [1000]).await?);
    fails(failing.try_collect::<Vec<_>>().await, "22012")?;
    equal(number(&client, "SELECT 6::int8").await?, 6)
}

async fn tokio_many_rows() -> Outcome {
    let client = client().await?;
    let query = "SELECT g::int8, 'row ' || g, g / 4.0, now() FROM generate_series(1, 60000) g";
    let rows = client.query(query, &[]).await?;
    equal(rows.len(), 60_000)?;
    equal(rows[59_999].try_get::<_, i64>(0)?, 60_000)?;
    equal(rows[59_999].try_get::<_, &str>(1)?, "row 60000")?;
    equal(rows[4].try_get::<_, Decimal>(2)?.to_string().as_str(), "1.2500000000000000")?;
    let wide: Vec<_> = (0..1600).map(|at| format!("{at} AS c{at}")).collect();
    let row = client.query_one(&format!("SELECT {}", wide.join(", ")), &[]).await?;
    equal(row.try_get::<_, i32>("c1599")?, 1599)?;
    let large = vec![7_u8; 20_000_000];
    let row = client.query_one("SELECT $1::bytea, length($1::bytea)", &[&large]).await?;
    equal(row.try_get::<_, i32>(1)?, 20_000_000)?;
    holds("a large value comes back", row.try_get::<_, &[u8]>(0)? == large)
}

async fn tokio_many_parameters() -> Outcome {
    let client = client().await?;
    client.batch_execute("CREATE TEMP TABLE lots (id int, name text)").await?;
    let values: Vec<_> =
        (0..5000).map(|at| format!("(${}, ${})", at * 2 + 1, at * 2 + 2)).collect();
    let names: Vec<_> = (0..5000).map(|at| (at, format!("n{at}"))).collect();
    let given: Vec<&(dyn ToSql + Sync)> =
        names.iter().flat_map(|(id, name)| [id as &(dyn ToSql + Sync), name]).collect();
    let query = format!("INSERT INTO lots VALUES {}", values.join(", "));
    equal(client.execute(&query, &given).await?, 5000)?;
    let query = "SELECT name FROM lots WHERE id = 4999";
    equal(client.query_one_scalar::<String, _>(query, &[]).await?.as_str(), "n4999")
}

async fn tokio_portals() -> Outcome {
    let mut client = client().await?;
    let transaction = client.transaction().await?;
    let by_id = transaction.prepare("SELECT id FROM t WHERE id <= $1 ORDER BY id").await?;
    let one = transaction.bind(&by_id, &[&7]).await?;
    let two = transaction.bind(&by_id, &[&3]).await?;
    equal(ids(&transaction.query_portal(&one, 3).await?)?, [1, 2, 3])?;
    equal(ids(&transaction.query_portal(&two, 2).await?)?, [1, 2])?;
    equal(ids(&transaction.query_portal(&one, 3).await?)?, [4, 5, 6])?;
    equal(number(transaction.client(), "SELECT 1::int8").await?, 1)?;
    equal(ids(&transaction.query_portal(&two, 0).await?)?, [3])?;
    equal(ids(&transaction.query_portal(&one, 3).await?)?, [7])?;
    equal(ids(&transaction.query_portal(&one, 3).await?)?, Vec::<i32>::new())?;
    drop(two);
    let mut rest = pin!(transaction.query_portal_raw(&one, 0).await?);
    holds("no row is left", rest.try_next().await?.is_none())?;
    equal(rest.rows_affected(), Some(0))
}

async fn tokio_portal_of_a_write() -> Outcome {
    let mut client = client().await?;
    let transaction = client.transaction().await?;
    transaction.batch_execute("CREATE TEMP TABLE written (id int) ON COMMIT DROP").await?;
    let query = "INSERT INTO written SELECT generate_series(1, 5) RETURNING id";
    let portal = transaction.bind(query, &[]).await?;
    equal(ids(&transaction.query_portal(&portal, 2).await?)?, [1, 2])?;
    equal(ids(&transaction.query_portal(&portal, 0).await?)?, [3, 4, 5])?;
    equal(number(transaction.client(), "SELECT count(*) FROM written").await?, 5)?;
    transaction.commit().await?;
    fails(client.query("SELECT * FROM written", &[]).await, "42P01")
}

async fn tokio_cursor() -> Outcome {
    let mut client = client().await?;
    let transaction = client.transaction().await?;
    let declare = "DECLARE leaves SCROLL CURSOR FOR SELECT id, price FROM t ORDER BY id";
    transaction.execute(declare, &[]).await?;
    let fetch = transaction.prepare("FETCH 3 FROM leaves").await?;
    equal(ids(&transaction.query(&fetch, &[]).await?)?, [1, 2, 3])?;
    equal(ids(&transaction.query(&fetch, &[]).await?)?, [4, 5, 6])?;
    equal(transaction.execute("MOVE 10 FROM leaves", &[]).await?, 10)?;
    equal(ids(&transaction.query("FETCH PRIOR FROM leaves", &[]).await?)?, [15])?;
    transaction.execute("CLOSE leaves", &[]).await?;
    fails(transaction.query("FETCH 1 FROM leaves", &[]).await, "34000")
}

async fn tokio_pipeline() -> Outcome {
    let client = client().await?;
    let by_id = client.prepare("SELECT id FROM t WHERE id = $1").await?;
    let all: Vec<i32> = (1..=100).collect();
    let found = try_join_all(all.iter().map(async |id| {
        let row = client.query_one(&by_id, &[id]).await?;
        row.try_get::<_, i32>(0)
    }));
    equal(found.await?, all)?;
    let mixed = join4(
        client.batch_execute("CREATE TEMP TABLE piped (id int)"),
        client.execute("INSERT INTO piped VALUES (1)", &[]),
        client.simple_query("SELECT 1; SELECT 2"),
        client.query("SELECT id FROM t WHERE id = $1", &[&3]),
    )
    .await;
    mixed.0?;
    // Its Parse may be sent before the table is made, so only that both are answered counts.
    holds("an answer", mixed.1.is_ok_and(|count| count == 1))?;
    equal(mixed.2?.len(), 6)?;
    equal(mixed.3?.len(), 1)
}

async fn tokio_pipeline_with_an_error() -> Outcome {
    let client = client().await?;
    let bad = client.prepare("SELECT 1 / $1::int").await?;
    let (one, two, three) = join3(
        client.query_one(&bad, &[&1]),
        client.query_one(&bad, &[&0]),
        client.query_one(&bad, &[&-1]),
    )
    .await;
    equal(one?.try_get::<_, i32>(0)?, 1)?;
    fails(two, "22012")?;
    equal(three?.try_get::<_, i32>(0)?, -1)
}

/// Messages of a simple query, each as a short text.
async fn told(client: &Client, query: &str) -> Outcome<Vec<String>> {
    let messages = client.simple_query(query).await?;
    let name = |one: SimpleQueryMessage| match one {
        RowDescription(columns) => {
            columns.iter().map(|column| column.name()).collect::<Vec<_>>().join(",")
        }
        SimpleQueryMessage::Row(row) => {
            (0..row.len()).map(|at| row.get(at).unwrap_or("NULL")).collect::<Vec<_>>().join("|")
        }
        CommandComplete(count) => count.to_string(),
        _ => "?".to_owned(),
    };
    Ok(messages.into_iter().map(name).collect())
}

async fn tokio_simple_query() -> Outcome {
    let client = client().await?;
    let query = "CREATE TEMP TABLE s (id int, b bool); INSERT INTO s VALUES (1, true), (2, NULL); \
                 SELECT * FROM s ORDER BY id; ; UPDATE s SET b = false; \
                 SELECT 1.50 AS x WHERE false";
    equal(told(&client, query).await?, ["0", "2", "id,b", "1|t", "2|NULL", "2", "2", "x", "0"])?;
    equal(told(&client, "").await?, ["0"])?;
    equal(told(&client, ";").await?, ["0"])?;
    let query = "SELECT 'é' AS a, ARRAY[1,NULL], '\\x01'::bytea, NULL::int, 1e20::float8, \
                 interval '1 day 2 hours', '2024-01-01'::timestamptz";
    let row = "é|{1,NULL}|\\x01|NULL|1e+20|1 day 02:00:00|2024-01-01 00:00:00+00";
    equal(told(&client, query).await?[1].as_str(), row)
}

async fn tokio_script_is_one_transaction() -> Outcome {
    let client = client().await?;
    client.batch_execute("CREATE TABLE scripted (id int)").await?;
    let script = "INSERT INTO scripted VALUES (1); SELECT 1 / 0; INSERT INTO scripted VALUES (2)";
    fails(client.batch_execute(script).await, "22012")?;
    equal(number(&client, "SELECT count(*) FROM scripted").await?, 0)?;
    let script = "BEGIN; INSERT INTO scripted VALUES (1); COMMIT; INSERT INTO scripted VALUES (2); \
                  SELECT nope";
    fails(client.batch_execute(script).await, "42703")?;
    equal(number(&client, "SELECT count(*) FROM scripted").await?, 1)
}

async fn tokio_fewer_values() -> Outcome {
    let client = client().await?;
    client.batch_execute("CREATE TEMP TABLE few (a int, b text DEFAULT 'x', c int)").await?;
    equal(client.execute("INSERT INTO few VALUES ($1)", &[&1]).await?, 1)?;
    let row = client.query_one("SELECT b, c FROM few", &[]).await?;
    equal((row.try_get(0)?, row.try_get(1)?), ("x", None::<i32>))
}

async fn tokio_returning() -> Outcome {
    let client = client().await?;
    let query = "CREATE TABLE orders (id serial PRIMARY KEY, name text UNIQUE, \
                 at timestamptz DEFAULT now(), n int GENERATED ALWAYS AS IDENTITY)";
    client.batch_execute(query).await?;
    let insert = "INSERT INTO orders (name) VALUES ($1), ($2) RETURNING id, name, at, n";
    let rows = client.query(insert, &[&"a", &"b"]).await?;
    equal(ids(&rows)?, [1, 2])?;
    holds("a default", rows[1].try_get::<_, Option<DateTime<Utc>>>("at")?.is_some())?;
    equal(rows[1].try_get::<_, i32>("n")?, 2)?;
    let upsert = "INSERT INTO orders (name) VALUES ($1) ON CONFLICT (name) DO UPDATE \
                  SET name = excluded.name || '!' RETURNING id, name";
    let row = client.query_one(upsert, &[&"a"]).await?;
    equal((row.try_get(0)?, row.try_get(1)?), (1, "a!"))?;
    let nothing = "INSERT INTO orders (name) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id";
    holds("no row", client.query_opt(nothing, &[&"b"]).await?.is_none())?;
    let update =
        "UPDATE orders SET name = upper(name) WHERE id = $1 RETURNING name AS shout, id + 1";
    equal(client.query_one(update, &[&2]).await?.try_get::<_, &str>("shout")?, "B")?;
    let rows = client.query("DELETE FROM orders RETURNING id", &[]).await?;
    equal(rows.len(), 2)
}
