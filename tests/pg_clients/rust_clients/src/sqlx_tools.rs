//! sqlx: rows into tuples and structures, streams, scripts, its statement cache, queries that it
//! builds, COPY, and what its macros ask: columns, parameters, nullability, origins.

use std::pin::pin;

use futures_util::{StreamExt, TryStreamExt};
use rust_decimal::Decimal;
use sqlx::postgres::{PgConnection, PgPoolCopyExt, PgRow};
use sqlx::{
    AssertSqlSafe, Column, ColumnOrigin, Connection, Either, Executor, FromRow, QueryBuilder, Row,
    SqlSafeStr, Statement, TypeInfo,
};

use crate::checks::{Check, Faults, Outcome, equal, holds, same};
use crate::sqlx_session::{connection, count, fails, options, pool};

pub fn checks() -> Vec<Check> {
    crate::checks![
        sqlx_query_as,
        sqlx_streams,
        sqlx_fetch_many,
        sqlx_raw_sql,
        sqlx_prepared,
        sqlx_statement_cache,
        sqlx_unnamed_statement,
        sqlx_query_builder,
        sqlx_unnest,
        sqlx_returning,
        sqlx_paging,
        sqlx_copy_in,
        sqlx_copy_out,
        sqlx_described,
        sqlx_origins,
        sqlx_nullability,
        sqlx_nullability_of_joins,
        sqlx_explain,
    ]
}

#[derive(Debug, PartialEq)]
struct Tea {
    id: i32,
    name: Option<String>,
    price: Decimal,
}

impl FromRow<'_, PgRow> for Tea {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            price: row.try_get("price")?,
        })
    }
}

async fn sqlx_query_as() -> Outcome {
    let pool = pool(1).await?;
    let query = "SELECT price, id, name FROM t WHERE id = $1";
    let tea: Tea = sqlx::query_as(query).bind(6).fetch_one(&pool).await?;
    equal(tea, Tea { id: 6, name: Some("tea 6".to_owned()), price: "1.50".parse()? })?;
    let found: Option<Tea> = sqlx::query_as(query).bind(-5).fetch_optional(&pool).await?;
    equal(found, None)?;
    // sqlx says INT8 for an i64, so the server compares an int4 with it.
    let query = "SELECT id, big, ok FROM t WHERE id = $1 AND big > $2 AND name LIKE $3";
    let bound = sqlx::query_as(query).bind(7_i64).bind(1_i16).bind("tea%");
    same(bound.fetch_all(&pool).await?, vec![(7, 70_i64, false)])?;
    let names = sqlx::query("SELECT 'x' || id AS label FROM t WHERE id < $1 ORDER BY id").bind(3);
    let names = names.map(|row: PgRow| row.get::<String, _>("label"));
    equal(names.fetch_all(&pool).await?, ["x1", "x2"])
}

async fn sqlx_streams() -> Outcome {
    let pool = pool(1).await?;
    let query = "SELECT g::int8 FROM generate_series(1, $1::int8) g";
    let mut sum = 0;
    {
        let mut rows = sqlx::query_scalar::<_, i64>(query).bind(50_000_i64).fetch(&pool);
        while let Some(one) = rows.try_next().await? {
            sum += one;
        }
    }
    equal(sum, 1_250_025_000)?;
    {
        let mut early = sqlx::query(query).bind(100_000_i64).fetch(&pool);
        holds("a first row", early.try_next().await?.is_some())?;
    }
    equal(count(&pool, "t").await?, 100)?;
    let query = "SELECT 1 / (500 - g::int8) FROM generate_series(1, $1::int8) g";
    fails(sqlx::query(query).bind(1000_i64).fetch_all(&pool).await, "22012")?;
    equal(count(&pool, "t").await?, 100)
}

async fn sqlx_fetch_many() -> Outcome {
    let mut one = connection().await?;
    let script = "CREATE TEMP TABLE m (id int); INSERT INTO m VALUES (1), (2); SELECT id FROM m; \
                  UPDATE m SET id = id + 1 WHERE id > 1; SELECT count(*) FROM m";
    let mut found = Vec::new();
    let mut results = one.fetch_many(script);
    while let Some(next) = results.next().await {
        found.push(match next? {
            Either::Left(done) => format!("done {}", done.rows_affected()),
            Either::Right(row) => format!("row {}", row.len()),
        });
    }
    equal(found, ["done 0", "done 2", "row 1", "row 1", "done 2", "done 1", "row 1", "done 1"])
}

