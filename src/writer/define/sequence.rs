//! Sequences. DuckDB cannot change one: it is made anew, and the defaults that draw from it are
//! taken away before and given back after.

use super::{Definer, RelationKind, undefined, wrong_kind};
use crate::catalog::{TEMPORARY_SCHEMA, duckdb_schema, duckdb_table};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::ResultSet;
use crate::sql::{
    OwnerChange, Sequence, SequenceChange, SequenceOwner, SequenceSpec, TableRef, quote_ident,
    sequence_default, written_name,
};
use crate::sqlstate::SqlState;
use crate::types::{self, Column, PgType, Value};

/// A column whose default draws from a sequence.
struct User {
    table: TableName,
    column: String,
    /// The kind of the default that owns it; `None` for a plain one.
    owned: Option<u8>,
}

impl Definer<'_> {
    /// Makes a sequence.
    pub(super) fn create_sequence(
        &mut self,
        name: &TableName,
        if_not_exists: bool,
        spec: &SequenceSpec,
        owner: Option<&SequenceOwner>,
    ) -> Result<()> {
        if self.find(std::slice::from_ref(name))?.is_some() {
            return if if_not_exists {
                Ok(())
            } else {
                Err(super::create::already_exists(&name.table))
            };
        }
        self.make_sequence(name, &spec.resolve(None)?)?;
        match owner {
            Some(owner) => self.own(name, owner),
            None => Ok(()),
        }
    }

    /// Makes a sequence of a column's.
    pub(super) fn make_sequence(&mut self, name: &TableName, made: &Sequence) -> Result<()> {
        let sql = if name.schema == TEMPORARY_SCHEMA {
            let sql = made.create_sql(&quote_ident(&name.table));
            sql.replacen("CREATE SEQUENCE", "CREATE TEMP SEQUENCE", 1)
        } else {
            made.create_sql(&duckdb_table(name))
        };
        self.connection.run(&sql)
    }

    /// Changes a sequence.
    pub(super) fn alter_sequence(
        &mut self,
        candidates: &[TableName],
        if_exists: bool,
        change: &SequenceChange,
    ) -> Result<()> {
        let name = match self.find(candidates)? {
            Some((name, RelationKind::Sequence)) => name,
            Some((name, _)) => return Err(wrong_kind(&name.table, "a sequence")),
            None if if_exists => return Ok(()),
            None => {
                let name = candidates.first().map_or("", |name| name.table.as_str());
                return Err(undefined("relation", name));
            }
        };
        let before = self.sequence(&name)?;
        let mut after = change.spec.resolve(Some(&before))?;
        after.restart(change.restart)?;
        if after != before {
            self.replace_sequence(&name, &name, &after)?;
        }
        if let OwnerChange::Column(owner) = &change.owner {
            self.own(&name, owner)?;
        }
        if matches!(change.owner, OwnerChange::Nobody) {
            self.disown(&name)?;
        }
        let to = TableName::new(
            change.schema.clone().unwrap_or_else(|| name.schema.clone()),
            change.rename.clone().unwrap_or_else(|| name.table.clone()),
        );
        if to == name { Ok(()) } else { self.rename_sequence(&name, &to) }
    }

    /// Gives a sequence another name or schema.
    pub(super) fn rename_sequence(&mut self, name: &TableName, to: &TableName) -> Result<()> {
        if self.find(std::slice::from_ref(to))?.is_some() {
            return Err(super::create::already_exists(&to.table));
        }
        let sequence = self.sequence(name)?;
        self.move_relation_facts(name, to)?;
        self.replace_sequence(name, to, &sequence)
    }

    /// Reads a sequence's state.
    fn sequence(&mut self, name: &TableName) -> Result<Sequence> {
        let rows = self.connection.text_rows(
            "SELECT increment_by::varchar, min_value::varchar, max_value::varchar,
                    start_value::varchar, cycle::varchar, coalesce(last_value::varchar, ''),
                    coalesce(comment, '')
             FROM duckdb_sequences() WHERE sequence_name = $2
                 AND CASE $1 WHEN 'pg_temp' THEN database_name = 'temp'
                     ELSE database_name = current_database() AND schema_name = $1 END",
            &[Value::Text(duckdb_schema(&name.schema).to_owned()), Value::Text(name.table.clone())],
        )?;
        let row = rows.first().ok_or_else(|| undefined("relation", &name.table))?;
        let number = |place: usize| row.get(place).and_then(|text| text.parse::<i64>().ok());
        let (increment, start) = (number(0).unwrap_or(1), number(3).unwrap_or(1));
        let (min, max) = (number(1).unwrap_or(1), number(2).unwrap_or(i64::MAX));
        let cycle = row.get(4).is_some_and(|text| text == "true");
        let kept = row.get(6).and_then(|comment| kept_start(comment));
        let (last_value, is_called) = (number(5).unwrap_or(start), number(5).is_some());
        let start = kept.unwrap_or(start);
        Ok(Sequence { increment, min, max, start, cycle, last_value, is_called })
    }

    /// Makes a sequence anew, maybe under another name.
    fn replace_sequence(
        &mut self,
        from: &TableName,
        to: &TableName,
        sequence: &Sequence,
    ) -> Result<()> {
        let users = self.users(from)?;
        for user in &users {
            let table = self.existing(&user.table)?;
            self.set_default(table, &user.column, None)?;
        }
        self.connection.run(&format!("DROP SEQUENCE {}", duckdb_table(from)))?;
        let name = duckdb_table(to);
        self.make_sequence(to, sequence)?;
        if sequence.is_called {
            self.connection.execute(&draw(&name), &[], 1)?;
        }
        if sequence.last_value != sequence.start {
            let comment = format!("{START_NOTE}{}", sequence.start);
            self.connection.run(&format!("COMMENT ON SEQUENCE {name} IS '{comment}'"))?;
        }
        for user in users {
            let table = self.existing(&user.table)?;
            let default = sequence_default(&name, user.owned);
            self.set_default(table, &user.column, Some(default))?;
        }
        Ok(())
    }

    /// Lists the columns that draw from a sequence.
    fn users(&mut self, name: &TableName) -> Result<Vec<User>> {
        let rows = self.connection.text_rows(
            "SELECT schema_name, table_name, column_name, column_default FROM duckdb_columns()
             WHERE database_name = current_database() AND contains(column_default, 'nextval(')",
            &[],
        )?;
        let mut users = Vec::new();
        for row in rows {
            let [schema, table, column, default] = row.as_slice() else { continue };
            let Some((_, rest)) = default.split_once("nextval('") else { continue };
            let Some((written, after)) = rest.split_once("')") else { continue };
            let (in_schema, sequence) = written_name(&written.replace("''", "'"));
            let in_schema = in_schema.unwrap_or_else(|| "main".to_owned());
            if sequence != name.table || in_schema != duckdb_schema(&name.schema) {
                continue;
            }
            let owned = after.trim_start_matches([',', ' ']).trim_end_matches(')').parse().ok();
            let schema = if schema == "main" { "public" } else { schema };
            users.push(User {
                table: TableName::new(schema, table.clone()),
                column: column.clone(),
                owned,
            });
        }
        Ok(users)
    }

    /// Lists the columns that draw from a sequence, with the kind of owning.
    pub(super) fn drawing(
        &mut self,
        name: &TableName,
    ) -> Result<Vec<(TableName, String, Option<u8>)>> {
        let users = self.users(name)?;
        Ok(users.into_iter().map(|user| (user.table, user.column, user.owned)).collect())
    }

    /// Lets a column own a sequence that it draws from.
    fn own(&mut self, name: &TableName, owner: &SequenceOwner) -> Result<()> {
        let Some((table, RelationKind::Table)) = self.find(&owner.table)? else {
            let table = owner.table.first().map_or("", |name| name.table.as_str());
            return Err(undefined("relation", table));
        };
        let mut table = self.existing(&table)?;
        table.column(&owner.column)?;
        let drawn = self.users(name)?.into_iter().find(|user| {
            user.table == table.name && user.column == owner.column && user.owned.is_none()
        });
        match drawn {
            Some(_) => {
                let default = sequence_default(&duckdb_table(name), Some(0));
                self.set_default(table, &owner.column, Some(default))
            }
            // The column's default does not draw from it: there is nothing that could tell.
            None => Ok(()),
        }
    }

    fn disown(&mut self, name: &TableName) -> Result<()> {
        for user in self.users(name)?.into_iter().filter(|user| user.owned == Some(0)) {
            let table = self.existing(&user.table)?;
            let default = sequence_default(&duckdb_table(name), None);
            self.set_default(table, &user.column, Some(default))?;
        }
        Ok(())
    }

    /// Reads the state of a column's own sequence, by its quoted name.
    pub(super) fn sequence_of(&mut self, quoted: &str) -> Result<Sequence> {
        self.sequence(&name_of(quoted))
    }

    /// Starts a column's own sequence anew.
    pub(super) fn restart_sequence(&mut self, quoted: &str) -> Result<()> {
        let name = name_of(quoted);
        let mut sequence = self.sequence(&name)?;
        (sequence.last_value, sequence.is_called) = (sequence.start, false);
        self.replace_sequence(&name, &name, &sequence)
    }

    /// Does the `setval` calls of a SELECT, whose arguments a query gives.
    pub(super) fn set_values(
        &mut self,
        query: &str,
        params: &[Value],
        names: &[String],
        search_path: &[String],
    ) -> Result<ResultSet> {
        let rows = self.connection.text_rows(query, params)?;
        let mut values = Vec::new();
        let mut drawn = Vec::new();
        for row in &rows {
            let mut of_row = Vec::new();
            for call in row.chunks(3) {
                let [sequence, value, called] = call else { continue };
                of_row.push(self.set_value(sequence, value, called, search_path, &mut drawn)?);
            }
            values.push(of_row);
        }
        let columns: Vec<Column> =
            names.iter().map(|name| Column::new(name.clone(), PgType::INT8)).collect();
        let batch = types::batch_from_values(types::storage_schema(&columns)?, &values)?;
        let schema = batch.schema();
        Ok(ResultSet::new(columns, &schema, &[batch])?.with_drawn(drawn))
    }

    /// Runs a SELECT that draws from sequences, and tells where they are then.
    pub(super) fn draw(
        &mut self,
        sql: &str,
        params: &[Value],
        sequences: &[Vec<TableName>],
    ) -> Result<ResultSet> {
        let changed = self.connection.execute(sql, params, self.rows_max)?;
        let (columns, schema, batches) =
            changed.returned.ok_or_else(|| Error::internal("a SELECT gave no rows"))?;
        let mut drawn = Vec::new();
        for candidates in sequences {
            let Some((name, RelationKind::Sequence)) = self.find(candidates)? else { continue };
            let state = self.sequence(&name)?;
            if state.is_called {
                drawn.push((name, state.last_value));
            }
        }
        Ok(ResultSet::new(columns, &schema, &batches)?.with_drawn(drawn))
    }

    /// Sets one sequence; a NULL argument does nothing and gives NULL.
    fn set_value(
        &mut self,
        sequence: &str,
        value: &str,
        called: &str,
        search_path: &[String],
        drawn: &mut Vec<(TableName, i64)>,
    ) -> Result<Value> {
        if sequence.is_empty() || value.is_empty() || called.is_empty() {
            return Ok(Value::Null);
        }
        let value: i64 = value
            .parse()
            .map_err(|_| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range"))?;
        let (schema, table) = written_name(sequence);
        let written = TableRef { database: None, schema, table };
        let candidates: Vec<TableName> = written.candidates(search_path).collect();
        let name = match self.find(&candidates)? {
            Some((name, RelationKind::Sequence)) => name,
            Some((name, _)) => return Err(wrong_kind(&name.table, "a sequence")),
            None => return Err(undefined("relation", sequence)),
        };
        let mut state = self.sequence(&name)?;
        if value < state.min || value > state.max {
            return Err(Error::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                format!(
                    "setval: value {value} is out of bounds for sequence \"{}\" ({}..{})",
                    name.table, state.min, state.max
                ),
            ));
        }
        (state.last_value, state.is_called) = (value, called == "true");
        self.replace_sequence(&name, &name, &state)?;
        if called == "true" {
            drawn.push((name, value));
        }
        Ok(Value::Int8(value))
    }
}

/// The name that quoted SQL has for a sequence.
fn name_of(quoted: &str) -> TableName {
    let (schema, table) = written_name(quoted);
    let schema = schema.filter(|schema| schema != "main");
    TableName::new(schema.unwrap_or_else(|| "public".to_owned()), table)
}

/// What a sequence's comment keeps: where it starts, when it was made anew at another place.
const START_NOTE: &str = "sequence starts at ";

fn kept_start(comment: &str) -> Option<i64> {
    comment.strip_prefix(START_NOTE)?.parse().ok()
}

fn draw(name: &str) -> String {
    format!("SELECT nextval('{}')", name.replace('\'', "''"))
}
