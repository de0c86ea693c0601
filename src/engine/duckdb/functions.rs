//! The scalar functions of [`crate::function`], made known to the instance.
#![expect(unsafe_code, reason = "reads decimals from DuckDB's vectors, which Arrow does not give")]

use std::cell::Cell;
use std::error::Error as StdError;
use std::sync::Arc;

use ::duckdb::core::{DataChunkHandle, FlatVector, LogicalTypeHandle, LogicalTypeId};
use ::duckdb::vscalar::{ScalarFunctionSignature, VScalar};
use ::duckdb::vtab::arrow::{WritableVector, data_chunk_to_arrow, write_arrow_array_to_vector};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array,
    ListBuilder, StringArray, StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};

use super::capi::{Connection, Database};
use crate::error::{Error, Result};
use crate::function::{self, Arg, Kind, Out, QUOTIENT_SCALE, ScalarFunction};
use crate::sql::{shown_expression, view_tables};
use crate::types::{self, InputStyle, OutputStyle, PgType, ScalarType, Value};

/// Makes the functions known. Some of them work only for as long as the connection that is returned
/// is open.
pub(super) fn register(database: &Database) -> Result<Connection> {
    let renderer = database.connect()?;
    let connection = database.connect_crate()?;
    let wrong = |name: &str, error: ::duckdb::Error| {
        Error::internal(format!("function {name} could not be registered: {error}"))
    };
    for function in function::ALL.iter().chain(&SHOWN) {
        let name = format!("teatree_{}", function.name);
        CURRENT.set(Some(function));
        connection
            .register_scalar_function_with_state::<Rows>(&name, &Code(function))
            .map_err(|error| wrong(&name, error))?;
    }
    super::rendered::register(&connection, &renderer)?;
    connection
        .register_scalar_function::<NumericDiv>("teatree_numeric_div")
        .map_err(|error| wrong("teatree_numeric_div", error))?;
    Ok(renderer)
}

/// Functions that know more than [`crate::function`] does.
static SHOWN: [ScalarFunction; 3] = [SHOWN_EXPRESSION, ARRAY_TEXTS, VIEW_TABLES];

/// An expression of a definition, the names and types of its table's columns, and whether it is to
/// be pretty: the catalogue's own function.
const SHOWN_EXPRESSION: ScalarFunction = ScalarFunction {
    name: "shown_expression",
    args: &[Kind::Text, Kind::Texts, Kind::Texts, Kind::Bool],
    result: Kind::Text,
    strict: true,
    run: |args| {
        let [text, names, types, pretty] = args else { return Ok(Out::Null) };
        let (names, types) = (names.texts()?, types.texts()?);
        let columns: Vec<(&str, &str)> =
            names.iter().zip(types).filter_map(|(name, of)| Some(((*name)?, (*of)?))).collect();
        let shown = shown_expression(text.text()?, &columns, matches!(pretty, Arg::Bool(true)));
        Ok(Out::Text(shown.map_or_else(|| text.text().map(str::to_owned), Ok)?))
    },
};

/// The relations that a view reads, by its definition: schema or nothing, name, schema or nothing …
const VIEW_TABLES: ScalarFunction = ScalarFunction {
    name: "view_tables",
    args: &[Kind::Text],
    result: Kind::Texts,
    strict: true,
    run: |args| {
        let tables = view_tables(args[0].text()?).into_iter();
        Ok(Out::Texts(tables.flat_map(|table| [table.schema, Some(table.table)]).collect()))
    },
};

/// The elements of an array by its text: of one dimension, as DuckDB's type says nothing of more.
const ARRAY_TEXTS: ScalarFunction = ScalarFunction {
    name: "array_texts",
    args: &[Kind::Text],
    result: Kind::Texts,
    strict: true,
    run: |args| {
        let text = args[0].text()?;
        let style = InputStyle::from(OutputStyle::default().time_zone);
        let Value::Array(_, items) =
            types::from_text(PgType::Array(ScalarType::Text), text, style)?
        else {
            return Ok(Out::Null);
        };
        let items = items.into_iter().map(|item| match item {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            _ => Err(Error::unsupported("a text is an array of one dimension only")),
        });
        items.collect::<Result<Vec<_>>>().map(Out::Texts)
    },
};

thread_local! {
    // A signature is asked for without the state that it belongs to.
    static CURRENT: Cell<Option<&'static ScalarFunction>> = const { Cell::new(None) };
}

/// A function that runs row by row.
struct Rows;

