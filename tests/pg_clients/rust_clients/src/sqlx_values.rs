//! sqlx: values of every type as parameters and as results, in binary both ways, types that the
//! server has to be asked for, and the names of types.

use std::fmt::Debug;
use std::net::IpAddr;
use std::ops::Bound;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::types::{
    Oid, PgInterval, PgMoney, PgPoint, PgRange, PgRecordDecoder, PgRecordEncoder, PgTimeTz,
};
use sqlx::postgres::{
    PgArgumentBuffer, PgConnection, PgHasArrayType, PgTypeInfo, PgValueRef, Postgres,
};
use sqlx::types::Json;
use sqlx::types::ipnet::IpNet;
use sqlx::{AssertSqlSafe, Column, Decode, Executor, Row, SqlSafeStr, Statement, Type, TypeInfo};
use uuid::Uuid;

use crate::checks::{Check, Faults, Outcome, equal, same, text_of};
use crate::sqlx_session::connection;

pub fn checks() -> Vec<Check> {
    crate::checks![
        sqlx_numbers,
        sqlx_texts,
        sqlx_times,
        sqlx_infinity,
        sqlx_intervals,
        sqlx_ranges,
        sqlx_json,
        sqlx_uuid,
        sqlx_inet,
        sqlx_arrays,
        sqlx_odd_types,
        sqlx_as_text,
        sqlx_enum,
        sqlx_enum_array,
        sqlx_composite,
        sqlx_domain,
        sqlx_records,
        sqlx_type_names,
    ]
}

/// A value there and back with the type that the driver gives it, and its NULL. The server's text
/// of it counts in `sqlx_as_text`.
async fn trip<T>(one: &mut PgConnection, value: T, text: &str) -> Outcome
where
    T: Encode<'static, Postgres> + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    T: Clone + PartialEq + Debug + Send + Unpin + 'static,
{
    let kind = T::type_info();
    // sqlx keeps a statement by its text alone, so the text must tell the types apart.
    let query = AssertSqlSafe(format!("SELECT $1, $2 -- {}", kind.name()));
    let bound = sqlx::query_as(query).bind(value.clone()).bind(None::<T>);
    let found: (T, Option<T>) = bound.fetch_one(&mut *one).await?;
    equal(found, (value.clone(), None))?;
    let query = AssertSqlSafe(format!("SELECT ($1::{})::text", kind.name()));
    let bound = sqlx::query_scalar(query).bind(value);
    let found = match bound.fetch_one(one).await {
        Ok(found) => found,
        Err(error) => crate::checks::whole(&error),
    };
    text_of("sqlx", kind.name(), &found, text);
    Ok(())
}

/// Tries each and tells of all that fail.
macro_rules! trips {
    ($one:expr, $($value:expr => $text:expr),* $(,)?) => {{
        let mut faults = Faults::default();
        $(faults.part(stringify!($value), trip(&mut $one, $value, $text).await);)*
        faults.end()
    }};
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn moment(text: &str) -> NaiveDateTime {
    text.parse().expect("a timestamp")
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("a timestamp with a time zone")
}

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a number")
}

async fn sqlx_numbers() -> Outcome {
    let mut one = connection().await?;
    trips!(one,
        true => "true", i16::MIN => "-32768", i32::MAX => "2147483647",
        i64::MIN => "-9223372036854775808", -1.5_f32 => "-1.5", f32::INFINITY => "Infinity",
        0.1_f64 => "0.1", f64::NEG_INFINITY => "-Infinity", decimal("12345.678") => "12345.678",
        decimal("-0.001") => "-0.001", decimal("100") => "100", Oid(4_294_967_295) => "4294967295",
    )
}

async fn sqlx_texts() -> Outcome {
    let mut one = connection().await?;
    let odd = "q\"u'{}\\ \n\t héß 茶 🍵";
    trips!(one,
        odd.to_owned() => odd, String::new() => "", vec![0_u8, 255, 92] => "\\x00ff5c",
        "long ".repeat(50_000) => &"long ".repeat(50_000),
    )
}

