//! COPY TO a file of the outbox: the rows of a query, as they come, into a file that gets its name
//! when it is whole.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use tokio::sync::mpsc;

use super::run::{Outcome, Rows};
use super::{Session, ShownCopy, StatementGuard};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::outbox::{Draft, Outbox, RowsFile, Run};
use crate::sql::{CopyFile, CopyOut, FileForm};
use crate::task;
use crate::types;

/// Batches that wait for the disk.
const WAITING_BATCHES_MAX: usize = 4;

impl Session {
    /// Runs a COPY TO a file; gives the command tag.
    pub(super) async fn copy_to_file(
        &mut self,
        copy: &CopyOut,
        file: &CopyFile,
        guard: &StatementGuard,
    ) -> Result<String> {
        let name = Run::now(None).name(&file.name)?;
        let queried = Box::pin(self.run_kind(&copy.query, &[], Vec::new(), guard)).await?;
        let Outcome::Rows(mut rows) = queried else {
            return Err(Error::unsupported("COPY TO needs a query"));
        };
        let table = copy.whole_table.as_ref().map(|table| {
            TableName::new(table.schema.as_deref().unwrap_or("public"), table.table.clone())
        });
        let shown = ShownCopy::new(&self.registered.entry, "COPY TO", table);
        let outbox = Outbox::new(&self.services.router.data_dir);
        let draft = task::blocking(move || outbox.begin(&name)).await?;
        let first = next(&mut rows, guard).await?;
        let schema = match &first {
            Some(batch) => batch.schema(),
            None => types::storage_schema(&rows.columns)?,
        };
        let sent = match file.form {
            FileForm::Parquet => self.send_parquet(&draft, &schema, first, &mut rows, guard).await,
            FileForm::Arrow => {
                let begun = RowsFile::arrow(draft.hidden(), &schema)?;
                send(begun, first, &mut rows, &shown, guard).await
            }
            FileForm::Stream => {
                let quoted = copy.quoted(&rows.columns)?;
                let (columns, style) = (&rows.columns, self.output_style());
                let begun =
                    RowsFile::stream(draft.hidden(), columns, &copy.options, quoted, style)?;
                send(begun, first, &mut rows, &shown, guard).await
            }
        }?;
        task::blocking(move || draft.publish()).await?;
        Ok(format!("COPY {sent}"))
    }

    /// Lets DuckDB write a Parquet file; gives the number of rows.
    async fn send_parquet(
        &self,
        draft: &Draft,
        schema: &SchemaRef,
        first: Option<RecordBatch>,
        rows: &mut Rows,
        guard: &StatementGuard,
    ) -> Result<u64> {
        let duckdb = Arc::clone(&self.services.router.duckdb);
        let (columns, schema) = (rows.columns.clone(), SchemaRef::clone(schema));
        let path = draft.hidden().to_owned();
        let (sender, mut receiver) = mpsc::channel::<Result<RecordBatch>>(WAITING_BATCHES_MAX);
        let writing = task::spawn(
            "write_parquet",
            task::blocking(move || {
                let batches = Box::new(std::iter::from_fn(move || receiver.blocking_recv()));
                duckdb.write_parquet(&path, &schema, &columns, batches)
            }),
        );
        let mut batch = Ok(first);
        loop {
            let sent = match batch {
                Ok(None) => break,
                Ok(Some(batch)) => sender.send(Ok(batch)).await,
                Err(error) => {
                    let _ = sender.send(Err(error)).await;
                    break;
                }
            };
            // It has failed, and says so at its end.
            if sent.is_err() {
                break;
            }
            batch = next(rows, guard).await;
        }
        drop(sender);
        writing.await.map_err(|error| Error::internal(format!("a write failed: {error}")))?
    }
}

/// Waits for the next rows, unless the statement is canceled.
async fn next(rows: &mut Rows, guard: &StatementGuard) -> Result<Option<RecordBatch>> {
    let token = guard.token();
    tokio::select! {
        next = rows.next() => next,
        () = token.cancelled() => Err(Error::canceled("user request")),
    }
}

/// Writes all rows; gives their number.
async fn send(
    mut file: RowsFile,
    first: Option<RecordBatch>,
    rows: &mut Rows,
    shown: &ShownCopy,
    guard: &StatementGuard,
) -> Result<u64> {
    let mut sent = 0;
    let mut batch = first;
    while let Some(put) = batch {
        let count = put.num_rows() as u64;
        file = task::blocking(move || file.put(&put).map(|()| file)).await?;
        shown.progress().add(0, count);
        sent += count;
        batch = next(rows, guard).await?;
    }
    task::blocking(move || file.end()).await?;
    Ok(sent)
}
