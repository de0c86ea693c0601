//! The one error type: what a client is told, in PostgreSQL's terms.
//!
//! Foreign errors are translated in the module that owns the foreign crate. A message is in
//! PostgreSQL's style: lower case, no full stop; `detail` and `hint` are sentences.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::sqlstate::SqlState;

/// The result of anything that can fail towards a client.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error with PostgreSQL's fields. Small (one pointer), since it travels in every `Result`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error(Box<Fields>);

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Fields {
    code: SqlState,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    /// 1-based, in characters of the client's statement.
    position: Option<usize>,
    context: Option<String>,
    /// What PostgreSQL calls the code that reports it, where clients look at that.
    #[serde(default)]
    routine: Option<String>,
    fatal: bool,
    /// See [`Error::own`].
    #[serde(default)]
    own: bool,
    #[serde(default)]
    object: ErrorObject,
}

/// What an error is about, where that is an object of the database: names without quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorObject {
    pub schema: Option<String>,
    pub table: Option<String>,
    pub column: Option<String>,
    pub constraint: Option<String>,
}

impl Error {
    /// Makes an error with a code and a primary message.
    pub fn new(code: SqlState, message: impl Into<String>) -> Self {
        Error(Box::new(Fields {
            code,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            context: None,
            routine: None,
            fatal: false,
            own: false,
            object: ErrorObject::default(),
        }))
    }

    /// Something that Teatree does not do.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
    }

    /// SQL that no parser here understands.
    pub fn syntax(message: impl Into<String>) -> Self {
        Error::new(SqlState::SYNTAX_ERROR, message)
    }

    /// A message that breaks the wire protocol.
    pub fn protocol(message: impl Into<String>) -> Self {
        Error::new(SqlState::PROTOCOL_VIOLATION, message)
    }

    /// The client or a time limit asked for the statement's end.
    pub fn canceled(reason: &str) -> Self {
        Error::new(SqlState::QUERY_CANCELED, format!("canceling statement due to {reason}"))
    }

    /// The server is going down.
    pub fn shutting_down() -> Self {
        Error::new(SqlState::ADMIN_SHUTDOWN, "terminating connection due to administrator command")
            .fatal()
    }

    /// A file or device failed; `what` says what was being done.
    pub fn io(what: &str, error: &std::io::Error) -> Self {
        let code = match error.kind() {
            std::io::ErrorKind::StorageFull => SqlState::DISK_FULL,
            std::io::ErrorKind::NotFound => SqlState::UNDEFINED_FILE,
            _ => SqlState::IO_ERROR,
        };
        Error::new(code, format!("{what}: {error}"))
    }

    /// A fault of Teatree's own. The message is for the log and the client alike, so it holds no
    /// data.
    pub fn internal(message: impl Into<String>) -> Self {
        Error::new(SqlState::INTERNAL_ERROR, message)
    }

    #[must_use]
    /// Adds the detail, a sentence.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    #[must_use]
    /// Adds what the error is about.
    pub fn with_object(mut self, object: ErrorObject) -> Self {
        self.0.object = object;
        self
    }

    /// Returns what the error is about.
    pub fn object(&self) -> &ErrorObject {
        &self.0.object
    }

    #[must_use]
    /// Adds the hint, a sentence.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    #[must_use]
    /// Adds the place in the client's statement, 1-based, in characters.
    pub fn with_position(mut self, position: usize) -> Self {
        self.0.position = Some(position);
        self
    }

    #[must_use]
    /// Takes the position away.
    pub fn without_position(mut self) -> Self {
        self.0.position = None;
        self
    }

    #[must_use]
    /// Adds where it happened, such as `COPY t, line 3, column b: "x"`.
    pub fn with_context(mut self, context: impl Into<String>) -> Self {
        self.0.context = Some(context.into());
        self
    }

    #[must_use]
    /// Adds the name of PostgreSQL's own code for it: some clients prepare a statement again when
    /// they see `RevalidateCachedQuery`.
    pub fn with_routine(mut self, routine: &str) -> Self {
        self.0.routine = Some(routine.to_owned());
        self
    }

    #[must_use]
    /// Makes the error end its connection.
    pub fn fatal(mut self) -> Self {
        self.0.fatal = true;
        self
    }

    #[must_use]
    /// Says that a failure of the machine is one statement's own: what it did is undone, and the
    /// machine goes on.
    pub fn own(mut self) -> Self {
        self.0.own = true;
        self
    }

    /// Returns the SQLSTATE.
    pub fn code(&self) -> SqlState {
        self.0.code
    }

    /// Returns the primary message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the detail.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// Returns the hint.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Returns the place in the statement, 1-based, in characters.
    pub fn position(&self) -> Option<usize> {
        self.0.position
    }

    /// Returns the context lines.
    pub fn context(&self) -> Option<&str> {
        self.0.context.as_deref()
    }

    /// Returns the name of PostgreSQL's own code for it.
    pub fn routine(&self) -> Option<&str> {
        self.0.routine.as_deref()
    }

    /// Tells whether the connection ends with this error.
    pub fn is_fatal(&self) -> bool {
        self.0.fatal
    }

    /// Tells whether the machine failed rather than the statement: such an error stops the Writer
    /// instead of being recorded as the statement's outcome.
    pub fn is_fault(&self) -> bool {
        let of_machine = matches!(self.code().class(), "58" | "XX");
        !self.0.own && (of_machine || self.code() == SqlState::DISK_FULL)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)?;
        if let Some(detail) = &self.0.detail {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_from_statement_errors() {
        assert!(Error::internal("x").is_fault());
        assert!(Error::new(SqlState::DISK_FULL, "x").is_fault());
        assert!(!Error::new(SqlState::DISK_FULL, "x").own().is_fault());
        assert!(!Error::new(SqlState::UNIQUE_VIOLATION, "x").is_fault());
    }
}
