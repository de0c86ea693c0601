//! What a worker's next statement is, and what it changes.

use rand::RngExt;
use rand::rngs::StdRng;

use super::model::{Change, Op, State};

/// What workers do, each with a table of theirs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Habit {
    Insert,
    InsertMany,
    /// By the extended protocol, with parameters.
    Bound,
    Update,
    Delete,
    Copy,
    /// A COPY that is too large to travel inside the log.
    LargeCopy,
    BadCopy,
    /// Two rows, one with a key that is there.
    Duplicate,
    /// A row that a constraint refuses.
    Unchecked,
    /// Adds one to a number: nothing shows a second time better.
    Count,
    /// Creates, fills, renames, drops tables of its own.
    Define,
    Publish,
    /// Several statements in a transaction.
    Transact,
    /// Many statements before the first answer is read.
    Pipeline,
    /// Reads own rows back.
    Read,
}

/// Rows of one worker in one table, before it deletes the older half.
pub const ROWS_MAX: usize = 300;

/// Makes operations for one worker.
pub struct Maker {
    pub worker: u32,
    pub round: u64,
    pub rng: StdRng,
    /// The last id, and number of a marker.
    pub last: i64,
}

impl Maker {
    fn id(&mut self) -> i64 {
        self.last += 1;
        self.last
    }

    /// A text that no other statement has.
    fn marker(&mut self) -> String {
        let number = self.id();
        format!("w{}r{}n{number}", self.worker, self.round)
    }

    fn op(&mut self, sql: impl FnOnce(&str) -> String) -> Op {
        let marker = self.marker();
        let sql = sql(&marker);
        let (verb, rest) = sql.split_once(' ').unwrap();
        let sql = format!("{verb} /* {marker} */ {rest}");
        Op { marker, sql, params: None, copy: None, changes: Vec::new(), refusal: None }
    }

    fn some_row(&mut self, state: &State, table: &str) -> Option<i64> {
        let rows = state.rows(table).filter(|rows| !rows.is_empty())?;
        rows.keys().nth(self.rng.random_range(0..rows.len())).copied()
    }

    /// The operation of a habit; an INSERT where the habit finds no row to work on.
    pub fn make(&mut self, habit: Habit, table: &str, state: &State) -> Op {
        if state.rows(table).is_some_and(|rows| rows.len() > ROWS_MAX) {
            return self.trim(table, state);
        }
        let made = match habit {
            Habit::InsertMany => Some(self.insert_many(table)),
            Habit::Bound => Some(self.insert_bound(table)),
            Habit::Update => self.update(table, state),
            Habit::Delete => self.delete(table, state),
            Habit::Copy => Some(self.copy(table, 40, 8)),
            Habit::LargeCopy => Some(self.copy(table, 140, 8000)),
            Habit::BadCopy => Some(self.bad_copy(table)),
            Habit::Duplicate => self.duplicate(table, state),
            Habit::Unchecked => Some(self.unchecked()),
            Habit::Count => Some(self.count(state)),
            Habit::Define => Some(self.define(state)),
            Habit::Publish => Some(self.publish()),
            Habit::Insert | Habit::Transact | Habit::Pipeline | Habit::Read => None,
        };
        made.unwrap_or_else(|| self.insert(table))
    }

    pub fn insert(&mut self, table: &str) -> Op {
        let (worker, id) = (self.worker, self.id());
        let mut op = self
            .op(|v| format!("INSERT INTO {table} (worker, id, v) VALUES ({worker}, {id}, '{v}')"));
        op.changes.push(Change::Put(table.to_owned(), id, op.marker.clone()));
        op
    }

    fn insert_bound(&mut self, table: &str) -> Op {
        let id = self.id();
        let mut op =
            self.op(|_| format!("INSERT INTO {table} (worker, id, v) VALUES ($1, $2, $3)"));
        op.params = Some(vec![self.worker.to_string(), id.to_string(), op.marker.clone()]);
        op.changes.push(Change::Put(table.to_owned(), id, op.marker.clone()));
        op
    }

    fn insert_many(&mut self, table: &str) -> Op {
        let (worker, ids) = (self.worker, (0..5).map(|_| self.id()).collect::<Vec<_>>());
        let mut op = self.op(|v| {
            let rows: Vec<_> = ids.iter().map(|id| format!("({worker}, {id}, '{v}')")).collect();
            format!("INSERT INTO {table} VALUES {}", rows.join(", "))
        });
        let put = |id: &i64| Change::Put(table.to_owned(), *id, op.marker.clone());
        op.changes = ids.iter().map(put).collect();
        op
    }

    pub fn update(&mut self, table: &str, state: &State) -> Option<Op> {
        let (worker, id) = (self.worker, self.some_row(state, table)?);
        let mut op = self
            .op(|v| format!("UPDATE {table} SET v = '{v}' WHERE worker = {worker} AND id = {id}"));
        op.changes.push(Change::Put(table.to_owned(), id, op.marker.clone()));
        Some(op)
    }

