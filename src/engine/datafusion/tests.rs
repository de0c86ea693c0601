//! The engine over real datasets and a recorded stand-in for DuckDB.

use std::sync::{Arc, Mutex};

use ::datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::array::{
    ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::dataset::{DatasetColumn, DatasetStore};
use crate::engine::{BatchStream, Execution, QueryContext};
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::sqlstate::SqlState;
use crate::types::{Column, Numeric, PgType, Value, numeric_typmod, storage_field};

/// Has one table, `public.orders`, and remembers what it was asked.
#[derive(Debug, Default)]
struct Recorded(Mutex<Vec<String>>);

fn orders() -> RecordBatch {
    let id: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
    let who: ArrayRef = Arc::new(StringArray::from(vec![Some("ann"), Some("bob"), None]));
    let at = TimestampMicrosecondArray::from(vec![0, 1_000_000, 2_000_000]);
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int32, true),
        Field::new("Who", DataType::Utf8, true),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, None), true),
    ]);
    RecordBatch::try_new(Arc::new(schema), vec![id, who, Arc::new(at)]).unwrap()
}

#[async_trait]
impl ForeignTables for Recorded {
    async fn schema(&self, schema: &str, table: &str) -> Result<Option<SchemaRef>> {
        Ok((schema == "public" && table == "orders").then(|| orders().schema()))
    }

    async fn scan(&self, sql: &str, _context: &QueryContext) -> Result<BatchStream> {
        self.0.lock().unwrap().push(sql.to_owned());
        // The columns in the order of the SELECT; filters are not applied here.
        let (list, _) = sql.strip_prefix("SELECT ").unwrap().split_once(" FROM ").unwrap();
        let all = orders();
        if list == "1" {
            return Ok(Box::pin(futures::stream::iter([Ok(all.project(&[0]).unwrap())])));
        }
        let schema = all.schema();
        let at = |name: &str| schema.index_of(name.trim_matches('"')).unwrap();
        let columns: Vec<usize> = list.split(", ").map(at).collect();
        Ok(Box::pin(futures::stream::iter([Ok(all.project(&columns).unwrap())])))
    }
}

struct Fixture {
    _root: tempfile::TempDir,
    store: Arc<DatasetStore>,
    duckdb: Arc<Recorded>,
    engine: DataFusionEngine,
}

fn context() -> QueryContext {
    QueryContext {
        cancel: CancellationToken::new(),
        time_zone: "UTC".into(),
        search_path: vec!["public".into()],
    }
}

fn fixture() -> Fixture {
    let root = tempfile::tempdir().unwrap();
    // A path with characters that a URL would escape.
    let store = Arc::new(DatasetStore::open(&root.path().join("da ta%20=ü")).unwrap());
    let duckdb = Arc::new(Recorded::default());
    let settings = Settings {
        database: "postgres".into(),
        memory_mib: 64,
        spill_dir: root.path().join("spill"),
        spill_max_mib: 64,
        threads: 2,
    };
    let foreign = Arc::clone(&duckdb) as Arc<dyn ForeignTables>;
    let engine = DataFusionEngine::new(Arc::clone(&store), foreign, settings).unwrap();
    let fixture = Fixture { _root: root, store, duckdb, engine };
    fixture.create(
        1,
        "t",
        vec![
            Column::new("id", PgType::INT8),
            Column::new("name", PgType::TEXT),
            Column::new("n", PgType::INT4),
        ],
    );
    fixture.append(2, "t", t_rows(&[(1, Some("a"), Some(10)), (2, Some("b"), None)]));
    fixture.append(3, "t", t_rows(&[(3, None, Some(30)), (4, Some("d"), Some(40))]));
    fixture
}

fn t_rows(rows: &[(i64, Option<&str>, Option<i32>)]) -> Vec<ArrayRef> {
    vec![
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0))),
        Arc::new(StringArray::from_iter(rows.iter().map(|row| row.1))),
        Arc::new(Int32Array::from_iter(rows.iter().map(|row| row.2))),
    ]
}

impl Fixture {
    fn create(&self, seq: u64, table: &str, columns: Vec<Column>) {
        let columns = columns.into_iter().map(DatasetColumn::nullable).collect();
        self.store
            .create(IntentSeq(seq), &TableName::new("public", table), columns, false)
            .unwrap();
    }

