//! Triggers: what runs behind each statement that changes a table.
//!
//! - `names.rs`: the transition tables in a procedure's statements.
//! - `notification.rs`: statements that notify.
//!
//! A trigger names a procedure that a user wrote in SQL. The router makes changes of the
//! procedure's statements when the trigger is made, so a [`Trigger`] says what it was made of, and
//! its *action* is what came of it, encoded by the module that runs it. These types lie in the
//! intent log and in the data file, by field name: a field may be added with `#[serde(default)]`.

mod names;
mod notification;

use serde::{Deserialize, Serialize};

use super::define::Candidates;
use super::quote_ident;
use super::routine::Routine;
use super::statement::TableRef;
use crate::ids::TableName;

pub use names::{NEW_TABLE, OLD_TABLE};

/// What happens to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    Insert,
    Delete,
    Update,
}

impl Event {
    /// The word of statements.
    pub fn word(self) -> &'static str {
        match self {
            Event::Insert => "INSERT",
            Event::Delete => "DELETE",
            Event::Update => "UPDATE",
        }
    }

    /// The bit of `pg_trigger.tgtype`.
    fn bit(self) -> i16 {
        match self {
            Event::Insert => 4,
            Event::Delete => 8,
            Event::Update => 16,
        }
    }
}

/// When a trigger runs, and what its procedure calls the changed rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerSpec {
    /// In PostgreSQL's order: INSERT, DELETE, UPDATE.
    pub events: Vec<Event>,
    /// The columns of UPDATE OF, one of which must be assigned to; empty for all.
    pub columns: Vec<String>,
    /// What REFERENCING calls the new rows; [`NEW_TABLE`] where it does not.
    pub new_table: Option<String>,
    /// The same for the old rows and [`OLD_TABLE`].
    pub old_table: Option<String>,
}

impl TriggerSpec {
    /// Tells whether it runs for an event; `assigned` are an UPDATE's columns.
    pub fn is_for(&self, event: Event, assigned: &[String]) -> bool {
        let of_columns = || {
            event != Event::Update
                || self.columns.is_empty()
                || self.columns.iter().any(|column| assigned.contains(column))
        };
        self.events.contains(&event) && of_columns()
    }

    /// The bits of `pg_trigger.tgtype`.
    pub fn type_bits(&self) -> i16 {
        self.events.iter().map(|event| event.bit()).sum()
    }

    /// `INSERT OR UPDATE OF b, a`
    fn events_text(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|name| quoted(name)).collect();
        let one = |event: &Event| match (event, columns.is_empty()) {
            (Event::Update, false) => format!("UPDATE OF {}", columns.join(", ")),
            _ => event.word().to_owned(),
        };
        let events: Vec<String> = self.events.iter().map(one).collect();
        events.join(" OR ")
    }

    /// `REFERENCING OLD TABLE AS o NEW TABLE AS n `, or nothing.
    fn referencing_text(&self) -> String {
        let one = |word: &str, name: &Option<String>| {
            name.as_ref().map_or(String::new(), |name| format!("{word} TABLE AS {} ", quoted(name)))
        };
        let both = [one("OLD", &self.old_table), one("NEW", &self.new_table)].concat();
        if both.is_empty() { both } else { format!("REFERENCING {both}") }
    }
}

/// A trigger as it is kept, but for its action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    pub table: TableName,
    pub name: String,
    /// What its transition tables are called by in its action, different for each trigger.
    pub id: u64,
    pub spec: TriggerSpec,
    /// The procedure that its action was made of.
    pub routine: Box<Routine>,
    /// The arguments as they were given.
    pub arguments: Vec<String>,
    pub enabled: bool,
    /// The tables that the action changes.
    pub writes: Vec<TableName>,
    /// The tables and views that it names, these among them.
    pub names: Vec<TableName>,
    /// How the action's names and times are to be understood.
    pub search_path: Vec<String>,
    pub time_zone: String,
}

impl Trigger {
    /// What stands for the new rows in the action.
    pub fn new_rows(&self) -> String {
        format!("teatree_new_{:016x}", self.id)
    }

    /// What stands for the old rows.
    pub fn old_rows(&self) -> String {
        format!("teatree_old_{:016x}", self.id)
    }

    /// What the procedure calls the new rows.
    pub fn new_table(&self) -> &str {
        self.spec.new_table.as_deref().unwrap_or(NEW_TABLE)
    }

    /// What it calls the old ones.
    pub fn old_table(&self) -> &str {
        self.spec.old_table.as_deref().unwrap_or(OLD_TABLE)
    }

    /// `EXECUTE PROCEDURE p('a', '3')`
    pub fn execute_text(&self) -> String {
        let one = |text: &String| format!("'{}'", text.replace('\'', "''"));
        let arguments: Vec<String> = self.arguments.iter().map(one).collect();
        let Routine { schema, name, .. } = self.routine.as_ref();
        let schema =
            if schema == "public" { String::new() } else { format!("{}.", quoted(schema)) };
        format!("EXECUTE PROCEDURE {schema}{}({})", quoted(name), arguments.join(", "))
    }

    /// The statement that makes it, as `pg_get_triggerdef` shows it; `pretty` leaves the schema
    /// `public` out.
    pub fn definition(&self, pretty: bool) -> String {
        let TableName { schema, table } = &self.table;
        let schema = if pretty && schema == "public" {
            String::new()
        } else {
            format!("{}.", quoted(schema))
        };
        format!(
            "CREATE TRIGGER {} AFTER {} ON {schema}{} {}FOR EACH STATEMENT {}",
            quoted(&self.name),
            self.spec.events_text(),
            quoted(table),
            self.spec.referencing_text(),
            self.execute_text()
        )
    }
}

/// A name in quotes, where it needs them.
fn quoted(name: &str) -> String {
    let is_plain = |(place, byte): (usize, u8)| {
        byte.is_ascii_lowercase() || byte == b'_' || place > 0 && byte.is_ascii_digit()
    };
    let plain = !name.is_empty() && name.bytes().enumerate().all(is_plain);
    if plain { name.to_owned() } else { quote_ident(name) }
}

/// A change of triggers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TriggerChange {
    Create {
        trigger: Box<Trigger>,
        action: Vec<u8>,
        or_replace: bool,
    },
    /// The procedure of a trigger that is there is another now: this is what comes of it.
    Remake {
        trigger: Box<Trigger>,
        action: Vec<u8>,
    },
    Drop {
        table: Candidates,
        name: String,
        if_exists: bool,
    },
    Rename {
        table: Candidates,
        name: String,
        to: String,
    },
    /// `name` is `None` for all triggers of the table.
    Enable {
        table: Candidates,
        if_exists: bool,
        name: Option<String>,
        enabled: bool,
    },
}

/// A statement about triggers, as it was parsed: names are looked up later.
#[derive(Clone, Debug)]
pub enum TriggerStatement {
    Create {
        name: String,
        table: TableRef,
        spec: TriggerSpec,
        routine: TableRef,
        arguments: Vec<String>,
        or_replace: bool,
    },
    Drop {
        name: String,
        table: TableRef,
        if_exists: bool,
    },
    Rename {
        name: String,
        table: TableRef,
        to: String,
    },
    Enable {
        table: TableRef,
        if_exists: bool,
        name: Option<String>,
        enabled: bool,
    },
}

impl TriggerStatement {
    /// The table that it is about.
    pub fn table(&self) -> &TableRef {
        match self {
            TriggerStatement::Create { table, .. }
            | TriggerStatement::Drop { table, .. }
            | TriggerStatement::Rename { table, .. }
            | TriggerStatement::Enable { table, .. } => table,
        }
    }
}
