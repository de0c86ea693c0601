//! What all sessions share.

use std::sync::Arc;

use super::activity::Activity;
use super::advisory::AdvisoryLocks;
use crate::config::Config;
use crate::intent::IntentLog;
use crate::notification::Notifications;
use crate::router::Router;
use crate::sql::ParsedTexts;
use crate::writer::WriterHandle;

/// The parts of a running server.
pub struct Services {
    pub config: Config,
    pub router: Router,
    pub log: Arc<IntentLog>,
    pub writer: WriterHandle,
    pub activity: Arc<Activity>,
    pub advisory_locks: Arc<AdvisoryLocks>,
    pub notifications: Arc<Notifications>,
    pub parsed: ParsedTexts,
}
