//! SQL text and its tree: what is done to a client's statement before an engine sees it.

pub mod rewrite;
