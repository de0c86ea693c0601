//! Reads: which engine, what they give, running them.

use std::sync::Arc;

use super::kept::{check_own, is_to_be_asked_again, named_of_kept};
use super::plan::{self, ReadPlan};
use super::storage::Storages;
use super::{EngineSetting, Router, Snapshot, StatementContext};
use crate::engine::duckdb::PartialDescription;
use crate::engine::{Description, Execution};
use crate::error::{Error, Result};
use crate::sql::rewrite::NameContext;
use crate::sql::{Analysis, Read, Statement};
use crate::types::{PgType, Value};

/// The engines that a read can run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    DuckDb,
    DataFusion,
}

/// An engine and why it was chosen, for EXPLAIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineChoice {
    pub engine: Engine,
    pub reason: String,
}

impl EngineChoice {
    /// Names the engine as `teatree.engine` does.
    pub fn name(&self) -> &'static str {
        match self.engine {
            Engine::DuckDb => "duckdb",
            Engine::DataFusion => "datafusion",
        }
    }
}

impl Router {
    /// Chooses a read's engine by the storages of its tables.
    ///
    /// # Errors
    /// 0A000 when `teatree.engine` asks for an engine that cannot run it.
    pub fn choose(&self, read: &Read, context: &StatementContext) -> Result<EngineChoice> {
        self.check_database(&read.tables)?;
        let storages = self.storages(&read.tables, &context.query.search_path);
        check_visible(storages.are_mixed(), context.snapshot.as_ref())?;
        decide(&storages, read.native, context.engine)
    }

