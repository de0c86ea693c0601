//! SQL to a logical plan, with typed parameters and PostgreSQL's labels.
//!
//! Only queries pass. The type of `$n` is what the client declared, else what DataFusion infers
//! from its use, else text, as in PostgreSQL.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use ::datafusion::common::config::Dialect;
use ::datafusion::common::tree_node::TreeNodeRecursion;
use ::datafusion::execution::SessionState;
use ::datafusion::execution::context::SQLOptions;
use ::datafusion::logical_expr::{Expr, LogicalPlan, Statement as PlanStatement};
use ::datafusion::sql::parser::Statement as DfStatement;
use ::datafusion::sql::sqlparser::ast::{
    self, Expr as SqlExpr, Ident, Query, SelectItem, SetExpr, Statement, visit_expressions,
};

use arrow::datatypes::{DataType, Field};

use super::error::translate;
use super::types::{pg_type_of, scalar, sql_name, sql_name_of};
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType, Value, column_for_field, storage_field};

/// PostgreSQL's own bound on parameters of a statement.
const PARAMS_MAX: usize = 65_535;
/// Separates a label from what makes it unique inside the plan. It cannot be typed by accident.
const UNIQUE: char = '\u{1}';

/// A planned query.
pub(super) struct Planned {
    pub plan: LogicalPlan,
    pub params: Vec<PgType>,
}

impl Planned {
    /// Returns the result's fields, under the labels that the client asked for, and with no
    /// other metadata than PostgreSQL's types.
    pub(super) fn fields(&self) -> Vec<Field> {
        self.plan.schema().fields().iter().map(|field| output_field(field)).collect()
    }

    /// Returns the result's columns.
    pub(super) fn columns(&self) -> Vec<Column> {
        self.fields().iter().map(result_column).collect()
    }
}

/// Describes a result column. DataFusion counts rows without a sign (`row_number()`), where
/// PostgreSQL has bigint.
pub(super) fn result_column(field: &Field) -> Column {
    let column = column_for_field(field);
    match field.data_type() {
        DataType::UInt64 => Column { pg_type: PgType::INT8, ..column },
        _ => column,
    }
}

fn output_field(field: &Field) -> Field {
    let label = field.name().split(UNIQUE).next().unwrap_or_default();
    let plain = Field::new(label, field.data_type().clone(), true);
    // DataFusion lets a cast keep the metadata of what it casts, so metadata is believed only
    // where values of the type that it names are kept in such a type.
    let named = column_for_field(field);
    let shape = |field: &Field| {
        let bare = field.clone().with_metadata(HashMap::new());
        let column = column_for_field(&bare);
        (column.pg_type, column.typmod)
    };
    match storage_field(&named, true) {
        Ok(storage) if shape(&storage) == shape(&plain) => {
            plain.with_metadata(field.metadata().clone())
        }
        _ => plain,
    }
}

/// Plans a query, its parameters left open.
pub(super) async fn plan(
    state: &SessionState,
    sql: &str,
    known: &[Option<PgType>],
) -> Result<Planned> {
    let statement = parse(state, sql)?;
    let count = count_params(&statement)?.max(known.len());
    let mut types: Vec<Option<PgType>> = known.to_vec();
    types.resize(count, None);
    if count == 0 {
        let plan = plan_statement(state, statement).await?;
        return Ok(Planned { plan, params: Vec::new() });
    }
    if types.contains(&None) {
        infer(state, &statement, &mut types).await;
    }
    let params: Vec<PgType> = types.into_iter().map(|t| t.unwrap_or(PgType::TEXT)).collect();
    let names: Vec<String> = params.iter().map(|t| sql_name(*t)).collect();
    let plan = plan_prepared(state, statement, &names).await?;
    let plan = match plan {
        LogicalPlan::Statement(PlanStatement::Prepare(prepare)) => {
            std::sync::Arc::unwrap_or_clone(prepare.input)
        }
        other => other,
    };
    Ok(Planned { plan, params })
}

