//! Who listens to which channel, and what waits to be told.
//!
//! For a listener that does not read at most [`WAITING_MAX`] notifications wait; it is told when
//! later ones were lost.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;
use crate::telemetry;

/// Notifications that wait for one client at most.
pub const WAITING_MAX: usize = 10_000;

/// One notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Of the session that sent it; 0 for the server itself.
    pub pid: i32,
    pub channel: String,
    pub payload: String,
}

/// PostgreSQL's own limits, in bytes.
const PAYLOAD_MAX: usize = 7_999;
const CHANNEL_MAX: usize = 63;

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeText {
    pub channel: String,
    pub payload: String,
}

impl NoticeText {
    /// Checks its lengths.
    ///
    /// # Errors
    /// 22023 for no channel, and for a channel or a payload that is too long.
    pub fn check(&self) -> Result<()> {
        let wrong = |what| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, what));
        if self.channel.is_empty() {
            return wrong("channel name cannot be empty");
        }
        if self.channel.len() > CHANNEL_MAX {
            return wrong("channel name too long");
        }
        if self.payload.len() > PAYLOAD_MAX {
            return wrong("payload string too long");
        }
        Ok(())
    }
}

/// All listeners, by the process numbers of their sessions.
#[derive(Default)]
pub struct Notifications {
    listeners: Mutex<HashMap<i32, Listener>>,
}

struct Listener {
    channels: BTreeSet<String>,
    sender: mpsc::Sender<Arc<Notification>>,
    lost: Arc<AtomicU64>,
}

impl Notifications {
    /// Tells all who listen to the channel.
    pub fn send(&self, notification: &Arc<Notification>) {
        for listener in self.listeners.lock().values() {
            if !listener.channels.contains(&notification.channel) {
                continue;
            }
            let taken = listener.sender.try_send(Arc::clone(notification)).is_ok();
            telemetry::notified(taken);
            if !taken {
                listener.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Tells whether anybody listens to a channel.
    pub fn is_heard(&self, channel: &str) -> bool {
        self.listeners.lock().values().any(|listener| listener.channels.contains(channel))
    }

    /// Lets a session listen to one more channel. For its first one it gets what it receives by;
    /// `lost` counts what it did not take in time.
    pub fn listen(
        &self,
        pid: i32,
        channel: String,
        lost: &Arc<AtomicU64>,
    ) -> Option<mpsc::Receiver<Arc<Notification>>> {
        let mut listeners = self.listeners.lock();
        if let Some(own) = listeners.get_mut(&pid) {
            own.channels.insert(channel);
            return None;
        }
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let channels = BTreeSet::from([channel]);
        listeners.insert(pid, Listener { channels, sender, lost: Arc::clone(lost) });
        Some(receiver)
    }

    /// Lets a session listen to a channel no more.
    pub fn unlisten(&self, pid: i32, channel: &str) {
        if let Some(own) = self.listeners.lock().get_mut(&pid) {
            own.channels.remove(channel);
        }
    }

    /// Lets a session listen to nothing any more.
    pub fn unlisten_all(&self, pid: i32) {
        self.listeners.lock().remove(&pid);
    }
}
