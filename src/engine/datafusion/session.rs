//! DataFusion configured to mean what PostgreSQL means.

use std::sync::Arc;

use ::datafusion::common::config::{ConfigOptions, Dialect};
use ::datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use ::datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use ::datafusion::execution::{SessionState, SessionStateBuilder};
use ::datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use ::datafusion::prelude::SessionConfig;

use super::catalog::{SEARCH_PATH, catalog_list};
use super::checked::CheckedArithmetic;
use super::engine::{Settings, Snapshot};
use super::error::translate;
use super::foreign::ForeignTables;
use super::types::PgTypePlanner;
use crate::engine::QueryContext;
use crate::error::{Error, Result};

/// Makes a DataFusion session for each statement. Functions and rules are made once; memory and
/// disk are bounded for all together.
pub(super) struct Sessions {
    base: SessionState,
    duckdb: Arc<dyn ForeignTables>,
    database: String,
}

impl Sessions {
    pub(super) fn new(
        duckdb: Arc<dyn ForeignTables>,
        settings: &Settings,
        threads: usize,
    ) -> Result<Self> {
        let mut config = SessionConfig::new()
            .with_target_partitions(threads)
            .with_create_default_catalog_and_schema(false)
            .with_information_schema(false)
            .with_default_catalog_and_schema(&settings.database, SEARCH_PATH);
        set_options(config.options_mut());
        // First, before other rules move expressions into scans.
        let mut rules = PhysicalOptimizer::new().rules;
        rules.insert(0, Arc::new(CheckedArithmetic));
        let base = SessionStateBuilder::new()
            .with_default_features()
            .with_config(config)
            .with_runtime_env(runtime_env(settings)?)
            .with_physical_optimizer_rules(rules)
            .build();
        Ok(Sessions { base, duckdb, database: settings.database.clone() })
    }

    /// Makes the session of one statement.
    pub(super) fn state(&self, context: &QueryContext, snapshot: &Snapshot) -> SessionState {
        let mut config = self.base.config().clone();
        config.options_mut().execution.time_zone = Some(context.time_zone.clone());
        let catalogs =
            catalog_list(&self.database, snapshot.clone(), Arc::clone(&self.duckdb), context);
        SessionStateBuilder::new_from_existing(self.base.clone())
            .with_config(config)
            .with_catalog_list(catalogs)
            .with_type_planner(Arc::new(PgTypePlanner {
                time_zone: context.time_zone.as_str().into(),
            }))
            .build()
    }
}

fn set_options(options: &mut ConfigOptions) {
    options.sql_parser.dialect = Dialect::PostgreSQL;
    options.sql_parser.enable_ident_normalization = true;
    // As decimals they lose digits: CASE and UNION with integers take the integers' scale, 0.
    options.sql_parser.parse_float_as_decimal = false;
    // It pushes a LIMIT below count(*) OVER (), which then counts what is left.
    options.optimizer.enable_window_limits = false;
    options.sql_parser.default_null_ordering = "nulls_max".to_owned();
    // The datasets' scan makes its own pieces (`dataset_table.rs`).
    options.optimizer.repartition_file_scans = false;
    // The metadata of fields, which carries PostgreSQL's types, is not kept the same by every
    // rule; the check would refuse plans for it.
    options.execution.skip_physical_aggregate_schema_check = true;
}

fn runtime_env(settings: &Settings) -> Result<Arc<RuntimeEnv>> {
    std::fs::create_dir_all(&settings.spill_dir)
        .map_err(|error| Error::io("could not create the spill directory", &error))?;
    let pool = FairSpillPool::new(settings.memory_mib << 20);
    // Five names in a message are enough to see who holds the memory.
    let five = std::num::NonZeroUsize::MIN.saturating_add(4);
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(TrackConsumersPool::new(pool, five)))
        .with_temp_file_path(&settings.spill_dir)
        .with_max_temp_directory_size((settings.spill_max_mib as u64) << 20)
        .build_arc()
        .map_err(|error| translate(&error))
}
