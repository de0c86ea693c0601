//! Parameters, `$1` and so on, in a parsed tree.

use std::ops::ControlFlow;

use sqlparser::ast::{self, CastKind, DataType, Expr, Visit, Visitor, visit_expressions_mut};

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::types::{PgType, ScalarType};

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
        Some(name) => Err(Error::new(
            SqlState::UNDEFINED_PARAMETER,
            format!("there is no parameter {name}"),
        )),
        None => Ok(counter.0),
    }
}

fn number(name: &str) -> Option<usize> {
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
    if types.iter().all(Option::is_none) {
        return;
    }
    let _: ControlFlow<()> = visit_expressions_mut(tree, |expr| {
        let Expr::Value(value) = &*expr else { return ControlFlow::Continue(()) };
        let ast::Value::Placeholder(name) = &value.value else {
            return ControlFlow::Continue(());
        };
        let given = number(name).and_then(|number| types.get(number - 1).copied().flatten());
        if let Some(type_name) = given.and_then(duckdb_type_name) {
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