    /// Describes a read without running it.
    pub async fn describe(
        &self,
        statement: &Statement,
        read: &Read,
        known: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Description> {
        if let Some(own) = self.in_own_catalog(read, context).await? {
            match self.describe_here(statement, read, known, &own).await {
                Err(error) if is_to_be_asked_again(&error) => {}
                described => return described,
            }
        }
        self.describe_here(statement, read, known, context).await
    }

    async fn describe_here(
        &self,
        statement: &Statement,
        read: &Read,
        known: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Description> {
        let terms = self.terms(known, context);
        if let Some(description) = plan::kept_description(statement, terms.as_ref()) {
            return Ok(description);
        }
        let choice = self.choose(read, context)?;
        let mut names = self.read_names_of(statement, read, known, context).await?;
        let analysis = statement.analyze(&names.relations, known);
        let known = &inferred(known, &analysis, statement.param_count);
        names.param_types.clone_from(known);
        let mut description = match choice.engine {
            Engine::DuckDb => self.describe_on_duckdb(statement, known, &names, context).await,
            Engine::DataFusion => {
                let sql = statement.datafusion_sql(&names, known)?;
                let pinned = context.pinned();
                self.datafusion.describe(&sql, known, &context.query, pinned).await
            }
        }?;
        analysis.retype(&mut description.columns);
        plan::keep_description(statement, terms, &names, &description);
        Ok(description)
    }

    /// Describes any statement on DuckDB. Where DuckDB needs a parameter's type first, it is
    /// described again with what could be inferred, and text for the rest, as PostgreSQL does.
    pub(crate) async fn describe_on_duckdb(
        &self,
        statement: &Statement,
        known: &[Option<PgType>],
        names: &NameContext,
        context: &StatementContext,
    ) -> Result<Description> {
        let mut types = known.to_vec();
        types.resize(statement.param_count, None);
        let array_params = statement.array_params();
        if array_params.iter().any(|&index| types.get(index).is_some_and(Option::is_none)) {
            // DuckDB infers no type for `= ANY($1)`, but does for `= $1`: its element.
            let sql = statement.duckdb_sql_comparing(names, &types)?;
            let elements = self.look_at(&sql, names, context).await?;
            for index in array_params {
                let element = elements.params.get(index).copied().flatten();
                if let Some(slot) = types.get_mut(index).filter(|slot| slot.is_none()) {
                    *slot = Some(PgType::Array(element.unwrap_or(PgType::TEXT).scalar()));
                }
            }
        }
        let sql = statement.duckdb_sql(names, &types)?;
        let mut found = match self.look_at(&sql, names, context).await {
            Err(_) if (0..statement.param_count).any(|index| types[index].is_none()) => {
                // `x + $1` cannot be bound either before `$1` has a type: that of `x`.
                let sql = statement.duckdb_sql_comparing(names, &types)?;
                self.look_at(&sql, names, context).await.map(|mut found| {
                    found.columns = None;
                    found
                })
            }
            described => described,
        }?;
        let open = |found: &PartialDescription, types: &[Option<PgType>]| {
            found.columns.is_none()
                || (0..statement.param_count).any(|index| {
                    types[index].is_none() && found.params.get(index).copied().flatten().is_none()
                })
        };
        if statement.param_count > 0 && open(&found, &types) {
            for (index, slot) in types.iter_mut().enumerate() {
                let inferred = found.params.get(index).copied().flatten();
                *slot = slot.or(inferred).or(Some(PgType::TEXT));
            }
            let sql = statement.duckdb_sql_described(names, &types)?;
            found = self.look_at(&sql, names, context).await?;
        }
        if found.columns.is_none() {
            // A function in FROM needs values to tell its columns: typed NULLs do.
            let sql = statement.duckdb_sql_with_nulls(names, &types)?;
            found.columns = self.look_at(&sql, names, context).await?.columns;
        }
        let params = (0..statement.param_count).map(|index| {
            types[index].or(found.params.get(index).copied().flatten()).unwrap_or(PgType::TEXT)
        });
        Ok(Description { params: params.collect(), columns: found.columns.unwrap_or_default() })
    }

    /// Lets DuckDB describe a text that was made with these names.
    async fn look_at(
        &self,
        sql: &str,
        names: &NameContext,
        context: &StatementContext,
    ) -> Result<PartialDescription> {
        check_own(names, context)?;
        self.keep(&named_of_kept(names), context).await?;
        self.duckdb.describe(sql, &context.query, context.held()).await
    }

    /// Runs a read. `types` are the parameters' types as the statement was described.
    pub async fn read(
        &self,
        statement: &Statement,
        read: &Read,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Execution> {
        if let Some(own) = self.in_own_catalog(read, context).await? {
            match self.read_here(statement, read, types, params.clone(), &own).await {
                Err(error) if is_to_be_asked_again(&error) => {}
                execution => return execution,
            }
        }
        self.read_here(statement, read, types, params, context).await
    }

    async fn read_here(
        &self,
        statement: &Statement,
        read: &Read,
        types: &[Option<PgType>],
        params: Vec<Value>,
        context: &StatementContext,
    ) -> Result<Execution> {
        self.wait_for_promised(read, context).await?;
        let plan = self.plan(statement, read, types, context).await?;
        check_visible(plan.is_mixed, context.snapshot.as_ref())?;
        let mut execution = match plan.choice.engine {
            Engine::DuckDb => {
                self.keep(&plan.kept, context).await?;
                let held = context.held();
                self.duckdb.execute(&plan.sql, params, &context.query, held).await
            }
            Engine::DataFusion => {
                let pinned = context.pinned();
                self.datafusion.execute(&plan.sql, &params, &context.query, pinned).await
            }
        }?;
        plan.analysis.retype(&mut execution.columns);
        Ok(execution)
    }

    /// Works out how a read runs, or finds what was kept of that.
    async fn plan(
        &self,
        statement: &Statement,
        read: &Read,
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> Result<Arc<ReadPlan>> {
        let terms = self.terms(types, context);
        if let Some(plan) = plan::kept_plan(statement, terms.as_ref()) {
            return Ok(plan);
        }
        // Before the read takes the connection that a transaction may have.
        let names = self.read_names_of(statement, read, types, context).await?;
        let analysis = statement.analyze(&names.relations, types);
        let made = tracing::info_span!("route").in_scope(|| {
            self.check_database(&read.tables)?;
            let storages = self.storages(&read.tables, &context.query.search_path);
            let choice = decide(&storages, read.native, context.engine)?;
            let sql = match choice.engine {
                Engine::DuckDb => statement.duckdb_sql(&names, types)?,
                Engine::DataFusion => statement.datafusion_sql(&names, types)?,
            };
            tracing::debug!(engine = choice.name(), reason = %choice.reason, %sql, "routed");
            check_own(&names, context)?;
            let kept = named_of_kept(&names);
            let is_mixed = storages.are_mixed();
            Ok::<_, Error>(ReadPlan { choice, sql, analysis, is_mixed, kept })
        })?;
        let made = Arc::new(made);
        plan::keep_plan(statement, terms, &names, &made);
        Ok(made)
    }
}

/// The parameters' types that the client declared, or else PostgreSQL would infer.
pub(super) fn inferred(
    known: &[Option<PgType>],
    analysis: &Analysis,
    count: usize,
) -> Vec<Option<PgType>> {
    let one = |index: usize| {
        let declared = known.get(index).copied().flatten();
        declared.or_else(|| analysis.params.get(index).copied().flatten())
    };
    (0..count).map(one).collect()
}

/// A plan of DataFusion reads DuckDB's tables as they are committed.
pub(super) fn check_visible(is_mixed: bool, snapshot: Option<&Snapshot>) -> Result<()> {
    let writes = snapshot.is_some_and(|snapshot| snapshot.writes);
    if writes && is_mixed {
        return Err(Error::unsupported(
            "a query over DuckDB tables and Arrow datasets is not supported in a transaction that has written",
        )
        .with_hint("Query them one at a time, or after COMMIT."));
    }
    Ok(())
}

fn decide(storages: &Storages, native: bool, setting: EngineSetting) -> Result<EngineChoice> {
    let (arrow, duckdb) = (!storages.arrow.is_empty(), !storages.duckdb.is_empty());
    let choice = |engine, reason: &str| Ok(EngineChoice { engine, reason: reason.to_owned() });
    if native && arrow {
        // Without a tree, a word that happens to be a dataset's name may be anything.
        return match setting {
            EngineSetting::DataFusion => Err(refuse("it is written in DuckDB's own SQL")),
            _ => choice(Engine::DuckDb, "it is written in DuckDB's own SQL"),
        };
    }
    match (setting, arrow, duckdb) {
        (EngineSetting::DuckDb, true, _) => {
            let table = &storages.arrow[0];
            Err(Error::unsupported("engine duckdb cannot run this statement")
                .with_detail(format!("\"{table}\" is an Arrow dataset."))
                .with_hint("SET teatree.engine = 'auto'."))
        }
        (EngineSetting::DataFusion, _, _) if native => {
            Err(refuse("it is written in DuckDB's own SQL"))
        }
        (EngineSetting::DuckDb, false, _) => choice(Engine::DuckDb, "teatree.engine says so"),
        (EngineSetting::DataFusion, _, _) => choice(Engine::DataFusion, "teatree.engine says so"),
        (EngineSetting::Auto, true, false) => {
            choice(Engine::DataFusion, "all tables are Arrow datasets")
        }
        (EngineSetting::Auto, true, true) => choice(
            Engine::DataFusion,
            "it joins Arrow datasets with DuckDB tables, which are scanned by DuckDB",
        ),
        (EngineSetting::Auto, false, true) => {
            choice(Engine::DuckDb, "all tables are DuckDB tables")
        }
        (EngineSetting::Auto, false, false) => choice(Engine::DuckDb, "it names no table"),
    }
}

fn refuse(why: &str) -> Error {
    Error::unsupported("engine datafusion cannot run this statement")
        .with_detail(format!("The reason is that {why}."))
        .with_hint("SET teatree.engine = 'auto'.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TableName;
    use crate::sql::TableRef;

    fn storages(arrow: bool, duckdb: bool) -> Storages {
        let table = TableRef { database: None, schema: None, table: "t".into() };
        Storages {
            arrow: if arrow { vec![TableName::new("public", "a")] } else { Vec::new() },
            duckdb: if duckdb { vec![table] } else { Vec::new() },
        }
    }

    #[test]
    fn the_storages_decide_and_the_setting_overrides_where_it_can() {
        use Engine::{DataFusion, DuckDb};
        use EngineSetting as S;
        let rows = [
            (false, false, S::Auto, Some(DuckDb)),
            (false, true, S::Auto, Some(DuckDb)),
            (true, false, S::Auto, Some(DataFusion)),
            (true, true, S::Auto, Some(DataFusion)),
            (false, true, S::DataFusion, Some(DataFusion)),
            (false, true, S::DuckDb, Some(DuckDb)),
            (true, false, S::DuckDb, None),
            (true, true, S::DuckDb, None),
            (true, true, S::DataFusion, Some(DataFusion)),
        ];
        for (arrow, duckdb, setting, expected) in rows {
            let made = decide(&storages(arrow, duckdb), false, setting);
            assert_eq!(made.ok().map(|choice| choice.engine), expected, "{arrow} {duckdb}");
        }
    }
}
