//! tokio-postgres: values of every type as parameters and as results, in binary both ways, and the
//! types that the server infers for parameters.

use std::error::Error;
use std::net::IpAddr;

use bytes::{Buf, BufMut, BytesMut};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use postgres_types::{Date, FromSql, FromSqlOwned, IsNull, Kind, Timestamp, ToSql, Type};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::checks::{Check, Faults, Outcome, equal, text_of};
use crate::tokio_session::client;

pub fn checks() -> Vec<Check> {
    crate::checks![
        tokio_numbers,
        tokio_texts,
        tokio_times,
        tokio_infinity,
        tokio_intervals,
        tokio_json,
        tokio_uuid,
        tokio_inet,
        tokio_arrays,
        tokio_enum,
        tokio_domain,
        tokio_composite,
        tokio_range,
        tokio_as_text,
        tokio_table,
    ]
}

/// A value there and back by a parameter of this type, and its NULL. The server's text of it counts
/// in `tokio_as_text`.
async fn trip<T>(client: &Client, kind: &str, value: T, text: &str) -> Outcome
where
    T: ToSql + FromSqlOwned + PartialEq + std::fmt::Debug + Sync + Clone,
{
    let query = format!("SELECT $1::{kind}, $2::{kind}");
    let row = client.query_one(&query, &[&value, &None::<T>]).await?;
    equal(row.try_get::<_, T>(0)?, value.clone())?;
    equal(row.try_get::<_, Option<T>>(1)?, None)?;
    let query = format!("SELECT ($1::{kind})::text");
    let found = match client.query_one_scalar::<String, _>(&query, &[&value]).await {
        Ok(found) => found,
        Err(error) => crate::checks::whole(&error),
    };
    text_of("tokio", kind, &found, text);
    Ok(())
}

/// Tries each and tells of all that fail.
macro_rules! trips {
    ($client:expr, $($kind:literal $value:expr => $text:expr),* $(,)?) => {{
        let mut faults = Faults::default();
        $(faults.part(concat!($kind, " ", stringify!($value)),
            trip(&$client, $kind, $value, $text).await);)*
        faults.end()
    }};
}

fn date(text: &str) -> NaiveDate {
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

async fn tokio_numbers() -> Outcome {
    let client = client().await?;
    trips!(client,
        "bool" true => "true", "bool" false => "false",
        "int2" i16::MIN => "-32768", "int4" i32::MAX => "2147483647",
        "int8" i64::MIN => "-9223372036854775808",
        "float4" 1.5_f32 => "1.5", "float4" f32::NEG_INFINITY => "-Infinity",
        "float8" -0.1_f64 => "-0.1", "float8" f64::INFINITY => "Infinity",
        "float8" 1e-300 => "1e-300",
        "numeric" decimal("12345.678") => "12345.678", "numeric" decimal("-0.00001") => "-0.00001",
        "numeric" decimal("0") => "0", "numeric" decimal("79228162514264337593543950335")
            => "79228162514264337593543950335",
        "numeric(10,2)" decimal("1.50") => "1.50", "oid" 4_294_967_295_u32 => "4294967295",
        "\"char\"" 65_i8 => "A",
    )
}

async fn tokio_texts() -> Outcome {
    let client = client().await?;
    let odd = "q\"u'{}\\ \n\t héß 茶 🍵";
    trips!(client,
        "text" String::from(odd) => odd, "text" String::new() => "",
        "varchar" String::from("tea") => "tea", "varchar(3)" String::from("tea") => "tea",
        "bpchar" String::from("tea") => "tea", "name" String::from("tea") => "tea",
        "bytea" vec![0_u8, 255, 92, 39] => "\\x00ff5c27", "bytea" Vec::<u8>::new() => "\\x",
        "text" "long ".repeat(50_000) => &"long ".repeat(50_000),
    )
}

async fn tokio_times() -> Outcome {
    let client = client().await?;
    client.batch_execute("SET TimeZone = 'Asia/Kolkata'").await?;
    let offset: DateTime<FixedOffset> = "2024-02-29T01:02:03.000004+02:00".parse()?;
    trips!(client,
        "date" date("2024-02-29") => "2024-02-29", "date" date("0001-01-01") => "0001-01-01",
        "date" date("1969-12-31") => "1969-12-31", "date" date("9999-12-31") => "9999-12-31",
        "time" "01:02:03.000004".parse::<NaiveTime>()? => "01:02:03.000004",
        "time" "23:59:59.999999".parse::<NaiveTime>()? => "23:59:59.999999",
        "timestamp" moment("2024-02-29T01:02:03.000004") => "2024-02-29 01:02:03.000004",
        "timestamp" moment("1900-01-01T00:00:00") => "1900-01-01 00:00:00",
        "timestamp" moment("9999-12-31T23:59:59.999999") => "9999-12-31 23:59:59.999999",
        "timestamptz" instant("2024-02-29T01:02:03.5Z") => "2024-02-29 06:32:03.5+05:30",
        "timestamptz" instant("0001-06-01T00:00:00Z") => "0001-06-01 05:53:28+05:53:28",
        "timestamptz" offset => "2024-02-29 04:32:03.000004+05:30",
    )
}

async fn tokio_infinity() -> Outcome {
    let client = client().await?;
    type Local = Timestamp<NaiveDateTime>;
    type Zoned = Timestamp<DateTime<Utc>>;
    trips!(client,
        "timestamp" Local::PosInfinity => "infinity", "timestamp" Local::NegInfinity => "-infinity",
        "timestamptz" Zoned::PosInfinity => "infinity",
        "timestamptz" Zoned::NegInfinity => "-infinity",
        "timestamp" Local::Value(moment("2024-02-29T01:02:03")) => "2024-02-29 01:02:03",
        "date" Date::<NaiveDate>::PosInfinity => "infinity",
        "date" Date::<NaiveDate>::NegInfinity => "-infinity",
    )
}

#[derive(Clone, Debug, PartialEq)]
struct Interval {
    micros: i64,
    days: i32,
    months: i32,
}

type Broken = Box<dyn Error + Sync + Send>;

impl FromSql<'_> for Interval {
    fn from_sql(_: &Type, mut raw: &[u8]) -> Result<Self, Broken> {
        Ok(Self { micros: raw.get_i64(), days: raw.get_i32(), months: raw.get_i32() })
    }

    postgres_types::accepts!(INTERVAL);
}

