//! LISTEN and NOTIFY in a session.
//!
//! A notification is sent when its transaction commits, in order, once for equal ones of the same
//! transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::Session;
use super::run::Outcome;
use crate::error::{Error, Result};
use crate::notification::{NoticeText, Notification, Notifications, WAITING_MAX};
use crate::sql::Kind;
use crate::sqlstate::SqlState;

/// A session's part in it.
pub(super) struct OwnNotifications {
    all: Arc<Notifications>,
    pid: i32,
    receiver: Option<mpsc::Receiver<Arc<Notification>>>,
    lost: Arc<AtomicU64>,
    /// What the open transaction does when it commits.
    pending: Vec<Change>,
}

/// A change that waits for the end of its transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Listen(String),
    Unlisten(String),
    UnlistenAll,
    Notify(NoticeText),
}

impl OwnNotifications {
    pub(super) fn new(all: Arc<Notifications>, pid: i32) -> OwnNotifications {
        OwnNotifications { all, pid, receiver: None, lost: Arc::default(), pending: Vec::new() }
    }

    /// Does what has waited for the commit.
    pub(super) fn commit(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            match change {
                Change::Listen(channel) => self.listen(channel),
                Change::Unlisten(channel) => self.all.unlisten(self.pid, &channel),
                Change::UnlistenAll => self.unlisten_all(),
                Change::Notify(NoticeText { channel, payload }) => {
                    let notification = Notification { pid: self.pid, channel, payload };
                    self.all.send(&Arc::new(notification));
                }
            }
        }
    }

    /// Forgets what has waited for the commit.
    pub(super) fn roll_back(&mut self) {
        self.pending.clear();
    }

    fn listen(&mut self, channel: String) {
        if let Some(receiver) = self.all.listen(self.pid, channel, &self.lost) {
            self.receiver = Some(receiver);
        }
    }

    /// Listens to nothing any more; what has come already is still told.
    pub(super) fn unlisten_all(&mut self) {
        self.all.unlisten_all(self.pid);
    }
}

impl Drop for OwnNotifications {
    fn drop(&mut self) {
        self.unlisten_all();
    }
}

impl Session {
    /// Runs LISTEN, UNLISTEN or NOTIFY.
    pub(super) fn run_notification(&mut self, kind: &Kind) -> Result<Outcome> {
        let (change, tag) = match kind {
            Kind::Listen(channel) => (Change::Listen(channel.clone()), "LISTEN"),
            Kind::Unlisten(Some(channel)) => (Change::Unlisten(channel.clone()), "UNLISTEN"),
            Kind::Unlisten(None) => (Change::UnlistenAll, "UNLISTEN"),
            Kind::Notify { channel, payload } => {
                let (channel, payload) = (channel.clone(), payload.clone());
                (Change::Notify(NoticeText { channel, payload }), "NOTIFY")
            }
            _ => return Err(Error::internal("not about notifications")),
        };
        self.change_notifications(change)?;
        Ok(Outcome::Done(tag.to_owned()))
    }

    /// Does a change when the transaction commits: now, when none is open.
    ///
    /// # Errors
    /// 22023 for a channel or a payload that is too long.
    pub(super) fn change_notifications(&mut self, change: Change) -> Result<()> {
        if let Change::Notify(text) = &change {
            text.check()?;
        }
        if !self.notifications.pending.contains(&change) {
            if self.notifications.pending.len() >= WAITING_MAX {
                return Err(Error::new(
                    SqlState::CONFIGURATION_LIMIT_EXCEEDED,
                    "too many notifications in the NOTIFY queue",
                ));
            }
            self.notifications.pending.push(change);
        }
        if !self.is_in_block() {
            self.notifications.commit();
        }
        Ok(())
    }

    /// Tells whether notifications may be sent now: not while a transaction is open.
    pub fn may_be_notified(&self) -> bool {
        !self.is_in_block()
    }

    /// Waits for a notification for this client; without a channel it waits for ever.
    pub async fn notified(&mut self) -> Arc<Notification> {
        if let Some(receiver) = &mut self.notifications.receiver
            && let Some(notification) = receiver.recv().await
        {
            return notification;
        }
        std::future::pending().await
    }

    /// Takes the notifications that have come, unless a transaction is open.
    pub fn take_notifications(&mut self) -> Vec<Arc<Notification>> {
        let mut taken = Vec::new();
        if self.is_in_block() {
            return taken;
        }
        if let Some(receiver) = &mut self.notifications.receiver {
            while let Ok(notification) = receiver.try_recv() {
                taken.push(notification);
            }
        }
        let lost = self.notifications.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            self.warn(
                SqlState::CONFIGURATION_LIMIT_EXCEEDED,
                format!("{lost} notifications were lost: too many waited for this client"),
            );
        }
        taken
    }
}
