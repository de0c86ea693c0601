//! CREATE TRIGGER and its like: a procedure's statements are made the changes that the trigger
//! makes, as definitions are now; the Writer finds out whether the name is free.
//!
//! While they are made, the transition tables are temporary views of the trigger's table, under
//! names that no table of a user's has, on a connection that nobody else uses.

use arrow::array::AsArray;
use futures::StreamExt;

use crate::catalog::{duckdb_table, is_system_relation};
use crate::engine::duckdb::{Access, HeldConnection, WriteConnection};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::{Action, Body, TagKind};
use crate::pipeline::StoredTrigger;
use crate::router::{Router, Snapshot, StatementContext};
use crate::sql::trigger::{Trigger, TriggerChange, TriggerSpec, TriggerStatement};
use crate::sql::{
    Candidates, Definition, Kind, Language, Routine, RoutineKind, Statement, TableRef, parse,
    parse_body, signature,
};
use crate::sqlstate::SqlState;
use crate::types::{self, PgType, Value};

use super::batch::Step;

/// What CREATE TRIGGER says.
struct Asked<'a> {
    name: &'a str,
    spec: &'a TriggerSpec,
    arguments: &'a [String],
}

impl Router {
    /// Builds the body of a statement about triggers.
    pub(super) async fn define_trigger(
        &self,
        statement: &TriggerStatement,
        tag: TagKind,
        context: &StatementContext,
    ) -> Result<Body> {
        self.wait_for_definitions(context).await?;
        let path = &context.query.search_path;
        let candidates = |table: &TableRef| -> Candidates { table.candidates(path).collect() };
        let mut about = None;
        let change = match statement {
            TriggerStatement::Create { name, table, spec, routine, arguments, or_replace } => {
                self.check_database(std::slice::from_ref(table))?;
                if self.dataset_of(table, path).is_some() {
                    return Err(Error::unsupported(format!(
                        "\"{}\" is an Arrow dataset, which cannot have triggers",
                        table.table
                    ))
                    .with_hint("Let a DuckDB table take the rows first."));
                }
                let table = self.existing(table, context).await?;
                about = Some(table.clone());
                let routine = self.routine_of_trigger(routine, arguments, context).await?;
                let asked = Asked { name, spec, arguments };
                let (trigger, action) = self.made(&table, &routine, &asked, context).await?;
                let action = action.encode()?;
                let trigger = Box::new(trigger);
                TriggerChange::Create { trigger, action, or_replace: *or_replace }
            }
            TriggerStatement::Drop { name, table, if_exists } => TriggerChange::Drop {
                table: candidates(table),
                name: name.clone(),
                if_exists: *if_exists,
            },
            TriggerStatement::Rename { name, table, to } => TriggerChange::Rename {
                table: candidates(table),
                name: name.clone(),
                to: to.clone(),
            },
            TriggerStatement::Enable { table, if_exists, name, enabled } => TriggerChange::Enable {
                table: candidates(table),
                if_exists: *if_exists,
                name: name.clone(),
                enabled: *enabled,
            },
        };
        let table = about.or_else(|| statement.table().to_create(path).ok());
        Ok(Body::Define { changes: vec![Definition::Trigger(change)], table, tag, computed: None })
    }

    /// Makes the triggers anew that run a procedure which is replaced.
    pub(super) async fn remade_triggers(
        &self,
        routine: &Routine,
        context: &StatementContext,
    ) -> Result<Vec<Definition>> {
        let mut remade = Vec::new();
        for old in self.triggers_seen(context).await? {
            let made_of = old.routine.as_ref();
            if made_of.table_name() != routine.table_name()
                || made_of.identity() != routine.identity()
            {
                continue;
            }
            let mut context = StatementContext { moment: None, ..context.clone() };
            context.query.search_path.clone_from(&old.search_path);
            let (spec, arguments) = (&old.spec, &old.arguments);
            let asked = Asked { name: &old.name, spec, arguments };
            let made = self.made_as(old.id, &old.table, routine, &asked, &context).await;
            let (trigger, action) = made.map_err(|error| {
                let told = format!(
                    "Trigger {} on table {} runs the procedure.",
                    old.name, old.table.table
                );
                if error.detail().is_none() { error.with_detail(told) } else { error }
            })?;
            let (trigger, action) = (Box::new(trigger), action.encode()?);
            remade.push(Definition::Trigger(TriggerChange::Remake { trigger, action }));
        }
        Ok(remade)
    }

    /// Tells whether a table has a trigger of this name.
    pub async fn has_trigger(
        &self,
        table: &TableRef,
        name: &str,
        context: &StatementContext,
    ) -> Result<bool> {
        let tables: Vec<TableName> = table.candidates(&context.query.search_path).collect();
        let seen = self.triggers_seen(context).await?;
        Ok(seen.iter().any(|one| one.name == name && tables.contains(&one.table)))
    }