/// Plans a query and binds its parameters.
pub(super) async fn plan_with(
    state: &SessionState,
    sql: &str,
    values: &[Value],
) -> Result<Planned> {
    let statement = parse(state, sql)?;
    let count = count_params(&statement)?;
    if count > values.len() {
        return Err(Error::new(
            SqlState::UNDEFINED_PARAMETER,
            format!("there is no parameter ${}", values.len() + 1),
        ));
    }
    if count == 0 {
        let plan = plan_statement(state, statement).await?;
        return Ok(Planned { plan, params: Vec::new() });
    }
    let values = values.get(..count).unwrap_or(values);
    let mut names: Vec<Option<String>> = values.iter().map(sql_name_of).collect();
    if names.contains(&None) {
        let mut types = vec![None; count];
        infer(state, &statement, &mut types).await;
        for (name, pg_type) in names.iter_mut().zip(types) {
            name.get_or_insert_with(|| sql_name(pg_type.unwrap_or(PgType::TEXT)));
        }
    }
    let names: Vec<String> = names.into_iter().flatten().collect();
    let plan = plan_prepared(state, statement, &names).await?;
    let LogicalPlan::Statement(PlanStatement::Prepare(prepare)) = &plan else {
        return Err(Error::internal("a prepared statement did not plan as one"));
    };
    let declared = prepare.fields.iter().map(|field| field.data_type());
    let scalars =
        values.iter().zip(declared).map(|(v, t)| scalar(v, t)).collect::<Result<Vec<_>>>()?;
    let plan = plan.with_param_values(scalars).map_err(|error| translate(&error))?;
    Ok(Planned { plan, params: Vec::new() })
}

fn parse(state: &SessionState, sql: &str) -> Result<Statement> {
    let parsed =
        state.sql_to_statement(sql, &Dialect::PostgreSQL).map_err(|error| translate(&error))?;
    let DfStatement::Statement(statement) = parsed else { return Err(not_a_query()) };
    let Statement::Query(mut query) = *statement else { return Err(not_a_query()) };
    make_labels_unique(&mut query);
    Ok(Statement::Query(query))
}

fn not_a_query() -> Error {
    Error::unsupported("only queries can run on DataFusion")
}

/// Finds the highest `$n`.
fn count_params(statement: &Statement) -> Result<usize> {
    let mut highest = 0;
    let flow = visit_expressions(statement, |expr| {
        if let SqlExpr::Value(value) = expr
            && let ast::Value::Placeholder(name) = &value.value
        {
            match name.strip_prefix('$').and_then(|n| n.parse::<usize>().ok()) {
                Some(n) if (1..=PARAMS_MAX).contains(&n) => highest = highest.max(n),
                _ => return ControlFlow::Break(name.clone()),
            }
        }
        ControlFlow::Continue(())
    });
    match flow {
        ControlFlow::Continue(()) => Ok(highest),
        ControlFlow::Break(name) => {
            let message = format!("there is no parameter {name}");
            Err(Error::new(SqlState::UNDEFINED_PARAMETER, message))
        }
    }
}

