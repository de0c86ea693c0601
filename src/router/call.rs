//! Which procedure a CALL means, and what it gives.

use super::{Router, StatementContext};
use crate::engine::Description;
use crate::error::{Error, Result};
use crate::sql::{
    Analysis, Argument, Call, CallArgument, Kind, Language, Routine, RoutineKind, Statement,
    TableRef, can_become, parse, undefined_routine,
};
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType, Value};

/// A user's procedure, and which arguments of the call its own take.
pub struct Called {
    pub routine: Routine,
    /// For each argument that has a place in calls; `None` inside for its default.
    pub arranged: Vec<Option<usize>>,
}

impl Router {
    /// Finds the procedure that a user wrote; `None` for a built-in one's name.
    ///
    /// # Errors
    /// 42883 when there is none that fits, 42809 for a function.
    pub async fn procedure(
        &self,
        call: &Call,
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Option<Called>> {
        if call.schema.as_deref() == Some("teatree") {
            return Ok(None);
        }
        self.wait_for_definitions(context).await?;
        let routines = self.routines(context).await?;
        let name =
            TableRef { database: None, schema: call.schema.clone(), table: call.name.clone() };
        let all = routines.called(&name);
        let given = self.types_given(call, types, context).await?;
        let names = call.names();
        let placed = call.args.len() - names.len();
        let fits = |routine: &&&Routine| {
            routine.kind == RoutineKind::Procedure
                && wanted(routine, placed, &names).is_some_and(|wanted| {
                    let pairs = wanted.iter().zip(&given);
                    pairs.into_iter().all(|(to, from)| {
                        from.is_none_or(|from| from == PgType::UNKNOWN || can_become(from, *to))
                    })
                })
        };
        let found = all.iter().filter(fits).min_by_key(|routine| routine.places().count());
        if let Some(found) = found {
            let arranged = found.arrange(placed, &names).unwrap_or_default();
            return Ok(Some(Called { routine: (*found).clone(), arranged }));
        }
        let shown = shown(call, &given, placed);
        let function = all.iter().any(|routine| {
            routine.kind == RoutineKind::Function && routine.accepts(placed, &names)
        });
        Err(if function {
            Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{shown} is not a procedure"))
                .with_hint("To call a function, use SELECT.")
        } else {
            undefined_routine(RoutineKind::Procedure, &shown)
        })
    }

    /// The types of a call's arguments, as far as they are known.
    async fn types_given(
        &self,
        call: &Call,
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Vec<Option<PgType>>> {
        if call.args.is_empty() {
            return Ok(Vec::new());
        }
        let exprs: Vec<&str> = call.args.iter().map(|arg| arg.sql.as_str()).collect();
        let parsed = parse(&format!("SELECT {}", exprs.join(", ")))?;
        let Some(statement) = parsed.first() else { return Ok(vec![None; exprs.len()]) };
        let is_plain = matches!(&statement.kind, Kind::Read(read) if !read.native);
        if !is_plain || call.args.iter().any(|arg| arg.has_query) {
            return Err(Error::unsupported("cannot use subquery in CALL argument"));
        }
        let names = self.names_of(statement, &[], types, context).await?;
        let analysis: Analysis = statement.analyze(&names.relations, types);
        let found = analysis.columns.unwrap_or_default();
        let one = |(place, arg): (usize, &CallArgument)| match &arg.plain {
            // What its place decides.
            Some(Argument::Literal(Value::Null | Value::Text(_))) if arg.is_bare => {
                Some(PgType::UNKNOWN)
            }
            Some(Argument::Param(number)) if arg.is_bare => {
                types.get(number - 1).copied().flatten().or(Some(PgType::UNKNOWN))
            }
            _ => found.get(place).copied().flatten().map(|(pg_type, _)| pg_type),
        };
        Ok(call.args.iter().enumerate().map(one).collect())
    }

    /// Describes a CALL: the types of its parameters, and the columns of its row.
    pub async fn describe_call(
        &self,
        statement: &Statement,
        call: &Call,
        declared: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Description> {
        let mut types = declared.to_vec();
        types.resize(statement.param_count.max(types.len()), None);
        if let Some(computed) = self.algorithm(call, context).await? {
            computed.request.param_types(computed.algorithm.as_ref(), &mut types);
            return Ok(Description {
                params: types.into_iter().map(|known| known.unwrap_or(PgType::TEXT)).collect(),
                columns: computed.result_columns(),
            });
        }
        let Some(called) = self.procedure(call, &types, context).await? else {
            return Ok(Description {
                params: types.into_iter().map(|known| known.unwrap_or(PgType::TEXT)).collect(),
                columns: self.procedures.columns(call.schema.as_deref(), &call.name),
            });
        };
        for (argument, taken) in called.routine.places().zip(&called.arranged) {
            let plain = taken.and_then(|index| call.args[index].plain.as_ref());
            if let Some(Argument::Param(number)) = plain
                && let Some(slot) = types.get_mut(number - 1)
            {
                *slot = slot.or(Some(argument.pg_type));
            }
        }
        let columns = match called.routine.language {
            Language::Sql => output_columns(&called.routine),
            Language::Polars => self.polars_columns(&called.routine, context).await?,
        };
        Ok(Description {
            params: types.into_iter().map(|known| known.unwrap_or(PgType::TEXT)).collect(),
            columns,
        })
    }

    /// Takes a statement of a procedure's body, with parameters for its arguments; the last one
    /// gives the procedure's OUT arguments.
    pub async fn body_statement(
        &self,
        routine: &Routine,
        statement: &Statement,
        is_last: bool,
        context: &StatementContext,
    ) -> Result<Statement> {
        let declared: Vec<Option<PgType>> = routine.identity().into_iter().map(Some).collect();
        let names = self.names_of(statement, statement.tables(), &declared, context).await?;
        let statement = statement.with_arguments(routine, &names.relations)?;
        if is_last && routine.outputs().next().is_some() {
            return statement.with_outputs(routine);
        }
        Ok(statement)
    }
}

/// The columns of the row that a procedure gives.
pub fn output_columns(routine: &Routine) -> Vec<Column> {
    if routine.outputs().next().is_none() {
        return Vec::new();
    }
    routine.columns().into_iter().map(|(name, pg_type)| Column::new(name, pg_type)).collect()
}

/// The types that a call's arguments become.
fn wanted(routine: &Routine, placed: usize, names: &[String]) -> Option<Vec<PgType>> {
    let arranged = routine.arrange(placed, names)?;
    let mut wanted = vec![PgType::TEXT; placed + names.len()];
    for (argument, taken) in routine.places().zip(arranged) {
        if let Some(index) = taken {
            wanted[index] = argument.pg_type;
        }
    }
    Some(wanted)
}

/// A call's name and types as messages have them.
fn shown(call: &Call, given: &[Option<PgType>], placed: usize) -> String {
    let one = |(index, pg_type): (usize, &Option<PgType>)| {
        let pg_type = pg_type.map_or_else(|| "unknown".to_owned(), PgType::sql_name);
        match call.args.get(index).and_then(|arg| arg.name.as_ref()) {
            Some(name) if index >= placed => format!("{name} => {pg_type}"),
            _ => pg_type,
        }
    };
    let types: Vec<String> = given.iter().enumerate().map(one).collect();
    let schema = call.schema.as_ref().map(|schema| format!("{schema}.")).unwrap_or_default();
    format!("{schema}{}({})", call.name, types.join(", "))
}
