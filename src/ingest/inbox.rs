//! The watcher of the inbox: one task that finds files, and lets some of them be taken at once.
//!
//! Files of one table are taken one after the other, in the order of their paths; those of others
//! beside them, up to `ingest_files_max`. A file that must wait (the queue is full, the disk does
//! not answer) is tried again after 1 s, 2 s, 4 s … up to a minute; the others go on meanwhile.
//!
//! What tells of new files is the file system; a look through the folder every `ingest_poll_ms`
//! finds what it does not tell, and what lay there before the start.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{EventKind, ModifyKind, RenameMode};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::folder::{FileState, Found, is_taken, look, prune};
use super::rule::{Rule, rules};
use super::take::{Take, Taken};
use crate::clock;
use crate::error::Result;
use crate::procedure::INBOX_FOLDER;
use crate::session::Services;
use crate::task;

/// The longest wait between two tries.
const RETRY_MAX: Duration = Duration::from_secs(60);
/// Paths that were moved in and not looked at yet; those beyond it settle like others.
const MOVED_MAX: usize = 10_000;

/// Watches the inbox until it is stopped, and lets what is under way end.
pub async fn watch(services: Arc<Services>, stop: CancellationToken) {
    let inbox: Arc<Path> = services.router.data_dir.join(INBOX_FOLDER).into();
    let moved_in = Arc::new(MovedIn::default());
    let watcher = moved_in.watch(Arc::clone(&inbox));
    if let Err(error) = &watcher {
        tracing::warn!(%error, "the file system tells nothing of the inbox; it is looked through");
    }
    let mut watch = Watch {
        poll: Duration::from_millis(services.config.ingest_poll_ms.max(1)),
        settle_us: i64::try_from(services.config.ingest_settle_ms).unwrap_or(i64::MAX / 1000)
            * 1000,
        services,
        inbox,
        moved_in,
        seen: HashMap::new(),
        waiting: BTreeMap::new(),
        busy: HashSet::new(),
        taking: JoinSet::new(),
        to_prune: false,
        stop,
    };
    watch.run().await;
}

/// What the file system tells.
#[derive(Default)]
struct MovedIn {
    wake: Notify,
    /// Files that came in whole, by a rename.
    paths: Mutex<HashSet<PathBuf>>,
}

impl MovedIn {
    fn watch(self: &Arc<Self>, inbox: Arc<Path>) -> notify::Result<RecommendedWatcher> {
        let (told, folder) = (Arc::clone(self), Arc::clone(&inbox));
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                match event {
                    Ok(event) => told.note(&folder, &event),
                    // Something was missed.
                    Err(_) => told.wake.notify_one(),
                }
            })?;
        watcher.watch(&inbox, RecursiveMode::Recursive)?;
        Ok(watcher)
    }

    fn note(&self, inbox: &Path, event: &notify::Event) {
        let moved = match event.kind {
            EventKind::Modify(ModifyKind::Name(RenameMode::To)) => event.paths.first(),
            EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => event.paths.get(1),
            EventKind::Create(_) | EventKind::Modify(_) | EventKind::Other => None,
            EventKind::Any | EventKind::Access(_) | EventKind::Remove(_) => return,
        };
        if let Some(path) = moved {
            let mut paths = self.paths.lock();
            if paths.len() < MOVED_MAX {
                paths.insert(path.clone());
            }
        }
        // What is moved out of the way is no news.
        let is_news = |path: &PathBuf| {
            let mut parts = path.strip_prefix(inbox).unwrap_or(path).iter();
            parts.all(|part| part.to_str().is_some_and(is_taken))
        };
        if event.paths.iter().any(is_news) {
            self.wake.notify_one();
        }
    }

    fn take(&self) -> HashSet<PathBuf> {
        std::mem::take(&mut *self.paths.lock())
    }
}

/// What is known of a file that is still there.
struct Seen {
    state: FileState,
    /// It came in by a rename.
    is_whole: bool,
    tries: u32,
    not_before: Option<Instant>,
}

struct Watch {
    services: Arc<Services>,
    inbox: Arc<Path>,
    moved_in: Arc<MovedIn>,
    poll: Duration,
    settle_us: i64,
    seen: HashMap<String, Seen>,
    /// Files that can be taken, by their paths.
    waiting: BTreeMap<String, (Found, Rule)>,
    /// Tables that a file is being taken for, and such files.
    busy: HashSet<String>,
    taking: JoinSet<(String, String, FileState, Taken)>,
    to_prune: bool,
    stop: CancellationToken,
}

