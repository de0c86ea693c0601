//! A worker: one client that writes rows of its own, one operation after the other, until the
//! server is gone.

use std::collections::VecDeque;
use std::fmt;

use rand::RngExt;
use rand::rngs::StdRng;

use super::client::{Answer, ask, ask_bound, bound, receive};
use super::model::{Fate, Op, State};
use super::statements::{Habit, Maker, ROWS_MAX};
use crate::messages::Out;
use crate::raw_client::RawClient;

/// What a kind of worker does, and where.
pub struct Profile {
    pub settings: &'static [&'static str],
    pub tables: &'static [&'static str],
    pub habits: &'static [Habit],
}

use Habit::{
    BadCopy, Bound, Copy, Count, Define, Delete, Duplicate, Insert, InsertMany, LargeCopy,
    Pipeline, Publish, Read, Transact, Unchecked, Update,
};

/// Sent when a worker connects; a server that does not know the setting yet refuses it.
const DURABLE: &[&str] = &["SET teatree.ack = 'durable'"];

pub const PROFILES: &[Profile] = &[
    Profile { settings: &[], tables: &["plain"], habits: &[Insert, Insert, Bound, InsertMany] },
    Profile { settings: &[], tables: &["plain"], habits: &[Insert, Insert, Read] },
    Profile { settings: DURABLE, tables: &["plain"], habits: &[Insert, Bound, Update, Read] },
    Profile {
        settings: &[],
        tables: &["keyed"],
        habits: &[Insert, InsertMany, Update, Delete, Duplicate, Read],
    },
    Profile { settings: &[], tables: &["keyed", "plain"], habits: &[Insert, Bound, Count, Update] },
    Profile { settings: &[], tables: &["checked"], habits: &[Insert, Unchecked, InsertMany, Read] },
    Profile {
        settings: &[],
        tables: &["arrow_rows"],
        habits: &[Insert, InsertMany, Update, Delete, Read],
    },
    Profile {
        settings: DURABLE,
        tables: &["arrow_rows", "keyed"],
        habits: &[Insert, Bound, Update],
    },
    Profile {
        settings: &[],
        tables: &["plain", "arrow_rows", "keyed"],
        habits: &[Copy, Copy, BadCopy, LargeCopy, Read],
    },
    Profile { settings: &[], tables: &["plain"], habits: &[Define] },
    Profile { settings: &[], tables: &["plain", "keyed"], habits: &[Transact, Transact, Insert] },
    Profile { settings: &[], tables: &["keyed"], habits: &[Transact, Update, Count] },
    Profile { settings: &[], tables: &["plain", "keyed", "arrow_rows"], habits: &[Pipeline] },
    Profile { settings: &[], tables: &["plain"], habits: &[Publish, Insert, Insert, Insert] },
];

/// Operations that a pipelining worker sends before it reads an answer.
const PIPELINE: usize = 20;

/// What a run has done so far.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub kills: u64,
    /// Acknowledged writes.
    pub promised: u64,
    /// Refusals as they should be.
    pub refused: u64,
    pub unanswered: u64,
    pub conflicts: u64,
    /// Statements of transactions that the server does not support yet.
    pub absent: u64,
    /// Workers' rows compared, and entries of `teatree.intents`.
    pub checked: u64,
}

impl Counts {
    /// Tells whether there were enough kills and promises for the run to mean something.
    pub fn prove_something(&self) -> bool {
        self.kills > 2 && self.promised > 100
    }

    pub fn add(&mut self, other: &Counts) {
        self.kills += other.kills;
        self.promised += other.promised;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.conflicts += other.conflicts;
        self.absent += other.absent;
        self.checked += other.checked;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills, {} writes promised, {} refused, {} unanswered, {} conflicts, \
             {} not supported, {} checked",
            self.kills,
            self.promised,
            self.refused,
            self.unanswered,
            self.conflicts,
            self.absent,
            self.checked
        )
    }
}

pub struct Worker {
    pub profile: &'static Profile,
    pub maker: Maker,
    /// What was promised, and no more.
    pub state: State,
    /// Sent in this order and not answered.
    pub pending: VecDeque<Op>,
    /// What was answered in this round.
    pub fates: Vec<(String, Fate)>,
    pub violations: Vec<String>,
    pub counts: Counts,
}

impl Worker {
    pub fn new(number: u32, profile: &'static Profile, rng: StdRng) -> Worker {
        Worker {
            profile,
            maker: Maker { worker: number, round: 0, rng, last: 0 },
            state: State::default(),
            pending: VecDeque::new(),
            fates: Vec::new(),
            violations: Vec::new(),
            counts: Counts::default(),
        }
    }

