//! Triggers: CREATE, DROP, ALTER; what becomes of them when what they are about changes.

use super::{Definer, RelationKind, undefined};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::intent::Action;
use crate::pipeline::StoredTrigger;
use crate::sql::trigger::{Trigger, TriggerChange};
use crate::sql::{Definition, Routine, RoutineChange, SubjectKind};
use crate::sqlstate::SqlState;

impl Definer<'_> {
    /// Makes a change of triggers.
    pub(super) fn change_trigger(&mut self, change: &TriggerChange) -> Result<()> {
        match change {
            TriggerChange::Create { trigger, action, or_replace } => {
                self.create_trigger(trigger, action, *or_replace)
            }
            TriggerChange::Remake { trigger, action } => self.remake_trigger(trigger, action),
            TriggerChange::Drop { table, name, if_exists } => {
                let table = match self.table_of_trigger(table) {
                    Err(error) if *if_exists && error.code() == SqlState::UNDEFINED_TABLE => {
                        return Ok(());
                    }
                    found => found?,
                };
                match self.trigger(&table, name) {
                    Err(_) if *if_exists => Ok(()),
                    found => self.forget_trigger(&found?.trigger),
                }
            }
            TriggerChange::Rename { table, name, to } => {
                let table = self.table_of_trigger(table)?;
                let mut stored = self.trigger(&table, name)?;
                if self.trigger(&table, to).is_ok() {
                    return Err(exists(to, &table));
                }
                self.forget_trigger(&stored.trigger)?;
                self.move_part(SubjectKind::Trigger, &table, name, to)?;
                to.clone_into(&mut stored.trigger.name);
                stored.save(self.connection)
            }
            TriggerChange::Enable { table, if_exists, name, enabled } => {
                let table = match self.table_of_trigger(table) {
                    Err(error) if *if_exists && error.code() == SqlState::UNDEFINED_TABLE => {
                        return Ok(());
                    }
                    found => found?,
                };
                if let Some(name) = name {
                    self.trigger(&table, name)?;
                }
                for mut stored in self.triggers_on(&table)? {
                    if name.as_ref().is_none_or(|name| stored.trigger.name == *name) {
                        stored.trigger.enabled = *enabled;
                        stored.save(self.connection)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn create_trigger(&mut self, trigger: &Trigger, action: &[u8], or_replace: bool) -> Result<()> {
        self.table_of_trigger(std::slice::from_ref(&trigger.table))?;
        self.check_columns(trigger)?;
        self.check_routine(&trigger.routine)?;
        let mut trigger = trigger.clone();
        match self.trigger(&trigger.table, &trigger.name) {
            Ok(_) if !or_replace => return Err(exists(&trigger.name, &trigger.table)),
            // As in PostgreSQL, what was said of it by ALTER TABLE stays.
            Ok(old) => trigger.enabled = old.trigger.enabled,
            Err(_) => {}
        }
        StoredTrigger { trigger, action: Action::decode(action)? }.save(self.connection)
    }

    /// The columns of UPDATE OF must be the table's.
    fn check_columns(&mut self, trigger: &Trigger) -> Result<()> {
        if trigger.spec.columns.is_empty() {
            return Ok(());
        }
        let table = self.existing(&trigger.table)?;
        for (place, name) in trigger.spec.columns.iter().enumerate() {
            if !table.columns.iter().any(|column| column.name == *name) {
                return Err(Error::new(
                    SqlState::UNDEFINED_COLUMN,
                    format!(
                        "column \"{name}\" of relation \"{}\" does not exist",
                        trigger.table.table
                    ),
                ));
            }
            if trigger.spec.columns[..place].contains(name) {
                return Err(Error::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{name}\" specified more than once"),
                ));
            }
        }
        Ok(())
    }

    /// The procedure must be the one that the action was made of.
    fn check_routine(&mut self, made_of: &Routine) -> Result<()> {
        let found = self.routines_named(&made_of.table_name())?;
        let Some(found) = found.iter().find(|one| one.identity() == made_of.identity()) else {
            return Err(Error::new(
                SqlState::UNDEFINED_FUNCTION,
                format!("procedure {} does not exist", made_of.signature()),
            ));
        };
        if found.body == made_of.body && found.arguments == made_of.arguments {
            return Ok(());
        }
        Err(Error::new(
            SqlState::SERIALIZATION_FAILURE,
            "could not serialize access due to concurrent change of a procedure",
        )
        .with_hint("Run the statement again."))
    }

    fn remake_trigger(&mut self, made: &Trigger, action: &[u8]) -> Result<()> {
        let mut stored = self.trigger(&made.table, &made.name)?;
        let Trigger { routine, writes, names, .. } = made;
        stored.trigger.routine.clone_from(routine);
        stored.trigger.writes.clone_from(writes);
        stored.trigger.names.clone_from(names);
        stored.action = Action::decode(action)?;
        stored.save(self.connection)
    }

    /// Finds the table that a trigger is to be on.
    fn table_of_trigger(&mut self, candidates: &[TableName]) -> Result<TableName> {
        match self.find(candidates)? {
            Some((name, RelationKind::Table)) => Ok(name),
            Some((name, kind)) => Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("\"{}\" is a {}", name.table, kind.word()),
            )
            .with_detail("Triggers are for tables only.")),
            None => {
                let name = candidates.first().map_or("", |name| name.table.as_str());
                Err(undefined("relation", name))
            }
        }
    }

    fn triggers_on(&mut self, table: &TableName) -> Result<Vec<StoredTrigger>> {
        let mut all = StoredTrigger::load(self.connection)?;
        all.retain(|stored| stored.trigger.table == *table);
        Ok(all)
    }

    fn trigger(&mut self, table: &TableName, name: &str) -> Result<StoredTrigger> {
        let found = self.triggers_on(table)?.into_iter().find(|one| one.trigger.name == name);
        found.ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("trigger \"{name}\" for table \"{}\" does not exist", table.table),
            )
        })
    }

    /// Tells whether a table has a trigger of this name.
    pub(super) fn has_trigger(&mut self, table: &TableName, name: &str) -> Result<bool> {
        Ok(self.triggers_on(table)?.iter().any(|stored| stored.trigger.name == name))
    }

    fn forget_trigger(&mut self, trigger: &Trigger) -> Result<()> {
        self.connection.forget_trigger(&trigger.table, &trigger.name)
    }

    /// Drops the triggers of tables that are dropped, and refuses to drop what those of other
    /// tables name; by CASCADE they go as well.
    pub(super) fn drop_triggers_of(
        &mut self,
        dropped: &[TableName],
        word: &str,
        cascade: bool,
    ) -> Result<()> {
        for stored in StoredTrigger::load(self.connection)? {
            let trigger = &stored.trigger;
            let is_own = dropped.contains(&trigger.table);
            let Some(name) = dropped.iter().find(|name| is_own || trigger.names.contains(name))
            else {
                continue;
            };
            if !is_own && !cascade {
                return Err(Error::new(
                    SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                    format!("cannot drop {word} {} because other objects depend on it", name.table),
                )
                .with_detail(format!(
                    "trigger {} on table {} depends on {word} {}",
                    trigger.name, trigger.table.table, name.table
                ))
                .with_hint("Use DROP ... CASCADE to drop the dependent objects too."));
            }
            self.forget_trigger(trigger)?;
        }
        Ok(())
    }

    /// Drops the triggers that a schema's end takes with it.
    pub(super) fn drop_triggers_in(&mut self, schema: &str) -> Result<()> {
        for stored in StoredTrigger::load(self.connection)? {
            let Trigger { table, names, .. } = &stored.trigger;
            if names.iter().chain([table]).any(|name| name.schema == schema) {
                self.forget_trigger(&stored.trigger)?;
            }
        }
        Ok(())
    }

    /// Refuses to drop a procedure that triggers run; by CASCADE they go with it.
    pub(super) fn drop_triggers_running(&mut self, routine: &Routine, cascade: bool) -> Result<()> {
        let running = self.triggers_running(routine)?;
        if let Some(first) = running.first().filter(|_| !cascade) {
            let (word, shown) = (routine.kind.word(), routine.signature());
            return Err(Error::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!("cannot drop {word} {shown} because other objects depend on it"),
            )
            .with_detail(format!(
                "trigger {} on table {} depends on {word} {shown}",
                first.trigger.name, first.trigger.table.table
            ))
            .with_hint("Use DROP ... CASCADE to drop the dependent objects too."));
        }
        running.iter().try_for_each(|stored| self.forget_trigger(&stored.trigger))
    }

    /// Lists the triggers that run a procedure.
    fn triggers_running(&mut self, routine: &Routine) -> Result<Vec<StoredTrigger>> {
        let mut all = StoredTrigger::load(self.connection)?;
        let is_it = |of: &Routine| {
            of.table_name() == routine.table_name() && of.identity() == routine.identity()
        };
        all.retain(|stored| is_it(&stored.trigger.routine));
        Ok(all)
    }

    /// Refuses changes that put another procedure in the place of one that triggers run, unless
    /// they make those anew.
    ///
    /// # Errors
    /// 40001: a trigger was made since the changes were.
    pub(in crate::writer) fn check_replaced(&mut self, changes: &[Definition]) -> Result<()> {
        changes.iter().try_for_each(|change| match change {
            Definition::Routine(RoutineChange::Create { routine, .. }) => {
                self.check_remade(routine)
            }
            _ => Ok(()),
        })
    }

    fn check_remade(&mut self, routine: &Routine) -> Result<()> {
        let of_old = |stored: &StoredTrigger| {
            let made_of = &stored.trigger.routine;
            made_of.body != routine.body || made_of.arguments != routine.arguments
        };
        if self.triggers_running(routine)?.iter().any(of_old) {
            return Err(Error::new(
                SqlState::SERIALIZATION_FAILURE,
                "could not serialize access due to concurrent change of a trigger",
            )
            .with_hint("Run the statement again."));
        }
        Ok(())
    }

    /// A procedure has another name now.
    pub(super) fn rename_in_triggers(&mut self, from: &Routine, to: &Routine) -> Result<()> {
        for mut stored in self.triggers_running(from)? {
            to.schema.clone_into(&mut stored.trigger.routine.schema);
            to.name.clone_into(&mut stored.trigger.routine.name);
            stored.save(self.connection)?;
        }
        Ok(())
    }

    /// A table has another name now: its triggers go with it.
    pub(super) fn move_triggers(&mut self, from: &TableName, to: &TableName) -> Result<()> {
        for mut stored in self.triggers_on(from)? {
            self.forget_trigger(&stored.trigger)?;
            stored.trigger.table.clone_from(to);
            stored.save(self.connection)?;
        }
        Ok(())
    }

    /// A column has another name now.
    pub(super) fn rename_column_in_triggers(
        &mut self,
        table: &TableName,
        from: &str,
        to: &str,
    ) -> Result<()> {
        for mut stored in self.triggers_on(table)? {
            let columns = &mut stored.trigger.spec.columns;
            if let Some(column) = columns.iter_mut().find(|column| *column == from) {
                to.clone_into(column);
                stored.save(self.connection)?;
            }
        }
        Ok(())
    }
}

fn exists(name: &str, table: &TableName) -> Error {
    Error::new(
        SqlState::DUPLICATE_OBJECT,
        format!("trigger \"{name}\" for relation \"{}\" already exists", table.table),
    )
}