    /// Lists the triggers that a session sees: a transaction may have changed them.
    async fn triggers_seen(&self, context: &StatementContext) -> Result<Vec<Trigger>> {
        let stored = match context.held().filter(|_| context.has_own_definitions()) {
            Some(held) => {
                let load = |mut connection| {
                    let loaded = StoredTrigger::load(&mut connection);
                    (connection, loaded)
                };
                held.write(&context.query.cancel, load).await?
            }
            None => self.pipelines.graph().triggers().map(|one| one.as_ref().clone()).collect(),
        };
        Ok(stored.into_iter().map(|stored| stored.trigger).collect())
    }

    /// Finds the procedure of a name that takes so many arguments.
    async fn routine_of_trigger(
        &self,
        name: &TableRef,
        arguments: &[String],
        context: &StatementContext,
    ) -> Result<Routine> {
        let routines = self.routines(context).await?;
        let all = routines.called(name);
        let fits = |one: &&&Routine| {
            one.kind == RoutineKind::Procedure && one.accepts(arguments.len(), &[])
        };
        if let Some(found) = all.iter().filter(fits).min_by_key(|one| one.places().count()) {
            return Ok((*found).clone());
        }
        let shown = signature(&name.table, &vec![PgType::UNKNOWN; arguments.len()]);
        Err(if all.iter().any(|one| one.kind == RoutineKind::Function) {
            Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{shown} is not a procedure"))
                .with_hint("A trigger runs a procedure that is written in SQL.")
        } else {
            Error::new(SqlState::UNDEFINED_FUNCTION, format!("procedure {shown} does not exist"))
                .with_hint("A trigger runs a procedure that is written in SQL.")
        })
    }

    async fn made(
        &self,
        table: &TableName,
        routine: &Routine,
        asked: &Asked<'_>,
        context: &StatementContext,
    ) -> Result<(Trigger, Action)> {
        self.made_as(rand::random(), table, routine, asked, context).await
    }

    /// Makes a trigger of a procedure.
    async fn made_as(
        &self,
        id: u64,
        table: &TableName,
        routine: &Routine,
        asked: &Asked<'_>,
        context: &StatementContext,
    ) -> Result<(Trigger, Action)> {
        if routine.language != Language::Sql {
            return Err(Error::unsupported("a trigger's procedure must be written in SQL"));
        }
        if routine.outputs().next().is_some() {
            return Err(Error::unsupported("a trigger's procedure cannot have OUT arguments"));
        }
        let mut trigger = Trigger {
            table: table.clone(),
            name: asked.name.to_owned(),
            id,
            spec: asked.spec.clone(),
            routine: Box::new(Routine { comment: None, ..routine.clone() }),
            arguments: asked.arguments.to_vec(),
            enabled: true,
            writes: Vec::new(),
            names: Vec::new(),
            search_path: context.query.search_path.clone(),
            time_zone: context.query.time_zone.clone(),
        };
        // What the procedure means is not fixed to this moment.
        let mut context = StatementContext {
            moment: None,
            has_temporary: true,
            unstaged: true,
            for_later: true,
            ..context.clone()
        };
        let values = self.trigger_values(routine, asked.arguments, &context).await?;
        let held = match context.held() {
            Some(held) => held.clone(),
            None => {
                let held = self.duckdb.hold(Access::Loose, &context.query).await?;
                context.snapshot = Some(Snapshot::loose(held.clone()));
                held
            }
        };
        let (new, old) = (trigger.new_rows(), trigger.old_rows());
        let rows = duckdb_table(table);
        run_on(
            &held,
            &context,
            [&new, &old].map(|name| format!("CREATE TEMP VIEW {name} AS SELECT * FROM {rows}")),
        )
        .await?;
        let made = self.bodies(&mut trigger, &values, &context).await;
        run_on(&held, &context, [&new, &old].map(|name| format!("DROP VIEW temp.{name}"))).await?;
        Ok((trigger, Action::Bodies(made?)))
    }

    /// Makes changes of a procedure's statements.
    async fn bodies(
        &self,
        trigger: &mut Trigger,
        values: &[Value],
        context: &StatementContext,
    ) -> Result<Vec<Body>> {
        let routine = trigger.routine.clone();
        let (new, old) = (trigger.new_table().to_owned(), trigger.old_table().to_owned());
        let names = [(new.as_str(), trigger.new_rows()), (old.as_str(), trigger.old_rows())];
        let statements = parse_body(&routine)?
            .iter()
            .map(|statement| statement.with_transition_tables(&names))
            .collect::<Result<Vec<_>>>()?;
        let own = names.clone().map(|(_, to)| to);
        let mut bodies = Vec::with_capacity(statements.len());
        for statement in statements.iter().filter(|one| !matches!(one.kind, Kind::Empty)) {
            let computed = self.compute_step(trigger, statement, &names, values, context).await;
            if let Some(body) = computed.map_err(Error::without_position)? {
                bodies.push(body);
                continue;
            }
            let sent = self.deliver_step(trigger, statement, &own, values, context).await;
            if let Some(body) = sent.map_err(Error::without_position)? {
                self.check_body(&body, context).await?;
                bodies.push(body);
                continue;
            }
            let step = Step::of(statement)?;
            if !self.is_step(&step, context) {
                return Err(refused(statement));
            }
            for table in step.statement().tables() {
                let is_system = is_system_relation(table.schema.as_deref(), &table.table).is_some();
                if !own.contains(&table.table) && !is_system {
                    note(&mut trigger.names, self.existing(table, context).await?);
                }
            }
            let made = self.step(&routine, &step, false, values, context).await;
            let mut body = made.map_err(Error::without_position)?;
            if let (Body::Statement { table, returning, .. }, Kind::Write(write)) =
                (&mut body, &statement.kind)
            {
                *returning = false;
                if let Some(target) = write.target() {
                    let target = self.existing(target, context).await?;
                    note(&mut trigger.writes, target.clone());
                    *table = Some(target);
                }
            }
            self.check_body(&body, context).await?;
            bodies.push(body);
        }
        Ok(bodies)
    }

