//! Table functions whose rows the server computes: sessions, settings, intents, datasets, versions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ::duckdb::core::DataChunkHandle;
use ::duckdb::vtab::arrow::{record_batch_to_duckdb_data_chunk, to_duckdb_logical_type_for_field};
use ::duckdb::vtab::{BindInfo, InitInfo, TableFunctionInfo, VTab};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::capi::Database;
use crate::error::{Error, Result};

/// DuckDB takes rows in vectors of this many.
const VECTOR_ROWS: usize = 2048;

/// A table function without arguments.
#[derive(Clone)]
pub struct SystemTable {
    /// The function's name, such as `teatree_sessions`.
    pub name: &'static str,
    pub schema: SchemaRef,
    /// Computes the rows of this moment.
    pub rows: Arc<dyn Fn() -> Result<RecordBatch> + Send + Sync>,
}

/// Makes the functions known to the instance.
pub(super) fn register(database: &Database, tables: Vec<SystemTable>) -> Result<()> {
    let connection = database.connect_crate()?;
    for table in tables {
        let name = table.name;
        connection
            .register_table_function_with_extra_info::<Function, SystemTable>(name, &table)
            .map_err(|error| Error::internal(format!("table function {name}: {error}")))?;
    }
    Ok(())
}

struct Function;

struct Position(AtomicUsize);

impl VTab for Function {
    type InitData = Position;
    type BindData = RecordBatch;

    fn bind(bind: &BindInfo) -> Result<RecordBatch, Box<dyn std::error::Error>> {
        let info = bind.get_extra_info::<SystemTable>();
        #[expect(unsafe_code, reason = "the crate hands the registered value back as a pointer")]
        // SAFETY: `register` gave a SystemTable, which DuckDB's catalog keeps alive.
        let table = unsafe { info.as_ref() }.ok_or("a system table lost its definition")?;
        for field in table.schema.fields() {
            bind.add_result_column(field.name(), to_duckdb_logical_type_for_field(field)?);
        }
        Ok((table.rows)()?)
    }

    fn init(_: &InitInfo) -> Result<Position, Box<dyn std::error::Error>> {
        Ok(Position(AtomicUsize::new(0)))
    }

    fn func(
        function: &TableFunctionInfo<Self>,
        output: &mut DataChunkHandle,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let batch = function.get_bind_data();
        let start = function.get_init_data().0.fetch_add(VECTOR_ROWS, Ordering::Relaxed);
        if start >= batch.num_rows() {
            output.set_len(0);
            return Ok(());
        }
        let count = VECTOR_ROWS.min(batch.num_rows() - start);
        record_batch_to_duckdb_data_chunk(&batch.slice(start, count), output)
    }
}
