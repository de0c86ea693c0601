//! The rows of an INSERT whose values are all literals or parameters, and defaults of columns that
//! are literals.
//!
//! Only what has one meaning whatever the engine is a [`Cell`]; for everything else there is none,
//! and the statement goes on as a statement.

use sqlparser::ast::{self, Expr, Statement as Tree, UnaryOperator};
use sqlparser::parser::Parser;

use super::declared_type::pg_type_of;
use super::dialect::PostgreSql;
use super::params::number_of;
use super::statement::Statement;
use crate::types::PgType;

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    /// `DEFAULT`
    Default,
    Bool(bool),
    /// A number as it is written, with its sign.
    Number(String),
    /// A quoted literal, read as the type that is named, or else as its column's.
    Text(String, Option<PgType>),
    /// `$n`, counted from 0, with the type that it is cast to.
    Param(usize, Option<PgType>),
}

/// What a column's default is, as far as rows that leave the column out depend on it.
#[derive(Clone, Debug, PartialEq)]
pub enum DefaultValue {
    Literal(Cell),
    /// The next value of a sequence.
    NextValue,
    /// An expression that only the engine can evaluate.
    Computed,
}

impl Statement {
    /// Returns the rows of a plain `INSERT … VALUES`, if each of their values is a [`Cell`].
    pub fn literal_rows(&self) -> Option<Vec<Vec<Cell>>> {
        let Tree::Insert(insert) = self.tree.as_deref()? else { return None };
        if !is_plain(insert) {
            return None;
        }
        let query = insert.source.as_deref()?;
        let ast::SetExpr::Values(values) = query.body.as_ref() else { return None };
        if !is_bare(query) || values.explicit_row || values.value_keyword {
            return None;
        }
        let row = |row: &ast::Parens<Vec<Expr>>| row.content.iter().map(cell).collect();
        values.rows.iter().map(row).collect()
    }
}

/// Reads a column's default as DuckDB's catalog shows it.
pub fn default_value(text: &str) -> DefaultValue {
    let parsed =
        Parser::new(&PostgreSql).try_with_sql(text).and_then(|mut parser| parser.parse_expr());
    let Ok(expr) = parsed else { return DefaultValue::Computed };
    let mut inner = &expr;
    while let Expr::Nested(next) | Expr::Cast { expr: next, .. } = inner {
        inner = next;
    }
    if draws(inner) {
        return DefaultValue::NextValue;
    }
    match cell(&expr) {
        Some(Cell::Default | Cell::Param(..)) | None => DefaultValue::Computed,
        Some(literal) => DefaultValue::Literal(literal),
    }
}

/// Tells whether a default is the next value of a sequence, one that the column owns among them.
fn draws(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else { return false };
    let name = function.name.to_string().to_lowercase();
    let ast::FunctionArguments::List(list) = &function.args else { return false };
    match (name.as_str(), list.args.first()) {
        ("nextval", _) => true,
        ("coalesce", Some(ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(first)))) => {
            draws(first)
        }
        _ => false,
    }
}

/// Nothing but `INSERT INTO table (columns) query`.
fn is_plain(insert: &ast::Insert) -> bool {
    insert.or.is_none()
        && !insert.ignore
        && !insert.overwrite
        && !insert.replace_into
        && insert.assignments.is_empty()
        && insert.partitioned.is_none()
        && insert.after_columns.is_empty()
        && insert.on.is_none()
        && insert.returning.is_none()
        && insert.output.is_none()
        && insert.insert_alias.is_none()
        && insert.multi_table_into_clauses.is_empty()
}

/// Nothing around the query's body.
fn is_bare(query: &ast::Query) -> bool {
    query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && query.locks.is_empty()
}

fn cell(expr: &Expr) -> Option<Cell> {
    match expr {
        Expr::Value(value) => match number_of(expr) {
            Some(number) => Some(Cell::Param(number - 1, None)),
            None => literal(&value.value),
        },
        Expr::Nested(inner) => cell(inner),
        Expr::Identifier(ident)
            if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default") =>
        {
            Some(Cell::Default)
        }
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match cell(expr)? {
            Cell::Number(text) if !text.starts_with('-') => Some(Cell::Number(format!("-{text}"))),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Plus, expr } => match cell(expr)? {
            number @ Cell::Number(_) => Some(number),
            _ => None,
        },
        Expr::TypedString(typed) => match literal(&typed.value.value)? {
            Cell::Text(text, None) => Some(Cell::Text(text, Some(plain_type(&typed.data_type)?))),
            _ => None,
        },
        Expr::Cast {
            kind: ast::CastKind::Cast | ast::CastKind::DoubleColon,
            expr,
            data_type,
            ..
        } => {
            let named = plain_type(data_type)?;
            match cell(expr)? {
                Cell::Text(text, None) => Some(Cell::Text(text, Some(named))),
                Cell::Param(index, None) => Some(Cell::Param(index, Some(named))),
                Cell::Null => Some(Cell::Null),
                _ => None,
            }
        }
        _ => None,
    }
}