impl ToSql for Interval {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Broken> {
        out.put_i64(self.micros);
        out.put_i32(self.days);
        out.put_i32(self.months);
        Ok(IsNull::No)
    }

    postgres_types::accepts!(INTERVAL);
    postgres_types::to_sql_checked!();
}

async fn tokio_intervals() -> Outcome {
    let client = client().await?;
    let span = |months, days, micros| Interval { micros, days, months };
    trips!(client,
        "interval" span(14, 3, 14_706_000_007) => "1 year 2 mons 3 days 04:05:06.000007",
        "interval" span(0, -1, -1) => "-1 days -00:00:00.000001",
        "interval" span(-1, 40, 90_000_000_000) => "-1 mons +40 days 25:00:00",
        "interval" span(0, 0, 0) => "00:00:00",
    )
}

async fn tokio_json() -> Outcome {
    let client = client().await?;
    let doc = json!({"a": [1, 2.5, null, true], "b": {"c": "q\"é\n"}, "n": -7});
    let row = client
        .query_one(
            "SELECT $1::jsonb, $1::jsonb -> 'b' ->> 'c', ($1::jsonb)::text, $2::json, \
             jsonb_build_object('k', $3::int), to_jsonb($4::text[])",
            &[&doc, &doc, &3, &vec!["x", "y"]],
        )
        .await?;
    equal(&row.try_get::<_, Value>(0)?, &doc)?;
    equal(row.try_get::<_, &str>(1)?, "q\"é\n")?;
    let text = r#"{"a": [1, 2.5, null, true], "b": {"c": "q\"é\n"}, "n": -7}"#;
    equal(row.try_get::<_, &str>(2)?, text)?;
    equal(&row.try_get::<_, Value>(3)?, &doc)?;
    equal(row.try_get::<_, Value>(4)?, json!({"k": 3}))?;
    equal(row.try_get::<_, Value>(5)?, json!(["x", "y"]))?;
    let row = client.query_one("SELECT $1::jsonb, 'null'::jsonb", &[&None::<Value>]).await?;
    equal(row.try_get::<_, Option<Value>>(0)?, None)?;
    equal(row.try_get::<_, Option<Value>>(1)?, Some(Value::Null))
}
async fn tokio_uuid() -> Outcome {
    let client = client().await?;
    let id = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    trips!(client,
        "uuid" Uuid::parse_str(id)? => id,
        "uuid" Uuid::nil() => "00000000-0000-0000-0000-000000000000",
    )
}

