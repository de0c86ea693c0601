//! Row constructors side by side, `(a, b) < (c, d)`: spelled out column by column, since DuckDB
//! compares them as values that are never NULL.
//!
//! Not here: rows that a subquery gives, and lists of more than [`LIST_MAX`] rows, which DuckDB
//! looks up at once.

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator, Value,
};

use super::names::{self, take};
use crate::error::{Error, Result};

/// The longest list of rows whose comparisons are spelled out.
const LIST_MAX: usize = 32;

/// Spells out a comparison of rows; called after what is inside of it.
///
/// # Errors
/// 42601 for rows of different lengths.
pub(super) fn spell_out(expr: &mut Expr) -> Result<()> {
    if let Some(spelled) = spelled(expr)? {
        *expr = Expr::Nested(Box::new(spelled));
    }
    Ok(())
}

fn spelled(expr: &mut Expr) -> Result<Option<Expr>> {
    match expr {
        Expr::BinaryOp { left, op, right } => {
            let (Some(a), Some(b)) = (row(left), row(right)) else { return Ok(None) };
            compared(&a, op, &b)
        }
        Expr::InList { expr: one, list, negated } if list.len() <= LIST_MAX => {
            let Some(a) = row(one) else { return Ok(None) };
            let Some(rows) = list.iter().map(row).collect::<Option<Vec<_>>>() else {
                return Ok(None);
            };
            let each = rows
                .iter()
                .map(|b| compared(&a, &BinaryOperator::Eq, b))
                .collect::<Result<Option<Vec<_>>>>()?;
            let Some(any) = each.and_then(|each| joined(each, &BinaryOperator::Or)) else {
                return Ok(None);
            };
            Ok(Some(if *negated {
                let inner = Box::new(Expr::Nested(Box::new(any)));
                Expr::UnaryOp { op: UnaryOperator::Not, expr: inner }
            } else {
                any
            }))
        }
        Expr::IsNull(inner) | Expr::IsNotNull(inner) => {
            let Some(row) = row(inner) else { return Ok(None) };
            let is_null = matches!(expr, Expr::IsNull(_));
            let each = row.into_iter().map(|column| {
                let column = Box::new(Expr::Nested(Box::new(column)));
                if is_null { Expr::IsNull(column) } else { Expr::IsNotNull(column) }
            });
            Ok(joined(each.collect(), &BinaryOperator::And))
        }
        _ => Ok(None),
    }
}

/// The columns of `(a, b)` and `ROW(a, b)`.
fn row(expr: &Expr) -> Option<Vec<Expr>> {
    match expr {
        Expr::Tuple(columns) => Some(columns.clone()),
        Expr::Function(function) => {
            let (Some(["row"]), FunctionArguments::List(list)) =
                (names::parts(&function.name).as_deref(), &function.args)
            else {
                return None;
            };
            let column = |arg: &FunctionArg| match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(column)) => Some(column.clone()),
                _ => None,
            };
            list.args.iter().map(column).collect::<Option<Vec<_>>>().filter(|row| !row.is_empty())
        }
        _ => None,
    }
}

fn compared(a: &[Expr], op: &BinaryOperator, b: &[Expr]) -> Result<Option<Expr>> {
    let (strict, is_ordered) = match op {
        BinaryOperator::Eq | BinaryOperator::NotEq => (op.clone(), false),
        BinaryOperator::Lt | BinaryOperator::LtEq => (BinaryOperator::Lt, true),
        BinaryOperator::Gt | BinaryOperator::GtEq => (BinaryOperator::Gt, true),
        _ => return Ok(None),
    };
    if a.len() != b.len() {
        return Err(Error::syntax("unequal number of entries in row expressions"));
    }
    let pair = |place: usize, op: &BinaryOperator| Expr::BinaryOp {
        left: Box::new(Expr::Nested(Box::new(a[place].clone()))),
        op: op.clone(),
        right: Box::new(Expr::Nested(Box::new(b[place].clone()))),
    };
    if !is_ordered {
        let each = (0..a.len()).map(|place| pair(place, op)).collect();
        let how = if *op == BinaryOperator::Eq { BinaryOperator::And } else { BinaryOperator::Or };
        return Ok(joined(each, &how));
    }
    // From the last column on: a < c OR (a = c AND …).
    let mut last = pair(a.len() - 1, op);
    for place in (0..a.len() - 1).rev() {
        let equal = Box::new(pair(place, &BinaryOperator::Eq));
        let rest = Box::new(Expr::Nested(Box::new(last)));
        let further = Expr::BinaryOp { left: equal, op: BinaryOperator::And, right: rest };
        last = Expr::BinaryOp {
            left: Box::new(pair(place, &strict)),
            op: BinaryOperator::Or,
            right: Box::new(Expr::Nested(Box::new(further))),
        };
    }
    Ok(Some(last))
}

fn joined(each: Vec<Expr>, op: &BinaryOperator) -> Option<Expr> {
    each.into_iter().map(|one| Expr::Nested(Box::new(one))).reduce(|left, right| Expr::BinaryOp {
        left: Box::new(left),
        op: op.clone(),
        right: Box::new(right),
    })
}

/// A subscript below 1 finds nothing in PostgreSQL; DuckDB counts it from the end.
pub(super) fn no_subscript_from_the_end(index: &mut Expr) {
    let is_negative = match &*index {
        Expr::UnaryOp { op: UnaryOperator::Minus, .. } => true,
        Expr::BinaryOp { op: BinaryOperator::Minus, .. } => true,
        _ => false,
    };
    if !is_negative {
        return;
    }
    let number = |text: &str| Expr::Value(Value::Number(text.to_owned(), false).into());
    let place = Expr::Nested(Box::new(take(index)));
    *index =
        names::call(names::object_name(&["greatest"]), names::arguments(vec![place, number("0")]));
}
