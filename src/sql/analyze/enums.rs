//! The users' enums that the columns of a statement's tables have.

use std::collections::HashMap;

use super::{Relations, UNKNOWN};
use crate::types::{PgType, ScalarType};

/// The enums by their OIDs.
#[derive(Debug, Default)]
pub(super) struct Enums {
    /// DuckDB's name of each, quoted.
    names: HashMap<u32, String>,
}

impl Enums {
    /// Gathers those of the tables.
    pub(super) fn of(relations: &Relations) -> Enums {
        let columns = relations.values().flat_map(|columns| columns.iter());
        let named = columns.filter_map(|column| {
            let ScalarType::Enum(oid) = column.pg_type?.0.scalar() else { return None };
            Some((oid, column.enum_name.clone()?))
        });
        Enums { names: named.collect() }
    }

    /// Returns DuckDB's name of the enum that has this OID, or of the array type over one.
    pub(super) fn name(&self, oid: u32) -> Option<String> {
        self.names.iter().find_map(|(&of, name)| match ScalarType::Enum(of) {
            scalar if scalar.oid() == oid => Some(name.clone()),
            scalar if scalar.array_oid() == oid => Some(format!("{name}[]")),
            _ => None,
        })
    }

    /// Finds the type that has an OID; a literal's own is text.
    pub(super) fn pg_type(&self, oid: u32) -> Option<PgType> {
        if oid == UNKNOWN {
            return Some(PgType::TEXT);
        }
        PgType::from_oid(oid).or_else(|| {
            let enums = self.names.keys().map(|&of| ScalarType::Enum(of));
            let types = enums.flat_map(|of| [PgType::Scalar(of), PgType::Array(of)]);
            types.into_iter().find(|pg_type| pg_type.oid() == oid)
        })
    }
}
