//! tokio-postgres: the types that the server infers for parameters.

use postgres_types::Type;

use crate::checks::{Check, Faults, Outcome, equal, fail};
use crate::tokio_session::client;

pub fn checks() -> Vec<Check> {
    crate::checks![
        tokio_inferred_in_where,
        tokio_inferred_in_writes,
        tokio_inferred_in_expressions,
        tokio_inferred_in_functions,
        tokio_inferred_rarely,
        tokio_wrong_type,
    ]
}

/// Each statement with the names of the types that the server gives its parameters.
async fn infer(wanted: &[(&str, &str)]) -> Outcome {
    let client = client().await?;
    let mut faults = Faults::default();
    for (query, types) in wanted {
        let found = match client.prepare(query).await {
            Ok(got) => got.params().iter().map(Type::name).collect::<Vec<_>>().join(" "),
            Err(error) => crate::checks::whole(&error),
        };
        faults.part(query, equal(found.as_str(), *types));
    }
    faults.end()
}

async fn tokio_inferred_in_where() -> Outcome {
    infer(&[
        ("SELECT 1 FROM t WHERE id = $1", "int4"),
        ("SELECT 1 FROM t WHERE $1 = big", "int8"),
        ("SELECT 1 FROM t WHERE small < $1 AND real4 > $2", "int2 float4"),
        ("SELECT 1 FROM t WHERE name = $1 AND code = $2", "text text"),
        ("SELECT 1 FROM t WHERE price >= $1 AND value <> $2", "numeric float8"),
        ("SELECT 1 FROM t WHERE at BETWEEN $1 AND $2", "timestamptz timestamptz"),
        ("SELECT 1 FROM t WHERE made < $1 OR day = $2", "timestamp date"),
        ("SELECT 1 FROM t WHERE uid = $1 AND ok = $2", "uuid bool"),
        ("SELECT 1 FROM t WHERE ok AND $1", "bool"),
        ("SELECT 1 FROM t WHERE id = ANY($1) AND name = ANY($2)", "_int4 _text"),
        ("SELECT 1 FROM t WHERE id <> ALL($1) AND uid = ANY($2)", "_int4 _uuid"),
        ("SELECT 1 FROM t WHERE id IN ($1, $2)", "int4 int4"),
        ("SELECT 1 FROM t WHERE name LIKE $1 OR name ILIKE $2 OR name ~ $3", "text text text"),
        ("SELECT 1 FROM t WHERE tags = $1 OR tags @> $2 OR $3 = ANY(tags)", "_text _text text"),
        ("SELECT 1 FROM t WHERE doc @> $1 AND doc ? $2", "jsonb text"),
        ("SELECT 1 FROM t ORDER BY id LIMIT $1 OFFSET $2", "int8 int8"),
        ("SELECT 1 FROM t WHERE id = (SELECT max(id) FROM t WHERE big = $1)", "int8"),
        ("SELECT 1 FROM t a JOIN t b ON a.id = b.id AND b.big = $1 WHERE a.name = $2", "int8 text"),
        ("SELECT name, count(*) FROM t GROUP BY 1 HAVING count(*) > $1", "int8"),
        ("SELECT name FROM t GROUP BY name HAVING sum(price) > $1", "numeric"),
        ("SELECT 1 FROM t WHERE name IS NOT DISTINCT FROM $1", "text"),
        (
            "WITH w AS (SELECT id, price FROM t) SELECT 1 FROM w WHERE id = $1 AND price < $2",
            "int4 numeric",
        ),
        (
            "SELECT 1 FROM (SELECT big AS x FROM t UNION ALL SELECT id FROM t) u WHERE x = $1",
            "int8",
        ),
    ])
    .await
}

async fn tokio_inferred_in_writes() -> Outcome {
    infer(&[
        (
            "INSERT INTO t (id, name, price, at, tags) VALUES ($1, $2, $3, $4, $5)",
            "int4 text numeric timestamptz _text",
        ),
        (
            "INSERT INTO t (id, doc, uid) VALUES ($1, $2, $3), ($4, $5, $6)",
            "int4 jsonb uuid int4 jsonb uuid",
        ),
        ("INSERT INTO t (id, big) SELECT $1, $2", "int4 int8"),
        (
            "INSERT INTO t (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = $3 \
          WHERE t.price > $4 RETURNING id",
            "int4 text text numeric",
        ),
        (
            "UPDATE t SET name = $1, value = $2, at = $3, code = $4 WHERE id = $5",
            "text float8 timestamptz varchar int4",
        ),
        ("UPDATE t SET price = price + $1, big = big * $2 WHERE id = $3", "numeric int8 int4"),
        ("UPDATE t SET (name, small) = ($1, $2) WHERE day = $3", "text int2 date"),
        ("UPDATE t SET name = coalesce($1, name) WHERE id = $2", "text int4"),
        (
            "UPDATE t SET value = v.value FROM (VALUES ($1::int, $2::float8)) v (id, value) \
          WHERE t.id = v.id AND t.ok = $3",
            "int4 float8 bool",
        ),
        ("DELETE FROM t WHERE id = $1 AND at < $2 RETURNING id", "int4 timestamptz"),
        ("DELETE FROM t USING t o WHERE t.id = o.id AND o.big = $1", "int8"),
    ])
    .await
}

