//! The columns of queries: FROM, the select list, set operations, common table expressions.

use sqlparser::ast::{
    Expr, FunctionArg, GroupByExpr, Join, JoinConstraint, JoinOperator, LimitClause, ObjectName,
    OrderBy, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableAlias,
    TableAliasColumnDef, TableFactor, TableWithJoins, Values,
};

use super::call::{builtin_name, plain};
use super::expr::{Analyzer, Env, INT8, RECORD, TEXT};
use super::resolve::common;
use super::scope::{Ctes, Scope, Source};
use super::{RelationColumn, Ty, UNKNOWN, UNTYPED, builtin, declared_type};
use crate::sql::statement::TableRef;

/// A query's columns; `None` when not even their number is known.
pub(super) type Columns = Option<Vec<(String, Ty)>>;

impl Analyzer<'_> {
    /// Types a query's columns.
    pub(super) fn query(
        &mut self,
        query: &Query,
        ctes: &Ctes,
        outer: Option<&Scope<'_>>,
    ) -> Columns {
        let is_top = std::mem::take(&mut self.is_top);
        let mut ctes = ctes.clone();
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = cte.alias.name.value.clone();
            // A recursive one has the types of its first part.
            let is_recursive = query.with.as_ref().is_some_and(|with| with.recursive);
            let first = match (is_recursive, cte.query.body.as_ref()) {
                (true, SetExpr::SetOperation { left, .. }) => Some(self.body(left, &ctes, outer)),
                _ => None,
            };
            if let Some(first) = first {
                ctes.insert(name.clone(), renamed(first, &cte.alias));
                let _ = self.query(&cte.query, &ctes, outer);
            } else {
                let columns = self.query(&cte.query, &ctes, outer);
                self.check_alias("WITH query", columns.as_deref(), &cte.alias);
                ctes.insert(name, renamed(settled(columns), &cte.alias));
            }
        }
        self.is_top = is_top;
        let columns = match query.body.as_ref() {
            SetExpr::Select(select) => self.select(select, query.order_by.as_ref(), &ctes, outer),
            body => self.body(body, &ctes, outer),
        };
        self.is_top = false;
        if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &query.limit_clause {
            let scope = Scope::default();
            let env = Env { scope: &scope, ctes: &ctes };
            self.check_limit(limit.as_ref(), offset.as_ref().map(|offset| &offset.value));
            for expr in limit.iter().chain(offset.as_ref().map(|offset| &offset.value)) {
                self.wanted(expr, INT8, env);
            }
        }
        columns
    }

    fn body(&mut self, body: &SetExpr, ctes: &Ctes, outer: Option<&Scope<'_>>) -> Columns {
        match body {
            SetExpr::Select(select) => self.select(select, None, ctes, outer),
            SetExpr::Query(query) => self.query(query, ctes, outer),
            SetExpr::SetOperation { left, op, right, .. } => {
                let is_top = self.is_top;
                let left_columns = self.body(left, ctes, outer);
                self.is_top = is_top;
                let right_columns = self.body(right, ctes, outer);
                let (left_columns, right_columns) = (left_columns?, right_columns?);
                if left_columns.len() != right_columns.len() {
                    return None;
                }
                for ((_, a), (_, b)) in left_columns.iter().zip(&right_columns) {
                    self.check_common(&op.to_string(), &[*a, *b]);
                }
                let pairs = left_columns.into_iter().zip(right_columns).enumerate();
                let column =
                    |(place, ((name, a), (_, b))): (usize, ((String, Ty), (String, Ty)))| {
                        let ty = shared(a, b);
                        for (side, own) in [(left, a), (right, b)] {
                            if own.oid == UNKNOWN {
                                self.settle_output(side, place, ty.oid);
                            }
                        }
                        (name, ty)
                    };
                Some(pairs.map(column).collect())
            }
            SetExpr::Values(values) => self.values(values, ctes, outer),
            SetExpr::Insert(statement)
            | SetExpr::Update(statement)
            | SetExpr::Delete(statement) => self.statement(statement),
            _ => None,
        }
    }

    fn values(&mut self, values: &Values, ctes: &Ctes, outer: Option<&Scope<'_>>) -> Columns {
        let scope = Scope { outer, ..Scope::default() };
        let env = Env { scope: &scope, ctes };
        let width = values.rows.first()?.len();
        let column = |analyzer: &mut Self, place: usize| {
            let cells: Vec<&Expr> = values.rows.iter().filter_map(|row| row.get(place)).collect();
            (format!("column{}", place + 1), analyzer.common_in("VALUES", &cells, env))
        };
        Some((0..width).map(|place| column(self, place)).collect())
    }

    /// `*` gives the columns of USING first, which DuckDB leaves where they are.
    fn order_star(&mut self, select: &Select, scope: &Scope<'_>) {
        let is_star = |item: &SelectItem| {
            matches!(item, SelectItem::Wildcard(options)
            if options.to_string().trim().is_empty())
        };
        let merges = |join: &Join| match &join.join_operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint) => {
                matches!(constraint, JoinConstraint::Using(_) | JoinConstraint::Natural)
            }
            _ => false,
        };
        let merges = select.from.iter().any(|table| table.joins.iter().any(merges));
        let Some(all) = scope.all.as_ref().filter(|_| merges) else { return };
        let mut own: Vec<&String> = Vec::new();
        for (name, _) in scope.sources.iter().flat_map(|source| &source.columns) {
            if !own.contains(&name) {
                own.push(name);
            }
        }
        let names: Vec<&String> = all.iter().map(|(name, _)| name).collect();
        // A name that stands for two columns cannot be written alone.
        if own.len() == names.len() && own != names && select.projection.iter().any(is_star) {
            let names = names.into_iter().cloned().collect();
            self.decisions.starred.insert(std::ptr::from_ref(select), names);
        }
    }

    /// Gives a literal in a select list the type that its column has in a set operation.
    fn settle_output(&mut self, body: &SetExpr, place: usize, oid: u32) {
        match body {
            SetExpr::Select(select) => {
                let are_plain = select.projection.iter().all(|item| {
                    matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. })
                });
                if let Some(
                    SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. },
                ) = select.projection.get(place).filter(|_| are_plain)
                {
                    self.settle(expr, oid);
                }
            }
            SetExpr::Query(query) => self.settle_output(&query.body, place, oid),
            SetExpr::SetOperation { left, right, .. } => {
                self.settle_output(left, place, oid);
                self.settle_output(right, place, oid);
            }
            _ => {}
        }
    }

    fn select(
        &mut self,
        select: &Select,
        order: Option<&OrderBy>,
        ctes: &Ctes,
        outer: Option<&Scope<'_>>,
    ) -> Columns {
        let is_top = std::mem::take(&mut self.is_top);
        let scope = self.from(&select.from, ctes, outer);
        let env = Env { scope: &scope, ctes };
        let is_grouped = !matches!(&select.group_by, GroupByExpr::Expressions(exprs, _)
            if exprs.is_empty());
        if is_top && !is_grouped && select.distinct.is_none() {
            for item in &select.projection {
                if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item
                {
                    self.shows(expr);
                }
            }
        }
        let columns = self.projection(&select.projection, env);
        self.order_star(select, &scope);
        if is_top {
            for item in &select.projection {
                if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item
                {
                    let found = self.expr(expr, env);
                    self.shows_name(expr, found);
                }
            }
        }
        let conditions = [
            ("WHERE", &select.selection),
            ("HAVING", &select.having),
            ("QUALIFY", &select.qualify),
        ];
        for (place, condition) in conditions {
            if let Some(condition) = condition {
                self.boolean(condition, place, env);
            }
        }
        self.grouping(select, order, env);
        self.check_distinct(select, order);
        columns
    }

    /// Types a select list.
    pub(super) fn projection(&mut self, items: &[SelectItem], env: Env<'_>) -> Columns {
        let mut columns = Some(Vec::new());
        for item in items {
            let more = match item {
                SelectItem::UnnamedExpr(expr) => {
                    let name = match expr {
                        Expr::Identifier(ident) => ident.value.clone(),
                        Expr::CompoundIdentifier(idents) => {
                            idents.last().map(|ident| ident.value.clone()).unwrap_or_default()
                        }
                        _ => super::super::rewrite::column_name(expr),
                    };
                    Some(vec![(name, self.output(expr, env))])
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    Some(vec![(alias.value.clone(), self.output(expr, env))])
                }
                SelectItem::Wildcard(options) if options.to_string().trim().is_empty() => {
                    env.scope.all.clone()
                }
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    options,
                ) if options.to_string().trim().is_empty() => {
                    let table = name.0.last().and_then(|part| part.as_ident());
                    let source = table.and_then(|table| env.scope.source(&table.value));
                    source.filter(|source| source.complete).map(|source| source.columns.clone())
                }
                _ => None,
            };
            columns = columns.zip(more).map(|(mut all, more)| {
                all.extend(more);
                all
            });
        }
        columns
    }

    /// Types an item of a select list; what is more than a column's name has no origin.
    fn output(&mut self, expr: &Expr, env: Env<'_>) -> Ty {
        let found = self.expr(expr, env);
        let mut inner = expr;
        while let Expr::Nested(next) = inner {
            inner = next;
        }
        match inner {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => found,
            Expr::Tuple(_) => Ty::of(RECORD),
            _ => Ty { origin: None, ..found },
        }
    }

    pub(super) fn from<'s>(
        &mut self,
        from: &[TableWithJoins],
        ctes: &Ctes,
        outer: Option<&'s Scope<'s>>,
    ) -> Scope<'s> {
        let mut scope = Scope { sources: Vec::new(), all: Some(Vec::new()), outer };
        for table in from {
            let mut all = self.factor(&table.relation, ctes, &mut scope);
            for join in &table.joins {
                all = self.join(join, all, ctes, &mut scope);
            }
            scope.all = scope.all.zip(all).map(|(mut left, right)| {
                left.extend(right);
                left
            });
        }
        scope
    }

    fn join(&mut self, join: &Join, left: Columns, ctes: &Ctes, scope: &mut Scope<'_>) -> Columns {
        let right = self.factor(&join.relation, ctes, scope);
        use JoinOperator as J;
        let constraint = match &join.join_operator {
            J::Join(constraint)
            | J::Inner(constraint)
            | J::Left(constraint)
            | J::LeftOuter(constraint)
            | J::Right(constraint)
            | J::RightOuter(constraint)
            | J::FullOuter(constraint)
            | J::CrossJoin(constraint) => constraint,
            _ => return None,
        };
        if let JoinConstraint::On(condition) = constraint {
            let env = Env { scope, ctes };
            self.boolean(condition, "JOIN/ON", env);
        }
        let (left, right) = (left?, right?);
        let names: Vec<String> = match constraint {
            JoinConstraint::Using(names) => names
                .iter()
                .filter_map(|name| name.0.last()?.as_ident().map(|ident| ident.value.clone()))
                .collect(),
            JoinConstraint::Natural => {
                let shared = left.iter().filter(|(name, _)| right.iter().any(|(r, _)| r == name));
                shared.map(|(name, _)| name.clone()).collect()
            }
            _ => Vec::new(),
        };
        // Joined columns come first, then the rest of both sides.
        let is_joined = |name: &String| names.contains(name);
        let mut all: Vec<(String, Ty)> = names
            .iter()
            .filter_map(|name| left.iter().find(|(known, _)| known == name).cloned())
            .collect();
        all.extend(left.into_iter().chain(right).filter(|(name, _)| !is_joined(name)));
        Some(all)
    }

    /// Adds an item of FROM to the scope; gives its columns.
    fn factor(&mut self, factor: &TableFactor, ctes: &Ctes, scope: &mut Scope<'_>) -> Columns {
        let (columns, alias, own_name) = match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                (self.table(name, ctes), alias, last_name(name))
            }
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. } => {
                let columns = self.table_function(name, &args.args, ctes, scope);
                (ordinal(columns, *with_ordinality), alias, last_name(name))
            }
            TableFactor::Function { name, args, alias, with_ordinality, .. } => {
                let columns = self.table_function(name, args, ctes, scope);
                (ordinal(columns, *with_ordinality), alias, last_name(name))
            }
            TableFactor::Derived { subquery, alias, .. } => {
                let columns = self.query(subquery, ctes, Some(&*scope));
                (settled(columns), alias, None)
            }
            TableFactor::UNNEST { alias, array_exprs, with_ordinality, .. } => {
                let env = Env { scope, ctes };
                let column = |analyzer: &mut Self, expr| {
                    let array = analyzer.expr(expr, env).oid;
                    let element = builtin::element_of(array).unwrap_or(UNTYPED);
                    ("unnest".to_owned(), Ty::of(element))
                };
                let columns = array_exprs.iter().map(|expr| column(self, expr)).collect();
                (ordinal(Some(columns), *with_ordinality), alias, Some("unnest".to_owned()))
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                let mut all = self.factor(&table_with_joins.relation, ctes, scope);
                for join in &table_with_joins.joins {
                    all = self.join(join, all, ctes, scope);
                }
                return all;
            }
            _ => {
                scope.sources.push(Source::default());
                return None;
            }
        };
        let is_function =
            !matches!(factor, TableFactor::Table { args: None, .. } | TableFactor::Derived { .. });
        let columns = match alias {
            // The columns of a record are declared where it is called.
            Some(alias) if is_function && declared(alias).is_some() => declared(alias),
            // A function that gives single values names its column after its alias.
            Some(alias) if is_function && alias.columns.is_empty() => columns.map(|mut columns| {
                if let Some(first) =
                    columns.first_mut().filter(|(name, _)| own_name.as_ref() == Some(name))
                {
                    first.0.clone_from(&alias.name.value);
                }
                columns
            }),
            Some(alias) => renamed(columns, alias),
            None => columns,
        };
        let name = alias.as_ref().map(|alias| alias.name.value.clone()).or(own_name);
        scope.sources.push(Source {
            name,
            key: self.key(factor, ctes),
            is_value: is_function && columns.as_ref().is_some_and(|all| all.len() == 1),
            complete: columns.is_some(),
            columns: columns.clone().unwrap_or_default(),
        });
        columns
    }

    pub(super) fn table(&self, name: &ObjectName, ctes: &Ctes) -> Columns {
        let table = TableRef::from_object_name(name).ok()?;
        if table.schema.is_none()
            && let Some(columns) = ctes.get(&table.table)
        {
            return columns.clone();
        }
        let columns = self.relations.get(&table)?;
        let ty = |column: &RelationColumn| {
            let found = column.pg_type.map(|(pg_type, typmod)| (pg_type.oid(), typmod));
            let (oid, typmod) = found.unwrap_or((UNTYPED, -1));
            Ty { oid, typmod, origin: column.origin }
        };
        Some(columns.iter().map(|column| (column.name.clone(), ty(column))).collect())
    }

    /// The primary key of a table in FROM whose columns have their own names.
    fn key(&self, factor: &TableFactor, ctes: &Ctes) -> Vec<String> {
        let TableFactor::Table { name, alias, args: None, .. } = factor else { return Vec::new() };
        let is_renamed = alias.as_ref().is_some_and(|alias| !alias.columns.is_empty());
        match TableRef::from_object_name(name) {
            Ok(table) if !is_renamed => {
                let is_cte = table.schema.is_none() && ctes.contains_key(&table.table);
                let columns = self.relations.get(&table).filter(|_| !is_cte);
                let columns = columns.into_iter().flat_map(|columns| columns.iter());
                columns.filter(|column| column.is_key).map(|column| column.name.clone()).collect()
            }
            _ => Vec::new(),
        }
    }

    fn table_function(
        &mut self,
        name: &ObjectName,
        args: &[FunctionArg],
        ctes: &Ctes,
        scope: &Scope<'_>,
    ) -> Columns {
        if let Some(columns) = self.routine_columns(name, args, Env { scope, ctes }) {
            return columns;
        }
        let function = builtin_name(name)?;
        let args = plain(args)?;
        let given = self.types_of(&args, Env { scope, ctes });
        let found = self.resolved(&function, &args, &given)?;
        if found.columns.is_empty() {
            // A row without declared columns is known only when it comes.
            return (found.result != 2249).then(|| vec![(function, Ty::of(found.result))]);
        }
        let columns = found.columns.iter();
        Some(columns.map(|(name, oid)| (name.clone(), Ty::of(*oid))).collect())
    }
}

