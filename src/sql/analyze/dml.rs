//! What INSERT, UPDATE and DELETE give and take: the types of RETURNING, and of values by the
//! columns that they go to.

use sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, FromTable, Insert, SelectItem, SetExpr, TableObject,
    Update,
};

use super::Ty;
use super::expr::{Analyzer, Env};
use super::query::{Columns, last_name};
use super::scope::{Ctes, Scope, Source};

impl Analyzer<'_> {
    /// Types an INSERT: parameters among its rows have the types of the columns that they go to.
    pub(super) fn insert(&mut self, insert: &Insert) -> Columns {
        let TableObject::TableName(name) = &insert.table else { return None };
        let ctes = Ctes::new();
        let columns = self.table(name, &ctes)?;
        let targets: Vec<Ty> = if insert.columns.is_empty() {
            columns.iter().map(|(_, ty)| *ty).collect()
        } else {
            let named = insert.columns.iter().map(last_name);
            let find = |name: Option<String>| {
                columns.iter().find(|(known, _)| Some(known) == name.as_ref())
            };
            named.map(|name| find(name).map_or(Ty::UNTYPED, |(_, ty)| *ty)).collect()
        };
        if let Some(source) = &insert.source {
            let scope = Scope::default();
            let env = Env { scope: &scope, ctes: &ctes };
            match source.body.as_ref() {
                SetExpr::Values(values) => {
                    for row in &values.rows {
                        for (cell, target) in row.iter().zip(&targets) {
                            self.wanted(cell, target.oid, env);
                        }
                    }
                }
                SetExpr::Select(select) => {
                    for (item, target) in select.projection.iter().zip(&targets) {
                        if let SelectItem::UnnamedExpr(expr)
                        | SelectItem::ExprWithAlias { expr, .. } = item
                        {
                            self.settle(expr, target.oid);
                        }
                    }
                    self.query(source, &ctes, None);
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
        let scope = self.from(std::slice::from_ref(&update.table), &ctes, None);
        let env = Env { scope: &scope, ctes: &ctes };
        for Assignment { target, value } in &update.assignments {
            let column = match target {
                AssignmentTarget::ColumnName(name) => last_name(name),
                AssignmentTarget::Tuple(_) => None,
            };
            let to = column.map_or(Ty::UNTYPED, |column| scope.column(&column));
            self.wanted(value, to.oid, env);
        }
        if let Some(condition) = update.selection.as_ref().filter(|_| update.from.is_none()) {
            self.boolean(condition, "WHERE", env);
        }
        if update.from.is_some() {
            return None;
        }
        self.projection(update.returning.as_deref()?, env)
    }

    /// Types a DELETE.
    pub(super) fn delete(&mut self, delete: &Delete) -> Columns {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let ctes = Ctes::new();
        let scope = self.from(from, &ctes, None);
        if delete.using.is_some() {
            return None;
        }
        let env = Env { scope: &scope, ctes: &ctes };
        if let Some(condition) = &delete.selection {
            self.boolean(condition, "WHERE", env);
        }
        self.projection(delete.returning.as_deref()?, env)
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
