//! Parameters, `$1` and so on, in a parsed tree; types as DuckDB names them.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, CastKind, DataType, Expr, Visit, Visitor, visit_expressions, visit_expressions_mut,
};

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType, ScalarType};

/// PostgreSQL's own limit: the count is a 16-bit number on the wire.
pub(super) const PARAMS_MAX: usize = 65_535;

/// Counts the parameters: the highest number.
///
/// # Errors
/// 42P02 for `$0` and for numbers past the protocol's limit.
pub(super) fn count<V: Visit>(tree: &V) -> Result<usize> {
    struct Counter(usize, Option<String>);
    impl Visitor for Counter {
        type Break = ();
        fn pre_visit_value(&mut self, value: &ast::ValueWithSpan) -> ControlFlow<()> {
            if let ast::Value::Placeholder(name) = &value.value {
                match number(name) {
                    Some(number) => self.0 = self.0.max(number),
                    None => {
                        self.1 = Some(name.clone());
                        return ControlFlow::Break(());
                    }
                }
            }
            ControlFlow::Continue(())
        }
    }
    let mut counter = Counter(0, None);
    let _ = tree.visit(&mut counter);
    match counter.1 {
        Some(name) => {
            Err(Error::new(SqlState::UNDEFINED_PARAMETER, format!("there is no parameter {name}")))
        }
        None => Ok(counter.0),
    }
}

pub(super) fn number(name: &str) -> Option<usize> {
    let number = name.strip_prefix('$')?.parse().ok()?;
    (1..=PARAMS_MAX).contains(&number).then_some(number)
}

/// Returns the number of a bare parameter.
pub(super) fn number_of(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Value(value) => match &value.value {
            ast::Value::Placeholder(name) => number(name),
            _ => None,
        },
        _ => None,
    }
}

/// Puts a cast around every parameter whose type is given, so that an engine can describe the
/// statement without knowing the values.
pub(super) fn cast<V: ast::VisitMut>(tree: &mut V, types: &[Option<PgType>]) {
    cast_with(tree, types, duckdb_type_name);
}

/// Puts a cast around every parameter whose type is given, numeric ones too.
pub(super) fn cast_for_description<V: ast::VisitMut>(tree: &mut V, types: &[Option<PgType>]) {
    cast_with(tree, types, |pg_type| match pg_type {
        PgType::NUMERIC => Some("DECIMAL(38,10)".to_owned()),
        // What DuckDB has no type for is bound as text.
        other => duckdb_type_name(other).or_else(|| Some("VARCHAR".to_owned())),
    });
}

/// Returns the places, from 0, of parameters that stand as `ANY($n)` or `ALL($n)`.
pub(super) fn array_params<V: Visit>(tree: &V) -> Vec<usize> {
    let mut found = Vec::new();
    let _: ControlFlow<()> = visit_expressions(tree, |expr| {
        if let Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } = expr
            && let Some(number) = number_of(right)
        {
            found.push(number - 1);
        }
        ControlFlow::Continue(())
    });
    found
}

/// Puts NULL where parameters are.
pub(super) fn null_params<V: ast::VisitMut>(tree: &mut V) {
    let _: ControlFlow<()> = visit_expressions_mut(tree, |expr| {
        if number_of(expr).is_some() {
            *expr = Expr::Value(ast::Value::Null.into());
        }
        ControlFlow::Continue(())
    });
}

/// Turns `x = ANY($n)` into `x = $n`, and `x + $n` too.
pub(super) fn compare<V: ast::VisitMut>(tree: &mut V) {
    use ast::BinaryOperator as Op;
    let _: ControlFlow<()> = visit_expressions_mut(tree, |expr| {
        if let Expr::BinaryOp { left, op, right } = expr
            && matches!(op, Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo)
            && (number_of(left).is_some() || number_of(right).is_some())
        {
            *op = Op::Eq;
        }
        if let Expr::AnyOp { left, compare_op: op, right, .. }
        | Expr::AllOp { left, compare_op: op, right } = expr
            && number_of(right).is_some()
        {
            *expr = Expr::BinaryOp { left: left.clone(), op: op.clone(), right: right.clone() };
        }
        ControlFlow::Continue(())
    });
}

fn cast_with<V: ast::VisitMut>(
    tree: &mut V,
    types: &[Option<PgType>],
    name_of: impl Fn(PgType) -> Option<String>,
) {
    if types.iter().all(Option::is_none) {
        return;
    }
    let _: ControlFlow<()> = visit_expressions_mut(tree, |expr| {
        let Expr::Value(value) = &*expr else { return ControlFlow::Continue(()) };
        let ast::Value::Placeholder(name) = &value.value else {
            return ControlFlow::Continue(());
        };
        let given = number(name).and_then(|number| types.get(number - 1).copied().flatten());
        if let Some(type_name) = given.and_then(&name_of) {
            let inner = std::mem::replace(expr, Expr::Value(ast::Value::Null.into()));
            *expr = Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(inner),
                data_type: custom(&type_name),
                array: false,
                format: None,
            };
        }
        ControlFlow::Continue(())
    });
}

fn custom(name: &str) -> DataType {
    let ident = ast::Ident::new(name);
    DataType::Custom(ast::ObjectName::from(vec![ident]), Vec::new())
}

/// Names a type as DuckDB and DataFusion both read it; `None` for types that a cast would harm
/// (numeric, whose scale is the value's own) or that have no name there.
pub fn duckdb_type_name(pg_type: PgType) -> Option<String> {
    let scalar = match pg_type.scalar() {
        ScalarType::Bool => "BOOLEAN",
        ScalarType::Int2 => "SMALLINT",
        ScalarType::Int4 => "INTEGER",
        ScalarType::Int8 | ScalarType::Oid => "BIGINT",
        ScalarType::Float4 => "REAL",
        ScalarType::Float8 => "DOUBLE",
        ScalarType::Text
        | ScalarType::Varchar
        | ScalarType::Bpchar
        | ScalarType::Name
        | ScalarType::Char => "VARCHAR",
        ScalarType::Bytea => "BLOB",
        ScalarType::Date => "DATE",
        ScalarType::Time => "TIME",
        ScalarType::Timestamp => "TIMESTAMP",
        ScalarType::Timestamptz => "TIMESTAMPTZ",
        ScalarType::Interval => "INTERVAL",
        ScalarType::Uuid => "UUID",
        ScalarType::Json | ScalarType::Jsonb => "JSON",
        _ => return None,
    };
    Some(if pg_type.is_array() { format!("{scalar}[]") } else { scalar.to_owned() })
}

/// Defines a DuckDB column that holds what `column` has: its quoted name and its type.
///
/// # Errors
/// 0A000 for a type that DuckDB's tables cannot hold.
pub fn duckdb_column(column: &Column) -> Result<String> {
    Ok(format!("{} {}", super::quote_ident(&column.name), duckdb_type(column)?))
}

/// Names the DuckDB type of a column that holds what `column` has.
///
/// # Errors
/// 0A000 for a type that DuckDB's tables cannot hold.
pub(super) fn duckdb_type(column: &Column) -> Result<String> {
    let type_name = match (column.pg_type, column.numeric_precision_scale()) {
        (_, Some((precision, scale))) => Some(format!("DECIMAL({precision},{scale})")),
        (PgType::NUMERIC, None) => Some("DECIMAL(38,10)".to_owned()),
        (other, None) => duckdb_type_name(other),
    };
    type_name.ok_or_else(|| {
        Error::unsupported(format!(
            "column \"{}\" has type {}, which a DuckDB table cannot hold",
            column.name,
            column.pg_type.sql_name()
        ))
    })
}
