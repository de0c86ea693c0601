//! Changes of datasets, and the materialized views that read them.

use super::Writer;
use super::followed::tell;
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::{Body, DatasetChange, Intent, Storage, TagKind};
use crate::pipeline::{Moved, View};
use crate::sql::{Definition, Dropped};
use crate::sqlstate::SqlState;

impl Writer {
    /// Lets the views that read a dataset know that it has changed. After it is applied.
    pub(super) fn note_dataset(&self, intent: &Intent) {
        let names: Vec<&TableName> = match &intent.body {
            Body::Dataset(
                DatasetChange::Drop { names, .. } | DatasetChange::Truncate { names },
            ) => names.iter().collect(),
            Body::Dataset(DatasetChange::Rename { from, to }) => vec![from, to],
            body if body.storage() == Some(Storage::Arrow) => body.tables(),
            _ => return,
        };
        let datasets = &self.targets.datasets;
        // An UPDATE that finds no row changes nothing.
        let changed = names.into_iter().filter(|name| datasets.was_applied(intent.seq, name));
        let moved = Moved { inputs: changed.cloned().collect(), ..Moved::default() };
        tell(&self.targets, &moved, intent.seq);
    }

    /// Drops the views that read datasets which are to be dropped, or refuses. They are gone before
    /// the datasets: after a crash between the two the intent is applied again, and finds none.
    pub(super) fn drop_readers(
        &mut self,
        intent: &Intent,
        names: &[TableName],
        cascade: bool,
    ) -> Result<()> {
        let graph = self.targets.pipelines.graph();
        let readers =
            || names.iter().flat_map(|name| graph.readers_of(name).map(move |v| (name, v)));
        match readers().next() {
            None => return Ok(()),
            Some((name, view)) if !cascade => return Err(still_read(name, view)),
            Some(_) => {}
        }
        let views = readers().map(|(_, view)| vec![view.stored.name.clone()]).collect();
        let change = Definition::Drop {
            kind: Dropped::MaterializedView,
            names: views,
            if_exists: true,
            cascade: true,
        };
        let body = Body::Define {
            changes: vec![change],
            table: None,
            tag: TagKind::Fixed("DROP MATERIALIZED VIEW".to_owned()),
            computed: None,
        };
        self.applier.begin()?;
        let done = self.applier.apply(&intent.origin, &body);
        match done.and_then(|_| self.applier.settle()) {
            Ok(()) => {
                self.applier.connection.commit(intent.seq)?;
                self.applier.settled(intent.seq);
                Ok(())
            }
            Err(error) => {
                self.applier.connection.rollback()?;
                self.applier.upkeep.undone();
                Err(error)
            }
        }
    }

    /// Refuses to rename a dataset that views read.
    pub(super) fn refuse_rename(&self, from: &TableName) -> Result<()> {
        let graph = self.targets.pipelines.graph();
        match graph.readers_of(from).next() {
            None => Ok(()),
            Some(view) => Err(Error::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!(
                    "cannot rename \"{}\": the materialized view \"{}\" reads it by this name",
                    from.table, view.stored.name.table
                ),
            )),
        }
    }
}

fn still_read(name: &TableName, view: &View) -> Error {
    Error::new(
        SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
        format!("cannot drop table {} because other objects depend on it", name.table),
    )
    .with_detail(format!(
        "materialized view {} depends on table {}",
        view.stored.name.table, name.table
    ))
    .with_hint("Use DROP ... CASCADE to drop the dependent objects too.")
}
