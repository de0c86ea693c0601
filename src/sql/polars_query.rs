//! A statement of `LANGUAGE polars`: the query that Polars runs, and what becomes of its rows.
//!
//! Polars meets no names but those of frames: each table of the query gets one, and keeps its name
//! as an alias, so that columns can be written as before. Values stand in the place of parameters.
//! Functions that read files have no place in it: a table is a table of the server's.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, TableAlias, TableFactor, VisitMut, VisitorMut,
};

use super::dialect::parsed_expr;
use super::params::number_of;
use super::statement::{Kind, Statement, TableRef};
use super::write::Write;
use crate::error::{Error, Result};
use crate::types::{Numeric, PgType, ScalarType, Value};

/// What Polars runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolarsQuery {
    pub sql: String,
    /// The tables that it reads, by their names in it.
    pub tables: Vec<(String, TableRef)>,
}

/// What becomes of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolarsTarget {
    /// They are the call's.
    Result,
    /// They are added to a table, to these columns in their order, or to all.
    Insert { table: TableRef, columns: Vec<String> },
    /// A table is made of them, in the storage that USING names.
    Create { table: TableRef, storage: Option<String> },
}

impl Statement {
    /// Takes a statement apart: its query, and what becomes of the rows.
    ///
    /// # Errors
    /// 0A000 for anything but a query, INSERT … query and CREATE TABLE … AS query.
    pub fn polars_parts(&self) -> Result<(Statement, PolarsTarget)> {
        let target = match &self.kind {
            Kind::Read(read) if !read.native => return Ok((self.clone(), PolarsTarget::Result)),
            Kind::Write(Write::Insert {
                table,
                columns,
                returning: false,
                on_conflict: false,
                ..
            }) => PolarsTarget::Insert { table: table.clone(), columns: columns.clone() },
            Kind::Write(Write::CreateTable {
                table,
                access_method,
                as_query: true,
                if_not_exists: false,
                temporary: false,
                ..
            }) => PolarsTarget::Create { table: table.clone(), storage: access_method.clone() },
            _ => return Err(not_for_polars()),
        };
        match self.source_query() {
            Some(query) if matches!(&query.kind, Kind::Read(read) if !read.native) => {
                Ok((query, target))
            }
            _ => Err(not_for_polars()),
        }
    }

    /// Builds the query for Polars, with these values, of these types, for its parameters.
    ///
    /// # Errors
    /// 0A000 for table functions, and for values that Polars' SQL cannot write.
    pub fn polars_query(&self, types: &[PgType], values: &[Value]) -> Result<PolarsQuery> {
        let Some(tree) = self.tree.as_deref() else { return Err(not_for_polars()) };
        let mut tree = tree.clone();
        let known = self.tables().to_vec();
        let mut namer = Namer { known: &known, types, values, tables: Vec::new() };
        if let ControlFlow::Break(error) = VisitMut::visit(&mut tree, &mut namer) {
            return Err(error);
        }
        Ok(PolarsQuery { sql: tree.to_string(), tables: namer.tables })
    }
}

fn not_for_polars() -> Error {
    Error::unsupported("a procedure in language polars is one statement")
        .with_hint("Write a SELECT, INSERT … SELECT or CREATE TABLE … AS SELECT.")
}

struct Namer<'a> {
    /// The tables that the statement names; what else it names are its own WITH queries.
    known: &'a [TableRef],
    types: &'a [PgType],
    values: &'a [Value],
    tables: Vec<(String, TableRef)>,
}

impl VisitorMut for Namer<'_> {
    type Break = Error;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let table = match TableRef::from_object_name(name) {
                    Ok(table) => table,
                    Err(error) => return ControlFlow::Break(error),
                };
                if self.known.contains(&table) {
                    alias.get_or_insert_with(|| named(&table.table));
                    *name = object_name(&self.name_of(table));
                }
                ControlFlow::Continue(())
            }
            TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } => {
                ControlFlow::Continue(())
            }
            other => ControlFlow::Break(Error::unsupported(format!(
                "{other} in a procedure in language polars is not supported"
            ))),
        }
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let Some(number) = number_of(expr) else { return ControlFlow::Continue(()) };
        let place = number - 1;
        let given = self.values.get(place).zip(self.types.get(place));
        match given.map(|(value, pg_type)| literal(value, *pg_type)) {
            Some(Ok(literal)) => {
                *expr = literal;
                ControlFlow::Continue(())
            }
            Some(Err(error)) => ControlFlow::Break(error),
            None => ControlFlow::Break(Error::internal(format!("${number} has no value"))),
        }
    }
}

impl Namer<'_> {
    fn name_of(&mut self, table: TableRef) -> String {
        if let Some((name, _)) = self.tables.iter().find(|(_, known)| *known == table) {
            return name.clone();
        }
        let name = format!("teatree_table_{}", self.tables.len());
        self.tables.push((name.clone(), table));
        name
    }
}

fn named(name: &str) -> TableAlias {
    TableAlias { explicit: true, name: Ident::with_quote('"', name), columns: Vec::new(), at: None }
}