    fn append(&self, seq: u64, table: &str, arrays: Vec<ArrayRef>) {
        let name = TableName::new("public", table);
        let columns = self.store.pin(&name).unwrap().columns.clone();
        let fields: Vec<Field> =
            columns.iter().map(|c| storage_field(&c.column, true).unwrap()).collect();
        let arrays = arrays.iter().zip(&fields);
        let arrays =
            arrays.map(|(array, f)| arrow::compute::cast(array, f.data_type()).unwrap()).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
        self.store.append(IntentSeq(seq), &name, &mut std::iter::once(Ok(batch))).unwrap();
    }

    async fn rows_with(&self, sql: &str, params: &[Value]) -> Result<Vec<String>> {
        collect(self.engine.execute(sql, params, &context(), None).await?).await
    }

    async fn rows(&self, sql: &str) -> Vec<String> {
        self.rows_with(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    async fn error(&self, sql: &str) -> Error {
        match self.rows_with(sql, &[]).await {
            Ok(rows) => panic!("{sql} gave {rows:?}"),
            Err(error) => error,
        }
    }

    fn pushed(&self) -> Vec<String> {
        std::mem::take(&mut self.duckdb.0.lock().unwrap())
    }
}

async fn collect(execution: Execution) -> Result<Vec<String>> {
    let mut stream = execution.stream;
    let mut rows = Vec::new();
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let options = FormatOptions::default().with_null("NULL");
        let formatters: Vec<_> =
            batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let values: Vec<String> = formatters.iter().map(|f| f.value(row).to_string()).collect();
            rows.push(values.join("|"));
        }
    }
    Ok(rows)
}

#[tokio::test]
async fn datasets_are_read_with_filters_and_parameters() {
    let f = fixture();
    assert_eq!(
        f.rows("SELECT * FROM t ORDER BY id").await,
        ["1|a|10", "2|b|NULL", "3|NULL|30", "4|d|40"]
    );
    assert_eq!(
        f.rows("SELECT ID, public.t.name FROM public.T WHERE n > 10 ORDER BY 1").await,
        ["3|NULL", "4|d"]
    );
    let values = [Value::Int8(2), Value::Text("d".into())];
    let found = f.rows_with("SELECT id FROM t WHERE id >= $1 AND name = $2", &values).await;
    assert_eq!(found.unwrap(), ["4"]);
    let found = f.rows_with("SELECT id FROM t WHERE n = $1", &[Value::Null]).await.unwrap();
    assert!(found.is_empty());
    assert_eq!(f.rows("SELECT count(*), sum(n), max(name) FROM t").await, ["4|80|d"]);
    assert_eq!(f.rows("SELECT min(id), max(n), count(n) FROM t").await, ["1|40|3"]);
}

#[tokio::test]
async fn it_means_what_postgresql_means() {
    let f = fixture();
    assert_eq!(f.rows("SELECT 7 / 2, 7 % 4, 1.5 + 1, 'a' || 'b'").await, ["3|3|2.5|ab"]);
    assert_eq!(f.rows("SELECT n FROM t ORDER BY n").await, ["10", "30", "40", "NULL"]);
    assert_eq!(f.rows("SELECT n FROM t ORDER BY n DESC").await, ["NULL", "40", "30", "10"]);
    assert_eq!(f.rows("SELECT id AS x, id AS x, t.id FROM t WHERE id = 1").await, ["1|1|1"]);
    assert_eq!(f.rows("SELECT *, id FROM t WHERE id = 1 ORDER BY id").await, ["1|a|10|1"]);
    assert_eq!(
        f.rows("SELECT '12'::int, '2024-02-29'::timestamp, 'x'::varchar(3)").await,
        ["12|2024-02-29T00:00:00|x"]
    );
    let code = async |sql: &str| f.error(sql).await.code();
    assert_eq!(code("SELECT n / 0 FROM t").await, SqlState::DIVISION_BY_ZERO);
    assert_eq!(
        code("SELECT id * 9223372036854775807 FROM t").await,
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE
    );
    assert_eq!(
        code("SELECT id FROM t WHERE id + 9223372036854775807 > 1").await,
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE
    );
}

