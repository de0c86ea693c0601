//! Torture: clients of many kinds write, the server is killed with `kill -9` at random moments and
//! started again on the same data, and what is there is compared with what was promised.
//!
//! - `client.rs`: asks, and tells an answer from the silence of a killed server.
//! - `model.rs`: what one worker was promised, and what may be there besides.
//! - `worker.rs`, `statements.rs`, `transactions.rs`: what the workers do.
//! - `rounds.rs`: one server through many kills.
//! - `checks.rs`: the model against the data and against `teatree.intents`.
//!
//! Each worker writes rows of its own, so its model is exact: every acknowledged write is there
//! once, every refused one is not, and those that were sent and not answered are there whole, in
//! the order they were sent in, up to some place.
//!
//! In `cargo test` it runs for some 25 seconds; `make torture MINUTES=60` sets
//! `TEATREE_TORTURE_MINUTES`. `TEATREE_TORTURE_SEED` repeats the random choices of a run; what the
//! threads make of them differs each time.

mod checks;
mod client;
mod model;
mod rounds;
mod statements;
mod transactions;
mod worker;

use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;

use rounds::Era;
use worker::Counts;

/// How long the short form goes on.
const SHORT: Duration = Duration::from_secs(22);
/// Kills after which a run goes on with an empty folder, so that checking stays quick.
const ROUNDS_OF_AN_ERA: u64 = 25;

/// A write in a transaction answers 0A000 as long as there is no such thing; from then on it must
/// not.
const TRANSACTIONS_ARE_REQUIRED: bool = true;

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[test]
fn kills_lose_nothing_and_repeat_nothing() {
    let minutes = variable("TEATREE_TORTURE_MINUTES");
    let seed = variable("TEATREE_TORTURE_SEED").unwrap_or_else(rand::random);
    eprintln!("torture: seed {seed} (TEATREE_TORTURE_SEED={seed} repeats its choices)");
    let mut rng = StdRng::seed_from_u64(seed);
    let length = minutes.map_or(SHORT, |minutes| Duration::from_secs(minutes * 60));
    let deadline = Instant::now() + length;
    let writing_ms_max = if minutes.is_some() { 5000 } else { 2000 };
    let mut counts = Counts::default();
    let mut violations = Vec::new();
    // On a busy machine it takes longer until something is proven.
    let last = deadline + 4 * SHORT;
    let goes_on = |counts: &Counts| {
        Instant::now() < deadline || !counts.prove_something() && Instant::now() < last
    };
    while violations.is_empty() && goes_on(&counts) {
        let Some(mut era) = Era::start(&mut rng, writing_ms_max) else { return };
        for _ in 0..ROUNDS_OF_AN_ERA {
            violations = era.round(&mut rng);
            if !violations.is_empty() || Instant::now() > deadline {
                break;
            }
        }
        if violations.is_empty() {
            violations = era.end();
        }
        counts.add(&era.counts());
        if minutes.is_some() {
            eprintln!("torture: so far {counts}, {} violations", violations.len());
        }
        if !violations.is_empty() {
            eprintln!("torture: the data is kept in {}", era.keep().display());
        }
    }
    eprintln!("torture: seed {seed}, {counts}, {} violations", violations.len());
    assert!(violations.is_empty(), "seed {seed}:\n{}", violations.join("\n"));
    assert!(!TRANSACTIONS_ARE_REQUIRED || counts.absent == 0, "not supported: {counts}");
    assert!(counts.prove_something(), "the test proved nothing: {counts}");
}
