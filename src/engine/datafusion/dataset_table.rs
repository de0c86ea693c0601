//! A dataset as a table of DataFusion: one pinned state, read through the Arrow file source.
//!
//! Whole parts are skipped by the manifest's bounds; the filter itself runs again above. Parts
//! are spread over partitions here: whole files where there are enough of them, which are then
//! read record batch by record batch, else ranges of files.

use std::sync::Arc;

use ::datafusion::catalog::{Session, TableProvider};
use ::datafusion::common::pruning::PrunableStatistics;
use ::datafusion::common::stats::Precision;
use ::datafusion::common::{ColumnStatistics, DFSchema, ScalarValue, Statistics};
use ::datafusion::datasource::TableType;
use ::datafusion::datasource::listing::PartitionedFile;
use ::datafusion::datasource::physical_plan::{
    ArrowSource, FileGroup, FileScanConfigBuilder, FileSource,
};
use ::datafusion::datasource::source::DataSourceExec;
use ::datafusion::datasource::table_schema::TableSchema;
use ::datafusion::error::DataFusionError;
use ::datafusion::execution::object_store::ObjectStoreUrl;
use ::datafusion::logical_expr::utils::conjunction;
use ::datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use ::datafusion::object_store::path::Path as StorePath;
use ::datafusion::physical_expr::PhysicalExpr;
use ::datafusion::physical_expr::expressions::{CastExpr, Column};
use ::datafusion::physical_optimizer::pruning::PruningPredicate;
use ::datafusion::physical_plan::ExecutionPlan;
use ::datafusion::physical_plan::empty::EmptyExec;
use ::datafusion::physical_plan::projection::ProjectionExec;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;

use crate::dataset::{Bound, Part, PinnedDataset};
use crate::error::Result;

/// A file smaller than this is not worth splitting over partitions.
const SPLIT_BYTES_MIN: u64 = 4 << 20;

/// One state of a dataset.
#[derive(Debug)]
pub(super) struct DatasetTable {
    pin: PinnedDataset,
    /// As the files have it.
    file_schema: SchemaRef,
    /// With `timestamptz` in the session's time zone, so that its date and its text are local.
    schema: SchemaRef,
    /// One for each part, in the session's schema.
    part_statistics: Vec<Arc<Statistics>>,
}

impl DatasetTable {
    pub(super) fn new(pin: PinnedDataset, time_zone: &str) -> Result<Self> {
        let file_schema = pin.read_schema()?;
        let schema = Arc::new(in_time_zone(&file_schema, time_zone));
        let part_statistics =
            pin.parts.iter().map(|part| Arc::new(statistics_of(part, &schema))).collect();
        Ok(DatasetTable { pin, file_schema, schema, part_statistics })
    }

    /// The places of the parts that may hold a row for these filters.
    fn matching_parts(
        &self,
        state: &dyn Session,
        filters: &[Expr],
    ) -> Result<Vec<usize>, DataFusionError> {
        let all = 0..self.pin.parts.len();
        let Some(filter) = conjunction(filters.to_vec()) else { return Ok(all.collect()) };
        let df_schema = DFSchema::try_from(Arc::clone(&self.schema))?;
        let predicate = state.create_physical_expr(filter, &df_schema)?;
        let Ok(predicate) = PruningPredicate::try_new(predicate, Arc::clone(&self.schema)) else {
            return Ok(all.collect());
        };
        let statistics =
            PrunableStatistics::new(self.part_statistics.clone(), Arc::clone(&self.schema));
        // A filter that cannot be judged keeps every part.
        match predicate.prune(&statistics) {
            Ok(keep) => Ok(all.zip(keep).filter_map(|(at, keep)| keep.then_some(at)).collect()),
            Err(_) => Ok(all.collect()),
        }
    }