#[derive(Clone)]
struct Code(&'static ScalarFunction);

impl VScalar for Rows {
    type State = Code;

    fn invoke(
        state: &Code,
        input: &mut DataChunkHandle,
        output: &mut dyn WritableVector,
    ) -> std::result::Result<(), Box<dyn StdError>> {
        let batch = data_chunk_to_arrow(input)?;
        let result = run(state.0, batch.columns(), batch.num_rows()).map_err(shown)?;
        write_arrow_array_to_vector(&result, output)
    }

    fn signatures() -> Vec<ScalarFunctionSignature> {
        let Some(function) = CURRENT.get() else { return Vec::new() };
        let args = function.args.iter().map(|kind| logical_type(*kind)).collect();
        vec![ScalarFunctionSignature::exact(args, logical_type(function.result))]
    }
}

/// The SQLSTATE travels in the message's first word, as from the catalogue's macros.
pub(super) fn shown(error: Error) -> Box<dyn StdError> {
    format!("[{}] {}", error.code().as_str(), error.message()).into()
}

fn logical_type(kind: Kind) -> LogicalTypeHandle {
    LogicalTypeHandle::from(match kind {
        Kind::Text => LogicalTypeId::Varchar,
        Kind::Int4 => LogicalTypeId::Integer,
        Kind::Int8 => LogicalTypeId::Bigint,
        Kind::Float8 => LogicalTypeId::Double,
        Kind::Bool => LogicalTypeId::Boolean,
        Kind::Timestamp => LogicalTypeId::Timestamp,
        Kind::Date => LogicalTypeId::Date,
        Kind::Texts => {
            return LogicalTypeHandle::list(&LogicalTypeHandle::from(LogicalTypeId::Varchar));
        }
    })
}

fn run(function: &ScalarFunction, columns: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let mut results = Vec::with_capacity(rows);
    let mut args = Vec::with_capacity(columns.len());
    for row in 0..rows {
        args.clear();
        for (column, kind) in columns.iter().zip(function.args) {
            args.push(argument(column, *kind, row)?);
        }
        let is_null = function.strict && args.iter().any(|arg| matches!(arg, Arg::Null));
        results.push(if is_null { Out::Null } else { (function.run)(&args)? });
    }
    Ok(array(function.result, results))
}

fn argument(column: &ArrayRef, kind: Kind, row: usize) -> Result<Arg<'_>> {
    if column.is_null(row) || column.data_type() == &DataType::Null {
        return Ok(Arg::Null);
    }
    let wrong = || Error::internal("a function's argument has another type than declared");
    Ok(match kind {
        Kind::Text => Arg::Text(column.as_string_opt::<i32>().ok_or_else(wrong)?.value(row)),
        Kind::Int4 => {
            Arg::Int(column.as_primitive_opt::<Int32Type>().ok_or_else(wrong)?.value(row).into())
        }
        Kind::Int8 => {
            Arg::Int(column.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.value(row))
        }
        Kind::Float8 => {
            Arg::Float(column.as_primitive_opt::<Float64Type>().ok_or_else(wrong)?.value(row))
        }
        Kind::Bool => Arg::Bool(column.as_boolean_opt().ok_or_else(wrong)?.value(row)),
        Kind::Timestamp => {
            let array = column.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(wrong)?;
            Arg::Int(array.value(row))
        }
        Kind::Date => {
            Arg::Int(column.as_primitive_opt::<Date32Type>().ok_or_else(wrong)?.value(row).into())
        }
        Kind::Texts => {
            let list = column.as_list_opt::<i32>().ok_or_else(wrong)?;
            let offsets = list.value_offsets();
            let values = list.values().as_string_opt::<i32>().ok_or_else(wrong)?;
            let range = usize::try_from(offsets[row]).unwrap_or(0)
                ..usize::try_from(offsets[row + 1]).unwrap_or(0);
            Arg::Texts(range.map(|at| values.is_valid(at).then(|| values.value(at))).collect())
        }
    })
}

fn array(kind: Kind, results: Vec<Out>) -> ArrayRef {
    let int = |out: &Out| if let Out::Int(value) = out { Some(*value) } else { None };
    let int4 = |out: &Out| int(out).and_then(|value| i32::try_from(value).ok());
    match kind {
        Kind::Text => Arc::new(
            results
                .iter()
                .map(|out| if let Out::Text(text) = out { Some(text.as_str()) } else { None })
                .collect::<StringArray>(),
        ),
        Kind::Int4 => Arc::new(results.iter().map(int4).collect::<Int32Array>()),
        Kind::Date => Arc::new(results.iter().map(int4).collect::<Date32Array>()),
        Kind::Int8 => Arc::new(results.iter().map(int).collect::<Int64Array>()),
        Kind::Timestamp => Arc::new(results.iter().map(int).collect::<TimestampMicrosecondArray>()),
        Kind::Float8 => Arc::new(
            results
                .iter()
                .map(|out| if let Out::Float(value) = out { Some(*value) } else { None })
                .collect::<Float64Array>(),
        ),
        Kind::Bool => Arc::new(
            results
                .iter()
                .map(|out| if let Out::Bool(value) = out { Some(*value) } else { None })
                .collect::<BooleanArray>(),
        ),
        Kind::Texts => {
            let mut builder = ListBuilder::new(StringBuilder::new());
            for out in results {
                match out {
                    Out::Texts(texts) => builder.append_value(texts),
                    _ => builder.append_null(),
                }
            }
            Arc::new(builder.finish())
        }
    }
}

/// `numeric / numeric`, over integers and decimals of any width.
struct NumericDiv;