#[tokio::test]
async fn errors_have_postgresqls_codes() {
    let f = fixture();
    let told = async |sql: &str| {
        let error = f.error(sql).await;
        (error.code(), error.message().to_owned())
    };
    let (code, message) = told("SELECT * FROM nope").await;
    assert_eq!(
        (code, message.as_str()),
        (SqlState::UNDEFINED_TABLE, "relation \"nope\" does not exist")
    );
    let (code, message) = told("SELECT * FROM s.nope").await;
    assert_eq!(
        (code, message.as_str()),
        (SqlState::UNDEFINED_TABLE, "relation \"s.nope\" does not exist")
    );
    let (code, message) = told("SELECT foo FROM t").await;
    assert_eq!(
        (code, message.as_str()),
        (SqlState::UNDEFINED_COLUMN, "column \"foo\" does not exist")
    );
    let (code, message) = told("SELECT nope(id) FROM t").await;
    assert_eq!(code, SqlState::UNDEFINED_FUNCTION, "{message}");
    let (code, message) = told("SELECT id, count(*) FROM t").await;
    assert_eq!(code, SqlState::GROUPING_ERROR, "{message}");
    let (code, message) = told("SELECT name::int FROM t WHERE id = 1").await;
    assert_eq!(
        (code, message.as_str()),
        (SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type integer: \"a\"")
    );
    let (code, message) = told("SELECT (id * 3000000000)::int FROM t").await;
    assert_eq!(code, SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "{message}");
    assert_eq!(told("SELECT 1 +").await.0, SqlState::SYNTAX_ERROR);
    assert_eq!(told("SELECT a.id FROM t a, t b WHERE id = 1").await.0, SqlState::AMBIGUOUS_COLUMN);
    assert_eq!(told("SELECT (SELECT id FROM t)").await.0, SqlState::CARDINALITY_VIOLATION);
    assert_eq!(told("SELECT $1").await.0, SqlState::UNDEFINED_PARAMETER);
}

#[tokio::test]
async fn only_queries_pass() {
    let f = fixture();
    for sql in [
        "INSERT INTO t VALUES (1)",
        "CREATE TABLE x (a int)",
        "CREATE EXTERNAL TABLE x STORED AS ARROW LOCATION '/etc'",
        "COPY t TO '/tmp/x'",
        "SET datafusion.execution.batch_size = 1",
        "EXPLAIN SELECT 1",
        "SHOW ALL",
        "DROP TABLE t",
        "SELECT 1; SELECT 2",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM read_csv('/etc/passwd')",
        "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
    ] {
        let error = f.error(sql).await;
        assert_ne!(error.code().class(), "XX", "{sql}: {error:?}");
    }
    assert_eq!(f.rows("SELECT count(*) FROM t").await, ["4"]);
}

#[tokio::test]
async fn statements_are_described_without_running() {
    let f = fixture();
    let describe = async |sql: &str, known: &[Option<PgType>]| {
        f.engine.describe(sql, known, &context(), None).await.unwrap()
    };
    let found =
        describe("SELECT id, name AS who, 1/0 AS x FROM t WHERE id = $1 LIMIT $2", &[]).await;
    assert_eq!(found.params, [PgType::INT8, PgType::INT8]);
    let names: Vec<_> = found.columns.iter().map(|c| (c.name.as_str(), c.pg_type)).collect();
    assert_eq!(names[..2], [("id", PgType::INT8), ("who", PgType::TEXT)]);
    let found =
        describe("SELECT $1 AS a, upper($2) AS b, $3 + 1 AS c", &[None, None, Some(PgType::INT4)])
            .await;
    assert_eq!(found.params, [PgType::TEXT, PgType::TEXT, PgType::INT4]);
    assert_eq!(found.columns[0].pg_type, PgType::TEXT);
    let found = describe("SELECT id, id, t.id AS id FROM t", &[]).await;
    assert!(found.columns.iter().all(|column| column.name == "id"));
    let found = describe("SELECT count(*), sum(n), 1 + 1, n::text, 2 FROM t GROUP BY n", &[]).await;
    let names: Vec<_> = found.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["count", "sum", "?column?", "n", "?column?"]);
    assert!(f.pushed().is_empty());
}

#[tokio::test]
async fn values_of_every_kind_are_bound() {
    let f = fixture();
    let day = 86_400_000_000;
    let values = [
        (Value::Bool(true), "true"),
        (Value::Int2(-1), "-1"),
        (Value::Float8(0.1), "0.1"),
        (Value::Numeric(Numeric { unscaled: 1234, scale: 3 }), "1.234"),
        (Value::Date(1), "1970-01-02"),
        (Value::Time(1_000_000), "00:00:01"),
        (Value::Timestamp(day), "1970-01-02T00:00:00"),
        (Value::Timestamptz(day), "1970-01-02T00:00:00Z"),
        (Value::Uuid([0x11; 16]), "11111111-1111-1111-1111-111111111111"),
        (Value::Bytea(vec![1, 255]), "01ff"),
        (
            Value::Array(crate::types::ScalarType::Int4, vec![Value::Int4(1), Value::Null]),
            "[1, NULL]",
        ),
        (Value::Null, "NULL"),
    ];
    for (value, text) in values {
        let got = f.rows_with("SELECT $1 AS v", std::slice::from_ref(&value)).await;
        assert_eq!(got.unwrap(), [text], "{value:?}");
    }
}

