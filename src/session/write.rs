//! A write's way through the log to its outcome.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::OwnedMutexGuard;
use tracing::Instrument;

use super::block::{Scope, lock_timeout};
use super::run::{Outcome, Rows, RowsTag};
use super::{Session, StatementGuard};
use crate::catalog::TEMPORARY_SCHEMA;
use crate::clock;
use crate::error::Result;
use crate::ids::IntentSeq;
use crate::intent::{Applied, Body, Draw, Origin};
use crate::procedure::retried;
use crate::router::StatementContext;
use crate::sql::rewrite::Moment;
use crate::sql::{Analysis, Call, Statement, Write};
use crate::types::{PgType, Value};

/// How long a transaction that has written waits for its turn to compute a view: whose turn it is
/// may wait for the transaction.
const TURN_IN_TRANSACTION: Duration = Duration::from_secs(5);

impl Session {
    /// Makes a write an intent and waits until it is applied.
    pub(super) async fn write(
        &mut self,
        statement: &Statement,
        write: &Write,
        types: &[Option<PgType>],
        params: Vec<Value>,
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        if let Some((_, applied)) = self.claim_statement(statement, &params, guard).await? {
            return outcome(applied);
        }
        if self.temp.is_target_of(write) || self.temp.has_sequence_of(statement) {
            let applied = self.write_temp(statement, write, types, params, guard).await?;
            self.note_drawn(&applied, &[]);
            return outcome(applied);
        }
        if !self.is_in_block() && self.temp.is_read_by(write) {
            // Only a transaction of the session's own connection sees both.
            self.begin_implicit();
            let done = Box::pin(self.write(statement, write, types, params, guard)).await;
            if done.is_err() {
                self.fail();
            }
            self.end_implicit().await?;
            return done;
        }
        let computed;
        let statement = if statement.calls_session() {
            computed = self.with_session_values(statement, &params)?;
            &computed
        } else {
            statement
        };
        Box::pin(self.show_own(statement, guard)).await?;
        let context = self.write_context(guard).await?;
        if matches!(write, Write::Drop { .. } | Write::CreateTable { .. } | Write::Define { .. }) {
            Box::pin(self.tell_skipped(write, &context)).await?;
        }
        let _turn = self.turn_to_compute(write, &context, guard).await?;
        let router = &self.services.router;
        let shown = match write.returning() {
            true => router.returned(statement, write, types, &context).await?,
            false => Analysis::default(),
        };
        let body = {
            let route = pin!(router.body(statement, write, types, params, &context));
            route.instrument(tracing::info_span!("route")).await?
        };
        let draws = body.draws().to_vec();
        let defines =
            !matches!(write, Write::Insert { .. } | Write::Update { .. } | Write::Delete { .. });
        if self.is_in_block() {
            let mut holds = self.services.router.holds(write, &context).await?;
            holds.extend(body.references().1);
            let text = &statement.text;
            let scope = if defines { Scope::Definitions } else { Scope::Rows };
            let applied = self.write_in_transaction(text, body, holds, scope, &context, guard);
            let applied = Box::pin(applied).await?;
            self.note_drawn(&applied, &draws);
            return shown_outcome(applied, &shown);
        }
        let applied = self.append(&statement.text, body, &context, guard).await;
        if defines {
            self.services.router.columns.forget();
        }
        let applied = applied?;
        self.note_drawn(&applied, &draws);
        shown_outcome(applied, &shown)
    }

    /// What the write means is fixed now, whenever it is applied.
    async fn write_context(&self, guard: &StatementGuard) -> Result<StatementContext> {
        let context = self.context(guard).await?;
        Ok(StatementContext { moment: context.moment.or_else(|| Some(now())), ..context })
    }

    /// Waits until nobody else computes the view that a REFRESH is for, where DuckDB does not. The
    /// turn is held until the rows are there: who computes a view later sees more, and comes later.
    ///
    /// # Errors
    /// 55P03 where the transaction may keep who computes it from coming to an end.
    async fn turn_to_compute(
        &self,
        write: &Write,
        context: &StatementContext,
        guard: &StatementGuard,
    ) -> Result<Option<OwnedMutexGuard<()>>> {
        let router = &self.services.router;
        let view = write.refreshed().and_then(|table| router.view_over_datasets(table, context));
        let Some(view) = view else { return Ok(None) };
        let turn = router.pipelines.turn_to_compute(&view.stored.name);
        let turn = self.within_lock_timeout(turn, guard);
        if !context.snapshot.as_ref().is_some_and(|snapshot| snapshot.writes) {
            return turn.await.map(Some);
        }
        match tokio::time::timeout(TURN_IN_TRANSACTION, turn).await {
            Ok(turn) => turn.map(Some),
            Err(_) => Err(lock_timeout()),
        }
    }