    fn delete(&mut self, table: &str, state: &State) -> Option<Op> {
        let (worker, id) = (self.worker, self.some_row(state, table)?);
        let mut op =
            self.op(|_| format!("DELETE FROM {table} WHERE worker = {worker} AND id = {id}"));
        op.changes.push(Change::Remove(table.to_owned(), id));
        Some(op)
    }

    /// Deletes the older half of the rows.
    pub fn trim(&mut self, table: &str, state: &State) -> Op {
        let rows = &state.0[table];
        let middle = *rows.keys().nth(rows.len() / 2).unwrap();
        let worker = self.worker;
        let mut op =
            self.op(|_| format!("DELETE FROM {table} WHERE worker = {worker} AND id < {middle}"));
        let remove = |id: &i64| Change::Remove(table.to_owned(), *id);
        op.changes = rows.range(..middle).map(|(id, _)| remove(id)).collect();
        op
    }

    fn copy(&mut self, table: &str, rows: usize, width: usize) -> Op {
        let ids: Vec<i64> = (0..rows).map(|_| self.id()).collect();
        let worker = self.worker;
        let mut op = self.op(|_| format!("COPY {table} (worker, id, v) FROM STDIN"));
        let v = format!("{}{}", op.marker, "x".repeat(width));
        let data: String = ids.iter().map(|id| format!("{worker}\t{id}\t{v}\n")).collect();
        op.copy = Some(data.into_bytes());
        op.changes = ids.iter().map(|id| Change::Put(table.to_owned(), *id, v.clone())).collect();
        op
    }

    fn bad_copy(&mut self, table: &str) -> Op {
        let mut op = self.copy(table, 40, 8);
        let data = op.copy.get_or_insert_default();
        data.extend(b"no number\t1\tx\n");
        op.changes.clear();
        op.refusal = Some("22P02");
        op
    }

    fn duplicate(&mut self, table: &str, state: &State) -> Option<Op> {
        let (worker, there) = (self.worker, self.some_row(state, table)?);
        let id = self.id();
        let mut op = self.op(|v| {
            format!("INSERT INTO {table} VALUES ({worker}, {id}, '{v}'), ({worker}, {there}, '')")
        });
        op.refusal = Some("23505");
        Some(op)
    }

    fn unchecked(&mut self) -> Op {
        let (worker, id) = (self.worker, self.id());
        let (values, refusal) = if self.rng.random_bool(0.5) {
            (format!("({worker}, {id}, 'refused')"), "23514")
        } else {
            (format!("({worker}, {id}, NULL)"), "23502")
        };
        let mut op = self.op(|_| format!("INSERT INTO checked VALUES {values}"));
        op.refusal = Some(refusal);
        op
    }

    pub fn count(&mut self, state: &State) -> Op {
        let table = "counters";
        let worker = self.worker;
        let number = state.rows(table).and_then(|rows| rows.get(&0));
        let number: Option<u64> = number.map(|number| number.parse().unwrap());
        let mut op = self.op(|_| match number {
            None => format!("INSERT INTO {table} VALUES ({worker}, 0, '1')"),
            Some(_) => {
                format!("UPDATE {table} SET v = (v::int8 + 1)::text WHERE worker = {worker}")
            }
        });
        op.changes = vec![Change::Put(table.to_owned(), 0, (number.unwrap_or(0) + 1).to_string())];
        op
    }

    fn define(&mut self, state: &State) -> Op {
        let own: Vec<&String> = state.0.keys().filter(|name| name.starts_with("own_")).collect();
        let worker = self.worker;
        let fresh = format!("own_{worker}_{}", self.id());
        let some = (!own.is_empty()).then(|| own[self.rng.random_range(0..own.len())].clone());
        let choice = self.rng.random_range(0..10);
        match some {
            Some(name) if choice < 4 => self.insert(&name),
            Some(name) if choice < 6 => {
                let mut op = self.op(|_| format!("ALTER TABLE {name} RENAME TO {fresh}"));
                op.changes.push(Change::Rename(name, fresh));
                op
            }
            Some(name) if choice < 7 || own.len() > 4 => {
                let mut op = self.op(|_| format!("DROP TABLE {name}"));
                op.changes.push(Change::Drop(name));
                op
            }
            _ => self.create(fresh),
        }
    }

    fn create(&mut self, name: String) -> Op {
        let using = if self.rng.random_bool(0.5) { " USING arrow" } else { "" };
        let worker = self.worker;
        let id = self.id();
        let with_rows = self.rng.random_bool(0.5);
        let mut op = self.op(|v| {
            if with_rows {
                format!(
                    "CREATE TABLE {name}{using} AS SELECT {worker}::int4 AS worker, \
                     {id}::int8 AS id, '{v}'::text AS v"
                )
            } else {
                format!("CREATE TABLE {name} (worker int4, id int8, v text){using}")
            }
        });
        op.changes.push(Change::Create(name.clone()));
        if with_rows {
            op.changes.push(Change::Put(name, id, op.marker.clone()));
        }
        op
    }

    fn publish(&mut self) -> Op {
        let id = self.id();
        let worker = self.worker;
        let note = format!("{worker}/{id}");
        let mut op = self.op(|_| format!("CALL teatree.publish_version('{note}')"));
        op.changes.push(Change::Put("versions".to_owned(), id, note));
        op
    }
}