    pub(super) fn some_table(&mut self) -> &'static str {
        self.profile.tables[self.maker.rng.random_range(0..self.profile.tables.len())]
    }

    /// Works until the server is gone.
    pub fn work(&mut self, mut client: RawClient) {
        self.fates.clear();
        for setting in self.profile.settings {
            if matches!(ask(&mut client, setting, None), Answer::Gone) {
                return;
            }
        }
        // More than one is a bug in itself; many would only hide the first.
        while self.violations.is_empty() {
            let habit =
                self.profile.habits[self.maker.rng.random_range(0..self.profile.habits.len())];
            let goes_on = match habit {
                Habit::Read => self.read_back(&mut client),
                Habit::Transact => self.transact(&mut client),
                Habit::Pipeline => self.pipeline(&mut client),
                _ => self.one(&mut client, habit),
            };
            if !goes_on {
                return;
            }
        }
    }

    fn one(&mut self, client: &mut RawClient, habit: Habit) -> bool {
        let table = self.some_table();
        let op = self.maker.make(habit, table, &self.state);
        let (sql, copy, params) = (op.sql.clone(), op.copy.clone(), op.params.clone());
        self.pending.push_back(op);
        let answer = match params {
            Some(params) => ask_bound(client, &sql, &params),
            None => ask(client, &sql, copy.as_deref()),
        };
        self.settle(answer, true)
    }

    /// Sends many, then reads the answers, which come in that order.
    fn pipeline(&mut self, client: &mut RawClient) -> bool {
        for table in self.profile.tables {
            // Rows that a later statement of the pipeline names must not go away before it.
            while self.state.rows(table).is_some_and(|rows| rows.len() + PIPELINE * 5 > ROWS_MAX) {
                let op = self.maker.trim(table, &self.state);
                let sql = op.sql.clone();
                self.pending.push_back(op);
                let answer = ask(client, &sql, None);
                if !self.settle(answer, true) {
                    return false;
                }
            }
        }
        let mut sent = Vec::new();
        for _ in 0..PIPELINE {
            let table = self.some_table();
            let habit = [Insert, Bound, InsertMany, Update][self.maker.rng.random_range(0..4)];
            let op = self.maker.make(habit, table, &self.state);
            let out = match &op.params {
                Some(params) => bound(&op.sql, params),
                None => Out::new().query(&op.sql),
            };
            sent.extend(out.0);
            self.pending.push_back(op);
        }
        client.try_send_bytes(&sent);
        for _ in 0..PIPELINE {
            let answer = receive(client, None);
            if !self.settle(answer, true) {
                return false;
            }
        }
        true
    }

    /// Takes the answer to the oldest operation that has none. Returns false when there is none.
    pub(super) fn settle(&mut self, answer: Answer, has_intent: bool) -> bool {
        let Some(op) = self.pending.front() else { return false };
        let fate = match answer {
            Answer::Gone => {
                self.counts.unanswered += self.pending.len() as u64;
                return false;
            }
            Answer::Done(..) if op.refusal.is_some() => {
                self.violations.push(format!("{} should fail: {}", op.marker, cut(&op.sql)));
                return false;
            }
            Answer::Done(..) => {
                self.counts.promised += 1;
                let changes = op.changes.clone();
                self.state.apply(&changes);
                Fate::Acknowledged
            }
            Answer::Refused(code, _) if op.refusal == Some(code.as_str()) => {
                self.counts.refused += 1;
                Fate::Refused(code)
            }
            Answer::Refused(code, _) if matches!(code.as_str(), "40001" | "53400" | "55P03") => {
                self.counts.conflicts += 1;
                Fate::Refused(code)
            }
            Answer::Refused(code, message) => {
                let sql = cut(&op.sql);
                self.violations.push(format!("{sql}\n  failed with {code}: {message}"));
                return false;
            }
        };
        let Some(op) = self.pending.pop_front() else { return false };
        if has_intent {
            self.fates.push((op.marker, fate));
        }
        true
    }

    /// Nobody else writes this worker's rows, so a read after an answer must give the model.
    fn read_back(&mut self, client: &mut RawClient) -> bool {
        let (table, worker) = (self.some_table(), self.maker.worker);
        let sql = format!("SELECT id, v FROM {table} WHERE worker = {worker}");
        let rows = match ask(client, &sql, None) {
            Answer::Gone => return false,
            Answer::Refused(code, message) => {
                self.violations.push(format!("{sql}\n  failed with {code}: {message}"));
                return false;
            }
            Answer::Done(_, rows) => rows,
        };
        let mut found: Vec<(i64, String)> =
            rows.into_iter().map(|row| (row[0].parse().unwrap(), row[1].clone())).collect();
        found.sort_unstable();
        let found = std::iter::once((table.to_owned(), found)).collect();
        let mut of_table = State::default();
        if let Some(rows) = self.state.rows(table) {
            of_table.0.insert(table.to_owned(), rows.clone());
        }
        if let Some(difference) = of_table.difference(&found) {
            self.violations.push(format!("worker {worker} reads its own writes: {difference}"));
        }
        self.counts.checked += 1;
        true
    }
}

fn cut(sql: &str) -> &str {
    sql.get(..300).unwrap_or(sql)
}