impl Watch {
    async fn run(&mut self) {
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "the inbox could not be looked through");
            }
            self.start();
            let pause = tokio::time::sleep(self.pause());
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = self.stop.cancelled() => {
                        while self.taking.join_next().await.is_some() {}
                        return;
                    }
                    () = self.moved_in.wake.notified() => break,
                    () = &mut pause => break,
                    Some(ended) = self.taking.join_next() => {
                        self.note_ended(ended);
                        self.start();
                    }
                }
            }
        }
    }

    /// How long until the next look, if nothing wakes it.
    fn pause(&self) -> Duration {
        let settling = self.seen.values().any(|seen| !seen.is_whole && seen.tries == 0);
        let settle = Duration::from_micros(u64::try_from(self.settle_us).unwrap_or(0));
        match settling {
            true => self.poll.min(settle.max(Duration::from_millis(10))),
            false => self.poll,
        }
    }

    /// Looks through the folder, and finds what can be taken.
    async fn look(&mut self) -> Result<()> {
        if std::mem::take(&mut self.to_prune) {
            let (inbox, most) =
                (Arc::clone(&self.inbox), self.services.config.ingest_done_bytes_max);
            task::blocking(move || prune(&inbox, most)).await?;
        }
        let moved_in = self.moved_in.take();
        let (inbox, duckdb) = (Arc::clone(&self.inbox), Arc::clone(&self.services.router.duckdb));
        let (found, rules) = task::blocking(move || {
            let rules = rules(&duckdb)?;
            let takes = |path: &str| rules.iter().any(|rule| rule.takes(path));
            let found = if rules.is_empty() { Vec::new() } else { look(&inbox, takes)? };
            Ok((found, rules))
        })
        .await?;
        let there: HashSet<&str> = found.iter().map(|found| found.path.as_str()).collect();
        self.seen.retain(|path, _| there.contains(path.as_str()));
        self.waiting.clear();
        for found in found {
            let is_whole = moved_in.contains(&self.inbox.join(&found.path));
            let Some(rule) = rules.iter().find(|rule| rule.takes(&found.path)) else { continue };
            if self.note_seen(&found, is_whole) && !self.busy.contains(&file_key(&found.path)) {
                self.waiting.insert(found.path.clone(), (found, rule.clone()));
            }
        }
        Ok(())
    }

    /// Notes a file; tells whether it can be taken.
    fn note_seen(&mut self, found: &Found, is_whole: bool) -> bool {
        let fresh = Seen { state: found.state, is_whole, tries: 0, not_before: None };
        let seen = self.seen.entry(found.path.clone()).or_insert(fresh);
        if seen.state != found.state {
            *seen = Seen { state: found.state, is_whole, tries: 0, not_before: None };
        }
        seen.is_whole |= is_whole || self.settle_us == 0;
        if !seen.is_whole {
            let age_us = clock::now_us().saturating_sub(seen.state.modified_us);
            // A time that is not over yet is some other machine's.
            seen.is_whole = age_us >= self.settle_us;
        }
        seen.is_whole && seen.not_before.is_none_or(|at| at <= Instant::now())
    }

    /// Lets files be taken, as many as may be at once.
    fn start(&mut self) {
        while self.taking.len() < self.services.config.ingest_files_max {
            let free = self.waiting.iter().find(|(_, (_, rule))| !self.busy.contains(&rule.table));
            let Some(path) = free.map(|(path, _)| path.clone()) else { return };
            let Some((found, rule)) = self.waiting.remove(&path) else { return };
            let tries = self.seen.get(&path).map_or(0, |seen| seen.tries);
            let (table, state) = (rule.table.clone(), found.state);
            self.busy.insert(table.clone());
            self.busy.insert(file_key(&path));
            let take = Take {
                services: Arc::clone(&self.services),
                inbox: Arc::clone(&self.inbox),
                found,
                rule,
                is_last: tries + 1 >= self.services.config.ingest_tries_max,
                stop: self.stop.clone(),
            };
            self.taking.spawn(async move { (path, table, state, take.run().await) });
        }
    }

    fn note_ended(
        &mut self,
        ended: Result<(String, String, FileState, Taken), tokio::task::JoinError>,
    ) {
        let Ok((path, table, state, taken)) = ended else {
            // It has panicked: nobody knows which, so all are looked at anew.
            self.busy.clear();
            return;
        };
        self.busy.remove(&table);
        self.busy.remove(&file_key(&path));
        match taken {
            Taken::Gone => {
                self.seen.remove(&path);
                self.to_prune = true;
            }
            Taken::Changed => {
                self.seen.remove(&path);
            }
            Taken::Later(error) => {
                let Some(seen) = self.seen.get_mut(&path).filter(|seen| seen.state == state) else {
                    return;
                };
                seen.tries = seen.tries.saturating_add(1);
                let wait = Duration::from_secs(1 << seen.tries.saturating_sub(1).min(6));
                let wait = wait.min(RETRY_MAX);
                seen.not_before = Some(Instant::now() + wait);
                tracing::info!(file = %path, %error, ?wait, "a file waits");
            }
        }
    }
}

/// How a file stands among what is busy; no table's name begins so.
fn file_key(path: &str) -> String {
    format!("/{path}")
}
