//! CREATE DOMAIN. A domain is read as a table of one column, `value`; a column of a domain gets the
//! base type, and what the domain demands as demands of its own.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use sqlparser::ast::{self, Expr, Ident, VisitMut, VisitorMut};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{
    ColumnShape, ConstraintKind, Definition, LikeOptions, TableShape, TextLimit, check_name,
    create_table,
};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::dialect::PostgreSql;
use crate::sql::quote_ident;
use crate::sql::rewrite::{self, NameContext};

/// What a domain's comment in DuckDB begins with; behind it stands the domain as JSON.
pub const DOMAIN_CODE: &str = "domain ";

/// What the error of a domain's CHECK begins with.
pub const DOMAIN_CHECK: &str = "value for domain ";

/// The column that stands for VALUE.
const VALUE: &str = "value";

/// A domain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    /// In DuckDB's words.
    pub base: String,
    pub limit: Option<TextLimit>,
    pub not_null: bool,
    pub default: Option<String>,
    pub checks: Vec<DomainCheck>,
    pub comment: Option<String>,
}

/// A domain's CHECK.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DomainCheck {
    /// The domain's own name, as messages have it.
    pub domain: String,
    pub name: String,
    /// The condition, in DuckDB's words, of `value`.
    pub condition: String,
}

impl Domain {
    /// Reads the shape of the table that stands for a domain.
    pub fn of(name: &str, shape: &TableShape) -> Result<Domain> {
        let [column] = shape.columns.as_slice() else {
            return Err(Error::internal("a domain is not one column"));
        };
        let mut checks: Vec<DomainCheck> = Vec::new();
        for constraint in &shape.constraints {
            let usual = check_name(name, &[]);
            let taken = |wanted: &str| checks.iter().any(|check| check.name == wanted);
            let free = (0_usize..).map(|number| match number {
                0 => usual.clone(),
                number => format!("{usual}{number}"),
            });
            let found = constraint.name.clone().or_else(|| free.into_iter().find(|n| !taken(n)));
            checks.push(DomainCheck {
                domain: name.to_owned(),
                name: found.unwrap_or(usual),
                condition: constraint.text.clone(),
            });
        }
        // The order in which PostgreSQL asks them.
        checks.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Domain {
            base: column.data_type.clone(),
            limit: column.limit.clone(),
            not_null: column.not_null,
            default: column.default.clone(),
            checks,
            comment: None,
        })
    }

    /// Gives a column what the domain demands; its own default goes before.
    pub fn shape(&self, column: &ColumnShape) -> ColumnShape {
        let has_default = column.default.is_some() || column.uses.is_some();
        ColumnShape {
            data_type: self.base.clone(),
            not_null: column.not_null || self.not_null,
            default: if has_default { column.default.clone() } else { self.default.clone() },
            limit: self.limit.clone(),
            named_type: Vec::new(),
            ..column.clone()
        }
    }

    /// Writes the CHECK expressions for a column.
    pub fn column_checks(&self, column: &str) -> Result<Vec<String>> {
        let check = |check: &DomainCheck| {
            let text = format!(
                "{DOMAIN_CHECK}{} violates check constraint \"{}\"",
                check.domain, check.name
            );
            Ok(format!(
                "CASE WHEN coalesce(({}), true) THEN true ELSE error('[23514] {}') END",
                of_column(&check.condition, column)?,
                text.replace('\'', "''")
            ))
        };
        self.checks.iter().map(check).collect()
    }
}

/// Puts a column in the place of VALUE.
fn of_column(condition: &str, column: &str) -> Result<String> {
    struct Renamer<'a>(&'a str);
    impl VisitorMut for Renamer<'_> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if let Expr::Identifier(ident) = expr
                && ident.value == VALUE
            {
                *ident = Ident::with_quote('"', self.0);
            }
            ControlFlow::Continue(())
        }
    }
    let mut trees = rewrite::parse(&format!("SELECT ({condition})"))?;
    let _ = trees.visit(&mut Renamer(column));
    let text = trees.first().map(ToString::to_string).unwrap_or_default();
    let text = text.strip_prefix("SELECT ").map(str::to_owned);
    text.ok_or_else(|| Error::internal(format!("a domain's check on {}", quote_ident(column))))
}

/// Reads what stands behind `CREATE DOMAIN`: a name, a type and the options of a column.
pub(super) fn parse(tokens: &[TokenWithSpan]) -> Result<ast::CreateTable> {
    let Some(span) = tokens.first().map(|token| token.span) else {
        return Err(Error::syntax("syntax error at end of input"));
    };
    let is_solid = |token: &TokenWithSpan| !matches!(token.token, Token::Whitespace(_));
    let solid: Vec<TokenWithSpan> =
        tokens.iter().filter(|token| is_solid(token)).cloned().collect();
    let mut name = 1;
    while matches!(solid.get(name).map(|token| &token.token), Some(Token::Period)) {
        name += 2;
    }
    let mut rest = solid.get(name..).unwrap_or_default();
    if let Some(TokenWithSpan { token: Token::Word(word), .. }) = rest.first()
        && word.quote_style.is_none()
        && word.value.eq_ignore_ascii_case("as")
    {
        rest = &rest[1..];
    }
    let rest = rest.iter().filter(|token| !matches!(token.token, Token::EOF | Token::SemiColon));
    let made = |token| TokenWithSpan { token, span };
    let mut table = vec![made(Token::make_keyword("CREATE")), made(Token::make_keyword("TABLE"))];
    table.extend(solid.get(..name).unwrap_or_default().iter().cloned());
    table.extend([made(Token::LParen), made(Token::make_word(VALUE, Some('"')))]);
    table.extend(rest.cloned());
    table.push(made(Token::RParen));
    let parsed = Parser::new(&PostgreSql).with_tokens_with_locations(table).parse_statements();
    match parsed.ok().and_then(|mut trees| trees.pop()) {
        Some(ast::Statement::CreateTable(create)) => Ok(create),
        _ => Err(Error::syntax("syntax error in CREATE DOMAIN")),
    }
}

/// Makes the definition of a domain.
pub(super) fn create_domain(create: &ast::CreateTable, names: &NameContext) -> Result<Definition> {
    let made = create_table(create, LikeOptions::default(), None, names)?;
    let Definition::CreateTable { table, shape, .. } = made else {
        return Err(Error::internal("a domain is not read as a table"));
    };
    let others = shape.constraints.iter().any(|c| c.kind != ConstraintKind::Check);
    let column = shape.columns.first();
    if others || column.is_some_and(|c| c.generated.is_some() || c.sequence.is_some()) {
        return Err(Error::syntax("a domain has a default, NOT NULL and CHECK constraints only"));
    }
    Ok(Definition::CreateDomain { name: TableName::clone(&table), shape })
}
