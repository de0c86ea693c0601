//! What the server is asked for when somebody looks at its metrics: the queue, the pipelines, the
//! sessions, the memory.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::clock;
use crate::intent::IntentStats;
use crate::session::Services;
use crate::telemetry::{Observed, observe};

/// The server that is asked; while everything is opened again there is none.
pub(super) type Watched = Arc<Mutex<Weak<Services>>>;

/// Registers what is asked for. Before the first server is open.
pub(super) fn watch() -> Watched {
    let watched = Watched::default();
    let gauge = |name, unit, about, value: fn(&Services) -> Observed| {
        let watched = Arc::clone(&watched);
        observe(name, unit, about, move || {
            let services = watched.lock().upgrade();
            services.map(|services| value(&services)).unwrap_or_default()
        });
    };
    gauge("teatree.queue.intents", "", "Intents accepted and not applied", |services| {
        stat(services, |stats| count(stats.queued))
    });
    gauge("teatree.queue.size", "By", "Bytes of intents accepted and not applied", |services| {
        stat(services, |stats| count(stats.queued_bytes))
    });
    gauge("teatree.queue.age", "s", "Age of the oldest intent that is not applied", |services| {
        stat(services, |stats| {
            stats.oldest_queued_at_us.map_or(0.0, |since| seconds(clock::now_us() - since))
        })
    });
    gauge("teatree.apply.rate", "", "Intents that ended in a second", |services| {
        stat(services, |stats| stats.ended_per_second)
    });
    gauge("teatree.sessions", "", "Connected sessions", |services| {
        one(count(services.activity.list().len() as u64))
    });
    gauge(
        "teatree.pipeline.lag",
        "s",
        "How long a pipeline's inputs are ahead of it",
        |services| pipelines(services, |row| seconds(row.lag_ms * 1000)),
    );
    gauge("teatree.pipeline.failures", "", "Failures of a pipeline in a row", |services| {
        pipelines(services, |row| f64::from(row.failures))
    });
    observe("teatree.process.memory", "By", "Resident memory of the process", || {
        resident_bytes().map(one).unwrap_or_default()
    });
    watched
}

fn pipelines(services: &Services, value: fn(&crate::pipeline::PipelineRow) -> f64) -> Observed {
    let rows = services.router.pipelines.rows();
    rows.iter().map(|row| (Some(("pipeline", row.name.to_string())), value(row))).collect()
}

fn stat(services: &Services, value: impl Fn(&IntentStats) -> f64) -> Observed {
    services.log.stats().map(|stats| one(value(&stats))).unwrap_or_default()
}

fn one(value: f64) -> Observed {
    vec![(None, value)]
}

#[expect(clippy::cast_precision_loss, reason = "a gauge needs no more than 53 bits")]
fn count(number: u64) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "a gauge needs no more than 53 bits")]
fn seconds(micros: i64) -> f64 {
    micros.max(0) as f64 / 1e6
}

/// Reads what Linux tells of the process.
fn resident_bytes() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(count(kib * 1024))
}
