//! The kinds of objects that statements name.

use sqlparser::ast;

use crate::error::{Error, Result};

/// What DROP drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    Table,
    View,
    MaterializedView,
    Index,
    Schema,
    Sequence,
    Type,
}

/// Tells what a DROP is about.
///
/// # Errors
/// 0A000 for kinds that are not here.
pub(super) fn object_kind(kind: ast::ObjectType) -> Result<ObjectKind> {
    Ok(match kind {
        ast::ObjectType::Table => ObjectKind::Table,
        ast::ObjectType::View => ObjectKind::View,
        ast::ObjectType::MaterializedView => ObjectKind::MaterializedView,
        ast::ObjectType::Index => ObjectKind::Index,
        ast::ObjectType::Schema => ObjectKind::Schema,
        ast::ObjectType::Sequence => ObjectKind::Sequence,
        ast::ObjectType::Type => ObjectKind::Type,
        other => return Err(Error::unsupported(format!("DROP {other} is not supported"))),
    })
}
