//! What a client is told besides results and errors.

use super::Session;
use crate::sqlstate::SqlState;

/// A notice or a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub severity: &'static str,
    pub code: SqlState,
    pub message: String,
}

/// Notices that wait to be sent; more of one statement are lost.
const NOTICES_MAX: usize = 100;

impl Session {
    /// Warns the client, unless `client_min_messages` is against it.
    pub(super) fn warn(&mut self, code: SqlState, message: impl Into<String>) {
        self.tell("WARNING", code, message.into());
    }

    /// Tells the client something, unless `client_min_messages` is against it.
    pub(super) fn tell(&mut self, severity: &'static str, code: SqlState, message: String) {
        let least = self.settings.get("client_min_messages").unwrap_or_default();
        let wanted = match least {
            "error" | "fatal" | "panic" => false,
            "warning" => severity == "WARNING",
            _ => true,
        };
        if wanted && self.notices.len() < NOTICES_MAX {
            self.notices.push(Notice { severity, code, message });
        }
    }

    /// Takes what is to be sent before the next answer.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }
}
