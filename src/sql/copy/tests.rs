//! Tests of COPY's syntax. Codes and messages are those of PostgreSQL 15.

use super::*;
use crate::types::CopyFormat;

fn parse_copy(sql: &str) -> Result<Kind> {
    crate::sql::parse(sql).map(|mut statements| statements.remove(0).kind)
}

fn copy_in(sql: &str) -> CopyIn {
    match parse_copy(sql).unwrap() {
        Kind::CopyIn(copy) => copy,
        other => panic!("{other:?}"),
    }
}

fn copy_out(sql: &str) -> CopyOut {
    match parse_copy(sql).unwrap() {
        Kind::CopyOut(copy) => *copy,
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_spellings_of_the_options_mean_the_same() {
    for sql in [
        "COPY t (a, \"B\") FROM STDIN WITH (FORMAT csv, HEADER, DELIMITER ';', NULL 'x', QUOTE '''', \
         ESCAPE E'\\\\', FORCE_NOT_NULL (a), FORCE_NULL (\"B\"), ENCODING 'utf-8')",
        "copy t (a, \"B\") from stdin delimiter as ';' null as 'x' csv header quote as '''' \
         escape as E'\\\\' force not null a force null \"B\" encoding 'UTF8'",
        "COPY t(A,\"B\") FROM STDOUT (format 'csv', header on, delimiter ';', null x, quote '''', \
         escape E'\\\\', force_not_null (a), force_null (\"B\"))",
    ] {
        let copy = copy_in(sql);
        let options = &copy.options;
        assert_eq!((options.format, options.header), (CopyFormat::Csv, true), "{sql}");
        assert_eq!((options.delimiter, options.null.as_str()), (b';', "x"), "{sql}");
        assert_eq!((options.quote, options.escape), (b'\'', b'\\'), "{sql}");
        assert_eq!(copy.columns, ["a", "B"], "{sql}");
        assert_eq!((copy.force_not_null, copy.force_null), (vec!["a".into()], vec!["B".into()]));
    }
    assert_eq!(copy_in("COPY BINARY t FROM STDIN").options.format, CopyFormat::Binary);
    assert_eq!(copy_in("COPY t FROM STDIN BINARY").options.format, CopyFormat::Binary);
    assert_eq!(copy_in("COPY t FROM STDIN USING DELIMITERS ':'").options.delimiter, b':');
    assert_eq!(copy_in("COPY t FROM STDIN WITH DELIMITER '|' NULL ''").options.delimiter, b'|');
    assert!(copy_in("COPY t FROM STDIN (FORMAT csv, HEADER match)").options.header_match);
    assert!(!copy_in("COPY t FROM STDIN (FORMAT csv, HEADER 0, FREEZE)").options.header);
    assert!(copy_in("COPY t FROM STDIN WHERE a > 1 AND b IS NULL").condition.is_some());
}

#[test]
fn a_query_may_be_anything_that_gives_rows() {
    for sql in [
        "COPY (SELECT (1) AS a) TO STDOUT",
        "COPY (VALUES (1), (2)) TO STDOUT CSV",
        "COPY (WITH x AS (SELECT 1) SELECT * FROM x) TO STDOUT (FORMAT binary)",
        "COPY (INSERT INTO t VALUES (1) RETURNING a) TO STDOUT",
        "COPY (TABLE t) TO STDIN",
    ] {
        assert!(copy_out(sql).whole_table.is_none(), "{sql}");
    }
    assert_eq!(
        copy_out("COPY t TO STDOUT (FORMAT csv, FORCE_QUOTE *)").force_quote,
        ForceQuote::All
    );
    let copy = copy_out("COPY s.t (b) TO STDOUT CSV FORCE QUOTE b");
    assert_eq!(copy.force_quote, ForceQuote::These(vec!["b".into()]));
    assert_eq!(copy.query.text, "SELECT \"b\" FROM s.t");
}

#[test]
fn what_postgresql_refuses_is_refused_in_its_words() {
    for (sql, code, message) in [
        ("t FROM STDIN (FORMAT xml)", "22023", "COPY format \"xml\" not recognized"),
        (
            "t TO STDOUT (FORMAT binary, DELIMITER 'x')",
            "42601",
            "cannot specify DELIMITER in BINARY mode",
        ),
        ("t TO STDOUT (FORMAT binary, NULL 'x')", "42601", "cannot specify NULL in BINARY mode"),
        ("t TO STDOUT (FORMAT binary, HEADER)", "0A000", "cannot specify HEADER in BINARY mode"),
        ("t TO STDOUT (HEADER match)", "0A000", "cannot use \"match\" with HEADER in COPY TO"),
        (
            "t TO STDOUT (DELIMITER 'ab')",
            "0A000",
            "COPY delimiter must be a single one-byte character",
        ),
        ("t TO STDOUT (DELIMITER 'a')", "22023", "COPY delimiter cannot be \"a\""),
        ("t TO STDOUT (QUOTE 'a')", "0A000", "COPY quote available only in CSV mode"),
        (
            "t TO STDOUT (FORMAT csv, QUOTE ',')",
            "22023",
            "COPY delimiter and quote must be different",
        ),
        (
            "t FROM STDIN (FORMAT csv, FORCE_QUOTE (a))",
            "0A000",
            "COPY force quote only available using COPY TO",
        ),
        (
            "t TO STDOUT (FORMAT csv, FORCE_NULL (a))",
            "0A000",
            "COPY force null only available using COPY FROM",
        ),
        ("t TO STDOUT (FORMAT csv, FORMAT csv)", "42601", "conflicting or redundant options"),
        ("BINARY t TO STDOUT CSV", "42601", "conflicting or redundant options"),
        ("t TO STDOUT (nonsense 1)", "42601", "option \"nonsense\" not recognized"),
        ("t TO STDOUT (HEADER 3)", "42601", "header requires a Boolean value or \"match\""),
        ("t TO STDOUT (FREEZE foo)", "42601", "freeze requires a Boolean value"),
        ("t TO STDOUT (FORMAT)", "42601", "format requires a parameter"),
        (
            "t TO STDOUT (ENCODING 'xyz')",
            "22023",
            "argument to option \"encoding\" must be a valid encoding name",
        ),
        (
            "t TO STDOUT (FORCE_QUOTE a)",
            "22023",
            "argument to option \"force_quote\" must be a list of column names",
        ),
        ("t (a, a) TO STDOUT", "42701", "column \"a\" specified more than once"),
        ("t FROM 5", "42601", "syntax error at or near \"5\""),
        ("t TO STDOUT garbage", "42601", "syntax error at or near \"garbage\""),
        ("t TO STDOUT ()", "42601", "syntax error at or near \")\""),
        ("t", "42601", "syntax error at end of input"),
        ("(SELECT 1) FROM STDIN", "42601", "syntax error at or near \"from\""),
        (
            "(INSERT INTO t VALUES (1)) TO STDOUT",
            "0A000",
            "COPY query must have a RETURNING clause",
        ),
        ("(SELECT 1 INTO x) TO STDOUT", "0A000", "COPY (SELECT INTO) is not supported"),
        ("t TO STDOUT WHERE a > 1", "42601", "WHERE clause not allowed with COPY TO"),
        (
            "t FROM STDIN WHERE (SELECT true)",
            "0A000",
            "cannot use subquery in COPY FROM WHERE condition",
        ),
        (
            "t TO '/tmp/x'",
            "42501",
            "must be superuser or have privileges of the pg_write_server_files role to COPY to a file",
        ),
        (
            "t FROM '/tmp/x' CSV",
            "42501",
            "must be superuser or have privileges of the pg_read_server_files role to COPY from a file",
        ),
        (
            "t FROM PROGRAM 'ls'",
            "42501",
            "must be superuser or have privileges of the pg_execute_server_program role to COPY to or from an external program",
        ),
    ] {
        let error = parse_copy(&format!("COPY {sql}")).unwrap_err();
        assert_eq!((error.code().as_str(), error.message()), (code, message), "COPY {sql}");
    }
}