async fn tokio_inet() -> Outcome {
    let client = client().await?;
    trips!(client,
        "inet" "192.168.0.7".parse::<IpAddr>()? => "192.168.0.7/32",
        "inet" "2001:db8::7".parse::<IpAddr>()? => "2001:db8::7/128",
        "inet[]" vec!["10.0.0.1".parse::<IpAddr>()?] => "{10.0.0.1}",
    )
}

async fn tokio_as_text() -> Outcome {
    crate::checks::texts("tokio")
}

async fn tokio_arrays() -> Outcome {
    let client = client().await?;
    let words = |all: &[&str]| all.iter().map(|one| Some((*one).to_owned())).collect::<Vec<_>>();
    let zoned = vec![instant("2024-02-29T01:02:03Z")];
    trips!(client,
        "int2[]" vec![1_i16, -2] => "{1,-2}",
        "int4[]" vec![Some(1), None, Some(-3)] => "{1,NULL,-3}",
        "int8[]" vec![i64::MAX] => "{9223372036854775807}", "int4[]" Vec::<i32>::new() => "{}",
        "float8[]" vec![1.5, f64::NEG_INFINITY] => "{1.5,-Infinity}",
        "bool[]" vec![true, false] => "{t,f}",
        "text[]" words(&["a", "", "q\"u,{}", "NULL"]) => r#"{a,"","q\"u,{}","NULL"}"#,
        "varchar[]" vec!["a".to_owned()] => "{a}",
        "bytea[]" vec![vec![0_u8, 1]] => r#"{"\\x0001"}"#,
        "numeric[]" vec![decimal("1.50"), decimal("-2")] => "{1.50,-2}",
        "uuid[]" vec![Uuid::nil()] => "{00000000-0000-0000-0000-000000000000}",
        "date[]" vec![date("2024-02-29")] => "{2024-02-29}",
        "timestamptz[]" zoned => r#"{"2024-02-29 01:02:03+00"}"#,
        "timestamp[]" vec![moment("2024-02-29T01:02:03")] => r#"{"2024-02-29 01:02:03"}"#,
        "interval[]" vec![Interval { micros: 0, days: 1, months: 0 }] => r#"{"1 day"}"#,
        "jsonb[]" vec![json!({"a": 1})] => r#"{"{\"a\": 1}"}"#,
    )
}

#[derive(Clone, Debug, PartialEq, ToSql, FromSql)]
#[postgres(name = "tea_kind", rename_all = "snake_case")]
enum TeaKind {
    Green,
    DarkRed,
    White,
}

async fn tokio_enum() -> Outcome {
    let client = client().await?;
    client.batch_execute("CREATE TYPE tea_kind AS ENUM ('green', 'dark_red', 'white')").await?;
    client.batch_execute("CREATE TABLE kinds (id int, kind tea_kind)").await?;
    let query = "INSERT INTO kinds VALUES (1, $1), (2, $2), (3, NULL)";
    let put = client.prepare(query).await?;
    equal(put.params()[0].name(), "tea_kind")?;
    let labels = ["green", "dark_red", "white"].map(str::to_owned).to_vec();
    equal(put.params()[0].kind(), &Kind::Enum(labels))?;
    equal(client.execute(&put, &[&TeaKind::DarkRed, &TeaKind::Green]).await?, 3)?;
    let rows = client.query("SELECT kind FROM kinds ORDER BY kind NULLS LAST", &[]).await?;
    let found: Result<Vec<Option<TeaKind>>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    equal(found?, vec![Some(TeaKind::Green), Some(TeaKind::DarkRed), None])?;
    let query = "SELECT id FROM kinds WHERE kind = $1";
    equal(client.query_one(query, &[&TeaKind::DarkRed]).await?.try_get::<_, i32>(0)?, 1)?;
    let query = "SELECT array_agg(kind ORDER BY kind), $1::tea_kind[] FROM kinds \
                 WHERE kind = ANY($1)";
    let row = client.query_one(query, &[&vec![TeaKind::DarkRed, TeaKind::White]]).await?;
    equal(row.try_get::<_, Vec<TeaKind>>(0)?, [TeaKind::DarkRed])?;
    equal(row.try_get::<_, Vec<TeaKind>>(1)?, [TeaKind::DarkRed, TeaKind::White])
}

