//! The bound of the queue: how many intents, and how many bytes of them, may wait for the Writer.
//!
//! Room is taken before an intent is appended and given back when its outcome is recorded. Those
//! who wait for room get it in the order in which they came.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// A semaphore counts in `u32` at once, so bytes are counted by the KiB.
const UNIT_BYTES: usize = 1024;

/// What is left of the queue.
pub(super) struct Room {
    intents: Arc<Semaphore>,
    units: Arc<Semaphore>,
    units_max: u32,
    wait: Duration,
    intents_max: usize,
}

/// Room that one intent holds; dropping it gives the room back.
#[derive(Default)]
pub(super) struct Place {
    _intent: Option<OwnedSemaphorePermit>,
    _units: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub(super) fn new(intents_max: usize, bytes_max: usize, wait: Duration) -> Room {
        let units_max = u32::try_from((bytes_max / UNIT_BYTES).max(1)).unwrap_or(u32::MAX);
        let units_max = units_max.min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        let intents_max = intents_max.clamp(1, Semaphore::MAX_PERMITS);
        Room {
            intents: Arc::new(Semaphore::new(intents_max)),
            units: Arc::new(Semaphore::new(units_max as usize)),
            units_max,
            wait,
            intents_max,
        }
    }

    /// Waits for room. An intent larger than the whole queue gets in when it is alone.
    ///
    /// # Errors
    /// 53400 after the configured wait.
    pub(super) async fn take(&self, bytes: usize) -> Result<Place> {
        let units = self.units_of(bytes);
        let waiting = async {
            let intent = Arc::clone(&self.intents).acquire_owned().await.ok()?;
            let units = Arc::clone(&self.units).acquire_many_owned(units).await.ok()?;
            Some(Place { _intent: Some(intent), _units: Some(units) })
        };
        match tokio::time::timeout(self.wait, waiting).await {
            Ok(Some(place)) => Ok(place),
            Ok(None) => Err(Error::shutting_down()),
            Err(_) => Err(self.full()),
        }
    }

    /// Takes what there is for an intent that is in the queue already, after a restart: it may
    /// have been accepted under larger limits.
    pub(super) fn take_what_is_left(&self, bytes: usize) -> Place {
        let left = u32::try_from(self.units.available_permits()).unwrap_or(u32::MAX);
        let units = self.units_of(bytes).min(left);
        Place {
            _intent: Arc::clone(&self.intents).try_acquire_owned().ok(),
            _units: Arc::clone(&self.units).try_acquire_many_owned(units).ok(),
        }
    }

    /// Returns how many bytes of room are taken, in whole units.
    pub(super) fn bytes_taken(&self) -> u64 {
        let left = u64::try_from(self.units.available_permits()).unwrap_or(u64::MAX);
        u64::from(self.units_max).saturating_sub(left) * UNIT_BYTES as u64
    }

    fn units_of(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX).clamp(1, self.units_max)
    }

    fn full(&self) -> Error {
        Error::new(
            SqlState::CONFIGURATION_LIMIT_EXCEEDED,
            format!("the queue of writes stayed full for {} ms", self.wait.as_millis()),
        )
        .with_detail(format!(
            "Up to {} writes and {} bytes of them may wait to be applied.",
            self.intents_max,
            u64::from(self.units_max) * UNIT_BYTES as u64
        ))
        .with_hint("Try again later, or raise queue_intents_max, queue_bytes_max or queue_wait_ms.")
    }
}
