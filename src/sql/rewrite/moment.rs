//! What a write means is fixed when it is accepted: `now()` and its like become the moment's value,
//! `random()` and `gen_random_uuid()` come from a seed, so that applying the same intent to two
//! copies of the data gives the same rows.
//!
//! Definitions keep such calls as they are: a default is evaluated when a row comes.

use std::ops::ControlFlow;

use sqlparser::ast::{
    CastKind, DataType, Expr, FunctionArguments, Insert, ObjectNamePart, SetExpr, Statement,
    TableFactor, TimezoneInfo, Visit, VisitMut, VisitorMut, visit_expressions,
};

use super::{NameContext, SessionFacts, names};
use crate::types::timestamp_text;

/// When a statement was accepted, and where its random values come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// The statement's start, or its transaction's: microseconds since 1970, UTC.
    pub now_us: i64,
    /// A random number of the statement's own.
    pub seed: u128,
}

/// A function whose value is not given by its arguments and the data.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Volatile {
    /// A time of the statement, and what it is cast to.
    Time(TimeType),
    Random,
    Uuid,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TimeType {
    Timestamptz,
    Timestamp,
    Date,
    Time,
    Timetz,
}

fn volatile(expr: &Expr) -> Option<Volatile> {
    let Expr::Function(function) = expr else { return None };
    let no_arguments = match &function.args {
        FunctionArguments::None => true,
        FunctionArguments::List(list) => list.args.is_empty(),
        FunctionArguments::Subquery(_) => false,
    };
    let last = function.name.0.last().and_then(ObjectNamePart::as_ident)?;
    // `current_timestamp(3)` rounds in PostgreSQL; all six digits are as good a moment.
    let time = match last.value.as_str() {
        "current_timestamp" => TimeType::Timestamptz,
        "localtimestamp" => TimeType::Timestamp,
        "current_time" => TimeType::Timetz,
        "localtime" => TimeType::Time,
        _ if !no_arguments => return None,
        "now"
        | "transaction_timestamp"
        | "statement_timestamp"
        | "clock_timestamp"
        | "get_current_timestamp" => TimeType::Timestamptz,
        "current_date" | "today" => TimeType::Date,
        "random" => return Some(Volatile::Random),
        "gen_random_uuid" | "uuid" | "uuid_generate_v4" => return Some(Volatile::Uuid),
        _ => return None,
    };
    Some(Volatile::Time(time))
}

