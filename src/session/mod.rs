//! The conversation: settings, transaction, prepared statements and portals of one client, and
//! what its statements do.
//!
//! - `services.rs`: what all sessions share.
//! - `settings_table.rs`, `settings_accepted.rs`, `settings_values.rs`, `settings.rs`,
//!   `transaction.rs`, `prepared.rs`: the session's state.
//! - `settings_shown.rs`, `own.rs`: what the catalogue shows of it.
//! - `run.rs`: one statement to its [`Outcome`]; `explain.rs`: EXPLAIN;
//!   `control.rs`: SET, SHOW, BEGIN, DISCARD.
//! - `block.rs`: writes inside a transaction; `written.rs`: what they were; `savepoint.rs`: going
//!   back in it.
//! - `lock_table.rs`, `advisory.rs`: locks that clients ask for.
//! - `changing_with.rs`: WITH queries that write; `in_turn.rs`: columns that run one by one.
//! - `roles.rs`: the session's role, and what it may do.
//! - `temp.rs`: temporary tables.
//! - `notice.rs`: what a client is told besides results and errors.
//! - `write.rs`: a write's way through the log to its outcome; `copy_in.rs`: COPY FROM STDIN.
//! - `idempotency.rs`: writes that are sent again; `retry.rs`: failed intents, resubmitted.
//! - `intents.rs`: what a session can ask of its intents.
//! - `activity.rs`: who is connected, and cancelling; `progress.rs`: how far a COPY is.
//!
//! Not here: messages and sockets (`wire`).

mod activity;
mod algorithm;
mod advisory;
mod block;
mod call;
mod changing_with;
mod constraints;
mod control;
mod copy_file;
mod copy_in;
mod cursor;
mod idempotency;
mod in_turn;
mod lock_table;
mod intents;
mod prepared;
mod notice;
mod notify;
mod own;
mod parts;
mod progress;
mod retry;
mod roles;
mod explain;
mod run;
mod savepoint;
mod services;
mod session_calls;
mod settings;
mod settings_accepted;
mod settings_shown;
mod settings_table;
mod settings_values;
mod temp;
mod transaction;
mod write;
mod written;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

pub use activity::{Activity, Entry, Reason, Registered, Shown, StatementGuard};
pub use advisory::{AdvisoryLocks, AdvisoryRow};
pub use copy_in::CopySession;
pub use notice::Notice;
pub use own::{CursorRow, Own, PreparedRow};
pub use prepared::{Portal, PortalState, Prepared};
pub use progress::{CopyProgress, ShownCopy};
pub use run::{Outcome, Rows, RowsTag};
pub use services::Services;
pub use settings::Settings;
pub use settings_shown::{SettingRow, catalog as settings_catalog};
pub use settings_table::SERVER_VERSION;
pub use transaction::{Status, Transaction};

use idempotency::Claim;

use advisory::OwnLocks;
use cursor::Cursor;
use notify::OwnNotifications;
use temp::TempTables;

use crate::engine::QueryContext;
use crate::error::Result;
use crate::ids::IntentSeq;
use crate::router::{EngineSetting, StatementContext};
use crate::sql::rewrite::{Drawn, SessionIntents};
use crate::types::OutputStyle;

/// One client's session.
pub struct Session {
    services: Arc<Services>,
    registered: Registered,
    settings: Settings,
    transaction: Transaction,
    statements: HashMap<String, Arc<Prepared>>,
    portals: HashMap<String, Portal>,
    cursors: HashMap<String, Cursor>,
    notices: Vec<Notice>,
    advisory_locks: OwnLocks,
    temp: TempTables,
    /// The idempotency key in the comment of the statement that runs, until its write takes it.
    commented_key: Option<String>,
    claim: Claim,
    /// The place of the last write.
    last_intent: Option<IntentSeq>,
    /// What this session has drawn from sequences.
    drawn: Drawn,
    notifications: OwnNotifications,
    /// Procedures that run inside of each other.
    call_depth: usize,
}

