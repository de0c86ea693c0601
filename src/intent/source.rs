//! Where rows came from that were ingested, and those of them that their table does not take: what
//! the Writer writes down in the transaction of the rows.

use serde::{Deserialize, Serialize};

use super::body::Body;
use super::tag::TagKind;
use crate::sqlstate::SqlState;

/// A file or an upload whose rows an intent brings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The file's path in the inbox, or the request.
    pub name: String,
    /// The rule that took it.
    pub rule: Option<String>,
    /// SHA-256 of the content, in hex.
    pub hash: String,
    /// The same content goes into the table once: the intent of a second one fails with
    /// [`SqlState::DUPLICATE_OBJECT`].
    pub once: bool,
    /// Rows that the table takes.
    pub rows: u64,
    pub rejects: Vec<Reject>,
}

/// A row that was put aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reject {
    /// The line of a text, the row of another file; from 1.
    pub row: u64,
    pub column: Option<String>,
    /// The row as it stood in a text; as JSON where it came in another form.
    pub raw: String,
    pub sqlstate: SqlState,
    pub reason: String,
}

impl Reject {
    /// Tells about how many bytes it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Reject>() + self.raw.len() + self.reason.len()
    }
}

impl Source {
    /// Tells about how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.name.len() + self.rejects.iter().map(Reject::bytes).sum::<usize>()
    }

    /// The tag of the intent that brings the rows.
    pub fn tag(&self) -> TagKind {
        let tag = IngestTag { rows: self.rows, rejected: self.rejects.len() as u64 };
        TagKind::Fixed(tag.to_string())
    }
}

/// The command tag of an ingest: `INGEST rows rejected`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IngestTag {
    pub rows: u64,
    pub rejected: u64,
}

impl std::fmt::Display for IngestTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "INGEST {} {}", self.rows, self.rejected)
    }
}

impl IngestTag {
    /// Reads a tag back; `None` for another command's.
    pub fn parse(tag: &str) -> Option<IngestTag> {
        let (rows, rejected) = tag.strip_prefix("INGEST ")?.split_once(' ')?;
        Some(IngestTag { rows: rows.parse().ok()?, rejected: rejected.parse().ok()? })
    }
}

impl Body {
    /// Returns what the rows were ingested from.
    pub fn source(&self) -> Option<&Source> {
        match self {
            Body::Rows { source, .. } => source.as_deref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_as_it_was_written() {
        let tag = IngestTag { rows: 7, rejected: 2 };
        assert_eq!(tag.to_string(), "INGEST 7 2");
        assert_eq!(IngestTag::parse("INGEST 7 2"), Some(tag));
        assert_eq!(IngestTag::parse("COPY 7"), None);
    }
}
