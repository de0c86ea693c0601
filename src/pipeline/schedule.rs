//! Refreshes that nobody asks for: of views with a period, of those that failed, and of views over
//! datasets that follow what they read.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Registry, View};
use crate::error::Result;
use crate::ids::TableName;
use crate::intent::{Body, IntentLog, Origin, TagKind, ViewRows};
use crate::sql::{Definition, ViewAction};

/// How often it is looked for what is due.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How many views are refreshed at once.
const REFRESHES_MAX: usize = 4;

/// Refreshes what is due, until it is stopped. Each refresh is an intent like a client's. `compute`
/// runs the query of a view over datasets.
pub async fn run<F>(
    registry: Arc<Registry>,
    log: Arc<IntentLog>,
    compute: impl Fn(View) -> F,
    stop: CancellationToken,
) where
    F: Future<Output = Result<ViewRows>>,
{
    let mut running = FuturesUnordered::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = registry.stirred() => {}
            Some(()) = running.next() => {}
        }
        for name in registry.due(REFRESHES_MAX - running.len()) {
            let (registry, log, compute) = (&registry, &log, &compute);
            running.push(async move {
                let ended = refresh(registry, log, &name, compute).await;
                registry.note_refreshed(&name, ended.err().as_ref());
            });
        }
    }
}

async fn refresh<F>(
    registry: &Registry,
    log: &IntentLog,
    name: &TableName,
    compute: impl Fn(View) -> F,
) -> Result<()>
where
    F: Future<Output = Result<ViewRows>>,
{
    let graph = registry.graph();
    let over = graph.find(name).filter(|view| view.stored.over.is_some());
    let mut computed = None;
    // Held until it is applied, so that older rows do not come behind newer ones.
    let mut _turn = None;
    if let Some(view) = over {
        _turn = Some(registry.turn_to_compute(name).await);
        let span = tracing::info_span!("pipeline", view = %name);
        computed = Some(Box::new(compute(view.clone()).instrument(span).await?));
    }
    let action = ViewAction::Refresh { concurrently: false, with_data: true };
    let body = Body::Define {
        changes: vec![Definition::AlterView { name: vec![name.clone()], if_exists: true, action }],
        table: Some(name.clone()),
        tag: TagKind::Fixed("REFRESH MATERIALIZED VIEW".to_owned()),
        computed,
    };
    let origin = Origin {
        user: "teatree".to_owned(),
        application_name: "teatree".to_owned(),
        time_zone: "UTC".to_owned(),
        search_path: vec![name.schema.clone()],
        statement: format!("REFRESH MATERIALIZED VIEW {name}"),
        ..Origin::default()
    };
    let ticket = log.append(origin, body).await?;
    let seq = ticket.seq;
    match ticket.outcome.await {
        Ok(outcome) => outcome.result.map(drop),
        Err(_) => Err(log.outcome_unknown(seq)),
    }
}
