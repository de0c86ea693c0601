//! After a restart: the model against the data and against `teatree.intents`.

use std::collections::HashMap;

use super::model::{Fate, Found, State};
use super::statements::Habit;
use super::transactions::{ACCOUNTS, BALANCE};
use super::worker::Worker;
use crate::harness::eventually;
use crate::raw_client::RawClient;

/// Intents that `teatree.intents` shows.
const INTENTS_SHOWN: usize = 10_000;

/// What `teatree.intents` says of one statement: place, state, SQLSTATE.
type Told = (u64, String, String);

/// Checks everything, and lets each model take over what it found.
pub fn all(client: &mut RawClient, workers: &mut [Worker], history_is_short: bool) -> Vec<String> {
    let mut violations = Vec::new();
    // A call goes on beside its turn, also one that is replayed.
    eventually("every intent has ended", || {
        let open = "SELECT count(*) FROM teatree.intents WHERE state NOT IN ('applied', 'failed')";
        client.value(open) == "0"
    });
    let intents = intents(client);
    let is_cut = history_is_short || intents.len() + 1000 > INTENTS_SHOWN;
    for worker in workers.iter_mut() {
        violations.append(&mut worker.violations);
        violations.extend(check_rows(client, worker));
        violations.extend(check_intents(worker, &intents, is_cut));
    }
    let sum = client.value("SELECT sum(balance)::int8 FROM accounts");
    if sum != (ACCOUNTS * BALANCE).to_string() {
        violations.push(format!("the accounts hold {sum}"));
    }
    violations
}

fn tables(client: &mut RawClient, worker: &Worker) -> Vec<String> {
    let has = |habit| worker.profile.habits.contains(&habit);
    let mut tables: Vec<String> = worker.profile.tables.iter().map(ToString::to_string).collect();
    if has(Habit::Count) {
        tables.push("counters".to_owned());
    }
    if has(Habit::Define) {
        tables.extend(client.lines(&format!(
            "SELECT table_name FROM information_schema.tables \
             WHERE table_name LIKE 'own\\_{}\\_%'",
            worker.maker.worker
        )));
    }
    tables
}

fn found(client: &mut RawClient, worker: &Worker) -> Found {
    let number = worker.maker.worker;
    let mut found = Found::new();
    for table in tables(client, worker) {
        let sql = format!("SELECT id, v FROM {table} WHERE worker = {number}");
        let row = |line: &String| {
            let (id, v) = line.split_once('|').unwrap();
            (id.parse().unwrap(), v.to_owned())
        };
        let mut rows: Vec<_> = client.lines(&sql).iter().map(row).collect();
        rows.sort_unstable();
        found.insert(table, rows);
    }
    if worker.profile.habits.contains(&Habit::Publish) {
        let row = |note: &String| {
            let (owner, id) = note.split_once('/')?;
            (owner == number.to_string()).then(|| (id.parse().unwrap(), note.clone()))
        };
        let notes = client.lines("SELECT note FROM teatree.versions ORDER BY number");
        found.insert("versions".to_owned(), notes.iter().filter_map(row).collect());
    }
    found
}

/// What was promised must be there, and of what was not answered the first so many, whole.
fn check_rows(client: &mut RawClient, worker: &mut Worker) -> Option<String> {
    let found = found(client, worker);
    worker.counts.checked += found.values().map(|rows| rows.len() as u64).sum::<u64>();
    let mut state: State = worker.state.clone();
    let first = state.difference(&found);
    let mut is_there = first.is_none();
    for op in &worker.pending {
        if is_there {
            break;
        }
        if op.refusal.is_none() {
            state.apply(&op.changes);
        }
        is_there = state.is(&found);
    }
    let unanswered: Vec<String> =
        worker.pending.drain(..).map(|op| op.sql.chars().take(200).collect()).collect();
    if is_there {
        worker.state = state;
        return None;
    }
    let number = worker.maker.worker;
    Some(format!("worker {number}: {}; unanswered: {unanswered:#?}", first.unwrap_or_default()))
}

fn intents(client: &mut RawClient) -> HashMap<String, Vec<Told>> {
    let rows = client.rows("SELECT statement, seq, state, sqlstate FROM teatree.intents");
    let mut intents: HashMap<String, Vec<Told>> = HashMap::new();
    for row in rows {
        let mut values = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || values.next().unwrap();
        let (statement, seq, state, sqlstate) = (next(), next(), next(), next());
        let marker = statement.split_once("/* ").and_then(|(_, rest)| rest.split_once(" */"));
        if let Some((marker, _)) = marker {
            let told = (seq.parse().unwrap(), state, sqlstate);
            intents.entry(marker.to_owned()).or_default().push(told);
        }
    }
    intents
}

/// What a client was told, `teatree.intents` tells too, in the order of the client's statements.
fn check_intents(
    worker: &mut Worker,
    intents: &HashMap<String, Vec<Told>>,
    is_cut: bool,
) -> Vec<String> {
    let mut violations = Vec::new();
    let mut last = 0;
    for (marker, fate) in &worker.fates {
        let told = intents.get(marker).map_or(&[][..], Vec::as_slice);
        worker.counts.checked += 1;
        let agrees = match (fate, told) {
            (Fate::Acknowledged, [(_, state, _)]) => state == "applied",
            (Fate::Acknowledged, []) => is_cut,
            (Fate::Refused(code), [(_, state, sqlstate)]) => state == "failed" && sqlstate == code,
            // Refused before it had a place.
            (Fate::Refused(_), []) => true,
            _ => false,
        };
        if !agrees {
            violations.push(format!("{marker}: {fate:?}, teatree.intents says {told:?}"));
        }
        if let [(seq, ..)] = told {
            if *seq <= last {
                violations.push(format!("{marker} has place {seq}, its forerunner {last}"));
            }
            last = *seq;
        }
    }
    violations
}