async fn sqlx_raw_sql() -> Outcome {
    let mut one = connection().await?;
    let script = "CREATE TEMP TABLE r (id int, at timestamptz, tags text[], doc jsonb, raw bytea); \
                  INSERT INTO r VALUES (1, '2024-02-29 01:02:03.5+00', '{a,NULL,\"b c\"}', \
                  '{\"a\": 1}', '\\x00ff');";
    equal(sqlx::raw_sql(script).execute(&mut one).await?.rows_affected(), 1)?;
    let row = sqlx::raw_sql("SELECT * FROM r").fetch_one(&mut one).await?; // values as text
    equal(row.try_get::<i32, _>("id")?, 1)?;
    let at: chrono::DateTime<chrono::Utc> = row.try_get("at")?;
    equal(at.to_rfc3339().as_str(), "2024-02-29T01:02:03.500+00:00")?;
    let tags: Vec<Option<String>> = row.try_get("tags")?;
    equal(tags, [Some("a".to_owned()), None, Some("b c".to_owned())])?;
    equal(row.try_get::<serde_json::Value, _>("doc")?, serde_json::json!({"a": 1}))?;
    equal(row.try_get::<Vec<u8>, _>("raw")?, [0, 255])?;
    fails(
        sqlx::raw_sql("INSERT INTO r (id) VALUES (2); SELECT 1 / 0").execute(&mut one).await,
        "22012",
    )?;
    let row = sqlx::raw_sql("SELECT count(*) FROM r").fetch_one(&mut one).await?;
    equal(row.try_get::<i64, _>(0)?, 1)
}

fn names(types: Option<Either<&[sqlx::postgres::PgTypeInfo], usize>>) -> String {
    let Some(Either::Left(types)) = types else { return "?".to_owned() };
    types.iter().map(TypeInfo::name).collect::<Vec<_>>().join(" ")
}

fn columns(of: &[sqlx::postgres::PgColumn]) -> String {
    let each = of.iter().map(|column| format!("{} {}", column.name(), column.type_info().name()));
    each.collect::<Vec<_>>().join(", ")
}

async fn sqlx_prepared() -> Outcome {
    let mut one = connection().await?;
    let query = "SELECT id, price AS cost, tags, $2 || name FROM t WHERE id = $1";
    let got = (&mut one).prepare(query.into_sql_str()).await?;
    equal(names(got.parameters()).as_str(), "INT4 TEXT")?;
    equal(columns(got.columns()).as_str(), "id INT4, cost NUMERIC, tags TEXT[], ?column? TEXT")?;
    for id in 1..20 {
        let row = got.query().bind(id).bind("a ").fetch_one(&mut one).await?;
        equal(row.try_get::<String, _>(3)?, format!("a tea {id}"))?;
    }
    Ok(())
}

async fn sqlx_statement_cache() -> Outcome {
    let mut one: PgConnection =
        PgConnection::connect_with(&options().statement_cache_capacity(2)).await?;
    for round in 0..3 {
        for at in 0..4 {
            let query = AssertSqlSafe(format!("SELECT {at}, $1::int4"));
            let found: (i32, i32) = sqlx::query_as(query).bind(round).fetch_one(&mut one).await?;
            equal(found, (at, round))?;
        }
    }
    equal(one.cached_statements_size(), 2)?;
    one.clear_cached_statements().await?;
    equal(one.cached_statements_size(), 0)?;
    let found: i32 = sqlx::query_scalar("SELECT $1 + 1").bind(1).fetch_one(&mut one).await?;
    equal(found, 2)
}

async fn sqlx_unnamed_statement() -> Outcome {
    let mut one = connection().await?;
    for id in 1..5 {
        let query = sqlx::query_scalar("SELECT name FROM t WHERE id = $1").persistent(false);
        let found: String = query.bind(id).fetch_one(&mut one).await?;
        equal(found, format!("tea {id}"))?;
    }
    equal(one.cached_statements_size(), 0)
}

async fn sqlx_query_builder() -> Outcome {
    let pool = pool(1).await?;
    pool.execute("CREATE TABLE built (id int, name text, price numeric)").await?;
    let mut insert = QueryBuilder::new("INSERT INTO built (id, name, price) ");
    insert.push_values(0..2000, |mut row, id| {
        row.push_bind(id).push_bind(format!("n{id}")).push_bind(Decimal::new(i64::from(id), 1));
    });
    equal(insert.build().execute(&pool).await?.rows_affected(), 2000)?;
    let mut query = QueryBuilder::new("SELECT id FROM built WHERE (id, name) IN ");
    query.push_tuples([(3, "n3"), (5, "n5"), (7, "no")], |mut row, (id, name)| {
        row.push_bind(id).push_bind(name);
    });
    query.push(" AND price < ").push_bind(Decimal::new(4, 1)).push(" ORDER BY id");
    equal(query.build_query_scalar::<i32>().fetch_all(&pool).await?, [3])
}

