//! How a read runs and what it gives, worked out once and kept with the parsed statement.

use std::sync::Arc;

use parking_lot::Mutex;

use super::read::EngineChoice;
use super::{EngineSetting, Router, StatementContext};
use crate::catalog::KeptId;
use crate::engine::Description;
use crate::intent::Moment;
use crate::sql::rewrite::NameContext;
use crate::sql::{Analysis, Statement};
use crate::types::{InputStyle, PgType};

/// How a read runs.
pub(super) struct ReadPlan {
    pub(super) choice: EngineChoice,
    /// The text for the engine.
    pub(super) sql: String,
    /// The types that its columns are shown with.
    pub(super) analysis: Analysis,
    /// It joins Arrow datasets with DuckDB's tables.
    pub(super) is_mixed: bool,
    /// What it names of the catalogue's kept copy.
    pub(super) kept: Vec<KeptId>,
}

/// What a plan was made for. Under other terms names or literals may mean something else.
#[derive(PartialEq)]
pub(super) struct Terms {
    definitions: Moment,
    search_path: Vec<String>,
    engine: EngineSetting,
    input_style: InputStyle,
    /// The parameters' types as far as they were known.
    params: Vec<Option<PgType>>,
}

/// What is kept with a read; the latest of each.
#[derive(Default)]
struct Kept {
    plan: Mutex<Option<(Terms, Arc<ReadPlan>)>>,
    description: Mutex<Option<(Terms, Description)>>,
}

fn kept(statement: &Statement) -> Arc<Kept> {
    statement.memo.get().unwrap_or_else(|| {
        let new = Arc::new(Kept::default());
        statement.memo.put(Arc::clone(&new));
        new
    })
}

impl Router {
    /// The terms under which something is worked out now; `None` where it is good for one run only:
    /// while definitions change, and where the session sees definitions of its own.
    pub(super) fn terms(
        &self,
        params: &[Option<PgType>],
        context: &StatementContext,
    ) -> Option<Terms> {
        let definitions = self.log.definitions();
        if context.has_own_view() || !definitions.is_quiet() {
            return None;
        }
        Some(Terms {
            definitions,
            search_path: context.query.search_path.clone(),
            engine: context.engine,
            input_style: context.input_style,
            params: params.to_vec(),
        })
    }
}

/// Returns the plan that was kept under these terms.
pub(super) fn kept_plan(statement: &Statement, terms: Option<&Terms>) -> Option<Arc<ReadPlan>> {
    let kept = statement.memo.get::<Kept>()?;
    let plan = kept.plan.lock();
    plan.as_ref().filter(|(of, _)| Some(of) == terms).map(|(_, plan)| Arc::clone(plan))
}

/// Keeps a plan whose text holds for every session.
pub(super) fn keep_plan(
    statement: &Statement,
    terms: Option<Terms>,
    names: &NameContext,
    plan: &Arc<ReadPlan>,
) {
    if let Some(terms) = terms.filter(|_| !names.session.were_asked()) {
        *kept(statement).plan.lock() = Some((terms, Arc::clone(plan)));
    }
}

/// Returns the description that was kept under these terms.
pub(super) fn kept_description(
    statement: &Statement,
    terms: Option<&Terms>,
) -> Option<Description> {
    let kept = statement.memo.get::<Kept>()?;
    let description = kept.description.lock();
    description.as_ref().filter(|(of, _)| Some(of) == terms).map(|(_, found)| found.clone())
}

/// Keeps a description: the session's own answers have no part in it but by their types.
pub(super) fn keep_description(
    statement: &Statement,
    terms: Option<Terms>,
    names: &NameContext,
    description: &Description,
) {
    if let Some(terms) = terms.filter(|_| !names.session.were_asked()) {
        *kept(statement).description.lock() = Some((terms, description.clone()));
    }
}
