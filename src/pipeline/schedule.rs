//! Refreshes that nobody asks for: of views with a period, and of those that failed.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Registry;
use crate::ids::TableName;
use crate::intent::{Body, IntentLog, Origin, TagKind};
use crate::sql::{Definition, ViewAction};

/// How often it is looked for what is due.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Refreshes what is due, until it is stopped. Each refresh is an intent like a client's.
pub async fn run(registry: Arc<Registry>, log: Arc<IntentLog>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        for view in registry.due() {
            let ended = tokio::select! {
                () = stop.cancelled() => return,
                ended = refresh(&log, &view) => ended,
            };
            registry.note_refreshed(&view, ended.err().as_ref());
        }
    }
}

async fn refresh(log: &IntentLog, view: &TableName) -> crate::error::Result<()> {
    let action = ViewAction::Refresh { concurrently: false, with_data: true };
    let name = vec![view.clone()];
    let body = Body::Define {
        changes: vec![Definition::AlterView { name, if_exists: true, action }],
        table: Some(view.clone()),
        tag: TagKind::Fixed("REFRESH MATERIALIZED VIEW".to_owned()),
    };
    let origin = Origin {
        user: "teatree".to_owned(),
        application_name: "teatree".to_owned(),
        time_zone: "UTC".to_owned(),
        search_path: vec![view.schema.clone()],
        statement: format!("REFRESH MATERIALIZED VIEW {view}"),
        ..Origin::default()
    };
    let ticket = log.append(origin, body).await?;
    let seq = ticket.seq;
    match ticket.outcome.await {
        Ok(outcome) => outcome.result.map(drop),
        Err(_) => Err(log.outcome_unknown(seq)),
    }
}
