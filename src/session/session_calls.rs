//! `current_setting`, `set_config` and `pg_notify` inside of queries.

use super::Session;
use super::notify::Change;
use crate::error::{Error, Result};
use crate::notification::NoticeText;
use crate::sql::Statement;
use crate::sqlstate::SqlState;
use crate::types::Value;

impl Session {
    /// Computes what only the session can; gives the statement with the values in it.
    pub(super) fn with_session_values(
        &mut self,
        statement: &Statement,
        params: &[Value],
    ) -> Result<Statement> {
        statement.with_session_values(&mut |name, args| {
            let values = args.iter().map(|arg| arg.value(params)).collect::<Result<Vec<_>>>()?;
            match (name, values.as_slice()) {
                ("current_setting", [name]) => match text(name) {
                    Some(name) => self.show(&name).map(Some),
                    None => Ok(None),
                },
                ("current_setting", [name, missing_ok]) => match text(name) {
                    Some(name) => match self.show(&name) {
                        Err(error)
                            if error.code() == SqlState::UNDEFINED_OBJECT
                                && matches!(missing_ok, Value::Bool(true)) =>
                        {
                            Ok(None)
                        }
                        shown => shown.map(Some),
                    },
                    None => Ok(None),
                },
                ("set_config", [name, value, local]) => {
                    let Some(name) = text(name) else {
                        return Err(Error::new(
                            SqlState::NULL_VALUE_NOT_ALLOWED,
                            "SET requires parameter name",
                        ));
                    };
                    let local = matches!(local, Value::Bool(true));
                    self.set(&name, text(value).as_deref(), local)?;
                    self.show(&name).map(Some)
                }
                ("pg_notify", [channel, payload]) => {
                    let (channel, payload) = (text(channel), text(payload));
                    self.change_notifications(Change::Notify(NoticeText {
                        channel: channel.unwrap_or_default(),
                        payload: payload.unwrap_or_default(),
                    }))?;
                    Ok(Some(String::new()))
                }
                _ => Err(Error::new(
                    SqlState::UNDEFINED_FUNCTION,
                    format!("function {name} does not exist with so many arguments"),
                )),
            }
        })
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Null => None,
        Value::Bool(value) => Some(value.to_string()),
        Value::Int2(value) => Some(value.to_string()),
        Value::Int4(value) => Some(value.to_string()),
        Value::Int8(value) => Some(value.to_string()),
        _ => None,
    }
}
