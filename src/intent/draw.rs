//! What a write's rows take from sequences, so that its session can ask `currval` afterwards.

use serde::{Deserialize, Serialize};

use super::body::Body;
use crate::ids::TableName;
use crate::types::Column;

/// A sequence that the rows of a write draw from, because they leave a column to its default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draw {
    pub sequence: TableName,
    /// The column that holds what was drawn; `None` where no column tells it.
    pub column: Option<Column>,
}

/// The last value that a write took from a sequence.
pub type Drawn = (TableName, i64);

impl Body {
    /// Returns the sequences that the rows draw from.
    pub fn draws(&self) -> &[Draw] {
        match self {
            Body::Statement { draws, .. } | Body::Rows { draws, .. } => draws,
            Body::Values(values) => &values.target.draws,
            _ => &[],
        }
    }
}