pub(super) fn last_name(name: &ObjectName) -> Option<String> {
    name.0.last()?.as_ident().map(super::super::fold)
}

fn ordinal(columns: Columns, is_ordinal: bool) -> Columns {
    columns.map(|mut columns| {
        if is_ordinal {
            columns.push(("ordinality".to_owned(), Ty::of(INT8)));
        }
        columns
    })
}

/// A string in a select list is a text to the query around.
fn settled(columns: Columns) -> Columns {
    let mut columns = columns?;
    for (_, ty) in columns.iter_mut().filter(|(_, ty)| ty.oid == UNKNOWN) {
        ty.oid = TEXT;
    }
    Some(columns)
}

/// The columns that an alias declares with their types.
fn declared(alias: &TableAlias) -> Columns {
    let column = |column: &TableAliasColumnDef| {
        let data_type = column.data_type.as_ref()?;
        Some((column.name.value.clone(), declared_type(data_type)))
    };
    let columns: Option<Vec<_>> = alias.columns.iter().map(column).collect();
    columns.filter(|columns| !columns.is_empty())
}

/// Gives columns the names that an alias lists.
fn renamed(columns: Columns, alias: &TableAlias) -> Columns {
    let mut columns = columns?;
    for (column, name) in columns.iter_mut().zip(&alias.columns) {
        column.0.clone_from(&name.name.value);
    }
    Some(columns)
}

/// The type of a column of a set operation.
fn shared(a: Ty, b: Ty) -> Ty {
    match common(&[a.oid, b.oid]) {
        Some(oid) if a.oid == UNKNOWN && b.oid == UNKNOWN => Ty::of(oid),
        Some(oid) => {
            let same = (a.oid, a.typmod) == (b.oid, b.typmod);
            Ty::with_typmod(oid, if same { a.typmod } else { -1 })
        }
        None => Ty::UNTYPED,
    }
}
