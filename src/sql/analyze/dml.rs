//! What INSERT, UPDATE and DELETE give and take: the types of RETURNING, and of values by the
//! columns that they go to.

use sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, Expr, FromTable, GroupByExpr, Insert, SelectItem,
    SetExpr, TableObject, TableWithJoins, Update, UpdateTableFromKind,
};

use super::expr::{Analyzer, Env, INTERVAL, TIMESTAMP, TIMESTAMPTZ};
use super::query::{Columns, last_name};
use super::scope::{Ctes, Scope, Source};
use super::{Ty, UNKNOWN, resolve};

const VARCHAR: u32 = 1043;
const TIME: u32 = 1083;

impl Analyzer<'_> {
    /// Types an INSERT: parameters among its rows have the types of the columns that they go to.
    pub(super) fn insert(&mut self, insert: &Insert) -> Columns {
        let TableObject::TableName(name) = &insert.table else { return None };
        let ctes = Ctes::new();
        let columns = self.table(name, &ctes)?;
        let targets: Vec<(String, Ty)> = if insert.columns.is_empty() {
            columns.clone()
        } else {
            let named = insert.columns.iter().map(last_name);
            let find = |name: Option<String>| {
                columns.iter().find(|(known, _)| Some(known) == name.as_ref())
            };
            let unknown = || (String::new(), Ty::UNTYPED);
            named.map(|name| find(name).cloned().unwrap_or_else(unknown)).collect()
        };
        if let Some(source) = &insert.source {
            let scope = Scope::default();
            let env = Env { scope: &scope, ctes: &ctes };
            match source.body.as_ref() {
                SetExpr::Values(values) => {
                    self.check_conflict(insert, values, &targets);
                    for row in &values.rows {
                        for (cell, (column, target)) in row.iter().zip(&targets) {
                            let found = self.wanted(cell, target.oid, env);
                            self.check_assigned(column, target.oid, found.oid);
                            self.assigns(cell, *target, found);
                        }
                    }
                }
                SetExpr::Select(select) => {
                    for (item, (_, target)) in select.projection.iter().zip(&targets) {
                        if let SelectItem::UnnamedExpr(expr)
                        | SelectItem::ExprWithAlias { expr, .. } = item
                        {
                            self.settle(expr, target.oid);
                        }
                    }
                    let columns = self.query(source, &ctes, None).unwrap_or_default();
                    for ((_, found), (column, target)) in columns.iter().zip(&targets) {
                        self.check_assigned(column, target.oid, found.oid);
                    }
                    // A `*` has its columns elsewhere; what rows are grouped by must stay.
                    let is_plain = select.distinct.is_none()
                        && matches!(&select.group_by, GroupByExpr::Expressions(by, _)
                            if by.is_empty());
                    if is_plain && columns.len() == select.projection.len() {
                        let items = select.projection.iter().zip(&columns).zip(&targets);
                        for ((item, (_, found)), (_, target)) in items {
                            if let SelectItem::UnnamedExpr(expr)
                            | SelectItem::ExprWithAlias { expr, .. } = item
                            {
                                self.assigns(expr, *target, *found);
                            }
                        }
                    }
                }
                _ => {
                    self.query(source, &ctes, None);
                }
            }
        }
        let known_as = insert.table_alias.as_ref().map(|alias| alias.alias.value.clone());
        self.returning(insert.returning.as_deref(), known_as.or_else(|| last_name(name)), columns)
    }

    /// Types an UPDATE.
    pub(super) fn update(&mut self, update: &Update) -> Columns {
        let ctes = Ctes::new();
        let changed = self.from(std::slice::from_ref(&update.table), &ctes, None);
        let more: &[TableWithJoins] = match &update.from {
            Some(UpdateTableFromKind::BeforeSet(more) | UpdateTableFromKind::AfterSet(more)) => {
                more
            }
            None => &[],
        };
        let scope = self.beside(changed.clone(), more);
        let env = Env { scope: &scope, ctes: &ctes };
        for Assignment { target, value } in &update.assignments {
            let column = match target {
                AssignmentTarget::ColumnName(name) => last_name(name),
                AssignmentTarget::Tuple(_) => None,
            };
            let to = column.as_ref().map_or(Ty::UNTYPED, |column| changed.column(column));
            let found = self.wanted(value, to.oid, env);
            self.check_assigned(column.as_deref().unwrap_or_default(), to.oid, found.oid);
            self.assigns(value, to, found);
        }
        if let Some(condition) = &update.selection {
            self.boolean(condition, "WHERE", env);
        }
        self.projection(update.returning.as_deref()?, env)
    }

    /// Notes a value that its column's type cuts or rounds.
    fn assigns(&mut self, value: &Expr, to: Ty, from: Ty) {
        let fits = match to.oid {
            VARCHAR => from.oid == UNKNOWN || resolve::category(from.oid) == b'S',
            TIMESTAMP | TIMESTAMPTZ | TIME | INTERVAL => true,
            _ => false,
        };
        let is_word = matches!(value, Expr::Identifier(ident)
            if ident.quote_style.is_none() && ident.value == "default");
        if fits && !is_word && to.typmod >= 0 && (from.oid, from.typmod) != (to.oid, to.typmod) {
            self.decisions.assigned.insert(std::ptr::from_ref(value), (to.oid, to.typmod));
        }
    }

    /// Types a DELETE.
    pub(super) fn delete(&mut self, delete: &Delete) -> Columns {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let ctes = Ctes::new();
        let target = self.from(from, &ctes, None);
        let scope = self.beside(target, delete.using.as_deref().unwrap_or_default());
        let env = Env { scope: &scope, ctes: &ctes };
        if let Some(condition) = &delete.selection {
            self.boolean(condition, "WHERE", env);
        }
        self.projection(delete.returning.as_deref()?, env)
    }

    /// The names of a changed table and of those that it is joined with.
    fn beside<'s>(&mut self, mut target: Scope<'s>, more: &[TableWithJoins]) -> Scope<'s> {
        if !more.is_empty() {
            let others = self.from(more, &Ctes::new(), None);
            target.all = target.all.zip(others.all).map(|(mut all, others)| {
                all.extend(others);
                all
            });
            target.sources.extend(others.sources);
        }
        target
    }

    fn returning(
        &mut self,
        items: Option<&[SelectItem]>,
        name: Option<String>,
        columns: Vec<(String, Ty)>,
    ) -> Columns {
        let all = Some(columns.clone());
        let sources = vec![Source { name, columns, complete: true, ..Source::default() }];
        let scope = Scope { sources, all, outer: None };
        self.projection(items?, Env { scope: &scope, ctes: &Ctes::new() })
    }
}
