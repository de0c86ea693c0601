//! Views that read what gets another name. DuckDB's read by name; PostgreSQL's go on to read the
//! same relation, and a DROP … CASCADE of it takes them with it.

use super::Definer;
use super::existing::Existing;
use crate::catalog::{duckdb_schema, duckdb_table};
use crate::error::Result;
use crate::ids::TableName;
use crate::pipeline::View;
use crate::sql::view::{Refresh, Upkeep};
use crate::sql::{quote_ident, renamed_in_view};
use crate::types::Value;
use crate::writer::dropped::Beside;

impl Definer<'_> {
    /// Points the views that read a relation at its new name.
    pub(super) fn follow_rename(&mut self, from: &TableName, to: &TableName) -> Result<()> {
        let name = duckdb_table(to);
        self.follow(from, &name)?;
        self.follow_materialized(from, &name, Some(to))
    }

    /// Gives the views that read a table its column under the name that they know. The text of a
    /// view does not tell which table a column without a qualifier is of: the table is read through
    /// a query there.
    pub(super) fn follow_column(&mut self, table: &Existing, from: &str, to: &str) -> Result<()> {
        let columns = table.columns.iter().map(|column| match quote_ident(&column.name) {
            quoted if column.name == from => format!("{} AS {quoted}", quote_ident(to)),
            quoted => quoted,
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let name = duckdb_table(&table.name);
        let query = format!("(SELECT {columns} FROM {name})");
        self.follow(&table.name, &query)?;
        self.follow_materialized(&table.name, &query, None)
    }

    /// The same for materialized views. Those that follow the changes of a table's rows by their
    /// columns cannot take another name of one, which is refused when they are tried.
    fn follow_materialized(
        &mut self,
        from: &TableName,
        to: &str,
        moved: Option<&TableName>,
    ) -> Result<()> {
        for mut view in View::load(self.connection)? {
            let stored = &mut view.stored;
            let follows = stored.refresh == Refresh::OnChange;
            let reads = stored.inputs.contains(from) && stored.over.is_none();
            if !reads || follows && moved.is_none() {
                continue;
            }
            let path = stored.search_path.clone();
            let is_renamed = |schema: Option<&str>, table: &str| {
                table == from.table
                    && match schema {
                        Some(schema) => public(schema) == from.schema,
                        None => path.contains(&from.schema),
                    }
            };
            let renamed = |query: &mut String| {
                let made = format!("{MADE}{query}");
                if let Some(made) = renamed_in_view(&made, is_renamed, to) {
                    *query = made[MADE.len()..].to_owned();
                }
            };
            renamed(&mut stored.query);
            renamed(&mut stored.text);
            match moved {
                Some(to) => {
                    stored.upkeep.each_query(renamed);
                    let its = stored.inputs.iter_mut().filter(|input| *input == from);
                    its.for_each(|input| input.clone_from(to));
                }
                None => {
                    let reason = "a column that it reads has another name".to_owned();
                    stored.upkeep = Upkeep::Recompute { reason };
                }
            }
            view.save(self.connection)?;
        }
        Ok(())
    }

    /// Has the views that read a relation read something else in its place.
    fn follow(&mut self, from: &TableName, to: &str) -> Result<()> {
        let views = self.connection.text_rows(
            "SELECT schema_name, view_name, sql FROM duckdb_views()
             WHERE database_name = current_database() AND NOT internal AND contains(sql, $1)",
            &[Value::Text(from.table.clone())],
        )?;
        let mut left = Vec::new();
        for row in views {
            let [schema, view, sql] = row.as_slice() else { continue };
            let own = public(schema);
            let is_renamed = |schema: Option<&str>, table: &str| {
                table == from.table
                    && match schema {
                        Some(schema) => public(schema) == from.schema,
                        // Where it was found when the view was made is not kept.
                        None => from.schema == "public" || from.schema == own,
                    }
            };
            if let Some(text) = renamed_in_view(sql, is_renamed, to) {
                let text = text.replacen("CREATE VIEW", "CREATE OR REPLACE VIEW", 1);
                left.push((TableName::new(own.clone(), view.clone()), text));
            }
        }
        // DuckDB refuses to change what another transaction has dropped, or is about to.
        let beside = self.beside.clone();
        let dropped = beside.as_ref().map(Beside::wait);
        if let (Some(beside), Some(dropped)) = (&beside, &dropped) {
            left.retain(|(name, _)| !dropped.has_since(beside.since, name));
        }
        // DuckDB binds a view that is made: those first that others among them read.
        while !left.is_empty() {
            let (before, mut failed) = (left.len(), None);
            let mut still = Vec::new();
            for (name, text) in left {
                let made =
                    self.with_view_comments(&name, &name, |definer| definer.connection.run(&text));
                if let Err(error) = made {
                    failed = Some(error);
                    still.push((name, text));
                }
            }
            match failed {
                Some(error) if still.len() == before => return Err(error),
                _ => left = still,
            }
        }
        Ok(())
    }

    /// Makes a view anew, under another name or not, which loses its comments in DuckDB.
    pub(super) fn with_view_comments(
        &mut self,
        was: &TableName,
        is: &TableName,
        make: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let own = self.connection.text_rows(
            "SELECT comment FROM duckdb_views()
             WHERE database_name = current_database() AND schema_name = $1 AND view_name = $2
                 AND comment IS NOT NULL",
            &place(was),
        )?;
        let columns = self.columns_with_comments(was)?;
        make(self)?;
        let name = duckdb_table(is);
        for comment in own.iter().flatten() {
            self.comment("VIEW", &name, comment)?;
        }
        if columns.iter().all(|(_, comment)| comment.is_empty()) {
            return Ok(());
        }
        // A column may have another name now.
        for ((column, _), (_, comment)) in self.columns_with_comments(is)?.iter().zip(&columns) {
            if !comment.is_empty() {
                self.comment("COLUMN", &format!("{name}.{}", quote_ident(column)), comment)?;
            }
        }
        Ok(())
    }

    fn columns_with_comments(&mut self, view: &TableName) -> Result<Vec<(String, String)>> {
        let rows = self.connection.text_rows(
            "SELECT column_name, coalesce(comment, '') FROM duckdb_columns()
             WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
             ORDER BY column_index",
            &place(view),
        )?;
        let pair = |row: Vec<String>| {
            let mut row = row.into_iter();
            Some((row.next()?, row.next()?))
        };
        Ok(rows.into_iter().filter_map(pair).collect())
    }
}

/// What makes a view of a query.
const MADE: &str = "CREATE VIEW v AS ";

/// A schema's name in PostgreSQL's words.
fn public(schema: &str) -> String {
    if schema == "main" { "public" } else { schema }.to_owned()
}

/// A relation's schema and name as DuckDB has them.
fn place(name: &TableName) -> [Value; 2] {
    [Value::Text(duckdb_schema(&name.schema).to_owned()), Value::Text(name.table.clone())]
}