/// How many write many rows at once: one array for each column.
async fn sqlx_unnest() -> Outcome {
    let pool = pool(1).await?;
    pool.execute("CREATE TABLE bulk (id int PRIMARY KEY, name text, price numeric)").await?;
    let ids: Vec<i32> = (0..3000).collect();
    let labels: Vec<Option<String>> =
        ids.iter().map(|id| (id % 2 == 0).then(|| format!("n{id}"))).collect();
    let prices: Vec<Decimal> = ids.iter().map(|id| Decimal::new(i64::from(*id), 2)).collect();
    let query = "INSERT INTO bulk (id, name, price) \
                 SELECT * FROM UNNEST($1::int[], $2::text[], $3::numeric[])";
    let bound = sqlx::query(query).bind(&ids).bind(&labels).bind(&prices);
    equal(bound.execute(&pool).await?.rows_affected(), 3000)?;
    let query = "UPDATE bulk SET name = v.name FROM (SELECT unnest($1::int[]) AS id, \
                 unnest($2::text[]) AS name) v WHERE bulk.id = v.id";
    let bound = sqlx::query(query).bind(vec![1, 3]).bind(vec!["x", "y"]);
    equal(bound.execute(&pool).await?.rows_affected(), 2)?;
    let query = "SELECT id, name, price FROM bulk WHERE id IN (3, 5, 6) ORDER BY id";
    let found: Vec<(i32, Option<String>, Decimal)> = sqlx::query_as(query).fetch_all(&pool).await?;
    let row = |id, name: Option<&str>, price: &str| {
        (id, name.map(str::to_owned), price.parse().unwrap_or_default())
    };
    equal(found, [row(3, Some("y"), "0.03"), row(5, None, "0.05"), row(6, Some("n6"), "0.06")])
}

async fn sqlx_returning() -> Outcome {
    let pool = pool(1).await?;
    pool.execute(
        "CREATE TABLE made (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, \
        name text NOT NULL UNIQUE, at timestamptz NOT NULL DEFAULT now())",
    )
    .await?;
    let query = "INSERT INTO made (name) VALUES ($1) RETURNING id";
    for wanted in 1..4_i64 {
        let bound = sqlx::query_scalar(query).bind(format!("n{wanted}"));
        same(bound.fetch_one(&pool).await?, wanted)?;
    }
    let query = "INSERT INTO made (name) VALUES ($1) ON CONFLICT (name) DO UPDATE \
                 SET at = now() RETURNING id, at > now() - interval '1 minute'";
    same(sqlx::query_as(query).bind("n2").fetch_one(&pool).await?, (2_i64, true))?;
    let query = "DELETE FROM made WHERE name = ANY($1) RETURNING *";
    equal(sqlx::query(query).bind(vec!["n1", "n3"]).fetch_all(&pool).await?.len(), 2)
}

async fn sqlx_paging() -> Outcome {
    let pool = pool(1).await?;
    let query = "SELECT id, count(*) OVER () FROM t \
                 WHERE ($1::text IS NULL OR name ILIKE '%' || $1 || '%') \
                 ORDER BY price DESC NULLS LAST, id LIMIT $2 OFFSET $3";
    let bound = sqlx::query_as(query).bind(None::<String>).bind(2_i64).bind(10_i64);
    same(bound.fetch_all(&pool).await?, vec![(90, 100_i64), (89, 100)])?;
    let bound = sqlx::query_as(query).bind("EA 7").bind(2_i64).bind(0_i64);
    same(bound.fetch_all(&pool).await?, vec![(79, 11_i64), (78, 11)])
}

async fn sqlx_copy_in() -> Outcome {
    let pool = pool(2).await?;
    pool.execute("CREATE TABLE loaded (id int, name text)").await?;
    let mut copy = pool.copy_in_raw("COPY loaded FROM STDIN (FORMAT csv)").await?;
    equal((copy.is_textual(), copy.num_columns()), (true, 2))?;
    for id in 0..500 {
        copy.send(format!("{id},\"a, {id}\"\n").into_bytes()).await?;
    }
    equal(copy.finish().await?, 500)?;
    let mut copy = pool.copy_in_raw("COPY loaded (id) FROM STDIN").await?;
    copy.send("501\n".as_bytes()).await?;
    copy.abort("changed my mind").await?;
    let mut copy = pool.copy_in_raw("COPY loaded (id) FROM STDIN").await?;
    copy.send("x\n".as_bytes()).await?;
    fails(copy.finish().await, "22P02")?;
    fails(pool.copy_in_raw("COPY no_such_tea FROM STDIN").await.map(|_| ()), "42P01")?;
    drop(pool.copy_in_raw("COPY loaded FROM STDIN").await?);
    equal(count(&pool, "loaded").await?, 500)
}