fn literal(value: &ast::Value) -> Option<Cell> {
    Some(match value {
        ast::Value::Null => Cell::Null,
        ast::Value::Boolean(value) => Cell::Bool(*value),
        // Digits only: DuckDB's `1_000` and `0x1f` are no numbers of PostgreSQL 15.
        ast::Value::Number(text, false)
            if text
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-')) =>
        {
            Cell::Number(text.clone())
        }
        ast::Value::SingleQuotedString(text) | ast::Value::EscapedStringLiteral(text) => {
            Cell::Text(text.clone(), None)
        }
        ast::Value::DollarQuotedString(quoted) => Cell::Text(quoted.value.clone(), None),
        _ => return None,
    })
}

/// A named type without a modifier: one with a modifier would cut or round.
fn plain_type(data_type: &ast::DataType) -> Option<PgType> {
    match pg_type_of(data_type)? {
        (PgType::BPCHAR, _) => None,
        (pg_type, -1) => Some(pg_type),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(sql: &str) -> Option<Vec<Vec<Cell>>> {
        crate::sql::parse(sql).unwrap().remove(0).literal_rows()
    }

    #[test]
    fn literals_and_parameters_are_cells() {
        let text = |text: &str| Cell::Text(text.to_owned(), None);
        let number = |text: &str| Cell::Number(text.to_owned());
        assert_eq!(
            rows(
                "INSERT INTO t VALUES (1, -2.5e3, 'it''s', NULL, true), ($2, +4, E'a\\nb', DEFAULT, (5))"
            ),
            Some(vec![
                vec![number("1"), number("-2.5e3"), text("it's"), Cell::Null, Cell::Bool(true)],
                vec![Cell::Param(1, None), number("4"), text("a\nb"), Cell::Default, number("5")],
            ])
        );
        assert_eq!(
            rows("INSERT INTO t (a, b, c) VALUES (DATE '2024-01-31', '7'::int4, $1::text)"),
            Some(vec![vec![
                Cell::Text("2024-01-31".into(), Some(PgType::DATE)),
                Cell::Text("7".into(), Some(PgType::INT4)),
                Cell::Param(0, Some(PgType::TEXT)),
            ]])
        );
    }

    #[test]
    fn what_must_be_computed_is_no_cell() {
        for sql in [
            "INSERT INTO t VALUES (1 + 1)",
            "INSERT INTO t VALUES (now())",
            "INSERT INTO t VALUES ('abc'::varchar(2))",
            "INSERT INTO t VALUES (X'ff')",
            "INSERT INTO t VALUES ((SELECT 1))",
            "INSERT INTO t VALUES (\"default\")",
            "INSERT INTO t VALUES (1) RETURNING a",
            "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
            "INSERT INTO t VALUES (1) LIMIT 1",
            "INSERT INTO t SELECT 1",
            "INSERT INTO t DEFAULT VALUES",
            "WITH x AS (SELECT 1) INSERT INTO t VALUES (1)",
        ] {
            assert_eq!(rows(sql), None, "{sql}");
        }
    }

    #[test]
    fn defaults_are_literals_sequences_or_computed() {
        let number = DefaultValue::Literal(Cell::Number("7".into()));
        assert_eq!(default_value("7"), number);
        let text = Cell::Text("x".into(), Some(PgType::VARCHAR));
        assert_eq!(default_value("CAST('x' AS VARCHAR)"), DefaultValue::Literal(text));
        assert_eq!(default_value("nextval('s')"), DefaultValue::NextValue);
        assert_eq!(default_value("CAST(nextval('s') AS INTEGER)"), DefaultValue::NextValue);
        assert_eq!(default_value("COALESCE(nextval('s'), 0)"), DefaultValue::NextValue);
        for text in ["now()", "(a * 2)", "CAST((a * 2) AS INTEGER)", "get_current_timestamp()", ")"]
        {
            assert_eq!(default_value(text), DefaultValue::Computed, "{text}");
        }
    }
}
