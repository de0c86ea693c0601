//! CREATE FUNCTION and CREATE PROCEDURE: the body is checked, and a function's macro is made, as
//! definitions are now; the Writer finds out whether the name is free.

use crate::catalog::is_used_function;
use crate::error::{Error, Result};
use crate::intent::{Body, TagKind};
use crate::router::{Router, StatementContext};
use crate::sql::trigger::{NEW_TABLE, OLD_TABLE};
use crate::sql::{
    Definition, Kind, Language, Routine, RoutineChange, RoutineKind, RoutineStatement, Routines,
    Statement, TableRef, Write, check_result, macro_of, parse, parse_body,
};
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType, Value};

/// How deep functions may call each other.
const DEPTH_MAX: usize = 32;

impl Router {
    /// Builds the body of a statement about routines.
    pub(super) async fn define_routine(
        &self,
        statement: &RoutineStatement,
        tag: TagKind,
        context: &StatementContext,
    ) -> Result<Body> {
        self.wait_for_definitions(context).await?;
        let path = &context.query.search_path;
        let mut remade = Vec::new();
        let change = match statement {
            RoutineStatement::Create { name, routine, or_replace, unknown } => {
                self.check_database(std::slice::from_ref(name))?;
                self.check_types(unknown).await?;
                let mut routine = routine.clone();
                routine.schema = name.to_create(path)?.schema;
                // What the body means is not fixed to this moment.
                let context = StatementContext { moment: None, ..context.clone() };
                self.complete(&mut routine, &context).await?;
                if *or_replace && routine.kind == RoutineKind::Procedure {
                    remade = self.remade_triggers(&routine, &context).await?;
                }
                RoutineChange::Create { routine, or_replace: *or_replace }
            }
            RoutineStatement::Drop { kind, names, if_exists, cascade } => RoutineChange::Drop {
                kind: *kind,
                names: names.iter().map(|name| name.found_on(path)).collect(),
                if_exists: *if_exists,
                cascade: *cascade,
            },
            RoutineStatement::Alter { kind, name, action } => RoutineChange::Alter {
                kind: *kind,
                name: name.found_on(path),
                action: action.clone(),
            },
        };
        let changes = std::iter::once(Definition::Routine(change)).chain(remade).collect();
        Ok(Body::Define { changes, table: None, tag, computed: None })
    }

