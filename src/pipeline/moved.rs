//! What a transaction has done to views, to what they read, and by triggers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ids::TableName;
use crate::intent::AsOf;
use crate::notification::NoticeText;
use crate::outbox::Draft;

/// What a transaction has done.
#[derive(Clone, Debug, Default)]
pub struct Moved {
    /// The views that have changed, each with how many of its rows were written.
    pub views: BTreeMap<TableName, u64>,
    /// The tables that were changed and are read by views.
    pub inputs: BTreeSet<TableName>,
    /// The views over datasets that were computed, each with what its query has seen.
    pub computed: BTreeMap<TableName, AsOf>,
    /// The triggers that have run, by their tables and names.
    pub triggers: BTreeMap<(TableName, String), Runs>,
    /// What is told when it commits.
    pub notices: Vec<NoticeText>,
    /// The files that get their names then; they are deleted if nobody gives them.
    pub files: Vec<Arc<Draft>>,
    /// How many deliveries to datasets it has kept.
    pub deliveries: usize,
}

/// What a trigger has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    pub runs: u64,
    /// The rows that it has changed.
    pub rows: u64,
}

impl Moved {
    /// Adds what another part of the transaction has done.
    pub fn and(&mut self, other: Moved) {
        for (view, rows) in other.views {
            *self.views.entry(view).or_default() += rows;
        }
        self.inputs.extend(other.inputs);
        self.computed.extend(other.computed);
        for (trigger, more) in other.triggers {
            let known = self.triggers.entry(trigger).or_default();
            known.runs += more.runs;
            known.rows += more.rows;
        }
        self.files.extend(other.files);
        self.deliveries += other.deliveries;
        other.notices.into_iter().for_each(|notice| self.add_notice(notice));
    }

    /// Adds what is told when the transaction commits: equal things are told once.
    pub fn add_notice(&mut self, notice: NoticeText) {
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }
}