impl VScalar for NumericDiv {
    type State = ();

    fn invoke(
        (): &(),
        input: &mut DataChunkHandle,
        output: &mut dyn WritableVector,
    ) -> std::result::Result<(), Box<dyn StdError>> {
        let rows = input.len();
        let left = Exact::read(&input.flat_vector(0), rows)?;
        let right = Exact::read(&input.flat_vector(1), rows)?;
        let mut out = output.flat_vector();
        for row in 0..rows {
            match (left.values[row], right.values[row]) {
                (Some(a), Some(b)) => {
                    let value = function::divide(a, left.scale, b, right.scale).map_err(shown)?;
                    // SAFETY: the result's type is a decimal of 128 bits, for this many rows.
                    unsafe { out.as_mut_slice_with_len::<Wide>(rows)[row] = Wide::from(value) };
                }
                _ => out.set_null(row),
            }
        }
        Ok(())
    }

    fn signatures() -> Vec<ScalarFunctionSignature> {
        let any = || LogicalTypeHandle::from(LogicalTypeId::Any);
        let result = LogicalTypeHandle::decimal(38, QUOTIENT_SCALE);
        vec![ScalarFunctionSignature::exact(vec![any(), any()], result)]
    }
}

/// 128 bits as DuckDB keeps them, which need not stand where an `i128` must.
#[derive(Clone, Copy)]
#[repr(C)]
struct Wide {
    lower: u64,
    upper: i64,
}

impl From<Wide> for i128 {
    fn from(wide: Wide) -> i128 {
        (i128::from(wide.upper) << 64) | i128::from(wide.lower)
    }
}

impl From<i128> for Wide {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "takes the halves")]
    fn from(value: i128) -> Wide {
        Wide { lower: value as u64, upper: (value >> 64) as i64 }
    }
}

/// A column of exact numbers.
struct Exact {
    values: Vec<Option<i128>>,
    scale: u8,
}

impl Exact {
    fn read(vector: &FlatVector<'_>, rows: usize) -> std::result::Result<Exact, Box<dyn StdError>> {
        let logical = vector.logical_type();
        let id = logical.id();
        let scale = if id == LogicalTypeId::Decimal { logical.decimal_scale() } else { 0 };
        // SAFETY: each arm reads as many rows as there are, in the width of the vector's type.
        let values = unsafe {
            match id {
                LogicalTypeId::Decimal => match logical.decimal_width() {
                    0..=4 => widened::<i16>(vector, rows),
                    5..=9 => widened::<i32>(vector, rows),
                    10..=18 => widened::<i64>(vector, rows),
                    _ => widened::<Wide>(vector, rows),
                },
                LogicalTypeId::Tinyint => widened::<i8>(vector, rows),
                LogicalTypeId::Smallint => widened::<i16>(vector, rows),
                LogicalTypeId::Integer => widened::<i32>(vector, rows),
                LogicalTypeId::Bigint => widened::<i64>(vector, rows),
                LogicalTypeId::UTinyint => widened::<u8>(vector, rows),
                LogicalTypeId::USmallint => widened::<u16>(vector, rows),
                LogicalTypeId::UInteger => widened::<u32>(vector, rows),
                LogicalTypeId::UBigint => widened::<u64>(vector, rows),
                LogicalTypeId::Hugeint => widened::<Wide>(vector, rows),
                LogicalTypeId::Double => return Exact::of_doubles(vector, rows),
                other => {
                    return Err(format!("[0A000] numeric division of {other:?}").into());
                }
            }
        };
        Ok(Exact { values, scale })
    }

    /// Doubles that stand for numerics, such as a square root: with 15 digits behind the point.
    fn of_doubles(
        vector: &FlatVector<'_>,
        rows: usize,
    ) -> std::result::Result<Exact, Box<dyn StdError>> {
        const SCALE: u8 = 15;
        // SAFETY: the vector is one of doubles with this many rows.
        let doubles = unsafe { vector.as_slice_with_len::<f64>(rows) };
        let mut values = Vec::with_capacity(rows);
        for (row, double) in doubles.iter().enumerate() {
            if vector.row_is_null(row as u64) {
                values.push(None);
                continue;
            }
            let scaled = double * 1e15;
            if !scaled.is_finite() || scaled.abs() >= 1e37 {
                return Err("[22003] value overflows numeric format".into());
            }
            #[expect(clippy::cast_possible_truncation, reason = "checked above")]
            values.push(Some(scaled.round() as i128));
        }
        Ok(Exact { values, scale: SCALE })
    }
}

/// Reads integers of a width.
///
/// # Safety
/// The vector must hold values of this type, for so many rows.
unsafe fn widened<T: Copy + Into<i128>>(vector: &FlatVector<'_>, rows: usize) -> Vec<Option<i128>> {
    // SAFETY: the caller's promise.
    let values = unsafe { vector.as_slice_with_len::<T>(rows) };
    let value =
        |(row, value): (usize, &T)| (!vector.row_is_null(row as u64)).then(|| (*value).into());
    values.iter().enumerate().map(value).collect()
}