async fn tokio_domain() -> Outcome {
    let client = client().await?;
    client.batch_execute("CREATE DOMAIN leaf AS text CHECK (value <> '')").await?;
    client.batch_execute("CREATE TABLE leaves (l leaf)").await?;
    let put = client.prepare("INSERT INTO leaves VALUES ($1)").await?;
    equal(put.params()[0].name(), "leaf")?;
    equal(put.params()[0].kind(), &Kind::Domain(Type::TEXT))?;
    let get = client.prepare("SELECT l FROM leaves").await?;
    equal(get.columns()[0].type_(), &Type::TEXT)
}

#[derive(Clone, Debug, PartialEq, ToSql, FromSql)]
#[postgres(name = "tea_item")]
struct TeaItem {
    name: String,
    price: Option<Decimal>,
    amount: i32,
}

async fn tokio_composite() -> Outcome {
    let client = client().await?;
    client.batch_execute("CREATE TYPE tea_item AS (name text, price numeric, amount int)").await?;
    let item = |name: &str, price| TeaItem { name: name.to_owned(), price, amount: 2 };
    let mut faults = Faults::default();
    let one = item("a, \"b\"", Some(decimal("1.5")));
    faults.part("one", trip(&client, "tea_item", one, r#"("a, ""b""",1.5,2)"#).await);
    let many = vec![item("a", None)];
    faults.part("array", trip(&client, "tea_item[]", many, r#"{"(a,,2)"}"#).await);
    client.batch_execute("CREATE TABLE items (item tea_item)").await?;
    let kept = item("a", Some(decimal("3")));
    client.execute("INSERT INTO items VALUES ($1)", &[&kept]).await?;
    let row = client.query_one("SELECT item, (item).amount FROM items", &[]).await?;
    equal(row.try_get::<_, TeaItem>(0)?, kept)?;
    equal(row.try_get::<_, i32>(1)?, 2)?;
    faults.end()
}

#[derive(Debug)]
struct Raw(Vec<u8>);

impl FromSql<'_> for Raw {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Broken> {
        Ok(Self(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

async fn tokio_range() -> Outcome {
    let client = client().await?;
    let got = client.prepare("SELECT int4range(1, 5), '[2024-01-01,)'::daterange").await?;
    equal(got.columns()[0].type_(), &Type::INT4_RANGE)?;
    let row = client.query_one(&got, &[]).await?;
    let wanted = [2, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 5];
    equal(row.try_get::<_, Raw>(0)?.0, wanted)?;
    equal(row.try_get::<_, Raw>(1)?.0[0], 0x12)
}

/// A row of every type into a table, and back.
async fn tokio_table() -> Outcome {
    let client = client().await?;
    let (id, doc) = (Uuid::from_u128(7), json!([1, "a"]));
    let at = instant("2024-02-29T01:02:03.5Z");
    let made = moment("2024-02-29T01:02:03");
    let query = "INSERT INTO t (id, big, small, real4, name, code, price, value, at, made, day, \
                 uid, ok, tags, doc, raw) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let day = date("2024-02-29");
    let count = client
        .execute(
            query,
            &[
                &-1,
                &7_i64,
                &3_i16,
                &1.5_f32,
                &"tea",
                &"t",
                &decimal("12.5"),
                &2.5,
                &at,
                &made,
                &day,
                &id,
                &true,
                &vec!["a", "b"],
                &doc,
                &vec![0_u8, 255],
            ],
        )
        .await?;
    equal(count, 1)?;
    let row = client.query_one("SELECT * FROM t WHERE id = $1", &[&-1]).await?;
    equal(row.try_get::<_, i64>("big")?, 7)?;
    equal(row.try_get::<_, i16>("small")?, 3)?;
    equal(row.try_get::<_, f32>("real4")?, 1.5)?;
    equal(row.try_get::<_, &str>("code")?, "t")?;
    equal(row.try_get::<_, Decimal>("price")?.to_string().as_str(), "12.50")?;
    equal(row.try_get::<_, DateTime<Utc>>("at")?, at)?;
    equal(row.try_get::<_, NaiveDateTime>("made")?, made)?;
    equal(row.try_get::<_, NaiveDate>("day")?, day)?;
    equal(row.try_get::<_, Uuid>("uid")?, id)?;
    equal(row.try_get::<_, Vec<&str>>("tags")?, ["a", "b"])?;
    equal(row.try_get::<_, Value>("doc")?, doc)?;
    equal(row.try_get::<_, &[u8]>("raw")?, [0_u8, 255])?;
    equal(client.execute("DELETE FROM t WHERE id = $1", &[&-1]).await?, 1)
}
