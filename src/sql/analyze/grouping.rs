//! What rows are grouped and ordered by.

use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, NamedWindowExpr, OrderBy, OrderByKind, Select, SelectItem,
    SelectItemQualifiedWildcardKind, Visit, Visitor,
};

use super::expr::{Analyzer, Env};
use super::scope::{Scope, Source};

impl Analyzer<'_> {
    /// Types what rows are grouped and ordered by; a name may be an output column's, which has no
    /// part in what is decided here.
    pub(super) fn grouping(&mut self, select: &Select, order: Option<&OrderBy>, env: Env<'_>) {
        if let GroupByExpr::Expressions(exprs, _) = &select.group_by {
            let more = dependent_columns(select, exprs, order, env.scope);
            if !more.is_empty() {
                self.decisions.grouped.insert(std::ptr::from_ref(select), more);
            }
            for expr in exprs {
                match expr {
                    Expr::Rollup(sets) | Expr::Cube(sets) | Expr::GroupingSets(sets) => {
                        for expr in sets.iter().flatten() {
                            self.sorted(expr, env);
                        }
                    }
                    expr => self.sorted(expr, env),
                }
            }
        }
        if let Some(Distinct::On(exprs)) = &select.distinct {
            for expr in exprs {
                self.sorted(expr, env);
            }
        }
        for window in &select.named_window {
            if let NamedWindowExpr::WindowSpec(spec) = &window.1 {
                self.window(spec, env);
            }
        }
        if let Some(OrderByKind::Expressions(exprs)) = order.map(|order| &order.kind) {
            for order in exprs {
                self.sorted(&order.expr, env);
            }
        }
    }
    /// A name alone may be that of an output column.
    fn sorted(&mut self, expr: &Expr, env: Env<'_>) {
        if !matches!(expr, Expr::Identifier(_)) {
            self.expr(expr, env);
        }
    }
}

/// The columns that a query uses outside of GROUP BY although their table's primary key is in it:
/// DuckDB wants them named there.
fn dependent_columns(
    select: &Select,
    grouped: &[Expr],
    order: Option<&OrderBy>,
    scope: &Scope<'_>,
) -> Vec<Vec<String>> {
    let is_set =
        |expr: &Expr| matches!(expr, Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_));
    if grouped.is_empty() || grouped.iter().any(is_set) {
        return Vec::new();
    }
    let by_key: Vec<&Source> =
        scope.sources.iter().filter(|source| is_keyed(source, grouped, scope)).collect();
    if by_key.is_empty() {
        return Vec::new();
    }
    let mut used = Used { scope, by_key: &by_key, found: Vec::new() };
    for item in &select.projection {
        used.item(item);
        let _ = item.visit(&mut used);
    }
    let _ = select.having.visit(&mut used);
    let _ = order.map(|order| order.visit(&mut used));
    used.found
}

/// Tells whether the whole primary key of a table is among what rows are grouped by.
fn is_keyed(source: &Source, grouped: &[Expr], scope: &Scope<'_>) -> bool {
    let has = |key: &String| {
        grouped.iter().any(|expr| match expr {
            Expr::Identifier(ident) => {
                ident.value == *key && scope.owner(key).is_some_and(|own| std::ptr::eq(own, source))
            }
            Expr::CompoundIdentifier(idents) => match idents.as_slice() {
                [.., table, column] => {
                    column.value == *key && source.name.as_ref() == Some(&table.value)
                }
                _ => false,
            },
            _ => false,
        })
    };
    !source.key.is_empty() && source.key.iter().all(has)
}

/// Gathers the columns of some tables, each as its table's name and its own.
struct Used<'a> {
    scope: &'a Scope<'a>,
    by_key: &'a [&'a Source],
    found: Vec<Vec<String>>,
}

impl Used<'_> {
    fn add(&mut self, source: &Source, column: &str) {
        let is_wanted = self.by_key.iter().any(|one| std::ptr::eq(*one, source));
        let Some(table) = source.name.as_ref().filter(|_| is_wanted) else { return };
        let name = vec![table.clone(), column.to_owned()];
        if !source.key.iter().any(|key| key == column) && !self.found.contains(&name) {
            self.found.push(name);
        }
    }

    fn item(&mut self, item: &SelectItem) {
        let sources: Vec<&Source> = match item {
            SelectItem::Wildcard(_) => self.scope.sources.iter().collect(),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let table = name.0.last().and_then(|part| part.as_ident());
                table.and_then(|table| self.scope.source(&table.value)).into_iter().collect()
            }
            _ => return,
        };
        for source in sources {
            for (column, _) in &source.columns {
                self.add(source, column);
            }
        }
    }
}

impl Visitor for Used<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> std::ops::ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => {
                if let Some(source) = self.scope.owner(&ident.value) {
                    self.add(source, &ident.value);
                }
            }
            Expr::CompoundIdentifier(idents) => {
                if let [.., table, column] = idents.as_slice()
                    && let Some(source) = self.scope.source(&table.value)
                    && source.columns.iter().any(|(name, _)| *name == column.value)
                {
                    self.add(source, &column.value);
                }
            }
            _ => {}
        }
        std::ops::ControlFlow::Continue(())
    }
}
