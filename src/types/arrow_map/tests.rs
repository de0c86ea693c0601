//! Tests of fields, builders and casts.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type, Schema, SchemaRef,
    TimestampMillisecondType,
};

use super::*;
use crate::types::{Numeric, Value};

fn schema(fields: Vec<Field>) -> SchemaRef {
    Arc::new(Schema::new(fields))
}

fn stored(pg_type: PgType, typmod: i32) -> Field {
    storage_field(&Column::with_typmod("c", pg_type, typmod), true).unwrap()
}

fn one(field: Field, value: Value) -> Result<ArrayRef> {
    batch_from_values(schema(vec![field]), &[vec![value]]).map(|batch| Arc::clone(batch.column(0)))
}

#[test]
fn every_type_comes_back_from_its_storage() {
    for &scalar in ScalarType::ALL {
        for pg_type in [PgType::Scalar(scalar), PgType::Array(scalar)] {
            let typmod = if scalar == ScalarType::Numeric { numeric_typmod(12, 3) } else { -1 };
            let column = Column::with_typmod("c", pg_type, typmod);
            let field = storage_field(&column, true).unwrap();
            assert_eq!(column_for_field(&field), column);
            let array = one(field, Value::Null).unwrap();
            assert_eq!((array.len(), array.null_count()), (1, 1), "{pg_type:?}");
        }
    }
}

#[test]
fn arrow_types_are_shown_as_their_nearest() {
    let shown = |data_type| {
        let column = column_for_field(&Field::new("c", data_type, true));
        (column.pg_type, column.typmod)
    };
    assert_eq!(shown(DataType::UInt64), (PgType::NUMERIC, numeric_typmod(20, 0)));
    assert_eq!(shown(DataType::UInt32), (PgType::INT8, -1));
    assert_eq!(shown(DataType::Decimal128(10, 2)), (PgType::NUMERIC, numeric_typmod(10, 2)));
    assert_eq!(shown(DataType::Null), (PgType::TEXT, -1));
    let nested = DataType::new_list(DataType::new_list(DataType::Int32, true), true);
    assert_eq!(shown(nested), (PgType::Array(ScalarType::Int4), -1));
}

#[test]
fn values_are_cast_as_in_an_assignment() {
    let numeric = |unscaled, scale| Value::Numeric(Numeric { unscaled, scale });
    let decimal = |value: Value, precision, scale| {
        let field = stored(PgType::NUMERIC, numeric_typmod(precision, scale));
        one(field, value).map(|array| array.as_primitive::<Decimal128Type>().value(0))
    };
    assert_eq!(decimal(numeric(1_234_678, 3), 6, 2), Ok(123_468));
    assert_eq!(decimal(numeric(-125, 2), 5, 1), Ok(-13));
    assert_eq!(decimal(Value::Int4(7), 5, 2), Ok(700));
    assert_eq!(decimal(Value::Float8(0.1 + 0.2), 38, 20), Ok(30_000_000_000_000_000_000));
    let error = decimal(Value::Int4(123_456), 5, 2).unwrap_err();
    assert_eq!(error.code(), SqlState::NUMERIC_VALUE_OUT_OF_RANGE);
    assert_eq!(
        error.detail(),
        Some("A field with precision 5, scale 2 must round to an absolute value less than 10^3.")
    );
    let int4 = |value| {
        one(stored(PgType::INT4, -1), value).map(|array| array.as_primitive::<Int32Type>().value(0))
    };
    assert_eq!(int4(Value::Float8(2.5)), Ok(2));
    assert_eq!(int4(numeric(25, 1)), Ok(3));
    assert_eq!(int4(Value::Text(" 5 ".to_owned())), Ok(5));
    assert_eq!(int4(Value::Int8(1 << 40)).unwrap_err().message(), "integer out of range");
    assert_eq!(int4(Value::Bool(true)).unwrap_err().code(), SqlState::DATATYPE_MISMATCH);
    let varchar = |text: &str| one(stored(PgType::VARCHAR, 7), Value::Text(text.to_owned()));
    assert_eq!(varchar("äöü  ").unwrap().as_string::<i32>().value(0), "äöü");
    assert_eq!(varchar("abcd").unwrap_err().code(), SqlState::STRING_DATA_RIGHT_TRUNCATION);
}