async fn tokio_inferred_in_expressions() -> Outcome {
    infer(&[
        ("SELECT $1", "text"),
        ("SELECT $1::int, $2::text[], CAST($3 AS numeric(8,2))", "int4 _text numeric"),
        ("SELECT $1 + 1, 1.5 * $2, id - $3, big / $4 FROM t", "int4 numeric int4 int8"),
        ("SELECT name || $1, $2 || name FROM t", "text text"),
        ("SELECT at + $1, at - $2, day - $3 FROM t", "interval timestamptz date"),
        ("SELECT coalesce(price, $1), nullif(id, $2) FROM t", "numeric int4"),
        ("SELECT greatest(big, $1), least($2, day) FROM t", "int8 date"),
        ("SELECT CASE WHEN id = $1 THEN $2 ELSE name END FROM t", "int4 text"),
        ("SELECT CASE WHEN $1 THEN id ELSE $2 END FROM t", "bool int4"),
        ("SELECT CASE small WHEN $1 THEN price WHEN 2 THEN $2 END FROM t", "int2 numeric"),
        ("SELECT doc -> $1, doc ->> $2, doc #>> $3 FROM t", "text text _text"),
        ("SELECT ARRAY[id, $1], tags[$2] FROM t", "int4 int4"),
        ("SELECT EXISTS (SELECT 1 FROM t WHERE id = $1)", "int4"),
        ("VALUES ($1::int, $2::text), ($3, $4)", "int4 text int4 text"),
        ("SELECT $1::text AS a, $1 || 'x' AS b", "text"),
        ("SELECT $2::int, $1::bool", "bool int4"),
    ])
    .await
}

async fn tokio_inferred_in_functions() -> Outcome {
    infer(&[
        ("SELECT g FROM generate_series(1, $1) g", "int4"),
        ("SELECT to_char(at, $1), date_trunc($2, at), extract(epoch FROM at) FROM t", "text text"),
        ("SELECT round(price, $1), mod(id, $2) FROM t", "int4 int4"),
        ("SELECT string_agg(name, $1), array_position(tags, $2) FROM t GROUP BY tags", "text text"),
        ("SELECT sum(price) FILTER (WHERE id > $1) FROM t", "int4"),
        ("SELECT lag(id, $1) OVER (ORDER BY id) FROM t", "int4"),
        ("SELECT unnest($1::int[]), upper($2), length($3)", "_int4 text text"),
        ("SELECT pg_try_advisory_lock($1)", "int8"),
        (
            "SELECT to_timestamp($1), left(name, $2), lpad(name, $3, $4) FROM t",
            "float8 int4 int4 text",
        ),
        ("SELECT jsonb_set(doc, $1, $2) FROM t", "_text jsonb"),
        ("SELECT to_regtype($1), to_regclass($2)", "text text"),
    ])
    .await
}

async fn tokio_inferred_rarely() -> Outcome {
    infer(&[
        ("SELECT 1 FROM t WHERE ok AND NOT (price = ANY($1))", "_numeric"),
        ("SELECT 1 FROM t WHERE (id, name) = ($1, $2)", "int4 text"),
        ("INSERT INTO t (id, code) VALUES ($1, $2)", "int4 varchar"),
        ("INSERT INTO t (id, name, raw) SELECT * FROM unnest($1::int[], $2::text[], $3::bytea[])",
            "_int4 _text _bytea"),
        ("SELECT id FROM t UNION SELECT $1", "int4"),
        ("SELECT upper($1), length($2), substr($3, $4, $5)", "text text text int4 int4"),
        ("SELECT current_setting($1), set_config($2, $3, $4)", "text text text bool"),
        ("SELECT pg_notify($1, $2)", "text text"),
    ])
    .await
}

/// A parameter that the driver cannot write as the server's type never gets to the server.
async fn tokio_wrong_type() -> Outcome {
    let client = client().await?;
    let Err(error) = client.query("SELECT 1 FROM t WHERE id = $1", &[&"1"]).await else {
        return Err(fail("text for an int4 parameter"));
    };
    equal(
        crate::checks::whole(&error),
        "error serializing parameter 0: cannot convert between the Rust type `&str` and the \
         Postgres type `int4`",
    )?;
    equal(client.query("SELECT 1", &[]).await?.len(), 1)
}
