//! What one worker was promised, and what may be there besides.

use std::collections::BTreeMap;

/// A table's rows of one worker, by id.
pub type Rows = BTreeMap<i64, String>;

/// One step of what an operation changes.
#[derive(Clone, Debug)]
pub enum Change {
    Put(String, i64, String),
    Remove(String, i64),
    Create(String),
    Rename(String, String),
    Drop(String),
}

/// What a worker's rows are: by table, by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State(pub BTreeMap<String, Rows>);

/// What is there: as `State`, but a row that is there twice shows.
pub type Found = BTreeMap<String, Vec<(i64, String)>>;

impl State {
    pub fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match change.clone() {
                Change::Put(table, id, v) => {
                    self.0.entry(table).or_default().insert(id, v);
                }
                Change::Remove(table, id) => {
                    self.0.get_mut(&table).unwrap().remove(&id);
                }
                Change::Create(table) => {
                    self.0.insert(table, Rows::new());
                }
                Change::Rename(from, to) => {
                    let rows = self.0.remove(&from).unwrap();
                    self.0.insert(to, rows);
                }
                Change::Drop(table) => {
                    self.0.remove(&table);
                }
            }
        }
    }

    pub fn rows(&self, table: &str) -> Option<&Rows> {
        self.0.get(table)
    }

    /// Whether exactly this is there. A table without a row of the worker may show or not, unless
    /// it is the worker's own.
    pub fn is(&self, found: &Found) -> bool {
        self.difference(found).is_none()
    }

    /// Says the first difference.
    pub fn difference(&self, found: &Found) -> Option<String> {
        let own = |name: &str| name.starts_with("own_");
        for (name, rows) in found {
            let Some(wanted) = self.rows(name) else {
                if rows.is_empty() && !own(name) {
                    continue;
                }
                return Some(format!("{name} is there, with {} rows", rows.len()));
            };
            let wanted: Vec<_> = wanted.iter().map(|(id, v)| (*id, v.clone())).collect();
            if wanted != *rows {
                let lost = wanted.iter().filter(|row| !rows.contains(row)).take(5);
                let extra = rows.iter().filter(|row| !wanted.contains(row)).take(5);
                let (lost, extra): (Vec<_>, Vec<_>) = (lost.collect(), extra.collect());
                return Some(format!(
                    "{name} has {} rows, want {}; lost {lost:?}, extra {extra:?}",
                    rows.len(),
                    wanted.len()
                ));
            }
        }
        let missing = self
            .0
            .iter()
            .find(|(name, rows)| !found.contains_key(*name) && (own(name) || !rows.is_empty()));
        missing.map(|(name, _)| format!("{name} is missing"))
    }
}

/// One operation: what is sent, and what it changes when it succeeds.
#[derive(Clone, Debug)]
pub struct Op {
    /// In the text of the statement, and nowhere else.
    pub marker: String,
    pub sql: String,
    /// Parameters, for the extended protocol.
    pub params: Option<Vec<String>>,
    pub copy: Option<Vec<u8>>,
    pub changes: Vec<Change>,
    /// The SQLSTATE that it must fail with.
    pub refusal: Option<&'static str>,
}

/// How an operation of this round ended, as `teatree.intents` must say too.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    Acknowledged,
    Refused(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rows: &[(i64, &str)]) -> Found {
        let rows = rows.iter().map(|(id, v)| (*id, (*v).to_owned())).collect();
        Found::from([("plain".to_owned(), rows)])
    }

    #[test]
    fn the_model_sees_what_is_lost_doubled_and_invented() {
        let mut state = State::default();
        let put = |id, v: &str| Change::Put("plain".to_owned(), id, v.to_owned());
        state.apply(&[put(1, "a"), put(2, "b")]);
        assert!(state.is(&found(&[(1, "a"), (2, "b")])));
        assert!(!state.is(&found(&[(1, "a")])));
        assert!(!state.is(&found(&[(1, "a"), (2, "b"), (2, "b")])));
        assert!(!state.is(&found(&[(1, "a"), (2, "c")])));
        assert!(!state.is(&found(&[(1, "a"), (2, "b"), (3, "c")])));
        assert!(!state.is(&Found::new()));
        state.apply(&[Change::Create("own_1".to_owned())]);
        assert!(!state.is(&found(&[(1, "a"), (2, "b")])), "an own table is missing");
        state.apply(&[Change::Drop("own_1".to_owned()), Change::Remove("plain".to_owned(), 2)]);
        assert!(state.is(&found(&[(1, "a")])));
    }
}