#[tokio::test]
async fn parts_that_cannot_match_are_skipped() {
    let f = fixture();
    let files = async |sql: &str| {
        let plan = f.engine.explain(sql, &[], &context(), false).await.unwrap().join("\n");
        plan.matches(".arrow").count()
    };
    assert_eq!(files("SELECT * FROM t").await, 2);
    assert_eq!(files("SELECT * FROM t WHERE id > 2").await, 1);
    assert_eq!(files("SELECT * FROM t WHERE name = 'b'").await, 1);
    assert_eq!(files("SELECT * FROM t WHERE id > 1 AND id < 3").await, 1);
    assert_eq!(files("SELECT * FROM t WHERE id > 9").await, 0);
    assert!(f.rows("SELECT * FROM t WHERE id > 9").await.is_empty());
    assert_eq!(files("SELECT count(*) FROM t").await, 0);
    let analyzed = f.engine.explain("SELECT * FROM t", &[], &context(), true).await.unwrap();
    assert!(analyzed.iter().any(|line| line.contains("output_rows=4")), "{analyzed:?}");
}

#[tokio::test]
async fn duckdb_tables_are_pushed_down() {
    let f = fixture();
    let rows =
        f.rows("SELECT t.name, o.\"Who\" FROM t JOIN orders o ON t.id = o.id ORDER BY t.id").await;
    assert_eq!(rows, ["a|ann", "b|bob", "NULL|NULL"]);
    assert_eq!(f.pushed(), ["SELECT \"id\", \"Who\" FROM \"main\".\"orders\""]);
    assert_eq!(f.rows("SELECT count(*) FROM orders").await, ["3"]);
    assert_eq!(f.pushed(), ["SELECT 1 FROM \"main\".\"orders\""]);
    let cases = [
        ("id > 1 AND \"Who\" = 'it''s'", "(\"id\" > '1'::INTEGER) AND (\"Who\" = 'it''s')"),
        ("id IN (1, 2, 3, 5)", "(\"id\" IN ("),
        ("id = 1 OR NOT (\"Who\" LIKE 'a\\_%')", "LIKE 'a\\_%' ESCAPE '\\'"),
        ("\"Who\" IS NULL", "(\"Who\" IS NULL)"),
        (
            "at BETWEEN '1970-01-01' AND '1970-01-02 03:04:05.5'",
            "'1970-01-02 03:04:05.500000'::TIMESTAMP",
        ),
    ];
    for (filter, pushed) in cases {
        f.rows(&format!("SELECT id FROM orders WHERE {filter}")).await;
        let sql = f.pushed().concat();
        assert!(sql.contains(" WHERE ") && sql.contains(pushed), "{filter}: {sql}");
    }
    f.rows("SELECT id FROM orders WHERE id > 1 LIMIT 2").await;
    assert!(f.pushed().concat().ends_with(" LIMIT 2"));
    // What DuckDB may see otherwise is not sent, and then neither is the limit.
    f.rows("SELECT id FROM orders WHERE upper(\"Who\") = 'BOB' LIMIT 1").await;
    assert_eq!(f.pushed(), ["SELECT \"id\", \"Who\" FROM \"main\".\"orders\""]);
    let plan = f.engine.explain("SELECT id FROM orders", &[], &context(), false).await.unwrap();
    assert!(plan.concat().contains("DuckDbScan: SELECT \"id\""), "{plan:?}");
}

#[tokio::test]
async fn a_snapshot_outlives_changes() {
    let f = fixture();
    let snapshot = f.engine.snapshot();
    let name = TableName::new("public", "t");
    f.store.drop_dataset(IntentSeq(4), &name, false).unwrap();
    f.store.sweep().unwrap();
    let sql = "SELECT count(n), sum(id) FROM t";
    let counted = f.engine.execute(sql, &[], &context(), Some(&snapshot)).await.unwrap();
    assert_eq!(collect(counted).await.unwrap(), ["3|10"]);
    assert_eq!(f.error("SELECT * FROM t").await.code(), SqlState::UNDEFINED_TABLE);
    drop(snapshot);
}

