//! Rows that draw from sequences. Their session asks `currval` afterwards, and other sessions draw
//! from the same sequences meanwhile; so the values are drawn before the rows are appended, or the
//! statement tells those of its own rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};

use super::applier::{Applier, applied};
use crate::catalog::duckdb_table;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::{Applied, Draw, Drawn, ResultSet, TagKind};
use crate::sqlstate::SqlState;
use crate::types::{self, Column, PgType, Value};

/// What rows have drawn: for each sequence one value a row.
#[derive(Default)]
pub(super) struct DrawnRows(Vec<(TableName, Column, Vec<i64>)>);

impl DrawnRows {
    /// The columns that hold the values.
    pub(super) fn columns(&self) -> impl Iterator<Item = Column> + '_ {
        self.0.iter().map(|(_, column, _)| column.clone())
    }

    /// The values of one row.
    pub(super) fn row(&self, place: usize) -> Result<Vec<Value>> {
        let value = |(_, column, values): &(_, Column, Vec<i64>)| {
            let value = values.get(place).copied();
            value.and_then(|value| fit(column.pg_type, value)).ok_or_else(|| too_large(column))
        };
        self.0.iter().map(value).collect()
    }

    /// What each sequence gave last to the first `count` rows.
    pub(super) fn last_of(&self, count: usize) -> Vec<Drawn> {
        let last = |(sequence, _, values): &(TableName, _, Vec<i64>)| {
            Some((sequence.clone(), *values.get(count.checked_sub(1)?)?))
        };
        self.0.iter().filter_map(last).collect()
    }
}

/// How a statement that tells what it draws is run.
pub(super) struct Drawing<'a> {
    pub(super) draws: &'a [Draw],
    /// The client sees the rest of its RETURNING.
    pub(super) shows: bool,
    pub(super) rows_max: usize,
}

impl Applier {
    /// Draws one value a row from each sequence whose column is known.
    pub(super) fn draw(&mut self, draws: &[Draw], count: usize) -> Result<DrawnRows> {
        let mut drawn = DrawnRows::default();
        for draw in draws {
            let Some(column) = &draw.column else { continue };
            let name = duckdb_table(&draw.sequence).replace('\'', "''");
            let sql = format!("SELECT nextval('{name}') FROM range($1)");
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            let values = self.connection.numbers(&sql, &[Value::Int8(count)])?;
            drawn.0.push((draw.sequence.clone(), column.clone(), values));
        }
        Ok(drawn)
    }

    /// Appends batches whose rows draw.
    pub(super) fn append_drawing(
        &mut self,
        table: &TableName,
        columns: &[String],
        batches: Vec<RecordBatch>,
        tag: &TagKind,
        draws: &[Draw],
    ) -> Result<Applied> {
        let count: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let drawn = self.draw(draws, count)?;
        let names: Vec<String> =
            columns.iter().cloned().chain(drawn.columns().map(|column| column.name)).collect();
        let mut start = 0;
        let mut widened = batches.into_iter().map(|batch| {
            let widened = widen(&batch, &drawn, start);
            start += batch.num_rows();
            widened
        });
        let rows = self.connection.append(table, &names, &mut widened)?;
        Ok(Applied { drawn: drawn.last_of(count), ..applied(tag, rows) })
    }

    /// Runs an INSERT whose last columns of RETURNING are what it draws.
    pub(super) fn apply_drawing(
        &mut self,
        sql: &str,
        params: &[Value],
        tag: &TagKind,
        drawing: &Drawing<'_>,
    ) -> Result<Applied> {
        let told: Vec<&Draw> = drawing.draws.iter().filter(|draw| draw.column.is_some()).collect();
        let changed = match drawing.shows {
            true => self.connection.execute(sql, params, drawing.rows_max)?,
            false => self.connection.execute_for_last(sql, params)?,
        };
        let Some((columns, schema, batches)) = changed.returned else {
            return Ok(applied(tag, changed.rows));
        };
        let width = columns.len().saturating_sub(told.len());
        let last = batches.iter().rev().find(|batch| batch.num_rows() > 0);
        let drawn = told.iter().enumerate().filter_map(|(place, draw)| {
            Some((draw.sequence.clone(), last_number(last?.column(width + place))?))
        });
        let mut done = Applied { drawn: drawn.collect(), ..applied(tag, changed.rows) };
        if drawing.shows {
            let kept: Vec<usize> = (0..width).collect();
            let projected = |error: arrow::error::ArrowError| Error::internal(error.to_string());
            let schema = schema.project(&kept).map_err(projected)?;
            let batches: Vec<RecordBatch> = batches
                .iter()
                .map(|batch| batch.project(&kept).map_err(projected))
                .collect::<Result<_>>()?;
            done.result = Some(ResultSet::new(columns[..width].to_vec(), &schema, &batches)?);
        }
        Ok(done)
    }
}

fn last_number(column: &ArrayRef) -> Option<i64> {
    let numbers = cast(column, &DataType::Int64).ok()?;
    let numbers = numbers.as_primitive_opt::<Int64Type>()?;
    let last = numbers.len().checked_sub(1)?;
    numbers.is_valid(last).then(|| numbers.value(last))
}

/// Adds drawn values to a batch, from the one of the row `start` on.
fn widen(batch: &RecordBatch, drawn: &DrawnRows, start: usize) -> Result<RecordBatch> {
    let mut fields = batch.schema().fields().to_vec();
    let mut arrays = batch.columns().to_vec();
    for (_, column, values) in &drawn.0 {
        let field = types::storage_field(column, false)?;
        let values = values.get(start..start + batch.num_rows()).unwrap_or_default();
        if values.iter().any(|value| fit(column.pg_type, *value).is_none()) {
            return Err(too_large(column));
        }
        let numbers: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
        let numbers = cast(&numbers, field.data_type());
        arrays.push(numbers.map_err(|error| Error::internal(error.to_string()))?);
        fields.push(Arc::new(Field::clone(&field)));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| Error::internal(error.to_string()))
}

fn fit(pg_type: PgType, value: i64) -> Option<Value> {
    match pg_type {
        PgType::INT2 => value.try_into().ok().map(Value::Int2),
        PgType::INT4 => value.try_into().ok().map(Value::Int4),
        _ => Some(Value::Int8(value)),
    }
}

fn too_large(column: &Column) -> Error {
    Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("{} out of range", column.pg_type.sql_name()),
    )
}
