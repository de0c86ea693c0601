//! Transactions of a worker: all or nothing, savepoints, reading what it has written itself, and
//! money that moves between accounts which several workers share.

use rand::RngExt;

use super::client::{Answer, ask};
use super::model::{Change, Op, State};
use super::worker::Worker;
use crate::raw_client::RawClient;

/// Accounts that money is moved between; the sum of all stays what it was.
pub const ACCOUNTS: i64 = 8;
/// What lies on each at first.
pub const BALANCE: i64 = 1000;

/// How one statement of a transaction went.
enum Step {
    Fine,
    /// Refused in a way that may happen to anybody; the transaction is over.
    Over,
    Gone,
}

/// What a transaction is made of: statements, and what is changed if it commits.
#[derive(Default)]
struct Script {
    statements: Vec<String>,
    changes: Vec<Change>,
    marker: String,
}

impl Worker {
    /// Runs one transaction to its end. Returns false when the server is gone.
    pub(super) fn transact(&mut self, client: &mut RawClient) -> bool {
        let script = self.script();
        for sql in &script.statements {
            match self.step(client, sql) {
                Step::Fine => {}
                Step::Over => return self.roll_back(client),
                // What was not committed must not be there.
                Step::Gone => return false,
            }
        }
        if !self.sees_own_writes(client, &script) {
            return false;
        }
        if self.maker.rng.random_bool(0.2) {
            return self.roll_back(client);
        }
        let op = Op {
            marker: script.marker,
            sql: "COMMIT".to_owned(),
            params: None,
            copy: None,
            changes: script.changes,
            refusal: None,
        };
        self.pending.push_back(op);
        let answer = ask(client, "COMMIT", None);
        match answer {
            Answer::Done(tag, _) if tag != "COMMIT" => {
                self.violations.push(format!("COMMIT answered {tag}: {:?}", self.pending));
                true
            }
            answer => self.settle(answer, false),
        }
    }

    /// Statements in random number, some undone by a savepoint.
    fn script(&mut self) -> Script {
        let mut script = Script::default();
        let mut after: State = self.state.clone();
        let begin = match self.maker.rng.random_range(0..3) {
            0 => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            _ => "BEGIN",
        };
        script.statements.push(begin.to_owned());
        let add = |script: &mut Script, after: &mut State, op: Op, kept: bool| {
            script.statements.push(op.sql);
            script.marker = op.marker;
            if kept {
                after.apply(&op.changes);
                script.changes.extend(op.changes);
            }
        };
        for _ in 0..self.maker.rng.random_range(1..4) {
            let table = self.some_table();
            let op = self.maker.insert(table);
            add(&mut script, &mut after, op, true);
        }
        if self.maker.rng.random_bool(0.5) {
            let table = self.some_table();
            if let Some(op) = self.maker.update(table, &after) {
                add(&mut script, &mut after, op, true);
            }
        }
        if self.maker.rng.random_bool(0.3) {
            let table = self.some_table();
            script.statements.push("SAVEPOINT here".to_owned());
            let op = self.maker.insert(table);
            let kept = self.maker.rng.random_bool(0.5);
            add(&mut script, &mut after, op, kept);
            let end = if kept { "RELEASE SAVEPOINT here" } else { "ROLLBACK TO SAVEPOINT here" };
            script.statements.push(end.to_owned());
        }
        if self.maker.rng.random_bool(0.3) {
            let (from, to) = (
                self.maker.rng.random_range(0..ACCOUNTS),
                self.maker.rng.random_range(0..ACCOUNTS),
            );
            let amount = self.maker.rng.random_range(1..50);
            for (account, amount) in [(from, -amount), (to, amount)] {
                script.statements.push(format!(
                    "UPDATE accounts SET balance = balance + ({amount}) WHERE id = {account}"
                ));
            }
        }
        script
    }

    fn step(&mut self, client: &mut RawClient, sql: &str) -> Step {
        match ask(client, sql, None) {
            Answer::Done(..) => Step::Fine,
            Answer::Gone => Step::Gone,
            Answer::Refused(code, message) => {
                match code.as_str() {
                    "0A000" => self.counts.absent += 1,
                    // Conflicts, and the wait for the lane.
                    "40001" | "40P01" | "55P03" => self.counts.conflicts += 1,
                    _ => self.violations.push(format!("{sql}\n  failed with {code}: {message}")),
                }
                Step::Over
            }
        }
    }

    fn roll_back(&mut self, client: &mut RawClient) -> bool {
        match ask(client, "ROLLBACK", None) {
            Answer::Done(..) => true,
            Answer::Gone => false,
            Answer::Refused(code, message) => {
                self.violations.push(format!("ROLLBACK failed with {code}: {message}"));
                true
            }
        }
    }

    /// Reads, before COMMIT, the last row that the transaction has put.
    fn sees_own_writes(&mut self, client: &mut RawClient, script: &Script) -> bool {
        let Some(Change::Put(table, id, v)) = script.changes.last() else { return true };
        let worker = self.maker.worker;
        let sql = format!("SELECT v FROM {table} WHERE worker = {worker} AND id = {id}");
        match ask(client, &sql, None) {
            Answer::Done(_, rows) => {
                if rows != [[v.clone()]] {
                    self.violations.push(format!("{sql}\n  in its transaction: {rows:?}, not {v}"));
                }
                true
            }
            Answer::Gone => false,
            Answer::Refused(code, message) => {
                self.violations.push(format!("{sql}\n  failed with {code}: {message}"));
                true
            }
        }
    }
}
