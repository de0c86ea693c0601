//! `CALL teatree.retry_intent(seq)`: a failed intent once more, as a new one. The session runs it.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};

use super::{Procedure, Progress, Stores, Turn, applied};
use crate::error::{Error, Result};
use crate::ids::IntentSeq;
use crate::intent::{Applied, Body, Intent};
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType, Value};

pub(super) struct RetryIntent;

impl Procedure for RetryIntent {
    fn name(&self) -> &'static str {
        "retry_intent"
    }

    fn params(&self) -> &'static [&'static str] {
        &["seq"]
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::new("seq", PgType::INT8),
            Column::new("retry_of", PgType::INT8),
            Column::new("tag", PgType::TEXT),
            Column::new("rows", PgType::INT8),
        ]
    }

    fn check(&self, _: &Stores, args: &[Value]) -> Result<()> {
        place(args).map(|_| ())
    }

    fn resubmits(&self, args: &[Value]) -> Option<IntentSeq> {
        place(args).ok()
    }

    fn run(&self, _: &Stores, _: &mut Turn<'_>, _: &[Value]) -> Result<Progress> {
        Err(Error::internal("retry_intent came to the Writer"))
    }
}

fn place(args: &[Value]) -> Result<IntentSeq> {
    let number = match args.first() {
        Some(Value::Int8(number)) => u64::try_from(*number).ok(),
        Some(Value::Int4(number)) => u64::try_from(*number).ok(),
        Some(Value::Int2(number)) => u64::try_from(*number).ok(),
        // What drivers send that do not say a type.
        Some(Value::Text(text)) => text.trim().parse().ok(),
        _ => None,
    };
    number.map(IntentSeq).ok_or_else(|| {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "argument seq must be the number of an intent",
        )
    })
}

/// Checks that an intent can be applied at another turn.
///
/// # Errors
/// 55000 for a transaction's COMMIT, whose statements saw what is gone.
pub fn check_retry(intent: &Intent) -> Result<()> {
    match intent.body {
        Body::Transaction { .. } => Err(Error::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("intent {} cannot be retried: it is a transaction", intent.seq),
        )
        .with_hint("Run the transaction again.")),
        _ => Ok(()),
    }
}

/// Makes the outcome of a call whose intent was applied.
pub fn retried(failed: IntentSeq, seq: IntentSeq, done: &Applied) -> Result<Applied> {
    let int = |value: u64| Int64Array::from(vec![i64::try_from(value).unwrap_or(i64::MAX)]);
    let field = |name: &str, kind| Field::new(name, kind, false);
    let schema = Schema::new(vec![
        field("seq", DataType::Int64),
        field("retry_of", DataType::Int64),
        field("tag", DataType::Utf8),
        field("rows", DataType::Int64),
    ]);
    let batch = RecordBatch::try_new(
        Arc::new(schema),
        vec![
            Arc::new(int(seq.0)),
            Arc::new(int(failed.0)),
            Arc::new(StringArray::from(vec![done.tag.clone()])),
            Arc::new(int(done.rows)),
        ],
    )
    .map_err(|error| Error::internal(error.to_string()))?;
    applied(RetryIntent.columns(), &batch)
}
