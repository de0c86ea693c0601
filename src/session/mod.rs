//! (empty until its commit)
