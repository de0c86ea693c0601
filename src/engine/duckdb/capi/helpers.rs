//! DuckDB's threads beside those that run statements: they help once a statement takes long.
//!
//! Left to itself, DuckDB wakes its threads for every pipeline of every statement. Where a
//! statement takes a millisecond, that costs more than it gives: a small MERGE takes a third less
//! processor time without. So DuckDB starts none of its own (its setting `external_threads`); ours
//! work for it as long as a statement runs that has taken [`LONG`] already. Its next pipelines, and
//! what is left of the one under way, are shared then.
//!
//! They take a few tasks at a time (`duckdb_execute_tasks`). DuckDB's own way to let threads in and
//! out (`duckdb_execute_tasks_state`) gives the memory of a thread that leaves back to the system,
//! and with it what the Writer's next hash table would have been made in: at hundreds of statements
//! a second that was 70,000 page faults a second. A helper gives memory back once it has had
//! nothing to do for [`IDLE`].
//!
//! **Invariant:** the threads end before the database is closed.
#![expect(unsafe_code, reason = "part of the border to DuckDB's C API")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use ::duckdb::ffi;
use parking_lot::{Condvar, Mutex};

use crate::error::{Error, Result};

/// How long a statement runs alone.
const LONG: Duration = Duration::from_millis(2);
/// How often it is looked for statements that take long, while there are any.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// A statement whose rows nobody has fetched for so long needs no help.
const FORSAKEN: Duration = Duration::from_millis(20);
/// How many tasks a helper takes before it looks whether it is still wanted.
const TASKS: u64 = 8;
/// When a helper that is not wanted gives back the memory that it keeps for its next tasks.
const IDLE: Duration = Duration::from_secs(2);
/// After so many looks without any statement the watcher sleeps until there is one.
const LOOKS_IDLE: u32 = 50;

/// What a connection runs.
pub(super) struct Activity {
    watch: Arc<Watch>,
    /// When its statement began, in microseconds of the watch; 0 for none.
    began: AtomicU64,
    /// When it was last left, for one whose rows are fetched piece by piece.
    left: AtomicU64,
    is_inside: AtomicBool,
}

/// Ends what [`Activity::enter`] began.
pub(super) struct Entered<'a> {
    activity: &'a Activity,
    goes_on: bool,
}

/// What statements and the watcher share.
struct Watch {
    start: Instant,
    activities: Mutex<Vec<Weak<Activity>>>,
    is_asleep: AtomicBool,
    watcher: Mutex<Option<Thread>>,
}

/// The threads of one database.
pub(super) struct Helpers {
    watch: Arc<Watch>,
    gate: Arc<Gate>,
    threads: Vec<JoinHandle<()>>,
}

/// Where helpers wait.
#[derive(Default)]
struct Gate {
    inner: Mutex<Inner>,
    opened: Condvar,
}

#[derive(Default)]
struct Inner {
    is_wanted: bool,
    is_over: bool,
    #[cfg(test)]
    inside: usize,
    #[cfg(test)]
    helped: u64,
}

#[derive(Clone, Copy)]
struct SendDatabase(ffi::duckdb_database);

// SAFETY: DuckDB's database handle may be used from any thread.
unsafe impl Send for SendDatabase {}

impl Watch {
    fn now_us(&self) -> u64 {
        // Never 0, which stands for none.
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// Tells whether statements are under way, and whether one of them takes long.
    fn look(&self) -> (bool, bool) {
        let now = self.now_us();
        let (mut any, mut long) = (false, false);
        self.activities.lock().retain(|activity| {
            let Some(activity) = activity.upgrade() else { return false };
            let began = activity.began.load(Ordering::Relaxed);
            if began > 0 && activity.is_cared_for(now) {
                any = true;
                long |= now.saturating_sub(began) >= micros(LONG);
            }
            true
        });
        (any, long)
    }

    fn wake(&self) {
        if self.is_asleep.swap(false, Ordering::SeqCst)
            && let Some(watcher) = &*self.watcher.lock()
        {
            watcher.unpark();
        }
    }
}

impl Activity {
    fn is_cared_for(&self, now: u64) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        self.is_inside.load(Ordering::Relaxed) || now.saturating_sub(left) < micros(FORSAKEN)
    }

    /// Begins a call into DuckDB that may take long.
    pub(super) fn enter(&self) -> Entered<'_> {
        if self.began.load(Ordering::Relaxed) == 0 {
            self.began.store(self.watch.now_us(), Ordering::SeqCst);
        }
        self.is_inside.store(true, Ordering::SeqCst);
        self.watch.wake();
        Entered { activity: self, goes_on: false }
    }

    /// The statement is over.
    pub(super) fn end(&self) {
        self.began.store(0, Ordering::Relaxed);
    }
}

impl Entered<'_> {
    /// The statement is not over with this call: [`Activity::end`] says when it is.
    pub(super) fn goes_on(mut self) {
        self.goes_on = true;
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.activity.left.store(self.activity.watch.now_us(), Ordering::Relaxed);
        self.activity.is_inside.store(false, Ordering::Relaxed);
        if !self.goes_on {
            self.activity.end();
        }
    }
}