impl Session {
    /// Starts a session for a client that is let in.
    pub fn new(services: Arc<Services>, registered: Registered, settings: Settings) -> Session {
        if let Ok(name) = settings.get("application_name") {
            registered.entry.set_application_name(name);
        }
        let locks = Arc::clone(&services.advisory_locks);
        let advisory_locks = OwnLocks::new(locks, registered.entry.pid);
        let sent = Arc::clone(&services.notifications);
        let notifications = OwnNotifications::new(sent, registered.entry.pid);
        Session {
            services,
            registered,
            settings,
            transaction: Transaction::Idle,
            statements: HashMap::new(),
            portals: HashMap::new(),
            cursors: HashMap::new(),
            notices: Vec::new(),
            advisory_locks,
            temp: TempTables::default(),
            commented_key: None,
            claim: Claim::default(),
            last_intent: None,
            drawn: Drawn::default(),
            notifications,
            call_depth: 0,
        }
    }

    /// The session's place in the registry.
    pub fn entry(&self) -> &Arc<Entry> {
        &self.registered.entry
    }

    /// The session's settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What ReadyForQuery says.
    pub fn status(&self) -> Status {
        self.transaction.status()
    }

    /// Starts a statement: it shows in `pg_stat_activity` and can be cancelled until the guard is
    /// dropped.
    pub fn start(&self, text: &str) -> StatementGuard {
        self.registered.entry.start(text, self.settings.statement_timeout())
    }

    /// Shows the session as waiting for its client.
    pub fn rest(&self) {
        let (state, open) = match self.transaction {
            Transaction::Idle => ("idle", false),
            Transaction::Open(_) => ("idle in transaction", true),
            Transaction::Failed(_) => ("idle in transaction (aborted)", true),
        };
        self.registered.entry.rest(state, open);
    }

    /// A statement failed: an open transaction is failed until its end.
    pub fn fail(&mut self) {
        if matches!(self.transaction, Transaction::Open(_)) {
            self.stop_portals();
        }
        self.transaction.fail();
    }

    /// How long the client may say nothing, where that is limited.
    pub fn idle_limit(&self) -> Option<Duration> {
        let holds_lane = match &self.transaction {
            Transaction::Idle => return None,
            Transaction::Open(open) | Transaction::Failed(open) => open.writes.lane.is_some(),
        };
        let default = Duration::from_millis(self.services.config.writer_idle_ms);
        self.settings
            .timeout("idle_in_transaction_session_timeout")
            .or((holds_lane && !default.is_zero()).then_some(default))
    }

    /// How values are written as text for this client.
    pub fn output_style(&self) -> OutputStyle {
        OutputStyle {
            time_zone: self.settings.time_zone(),
            extra_float_digits: self.settings.int("extra_float_digits"),
            bytea_hex: self.settings.get("bytea_output").is_ok_and(|value| value == "hex"),
            date_style: self.settings.date_style(),
            interval_style: self.settings.interval_style(),
        }
    }

    /// Gathers what the router needs to know.
    async fn context(&self, guard: &StatementGuard) -> Result<StatementContext> {
        let wanted = self.settings.search_path();
        let search_path = if wanted == ["public"] {
            wanted.to_vec()
        } else {
            let snapshot = self.transaction.snapshot().or_else(|| self.loose_snapshot());
            let existing = self.services.router.existing_schemas(wanted, snapshot.as_ref());
            Box::pin(existing).await?
        };
        let setting = |name| self.settings.get(name).unwrap_or_default();
        Ok(StatementContext {
            query: QueryContext {
                cancel: guard.token(),
                time_zone: self.settings.time_zone().name().to_owned(),
                search_path,
            },
            user: self.current_role().to_owned(),
            session_user: self.session_role().to_owned(),
            is_restricted: self
                .services
                .router
                .known_rights()
                .is_some_and(|rights| rights.is_restricted(self.current_role())),
            pid: self.registered.entry.pid,
            engine: EngineSetting::parse(setting("teatree.engine")),
            default_access_method: setting("default_table_access_method").to_owned(),
            snapshot: self.transaction.snapshot().or_else(|| self.loose_snapshot()),
            intents: SessionIntents { last: self.last_intent(), waited: None },
            max_staleness: self.settings.max_staleness(),
            moment: self.transaction.moment(),
            drawn: self.drawn.clone(),
            input_style: self.settings.input_style(),
            has_temporary: self.temp.connection().is_some(),
            own_catalog: None,
            unstaged: false,
            for_later: false,
            checks_bodies: self.settings.is_on("check_function_bodies"),
        })
    }
}
