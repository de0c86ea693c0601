//! Domains: an alias of the base type, whose comment in DuckDB keeps what the domain demands.

use super::Definer;
use crate::catalog::{duckdb_schema, duckdb_table};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::{ColumnShape, DOMAIN_CODE, Domain, DomainCheck, TableShape, written_name};
use crate::sqlstate::SqlState;
use crate::types::Value;

impl Definer<'_> {
    /// Makes a domain.
    pub(super) fn create_domain(&mut self, name: &TableName, shape: &TableShape) -> Result<()> {
        let mut made = Domain::of(&name.table, shape)?;
        let base = shape.columns.first().map(|column| self.domain_of(column)).transpose()?;
        if let Some(base) = base.flatten() {
            made.base = base.base;
            made.limit = base.limit;
            made.not_null |= base.not_null;
            made.default = made.default.or(base.default);
            // Messages name the domain that was asked.
            let of_base = base.checks.into_iter();
            let of_base = of_base.map(|check| DomainCheck { domain: name.table.clone(), ..check });
            made.checks.splice(0..0, of_base);
        }
        made.base = self.spelled(&made.base)?;
        // Refused here rather than at the first row of a table.
        made.column_checks("value")?;
        if self.type_comment(std::slice::from_ref(name))?.is_some() {
            return Err(Error::new(
                SqlState::DUPLICATE_OBJECT,
                format!("type \"{}\" already exists", name.table),
            ));
        }
        self.connection.run(&format!("CREATE TYPE {} AS {}", duckdb_table(name), made.base))?;
        self.keep_domain(name, &made)
    }

    /// Finds a domain by what its name may mean.
    pub(super) fn domain_named(
        &mut self,
        candidates: &[TableName],
    ) -> Result<Option<(TableName, Domain)>> {
        let found = self.type_comment(candidates)?;
        Ok(found.and_then(|(name, comment)| Some((name, read(&comment)?))))
    }

    /// Finds the domain that a column is of.
    pub(super) fn domain_of(&mut self, column: &ColumnShape) -> Result<Option<Domain>> {
        if column.named_type.is_empty() {
            return Ok(None);
        }
        let found = self.type_comment(&column.named_type)?;
        Ok(found.and_then(|(_, comment)| read(&comment)))
    }

    /// Refuses to make a column that is there one of a domain's.
    pub(super) fn refuse_domain(&mut self, data_type: &str) -> Result<()> {
        let (_, name) = written_name(data_type);
        let rows = self.connection.text_rows(
            "SELECT type_name FROM duckdb_types() WHERE database_name = current_database()
                 AND type_name = $1 AND starts_with(comment, $2)",
            &[Value::Text(name.clone()), Value::Text(DOMAIN_CODE.to_owned())],
        )?;
        if rows.is_empty() {
            return Ok(());
        }
        Err(Error::unsupported(format!("a column cannot be given the domain \"{name}\" later"))
            .with_hint("Give it the base type, and add the constraints."))
    }

    /// Comments on a type; a domain's own text stays.
    pub(super) fn comment_on_type(
        &mut self,
        candidates: &[TableName],
        comment: Option<&str>,
    ) -> Result<()> {
        let Some((name, kept)) = self.type_comment(candidates)? else {
            let name = candidates.first().map_or("", |name| name.table.as_str());
            return Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("type \"{name}\" does not exist"),
            ));
        };
        match read(&kept) {
            Some(mut domain) => {
                domain.comment = comment.map(str::to_owned);
                self.keep_domain(&name, &domain)
            }
            None => self.set_type_comment(&name, comment),
        }
    }

    /// Finds a user's type.
    pub(super) fn type_named(&mut self, candidates: &[TableName]) -> Result<Option<TableName>> {
        Ok(self.type_comment(candidates)?.map(|(name, _)| name))
    }

    /// Tells whether a name means a user's type.
    pub(super) fn has_type(&mut self, candidates: &[TableName]) -> Result<bool> {
        self.type_comment(candidates).map(|found| found.is_some())
    }

    /// Writes a type as the catalogue spells it, without the name of a user's type: in its log
    /// DuckDB 1.5.6 does not find what an ALTER TABLE names.
    pub(super) fn spelled(&mut self, data_type: &str) -> Result<String> {
        let sql = format!("SELECT typeof(CAST(NULL AS {data_type}))");
        let spelled = self.connection.text_rows(&sql, &[])?.pop().and_then(|mut row| row.pop());
        Ok(spelled.unwrap_or_else(|| data_type.to_owned()))
    }

    /// Tells whether an expression may name a user's type.
    pub(super) fn names_a_type(&mut self, expression: &str) -> Result<bool> {
        if expression.is_empty() {
            return Ok(false);
        }
        let rows = self.connection.text_rows(
            "SELECT type_name FROM duckdb_types() WHERE database_name = current_database()
                 AND NOT internal AND contains(lower($1), lower(type_name))",
            &[Value::Text(expression.to_owned())],
        )?;
        Ok(!rows.is_empty())
    }

    fn keep_domain(&mut self, name: &TableName, domain: &Domain) -> Result<()> {
        let kept = serde_json::to_string(domain)
            .map_err(|error| Error::internal(format!("a domain cannot be kept: {error}")))?;
        self.set_type_comment(name, Some(&format!("{DOMAIN_CODE}{kept}")))
    }

    fn set_type_comment(&mut self, name: &TableName, comment: Option<&str>) -> Result<()> {
        let text = comment.map_or_else(
            || "NULL".to_owned(),
            |comment| format!("'{}'", comment.replace('\'', "''")),
        );
        self.connection.run(&format!("COMMENT ON TYPE {} IS {text}", duckdb_table(name)))
    }

    /// Finds a user's type by what its name may mean, and its comment.
    fn type_comment(&mut self, candidates: &[TableName]) -> Result<Option<(TableName, String)>> {
        let Some(first) = candidates.first() else { return Ok(None) };
        let rows = self.connection.text_rows(
            "SELECT schema_name, coalesce(comment, '') FROM duckdb_types()
             WHERE database_name = current_database() AND NOT internal AND type_name = $1",
            &[Value::Text(first.table.clone())],
        )?;
        Ok(candidates.iter().find_map(|name| {
            let schema = duckdb_schema(&name.schema);
            rows.iter().find_map(|row| match row.as_slice() {
                [of, comment] if of == schema => Some((name.clone(), comment.clone())),
                _ => None,
            })
        }))
    }
}

fn read(comment: &str) -> Option<Domain> {
    serde_json::from_str(comment.strip_prefix(DOMAIN_CODE)?).ok()
}