fn object_name(name: &str) -> ObjectName {
    ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))])
}

/// Writes a value, in the type that its argument has there: what a query gives does not depend on
/// what it is asked with. A numeric is a double to it.
fn literal(value: &Value, pg_type: PgType) -> Result<Expr> {
    let unsupported = || {
        Error::unsupported(format!(
            "an argument of type {} in a procedure in language polars",
            pg_type.sql_name()
        ))
    };
    let their_type = type_name(pg_type).ok_or_else(unsupported)?;
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let moment = |us: i64| {
        let moment = chrono::DateTime::from_timestamp_micros(us);
        moment.map(|moment| quoted(&moment.format("%Y-%m-%d %H:%M:%S%.6f").to_string()))
    };
    let day = |days: i32| {
        let moment = chrono::DateTime::from_timestamp(i64::from(days) * 86_400, 0);
        moment.map(|moment| quoted(&moment.format("%Y-%m-%d").to_string()))
    };
    let written = match value {
        Value::Null => Some("NULL".to_owned()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Int2(value) => Some(value.to_string()),
        Value::Int4(value) => Some(value.to_string()),
        Value::Int8(value) => Some(value.to_string()),
        Value::Float4(value) if value.is_finite() => Some(format!("{value:?}")),
        Value::Float8(value) if value.is_finite() => Some(format!("{value:?}")),
        Value::Numeric(number) => Some(decimal(*number)),
        Value::Text(text) => Some(quoted(text)),
        Value::Date(days) => day(*days),
        Value::Timestamp(us) => moment(*us),
        _ => None,
    };
    let written = written.ok_or_else(unsupported)?;
    parsed_expr(&format!("CAST({written} AS {their_type})"))
}

/// What Polars calls a type.
fn type_name(pg_type: PgType) -> Option<&'static str> {
    use ScalarType as T;
    let PgType::Scalar(scalar) = pg_type else { return None };
    Some(match scalar {
        T::Bool => "BOOLEAN",
        T::Int2 => "SMALLINT",
        T::Int4 => "INTEGER",
        T::Int8 => "BIGINT",
        T::Float4 => "REAL",
        T::Float8 | T::Numeric => "DOUBLE",
        T::Text | T::Varchar | T::Bpchar | T::Name => "VARCHAR",
        T::Date => "DATE",
        T::Timestamp => "TIMESTAMP",
        _ => return None,
    })
}

fn decimal(number: Numeric) -> String {
    let digits = number.unscaled.unsigned_abs().to_string();
    let scale = usize::from(number.scale);
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    let sign = if number.unscaled < 0 { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::parse;

    fn query(sql: &str, given: &[(PgType, Value)]) -> Result<PolarsQuery> {
        let (types, values): (Vec<_>, Vec<_>) = given.iter().cloned().unzip();
        parse(sql).unwrap()[0].polars_query(&types, &values)
    }

    #[test]
    fn tables_get_names_and_keep_theirs() {
        let made = query(
            "WITH big AS (SELECT * FROM public.t WHERE x > $1) SELECT t.y, b.x FROM big b JOIN t ON t.id = b.id",
            &[(PgType::NUMERIC, Value::Numeric(Numeric { unscaled: -5, scale: 2 }))],
        )
        .unwrap();
        assert_eq!(
            made.sql,
            "WITH big AS (SELECT * FROM teatree_table_0 AS \"t\" WHERE x > CAST(-0.05 AS DOUBLE)) SELECT t.y, b.x \
             FROM big b JOIN teatree_table_1 AS \"t\" ON t.id = b.id"
        );
        let names: Vec<&str> = made.tables.iter().map(|(_, table)| table.table.as_str()).collect();
        assert_eq!(names, ["t", "t"]);
    }

    #[test]
    fn no_function_reads_files() {
        for sql in [
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT * FROM read_parquet('x') AS r",
            "SELECT * FROM generate_series(1, 2) AS r",
        ] {
            let made = parse(sql).and_then(|statements| statements[0].polars_query(&[], &[]));
            assert!(made.is_err(), "{sql}");
        }
    }

    #[test]
    fn values_are_written_as_they_are() {
        let values = [
            (PgType::TEXT, Value::Text("it's".into())),
            (PgType::INT4, Value::Null),
            (PgType::DATE, Value::Date(19_723)),
            (PgType::TIMESTAMP, Value::Timestamp(-1)),
            (PgType::FLOAT8, Value::Float8(2.0)),
        ];
        let made = query("SELECT $1, $2, $3, $4, $5 FROM t", &values).unwrap();
        assert_eq!(
            made.sql,
            "SELECT CAST('it''s' AS VARCHAR), CAST(NULL AS INTEGER), CAST('2024-01-01' AS DATE), \
             CAST('1969-12-31 23:59:59.999999' AS TIMESTAMP), CAST(2.0 AS DOUBLE) \
             FROM teatree_table_0 AS \"t\""
        );
        assert!(query("SELECT $1", &[(PgType::UUID, Value::Null)]).is_err());
    }
}
