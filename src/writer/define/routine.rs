//! Functions and procedures: rows of the table of routines, and the macros that functions are.

use super::Definer;
use crate::catalog::duckdb_schema;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::{
    Routine, RoutineAction, RoutineChange, RoutineKind, RoutineName, SubjectKind, signature,
    view_functions,
};
use crate::sqlstate::SqlState;
use crate::types::{PgType, Value};

const OF_NAME: &str = "SELECT definition FROM teatree_internal.routines
    WHERE schema_name = $1 AND name = $2 ORDER BY rowid";

impl Definer<'_> {
    /// Makes a change of routines.
    pub(super) fn change_routine(&mut self, change: &RoutineChange) -> Result<()> {
        match change {
            RoutineChange::Create { routine, or_replace } => {
                self.create_routine(routine, *or_replace)
            }
            RoutineChange::Drop { kind, names, if_exists, cascade } => {
                let mut found = Vec::new();
                for name in names {
                    match self.find_routine(*kind, name) {
                        Ok(routine) => found.push(routine),
                        Err(error)
                            if *if_exists && error.code() == SqlState::UNDEFINED_FUNCTION => {}
                        Err(error) => return Err(error),
                    }
                }
                found.iter().try_for_each(|routine| self.drop_routine(routine, *cascade))
            }
            RoutineChange::Alter { kind, name, action } => {
                let routine = self.find_routine(*kind, name)?;
                self.alter_routine(routine, action)
            }
        }
    }

    pub(super) fn routines_named(&mut self, name: &TableName) -> Result<Vec<Routine>> {
        let params = [Value::Text(name.schema.clone()), Value::Text(name.table.clone())];
        let rows = self.connection.text_rows(OF_NAME, &params)?;
        rows.iter().flatten().map(|text| read(text)).collect()
    }

    fn create_routine(&mut self, routine: &Routine, or_replace: bool) -> Result<()> {
        if !self.has_schema(&routine.schema)? {
            return Err(Error::new(
                SqlState::INVALID_SCHEMA_NAME,
                format!("schema \"{}\" does not exist", routine.schema),
            ));
        }
        let name = routine.table_name();
        let mut routine = routine.clone();
        let others = self.routines_named(&name)?;
        if let Some(old) = others.iter().find(|old| old.identity() == routine.identity()) {
            check_replace(old, &routine, or_replace)?;
            routine.comment.clone_from(&old.comment);
            self.forget_routine(old)?;
        } else {
            self.check_free_routine(&routine, &others)?;
        }
        self.keep_routine(&routine)?;
        self.make_macros(&name)
    }

    /// DuckDB tells macros apart by the number of their arguments, and has no procedures.
    fn check_free_routine(&mut self, routine: &Routine, others: &[Routine]) -> Result<()> {
        let count = routine.inputs().count();
        if let Some(other) = others.iter().find(|other| other.inputs().count() == count) {
            return Err(Error::unsupported(format!(
                "{} {} and {} differ only in the types of their arguments",
                routine.kind.word(),
                routine.signature(),
                other.signature()
            ))
            .with_hint("Give it another name, or another number of arguments."));
        }
        if routine.kind == RoutineKind::Procedure || others.iter().any(|one| one.form.is_some()) {
            return Ok(());
        }
        let params = [
            Value::Text(duckdb_schema(&routine.schema).to_owned()),
            Value::Text(routine.name.clone()),
        ];
        let rows = self.connection.text_rows(
            "SELECT '1' FROM duckdb_functions() WHERE database_name = current_database()
                 AND schema_name = $1 AND function_name = $2",
            &params,
        )?;
        if rows.is_empty() { Ok(()) } else { Err(exists(routine)) }
    }

    fn keep_routine(&mut self, routine: &Routine) -> Result<()> {
        let definition = serde_json::to_string(routine)
            .map_err(|error| Error::internal(format!("a routine cannot be kept: {error}")))?;
        self.connection.keep_routine(routine, &definition)
    }

    fn forget_routine(&mut self, routine: &Routine) -> Result<()> {
        self.connection.forget_routine(routine)
    }

    /// Makes the macros of a name's functions anew.
    fn make_macros(&mut self, name: &TableName) -> Result<()> {
        let routines = self.routines_named(name)?;
        let full = crate::catalog::duckdb_table(name);
        for is_table in [false, true] {
            let forms = routines.iter().filter_map(|routine| routine.form.as_ref());
            let forms: Vec<String> = forms
                .filter(|form| form.is_table == is_table)
                .map(crate::sql::MacroForm::definition)
                .collect();
            let sql = if forms.is_empty() {
                let word = if is_table { "MACRO TABLE" } else { "MACRO" };
                format!("DROP {word} IF EXISTS {full}")
            } else {
                format!("CREATE OR REPLACE MACRO {full}{}", forms.join(", "))
            };
            self.connection.run(&sql)?;
        }
        Ok(())
    }

    /// Finds the routine that a name means.
    fn find_routine(&mut self, kind: Option<RoutineKind>, name: &RoutineName) -> Result<Routine> {
        let word = kind.map_or("routine", RoutineKind::word);
        let shown = name.candidates.first().map_or("", |name| name.table.as_str());
        let mut wrong: Option<Routine> = None;
        for candidate in &name.candidates {
            let all = self.routines_named(candidate)?;
            let fits = |routine: &&Routine| {
                name.types.as_ref().is_none_or(|types| *types == routine.identity())
            };
            let mut fitting: Vec<&Routine> = all.iter().filter(fits).collect();
            if name.types.is_some() {
                wrong = wrong.or_else(|| fitting.first().map(|routine| (*routine).clone()));
            }
            fitting.retain(|routine| kind.is_none_or(|kind| kind == routine.kind));
            match fitting.as_slice() {
                [] => {}
                [only] => return Ok((*only).clone()),
                _ => {
                    return Err(Error::new(
                        SqlState::AMBIGUOUS_FUNCTION,
                        format!("{word} name \"{shown}\" is not unique"),
                    )
                    .with_hint(format!(
                        "Specify the argument list to select the {word} unambiguously."
                    )));
                }
            }
        }
        Err(match (&name.types, wrong) {
            (Some(types), Some(_)) => Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("{} is not a {word}", signature(shown, types)),
            ),
            (Some(types), None) => Error::new(
                SqlState::UNDEFINED_FUNCTION,
                format!("{word} {} does not exist", signature(shown, types)),
            ),
            (None, _) => Error::new(
                SqlState::UNDEFINED_FUNCTION,
                format!("could not find a {word} named \"{shown}\""),
            ),
        })
    }

    fn drop_routine(&mut self, routine: &Routine, cascade: bool) -> Result<()> {
        let users = self.views_calling(routine)?;
        if let Some(view) = users.first().filter(|_| !cascade) {
            let word = routine.kind.word();
            return Err(Error::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!(
                    "cannot drop {word} {} because other objects depend on it",
                    routine.signature()
                ),
            )
            .with_detail(format!("view {} depends on {word} {}", view.table, routine.signature()))
            .with_hint("Use DROP ... CASCADE to drop the dependent objects too."));
        }
        if !users.is_empty() {
            self.drop_views(users)?;
        }
        self.drop_triggers_running(routine, cascade)?;
        self.forget_routine(routine)?;
        self.make_macros(&routine.table_name())
    }

    fn alter_routine(&mut self, routine: Routine, action: &RoutineAction) -> Result<()> {
        let mut changed = routine.clone();
        match action {
            RoutineAction::Nothing => return Ok(()),
            RoutineAction::Rename(name) => name.clone_into(&mut changed.name),
            RoutineAction::SetSchema(schema) => schema.clone_into(&mut changed.schema),
            RoutineAction::Volatility(volatility) => changed.volatility = *volatility,
            RoutineAction::Strict(strict) if *strict != routine.strict => {
                return Err(Error::unsupported("to change what a function does with NULL")
                    .with_hint("CREATE OR REPLACE it."));
            }
            RoutineAction::Strict(_) => return Ok(()),
            RoutineAction::Comment(comment) => changed.comment.clone_from(comment),
        }
        let moves = (&changed.schema, &changed.name) != (&routine.schema, &routine.name);
        if moves {
            if let Some(view) = self.views_calling(&routine)?.first() {
                return Err(Error::unsupported(format!(
                    "{} is called by view {}, so it cannot be renamed",
                    routine.signature(),
                    view.table
                )));
            }
            if !self.has_schema(&changed.schema)? {
                return Err(Error::new(
                    SqlState::INVALID_SCHEMA_NAME,
                    format!("schema \"{}\" does not exist", changed.schema),
                ));
            }
            let others = self.routines_named(&changed.table_name())?;
            if others.iter().any(|other| other.identity() == changed.identity()) {
                return Err(exists(&changed));
            }
            self.check_free_routine(&changed, &others)?;
        }
        self.forget_routine(&routine)?;
        self.keep_routine(&changed)?;
        if moves {
            self.rename_in_triggers(&routine, &changed)?;
            let signed = |one: &Routine| TableName::new(one.schema.clone(), one.signature());
            let (from, to) = (signed(&routine), signed(&changed));
            self.connection.move_facts(&[SubjectKind::Routine], &from, &to)?;
            self.make_macros(&routine.table_name())?;
            self.make_macros(&changed.table_name())?;
        }
        Ok(())
    }

    /// Lists the views that call a function: their texts name it with its schema.
    fn views_calling(&mut self, routine: &Routine) -> Result<Vec<TableName>> {
        if routine.kind == RoutineKind::Procedure {
            return Ok(Vec::new());
        }
        let rows = self.connection.text_rows(
            "SELECT schema_name, view_name, sql FROM duckdb_views()
             WHERE database_name = current_database() AND NOT internal
                 AND contains(sql, $1)",
            &[Value::Text(routine.name.clone())],
        )?;
        let own = (Some(duckdb_schema(&routine.schema).to_owned()), routine.name.clone());
        let mut found = Vec::new();
        for row in rows {
            let [schema, view, sql] = row.as_slice() else { continue };
            let calls = view_functions(sql);
            if calls.into_iter().any(|called| (called.schema, called.table) == own) {
                let schema = if schema == "main" { "public" } else { schema };
                found.push(TableName::new(schema, view.clone()));
            }
        }
        Ok(found)
    }

    /// Refuses to drop a schema with routines in it; by CASCADE they go with it.
    pub(super) fn drop_routines_of(&mut self, schema: &str, cascade: bool) -> Result<()> {
        let rows = self.connection.text_rows(
            "SELECT definition FROM teatree_internal.routines WHERE schema_name = $1",
            &[Value::Text(schema.to_owned())],
        )?;
        for text in rows.iter().flatten() {
            let routine = read(text)?;
            if !cascade {
                let word = routine.kind.word();
                return Err(Error::new(
                    SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                    format!("cannot drop schema {schema} because other objects depend on it"),
                )
                .with_detail(format!(
                    "{word} {} depends on schema {schema}",
                    signature(&format!("{schema}.{}", routine.name), &routine.identity())
                ))
                .with_hint("Use DROP ... CASCADE to drop the dependent objects too."));
            }
            self.drop_routine(&routine, true)?;
        }
        Ok(())
    }
}

