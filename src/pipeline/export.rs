//! Files that the steps of a transaction leave in the outbox.
//!
//! A file is written and synced under its hidden name before the commit, and gets its own after it.
//! What names are due stands in the data file, committed with the rest: so after a crash the next
//! start gives them, and files of a transaction that was not committed are deleted.

use std::sync::Arc;

use super::Upkeep;
use crate::engine::duckdb::WriteConnection;
use crate::error::{Error, Result};
use crate::intent::Export;
use crate::outbox::{Draft, Outbox, RowsFile, Run};
use crate::sql::FileForm;
use crate::types::{self, OutputStyle, zone_by_name};

impl Upkeep {
    /// Writes the file of a step, whose SQL is `sql`; gives the number of rows.
    ///
    /// # Errors
    /// The query's own; 42501 and its like for the name; 58030 and 53100 for the disk.
    pub fn export(
        &mut self,
        connection: &mut WriteConnection,
        export: &Export,
        sql: &str,
        time_zone: &str,
    ) -> Result<u64> {
        let Some(outbox) = self.outbox.clone() else {
            return Err(Error::internal("there is no outbox"));
        };
        let name = Run::now(self.intent).name(&export.name)?;
        let draft = outbox.begin(&name)?;
        let rows = write(connection, &draft, export, sql, time_zone)?;
        draft.sync()?;
        let (hidden, path) = draft.relative(&outbox)?;
        for hidden in outbox.take_named() {
            connection.forget_outbox_file(&hidden)?;
        }
        connection.note_outbox_file(&hidden, &path)?;
        self.moved.files.push(Arc::new(draft));
        Ok(rows)
    }
}

fn write(
    connection: &mut WriteConnection,
    draft: &Draft,
    export: &Export,
    sql: &str,
    time_zone: &str,
) -> Result<u64> {
    if export.form == FileForm::Parquet {
        let names = export.columns.iter().map(|column| column.name.as_str());
        let names: Vec<&str> = names.collect();
        return connection.write_parquet(draft.hidden(), sql, &export.params, &names);
    }
    let mut file = match export.form {
        FileForm::Stream => {
            let time_zone = zone_by_name(time_zone).unwrap_or(OutputStyle::default().time_zone);
            let style = OutputStyle { time_zone, ..OutputStyle::default() };
            let Export { columns, options, quoted, .. } = export;
            Some(RowsFile::stream(draft.hidden(), columns, options, quoted.clone(), style)?)
        }
        FileForm::Parquet | FileForm::Arrow => None,
    };
    let mut rows = 0;
    connection.each_batch(sql, &export.params, &mut |batch| {
        rows += batch.num_rows() as u64;
        match &mut file {
            Some(file) => file.put(&batch),
            none => none.insert(RowsFile::arrow(draft.hidden(), &batch.schema())?).put(&batch),
        }
    })?;
    let file = match file {
        Some(file) => file,
        None => RowsFile::arrow(draft.hidden(), &types::storage_schema(&export.columns)?)?,
    };
    file.end()?;
    Ok(rows)
}

/// Gives files the names that are due since before the start, and deletes what nobody will name.
/// Only at start.
///
/// # Errors
/// 58030 when the disk fails.
pub fn recover_outbox(outbox: &Outbox, connection: &mut WriteConnection) -> Result<()> {
    for (hidden, path) in connection.outbox_files()? {
        outbox.give_name(&hidden, &path)?;
    }
    connection.forget_outbox_files()?;
    outbox.sweep()
}
