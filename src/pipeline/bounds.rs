//! Between which values the inserted rows lie, column by column.
//!
//! DuckDB finds the rows that a transaction has added by their numbers, but looks at every 2,048
//! rows of a table for that. Rows mostly come in the order of their times or ids; bounds of those
//! let it pass over whole row groups, so that what follows an insert does not cost more the larger
//! the table is.

use arrow::array::{Array, ArrowPrimitiveType, AsArray, PrimitiveArray, RecordBatch};
use arrow::compute;
use arrow::datatypes::{
    DataType, Date32Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};

use crate::sql::quote_ident;
use crate::types::{Column, Value};

/// So many columns are worth asking for.
const COLUMNS_MAX: usize = 3;
/// Times beyond this are left alone, with DuckDB's and PostgreSQL's infinities: some 100,000 years.
const MICROS_MAX: i64 = 100_000 * 366 * 86_400_000_000;
const DAYS_MAX: i64 = 100_000 * 366;

/// What the numbers of a bound stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Int,
    Date,
    Timestamp,
    Timestamptz,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Bound {
    column: String,
    kind: Kind,
    least: i64,
    most: i64,
}

/// The bounds of rows. Without any they say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds(Vec<Bound>);

impl Kind {
    fn of(value: &Value) -> Option<(Kind, i64)> {
        Some(match value {
            Value::Int4(value) => (Kind::Int, i64::from(*value)),
            Value::Int8(value) => (Kind::Int, *value),
            Value::Date(days) => (Kind::Date, i64::from(*days)),
            Value::Timestamp(micros) => (Kind::Timestamp, *micros),
            Value::Timestamptz(micros) => (Kind::Timestamptz, *micros),
            _ => return None,
        })
    }

    fn is_plain(self, value: i64) -> bool {
        match self {
            Kind::Int => true,
            Kind::Date => (-DAYS_MAX..=DAYS_MAX).contains(&value),
            Kind::Timestamp | Kind::Timestamptz => (-MICROS_MAX..=MICROS_MAX).contains(&value),
        }
    }

    fn constant(self, value: i64) -> String {
        match self {
            Kind::Int => format!("CAST({value} AS BIGINT)"),
            Kind::Date => format!("(CAST('1970-01-01' AS DATE) + CAST({value} AS INTEGER))"),
            Kind::Timestamp => format!("make_timestamp(CAST({value} AS BIGINT))"),
            Kind::Timestamptz => format!("make_timestamptz(CAST({value} AS BIGINT))"),
        }
    }
}

impl Bounds {
    /// Of typed values; a column with a NULL has none.
    pub fn of_values(columns: &[Column], rows: &[&Vec<Value>]) -> Bounds {
        let bound = |(place, column): (usize, &Column)| {
            let mut found: Option<(Kind, i64, i64)> = None;
            for row in rows {
                let (kind, value) = Kind::of(row.get(place)?)?;
                found = match found {
                    None => Some((kind, value, value)),
                    Some((of, least, most)) if of == kind => {
                        Some((kind, least.min(value), most.max(value)))
                    }
                    Some(_) => return None,
                };
            }
            let (kind, least, most) = found?;
            Some(Bound { column: column.name.clone(), kind, least, most })
        };
        Bounds(columns.iter().enumerate().filter_map(bound).collect()).worthwhile()
    }