async fn sqlx_times() -> Outcome {
    let mut one = connection().await?;
    trips!(one,
        day("2024-02-29") => "2024-02-29", day("0001-01-01") => "0001-01-01",
        "23:59:59.999999".parse::<NaiveTime>()? => "23:59:59.999999",
        moment("1900-01-01T00:00:00.000001") => "1900-01-01 00:00:00.000001",
        instant("2024-02-29T01:02:03.5Z") => "2024-02-29 01:02:03.5+00",
        instant("9999-12-31T23:59:59.999999Z") => "9999-12-31 23:59:59.999999+00",
    )
}

async fn sqlx_infinity() -> Outcome {
    let mut one = connection().await?;
    let query = "SELECT 'infinity'::timestamptz, '-infinity'::timestamp, 'infinity'::date \
                 WHERE $1 < 'infinity'::timestamptz";
    let row = one.fetch_one(sqlx::query(query).bind(Utc::now())).await?;
    equal(row.try_get_raw(0)?.as_bytes().map_err(fault)?, i64::MAX.to_be_bytes())?;
    equal(row.try_get_raw(1)?.as_bytes().map_err(fault)?, i64::MIN.to_be_bytes())?;
    equal(row.try_get_raw(2)?.as_bytes().map_err(fault)?, i32::MAX.to_be_bytes())
}

fn fault(error: BoxDynError) -> crate::checks::Failure {
    crate::checks::fail(error.to_string())
}

async fn sqlx_intervals() -> Outcome {
    let mut one = connection().await?;
    let span = |months, days, microseconds| PgInterval { months, days, microseconds };
    trips!(one,
        span(14, 3, 14_706_000_007) => "1 year 2 mons 3 days 04:05:06.000007",
        span(0, -1, 0) => "-1 days",
    )?;
    let query = sqlx::query_scalar("SELECT ($1 * 2)::text").bind(chrono::Duration::seconds(45));
    same(query.fetch_one(&mut one).await?, "00:01:30".to_owned())
}

async fn sqlx_ranges() -> Outcome {
    let mut one = connection().await?;
    let range = |start, end| PgRange { start, end };
    let numbers = PgRange { start: Bound::Included(decimal("1.5")), end: Bound::Unbounded };
    let days = PgRange { start: Bound::Unbounded, end: Bound::Excluded(day("2024-02-29")) };
    let times =
        PgRange { start: Bound::Excluded(moment("2024-02-29T00:00:00")), end: Bound::Unbounded };
    trips!(one,
        range(Bound::Included(1_i32), Bound::Excluded(5)) => "[1,5)",
        PgRange { start: Bound::Included(1_i64), end: Bound::Unbounded } => "[1,)",
        numbers => "[1.5,)", days => "(,2024-02-29)", times => "(\"2024-02-29 00:00:00\",)",
    )
}

