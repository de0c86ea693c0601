//! The right to write to the log: the log thread has it, or one session that writes alone.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::mpsc;

use super::log::Accepted;

/// The way to the Writer; `None` once nothing is accepted any more.
pub(super) type ToWriter = Option<mpsc::Sender<Accepted>>;

pub(super) struct Pen {
    to_writer: Mutex<ToWriter>,
    /// How many intents were written together the last time.
    last_group: AtomicUsize,
}

impl Pen {
    pub(super) fn new(to_writer: mpsc::Sender<Accepted>) -> Pen {
        Pen { to_writer: Mutex::new(Some(to_writer)), last_group: AtomicUsize::new(0) }
    }

    /// Waits for the right to write.
    pub(super) fn take(&self) -> MutexGuard<'_, ToWriter> {
        self.to_writer.lock()
    }

    /// Takes the right to write for one intent, if nobody has it and nobody is likely to want it.
    pub(super) fn take_alone(&self) -> Option<MutexGuard<'_, ToWriter>> {
        if self.last_group.load(Ordering::Relaxed) > 1 {
            return None;
        }
        self.to_writer.try_lock()
    }

    /// Notes how many intents were written together.
    pub(super) fn note_group(&self, intents: usize) {
        if intents > 0 {
            self.last_group.store(intents, Ordering::Relaxed);
        }
    }
}
