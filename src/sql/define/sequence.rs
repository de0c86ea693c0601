//! Sequences: their options, with PostgreSQL's defaults and checks.

use serde::{Deserialize, Serialize};
use sqlparser::ast::{self, DataType, Expr, SequenceOptions, UnaryOperator, Value};

use super::{Candidates, Definition, TEMPORARY_SCHEMA};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::rewrite::NameContext;
use crate::sql::statement::TableRef;
use crate::sqlstate::SqlState;

/// The options that a statement gives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SequenceSpec {
    /// `smallint`, `integer` or `bigint`.
    pub type_name: Option<String>,
    pub start: Option<i64>,
    pub increment: Option<i64>,
    pub min: Bound,
    pub max: Bound,
    pub cycle: Option<bool>,
}

/// MINVALUE or MAXVALUE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bound {
    #[default]
    Unsaid,
    /// `NO MINVALUE`: the default.
    No,
    At(i64),
}

/// A sequence's state.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    pub increment: i64,
    pub min: i64,
    pub max: i64,
    pub start: i64,
    pub cycle: bool,
    /// What the last call gave, or, before any, what the first one gives.
    pub last_value: i64,
    pub is_called: bool,
}

/// The column that a sequence belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SequenceOwner {
    pub table: Candidates,
    pub column: String,
}

/// What ALTER SEQUENCE changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SequenceChange {
    pub spec: SequenceSpec,
    pub restart: Restart,
    pub owner: OwnerChange,
    pub rename: Option<String>,
    pub schema: Option<String>,
}

/// ALTER SEQUENCE … RESTART.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Restart {
    #[default]
    No,
    AtStart,
    At(i64),
}

/// ALTER SEQUENCE … OWNED BY.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum OwnerChange {
    #[default]
    Unsaid,
    Nobody,
    Column(SequenceOwner),
}

impl SequenceSpec {
    /// Reads the parser's options.
    pub(super) fn from_options(options: Option<&[SequenceOptions]>) -> Result<SequenceSpec> {
        let mut spec = SequenceSpec::default();
        for option in options.unwrap_or_default() {
            match option {
                SequenceOptions::IncrementBy(value, _) => spec.increment = Some(integer(value)?),
                SequenceOptions::MinValue(value) => spec.min = bound(value.as_ref())?,
                SequenceOptions::MaxValue(value) => spec.max = bound(value.as_ref())?,
                SequenceOptions::StartWith(value, _) => spec.start = Some(integer(value)?),
                // Values are never handed out ahead.
                SequenceOptions::Cache(_) => {}
                SequenceOptions::Cycle(no) => spec.cycle = Some(!no),
            }
        }
        Ok(spec)
    }

    /// Makes the sequence, over what it was before.
    ///
    /// # Errors
    /// 22023 for values that do not fit each other, as PostgreSQL says it.
    pub fn resolve(&self, before: Option<&Sequence>) -> Result<Sequence> {
        let increment = self.increment.or(before.map(|b| b.increment)).unwrap_or(1);
        if increment == 0 {
            return Err(invalid("INCREMENT must not be zero".to_owned()));
        }
        let (type_min, type_max) = match self.type_name.as_deref() {
            Some("smallint") => (i64::from(i16::MIN), i64::from(i16::MAX)),
            Some("integer") => (i64::from(i32::MIN), i64::from(i32::MAX)),
            _ => (i64::MIN, i64::MAX),
        };
        let ascends = increment > 0;
        let max = match (self.max, before) {
            (Bound::At(value), _) => value,
            (Bound::Unsaid, Some(before)) => before.max,
            _ if ascends => type_max,
            _ => -1,
        };
        let min = match (self.min, before) {
            (Bound::At(value), _) => value,
            (Bound::Unsaid, Some(before)) => before.min,
            _ if ascends => 1,
            _ => type_min,
        };
        let type_name = self.type_name.as_deref().unwrap_or("bigint");
        for (word, value) in [("MAXVALUE", max), ("MINVALUE", min)] {
            if value < type_min || value > type_max {
                return Err(invalid(format!(
                    "{word} ({value}) is out of range for sequence data type {type_name}"
                )));
            }
        }
        if min >= max {
            return Err(invalid(format!("MINVALUE ({min}) must be less than MAXVALUE ({max})")));
        }
        let usual = if ascends { min } else { max };
        let start = self.start.or(before.map(|b| b.start)).unwrap_or(usual);
        within("START", start, min, max)?;
        let last_value = before.map_or(start, |before| before.last_value);
        let cycle = self.cycle.or(before.map(|b| b.cycle)).unwrap_or(false);
        let is_called = before.is_some_and(|before| before.is_called);
        Ok(Sequence { increment, min, max, start, cycle, last_value, is_called })
    }
}