    /// Lets DuckDB look at what a step does, over the views that stand for the transition tables.
    async fn check_body(&self, body: &Body, context: &StatementContext) -> Result<()> {
        let sql = match body {
            Body::Statement { sql, .. } | Body::Notify { sql, .. } => sql.clone(),
            Body::Export(export) => export.sql.clone(),
            Body::Deliver(deliver) => deliver.sql.clone(),
            _ => return Ok(()),
        };
        let Some(held) = context.held() else { return Ok(()) };
        let check = move |mut connection: WriteConnection| {
            let checked = connection.check(&sql);
            (connection, checked)
        };
        let checked = held.write(&context.query.cancel, check).await;
        checked.map_err(Error::without_position)
    }

    /// Names the columns of an INSERT that is kept: the table may have more when it is made.
    pub(super) async fn fit_later_columns(
        &self,
        statement: &Statement,
        table: &TableRef,
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Option<Statement>> {
        if !context.for_later {
            return Ok(None);
        }
        let Some(given) = self.columns_given(statement, types, context).await? else {
            return Ok(None);
        };
        let name = self.existing(table, context).await?;
        let mut columns = self.described_columns(&name, &[], context).await?;
        if given > columns.len() {
            return Err(Error::syntax("INSERT has more expressions than target columns"));
        }
        columns.truncate(given);
        Ok(Some(statement.with_insert_columns(&columns)))
    }

    /// The procedure's inputs: the trigger's arguments, and defaults.
    async fn trigger_values(
        &self,
        routine: &Routine,
        arguments: &[String],
        context: &StatementContext,
    ) -> Result<Vec<Value>> {
        let arranged = routine.arrange(arguments.len(), &[]).unwrap_or_default();
        let mut values = Vec::new();
        for (argument, taken) in routine.places().zip(arranged) {
            let text = match (taken, &argument.default) {
                (Some(index), _) => Some(arguments[index].clone()),
                (None, Some(default)) => {
                    self.default_text(default, argument.pg_type, context).await?
                }
                (None, None) => None,
            };
            values.push(match text {
                Some(text) => types::from_text(argument.pg_type, &text, context.input_style)?,
                None => Value::Null,
            });
        }
        Ok(values)
    }

    /// Computes an argument's default.
    async fn default_text(
        &self,
        default: &str,
        pg_type: PgType,
        context: &StatementContext,
    ) -> Result<Option<String>> {
        let sql = format!("SELECT CAST(CAST(({default}) AS {}) AS text)", pg_type.sql_name());
        let parsed = parse(&sql).map_err(Error::without_position)?;
        let statement = parsed.first().ok_or_else(|| Error::internal("no default value"))?;
        let names = self.names_of(statement, &[], &[], context).await?;
        let sql = statement.duckdb_sql(&names, &[])?;
        let mut given = self.duckdb.execute(&sql, Vec::new(), &context.query, None).await?;
        let mut found = None;
        while let Some(batch) = given.stream.next().await {
            let batch = batch?;
            let texts = batch.columns().first().and_then(|one| one.as_string_opt::<i32>());
            found = texts.and_then(|texts| texts.iter().next().flatten().map(str::to_owned));
        }
        Ok(found)
    }
}

async fn run_on<const N: usize>(
    held: &HeldConnection,
    context: &StatementContext,
    sql: [String; N],
) -> Result<()> {
    held.write(&context.query.cancel, move |mut connection| {
        let done = sql.iter().try_for_each(|sql| connection.run(sql));
        (connection, done)
    })
    .await
}

pub(super) fn note(names: &mut Vec<TableName>, name: TableName) {
    if !names.contains(&name) {
        names.push(name);
    }
}

fn refused(statement: &Statement) -> Error {
    let words: Vec<&str> = statement.text.split_whitespace().take(2).collect();
    Error::unsupported(format!("{} is not supported in a trigger's procedure", words.join(" ")))
        .with_hint(
            "It may read and change rows of DuckDB tables (SELECT, INSERT, UPDATE, DELETE, MERGE), \
             INSERT into Arrow datasets, NOTIFY, and COPY to a file of the outbox.",
        )
}