async fn sqlx_copy_out() -> Outcome {
    let pool = pool(1).await?;
    let query =
        "COPY (SELECT id, name FROM t WHERE id < 3 ORDER BY id) TO STDOUT (FORMAT csv, HEADER)";
    let parts: Vec<_> = pool.copy_out_raw(query).await?.try_collect().await?;
    equal(String::from_utf8(parts.concat())?.as_str(), "id,name\n1,tea 1\n2,tea 2\n")?;
    let mut binary = pin!(pool.copy_out_raw("COPY t (id) TO STDOUT (FORMAT binary)").await?);
    let first = binary.try_next().await?.unwrap_or_default();
    holds("the head of a binary COPY", first.starts_with(b"PGCOPY\n\xff\r\n\0"))?;
    while binary.try_next().await?.is_some() {}
    equal(count(&pool, "t").await?, 100)
}

async fn sqlx_described() -> Outcome {
    let mut one = connection().await?;
    let query = "SELECT id, name, at, price * $1 AS total FROM t WHERE day = $2 AND uid = ANY($3)";
    let got = (&mut one).describe(query.into_sql_str()).await?;
    equal(names(got.parameters()).as_str(), "NUMERIC DATE UUID[]")?;
    equal(columns(got.columns()).as_str(), "id INT4, name TEXT, at TIMESTAMPTZ, total NUMERIC")?;
    let query = "INSERT INTO t (id, doc) VALUES ($1, $2)";
    let got = (&mut one).describe(query.into_sql_str()).await?;
    equal(names(got.parameters()).as_str(), "INT4 JSONB")?;
    equal(got.columns().len(), 0)
}

/// What table and column each result comes from.
async fn sqlx_origins() -> Outcome {
    let mut one = connection().await?;
    let query = "SELECT id, name AS label, id + 1, w.price FROM t JOIN \
                 (SELECT price, id AS wid FROM t) w ON wid = id";
    let got = (&mut one).describe(query.into_sql_str()).await?;
    let origin = |column: &sqlx::postgres::PgColumn| match column.origin() {
        ColumnOrigin::Table(from) => format!("{}.{}", from.table, from.name),
        ColumnOrigin::Expression => "expression".to_owned(),
        ColumnOrigin::Unknown => "unknown".to_owned(),
    };
    let found: Vec<_> = got.columns().iter().map(origin).collect();
    equal(found, ["t.id", "t.name", "expression", "t.price"])
}

async fn nullability(queries: &[(&'static str, &[Option<bool>])]) -> Outcome {
    let mut one = connection().await?;
    // sqlx reads the plan, so there must be one way only to join.
    one.execute("SET enable_hashjoin = off; SET enable_mergejoin = off").await?;
    let mut faults = Faults::default();
    for (query, wanted) in queries {
        let found = (&mut one).describe(query.into_sql_str()).await;
        let found = found.map_err(Into::into);
        faults.part(query, found.and_then(|got| equal(got.nullable, wanted.to_vec())));
    }
    faults.end()
}

async fn sqlx_nullability() -> Outcome {
    const YES: Option<bool> = Some(true);
    const NO: Option<bool> = Some(false);
    nullability(&[
        ("SELECT id, name, id + 1, count(*) OVER () FROM t", &[NO, YES, None, None]),
        ("SELECT * FROM (SELECT id, name FROM t WHERE id = $1) w", &[NO, YES]),
        ("INSERT INTO t (id, name) VALUES ($1, $2) RETURNING id, name", &[NO, YES]),
        ("UPDATE t SET name = $1 WHERE id = $2 RETURNING id", &[NO]),
        ("DELETE FROM t WHERE id = $1", &[]),
        ("SELECT $1::int, 'x'", &[None, None]),
        ("SELECT relname FROM pg_class", &[NO]),
    ])
    .await
}

async fn sqlx_nullability_of_joins() -> Outcome {
    const YES: Option<bool> = Some(true);
    const NO: Option<bool> = Some(false);
    nullability(&[
        ("SELECT a.id, b.id FROM t a LEFT JOIN t b ON a.id = b.id + 1", &[NO, YES]),
        ("SELECT a.id, b.id FROM t a RIGHT JOIN t b ON a.id = b.id + 1", &[YES, NO]),
        ("SELECT a.id, b.id FROM t a FULL JOIN t b ON a.id = b.id", &[YES, YES]),
        ("SELECT a.id, b.id FROM t a JOIN t b ON a.id = b.id", &[NO, NO]),
    ])
    .await
}

/// The statement of the protocol, by its name in SQL, as `describe` asks for its plan.
async fn sqlx_explain() -> Outcome {
    let mut one = connection().await?;
    let query = "SELECT id, name FROM t WHERE id = $1 AND name = $2";
    sqlx::query(query).bind(1).bind("x").execute(&mut one).await?;
    let explain = "EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE sqlx_s_1(NULL, NULL)";
    let plan: serde_json::Value = sqlx::query_scalar(explain).fetch_one(&mut one).await?;
    equal(&plan[0]["Plan"]["Output"], &serde_json::json!(["id", "name"]))
}