impl Sequence {
    /// Moves the sequence as RESTART says.
    ///
    /// # Errors
    /// 22023 when it is not within its bounds then.
    pub fn restart(&mut self, restart: Restart) -> Result<()> {
        let value = match restart {
            Restart::No => None,
            Restart::AtStart => Some(self.start),
            Restart::At(value) => Some(value),
        };
        if let Some(value) = value {
            (self.last_value, self.is_called) = (value, false);
        }
        within("RESTART", self.last_value, self.min, self.max)
    }

    /// Writes the statement that makes the sequence; `name` is quoted SQL. DuckDB starts a
    /// sequence at a place of its own choosing only by START.
    pub fn create_sql(&self, name: &str) -> String {
        format!(
            "CREATE SEQUENCE {name} INCREMENT BY {} MINVALUE {} MAXVALUE {} START {} {}",
            self.increment,
            self.min,
            self.max,
            self.last_value,
            if self.cycle { "CYCLE" } else { "NO CYCLE" }
        )
    }
}

fn within(word: &str, value: i64, min: i64, max: i64) -> Result<()> {
    if value < min {
        return Err(invalid(format!(
            "{word} value ({value}) cannot be less than MINVALUE ({min})"
        )));
    }
    if value > max {
        return Err(invalid(format!(
            "{word} value ({value}) cannot be greater than MAXVALUE ({max})"
        )));
    }
    Ok(())
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn bound(value: Option<&Expr>) -> Result<Bound> {
    Ok(match value {
        Some(value) => Bound::At(integer(value)?),
        None => Bound::No,
    })
}

fn integer(expr: &Expr) -> Result<i64> {
    let text = match expr {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => format!("-{expr}"),
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => text.clone(),
            other => other.to_string(),
        },
        other => other.to_string(),
    };
    text.parse().map_err(|_| Error::syntax(format!("invalid sequence option value \"{text}\"")))
}

/// Takes a CREATE SEQUENCE apart.
pub(in crate::sql) fn create_sequence(
    tree: &ast::Statement,
    names: &NameContext,
) -> Result<Definition> {
    let ast::Statement::CreateSequence {
        temporary,
        if_not_exists,
        name,
        data_type,
        sequence_options,
        owned_by,
    } = tree
    else {
        return Err(Error::internal("not a CREATE SEQUENCE"));
    };
    let mut spec = SequenceSpec::from_options(Some(sequence_options))?;
    spec.type_name = data_type.as_ref().map(sequence_type).transpose()?;
    spec.resolve(None)?;
    Ok(Definition::CreateSequence {
        name: match (TableRef::from_object_name(name)?, *temporary) {
            (written, false) => written.to_create(&names.search_path)?,
            (written, true) => TableName::new(TEMPORARY_SCHEMA, written.table),
        },
        if_not_exists: *if_not_exists,
        spec,
        owner: owned_by.as_ref().map(|name| owner(name, names)).transpose()?.flatten(),
    })
}

fn sequence_type(data_type: &DataType) -> Result<String> {
    super::create::integer_name(data_type)
        .map(str::to_owned)
        .map_err(|_| invalid("sequence type must be smallint, integer, or bigint".to_owned()))
}

/// Reads OWNED BY's name, which ends in a column; `None` for NONE.
pub(super) fn owner(name: &ast::ObjectName, names: &NameContext) -> Result<Option<SequenceOwner>> {
    let parts: Vec<&ast::Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
    match parts.as_slice() {
        [only] if only.value.eq_ignore_ascii_case("none") => Ok(None),
        [.., _, column] => {
            let table = ast::ObjectName(name.0[..name.0.len() - 1].to_vec());
            let table = TableRef::from_object_name(&table)?;
            Ok(Some(SequenceOwner {
                table: table.candidates(&names.search_path).collect(),
                column: column.value.clone(),
            }))
        }
        _ => Err(Error::syntax("invalid OWNED BY option")
            .with_hint("Specify OWNED BY table.column or OWNED BY NONE.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_postgresqls() {
        let up = SequenceSpec::default().resolve(None).unwrap();
        assert_eq!((up.min, up.max, up.start, up.increment), (1, i64::MAX, 1, 1));
        let down = SequenceSpec { increment: Some(-2), ..Default::default() };
        let down = down.resolve(None).unwrap();
        assert_eq!((down.min, down.max, down.start), (i64::MIN, -1, -1));
        let small = SequenceSpec { type_name: Some("smallint".into()), ..Default::default() };
        assert_eq!(small.resolve(None).unwrap().max, 32767);
    }

    #[test]
    fn what_does_not_fit_is_told_in_postgresqls_words() {
        let told = |spec: SequenceSpec| spec.resolve(None).unwrap_err().message().to_owned();
        let spec = || SequenceSpec::default();
        assert_eq!(
            told(SequenceSpec { start: Some(0), ..spec() }),
            "START value (0) cannot be less than MINVALUE (1)"
        );
        assert_eq!(
            told(SequenceSpec { max: Bound::At(1), ..spec() }),
            "MINVALUE (1) must be less than MAXVALUE (1)"
        );
        assert_eq!(
            told(SequenceSpec { increment: Some(0), ..spec() }),
            "INCREMENT must not be zero"
        );
    }
}
