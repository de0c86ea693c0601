//! The dialect that clients' SQL is parsed in: the parser's PostgreSQL, but for what would make it
//! slow.

use std::any::TypeId;

use sqlparser::ast::{BinaryOperator, Expr, Query, UnaryOperator};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::statement::TableRef;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// PostgreSQL, where an argument's name is an identifier. To the parser's own dialect it may be any
/// expression (`json_object('a': 1)` of PostgreSQL 16), for which it reads each argument twice: a
/// call inside of 40 others would be read 2^40 times.
#[derive(Clone, Copy, Debug)]
pub(super) struct PostgreSql;

const THEIRS: PostgreSqlDialect = PostgreSqlDialect {};

macro_rules! as_theirs {
    ($($name:ident),* $(,)?) => {
        $(fn $name(&self) -> bool {
            THEIRS.$name()
        })*
    };
}

impl Dialect for PostgreSql {
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn supports_named_fn_args_with_expr_name(&self) -> bool {
        false
    }

    // PostgreSQL's older spelling of `=>`.
    fn supports_named_fn_args_with_assignment_operator(&self) -> bool {
        true
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        THEIRS.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        THEIRS.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        THEIRS.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        THEIRS.is_identifier_part(ch)
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        THEIRS.is_reserved_for_identifier(keyword)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        THEIRS.is_custom_operator_part(ch)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        THEIRS.get_next_precedence(parser)
    }

    /// `BETWEEN SYMMETRIC`, which the parser does not know: the ends may come in either order.
    fn parse_infix(
        &self,
        parser: &mut Parser<'_>,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        let negated = parser.parse_keywords(&[Keyword::NOT, Keyword::BETWEEN, Keyword::SYMMETRIC]);
        if !negated && !parser.parse_keywords(&[Keyword::BETWEEN, Keyword::SYMMETRIC]) {
            // ASYMMETRIC says nothing.
            if parser.parse_keywords(&[Keyword::NOT, Keyword::BETWEEN, Keyword::ASYMMETRIC]) {
                return Some(parser.parse_between(expr.clone(), true));
            }
            if parser.parse_keywords(&[Keyword::BETWEEN, Keyword::ASYMMETRIC]) {
                return Some(parser.parse_between(expr.clone(), false));
            }
            return THEIRS.parse_infix(parser, expr, precedence);
        }
        Some(parser.parse_between(expr.clone(), false).map(|between| symmetric(between, negated)))
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        THEIRS.prec_value(precedence)
    }

    as_theirs!(
        allow_extract_custom,
        allow_extract_single_quotes,
        supports_unicode_string_literal,
        supports_filter_during_aggregation,
        supports_group_by_expr,
        supports_create_index_with_clause,
        supports_explain_with_utility_options,
        supports_listen_notify,
        supports_factorial_operator,
        supports_bitwise_shift_operators,
        supports_comment_on,
        supports_load_extension,
        supports_named_fn_args_with_colon_operator,
        supports_empty_projections,
        supports_nested_comments,
        supports_string_escape_constant,
        supports_numeric_literal_underscores,
        supports_array_typedef_with_brackets,
        supports_geometric_types,
        supports_set_names,
        supports_alter_column_type_using,
        supports_notnull_operator,
        supports_interval_options,
        supports_insert_table_alias,
        supports_create_table_like_parenthesized,
        supports_select_wildcard_with_alias,
        supports_comma_separated_trim,
        supports_xml_expressions,
        supports_comment_optimizer_hint,
    );
}

/// Either order of a BETWEEN's ends.
fn symmetric(between: Expr, negated: bool) -> Expr {
    let Expr::Between { expr, low, high, .. } = &between else { return between };
    let (low, high) = (high.clone(), low.clone());
    let other = Expr::Between { expr: expr.clone(), negated: false, low, high };
    let either = Expr::Nested(Box::new(Expr::BinaryOp {
        left: Box::new(between),
        op: BinaryOperator::Or,
        right: Box::new(other),
    }));
    if negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(either) } } else { either }
}

/// Parses text of our own.
pub(super) fn parsed_expr(sql: &str) -> Result<Expr> {
    Parser::new(&PostgreSql)
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_expr())
        .map_err(|error| Error::internal(format!("{sql} does not parse: {error}")))
}

/// Parses text of our own.
pub(super) fn parsed_query(sql: &str) -> Result<Query> {
    Parser::new(&PostgreSql)
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_query())
        .map(|query| *query)
        .map_err(|error| Error::internal(format!("{sql} does not parse: {error}")))
}

/// Reads a table's name as it is written in SQL.
///
/// # Errors
/// 42602 for text that is none.
pub fn parse_table_name(text: &str) -> Result<TableRef> {
    let invalid = || Error::new(SqlState::INVALID_NAME, format!("invalid name syntax: \"{text}\""));
    let mut parser = Parser::new(&PostgreSql).try_with_sql(text).map_err(|_| invalid())?;
    let name = parser.parse_object_name(false).map_err(|_| invalid())?;
    if parser.peek_token().token != Token::EOF {
        return Err(invalid());
    }
    TableRef::from_object_name(&name)
}