    /// Of a batch, whose columns are the table's with these names.
    pub fn of_batch(columns: &[String], batch: &RecordBatch) -> Bounds {
        let bound = |(column, values): (&String, &dyn Array)| {
            let (kind, least, most) = match values.data_type() {
                _ if values.null_count() > 0 => return None,
                DataType::Int32 => ends::<Int32Type>(Kind::Int, values)?,
                DataType::Int64 => ends::<Int64Type>(Kind::Int, values)?,
                DataType::Date32 => ends::<Date32Type>(Kind::Date, values)?,
                DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                    let kind = if zone.is_some() { Kind::Timestamptz } else { Kind::Timestamp };
                    ends::<TimestampMicrosecondType>(kind, values)?
                }
                _ => return None,
            };
            Some(Bound { column: column.clone(), kind, least, most })
        };
        let columns = columns.iter().zip(batch.columns().iter().map(AsRef::as_ref));
        Bounds(columns.filter_map(bound).collect()).worthwhile()
    }

    /// Times first, which rows come in the order of more than of anything else.
    fn worthwhile(mut self) -> Bounds {
        self.0.retain(|bound| bound.kind.is_plain(bound.least) && bound.kind.is_plain(bound.most));
        self.0.sort_by_key(|bound| bound.kind == Kind::Int);
        self.0.truncate(COLUMNS_MAX);
        self
    }

    /// The bounds of these rows and others together.
    pub fn and(&self, others: &Bounds) -> Bounds {
        let both = self.0.iter().filter_map(|bound| {
            let same = |other: &&Bound| other.column == bound.column && other.kind == bound.kind;
            let other = others.0.iter().find(same)?;
            let (least, most) = (bound.least.min(other.least), bound.most.max(other.most));
            Some(Bound { least, most, ..bound.clone() })
        });
        Bounds(both.collect())
    }

    /// A condition that all of the rows meet, to be put behind others.
    pub fn condition(&self) -> String {
        let each = self.0.iter().map(|bound| {
            let Bound { column, kind, least, most } = bound;
            let column = quote_ident(column);
            let (least, most) = (kind.constant(*least), kind.constant(*most));
            format!(" AND {column} BETWEEN {least} AND {most}")
        });
        each.collect()
    }
}

fn ends<T: ArrowPrimitiveType>(kind: Kind, values: &dyn Array) -> Option<(Kind, i64, i64)>
where
    T::Native: Into<i64>,
{
    let values: &PrimitiveArray<T> = values.as_primitive_opt()?;
    Some((kind, compute::min(values)?.into(), compute::max(values)?.into()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, Int64Array, StringArray, TimestampMicrosecondArray};

    use super::*;
    use crate::types::PgType;

    #[test]
    fn values_lie_between_their_ends() {
        let columns = ["at", "id", "text", "gap"];
        let columns = columns.map(|name| Column::new(name, PgType::INT8));
        let row = |at, id, gap: Option<i64>| {
            let gap = gap.map_or(Value::Null, Value::Int8);
            vec![Value::Timestamp(at), Value::Int8(id), Value::Text("t".into()), gap]
        };
        let rows = [row(30, 7, Some(1)), row(20, 9, None), row(25, 8, Some(3))];
        let rows: Vec<&Vec<Value>> = rows.iter().collect();
        let bounds = Bounds::of_values(&columns, &rows);
        let times = " AND \"at\" BETWEEN make_timestamp(CAST(20 AS BIGINT)) \
                     AND make_timestamp(CAST(30 AS BIGINT))";
        let ids = " AND \"id\" BETWEEN CAST(7 AS BIGINT) AND CAST(9 AS BIGINT)";
        assert_eq!(bounds.condition(), format!("{times}{ids}"));
        let infinite = vec![Value::Timestamp(i64::MAX), Value::Int8(1)];
        let of_infinite = Bounds::of_values(&columns[..2], &[&infinite]);
        assert_eq!(bounds.and(&of_infinite).condition().matches("BETWEEN").count(), 1);
        assert_eq!(bounds.and(&Bounds::default()).condition(), "");
    }

    #[test]
    fn batches_lie_between_their_ends() {
        let batch = RecordBatch::try_from_iter([
            ("c0", Arc::new(Int32Array::from(vec![3, -1])) as Arc<dyn Array>),
            ("c1", Arc::new(Int64Array::from(vec![None, Some(1)])) as Arc<dyn Array>),
            ("c2", Arc::new(StringArray::from(vec!["a", "b"])) as Arc<dyn Array>),
            ("c3", Arc::new(TimestampMicrosecondArray::from(vec![5, 6]).with_timezone("UTC"))),
        ])
        .unwrap();
        let columns = ["A", "b", "c", "d"].map(str::to_owned);
        assert_eq!(
            Bounds::of_batch(&columns, &batch).condition(),
            " AND \"d\" BETWEEN make_timestamptz(CAST(5 AS BIGINT)) AND make_timestamptz(CAST(6 AS BIGINT)) \
             AND \"A\" BETWEEN CAST(-1 AS BIGINT) AND CAST(3 AS BIGINT)"
        );
    }
}