async fn sqlx_json() -> Outcome {
    let mut one = connection().await?;
    let doc = json!({"a": [1, 2.5, null, "é"]});
    trips!(one, doc.clone() => r#"{"a": [1, 2.5, null, "é"]}"#, Json(vec![1, 2]) => "[1, 2]")?;
    let query = "SELECT doc, doc -> 'a' ->> 0, jsonb_array_length(doc -> 'a'), $2::json \
                 FROM (SELECT $1::jsonb AS doc) d";
    let found: (Value, String, i32, Value) =
        sqlx::query_as(query).bind(&doc).bind(&doc).fetch_one(&mut one).await?;
    equal(found, (doc.clone(), "1".to_owned(), 4, doc))
}
async fn sqlx_uuid() -> Outcome {
    let mut one = connection().await?;
    let id = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    trips!(one, Uuid::parse_str(id)? => id)
}

async fn sqlx_inet() -> Outcome {
    let mut one = connection().await?;
    trips!(one,
        "10.1.2.0/24".parse::<IpNet>()? => "10.1.2.0/24",
        "2001:db8::7/128".parse::<IpNet>()? => "2001:db8::7/128",
        "192.168.0.7".parse::<IpAddr>()? => "192.168.0.7/32",
    )
}

async fn sqlx_as_text() -> Outcome {
    crate::checks::texts("sqlx")
}

async fn sqlx_arrays() -> Outcome {
    let mut one = connection().await?;
    let words = ["a", "", "q\"u,{}", "NULL"].map(str::to_owned).to_vec();
    trips!(one,
        vec![1_i16, -2] => "{1,-2}", vec![Some(1_i32), None] => "{1,NULL}",
        Vec::<i64>::new() => "{}",
        words => r#"{a,"","q\"u,{}","NULL"}"#, vec![true, false] => "{t,f}",
        vec![1.5_f64, -0.25] => "{1.5,-0.25}",
        vec![day("2024-02-29")] => "{2024-02-29}", vec![vec![0_u8, 1]] => r#"{"\\x0001"}"#,
        vec![instant("2024-02-29T01:02:03Z")] => r#"{"2024-02-29 01:02:03+00"}"#,
        vec![Uuid::nil()] => "{00000000-0000-0000-0000-000000000000}",
        vec![json!({"a": 1})] => r#"{"{\"a\": 1}"}"#,
        vec![PgInterval { months: 0, days: 1, microseconds: 0 }] => r#"{"1 day"}"#,
    )?;
    let query = "SELECT array_agg(id ORDER BY id) FROM t WHERE id = ANY($1) AND name <> ALL($2)";
    let bound = sqlx::query_scalar(query).bind(vec![3, 4, 5, 999]).bind(vec!["tea 4"]);
    same(bound.fetch_one(&mut one).await?, vec![3, 5])
}

/// Types that few use.
async fn sqlx_odd_types() -> Outcome {
    let mut one = connection().await?;
    let clock = PgTimeTz { time: "01:02:03".parse()?, offset: "+02:00".parse()? };
    trips!(one, PgMoney(1250) => "$12.50", PgPoint { x: 1.5, y: -2.0 } => "(1.5,-2)",
        clock => "01:02:03+02", vec![decimal("1.50")] => "{1.50}")
}

#[derive(Clone, Debug, PartialEq)]
enum Brew {
    Weak,
    Strong,
}

impl Type<Postgres> for Brew {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("brew")
    }
}

impl PgHasArrayType for Brew {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::array_of("brew")
    }
}

impl Encode<'_, Postgres> for Brew {
    fn encode_by_ref(&self, out: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let label = if *self == Self::Weak { "weak" } else { "strong" };
        <&str as Encode<Postgres>>::encode(label, out)
    }
}

impl Decode<'_, Postgres> for Brew {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        match value.as_str()? {
            "weak" => Ok(Self::Weak),
            "strong" => Ok(Self::Strong),
            other => Err(format!("no such label: {other}").into()),
        }
    }
}

async fn sqlx_enum() -> Outcome {
    let mut one = connection().await?;
    one.execute("CREATE TYPE brew AS ENUM ('weak', 'strong')").await?;
    one.execute("CREATE TABLE brews (id int, brew brew, kinds brew[])").await?;
    let query = "INSERT INTO brews VALUES (1, $1), (2, $2), (3, $3)";
    let bound = sqlx::query(query).bind(Brew::Strong).bind(Brew::Weak).bind(None::<Brew>);
    equal(bound.execute(&mut one).await?.rows_affected(), 3)?;
    let query = "SELECT brew FROM brews WHERE brew >= $1 ORDER BY brew";
    let found: Vec<Brew> = sqlx::query_scalar(query).bind(Brew::Weak).fetch_all(&mut one).await?;
    equal(found, [Brew::Weak, Brew::Strong])?;
    let row = one.fetch_one(sqlx::query("SELECT brew FROM brews WHERE id = 1")).await?;
    let info = row.column(0).type_info();
    equal(info.name(), "brew")?;
    equal(format!("{:?}", info.kind()).as_str(), r#"Enum(["weak", "strong"])"#)?;
    equal(row.try_get::<Brew, _>(0)?, Brew::Strong)
}

async fn sqlx_enum_array() -> Outcome {
    let mut one = connection().await?;
    let query = "UPDATE brews SET kinds = $1 WHERE id = 1 AND brew = ANY($1) RETURNING kinds";
    let both = vec![Brew::Strong, Brew::Weak];
    let found: Vec<Brew> = sqlx::query_scalar(query).bind(both.clone()).fetch_one(&mut one).await?;
    equal(found, both)
}

#[derive(Clone, Debug, PartialEq)]
struct Item {
    name: String,
    price: Option<Decimal>,
    amount: i32,
}

impl Type<Postgres> for Item {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("item")
    }
}

