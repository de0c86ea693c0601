//! The arguments of a CALL to what is to be read, computed and written.
//!
//! In their order stand the inputs, then the output; all others are given by name: the columns of
//! the roles, `mode`, `storage`, and the algorithm's own. What names tables and columns must be
//! written out, since it decides what the call gives.

use std::collections::BTreeMap;

use super::{Algorithm, Arguments, invalid, signature};
use crate::error::{Error, Result};
use crate::sql::{Argument, Call, CallArgument, TableRef, parse_table_name};
use crate::sqlstate::SqlState;
use crate::types::{PgType, Value};

/// What is to be computed, and where the rows go.
#[derive(Clone, Debug)]
pub struct Request {
    /// A table's name or a query for each input.
    pub inputs: Vec<String>,
    /// Columns by the roles that they have.
    pub roles: BTreeMap<String, String>,
    /// Without one the rows are the call's result.
    pub output: Option<OutputRequest>,
    given: BTreeMap<String, Argument>,
}

/// Where rows go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputRequest {
    pub table: TableRef,
    pub mode: Mode,
    /// `duckdb` or `arrow`, for a table that is made.
    pub storage: Option<String>,
    pub matching: Matching,
}

impl OutputRequest {
    /// Tells whether the rows that the output has go first.
    pub fn replaces(&self) -> bool {
        self.mode == Mode::Replace
    }
}

/// Which column of an output gets which computed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matching {
    /// That of its name.
    Names,
    /// These, in their order; the table's, in theirs, when there are none.
    Places(Vec<String>),
}

/// What becomes of the rows that an output has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It must not be there yet.
    Create,
    Replace,
    Append,
}

impl Request {
    /// Reads a call's arguments.
    ///
    /// # Errors
    /// 42883 for arguments that the algorithm does not have or lacks, 22023 for values that cannot
    /// be.
    pub fn new(algorithm: &dyn Algorithm, call: &Call) -> Result<Request> {
        let mut named: BTreeMap<&str, &CallArgument> = BTreeMap::new();
        let places = algorithm.inputs().iter().map(|input| input.name).chain(["output"]);
        let mut places = places.collect::<Vec<_>>().into_iter();
        for argument in &call.args {
            let name = match &argument.name {
                Some(name) => name.as_str(),
                None => places.next().ok_or_else(|| wrong(algorithm, "it has fewer places"))?,
            };
            if named.insert(name, argument).is_some() {
                return Err(wrong(algorithm, &format!("argument {name} is given twice")));
            }
        }
        let mut text = |name: &str| match named.remove(name) {
            Some(argument) => written(name, argument).map(Some),
            None => Ok(None),
        };
        let mut inputs = Vec::new();
        for input in algorithm.inputs() {
            let source = text(input.name)?;
            inputs.push(source.ok_or_else(|| {
                wrong(algorithm, &format!("argument {} must be given", input.name))
            })?);
        }
        let mut roles = BTreeMap::new();
        for role in algorithm.inputs().iter().flat_map(|input| input.roles) {
            if let Some(column) = text(role.name)? {
                roles.insert(role.name.to_owned(), column);
            }
        }
        let (mode, storage) = (text("mode")?, text("storage")?);
        let output = match text("output")? {
            Some(table) => Some(OutputRequest {
                table: parse_table_name(&table)?,
                mode: Mode::read(mode)?,
                storage,
                matching: Matching::Names,
            }),
            None if mode.is_some() || storage.is_some() => {
                return Err(invalid("mode and storage are about an output, which is not given"));
            }
            None => None,
        };
        let known = |name: &str| algorithm.params().iter().any(|param| param.name == name);
        let mut given = BTreeMap::new();
        for (name, argument) in named {
            if !known(name) {
                return Err(wrong(algorithm, &format!("it has no argument {name}")));
            }
            let plain = argument.plain.clone();
            given.insert(name.to_owned(), plain.ok_or_else(|| not_plain(name))?);
        }
        Ok(Request { inputs, roles, output, given })
    }

    /// Fills in the types of parameters that are not declared.
    pub fn param_types(&self, algorithm: &dyn Algorithm, types: &mut [Option<PgType>]) {
        for param in algorithm.params() {
            if let Some(Argument::Param(number)) = self.given.get(param.name)
                && let Some(slot) = types.get_mut(number - 1)
            {
                *slot = slot.or(Some(param.kind.pg_type()));
            }
        }
    }

    /// The values of the algorithm's own arguments that are given.
    ///
    /// # Errors
    /// 42P02 for a parameter without a value.
    pub fn values(&self, params: &[Value]) -> Result<Vec<(String, Value)>> {
        let value = |(name, given): (&String, &Argument)| Ok((name.clone(), given.value(params)?));
        self.given.iter().map(value).collect()
    }

    /// Gives the algorithm's own arguments, with the values of parameters.
    ///
    /// # Errors
    /// 22023 for what is out of its range.
    pub fn arguments(&self, algorithm: &dyn Algorithm, params: &[Value]) -> Result<Arguments> {
        let values: BTreeMap<String, Value> = self.values(params)?.into_iter().collect();
        Arguments::new(algorithm.params(), |name| values.get(name).cloned())
    }
}

impl Mode {
    fn read(text: Option<String>) -> Result<Mode> {
        match text.as_deref() {
            None | Some("replace") => Ok(Mode::Replace),
            Some("append") => Ok(Mode::Append),
            Some(other) => Err(invalid(format!("mode \"{other}\" is neither replace nor append"))),
        }
    }
}

/// Reads a text that is written out.
fn written(name: &str, argument: &CallArgument) -> Result<String> {
    match &argument.plain {
        Some(Argument::Literal(Value::Text(text))) => Ok(text.clone()),
        _ => Err(invalid(format!("argument {name} must be written out, as text"))),
    }
}

fn not_plain(name: &str) -> Error {
    Error::unsupported(format!("argument {name} is an expression"))
        .with_hint("Give a literal or a parameter.")
}

fn wrong(algorithm: &dyn Algorithm, what: &str) -> Error {
    let message = format!("procedure teatree.{} cannot be called so: {what}", algorithm.name());
    Error::new(SqlState::UNDEFINED_FUNCTION, message)
        .with_hint(format!("Call it as {}.", signature(algorithm)))
}