    fn files(&self, parts: &[usize]) -> Result<Vec<PartitionedFile>, DataFusionError> {
        let paths = self.pin.part_paths();
        let mut files = Vec::with_capacity(parts.len());
        for &at in parts {
            let (Some(path), Some(part)) = (paths.get(at), self.pin.parts.get(at)) else {
                continue;
            };
            let path = StorePath::from_absolute_path(path)
                .map_err(|error| DataFusionError::External(Box::new(error)))?;
            let mut file = PartitionedFile::new("", part.bytes);
            file.object_meta.location = path;
            files.push(file);
        }
        Ok(files)
    }
}

#[async_trait]
impl TableProvider for DatasetTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let parts = self.matching_parts(state, filters)?;
        let wanted = match projection {
            Some(projection) => Arc::new(self.schema.project(projection)?),
            None => Arc::clone(&self.schema),
        };
        if parts.is_empty() {
            // A scan of no files has no partition, which a sort above a filter does not bear.
            return Ok(Arc::new(EmptyExec::new(wanted)));
        }
        let groups = spread(self.files(&parts)?, state.config().target_partitions());
        let statistics =
            total(parts.iter().filter_map(|at| self.part_statistics.get(*at)), &self.schema);
        let table_schema = TableSchema::from_file_schema(Arc::clone(&self.file_schema));
        let source: Arc<dyn FileSource> = Arc::new(ArrowSource::new_file_source(table_schema));
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        let scan = DataSourceExec::from_data_source(config);
        in_schema(scan, &wanted)
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(total(self.part_statistics.iter(), &self.schema))
    }
}

fn in_time_zone(schema: &Schema, time_zone: &str) -> Schema {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| match field.data_type() {
            DataType::Timestamp(unit, Some(_)) => {
                let local = DataType::Timestamp(*unit, Some(time_zone.into()));
                field.as_ref().clone().with_data_type(local)
            }
            _ => field.as_ref().clone(),
        })
        .collect();
    Schema::new(fields)
}

/// Puts casts above a scan where its types are not the wanted ones.
fn in_schema(
    scan: Arc<dyn ExecutionPlan>,
    wanted: &Schema,
) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let have = scan.schema();
    let same = |(have, wanted): (&Arc<Field>, &Arc<Field>)| have.data_type() == wanted.data_type();
    if have.fields().iter().zip(wanted.fields()).all(same) {
        return Ok(scan);
    }
    let columns = have.fields().iter().zip(wanted.fields()).enumerate();
    let exprs: Vec<(Arc<dyn PhysicalExpr>, String)> = columns
        .map(|(at, (have, wanted))| {
            let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(have.name(), at));
            let expr = if have.data_type() == wanted.data_type() {
                column
            } else {
                Arc::new(CastExpr::new(column, wanted.data_type().clone(), None))
            };
            (expr, have.name().clone())
        })
        .collect();
    Ok(Arc::new(ProjectionExec::try_new(exprs, scan)?))
}

/// Spreads files over partitions by bytes. The order of rows across partitions is free in SQL.
fn spread(files: Vec<PartitionedFile>, partitions: usize) -> Vec<FileGroup> {
    let partitions = partitions.max(1);
    let mut pieces = Vec::with_capacity(files.len());
    let enough = files.len() >= partitions;
    for file in files {
        let bytes = file.object_meta.size;
        if enough || bytes < SPLIT_BYTES_MIN {
            pieces.push((bytes, file));
            continue;
        }
        let step = bytes.div_ceil(partitions as u64);
        for from in (0..bytes).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
            let until = (from + step).min(bytes);
            let (Ok(start), Ok(end)) = (i64::try_from(from), i64::try_from(until)) else {
                continue;
            };
            pieces.push((until - from, file.clone().with_range(start, end)));
        }
    }
    let mut groups: Vec<(u64, Vec<PartitionedFile>)> =
        vec![(0, Vec::new()); partitions.min(pieces.len())];
    for (bytes, piece) in pieces {
        if let Some(lightest) = groups.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            lightest.0 += bytes;
            lightest.1.push(piece);
        }
    }
    groups.into_iter().map(|(_, files)| FileGroup::new(files)).collect()
}

