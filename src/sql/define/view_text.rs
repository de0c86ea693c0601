//! What a view's text, as DuckDB keeps it, reads, and the same text for a relation that has another
//! name now.

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::{self, Ident, Query, TableFactor, Visit, Visitor};
use sqlparser::tokenizer::Location;

use crate::sql::statement::TableRef;
use crate::sql::{quote_ident, rewrite};

/// Lists the relations that a view's text, as DuckDB keeps it, reads.
pub fn view_tables(sql: &str) -> Vec<TableRef> {
    tables_of(sql).unwrap_or_default()
}

/// Tells whether a function's definition, as DuckDB keeps it, may read tables.
pub fn may_read_tables(definition: &str) -> bool {
    let value = tables_of(&format!("CREATE VIEW v AS SELECT ({definition})"));
    value.is_none_or(|tables| !tables.is_empty())
}

fn tables_of(sql: &str) -> Option<Vec<TableRef>> {
    crate::sql::classify::tables(&parsed(sql)?.query).ok()
}

fn parsed(sql: &str) -> Option<ast::CreateView> {
    match rewrite::parse(sql).ok()?.into_iter().next()? {
        ast::Statement::CreateView(view) => Some(view),
        _ => None,
    }
}

/// Writes a view's text with another name, as DuckDB writes it, or a query in brackets in the place
/// of each relation's for which `is_renamed` says so, given its schema as it is written and its
/// name. The columns go on to name the relation as they did. `None` when the view reads no such
/// relation.
pub fn renamed_in_view(
    sql: &str,
    is_renamed: impl Fn(Option<&str>, &str) -> bool,
    to: &str,
) -> Option<String> {
    let view = parsed(sql)?;
    let mut finder = Finder { is_renamed, ctes: HashSet::new(), found: Vec::new() };
    let _ = Visit::visit(&view.query, &mut finder);
    let mut found = finder.found;
    // From the end on: what stands before goes on to stand where it did.
    found.sort_by_key(|name| std::cmp::Reverse(name.from));
    let mut text = sql.to_owned();
    for name in &found {
        let (from, to_byte) = (byte_at(sql, name.from)?, byte_at(sql, name.to)?);
        let alias = name.alias.as_deref();
        let alias = alias.map(|alias| format!(" AS {}", quote_ident(alias))).unwrap_or_default();
        text.replace_range(from..to_byte, &format!("{to}{alias}"));
    }
    (!found.is_empty()).then_some(text)
}

/// A relation's name in a text.
struct Found {
    from: Location,
    to: Location,
    /// What it is called from now on; `None` where the text says so.
    alias: Option<String>,
}

struct Finder<F> {
    is_renamed: F,
    ctes: HashSet<String>,
    found: Vec<Found>,
}

impl<F: Fn(Option<&str>, &str) -> bool> Visitor for Finder<F> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        self.ctes.extend(ctes.map(|cte| cte.alias.name.value.clone()));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        let TableFactor::Table { name, alias, args: None, .. } = factor else {
            return ControlFlow::Continue(());
        };
        let idents: Vec<&Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
        let (schema, table) = match idents.as_slice() {
            [table] if self.ctes.contains(&table.value) => return ControlFlow::Continue(()),
            [table] => (None, *table),
            [.., schema, table] => (Some(schema.value.as_str()), *table),
            [] => return ControlFlow::Continue(()),
        };
        if (self.is_renamed)(schema, &table.value) {
            self.found.push(Found {
                from: idents[0].span.start,
                to: table.span.end,
                alias: alias.is_none().then(|| table.value.clone()),
            });
        }
        ControlFlow::Continue(())
    }
}

/// Finds the byte of a place that is given by its line and column, both from 1.
fn byte_at(text: &str, place: Location) -> Option<usize> {
    let line = usize::try_from(place.line.checked_sub(1)?).ok()?;
    let column = usize::try_from(place.column.checked_sub(1)?).ok()?;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(start..)?;
    rest.char_indices().map(|(at, _)| at).chain([rest.len()]).nth(column).map(|at| start + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_reads_on_what_has_another_name() {
        let of_s = |schema: Option<&str>, table: &str| schema == Some("s") && table == "a b";
        let sql = "CREATE VIEW s.v AS SELECT \"a b\".x, 'é\ns.\"a b\"' FROM s.\"a b\" \
                   INNER JOIN s.\"a b\" AS other ON (other.x = \"a b\".x);";
        assert_eq!(
            renamed_in_view(sql, of_s, "s.c").as_deref(),
            Some(
                "CREATE VIEW s.v AS SELECT \"a b\".x, 'é\ns.\"a b\"' FROM s.c AS \"a b\" \
                 INNER JOIN s.c AS other ON (other.x = \"a b\".x);"
            )
        );
        let plain = |_: Option<&str>, table: &str| table == "t";
        let sql = "CREATE VIEW v AS WITH t AS (SELECT 1) SELECT * FROM t, db.s.t";
        assert_eq!(
            renamed_in_view(sql, plain, "s.u").as_deref(),
            Some("CREATE VIEW v AS WITH t AS (SELECT 1) SELECT * FROM t, s.u AS \"t\"")
        );
        assert_eq!(renamed_in_view("CREATE VIEW v AS SELECT * FROM u", plain, "s.u"), None);
    }
}