#[test]
fn a_builder_serves_fields_of_other_arrow_types() {
    let field = Field::new("c", DataType::Int8, true);
    let tiny = one(field.clone(), Value::Int4(-7)).unwrap();
    assert_eq!(tiny.as_primitive::<Int8Type>().value(0), -7);
    assert_eq!(
        one(field, Value::Int4(200)).unwrap_err().code(),
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE
    );
    let millis = DataType::Timestamp(TimeUnit::Millisecond, None);
    let stamp = one(Field::new("c", millis, true), Value::Timestamp(1_500_000)).unwrap();
    assert_eq!(stamp.as_primitive::<TimestampMillisecondType>().value(0), 1_500);
    let list = stored(PgType::Array(ScalarType::Int8), -1);
    let value = Value::Text("{1,NULL,3}".to_owned());
    let array = one(list, value).unwrap();
    let items = array.as_list::<i32>().value(0);
    assert_eq!(items.as_primitive::<Int64Type>(), &Int64Array::from(vec![Some(1), None, Some(3)]));
}

#[test]
fn null_is_refused_where_none_may_be() {
    let field = Field::new("c", DataType::Int32, false);
    assert_eq!(one(field, Value::Null).unwrap_err().code(), SqlState::NOT_NULL_VIOLATION);
}

#[test]
fn batches_are_cast_by_place() {
    let cast = |array: ArrayRef, to: Field| {
        let source = RecordBatch::try_from_iter_with_nullable([("x", array, true)]).unwrap();
        cast_batch(&source, schema(vec![to])).map(|batch| Arc::clone(batch.column(0)))
    };
    let halves: ArrayRef = Arc::new(Float64Array::from(vec![Some(2.5), None, Some(-3.5)]));
    let ints = cast(Arc::clone(&halves), stored(PgType::INT2, -1)).unwrap();
    assert_eq!(ints.as_primitive::<Int16Type>(), &vec![Some(2), None, Some(-4)].into());
    let texts = cast(halves, stored(PgType::TEXT, -1)).unwrap();
    assert_eq!(texts.as_string::<i32>(), &StringArray::from(vec![Some("2.5"), None, Some("-3.5")]));
    let decimals: ArrayRef =
        Arc::new(Decimal128Array::from(vec![25, -35]).with_precision_and_scale(5, 1).unwrap());
    let ints = cast(decimals, stored(PgType::INT4, -1)).unwrap();
    assert_eq!(ints.as_primitive::<Int32Type>(), &vec![3, -4].into());
    let words: ArrayRef = Arc::new(StringArray::from(vec!["1", "x"]));
    let error = cast(words, stored(PgType::INT4, -1)).unwrap_err();
    assert_eq!(error.code(), SqlState::INVALID_TEXT_REPRESENTATION);
    let big: ArrayRef = Arc::new(Int64Array::from(vec![1 << 40]));
    let error = cast(big, stored(PgType::INT4, -1)).unwrap_err();
    assert_eq!(error.message(), "integer out of range");
    let stamps: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![0]));
    let error = cast(stamps, stored(PgType::BOOL, -1)).unwrap_err();
    assert_eq!(error.code(), SqlState::CANNOT_COERCE);
    let none: ArrayRef = Arc::new(Int32Array::from(vec![None]));
    let mut strict = stored(PgType::INT8, -1);
    strict.set_nullable(false);
    assert_eq!(cast(none, strict).unwrap_err().code(), SqlState::NOT_NULL_VIOLATION);
}
