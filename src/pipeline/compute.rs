//! Algorithms that run in the transaction of a change, over what it has changed.

use arrow::array::RecordBatch;

use super::Upkeep;
use super::change::{Change, ChangeKind, Changing};
use crate::algorithm::{Arguments, Room, Shape, run};
use crate::catalog::duckdb_table;
use crate::engine::duckdb::WriteConnection;
use crate::error::{Error, Result};
use crate::intent::{Compute, ComputeInput};
use crate::sql::Effect;
use crate::sqlstate::SqlState;
use crate::types;

impl Upkeep {
    /// Runs an algorithm, and puts its rows into their table, whose views follow and whose triggers
    /// run; gives their number. `over` puts the changed rows in the place of their names.
    ///
    /// # Errors
    /// 42883 when the server knows the algorithm no more; its own; what the table refuses.
    pub(super) fn compute(
        &mut self,
        connection: &mut WriteConnection,
        compute: &Compute,
        over: &dyn Fn(&str) -> String,
        time_zone: &str,
        search_path: &[String],
    ) -> Result<u64> {
        let algorithms = self.algorithms.clone();
        let found = algorithms.find(Some("teatree"), &compute.algorithm);
        let algorithm = found.ok_or_else(|| {
            let message = format!("algorithm {} does not exist", compute.algorithm);
            Error::new(SqlState::UNDEFINED_FUNCTION, message)
        })?;
        let arguments = Arguments::new(algorithm.params(), |name| {
            let given = compute.arguments.iter().find(|(known, _)| known == name);
            given.map(|(_, value)| value.clone())
        })?;
        connection.adopt(time_zone, search_path)?;
        let mut room = algorithms.room();
        let mut inputs = Vec::with_capacity(compute.inputs.len());
        for input in &compute.inputs {
            let shape = Shape { columns: input.columns.clone() };
            inputs.push((shape, read(connection, input, &over(&input.sql), &mut room)?));
        }
        let computed = run(algorithm.as_ref(), inputs, &arguments, algorithms.runs(), &|| false)?;
        let batches = arranged(compute, &computed.batches)?;
        if let Some(target) = &compute.dataset {
            return self.deliver_batches(connection, target, batches, compute.replaces);
        }
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if rows == 0 && !compute.replaces {
            return Ok(0);
        }
        let (effect, kind) = if compute.replaces {
            (self.replacing(&compute.table), ChangeKind::Merge)
        } else {
            (Effect::Inserts, ChangeKind::Insert)
        };
        let (table, params) = (&compute.table, [].as_slice());
        let (effect, given) = (&effect, None);
        let changing =
            Changing { table, kind, effect, params, time_zone, search_path, given, bounds: None };
        let change: Change = self.before(connection, &changing)?;
        if compute.replaces {
            connection.run(&format!("DELETE FROM {}", duckdb_table(table)))?;
        }
        let names: Vec<String> = compute.columns.iter().map(|one| one.name.clone()).collect();
        let rows = connection.append(table, &names, &mut batches.into_iter().map(Ok))?;
        self.after(connection, change)?;
        Ok(rows)
    }
}

/// Reads an input's rows, in the storage schema of its columns.
fn read(
    connection: &mut WriteConnection,
    input: &ComputeInput,
    sql: &str,
    room: &mut Room,
) -> Result<Vec<RecordBatch>> {
    let schema = types::storage_schema(&input.columns)?;
    let mut batches = Vec::new();
    connection.each_batch(sql, &[], &mut |batch| {
        let batch = types::cast_batch(&batch, schema.clone())?;
        room.take(&batch)?;
        batches.push(batch);
        Ok(())
    })?;
    Ok(batches)
}

/// Brings computed rows to the table's columns.
fn arranged(compute: &Compute, batches: &[RecordBatch]) -> Result<Vec<RecordBatch>> {
    let schema = types::storage_schema(&compute.columns)?;
    let one = |batch: &RecordBatch| {
        let places = compute.computed.iter().map(|name| batch.schema().index_of(name));
        let places = places.collect::<Result<Vec<_>, _>>();
        let chosen = places.and_then(|places| batch.project(&places)).map_err(|error| {
            Error::internal(format!("an algorithm gives other columns: {error}"))
        })?;
        types::cast_batch(&chosen, schema.clone())
    };
    batches.iter().filter(|batch| batch.num_rows() > 0).map(one).collect()
}
