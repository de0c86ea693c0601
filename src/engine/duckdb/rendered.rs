//! Values of any type as PostgreSQL's text and as JSON, for expressions: by the writers that also
//! write results, so that a value reads the same inside of an expression and as a column.

use std::error::Error as StdError;
use std::sync::Arc;

use ::duckdb::core::{DataChunkHandle, LogicalTypeHandle, LogicalTypeId};
use ::duckdb::vscalar::{ScalarFunctionSignature, VScalar};
use ::duckdb::vtab::arrow::{WritableVector, write_arrow_array_to_vector};
use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::Field;

use super::capi::{ChunkReader, Connection};
use super::functions::shown;
use crate::error::{Error, Result};
use crate::types::{JsonForm, OutputStyle, json_texts, value_texts, zone_by_name};

/// Makes the functions known: `teatree_text(value, zone)` and `teatree_json(value, zone, form)`.
/// They work for as long as `renderer` is open.
pub(super) fn register(connection: &::duckdb::Connection, renderer: &Connection) -> Result<()> {
    let wrong = |error: ::duckdb::Error| Error::internal(format!("functions: {error}"));
    let options = Arc::new(renderer.chunk_reader());
    connection
        .register_scalar_function_with_state::<Texts>("teatree_text", &options)
        .map_err(wrong)?;
    connection.register_scalar_function_with_state::<Json>("teatree_json", &options).map_err(wrong)
}

/// The style of a session in whose zone times are shown.
fn style(zone: Option<&(Field, ArrayRef)>) -> OutputStyle {
    OutputStyle {
        time_zone: first_text(zone).and_then(zone_by_name).unwrap_or_default(),
        ..OutputStyle::default()
    }
}

/// A constant argument.
fn first_text(column: Option<&(Field, ArrayRef)>) -> Option<&str> {
    let (_, array) = column?;
    match array.as_string_opt::<i32>() {
        Some(texts) => (!texts.is_empty()).then(|| texts.value(0)),
        None => array.as_string_view_opt().filter(|texts| !texts.is_empty()).map(|t| t.value(0)),
    }
}

fn any() -> LogicalTypeHandle {
    LogicalTypeHandle::from(LogicalTypeId::Any)
}

fn text() -> LogicalTypeHandle {
    LogicalTypeHandle::from(LogicalTypeId::Varchar)
}

type Outcome = std::result::Result<(), Box<dyn StdError>>;

/// Writes the texts of the first argument's values. `render` makes them, with the other arguments.
fn write_texts(
    options: &ChunkReader,
    input: &DataChunkHandle,
    output: &mut dyn WritableVector,
    render: impl Fn(&Field, &dyn Array, &[(Field, ArrayRef)]) -> Result<Vec<Option<String>>>,
) -> Outcome {
    let columns = options.columns(input.get_ptr()).map_err(shown)?;
    let [(field, values), rest @ ..] = columns.as_slice() else { return Ok(()) };
    let texts = render(field, values.as_ref(), rest).map_err(shown)?;
    let texts: ArrayRef = Arc::new(StringArray::from(texts));
    write_arrow_array_to_vector(&texts, output)
}

/// A value's text.
struct Texts;

impl VScalar for Texts {
    type State = Arc<ChunkReader>;

    fn invoke(
        options: &Arc<ChunkReader>,
        input: &mut DataChunkHandle,
        output: &mut dyn WritableVector,
    ) -> Outcome {
        write_texts(options, input, output, |field, values, rest| {
            value_texts(field, values, style(rest.first()))
        })
    }

    fn signatures() -> Vec<ScalarFunctionSignature> {
        vec![ScalarFunctionSignature::exact(vec![any(), text()], text())]
    }
}

/// A value in JSON.
struct Json;

impl VScalar for Json {
    type State = Arc<ChunkReader>;

    fn invoke(
        options: &Arc<ChunkReader>,
        input: &mut DataChunkHandle,
        output: &mut dyn WritableVector,
    ) -> Outcome {
        write_texts(options, input, output, |field, values, rest| {
            let form = match first_text(rest.get(1)) {
                Some("pretty") => JsonForm::Pretty,
                Some("list") => JsonForm::Aggregate,
                Some("object") => JsonForm::ObjectAggregate,
                _ => JsonForm::Plain,
            };
            json_texts(field, values, style(rest.first()), form)
        })
    }

    fn signatures() -> Vec<ScalarFunctionSignature> {
        vec![ScalarFunctionSignature::exact(vec![any(), text(), text()], text())]
    }
}
