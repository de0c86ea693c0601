//! PostgreSQL's own functions, operators, casts and types, as its catalogue lists them: what the
//! analysis resolves names with.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Rows of `pg_proc`, without functions that no client can call.
const PROCS: &str = include_str!("../../../sql/pg_catalog/builtin_procs.tsv");
/// Rows of `pg_operator`.
const OPERATORS: &str = include_str!("../../../sql/pg_catalog/builtin_operators.tsv");
/// Rows of `pg_cast`.
const CASTS: &str = include_str!("../../../sql/pg_catalog/builtin_casts.tsv");
const TYPES: &str = include_str!("../../../sql/pg_catalog/type_categories.tsv");

/// A function that may be called.
#[derive(Debug)]
pub(super) struct Proc {
    /// The element type of a VARIADIC last argument, 0 without.
    pub(super) variadic: u32,
    /// How many of the last arguments may be left out.
    pub(super) defaults: usize,
    pub(super) result: u32,
    /// Argument types, those that are given in a call.
    pub(super) args: Vec<u32>,
    /// Names and types of its result's columns, for one that gives a row.
    pub(super) columns: Vec<(String, u32)>,
    /// What PostgreSQL's own code for it is called: one name for each meaning.
    pub(super) source: &'static str,
    /// It gives many rows.
    pub(super) is_set: bool,
}

/// A type's place in the resolution of overloaded names.
#[derive(Clone, Copy, Debug)]
pub(super) struct TypeInfo {
    pub(super) category: u8,
    pub(super) preferred: bool,
    pub(super) element: u32,
    pub(super) array: u32,
}

/// Result columns of a function by its row in the catalogue: those of mode `o` and `t`.
fn out_columns(types: &str, modes: &str, names: &str) -> Vec<(String, u32)> {
    let rows = types.split(' ').zip(modes.split(' ')).zip(names.split(' '));
    rows.filter(|((_, mode), _)| matches!(*mode, "o" | "t"))
        .filter_map(|((type_oid, _), name)| Some((name.to_owned(), type_oid.parse().ok()?)))
        .collect()
}

static BY_NAME: LazyLock<HashMap<&'static str, Vec<Proc>>> = LazyLock::new(|| {
    let mut all: HashMap<&str, Vec<Proc>> = HashMap::new();
    for line in PROCS.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [
            _,
            name,
            _,
            _,
            _,
            _,
            set,
            variadic,
            defaults,
            result,
            args,
            types,
            modes,
            names,
            source,
        ] = *fields.as_slice()
        else {
            continue;
        };
        all.entry(name).or_default().push(Proc {
            variadic: variadic.parse().unwrap_or(0),
            defaults: defaults.parse().unwrap_or(0),
            result: result.parse().unwrap_or(0),
            args: args.split(' ').filter_map(|oid| oid.parse().ok()).collect(),
            columns: out_columns(types, modes, names),
            // DuckDB has another function of that name, which gives a boolean.
            source: if source == "regexp_matches" { "regexp_matches_flags" } else { source },
            is_set: set == "t",
        });
    }
    all
});

/// Tells whether all functions of a name give one plain value.
pub(in crate::sql) fn is_scalar(name: &str) -> bool {
    let found = procs(name);
    !found.is_empty() && found.iter().all(|proc| !proc.is_set && proc.columns.is_empty())
}

/// Finds the functions of a name.
pub(super) fn procs(name: &str) -> &'static [Proc] {
    BY_NAME.get(name).map_or(&[], Vec::as_slice)
}

/// The code's name of each function, by its OID as text.
static SOURCES: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let ends = |line: &'static str| Some((line.split_once('\t')?.0, line.rsplit_once('\t')?.1));
    PROCS.lines().filter_map(ends).collect()
});

static OPERATORS_BY_NAME: LazyLock<HashMap<&'static str, Vec<Proc>>> = LazyLock::new(|| {
    let mut all: HashMap<&str, Vec<Proc>> = HashMap::new();
    for line in OPERATORS.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [_, name, kind, left, right, result, _, _, code, ..] = *fields.as_slice() else {
            continue;
        };
        let given = if kind == "b" { vec![left, right] } else { vec![right] };
        all.entry(name).or_default().push(Proc {
            variadic: 0,
            defaults: 0,
            result: result.parse().unwrap_or(0),
            args: given.into_iter().filter_map(|oid| oid.parse().ok()).collect(),
            columns: Vec::new(),
            source: SOURCES.get(code).copied().unwrap_or_default(),
            is_set: false,
        });
    }
    all
});

