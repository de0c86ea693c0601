//! The names of result columns, where the client gave none: PostgreSQL's, not DuckDB's.
//!
//! Follows `FigureColname` in PostgreSQL's `parse_target.c`: a column's or function's own name,
//! else a type's or a construct's name, else `?column?`.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, BinaryOperator, DataType, Expr, Ident, ObjectNamePart, Query, Select, SelectItem,
    SetExpr, Statement, TableAliasColumnDef, TableFactor, TrimWhereField, VisitMut, VisitorMut,
};

use sqlparser::parser::Parser;

use super::{first_select, result_query, types};
use crate::sql::dialect::PostgreSql;

const UNNAMED: &str = "?column?";

/// Gives each unnamed item of a select list its name: of the statement's own, and of those whose
/// columns a query around them may name.
pub(super) fn add(statement: &mut Statement) {
    let _ = statement.visit(&mut Inner);
    let returning = match statement {
        Statement::Insert(insert) => insert.returning.as_mut(),
        Statement::Update(update) => update.returning.as_mut(),
        Statement::Delete(delete) => delete.returning.as_mut(),
        _ => None,
    };
    if let Some(items) = returning {
        items.iter_mut().for_each(label);
        return;
    }
    name_values(statement);
    let Some(select) = result_query(statement).and_then(|query| first_select(&mut query.body))
    else {
        return;
    };
    select.projection.iter_mut().for_each(label);
}

/// Gives the columns of a VALUES list, which stands alone or in FROM, PostgreSQL's names.
fn name_values(statement: &mut Statement) {
    struct Namer;
    impl VisitorMut for Namer {
        type Break = ();

        fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
            if let TableFactor::Derived { subquery, alias: Some(alias), .. } = factor
                && alias.columns.is_empty()
                && let SetExpr::Values(values) = subquery.body.as_ref()
            {
                let count = values.rows.first().map_or(0, |row| row.len());
                alias.columns = (1..=count)
                    .map(|number| TableAliasColumnDef {
                        name: Ident::new(format!("column{number}")),
                        data_type: None,
                    })
                    .collect();
            }
            ControlFlow::Continue(())
        }
    }
    let _ = statement.visit(&mut Namer);
    if let Statement::Query(query) = statement
        && let SetExpr::Values(values) = query.body.as_ref()
        && query.with.is_none()
    {
        let count = values.rows.first().map_or(0, |row| row.len());
        let names: Vec<String> = (1..=count).map(|number| format!("column{number}")).collect();
        let sql = format!("SELECT * FROM (VALUES (1)) AS \"values\"({})", names.join(", "));
        // Our own text, so it parses; if ever not, the columns keep DuckDB's names.
        let Ok(mut wrapped) = Parser::parse_sql(&PostgreSql, &sql) else { return };
        if let Some(Statement::Query(mut outer)) = wrapped.pop()
            && let SetExpr::Select(select) = outer.body.as_mut()
            && let Some(TableFactor::Derived { subquery, .. }) =
                select.from.first_mut().map(|table| &mut table.relation)
        {
            std::mem::swap(&mut subquery.body, &mut query.body);
            std::mem::swap(&mut query.body, &mut outer.body);
        }
    }
}

/// Names the columns of queries inside of others, as far as their names differ.
struct Inner;

impl VisitorMut for Inner {
    type Break = ();

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Derived { subquery, .. } = factor
            && let Some(select) = first_select(&mut subquery.body)
        {
            label_distinct(select);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        for cte in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
            if let Some(select) = first_select(&mut cte.query.body) {
                label_distinct(select);
            }
        }
        ControlFlow::Continue(())
    }
}

/// DuckDB cannot tell columns of one name apart, so those keep the names that it gives them.
fn label_distinct(select: &mut Select) {
    let name = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) => Some(column_name(expr)),
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        _ => None,
    };
    let names: Vec<Option<String>> = select.projection.iter().map(name).collect();
    for (item, own) in select.projection.iter_mut().zip(&names) {
        if names.iter().filter(|other| *other == own).count() == 1 {
            label(item);
        }
    }
}

fn label(item: &mut SelectItem) {
    let SelectItem::UnnamedExpr(expr) = item else { return };
    // A plain column has its own name in both; but these words are not columns.
    let is_column = match &*expr {
        Expr::Identifier(ident) => {
            ident.quote_style.is_some()
                || !matches!(
                    ident.value.as_str(),
                    "current_schema"
                        | "current_user"
                        | "session_user"
                        | "user"
                        | "current_role"
                        | "current_catalog"
                        | "tableoid"
                        | "xmin"
                )
        }
        Expr::CompoundIdentifier(idents) => {
            idents.last().is_some_and(|ident| !matches!(ident.value.as_str(), "tableoid" | "xmin"))
        }
        _ => false,
    };
    if is_column {
        return;
    }
    let name = column_name(expr);
    let expr = std::mem::replace(expr, Expr::Value(sqlparser::ast::Value::Null.into()));
    *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) };
}

