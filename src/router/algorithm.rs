//! A CALL of an algorithm: which one, over which queries, and what it gives.

use std::sync::Arc;

use super::{Router, StatementContext};
use crate::algorithm::{Algorithm, Request, Shape, describe_query};
use crate::error::{Error, Result};
use crate::sql::{
    Call, Kind, PolarsTarget, Routine, Statement, TableRef, parse, parse_body, quote_ident,
};
use crate::task;
use crate::types::{Column, Value};

/// A call whose inputs are found and fit the algorithm.
pub struct AlgorithmCall {
    pub algorithm: Arc<dyn Algorithm>,
    pub request: Request,
    /// For each input the columns in their roles, and the query that gives them.
    pub inputs: Vec<(Shape, Statement)>,
}

impl AlgorithmCall {
    /// The columns that the algorithm gives.
    pub fn columns(&self) -> Vec<Column> {
        let shapes: Vec<Shape> = self.inputs.iter().map(|(shape, _)| shape.clone()).collect();
        self.algorithm.columns(&shapes)
    }

    /// The columns of the call's result: none, when its rows go into a table.
    pub fn result_columns(&self) -> Vec<Column> {
        if self.request.output.is_some() { Vec::new() } else { self.columns() }
    }
}

impl Router {
    /// Finds the algorithm that a call names, and checks its inputs' columns; `None` when it names
    /// none.
    ///
    /// # Errors
    /// What is wrong with the arguments, or with the inputs: 42P01, 42703, 42804.
    pub async fn algorithm(
        &self,
        call: &Call,
        context: &StatementContext,
    ) -> Result<Option<AlgorithmCall>> {
        self.algorithm_over(call, &[], context).await
    }

    /// The same, where tables of these names are others: a trigger's transition tables.
    pub(super) async fn algorithm_over(
        &self,
        call: &Call,
        names: &[(&str, String)],
        context: &StatementContext,
    ) -> Result<Option<AlgorithmCall>> {
        let found = self.algorithms.find(call.schema.as_deref(), &call.name);
        let Some(algorithm) = found.map(Arc::clone) else { return Ok(None) };
        let request = Request::new(algorithm.as_ref(), call)?;
        let mut inputs = Vec::with_capacity(request.inputs.len());
        for (input, source) in algorithm.inputs().iter().zip(&request.inputs) {
            let (relation, shown) = relation(source, input.name);
            let all = query(&format!("SELECT * FROM {relation}"), input.name)?;
            let all = all.with_transition_tables(names)?;
            let Kind::Read(read) = &all.kind else { return Err(no_query(input.name)) };
            let described = self.describe(&all, read, &[], context).await;
            let columns = described.map_err(Error::without_position)?.columns;
            let chosen = |role: &str| request.roles.get(role).cloned();
            let bound = input.bind(&shown, &columns, chosen)?;
            let sql = format!("SELECT {} FROM {relation}", bound.select_list);
            let rows = query(&sql, input.name)?.with_transition_tables(names)?;
            inputs.push((bound.shape, rows));
        }
        Ok(Some(AlgorithmCall { algorithm, request, inputs }))
    }
}

impl Router {
    /// Builds the query of a table's rows, and tells its columns.
    ///
    /// # Errors
    /// 42P01 when there is no such table.
    pub async fn all_of(
        &self,
        table: &TableRef,
        context: &StatementContext,
    ) -> Result<(Statement, Vec<Column>)> {
        let parts = [&table.database, &table.schema].into_iter().flatten().chain([&table.table]);
        let name = parts.map(|part| quote_ident(part)).collect::<Vec<_>>().join(".");
        let all = query(&format!("SELECT * FROM {name}"), &table.table)?;
        let Kind::Read(read) = &all.kind else { return Err(no_query(&table.table)) };
        let described = self.describe(&all, read, &[], context).await;
        let columns = described.map_err(Error::without_position)?.columns;
        Ok((all, columns))
    }
}

impl Router {
    /// The columns that a procedure in language polars gives: none, when its rows go into a table.
    ///
    /// # Errors
    /// What Polars says to the query over these tables.
    pub async fn polars_columns(
        &self,
        routine: &Routine,
        context: &StatementContext,
    ) -> Result<Vec<Column>> {
        let statements = parse_body(routine)?;
        let Some(statement) = statements.first() else { return Ok(Vec::new()) };
        let (body, target) = statement.polars_parts()?;
        if target != PolarsTarget::Result {
            return Ok(Vec::new());
        }
        let types = routine.identity();
        let body = self.body_statement(routine, &body, false, context).await?;
        let made = body.polars_query(&types, &vec![Value::Null; types.len()])?;
        let mut tables = Vec::with_capacity(made.tables.len());
        for (name, table) in &made.tables {
            tables.push((name.clone(), self.all_of(table, context).await?.1, Vec::new()));
        }
        let described = task::blocking(move || describe_query(&made.sql, tables));
        described.await
    }
}

/// What stands after FROM for an input, and what messages call it.
fn relation(source: &str, input: &str) -> (String, String) {
    let source = source.trim().trim_end_matches(';');
    let first = source.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let is_query = ["select", "with", "values"].iter().any(|word| first.eq_ignore_ascii_case(word));
    if is_query {
        (format!("({source}) AS input"), input.to_owned())
    } else {
        (source.to_owned(), source.to_owned())
    }
}

/// Reads one query.
fn query(sql: &str, input: &str) -> Result<Statement> {
    let parsed = parse(sql).map_err(Error::without_position)?;
    match parsed.as_slice() {
        [statement] if matches!(&statement.kind, Kind::Read(read) if !read.native) => {
            Ok(statement.clone())
        }
        _ => Err(no_query(input)),
    }
}

fn no_query(input: &str) -> Error {
    Error::syntax(format!("argument {input} is neither a table's name nor a query"))
}