fn read(text: &str) -> Result<Routine> {
    serde_json::from_str(text)
        .map_err(|error| Error::internal(format!("a routine cannot be read: {error}")))
}

fn exists(routine: &Routine) -> Error {
    Error::new(
        SqlState::DUPLICATE_FUNCTION,
        format!(
            "{} \"{}\" already exists with same argument types",
            routine.kind.word(),
            routine.name
        ),
    )
}

/// Checks whether a routine may take another's place.
fn check_replace(old: &Routine, new: &Routine, or_replace: bool) -> Result<()> {
    if !or_replace {
        return Err(Error::new(
            SqlState::DUPLICATE_FUNCTION,
            format!("function \"{}\" already exists with same argument types", new.name),
        ));
    }
    if old.kind != new.kind {
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot change routine kind")
            .with_detail(format!("\"{}\" is a {}.", old.name, old.kind.word())));
    }
    let refused = |message: String| {
        let word = old.kind.word().to_uppercase();
        Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message)
            .with_hint(format!("Use DROP {word} {} first.", old.signature()))
    };
    let outputs = |routine: &Routine| -> Vec<(Option<String>, PgType)> {
        routine.outputs().map(|output| (output.name.clone(), output.pg_type)).collect()
    };
    if (old.result, old.returns_set) != (new.result, new.returns_set) {
        let has_outputs = |routine: &Routine| routine.kind == RoutineKind::Procedure;
        return Err(if has_outputs(old) {
            refused("cannot change whether a procedure has output parameters".to_owned())
        } else {
            refused("cannot change return type of existing function".to_owned())
        });
    }
    if outputs(old) != outputs(new) && old.result == PgType::RECORD {
        return Err(refused("cannot change return type of existing function".to_owned())
            .with_detail("Row type defined by OUT parameters is different."));
    }
    for (before, after) in old.inputs().zip(new.inputs()) {
        if let Some(name) = &before.name
            && after.name.as_ref() != Some(name)
        {
            return Err(refused(format!("cannot change name of input parameter \"{name}\"")));
        }
        if before.default.is_some() && after.default.is_none() {
            return Err(refused(
                "cannot remove parameter defaults from existing function".to_owned(),
            ));
        }
    }
    Ok(())
}