/// Returns the name that PostgreSQL gives a column of this expression.
pub(in crate::sql) fn column_name(expr: &Expr) -> String {
    figure(expr).map_or_else(|| UNNAMED.to_owned(), |(name, _)| name)
}

/// Finds a name, and whether it is a strong one, which a cast around it keeps.
fn figure(expr: &Expr) -> Option<(String, bool)> {
    let strong = |name: &str| Some((name.to_owned(), true));
    match expr {
        Expr::Identifier(ident) => strong(&ident.value),
        Expr::CompoundIdentifier(idents) => strong(&idents.last()?.value),
        Expr::Function(function) => {
            strong(&function.name.0.last().and_then(ObjectNamePart::as_ident)?.value)
        }
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => figure(inner),
        Expr::Cast { expr: inner, data_type, .. } => match figure(inner) {
            Some((name, true)) => Some((name, true)),
            _ => type_name(data_type).map(|name| (name, false)),
        },
        Expr::TypedString(typed) => type_name(&typed.data_type).map(|name| (name, false)),
        Expr::Interval(_) => Some(("interval".to_owned(), false)),
        Expr::Case { else_result, .. } => match else_result.as_deref().and_then(figure) {
            Some((name, true)) => Some((name, true)),
            _ => Some(("case".to_owned(), false)),
        },
        Expr::Exists { negated: false, .. } => strong("exists"),
        Expr::Array(_) => strong("array"),
        Expr::Tuple(_) => strong("row"),
        Expr::Extract { .. } => strong("extract"),
        Expr::Substring { shorthand: true, .. } => strong("substr"),
        Expr::Substring { .. } => strong("substring"),
        Expr::Position { .. } => strong("position"),
        Expr::Overlay { .. } => strong("overlay"),
        Expr::Ceil { .. } => strong("ceil"),
        Expr::Floor { .. } => strong("floor"),
        Expr::AtTimeZone { .. } => strong("timezone"),
        Expr::BinaryOp { op: BinaryOperator::Overlaps, .. } => strong("overlaps"),
        Expr::Trim { trim_where, .. } => strong(match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            _ => "btrim",
        }),
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(Expr::Identifier(ident)) => Some(ident.value.clone()),
                _ => None,
            });
            field.map(|name| (name, true)).or_else(|| figure(root))
        }
        Expr::Subquery(query) => scalar_subquery(&query.body),
        _ => None,
    }
}

/// A scalar sub-select has its only column's name.
fn scalar_subquery(body: &sqlparser::ast::SetExpr) -> Option<(String, bool)> {
    let sqlparser::ast::SetExpr::Select(select) = body else { return None };
    match select.projection.first()? {
        SelectItem::ExprWithAlias { alias, .. } => Some((alias.value.clone(), true)),
        SelectItem::UnnamedExpr(expr) => figure(expr),
        _ => None,
    }
}

/// PostgreSQL's internal name of a type, which is what a cast's column is called.
fn type_name(data_type: &DataType) -> Option<String> {
    let name = match data_type {
        DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) => "int4",
        DataType::BigInt(_) | DataType::Int8(_) => "int8",
        DataType::SmallInt(_) | DataType::Int2(_) => "int2",
        DataType::Numeric(_) | DataType::Decimal(_) | DataType::Dec(_) => "numeric",
        DataType::Real | DataType::Float4 => "float4",
        DataType::Double(_) | DataType::DoublePrecision | DataType::Float8 | DataType::Float(_) => {
            "float8"
        }
        DataType::Bool | DataType::Boolean => "bool",
        DataType::Text => "text",
        DataType::Varchar(_) | DataType::CharacterVarying(_) | DataType::CharVarying(_) => {
            "varchar"
        }
        DataType::Char(_) | DataType::Character(_) => "bpchar",
        DataType::Bytea => "bytea",
        DataType::Date => "date",
        DataType::Time(_, zone) => with_zone(*zone, "time", "timetz"),
        DataType::Timestamp(_, zone) => with_zone(*zone, "timestamp", "timestamptz"),
        DataType::Interval { .. } => "interval",
        DataType::JSON => "json",
        DataType::JSONB => "jsonb",
        DataType::Uuid => "uuid",
        DataType::Regclass => "regclass",
        DataType::Array(
            sqlparser::ast::ArrayElemTypeDef::SquareBracket(element, _)
            | sqlparser::ast::ArrayElemTypeDef::AngleBracket(element),
        ) => return type_name(element),
        DataType::Custom(name, _) => match types::builtin_name(name) {
            Some(name) => name,
            None => {
                return name.0.last().and_then(ObjectNamePart::as_ident).map(|i| i.value.clone());
            }
        },
        _ => return None,
    };
    Some(name.to_owned())
}

fn with_zone(
    zone: sqlparser::ast::TimezoneInfo,
    without: &'static str,
    with: &'static str,
) -> &'static str {
    use sqlparser::ast::TimezoneInfo;
    match zone {
        TimezoneInfo::WithTimeZone | TimezoneInfo::Tz => with,
        TimezoneInfo::None | TimezoneInfo::WithoutTimeZone => without,
    }
}