/// Finds the operators of a name, prefix and infix.
pub(super) fn operators(name: &str) -> &'static [Proc] {
    OPERATORS_BY_NAME.get(name).map_or(&[], Vec::as_slice)
}

static IMPLICIT: LazyLock<std::collections::HashSet<(u32, u32)>> = LazyLock::new(|| {
    CASTS
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t').skip(1);
            let (from, to) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
            (fields.nth(1)? == "i").then_some((from, to))
        })
        .collect()
});

static CASTS_BETWEEN: LazyLock<std::collections::HashSet<(u32, u32)>> = LazyLock::new(|| {
    CASTS
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t').skip(1);
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        })
        .collect()
});

static ON_ASSIGNMENT: LazyLock<std::collections::HashSet<(u32, u32)>> = LazyLock::new(|| {
    CASTS
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t').skip(1);
            let (from, to) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
            (fields.nth(1)? == "a").then_some((from, to))
        })
        .collect()
});

/// Tells whether a value of one type becomes another where it is assigned.
pub(super) fn casts_on_assignment(from: u32, to: u32) -> bool {
    ON_ASSIGNMENT.contains(&(from, to))
}

static AGGREGATES: LazyLock<std::collections::HashSet<&'static str>> = LazyLock::new(|| {
    let rows = PROCS.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|fields| fields.get(3) == Some(&"a"))
        .filter_map(|fields| fields.get(1).copied())
        .collect()
});

/// Tells whether a function of this name gives one value for many rows.
pub(super) fn is_aggregate(name: &str) -> bool {
    AGGREGATES.contains(name)
}

static WINDOWS: LazyLock<std::collections::HashSet<&'static str>> = LazyLock::new(|| {
    let rows = PROCS.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|fields| fields.get(3) == Some(&"w"))
        .filter_map(|fields| fields.get(1).copied())
        .collect()
});

/// Tells whether a function of this name needs a window.
pub(super) fn is_window(name: &str) -> bool {
    WINDOWS.contains(name)
}

/// Tells whether there is a cast between two types that goes without their texts.
pub(super) fn has_cast(from: u32, to: u32) -> bool {
    CASTS_BETWEEN.contains(&(from, to))
}

/// Tells whether a value of one type becomes another by itself.
pub(super) fn casts_implicitly(from: u32, to: u32) -> bool {
    IMPLICIT.contains(&(from, to))
}

static TYPE_ROWS: LazyLock<HashMap<u32, TypeInfo>> = LazyLock::new(|| {
    TYPES
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [oid, _, category, preferred, element, array, ..] = fields.as_slice() else {
                return None;
            };
            Some((
                oid.parse().ok()?,
                TypeInfo {
                    category: *category.as_bytes().first()?,
                    preferred: *preferred == "t",
                    element: element.parse().ok()?,
                    array: array.parse().ok()?,
                },
            ))
        })
        .collect()
});

/// Describes a built-in type.
pub(super) fn type_info(oid: u32) -> Option<TypeInfo> {
    TYPE_ROWS.get(&oid).copied()
}

static TYPE_NAMES: LazyLock<HashMap<&'static str, u32>> = LazyLock::new(|| {
    TYPES
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let oid = fields.next()?.parse().ok()?;
            Some((fields.next()?, oid))
        })
        .collect()
});

/// Finds a built-in type by its `typname`.
pub(super) fn type_named(name: &str) -> Option<u32> {
    TYPE_NAMES.get(name).copied()
}

/// The element type of an array type.
pub(super) fn element_of(oid: u32) -> Option<u32> {
    let info = type_info(oid)?;
    (info.category == b'A' && info.element != 0).then_some(info.element)
}

/// The array type over a type.
pub(super) fn array_of(oid: u32) -> Option<u32> {
    type_info(oid).map(|info| info.array).filter(|&array| array != 0)
}