    /// Tells what is wrong with a type that is none of PostgreSQL's own.
    async fn check_types(&self, unknown: &[String]) -> Result<()> {
        let Some(written) = unknown.first() else { return Ok(()) };
        let name = written.trim_end_matches("[]").rsplit('.').next().unwrap_or(written);
        let name = name.trim_matches('"').to_owned();
        let found = self
            .duckdb
            .text_rows(
                "SELECT type_name FROM duckdb_types()
                 WHERE database_name = current_database() AND type_name = $1 AND NOT internal",
                vec![Value::Text(name)],
            )
            .await?;
        Err(if found.is_empty() {
            Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("type {} does not exist", written.trim_end_matches("[]")),
            )
        } else {
            Error::unsupported(format!("type {written} in a routine is not supported"))
                .with_hint("Declare it as text.")
        })
    }

    async fn complete(&self, routine: &mut Routine, context: &StatementContext) -> Result<()> {
        self.check_defaults(routine, context).await?;
        let statements = parse_body(routine)?;
        match routine.kind {
            RoutineKind::Procedure if routine.language == Language::Polars => {
                self.check_polars(routine, &statements, context).await
            }
            RoutineKind::Procedure => self.check_procedure(routine, &statements, context).await,
            RoutineKind::Function => {
                if is_used_function(&routine.name) {
                    return Err(Error::unsupported(format!(
                        "\"{}\" is the name of a built-in function",
                        routine.name
                    ))
                    .with_hint("Choose another name."));
                }
                let ([] | [_]) = statements.as_slice() else {
                    return Err(Error::unsupported(
                        "a function of more than one statement is not supported",
                    )
                    .with_hint("Write one SELECT, or a procedure."));
                };
                self.check_recursion(routine, statements.first(), context).await?;
                self.make_macro(routine, statements.first(), context).await
            }
        }
    }

    /// Defaults are expressions that can become their arguments' types.
    async fn check_defaults(&self, routine: &Routine, context: &StatementContext) -> Result<()> {
        for argument in &routine.arguments {
            let Some(default) = &argument.default else { continue };
            let sql = format!("SELECT CAST(({default}) AS {})", argument.pg_type.sql_name());
            let parsed = parse(&sql).map_err(Error::without_position)?;
            let Some(statement) = parsed.first() else { continue };
            let Kind::Read(read) = &statement.kind else {
                return Err(Error::unsupported("a default value must be an expression"));
            };
            if !read.tables.is_empty() {
                return Err(Error::unsupported("cannot use subquery in a default value"));
            }
            let described = self.describe(statement, read, &[], context).await;
            described.map_err(Error::without_position)?;
        }
        Ok(())
    }

    /// A body for Polars is one statement over tables that are there.
    async fn check_polars(
        &self,
        routine: &Routine,
        statements: &[Statement],
        context: &StatementContext,
    ) -> Result<()> {
        let [statement] = statements else {
            return Err(Error::unsupported("a procedure in language polars is one statement"));
        };
        let (query, _) = statement.polars_parts()?;
        let query = self.body_statement(routine, &query, false, context).await?;
        let types = routine.identity();
        let nulls = vec![Value::Null; types.len()];
        for (_, table) in query.polars_query(&types, &nulls)?.tables {
            self.existing(&table, context).await?;
        }
        Ok(())
    }

    async fn make_macro(
        &self,
        routine: &mut Routine,
        statement: Option<&Statement>,
        context: &StatementContext,
    ) -> Result<()> {
        let declared: Vec<Option<PgType>> = routine.identity().into_iter().map(Some).collect();
        let Some(statement) = statement else {
            routine.form = Some(macro_of(routine, None, &self.names(context))?);
            return Ok(());
        };
        let tables = match &statement.kind {
            Kind::Read(read) if !read.native => read.tables.clone(),
            // Told by the macro's maker.
            _ => Vec::new(),
        };
        if let Some(name) = self.storages(&tables, &context.query.search_path).arrow.first() {
            return Err(Error::unsupported(format!(
                "\"{}\" is an Arrow dataset, which a function cannot read",
                name.table
            )));
        }
        let names = self.names_of(statement, &tables, &declared, context).await?;
        let statement = statement.with_arguments(routine, &names.relations)?;
        if let Kind::Read(read) = &statement.kind
            && !read.native
        {
            let described = self.describe(&statement, read, &declared, context).await;
            let columns = described.map_err(Error::without_position)?.columns;
            check_result(routine, &statement, &columns)?;
        }
        routine.form = Some(macro_of(routine, Some(&statement), &names)?);
        if names.session.were_asked() {
            return Err(Error::unsupported("a function that asks about its session"));
        }
        Ok(())
    }

    /// Macros stand for their bodies, so they cannot call themselves, not through others either.
    async fn check_recursion(
        &self,
        routine: &Routine,
        statement: Option<&Statement>,
        context: &StatementContext,
    ) -> Result<()> {
        let routines = self.routines(context).await?;
        let mut open: Vec<TableRef> = statement.map(Statement::functions).unwrap_or_default();
        let mut seen: Vec<TableRef> = Vec::new();
        let own_schema = |name: &TableRef| match &name.schema {
            Some(schema) => *schema == routine.schema,
            None => context.query.search_path.contains(&routine.schema),
        };
        while let Some(name) = open.pop() {
            if seen.contains(&name) || seen.len() > DEPTH_MAX * DEPTH_MAX {
                continue;
            }
            if name.table == routine.name && own_schema(&name) {
                return Err(Error::unsupported("a function that calls itself is not supported"));
            }
            open.extend(called_by(&name, &routines)?);
            seen.push(name);
        }
        Ok(())
    }

    /// Checks a procedure's statements up to the first that changes definitions: what comes after
    /// it may need what it makes.
    async fn check_procedure(
        &self,
        routine: &Routine,
        statements: &[Statement],
        context: &StatementContext,
    ) -> Result<()> {
        let declared: Vec<Option<PgType>> = routine.identity().into_iter().map(Some).collect();
        let mut columns: Option<Vec<Column>> = None;
        if !context.checks_bodies {
            return Ok(());
        }
        for (place, statement) in statements.iter().enumerate() {
            // They are a trigger's, which checks it when it is made.
            if statement.reads_any(&[NEW_TABLE, OLD_TABLE]) {
                columns = None;
                continue;
            }
            let names = self.names_of(statement, statement.tables(), &declared, context).await?;
            let statement = statement.with_arguments(routine, &names.relations)?;
            columns = match &statement.kind {
                Kind::Read(read) => Some(self.describe(&statement, read, &declared, context).await),
                Kind::Write(
                    write @ (Write::Insert { .. } | Write::Update { .. } | Write::Delete { .. }),
                ) => {
                    self.check_names(&statement, &declared, context).await?;
                    let described =
                        self.describe_write(&statement, write, &declared, context).await;
                    Some(described).filter(|_| write.returning())
                }
                Kind::Write(_) if place + 1 < statements.len() => return Ok(()),
                _ => None,
            }
            .transpose()
            .map_err(Error::without_position)?
            .map(|described| described.columns);
        }
        let mut outputs = routine.outputs().peekable();
        if outputs.peek().is_none() {
            return Ok(());
        }
        let (Some(columns), Some(last)) = (columns, statements.last()) else {
            return Err(Error::new(
                SqlState::INVALID_FUNCTION_DEFINITION,
                "return type mismatch in function declared to return record",
            )
            .with_detail(
                "Function's final statement must be SELECT or INSERT/UPDATE/DELETE RETURNING.",
            ));
        };
        let shown = Routine { result: PgType::RECORD, ..routine.clone() };
        check_result(&shown, last, &columns)
    }
}

impl Router {
    /// Checks that the tables and columns of a statement are there.
    async fn check_names(
        &self,
        statement: &Statement,
        declared: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<()> {
        if !self.storages(statement.tables(), &context.query.search_path).arrow.is_empty() {
            return Ok(());
        }
        let (statement, used) = statement.with_used_params();
        let types: Vec<Option<PgType>> = used.iter().map(|&place| declared[place]).collect();
        let names = self.names_of(&statement, statement.tables(), &types, context).await?;
        let missing = [SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_COLUMN];
        match self.describe_on_duckdb(&statement, &types, &names, context).await {
            Err(error) if missing.contains(&error.code()) => Err(error.without_position()),
            _ => Ok(()),
        }
    }
}

/// The functions that the functions of a name call.
fn called_by(name: &TableRef, routines: &Routines) -> Result<Vec<TableRef>> {
    let mut called = Vec::new();
    for routine in routines.named(name) {
        called.extend(parse_body(routine)?.iter().flat_map(Statement::functions));
    }
    Ok(called)
}