impl PgHasArrayType for Item {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::array_of("item")
    }
}

impl Encode<'_, Postgres> for Item {
    fn encode_by_ref(&self, out: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let mut record = PgRecordEncoder::new(out);
        record.encode(self.name.as_str())?.encode(self.price)?.encode(self.amount)?.finish();
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for Item {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let mut record = PgRecordDecoder::new(value)?;
        let (name, price) = (record.try_decode()?, record.try_decode()?);
        Ok(Self { name, price, amount: record.try_decode()? })
    }
}

async fn sqlx_composite() -> Outcome {
    let mut one = connection().await?;
    one.execute("CREATE TYPE item AS (name text, price numeric, amount int)").await?;
    let item = |name: &str, price| Item { name: name.to_owned(), price, amount: 2 };
    trips!(one,
        item("a, \"b\"", Some(decimal("1.5"))) => r#"("a, ""b""",1.5,2)"#,
        vec![item("a", None)] => r#"{"(a,,2)"}"#,
    )
}

async fn sqlx_domain() -> Outcome {
    let mut one = connection().await?;
    one.execute("CREATE DOMAIN cup AS int CHECK (value >= 0)").await?;
    one.execute("CREATE TABLE poured (cups cup NOT NULL)").await?;
    let query = "INSERT INTO poured VALUES ($1)";
    equal(sqlx::query(query).bind(3).execute(&mut one).await?.rows_affected(), 1)?;
    let failed = sqlx::query(query).bind(-3).execute(&mut one).await;
    crate::sqlx_session::fails(failed, "23514")?;
    equal(sqlx::query_scalar::<_, i32>("SELECT cups FROM poured").fetch_one(&mut one).await?, 3)
}

async fn sqlx_records() -> Outcome {
    let mut one = connection().await?;
    let query = "SELECT ROW(1, 'a'::text, NULL::int8), array_agg(ROW(id, name) ORDER BY id) FROM t \
                 WHERE id < 3";
    let row = one.fetch_one(sqlx::query(query)).await?;
    equal(row.try_get::<(i32, String, Option<i64>), _>(0)?, (1, "a".to_owned(), None))?;
    let pairs: Vec<(i32, String)> = row.try_get(1)?;
    equal(pairs, [(1, "tea 1".to_owned()), (2, "tea 2".to_owned())])
}

async fn sqlx_type_names() -> Outcome {
    let mut one = connection().await?;
    let query = "SELECT t.*, c.oid, relname, relkind, 1::int2, interval '1', time '1:00', \
                 '10.0.0.1'::inet, '{}'::json, sum(big) OVER (), ARRAY[1.5], 'a'::bpchar, \
                 $1::timestamptz FROM t, pg_class c";
    let got = (&mut one).prepare(query.into_sql_str()).await?;
    let found = got.columns().iter().map(|column| column.type_info().name()).collect::<Vec<_>>();
    let wanted = "INT4 INT8 INT2 FLOAT4 TEXT VARCHAR NUMERIC FLOAT8 TIMESTAMPTZ TIMESTAMP DATE \
                  UUID BOOL TEXT[] JSONB BYTEA OID NAME \"CHAR\" INT2 INTERVAL TIME INET JSON \
                  NUMERIC NUMERIC[] CHAR TIMESTAMPTZ";
    equal(found.join(" ").as_str(), wanted)
}