impl Helpers {
    /// Starts the threads that help: one less than DuckDB counts on.
    ///
    /// # Safety
    /// The database stays open until this is dropped.
    pub(super) unsafe fn start(database: ffi::duckdb_database, threads: usize) -> Result<Helpers> {
        let watch = Arc::new(Watch {
            start: Instant::now(),
            activities: Mutex::new(Vec::new()),
            is_asleep: AtomicBool::new(false),
            watcher: Mutex::new(None),
        });
        let gate = Arc::new(Gate::default());
        let database = SendDatabase(database);
        // Built first: when a thread cannot be started, the drop ends the others.
        let mut helpers = Helpers { watch, gate, threads: Vec::new() };
        for _ in 1..threads {
            let gate = Arc::clone(&helpers.gate);
            helpers.spawn("duckdb", move || gate.help(database))?;
        }
        let (watch, gate) = (Arc::clone(&helpers.watch), Arc::clone(&helpers.gate));
        helpers.spawn("duckdb-watch", move || watch_over(&watch, &gate))?;
        Ok(helpers)
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run);
        let thread = thread.map_err(|error| Error::io("could not start a thread", &error))?;
        self.threads.push(thread);
        Ok(())
    }

    /// What a new connection tells of its statements with.
    pub(super) fn activity(&self) -> Arc<Activity> {
        let activity = Arc::new(Activity {
            watch: Arc::clone(&self.watch),
            began: AtomicU64::new(0),
            left: AtomicU64::new(0),
            is_inside: AtomicBool::new(false),
        });
        self.watch.activities.lock().push(Arc::downgrade(&activity));
        activity
    }

    /// Tells whether a thread helps now.
    #[cfg(test)]
    pub(super) fn is_helped(&self) -> bool {
        self.gate.inner.lock().inside > 0
    }

    /// How often a thread has come to help.
    #[cfg(test)]
    pub(super) fn helped(&self) -> u64 {
        self.gate.inner.lock().helped
    }
}

impl Drop for Helpers {
    fn drop(&mut self) {
        let mut inner = self.gate.inner.lock();
        inner.is_over = true;
        inner.is_wanted = false;
        drop(inner);
        self.gate.opened.notify_all();
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // One that panicked has nothing more to end.
            let _ = thread.join();
        }
    }
}

impl Gate {
    /// Lets helpers in as long as a statement takes long, and sends them away after it; tells
    /// whether it is over.
    fn set(&self, long: bool) -> bool {
        let mut inner = self.inner.lock();
        if long && !inner.is_wanted && !inner.is_over {
            self.opened.notify_all();
        }
        inner.is_wanted = long && !inner.is_over;
        inner.is_over
    }

    /// A helper's life.
    fn help(&self, database: SendDatabase) {
        let mut keeps_memory = false;
        let mut inner = self.inner.lock();
        while !inner.is_over {
            if inner.is_wanted {
                keeps_memory = true;
                #[cfg(test)]
                {
                    inner.inside += 1;
                    inner.helped += 1;
                }
                drop(inner);
                // SAFETY: the database is open as long as helpers live.
                unsafe { ffi::duckdb_execute_tasks(database.0, TASKS) };
                inner = self.inner.lock();
                #[cfg(test)]
                {
                    inner.inside -= 1;
                }
            } else if !keeps_memory {
                self.opened.wait(&mut inner);
            } else if self.opened.wait_for(&mut inner, IDLE).timed_out() {
                keeps_memory = false;
                drop(inner);
                give_memory_back(database);
                inner = self.inner.lock();
            }
        }
    }
}

/// Gives back what DuckDB's allocator keeps for this thread: as a thread does that leaves an
/// execution, here one that is finished before it begins.
fn give_memory_back(database: SendDatabase) {
    // SAFETY: the database is open as long as helpers live, and nobody else knows the state.
    unsafe {
        let state = ffi::duckdb_create_task_state(database.0);
        ffi::duckdb_finish_execution(state);
        ffi::duckdb_execute_tasks_state(state);
        ffi::duckdb_destroy_task_state(state);
    }
}

/// The watcher's life.
fn watch_over(watch: &Watch, gate: &Gate) {
    *watch.watcher.lock() = Some(thread::current());
    let mut idle = 0;
    loop {
        let (any, long) = watch.look();
        if gate.set(long) {
            return;
        }
        idle = if any { 0 } else { idle + 1 };
        if idle < LOOKS_IDLE {
            thread::park_timeout(LOOK_EVERY);
            continue;
        }
        watch.is_asleep.store(true, Ordering::SeqCst);
        // A statement that began before this was said wakes nobody.
        if !watch.look().0 {
            thread::park();
        }
        watch.is_asleep.store(false, Ordering::SeqCst);
        idle = 0;
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::Database;
    use super::*;

    #[test]
    fn a_statement_that_takes_long_is_helped() {
        let settings = [("threads", "3".to_owned())];
        let database = Database::open(std::path::Path::new(":memory:"), &settings).unwrap();
        let mut connection = database.connect().unwrap();
        connection.execute("CREATE TABLE t AS SELECT range AS i FROM range(3000000)").unwrap();
        // Until helpers have come and gone.
        for _ in 0..1000 {
            connection.execute("SELECT i % 100000, count(*), sum(i) FROM t GROUP BY 1").unwrap();
            if database.helped() > 0 {
                break;
            }
            thread::sleep(LOOK_EVERY * 2);
        }
        assert!(database.helped() > 0);
        // Once it is over they go.
        for _ in 0..1000 {
            if !database.is_helped() {
                break;
            }
            thread::sleep(LOOK_EVERY * 2);
        }
        assert!(!database.is_helped());
    }

    #[test]
    fn helpers_end_with_their_database() {
        for threads in ["1", "2", "5"] {
            let settings = [("threads", threads.to_owned())];
            let database = Database::open(std::path::Path::new(":memory:"), &settings).unwrap();
            let mut connection = database.connect().unwrap();
            connection.execute("SELECT sum(range) FROM range(5000000)").unwrap();
            let watch = database.watch();
            drop(database);
            assert!(watch());
            drop(connection);
            assert!(!watch());
        }
    }
}
