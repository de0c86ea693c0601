//! Table functions whose rows the server computes: sessions, settings, intents, datasets, versions.

use std::sync::Arc;

use ::duckdb::core::DataChunkHandle;
use ::duckdb::vtab::arrow::{record_batch_to_duckdb_data_chunk, to_duckdb_logical_type_for_field};
use ::duckdb::vtab::{BindInfo, InitInfo, TableFunctionInfo, VTab};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parking_lot::Mutex;

use super::capi::Database;
use crate::error::{Error, Result};

/// DuckDB takes rows in vectors of this many.
const VECTOR_ROWS: usize = 2048;

/// The rows of a table, in pieces: what a LIMIT leaves unread is never computed.
pub type Pages = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// A table function without arguments.
#[derive(Clone)]
pub struct SystemTable {
    /// The function's name, such as `teatree_sessions`.
    pub name: &'static str,
    pub schema: SchemaRef,
    /// Begins to compute the rows of this moment.
    pub pages: Arc<dyn Fn() -> Pages + Send + Sync>,
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

/// How far one scan has come.
#[derive(Default)]
struct Position {
    /// `None` until the first rows are wanted.
    pages: Option<Pages>,
    page: Option<(RecordBatch, usize)>,
}

impl Position {
    /// Takes the next rows, a vector of them at most.
    fn next(&mut self, table: &SystemTable) -> Result<Option<RecordBatch>> {
        let pages = self.pages.get_or_insert_with(|| (table.pages)());
        loop {
            if let Some((page, start)) = self.page.take() {
                let count = VECTOR_ROWS.min(page.num_rows() - start);
                if count > 0 {
                    let rows = page.slice(start, count);
                    self.page = Some((page, start + count));
                    return Ok(Some(rows));
                }
            }
            match pages.next().transpose()? {
                Some(page) => self.page = Some((page, 0)),
                None => return Ok(None),
            }
        }
    }
}

impl VTab for Function {
    type InitData = Mutex<Position>;
    type BindData = SystemTable;

    fn bind(bind: &BindInfo) -> Result<SystemTable, Box<dyn std::error::Error>> {
        let info = bind.get_extra_info::<SystemTable>();
        #[expect(unsafe_code, reason = "the crate hands the registered value back as a pointer")]
        // SAFETY: `register` gave a SystemTable, which DuckDB's catalog keeps alive.
        let table = unsafe { info.as_ref() }.ok_or("a system table lost its definition")?;
        for field in table.schema.fields() {
            bind.add_result_column(field.name(), to_duckdb_logical_type_for_field(field)?);
        }
        Ok(table.clone())
    }

    fn init(_: &InitInfo) -> Result<Mutex<Position>, Box<dyn std::error::Error>> {
        Ok(Mutex::default())
    }

    fn func(
        function: &TableFunctionInfo<Self>,
        output: &mut DataChunkHandle,
    ) -> Result<(), Box<dyn std::error::Error>> {
        match function.get_init_data().lock().next(function.get_bind_data())? {
            Some(rows) => record_batch_to_duckdb_data_chunk(&rows, output),
            None => {
                output.set_len(0);
                Ok(())
            }
        }
    }
}