#[tokio::test]
async fn a_query_stops_when_cancelled_or_dropped() {
    let f = fixture();
    let endless = "SELECT count(*) FROM generate_series(1, 100000000) a, \
                   generate_series(1, 100000000) b \
                   WHERE a.value * b.value = 7";
    let canceled = context();
    let mut stream = f.engine.execute(endless, &[], &canceled, None).await.unwrap().stream;
    canceled.cancel.cancel();
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (SqlState::QUERY_CANCELED, "canceling statement due to user request")
    );
    assert!(stream.next().await.is_none());
    let planned = f.engine.execute(endless, &[], &canceled, None).await;
    assert_eq!(planned.err().unwrap().code(), SqlState::QUERY_CANCELED);
    // A dropped stream lets go of its snapshot, so that the directory can be swept.
    let name = TableName::new("public", "t");
    let part = f.store.pin(&name).unwrap().part_paths().remove(0);
    let stream = f.engine.execute(endless, &[], &context(), None).await.unwrap().stream;
    f.store.drop_dataset(IntentSeq(9), &name, false).unwrap();
    f.store.sweep().unwrap();
    assert!(part.exists());
    drop(stream);
    // The task ends on its own thread, at its next yield.
    while part.parent().unwrap().exists() {
        tokio::task::yield_now().await;
        f.store.sweep().unwrap();
    }
}

#[tokio::test]
async fn types_come_back_as_they_were_declared() {
    let f = fixture();
    let mut price = Column::new("price", PgType::NUMERIC);
    price.typmod = numeric_typmod(10, 2);
    let columns = vec![
        Column::new("key", PgType::UUID),
        Column::new("doc", PgType::JSONB),
        Column::new("code", PgType::VARCHAR),
        price.clone(),
        Column::new("at", PgType::TIMESTAMPTZ),
        Column::new("tags", PgType::Array(crate::types::ScalarType::Text)),
    ];
    f.create(10, "Typed", columns.clone());
    let found = f.engine.describe("SELECT * FROM \"Typed\"", &[], &context(), None).await.unwrap();
    assert_eq!(found.columns, columns);
    let sql = "SELECT doc::int, price::text, price::numeric(12,4), at::date, code FROM \"Typed\"";
    let cast = f.engine.describe(sql, &[], &context(), None).await.unwrap().columns;
    let types: Vec<PgType> = cast.iter().map(|column| column.pg_type).collect();
    let expected = [PgType::INT4, PgType::TEXT, PgType::NUMERIC, PgType::DATE, PgType::VARCHAR];
    assert_eq!(types, expected);
    assert_eq!(cast[2].typmod, numeric_typmod(12, 4));
    let name = TableName::new("public", "Typed");
    let pin = f.store.pin(&name).unwrap();
    let fields: Vec<Field> =
        pin.columns.iter().map(|c| storage_field(&c.column, true).unwrap()).collect();
    let schema = Arc::new(Schema::new(fields));
    let text = |index: usize, text: &str| {
        let array = StringArray::from(vec![text]);
        arrow::compute::cast(&array, schema.field(index).data_type()).unwrap()
    };
    let at = TimestampMicrosecondArray::from(vec![0]).with_timezone("UTC");
    let tags = arrow::array::new_null_array(schema.field(5).data_type(), 1);
    let arrays = vec![
        text(0, "11111111-1111-1111-1111-111111111111"),
        text(1, "{\"a\":1}"),
        text(2, "c"),
        text(3, "12.34"),
        Arc::new(at),
        tags,
    ];
    let batch = RecordBatch::try_new(schema, arrays).unwrap();
    f.store.append(IntentSeq(11), &name, &mut std::iter::once(Ok(batch))).unwrap();
    let berlin = QueryContext { time_zone: "Europe/Berlin".into(), ..context() };
    let sql = "SELECT key, price, at::text, at::date FROM \"Typed\" \
               WHERE key = '11111111-1111-1111-1111-111111111111' \
               AND at = '1970-01-01 01:00:00'::timestamptz";
    let rows = f.engine.execute(sql, &[], &berlin, None).await.unwrap();
    let rows = collect(rows).await.unwrap();
    assert_eq!(
        rows,
        ["11111111-1111-1111-1111-111111111111|12.34|1970-01-01T01:00:00+01:00|1970-01-01"]
    );
}
