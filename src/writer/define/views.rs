//! Materialized views: CREATE, REFRESH, ALTER, DROP, and their indexes.

use super::create::already_exists;
use super::{Definer, RelationKind, undefined, wrong_kind};
use crate::catalog::duckdb_table;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::pipeline::{StoredView, View, view_storage};
use crate::sql::view::{DELTA, Delta, Refresh, Upkeep, ViewPlan};
use crate::sql::{IndexPart, MaterializedView, ViewAction, may_read_tables, quote_ident};
use crate::sqlstate::SqlState;
use crate::types::Value;

/// How deep plain views may be nested in a materialized view's query.
const NESTED_MAX: usize = 32;

impl Definer<'_> {
    /// Makes a materialized view.
    pub(super) fn create_view(&mut self, view: &MaterializedView) -> Result<()> {
        if self.find(std::slice::from_ref(&view.name))?.is_some() {
            if view.if_not_exists {
                return Ok(());
            }
            return Err(already_exists(&view.name.table));
        }
        self.connection.adopt(&view.time_zone, &view.search_path)?;
        let (inputs, behind_views) = self.inputs(&view.plan)?;
        let storage = view_storage(view.id);
        let upkeep = match (&view.plan.over, behind_views) {
            (Some(_), _) => view.plan.upkeep.clone(),
            (None, true) => recomputed("it reads a view"),
            (None, false) => self.tried(&view.plan, &inputs, view.refresh)?,
        };
        self.make_storage(&storage, &view.plan)?;
        let upkeep = self.settled(&storage, upkeep)?;
        let stored = StoredView {
            name: view.name.clone(),
            columns: view.plan.columns.clone(),
            text: view.text.clone(),
            refresh: view.refresh,
            query: view.plan.query.clone(),
            upkeep,
            inputs,
            search_path: view.search_path.clone(),
            time_zone: view.time_zone.clone(),
            populated: view.with_data,
            failed: None,
            over: view.plan.over.clone(),
        };
        let made = View { storage, stored };
        if view.with_data {
            self.fill(&made)?;
            self.rows = self.connection.count(&duckdb_table(&made.storage))?;
        }
        made.show(self.connection)?;
        made.save(self.connection)
    }

    /// Changes a materialized view.
    pub(super) fn alter_view(
        &mut self,
        candidates: &[TableName],
        if_exists: bool,
        action: &ViewAction,
    ) -> Result<()> {
        let found = self.stored_view(candidates, if_exists);
        let found = found.map_err(|error| match (error.code(), action) {
            // PostgreSQL's own code for this one statement.
            (SqlState::WRONG_OBJECT_TYPE, ViewAction::Refresh { .. }) => {
                Error::new(SqlState::FEATURE_NOT_SUPPORTED, error.message())
            }
            _ => error,
        });
        let Some(mut view) = found? else { return Ok(()) };
        match action {
            ViewAction::Refresh { concurrently, with_data } => {
                return self.refresh(view, *concurrently, *with_data);
            }
            ViewAction::Rename { to } => {
                let to = TableName::new(view.stored.name.schema.clone(), to.clone());
                return self.move_view(view, to);
            }
            ViewAction::SetSchema { schema } => {
                let to = TableName::new(schema.clone(), view.stored.name.table.clone());
                return self.move_view(view, to);
            }
            ViewAction::RenameColumn { from, to } => {
                let columns = &mut view.stored.columns;
                if columns.contains(to) {
                    return Err(Error::new(
                        SqlState::DUPLICATE_COLUMN,
                        format!(
                            "column \"{to}\" of relation \"{}\" already exists",
                            view.stored.name.table
                        ),
                    ));
                }
                match columns.iter_mut().find(|column| *column == from) {
                    Some(column) => column.clone_from(to),
                    None => {
                        return Err(Error::new(
                            SqlState::UNDEFINED_COLUMN,
                            format!("column \"{from}\" does not exist"),
                        ));
                    }
                }
            }
            ViewAction::SetRefresh { refresh } => {
                view.stored.refresh = *refresh;
                let follows = *refresh == Refresh::OnChange && view.stored.over.is_none();
                if follows && view.stored.populated {
                    view.recompute(self.connection)?;
                    view.stored.failed = None;
                }
            }
        }
        self.show_again(&view, &view.stored.name)?;
        view.save(self.connection)
    }

    /// Makes the view over the rows anew; the comments on it stay.
    fn show_again(&mut self, view: &View, was: &TableName) -> Result<()> {
        self.with_view_comments(was, &view.stored.name, |definer| {
            if *was != view.stored.name {
                definer.connection.run(&format!("DROP VIEW {}", duckdb_table(was)))?;
            }
            view.show(definer.connection)
        })
    }

    fn refresh(&mut self, mut view: View, concurrently: bool, with_data: bool) -> Result<()> {
        let shown = format!("{}.{}", view.stored.name.schema, view.stored.name.table);
        if concurrently && !view.stored.populated {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "CONCURRENTLY cannot be used when the materialized view is not populated",
            ));
        }
        if concurrently && !self.has_unique_index(&view.storage)? {
            return Err(Error::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("cannot refresh materialized view \"{shown}\" concurrently"),
            )
            .with_hint(
                "Create a unique index with no WHERE clause on one or more columns of the \
                 materialized view.",
            ));
        }
        let before = (view.stored.populated, view.stored.failed.take());
        view.stored.populated = with_data;
        if with_data {
            self.replace_rows(&view)?;
        } else {
            self.connection.run(&format!("DELETE FROM {}", duckdb_table(&view.storage)))?;
        }
        if before != (with_data, None) {
            self.show_again(&view, &view.stored.name)?;
            view.save(self.connection)?;
        }
        Ok(())
    }

    fn move_view(&mut self, mut view: View, to: TableName) -> Result<()> {
        self.check_free(&to.schema, &to.table)?;
        if let Some(reader) = self.readers(&view.stored.name)?.first() {
            return Err(depends(reader, &view.stored.name));
        }
        self.move_relation_facts(&view.stored.name, &to)?;
        let from = std::mem::replace(&mut view.stored.name, to);
        self.show_again(&view, &from)?;
        view.save(self.connection)
    }

    /// Drops the storage of a materialized view that is dropped.
    pub(super) fn drop_storage(&mut self, name: &TableName) -> Result<()> {
        for view in View::load(self.connection)? {
            if view.stored.name == *name {
                self.connection.run(&format!("DROP TABLE {}", duckdb_table(&view.storage)))?;
            }
        }
        Ok(())
    }

    /// Drops the materialized views of a schema that is dropped with all that is in it.
    pub(super) fn drop_storages_of(&mut self, schema: &str) -> Result<()> {
        for view in View::load(self.connection)? {
            let StoredView { name, .. } = &view.stored;
            if name.schema == schema {
                self.connection.run(&format!("DROP VIEW {}", duckdb_table(name)))?;
                self.connection.run(&format!("DROP TABLE {}", duckdb_table(&view.storage)))?;
            }
        }
        Ok(())
    }

    /// Finds a materialized view.
    fn stored_view(&mut self, candidates: &[TableName], if_exists: bool) -> Result<Option<View>> {
        let shown = candidates.first().map_or("", |name| name.table.as_str());
        let Some((name, _)) = self.find(candidates)? else {
            return if if_exists { Ok(None) } else { Err(undefined("relation", shown)) };
        };
        match self.materialized(&name)? {
            Some(view) => Ok(Some(view)),
            None => Err(wrong_kind(shown, "a materialized view")),
        }
    }

    /// Finds the materialized view of a name that stands for one.
    pub(super) fn materialized_at(
        &mut self,
        name: &TableName,
        kind: RelationKind,
    ) -> Result<Option<View>> {
        if kind == RelationKind::MaterializedView { self.materialized(name) } else { Ok(None) }
    }

    /// Finds the materialized view of a name.
    pub(super) fn materialized(&mut self, name: &TableName) -> Result<Option<View>> {
        Ok(View::load(self.connection)?.into_iter().find(|view| view.stored.name == *name))
    }

    /// Finds the materialized view that has an index of this name, and the index as DuckDB has it.
    pub(super) fn index_of_view(&mut self, name: &TableName) -> Result<Option<(View, TableName)>> {
        let rows = self.connection.text_rows(
            "SELECT table_name, index_name FROM duckdb_indexes()
             WHERE database_name = current_database() AND schema_name = 'teatree_internal'
                 AND index_name IN ($1, table_name || '.' || $1)",
            &[Value::Text(name.table.clone())],
        )?;
        if rows.is_empty() {
            return Ok(None);
        }
        let views = View::load(self.connection)?;
        Ok(views.into_iter().filter(|view| view.stored.name.schema == name.schema).find_map(
            |view| {
                let is_its = |row: &&Vec<String>| row.first() == Some(&view.storage.table);
                let index = rows.iter().find(is_its)?.get(1)?.clone();
                let index = TableName::new(view.storage.schema.clone(), index);
                Some((view, index))
            },
        ))
    }

    /// Gives an index of a materialized view another name.
    pub(super) fn rename_index_of_view(
        &mut self,
        name: &TableName,
        view: &View,
        index: &TableName,
        to: &str,
    ) -> Result<()> {
        let storage = self.existing(&view.storage)?;
        let found = storage.indexes.into_iter().find(|one| one.name == index.table);
        let Some(mut found) = found else { return Err(undefined("relation", &name.table)) };
        self.connection.run(&format!("DROP INDEX {}", duckdb_table(index)))?;
        found.name = view.index(to).table;
        self.move_relation_facts(name, &TableName::new(name.schema.clone(), to))?;
        self.indexes(&[found], &view.storage)
    }

    /// Puts the storage's columns into the parts of an index on a materialized view.
    pub(super) fn index_parts(view: &View, parts: &[IndexPart]) -> Result<Vec<IndexPart>> {
        let place = |part: &IndexPart| {
            view.stored.columns.iter().position(|column| quote_ident(column) == part.sql)
        };
        parts
            .iter()
            .map(|part| match place(part) {
                Some(place) => Ok(IndexPart { sql: format!("c{place}"), word: part.word.clone() }),
                None => Err(Error::unsupported(
                    "an index on a materialized view can only have its columns as keys",
                )),
            })
            .collect()
    }

    pub(super) fn has_unique_index(&mut self, storage: &TableName) -> Result<bool> {
        let rows = self.connection.text_rows(
            "SELECT '1' FROM duckdb_indexes() WHERE database_name = current_database()
                 AND schema_name = 'teatree_internal' AND table_name = $1 AND is_unique",
            &[crate::types::Value::Text(storage.table.clone())],
        )?;
        Ok(!rows.is_empty())
    }

    /// Finds what a query reads: the tables and materialized views that it names, then those that
    /// plain views among them read; tells whether there are such views.
    fn inputs(&mut self, plan: &ViewPlan) -> Result<(Vec<TableName>, bool)> {
        let mut found = Vec::new();
        let mut nested = Vec::new();
        for candidates in &plan.inputs {
            if let Some(name) = plan.over.as_ref().and_then(|over| over.dataset(candidates)) {
                found.push(name.clone());
                continue;
            }
            let Some((name, kind)) = self.find(candidates)? else {
                let name = candidates.first().map_or("", |name| name.table.as_str());
                return Err(undefined("relation", name));
            };
            if kind == RelationKind::View {
                nested.push(name.clone());
            }
            found.push(name);
        }
        let behind_views = !nested.is_empty();
        for _ in 0..NESTED_MAX {
            for view in std::mem::take(&mut nested) {
                for name in self.read_by(&view)? {
                    let found_as = self.find(std::slice::from_ref(&name))?;
                    if matches!(found_as, Some((_, RelationKind::View))) {
                        nested.push(name.clone());
                    }
                    if !found.contains(&name) {
                        found.push(name);
                    }
                }
            }
        }
        Ok((found, behind_views))
    }

    /// Lists the relations that a plain view reads.
    fn read_by(&mut self, view: &TableName) -> Result<Vec<TableName>> {
        let all = self.views()?;
        let reads = all.into_iter().find(|(name, _)| name == view).map(|(_, reads)| reads);
        let mut found = Vec::new();
        for name in reads.unwrap_or_default() {
            if self.find(std::slice::from_ref(&name))?.is_some() {
                found.push(name);
            }
        }
        Ok(found)
    }

    /// Tries out what a plan says of changes; where DuckDB does not take it, or it does something
    /// else than it should, the view is recomputed.
    fn tried(&mut self, plan: &ViewPlan, inputs: &[TableName], refresh: Refresh) -> Result<Upkeep> {
        if let Some((name, reads)) = self.calls_macro(plan)? {
            if reads && refresh == Refresh::OnChange {
                return Err(Error::unsupported(format!(
                    "a view that follows its tables cannot call {name}(), which may read others"
                ))
                .with_hint("Write its query in the place of the call."));
            }
            return Ok(recomputed(&format!("it calls the function {name}")));
        }
        let deltas: &[Delta] = match &plan.upkeep {
            Upkeep::Recompute { .. } => return Ok(plan.upkeep.clone()),
            Upkeep::Rows { deltas } => deltas,
            Upkeep::Groups(groups) => &groups.deltas,
        };
        for delta in deltas {
            let Some(table) = inputs.get(delta.input) else { continue };
            let source = format!("SELECT * FROM {} LIMIT 0", duckdb_table(table));
            for (sql, of_groups) in [(&delta.rows, false), (&delta.keys, true)] {
                if sql.is_empty() {
                    continue;
                }
                let probe = format!("SELECT '1' FROM (WITH {DELTA} AS ({source}) {sql})");
                match self.connection.text_rows(&probe, &[]) {
                    Ok(rows) if rows.is_empty() => {}
                    // An aggregate over no rows at all is a row.
                    Ok(_) if matches!(&plan.upkeep, Upkeep::Groups(g) if g.keys == 0) => {}
                    Ok(_) => return Ok(recomputed("its rows do not come of single rows")),
                    Err(error) if of_groups || error.code().class() == "42" => {
                        tracing::info!(%error, "a view's changes cannot be followed");
                        return Ok(recomputed("its changes cannot be computed for themselves"));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(plan.upkeep.clone())
    }

    /// Names a function of the user's that a query calls, and tells whether one may read tables.
    fn calls_macro(&mut self, plan: &ViewPlan) -> Result<Option<(String, bool)>> {
        let rows = self.connection.text_rows(
            "SELECT function_name, macro_definition FROM duckdb_functions()
             WHERE database_name = current_database() AND NOT internal",
            &[],
        )?;
        let called = rows.iter().filter_map(|row| match row.as_slice() {
            [name, definition] if plan.calls.contains(name) => {
                Some((name.clone(), may_read_tables(definition)))
            }
            _ => None,
        });
        Ok(called.max_by_key(|(_, reads)| *reads))
    }

    /// Looks at the types of what the storage keeps: sums of floats do not give back exactly what
    /// was added.
    fn settled(&mut self, storage: &TableName, mut upkeep: Upkeep) -> Result<Upkeep> {
        if let Upkeep::Groups(groups) = &mut upkeep
            && let Some(merge) = &mut groups.merge
        {
            let rows = self.connection.text_rows(
                "SELECT column_name, data_type FROM duckdb_columns()
                 WHERE database_name = current_database() AND schema_name = 'teatree_internal'
                     AND table_name = $1",
                &[crate::types::Value::Text(storage.table.clone())],
            )?;
            let inexact = rows.iter().any(|row| {
                matches!(row.as_slice(), [name, data_type]
                    if merge.sums.contains(name)
                        && matches!(data_type.as_str(), "DOUBLE" | "FLOAT"))
            });
            merge.subtracts &= !inexact;
        }
        Ok(upkeep)
    }

    /// Lists the materialized views that read a relation.
    pub(super) fn readers(&mut self, name: &TableName) -> Result<Vec<View>> {
        let views = View::load(self.connection)?;
        Ok(views.into_iter().filter(|view| view.stored.inputs.contains(name)).collect())
    }
}

fn recomputed(reason: &str) -> Upkeep {
    Upkeep::Recompute { reason: reason.to_owned() }
}

fn depends(reader: &View, on: &TableName) -> Error {
    Error::new(
        SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
        format!(
            "cannot rename \"{}\": the materialized view \"{}\" reads it by this name",
            on.table, reader.stored.name.table
        ),
    )
}
