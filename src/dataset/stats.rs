//! Bounds of each column in a part, gathered while it is written.
//!
//! **Invariant:** a bound is absent rather than wrong; readers skip whole parts by it.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{max, max_boolean, max_string, min, min_boolean, min_string};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type,
};

use super::manifest::{Bound, ColumnStats};

/// Strings longer than this are not kept as bounds, so that manifests stay small.
const TEXT_BOUND_BYTES_MAX: usize = 64;

/// What has been seen of one column so far.
#[derive(Clone, Debug)]
pub(super) struct StatsBuilder {
    nulls: u64,
    bounds: Bounds,
}

#[derive(Clone, Debug)]
enum Bounds {
    /// No value yet.
    Empty,
    Known(Bound, Bound),
    /// Not to be had for this column; final.
    Unknown,
}

impl StatsBuilder {
    pub(super) fn new() -> Self {
        StatsBuilder { nulls: 0, bounds: Bounds::Empty }
    }

    /// Takes in the values of one more array.
    pub(super) fn add(&mut self, array: &ArrayRef) {
        self.nulls += array.null_count() as u64;
        if array.null_count() == array.len() {
            return;
        }
        let seen = bounds_of(array);
        self.join(seen);
    }

    /// Takes in the statistics of rows that are already written.
    pub(super) fn add_stats(&mut self, stats: &ColumnStats, rows: u64) {
        self.nulls += stats.nulls;
        if stats.nulls < rows {
            self.join(stats.min.clone().zip(stats.max.clone()));
        }
    }

    fn join(&mut self, seen: Option<(Bound, Bound)>) {
        let bounds = std::mem::replace(&mut self.bounds, Bounds::Unknown);
        self.bounds = match (bounds, seen) {
            (Bounds::Empty, Some((low, high))) => Bounds::Known(low, high),
            (Bounds::Known(low, high), Some((other_low, other_high))) => {
                match (least(low, other_low), greatest(high, other_high)) {
                    (Some(low), Some(high)) => Bounds::Known(low, high),
                    _ => Bounds::Unknown,
                }
            }
            (_, None) | (Bounds::Unknown, _) => Bounds::Unknown,
        };
    }

    pub(super) fn finish(self) -> ColumnStats {
        let (min, max) = match self.bounds {
            Bounds::Known(low, high) => (Some(low), Some(high)),
            Bounds::Empty | Bounds::Unknown => (None, None),
        };
        ColumnStats { nulls: self.nulls, min, max }
    }
}

fn least(a: Bound, b: Bound) -> Option<Bound> {
    Some(if compare(&a, &b)?.is_le() { a } else { b })
}

fn greatest(a: Bound, b: Bound) -> Option<Bound> {
    Some(if compare(&a, &b)?.is_ge() { a } else { b })
}

fn compare(a: &Bound, b: &Bound) -> Option<std::cmp::Ordering> {
    match (a, b) {
        (Bound::Bool(a), Bound::Bool(b)) => Some(a.cmp(b)),
        (Bound::Int(a), Bound::Int(b)) => Some(a.cmp(b)),
        (Bound::Text(a), Bound::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Bound::Float(a), Bound::Float(b)) => {
            let (a, b): (f64, f64) = (a.parse().ok()?, b.parse().ok()?);
            a.partial_cmp(&b)
        }
        _ => None,
    }
}

fn bounds_of(array: &ArrayRef) -> Option<(Bound, Bound)> {
    match array.data_type() {
        DataType::Boolean => {
            let array = array.as_boolean();
            Some((Bound::Bool(min_boolean(array)?), Bound::Bool(max_boolean(array)?)))
        }
        DataType::Int8 => integers::<Int8Type>(array),
        DataType::Int16 => integers::<Int16Type>(array),
        DataType::Int32 => integers::<Int32Type>(array),
        DataType::Int64 => integers::<Int64Type>(array),
        DataType::UInt8 => integers::<UInt8Type>(array),
        DataType::UInt16 => integers::<UInt16Type>(array),
        DataType::UInt32 => integers::<UInt32Type>(array),
        DataType::Date32 => integers::<Date32Type>(array),
        DataType::Timestamp(_, _) => integers::<TimestampMicrosecondType>(array),
        DataType::Float32 => {
            let array = array.as_primitive::<Float32Type>();
            floats(array.iter().flatten().any(f32::is_nan), min(array)?.into(), max(array)?.into())
        }
        DataType::Float64 => {
            let array = array.as_primitive::<Float64Type>();
            floats(array.iter().flatten().any(f64::is_nan), min(array)?, max(array)?)
        }
        DataType::LargeUtf8 => {
            let array = array.as_string::<i64>();
            let short = |text: &str| {
                (text.len() <= TEXT_BOUND_BYTES_MAX).then(|| Bound::Text(text.to_owned()))
            };
            Some((short(min_string(array)?)?, short(max_string(array)?)?))
        }
        _ => None,
    }
}

fn integers<T>(array: &ArrayRef) -> Option<(Bound, Bound)>
where
    T: ArrowPrimitiveType,
    T::Native: Into<i64>,
    T: arrow::datatypes::ArrowNumericType,
{
    let array = array.as_primitive_opt::<T>()?;
    Some((Bound::Int(min(array)?.into()), Bound::Int(max(array)?.into())))
}

/// NaN sorts above everything in SQL and nowhere in arithmetic, and the two zeros are equal in
/// SQL but not in Arrow's order: neither is kept as a bound.
fn floats(has_nan: bool, low: f64, high: f64) -> Option<(Bound, Bound)> {
    if has_nan || low == 0.0 || high == 0.0 {
        return None;
    }
    Some((Bound::Float(low.to_string()), Bound::Float(high.to_string())))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int32Array, LargeStringArray};

    use super::*;

    fn of(arrays: &[ArrayRef]) -> ColumnStats {
        let mut builder = StatsBuilder::new();
        arrays.iter().for_each(|array| builder.add(array));
        builder.finish()
    }

    #[test]
    fn bounds_join_over_batches_and_skip_nulls() {
        let stats = of(&[
            Arc::new(Int32Array::from(vec![None, None])),
            Arc::new(Int32Array::from(vec![Some(5), None])),
            Arc::new(Int32Array::from(vec![-3, 4])),
        ]);
        let known = ColumnStats { nulls: 3, min: Some(Bound::Int(-3)), max: Some(Bound::Int(5)) };
        assert_eq!(stats, known);
    }

    #[test]
    fn what_cannot_be_bounded_stays_unknown() {
        let long = "x".repeat(TEXT_BOUND_BYTES_MAX + 1);
        let stats = of(&[
            Arc::new(LargeStringArray::from(vec![long.as_str()])),
            Arc::new(LargeStringArray::from(vec!["a"])),
        ]);
        assert_eq!((stats.min, stats.max), (None, None));
        let stats = of(&[Arc::new(Float64Array::from(vec![1.0, f64::NAN]))]);
        assert_eq!(stats.max, None);
        let stats = of(&[Arc::new(Float64Array::from(vec![0.1, 0.3]))]);
        assert_eq!(stats.max, Some(Bound::Float("0.3".into())));
    }
}
