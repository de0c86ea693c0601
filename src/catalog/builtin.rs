//! PostgreSQL's own functions, operators and casts, and what it says of them: tables made of the
//! lists that the analysis of statements reads, too.

use std::fmt::Write as _;

/// A list of lines, and the table that it becomes.
struct BuiltIn {
    table: &'static str,
    /// The table's columns, of a line's fields, `f`.
    columns: &'static str,
    lines: &'static str,
}

const LISTS: [BuiltIn; 4] = [
    BuiltIn {
        table: "builtin_proc",
        columns: "f[1]::UINTEGER AS oid, f[2] AS proname, f[3]::UINTEGER AS prolang, f[4] AS prokind, \
            f[5] AS provolatile, f[6] = 't' AS proisstrict, f[7] = 't' AS proretset, \
            f[8]::UINTEGER AS provariadic, f[9]::SMALLINT AS pronargdefaults, \
            f[10]::UINTEGER AS prorettype, \
            list_filter(string_split(f[11], ' '), lambda x: x <> '')::UINTEGER[] AS proargtypes, \
            string_split(nullif(f[12], ''), ' ')::UINTEGER[] AS proallargtypes, \
            string_split(nullif(f[13], ''), ' ') AS proargmodes, \
            string_split(nullif(f[14], ''), ' ') AS proargnames, f[15] AS prosrc",
        lines: include_str!("../../sql/pg_catalog/builtin_procs.tsv"),
    },
    BuiltIn {
        table: "builtin_operator",
        columns: "f[1]::UINTEGER AS oid, f[2] AS oprname, f[3] AS oprkind, f[4]::UINTEGER AS oprleft, \
            f[5]::UINTEGER AS oprright, f[6]::UINTEGER AS oprresult, f[7]::UINTEGER AS oprcom, \
            f[8]::UINTEGER AS oprnegate, f[9]::UINTEGER AS oprcode, f[10] = 't' AS oprcanmerge, \
            f[11] = 't' AS oprcanhash, f[12]::UINTEGER AS oprrest, f[13]::UINTEGER AS oprjoin",
        lines: include_str!("../../sql/pg_catalog/builtin_operators.tsv"),
    },
    BuiltIn {
        table: "builtin_cast",
        columns: "f[1]::UINTEGER AS oid, f[2]::UINTEGER AS castsource, \
            f[3]::UINTEGER AS casttarget, f[4]::UINTEGER AS castfunc, f[5] AS castcontext, \
            f[6] AS castmethod",
        lines: include_str!("../../sql/pg_catalog/builtin_casts.tsv"),
    },
    BuiltIn {
        table: "builtin_description",
        columns: "f[2]::UINTEGER AS objoid, f[1]::UINTEGER AS classoid, f[3] AS description",
        lines: include_str!("../../sql/pg_catalog/builtin_descriptions.tsv"),
    },
];

/// Makes the tables. A list is one text, which DuckDB splits much faster than it reads rows of
/// literals.
pub(super) fn tables_sql() -> String {
    let mut sql = String::new();
    for BuiltIn { table, columns, lines } in LISTS {
        let _ = writeln!(
            sql,
            "CREATE TABLE teatree_system.support.{table} AS SELECT {columns} FROM (\
             SELECT string_split(line, chr(9)) AS f FROM (\
             SELECT unnest(string_split('{}', chr(10))) AS line) WHERE line <> '');",
            lines.replace('\'', "''")
        );
    }
    sql
}