/// Tells whether anything in a tree depends on the moment or on chance.
pub fn is_volatile<V: Visit>(tree: &V) -> bool {
    let found: ControlFlow<()> = visit_expressions(tree, |expr| match volatile(expr) {
        Some(_) => ControlFlow::Break(()),
        None => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// Tells whether anything in a tree is random.
pub fn is_random<V: Visit>(tree: &V) -> bool {
    let found: ControlFlow<()> = visit_expressions(tree, |expr| match volatile(expr) {
        Some(Volatile::Random | Volatile::Uuid) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// Fixes a default for the rows that are there when its column is added, rewritten for DuckDB;
/// `None` when it is the same at any time.
pub fn fixed(expr: &Expr, names: &NameContext) -> Option<String> {
    let moment = names.session.moment()?;
    let mut expr = expr.clone();
    let mut fixer = Fixer { moment, row: None, drawn: 0, changed: false, kept_random: false };
    let _ = VisitMut::visit(&mut expr, &mut fixer);
    fixer.changed.then(|| expr.to_string())
}

/// Fixes the times in an expression; what is random stays.
pub fn with_fixed_times(expr: &Expr, moment: Moment) -> Expr {
    let mut expr = expr.clone();
    let mut fixer = Fixer { moment, row: None, drawn: 0, changed: false, kept_random: true };
    let _ = VisitMut::visit(&mut expr, &mut fixer);
    expr
}

/// Fixes a write's values, where there is a moment. What stays random has to be staged by the
/// caller.
pub(super) fn fix(statement: &mut Statement, session: &SessionFacts) {
    let Some(moment) = session.moment() else { return };
    let row = match statement {
        Statement::Update(update) => row_of(&update.table.relation),
        Statement::Delete(delete) => match &delete.from {
            sqlparser::ast::FromTable::WithFromKeyword(from)
            | sqlparser::ast::FromTable::WithoutKeyword(from) => {
                from.first().and_then(|table| row_of(&table.relation))
            }
        },
        _ => None,
    };
    let kept_random = !is_values(statement) && row.is_none();
    let mut fixer = Fixer { moment, row, drawn: 0, changed: false, kept_random };
    let _ = VisitMut::visit(statement, &mut fixer);
    if fixer.changed {
        session.note_asked();
    }
}

/// Each cell of a literal VALUES list is evaluated once.
fn is_values(statement: &Statement) -> bool {
    let Statement::Insert(Insert { source: Some(source), .. }) = statement else { return false };
    matches!(source.body.as_ref(), SetExpr::Values(_)) && source.with.is_none()
}

/// The name that a changed table's rows have in the statement.
fn row_of(factor: &TableFactor) -> Option<String> {
    let TableFactor::Table { name, alias, .. } = factor else { return None };
    match alias {
        Some(alias) => Some(alias.name.to_string()),
        None => name.0.last().map(ToString::to_string),
    }
}

struct Fixer {
    moment: Moment,
    /// What the changed table's rows are called: their random values come from their place.
    row: Option<String>,
    /// How many random values were drawn.
    drawn: u64,
    changed: bool,
    /// Random calls stay: each row of a query has its own.
    kept_random: bool,
}

impl VisitorMut for Fixer {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Some(kind) = volatile(expr) else { return ControlFlow::Continue(()) };
        let value = match kind {
            Volatile::Time(of) => self.time(of),
            _ if self.kept_random => return ControlFlow::Continue(()),
            Volatile::Random => self.random(),
            Volatile::Uuid => self.uuid(),
        };
        *expr = value;
        self.changed = true;
        ControlFlow::Continue(())
    }
}

impl Fixer {
    /// The session's time zone at the write's turn is the one that it was accepted with.
    fn time(&self, of: TimeType) -> Expr {
        let zoned = DataType::Timestamp(None, TimezoneInfo::WithTimeZone);
        let text = format!("{}+00", timestamp_text(self.moment.now_us));
        let now = cast(names::string(&text), zoned);
        match of {
            TimeType::Timestamptz => now,
            TimeType::Timestamp => cast(now, DataType::Timestamp(None, TimezoneInfo::None)),
            TimeType::Date => cast(now, DataType::Date),
            TimeType::Time => cast(now, DataType::Time(None, TimezoneInfo::None)),
            TimeType::Timetz => cast(now, DataType::Time(None, TimezoneInfo::WithTimeZone)),
        }
    }

    fn next(&mut self) -> u128 {
        self.drawn += 1;
        let (high, low) = ((self.moment.seed >> 64) as u64, self.moment.seed as u64);
        let high = mix(high ^ self.drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let low = mix(low.wrapping_add(self.drawn).wrapping_add(high));
        (u128::from(high) << 64) | u128::from(low)
    }

    fn random(&mut self) -> Expr {
        let drawn = self.next();
        let text = match &self.row {
            Some(row) => format!("(hash({row}.rowid, '{drawn:x}') / 18446744073709551616.0)"),
            None => format!("{:?}", ((drawn >> 75) as f64) / ((1_u64 << 53) as f64)),
        };
        cast(raw(&text), DataType::DoublePrecision)
    }

    fn uuid(&mut self) -> Expr {
        let drawn = self.next();
        let Some(row) = &self.row else {
            let uuid = uuid::Builder::from_random_bytes(drawn.to_be_bytes()).into_uuid();
            return cast(names::string(&uuid.to_string()), DataType::Uuid);
        };
        // Version 4 has its number at the 13th digit and its variant at the 17th.
        let digest = format!("md5(concat({row}.rowid, '{drawn:x}'))");
        let text = format!(
            "concat(substr({digest}, 1, 12), '4', substr({digest}, 14, 3), 'a', \
             substr({digest}, 18))"
        );
        cast(raw(&text), DataType::Uuid)
    }
}

/// SQL of our own, kept as it is by whatever is rewritten afterwards.
fn raw(text: &str) -> Expr {
    Expr::Identifier(sqlparser::ast::Ident::new(text))
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr), data_type, array: false, format: None }
}

/// Makes one random number of another (splitmix64).
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
