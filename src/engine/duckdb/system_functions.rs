//! Functions of the server's that act on a session, by its process number:
//! `pg_cancel_backend`, `pg_terminate_backend`.

use std::error::Error as StdError;
use std::sync::Arc;

use ::duckdb::core::{DataChunkHandle, LogicalTypeHandle, LogicalTypeId};
use ::duckdb::vscalar::{ScalarFunctionSignature, VScalar};
use ::duckdb::vtab::arrow::{WritableVector, data_chunk_to_arrow, write_arrow_array_to_vector};
use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::Int32Type;

use super::capi::Database;
use crate::error::{Error, Result};

/// What is done to the session of a process number; tells whether there was one.
pub type Action = Arc<dyn Fn(i32) -> bool + Send + Sync>;

/// A function of one integer that does something each time.
#[derive(Clone)]
pub struct SystemFunction {
    /// The function's name, such as `teatree_cancel_backend`.
    pub name: &'static str,
    pub run: Action,
}

/// Makes the functions known to the instance.
pub(super) fn register(database: &Database, functions: Vec<SystemFunction>) -> Result<()> {
    let connection = database.connect_crate()?;
    for SystemFunction { name, run } in functions {
        connection
            .register_scalar_function_with_state::<Function>(name, &run)
            .map_err(|error| Error::internal(format!("function {name}: {error}")))?;
    }
    Ok(())
}

struct Function;

impl VScalar for Function {
    type State = Action;

    fn invoke(
        run: &Action,
        input: &mut DataChunkHandle,
        output: &mut dyn WritableVector,
    ) -> std::result::Result<(), Box<dyn StdError>> {
        let batch = data_chunk_to_arrow(input)?;
        let pids = batch.column(0).as_primitive::<Int32Type>();
        let done: BooleanArray = pids.iter().map(|pid| pid.map(|pid| run(pid))).collect();
        write_arrow_array_to_vector(&(Arc::new(done) as ArrayRef), output)
    }

    fn signatures() -> Vec<ScalarFunctionSignature> {
        let integer = LogicalTypeHandle::from(LogicalTypeId::Integer);
        let boolean = LogicalTypeHandle::from(LogicalTypeId::Boolean);
        vec![ScalarFunctionSignature::exact(vec![integer], boolean)]
    }

    // It is done when the statement runs, never when it is planned.
    fn volatile() -> bool {
        true
    }
}