/// Fills in the types that DataFusion finds from the parameters' use. Where the statement does
/// not plan with open types, nothing is found, and the second planning tells what is wrong.
async fn infer(state: &SessionState, statement: &Statement, types: &mut [Option<PgType>]) {
    let Ok(plan) = plan_statement(state, statement.clone()).await else { return };
    let mut set = |name: &str, pg_type: PgType| {
        let number = name.strip_prefix('$').and_then(|n| n.parse::<usize>().ok());
        let slot = number.and_then(|n| n.checked_sub(1)).and_then(|at| types.get_mut(at));
        if let Some(slot) = slot {
            slot.get_or_insert(pg_type);
        }
    };
    if let Ok(found) = plan.get_parameter_types() {
        for (name, data_type) in &found {
            if let Some(data_type) = data_type {
                set(name, pg_type_of(data_type));
            }
        }
    }
    // LIMIT and OFFSET take bigint.
    let _ = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Limit(limit) = node {
            for expr in [&limit.skip, &limit.fetch].into_iter().flatten() {
                if let Expr::Placeholder(placeholder) = expr.as_ref() {
                    set(&placeholder.id, PgType::INT8);
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
}

async fn plan_prepared(
    state: &SessionState,
    statement: Statement,
    types: &[String],
) -> Result<LogicalPlan> {
    let text = format!("PREPARE teatree({}) AS SELECT 1", types.join(", "));
    let mut prepared =
        state.sql_to_statement(&text, &Dialect::PostgreSQL).map_err(|error| translate(&error))?;
    if let DfStatement::Statement(outer) = &mut prepared
        && let Statement::Prepare { statement: inner, .. } = outer.as_mut()
    {
        **inner = statement;
    }
    let plan = state.statement_to_plan(prepared).await.map_err(|error| translate(&error))?;
    if let LogicalPlan::Statement(PlanStatement::Prepare(prepare)) = &plan {
        verify(&prepare.input)?;
    }
    Ok(plan)
}

async fn plan_statement(state: &SessionState, statement: Statement) -> Result<LogicalPlan> {
    let statement = DfStatement::Statement(Box::new(statement));
    let plan = state.statement_to_plan(statement).await.map_err(|error| translate(&error))?;
    verify(&plan)?;
    Ok(plan)
}

/// Refuses whatever would change something, should the parser have let it pass.
fn verify(plan: &LogicalPlan) -> Result<()> {
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(plan)
        .map_err(|_| not_a_query())
}

/// Gives each column of the result PostgreSQL's label, unless the statement does. PostgreSQL lets
/// two of them be the same, DataFusion does not: the later ones get a suffix, which
/// `output_field` takes off again.
fn make_labels_unique(query: &mut Query) {
    let Some(items) = top_items(&mut query.body) else { return };
    let wildcard = items
        .iter()
        .any(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(_, _)));
    let mut seen = HashSet::new();
    for (at, item) in items.iter_mut().enumerate() {
        let (expr, label, named) = match item {
            SelectItem::UnnamedExpr(expr) => (&*expr, label_of(expr), is_column(expr)),
            SelectItem::ExprWithAlias { expr, alias } => (&*expr, fold(alias), true),
            _ => continue,
        };
        // A wildcard may bring any column; a plain one beside it would be there twice.
        let plain = is_column(expr) && label_of(expr) == label;
        let taken = !seen.insert(label.clone()) || (wildcard && plain);
        if named && !taken {
            continue;
        }
        let name = if taken { format!("{label}{UNIQUE}{at}") } else { label };
        let (expr, alias) = (expr.clone(), Ident::with_quote('"', name));
        *item = SelectItem::ExprWithAlias { expr, alias };
    }
}

fn top_items(body: &mut SetExpr) -> Option<&mut Vec<SelectItem>> {
    match body {
        SetExpr::Select(select) => Some(&mut select.projection),
        SetExpr::Query(query) => top_items(&mut query.body),
        SetExpr::SetOperation { left, .. } => top_items(left),
        _ => None,
    }
}

fn is_column(expr: &SqlExpr) -> bool {
    matches!(expr, SqlExpr::Identifier(_) | SqlExpr::CompoundIdentifier(_))
}

fn fold(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

/// The label that PostgreSQL gives an expression.
fn label_of(expr: &SqlExpr) -> String {
    let label = match expr {
        SqlExpr::Identifier(ident) => Some(fold(ident)),
        SqlExpr::CompoundIdentifier(parts) => parts.last().map(fold),
        SqlExpr::Cast { expr, .. } | SqlExpr::Nested(expr) => return label_of(expr),
        SqlExpr::Function(function) => match function.name.0.last() {
            Some(ast::ObjectNamePart::Identifier(name)) => Some(fold(name)),
            _ => None,
        },
        SqlExpr::Case { .. } => Some("case".to_owned()),
        SqlExpr::Exists { .. } => Some("exists".to_owned()),
        SqlExpr::Extract { .. } => Some("extract".to_owned()),
        SqlExpr::Substring { .. } => Some("substring".to_owned()),
        SqlExpr::Trim { .. } => Some("btrim".to_owned()),
        _ => None,
    };
    label.unwrap_or_else(|| "?column?".to_owned())
}
