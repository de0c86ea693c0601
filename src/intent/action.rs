//! What a trigger does, as the data file and the log keep it.

use serde::{Deserialize, Serialize};

use super::body::Body;
use crate::error::{Error, Result};
use crate::sqlstate::SqlState;

/// What a trigger does when it runs. Other kinds may be added, never taken away: data files have
/// them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Changes of DuckDB, made in their order. Their SQL has the names that stand for the
    /// transition tables ([`Trigger::new_rows`](crate::sql::trigger::Trigger::new_rows)).
    Bodies(Vec<Body>),
}

impl Action {
    /// Writes it as MessagePack: JSON has no word for every number.
    ///
    /// # Errors
    /// XX000 when it cannot be written.
    pub fn encode(&self) -> Result<Vec<u8>> {
        rmp_serde::to_vec_named(self)
            .map_err(|error| Error::internal(format!("an action cannot be encoded: {error}")))
    }

    /// Reads what [`Action::encode`] has written.
    ///
    /// # Errors
    /// XX001 when it is something else.
    pub fn decode(bytes: &[u8]) -> Result<Action> {
        rmp_serde::from_slice(bytes).map_err(|error| {
            Error::new(
                SqlState::DATA_CORRUPTED,
                format!("a trigger's action cannot be read: {error}"),
            )
        })
    }
}
