//! INSERT … SELECT and CREATE TABLE AS between DuckDB tables: the query runs before the intent has
//! its turn, on a read connection, and its turn is only the append. So a long query stops nobody,
//! what the intent means is fixed when it is accepted, and the query's snapshot is the statement's
//! start, as in PostgreSQL.
//!
//! **Invariant:** values arrive exactly as DuckDB would have stored them. The query itself casts
//! them to the target's types; a type that Arrow cannot hold travels as text, and a statement with
//! one that cannot travel at all is applied as SQL at its turn, as is one that needs DuckDB's own
//! INSERT: RETURNING, ON CONFLICT, a query that writes.

use futures::StreamExt;

use crate::catalog::duckdb_table;
use crate::engine::duckdb::{Carrier, ExactColumn};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::{Body, RowsAt, Storage, TagKind};
use crate::router::{Router, RowsSink, StatementContext};
use crate::sql::{Kind, Statement, Write, quote_ident};
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType, Value};

impl Router {
    /// Runs the query of an INSERT … SELECT into a DuckDB table; `None` when the statement has to
    /// be applied as it stands.
    pub(super) async fn staged_insert(
        &self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        params: &[Value],
        context: &StatementContext,
    ) -> Result<Option<Body>> {
        let Write::Insert {
            table,
            columns,
            values: false,
            returning: false,
            on_conflict: false,
            ..
        } = write
        else {
            return Ok(None);
        };
        let Some(given) = self.staging_source(statement, types, context).await? else {
            return Ok(None);
        };
        let target = self.duckdb_target(table, columns, context).await?;
        let mut names: Vec<&str> =
            target.columns.iter().map(|column| column.name.as_str()).collect();
        if let Some(twice) = (1..columns.len()).find(|&at| columns[..at].contains(&columns[at])) {
            return Err(Error::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{}\" specified more than once", columns[twice]),
            ));
        }
        if columns.is_empty() && given.columns.len() < names.len() {
            names.truncate(given.columns.len());
        }
        if given.columns.len() != names.len() {
            // DuckDB says what is wrong.
            return Ok(None);
        }
        let list = names.iter().map(|name| quote_ident(name)).collect::<Vec<_>>().join(", ");
        let sql = format!("SELECT {list} FROM {}", duckdb_table(&target.table));
        let wanted = self.duckdb.exact_columns(&sql, &context.query, None).await?;
        let Some(sql) = wanted.as_deref().and_then(|wanted| given.cast_to(wanted, &target.columns))
        else {
            return Ok(None);
        };
        let Some(rows) = self.stage(&sql, params, context).await? else { return Ok(None) };
        Ok(Some(Body::Rows {
            columns: names.into_iter().map(str::to_owned).collect(),
            table: target.table,
            storage: Storage::DuckDb,
            rows,
            tag: TagKind::Insert,
            create: None,
            draws: Vec::new(),
            replaces: false,
            source: None,
            delivered: Vec::new(),
        }))
    }

    /// Runs the query of a CREATE TABLE AS that makes a DuckDB table; `None` when the statement
    /// has to be applied as it stands.
    pub(super) async fn staged_create(
        &self,
        statement: &Statement,
        write: &Write,
        name: &TableName,
        types: &[Option<PgType>],
        params: &[Value],
        context: &StatementContext,
    ) -> Result<Option<Body>> {
        let Write::CreateTable {
            columns,
            beyond_columns: false,
            if_not_exists: false,
            as_query: true,
            temporary: false,
            ..
        } = write
        else {
            return Ok(None);
        };
        if !columns.is_empty() || !statement.keeps_query_columns() {
            return Ok(None);
        }
        let Some(given) = self.staging_source(statement, types, context).await? else {
            return Ok(None);
        };
        if given.columns.iter().any(|column| column.named) {
            return Ok(None);
        }
        let Some(sql) = given.cast_to(&given.columns, &[]) else { return Ok(None) };
        let table = duckdb_table(name);
        let probe = format!("SELECT 1 FROM {table}");
        if self.duckdb.describe(&probe, &context.query, None).await.is_ok() {
            // Before the query runs for minutes in vain.
            return Err(Error::new(
                SqlState::DUPLICATE_TABLE,
                format!("relation \"{}\" already exists", name.table),
            ));
        }
        let Some(rows) = self.stage(&sql, params, context).await? else { return Ok(None) };
        let defined: Vec<String> = given
            .columns
            .iter()
            .map(|column| format!("{} {}", quote_ident(&column.name), column.sql_type))
            .collect();
        Ok(Some(Body::Rows {
            table: name.clone(),
            storage: Storage::DuckDb,
            columns: given.columns.into_iter().map(|column| column.name).collect(),
            rows,
            tag: TagKind::Select,
            create: Some(format!("CREATE TABLE {table} ({})", defined.join(", "))),
            draws: Vec::new(),
            replaces: false,
            source: None,
            delivered: Vec::new(),
        }))
    }

    /// Finds the query whose rows are written, and its columns.
    async fn staging_source(
        &self,
        statement: &Statement,
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Option<Source>> {
        if context.held().is_some() {
            // The transaction's own connection sees more, and nobody else waits for it.
            return Ok(None);
        }
        let Some(source) = statement.source_query() else { return Ok(None) };
        let Kind::Read(read) = &source.kind else { return Ok(None) };
        self.wait_for_promised(read, context).await?;
        let names = self.names_of(&source, &read.tables, types, context).await?;
        let sql = source.duckdb_sql(&names, types)?;
        match self.duckdb.exact_columns(&sql, &context.query, None).await {
            Ok(Some(columns)) => Ok(Some(Source { sql, columns })),
            Ok(None) => Ok(None),
            Err(error) if writes(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Runs a query and gathers its rows as DuckDB gives them; `None` when it turns out to write.
    async fn stage(
        &self,
        sql: &str,
        params: &[Value],
        context: &StatementContext,
    ) -> Result<Option<RowsAt>> {
        let run = self.duckdb.rows(sql, params.to_vec(), &context.query, None);
        let (schema, mut stream) = match run.await {
            Err(error) if writes(&error) => return Ok(None),
            begun => begun?,
        };
        let mut sink = RowsSink::new(&self.data_dir, schema)?;
        while let Some(batch) = stream.next().await {
            let batch = match batch {
                Err(error) if writes(&error) && sink.rows() == 0 => return Ok(None),
                batch => batch?,
            };
            if sink.is_inline() {
                sink.write(&batch)?;
                continue;
            }
            sink = crate::task::blocking(move || {
                sink.write(&batch)?;
                Ok(sink)
            })
            .await?;
        }
        crate::task::blocking(move || sink.finish()).await.map(Some)
    }
}

/// A query and its columns.
struct Source {
    sql: String,
    columns: Vec<ExactColumn>,
}

impl Source {
    /// Gives the query with its values cast to the wanted types, in the form in which they travel;
    /// `None` when one cannot.
    fn cast_to(&self, wanted: &[ExactColumn], declared: &[Column]) -> Option<String> {
        let mut casts = Vec::with_capacity(wanted.len());
        let mut changed = false;
        for (index, (given, wanted)) in self.columns.iter().zip(wanted).enumerate() {
            let mut value = format!("c{index}");
            if given.sql_type != wanted.sql_type || wanted.named {
                value = format!("CAST({value} AS {})", wanted.sql_type);
                changed = true;
            }
            if let Some(held) = declared.get(index).and_then(|column| held(&value, column)) {
                value = held;
                changed = true;
            }
            match wanted.carrier {
                Carrier::Itself => {}
                Carrier::Text => {
                    value = format!("CAST({value} AS VARCHAR)");
                    changed = true;
                }
                Carrier::Nothing => return None,
            }
            casts.push(value);
        }
        if !changed {
            return Some(self.sql.clone());
        }
        let names: Vec<String> = (0..casts.len()).map(|index| format!("c{index}")).collect();
        let sql = self.sql.trim_end_matches(';');
        Some(format!("SELECT {} FROM ({sql}) AS source({})", casts.join(", "), names.join(", ")))
    }
}

/// Rounds a value, or cuts its blanks, as a column's type modifier wants it; `None` for most.
fn held(value: &str, column: &Column) -> Option<String> {
    let modifier = u32::try_from(column.typmod).ok()?;
    let (function, size) = match column.pg_type {
        PgType::VARCHAR => ("varchar_assign", modifier.checked_sub(4)?),
        PgType::TIMESTAMP => ("timestamp_scale", modifier),
        PgType::TIMESTAMPTZ => ("timestamptz_scale", modifier),
        PgType::TIME => ("time_scale", modifier),
        PgType::INTERVAL => ("interval_scale", modifier & 0xffff),
        _ => return None,
    };
    let is_whole = size >= 6 && function != "varchar_assign";
    (!is_whole).then(|| format!("teatree_system.pg.{function}({value}, {size})"))
}

/// Tells whether DuckDB refused a query because it writes, as one with `nextval` does.
fn writes(error: &Error) -> bool {
    error.code() == SqlState::READ_ONLY_SQL_TRANSACTION
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(sql_type: &str, carrier: Carrier) -> ExactColumn {
        ExactColumn { name: "x".into(), sql_type: sql_type.into(), carrier, named: false }
    }

    #[test]
    fn a_query_is_wrapped_only_where_its_values_change() {
        let source = Source {
            sql: "SELECT a, b FROM t".into(),
            columns: vec![column("INTEGER", Carrier::Itself), column("HUGEINT", Carrier::Text)],
        };
        let same = [column("INTEGER", Carrier::Itself), column("BIGINT", Carrier::Itself)];
        assert_eq!(
            source.cast_to(&same, &[]).unwrap(),
            "SELECT c0, CAST(c1 AS BIGINT) FROM (SELECT a, b FROM t) AS source(c0, c1)"
        );
        assert_eq!(
            source.cast_to(&source.columns, &[]).unwrap(),
            "SELECT c0, CAST(c1 AS VARCHAR) FROM (SELECT a, b FROM t) AS source(c0, c1)"
        );
        let strange = [column("INTEGER", Carrier::Itself), column("", Carrier::Nothing)];
        assert_eq!(source.cast_to(&strange, &[]), None);
        let source = Source { columns: source.columns[..1].to_vec(), ..source };
        assert_eq!(source.cast_to(&source.columns, &[]).unwrap(), "SELECT a, b FROM t");
    }
}
