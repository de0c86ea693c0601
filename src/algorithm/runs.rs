//! The last steps that ran, for `teatree.steps`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// Steps kept; older ones are forgotten.
const STEPS_MAX: usize = 1_000;

/// One step of a run, measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRun {
    /// Counts runs since the start.
    pub run: u64,
    pub algorithm: String,
    /// From 0.
    pub place: usize,
    pub step: String,
    pub rows_in: u64,
    pub rows_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub took_us: u64,
    pub started_at_us: i64,
}

/// The last steps of this process.
#[derive(Default)]
pub struct Runs {
    count: AtomicU64,
    steps: Mutex<VecDeque<StepRun>>,
}

impl Runs {
    /// Gives the next run its number, from 1.
    pub fn begin(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Keeps a step, and forgets the oldest beyond the bound.
    pub fn note(&self, step: StepRun) {
        let mut steps = self.steps.lock();
        if steps.len() >= STEPS_MAX {
            steps.pop_front();
        }
        steps.push_back(step);
    }

    /// Lists what is kept, oldest first.
    pub fn list(&self) -> Vec<StepRun> {
        self.steps.lock().iter().cloned().collect()
    }
}