    /// Keeps what sequences gave, for `currval`; what it was before holds no longer where that is
    /// not known.
    fn note_drawn(&mut self, applied: &Applied, draws: &[Draw]) {
        draws.iter().for_each(|draw| self.drawn.forget(&draw.sequence));
        let of_result = applied.result.iter().flat_map(|result| result.drawn());
        for (name, value) in of_result.chain(&applied.drawn) {
            self.drawn.note(name, *value);
        }
    }

    /// Writes rows that came in by COPY.
    pub(super) async fn write_rows(
        &mut self,
        text: &str,
        body: Body,
        context: &StatementContext,
        guard: &StatementGuard,
    ) -> Result<Applied> {
        if body.table().is_some_and(|table| table.schema == TEMPORARY_SCHEMA) {
            return self.change_temp(text, body, context, guard).await;
        }
        let draws = body.draws().to_vec();
        let applied = if self.is_in_block() {
            let holds = self.services.router.followed(body.table().cloned().into_iter());
            let scope = Scope::Rows;
            self.write_in_transaction(text, body, holds, scope, context, guard).await?
        } else {
            self.append(text, body, context, guard).await?
        };
        self.note_drawn(&applied, &draws);
        Ok(applied)
    }

    /// Checks a CALL of a built-in procedure, makes it an intent and waits for its result.
    pub(super) async fn call_built_in(
        &mut self,
        statement: &Statement,
        call: &Call,
        params: &[Value],
        guard: &StatementGuard,
    ) -> Result<Outcome> {
        let args: Vec<Value> =
            call.plain_args()?.iter().map(|arg| arg.value(params)).collect::<Result<_>>()?;
        let repeat = self.claim_statement(statement, params, guard).await?;
        let procedures = Arc::clone(&self.services.router.procedures);
        let resubmits = procedures.resubmits(call.schema.as_deref(), &call.name, &args);
        match (repeat, resubmits) {
            (Some((seq, applied)), Some(failed)) => {
                return outcome(retried(failed, seq, &applied)?);
            }
            (Some((_, applied)), None) => return outcome(applied),
            (None, _) => {}
        }
        let (schema, name, checked) = (call.schema.clone(), call.name.clone(), args.clone());
        let procedure =
            crate::task::blocking(move || procedures.check(schema.as_deref(), &name, &checked))
                .await?;
        if let Some(failed) = resubmits {
            return outcome(self.retry_intent(failed, guard).await?);
        }
        let context = self.context(guard).await?;
        let body = Body::Call { procedure, args };
        let applied = self.append(&statement.text, body, &context, guard).await;
        self.services.router.columns.forget();
        outcome(applied?)
    }

    /// Tells in which surroundings a statement is to be understood.
    pub(super) fn origin(&self, text: &str, context: &StatementContext) -> Origin {
        Origin {
            user: context.user.clone(),
            application_name: self.settings.get("application_name").unwrap_or_default().to_owned(),
            time_zone: context.query.time_zone.clone(),
            search_path: context.query.search_path.clone(),
            traceparent: self.commented_traceparent(),
            idempotency_key: None,
            statement: text.to_owned(),
        }
    }

    /// Appends an intent and waits for its outcome.
    pub(super) async fn append(
        &mut self,
        text: &str,
        body: Body,
        context: &StatementContext,
        guard: &StatementGuard,
    ) -> Result<Applied> {
        let options = self.append_options(guard);
        let ticket = self.services.log.append_with(self.origin(text, context), body, options);
        let ticket = ticket.await?;
        self.note_intent(ticket.seq);
        self.outcome_of(ticket, guard).await.map(|(_, applied)| applied)
    }

    /// Waits until an intent has waited longer for a transaction than `lock_timeout` allows.
    pub(super) async fn parked_too_long(&self, seq: IntentSeq) {
        let Some(limit) = self.settings.timeout("lock_timeout") else {
            return std::future::pending().await;
        };
        loop {
            let waited = self.services.writer.parked_for(seq).unwrap_or_default();
            if waited >= limit {
                return;
            }
            tokio::time::sleep(limit - waited).await;
        }
    }
}

/// The moment of a statement of its own.
pub(super) fn now() -> Moment {
    Moment { now_us: clock::now_us(), seed: rand::random() }
}

pub(super) fn outcome(applied: Applied) -> Result<Outcome> {
    shown_outcome(applied, &Analysis::default())
}

/// Makes the outcome of what was applied, its columns as the analysis says.
fn shown_outcome(applied: Applied, shown: &Analysis) -> Result<Outcome> {
    match applied.result {
        None => Ok(Outcome::Done(applied.tag)),
        Some(result) => {
            let (mut columns, batches) = result.into_batches()?;
            shown.retype(&mut columns);
            let stream = futures::stream::iter(batches).boxed();
            let counted = ["INSERT 0", "UPDATE", "DELETE", "MERGE"]
                .into_iter()
                .find(|word| applied.tag.strip_prefix(word).is_some_and(|n| n.starts_with(' ')));
            let tag = counted.map_or(RowsTag::Fixed(applied.tag), RowsTag::Counted);
            Ok(Outcome::Rows(Box::new(Rows::new(columns, stream, tag))))
        }
    }
}
