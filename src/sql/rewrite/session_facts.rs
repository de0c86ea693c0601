//! What a statement may ask of its session, with a note whether it did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Drawn, Moment, SessionIntents};

/// Who a session is.
#[derive(Clone, Debug, Default)]
pub struct SessionRoles {
    /// The role that statements run as.
    pub current: String,
    /// The role that the session was opened with.
    pub own: String,
    /// The current role may do only what it was granted.
    pub is_restricted: bool,
}

/// What a session's functions give: their answers stand in the rewritten text, which is then good
/// for one run only.
#[derive(Clone, Debug, Default)]
pub struct SessionFacts {
    roles: SessionRoles,
    pid: i32,
    intents: SessionIntents,
    moment: Option<Moment>,
    drawn: Drawn,
    /// Shared by the copies of one statement's context.
    were_asked: Arc<AtomicBool>,
}

impl SessionFacts {
    /// Gathers them for one statement: the session's roles, its process number, what
    /// `teatree.last_intent()` and `teatree.wait_for_intent(n)` give, when a write was accepted
    /// (`None` for what only reads), and what the session has drawn from sequences.
    pub fn new(
        roles: SessionRoles,
        pid: i32,
        intents: SessionIntents,
        moment: Option<Moment>,
        drawn: Drawn,
    ) -> SessionFacts {
        SessionFacts { roles, pid, intents, moment, drawn, were_asked: Arc::default() }
    }

    /// Tells whether an answer stands in the text.
    pub fn were_asked(&self) -> bool {
        self.were_asked.load(Ordering::Relaxed)
    }

    /// Notes that an answer stands in the text.
    pub(super) fn note_asked(&self) {
        self.were_asked.store(true, Ordering::Relaxed);
    }

    pub(in crate::sql) fn user(&self) -> &str {
        self.note_asked();
        &self.roles.current
    }

    /// Tells whether the current role may do only what it was granted.
    pub(super) fn is_restricted(&self) -> bool {
        self.roles.is_restricted
    }

    pub(super) fn session_user(&self) -> &str {
        self.note_asked();
        &self.roles.own
    }

    pub(super) fn pid(&self) -> i32 {
        self.note_asked();
        self.pid
    }

    pub(super) fn intents(&self) -> &SessionIntents {
        self.note_asked();
        &self.intents
    }

    pub(super) fn drawn(&self) -> &Drawn {
        self.note_asked();
        &self.drawn
    }

    /// The moment; who puts it into the text notes that.
    pub(super) fn moment(&self) -> Option<Moment> {
        self.moment
    }
}
