//! Functions of FROM whose columns are declared where they are called:
//! `json_to_recordset(…) AS t(a int, b text)` becomes a query of its fields.

use std::ops::ControlFlow;

use sqlparser::ast::{
    ArrayElemTypeDef, DataType, FunctionArg, FunctionArgExpr, Statement, TableAlias, TableFactor,
    VisitMut, VisitorMut,
};

use super::names;
use crate::error::{Error, Result};
use crate::sql::dialect::parsed_query;
use crate::sql::quote_ident;

/// Rewrites such calls of a statement.
///
/// # Errors
/// 42601 for a call without declared columns.
pub(super) fn rewrite(statement: &mut Statement) -> Result<()> {
    struct Rewriter;
    impl VisitorMut for Rewriter {
        type Break = Error;

        fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
            super::flow(fields(factor))
        }
    }
    match statement.visit(&mut Rewriter) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

fn fields(factor: &mut TableFactor) -> Result<()> {
    let (name, args, alias) = match &*factor {
        TableFactor::Table { name, args: Some(args), alias, .. } => (name, &args.args, alias),
        TableFactor::Function { name, args, alias, .. } => (name, args, alias),
        _ => return Ok(()),
    };
    let function = match names::parts(name).as_deref() {
        Some([only] | ["pg_catalog", only]) => (*only).to_owned(),
        _ => return Ok(()),
    };
    let (kind, is_set) = match function.as_str() {
        "json_to_record" => ("json", false),
        "json_to_recordset" => ("json", true),
        "jsonb_to_record" => ("jsonb", false),
        "jsonb_to_recordset" => ("jsonb", true),
        _ => return Ok(()),
    };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(json))] = args.as_slice() else {
        return Ok(());
    };
    let declared = alias.as_ref().filter(|alias| !alias.columns.is_empty());
    let Some(alias) = declared else {
        let message = "a column definition list is required for functions returning \"record\"";
        return Err(Error::syntax(message));
    };
    let column = |column: &sqlparser::ast::TableAliasColumnDef| {
        let data_type = column.data_type.as_ref()?;
        let name = &column.name.value;
        Some(format!("{} AS {}", field(kind, name, data_type), quote_ident(name)))
    };
    let Some(columns) = alias.columns.iter().map(column).collect::<Option<Vec<_>>>() else {
        return Err(Error::syntax("a column definition list needs the columns' types"));
    };
    let rows = if is_set {
        format!("{kind}_array_elements({json}) AS item(item)")
    } else {
        format!("(SELECT CAST({json} AS {kind}) AS item) AS item")
    };
    let subquery = parsed_query(&format!("SELECT {} FROM {rows}", columns.join(", ")))?;
    let alias = Some(TableAlias { columns: Vec::new(), ..alias.clone() });
    *factor =
        TableFactor::Derived { lateral: true, subquery: Box::new(subquery), alias, sample: None };
    Ok(())
}

/// A field of the row `item`, as its declared type reads it.
fn field(kind: &str, name: &str, data_type: &DataType) -> String {
    let name = name.replace('\'', "''");
    match data_type {
        DataType::JSON | DataType::JSONB => format!("CAST(item -> '{name}' AS {data_type})"),
        DataType::Array(
            ArrayElemTypeDef::SquareBracket(..)
            | ArrayElemTypeDef::AngleBracket(_)
            | ArrayElemTypeDef::Parenthesis(_),
        ) => {
            let texts = names::system_name(&format!("{kind}_array_elements_text"));
            format!("CAST({texts}(item -> '{name}') AS {data_type})")
        }
        other => format!("CAST(item ->> '{name}' AS {other})"),
    }
}