fn statistics_of(part: &Part, schema: &Schema) -> Statistics {
    let rows = exact(part.rows);
    let columns = part.stats.iter().zip(schema.fields()).map(|(stats, field)| {
        let bound = |bound: &Option<Bound>| {
            let value = bound.as_ref().and_then(|bound| bound_value(bound, field.data_type()));
            value.map_or(Precision::Absent, Precision::Exact)
        };
        ColumnStatistics {
            null_count: exact(stats.nulls),
            min_value: bound(&stats.min),
            max_value: bound(&stats.max),
            ..ColumnStatistics::new_unknown()
        }
    });
    Statistics {
        num_rows: rows,
        total_byte_size: exact(part.bytes).to_inexact(),
        column_statistics: columns.collect(),
    }
}

fn exact(number: u64) -> Precision<usize> {
    usize::try_from(number).map_or(Precision::Absent, Precision::Exact)
}

fn bound_value(bound: &Bound, data_type: &DataType) -> Option<ScalarValue> {
    Some(match (bound, data_type) {
        (Bound::Bool(value), DataType::Boolean) => ScalarValue::Boolean(Some(*value)),
        (Bound::Int(value), DataType::Int8) => ScalarValue::Int8(Some((*value).try_into().ok()?)),
        (Bound::Int(value), DataType::Int16) => ScalarValue::Int16(Some((*value).try_into().ok()?)),
        (Bound::Int(value), DataType::Int32) => ScalarValue::Int32(Some((*value).try_into().ok()?)),
        (Bound::Int(value), DataType::Int64) => ScalarValue::Int64(Some(*value)),
        (Bound::Int(value), DataType::UInt8) => ScalarValue::UInt8(Some((*value).try_into().ok()?)),
        (Bound::Int(value), DataType::UInt16) => {
            ScalarValue::UInt16(Some((*value).try_into().ok()?))
        }
        (Bound::Int(value), DataType::UInt32) => {
            ScalarValue::UInt32(Some((*value).try_into().ok()?))
        }
        (Bound::Int(value), DataType::Date32) => {
            ScalarValue::Date32(Some((*value).try_into().ok()?))
        }
        (Bound::Int(value), DataType::Timestamp(_, zone)) => {
            ScalarValue::TimestampMicrosecond(Some(*value), zone.clone())
        }
        (Bound::Float(value), DataType::Float32) => ScalarValue::Float32(Some(value.parse().ok()?)),
        (Bound::Float(value), DataType::Float64) => ScalarValue::Float64(Some(value.parse().ok()?)),
        (Bound::Text(value), DataType::LargeUtf8) => ScalarValue::LargeUtf8(Some(value.clone())),
        _ => return None,
    })
}

/// Joins the statistics of parts. A column of nothing but NULL has no bounds and spoils none.
fn total<'a>(parts: impl Iterator<Item = &'a Arc<Statistics>>, schema: &Schema) -> Statistics {
    let mut sum = Statistics {
        num_rows: Precision::Exact(0),
        total_byte_size: Precision::Inexact(0),
        column_statistics: vec![ColumnStatistics::new_unknown(); schema.fields().len()],
    };
    for column in &mut sum.column_statistics {
        column.null_count = Precision::Exact(0);
    }
    let mut valued = vec![false; schema.fields().len()];
    for part in parts {
        let columns = sum.column_statistics.iter_mut().zip(&mut valued);
        for ((column, valued), more) in columns.zip(&part.column_statistics) {
            let all_null = more.null_count == part.num_rows;
            if !all_null {
                if *valued {
                    column.min_value = column.min_value.min(&more.min_value);
                    column.max_value = column.max_value.max(&more.max_value);
                } else {
                    column.min_value = more.min_value.clone();
                    column.max_value = more.max_value.clone();
                    *valued = true;
                }
            }
            column.null_count = column.null_count.add(&more.null_count);
        }
        sum.num_rows = sum.num_rows.add(&part.num_rows);
        sum.total_byte_size = sum.total_byte_size.add(&part.total_byte_size);
    }
    sum
}
