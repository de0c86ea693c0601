//! One server on one folder through many rounds: write, kill, start again, check.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::checks;
use super::transactions::{ACCOUNTS, BALANCE};
use super::worker::{Counts, PROFILES, Worker};
use crate::harness::Server;

/// Flags that an era's server may run with.
const FLAGS: [&[&str]; 4] = [
    &[],
    &[],
    &["--history-intents-max", "300"],
    &["--queue-intents-max", "40", "--duckdb-threads", "1"],
];

const SETUP: &[&str] = &[
    "CREATE TABLE plain (worker int4, id int8, v text)",
    "CREATE TABLE keyed (worker int4, id int8, v text, PRIMARY KEY (worker, id))",
    "CREATE TABLE checked (worker int4, id int8, v text NOT NULL CHECK (v <> 'refused'))",
    "CREATE TABLE arrow_rows (worker int4, id int8, v text) USING arrow",
    "CREATE TABLE counters (worker int4, id int8, v text)",
    "CREATE TABLE accounts (id int8 PRIMARY KEY, balance int8)",
];

/// One folder's life.
pub struct Era {
    server: Server,
    workers: Vec<Worker>,
    rounds: u64,
    kills: u64,
    /// The length of a long round.
    writing_ms_max: u64,
    /// Intents that were trimmed from the history are not missed.
    history_is_short: bool,
}

impl Era {
    /// Starts a server on an empty folder; `None` when an external one is tested.
    pub fn start(rng: &mut StdRng, writing_ms_max: u64) -> Option<Era> {
        let flags = FLAGS[rng.random_range(0..FLAGS.len())];
        let server = Server::start(flags)?;
        let mut client = server.connect();
        for sql in SETUP {
            client.run(sql);
        }
        for account in 0..ACCOUNTS {
            client.run(&format!("INSERT INTO accounts VALUES ({account}, {BALANCE})"));
        }
        let worker =
            |(number, profile)| Worker::new(number, profile, StdRng::seed_from_u64(rng.random()));
        let workers = (0..).zip(PROFILES).map(worker).collect();
        let history_is_short = flags.first().is_some_and(|flag| flag.contains("history"));
        Some(Era { server, workers, rounds: 0, kills: 0, writing_ms_max, history_is_short })
    }

    /// Lets the workers write, ends the server in one of several ways, starts it again and checks.
    /// Gives the violations.
    pub fn round(&mut self, rng: &mut StdRng) -> Vec<String> {
        self.rounds += 1;
        let threads: Vec<_> = std::mem::take(&mut self.workers)
            .into_iter()
            .map(|mut worker| {
                worker.maker.round = self.rounds;
                let client = self.server.connect();
                thread::spawn(move || {
                    worker.work(client);
                    worker
                })
            })
            .collect();
        // Short ones meet the first steps of many things at once, long ones a full queue.
        let writing_ms = if rng.random_bool(0.3) { 100 } else { self.writing_ms_max };
        thread::sleep(Duration::from_millis(rng.random_range(20..writing_ms)));
        self.bring_down(rng);
        let mut violations = Vec::new();
        for thread in threads {
            match thread.join() {
                Ok(worker) => self.workers.push(worker),
                Err(_) => violations.push("a worker panicked".to_owned()),
            }
        }
        while rng.random_bool(0.3) {
            // In or right after the recovery.
            self.server.spawn();
            thread::sleep(Duration::from_millis(rng.random_range(0..800)));
            self.server.kill_9();
            self.kills += 1;
        }
        self.server.restart();
        violations.extend(self.check());
        violations
    }

    fn bring_down(&mut self, rng: &mut StdRng) {
        let way = rng.random_range(0..10);
        if way < 2 {
            // An orderly end, cut short or not.
            self.server.signal_term();
            if way == 0 {
                thread::sleep(Duration::from_millis(rng.random_range(0..300)));
            } else {
                self.server.wait(Duration::from_secs(60));
                return;
            }
        }
        self.server.kill_9();
        self.kills += 1;
    }

    fn check(&mut self) -> Vec<String> {
        let mut client = self.server.connect();
        checks::all(&mut client, &mut self.workers, self.history_is_short)
    }

    /// Stops in order, and checks once more.
    pub fn end(&mut self) -> Vec<String> {
        self.server.stop();
        self.server.restart();
        for worker in &mut self.workers {
            worker.fates.clear();
        }
        self.check()
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts { kills: self.kills, ..Counts::default() };
        self.workers.iter().for_each(|worker| counts.add(&worker.counts));
        counts
    }

    /// Keeps the folder for whoever looks for the reason.
    pub fn keep(&mut self) -> PathBuf {
        self.server.keep_home()
    }
}
