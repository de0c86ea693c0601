//! What sessions show of themselves, for `pg_settings` and its like: each row with the process
//! number of its session; 0 for what holds for a session that has changed nothing. And what
//! algorithms there are, and what they did.

use std::sync::Arc;

use super::tables::Columns;
use crate::algorithm::{Algorithm, Algorithms, Runs, StepRun, signature};
use crate::engine::duckdb::SystemTable;
use crate::session::{
    Activity, AdvisoryLocks, AdvisoryRow, CursorRow, Own, PreparedRow, SettingRow, settings_catalog,
};

/// A row and its session's process number.
type Of<T> = (i32, T);

fn of_all<T: Clone>(activity: &Activity, rows: impl Fn(&Own) -> &Vec<T>) -> Vec<Of<T>> {
    let mut all = Vec::new();
    for (entry, shown) in activity.list() {
        let Some(own) = &shown.own else { continue };
        all.extend(rows(own).iter().map(|row| (entry.pid, row.clone())));
    }
    all
}

pub(super) fn advisory_locks(locks: Arc<AdvisoryLocks>) -> SystemTable {
    Columns::<AdvisoryRow>::new()
        .int("pid", |row| Some(row.pid))
        .bigint("class", |row| Some(u64::from(row.class)))
        .bigint("object", |row| Some(u64::from(row.object)))
        .int("parts", |row| Some(row.parts))
        .boolean("shared", |row| row.shared)
        .boolean("granted", |row| row.granted)
        .table("teatree_advisory_locks", move || Ok(locks.rows()))
}

pub(super) fn settings(activity: Arc<Activity>) -> SystemTable {
    Columns::<Of<SettingRow>>::new()
        .int("pid", |(pid, _)| Some(*pid))
        .text("name", |(_, row)| Some(row.name.clone()))
        .text("shown", |(_, row)| Some(row.shown.clone()))
        .text("setting", |(_, row)| Some(row.setting.clone()))
        .text("unit", |(_, row)| row.unit.map(str::to_owned))
        .text("category", |(_, row)| Some(row.category.to_owned()))
        .text("short_desc", |(_, row)| Some(row.about.to_owned()))
        .text("context", |(_, row)| Some(row.context.to_owned()))
        .text("vartype", |(_, row)| Some(row.vartype.to_owned()))
        .text("source", |(_, row)| Some(row.source.to_owned()))
        .text("min_val", |(_, row)| row.min_val.map(str::to_owned))
        .text("max_val", |(_, row)| row.max_val.map(str::to_owned))
        .text("choices", |(_, row)| row.choices.clone())
        .text("boot_val", |(_, row)| row.boot_val.clone())
        .text("reset_val", |(_, row)| row.reset_val.clone())
        .table("teatree_settings", move || {
            let defaults = settings_catalog().map(|row| (0, row));
            Ok(defaults.chain(of_all(&activity, |own| &own.settings)).collect())
        })
}

pub(super) fn prepared(activity: Arc<Activity>) -> SystemTable {
    Columns::<Of<PreparedRow>>::new()
        .int("pid", |(pid, _)| Some(*pid))
        .text("name", |(_, row)| Some(row.name.clone()))
        .text("statement", |(_, row)| Some(row.statement.clone()))
        .time("prepare_time", |(_, row)| Some(row.prepared_us))
        .text("parameter_types", |(_, row)| Some(row.parameter_types.clone()))
        .boolean("from_sql", |(_, row)| row.from_sql)
        .table("teatree_prepared_statements", move || Ok(of_all(&activity, |own| &own.prepared)))
}

pub(super) fn cursors(activity: Arc<Activity>) -> SystemTable {
    Columns::<Of<CursorRow>>::new()
        .int("pid", |(pid, _)| Some(*pid))
        .text("name", |(_, row)| Some(row.name.clone()))
        .text("statement", |(_, row)| Some(row.statement.clone()))
        .boolean("is_holdable", |(_, row)| row.is_holdable)
        .boolean("is_scrollable", |(_, row)| row.is_scrollable)
        .time("creation_time", |(_, row)| Some(row.created_us))
        .table("teatree_cursors", move || Ok(of_all(&activity, |own| &own.cursors)))
}

pub(super) fn algorithms(algorithms: &Algorithms) -> SystemTable {
    type Row = (String, String, String);
    let row = |one: &dyn Algorithm| (one.name().to_owned(), signature(one), one.about().to_owned());
    let rows: Vec<Row> = algorithms.iter().map(|one| row(one.as_ref())).collect();
    Columns::<Row>::new()
        .text("name", |(name, _, _)| Some(name.clone()))
        .text("signature", |(_, signature, _)| Some(signature.clone()))
        .text("about", |(_, _, about)| Some(about.clone()))
        .table("teatree_algorithms", move || Ok(rows.clone()))
}

pub(super) fn steps(runs: Arc<Runs>) -> SystemTable {
    Columns::<StepRun>::new()
        .bigint("run", |step| Some(step.run))
        .text("algorithm", |step| Some(step.algorithm.clone()))
        .bigint("position", |step| Some(step.place as u64 + 1))
        .text("step", |step| Some(step.step.clone()))
        .bigint("rows_in", |step| Some(step.rows_in))
        .bigint("rows_out", |step| Some(step.rows_out))
        .bigint("bytes_in", |step| Some(step.bytes_in))
        .bigint("bytes_out", |step| Some(step.bytes_out))
        .bigint("took_us", |step| Some(step.took_us))
        .time("started_at", |step| Some(step.started_at_us))
        .table("teatree_steps", move || Ok(runs.list()))
}
