//! Portals: pages by `max_rows`, and what a finished portal answers.

use crate::harness::{connect, unique};
use crate::messages::Out;
use crate::raw_client::RawClient;

/// Rows 1 to `n` in a portal of a transaction, so that it outlives Sync.
fn open(client: &mut RawClient, portal: &str, n: u32) {
    assert_eq!(client.query("BEGIN"), ["C BEGIN", "Z T"]);
    let sql = format!("SELECT g::int4 AS g FROM generate_series(1, {n}) AS t(g) ORDER BY 1");
    let out = Out::new().parse("", &sql, &[]).bind(portal, "", &[]).sync();
    assert_eq!(client.talk(out), ["1", "2", "Z T"]);
}

fn page(client: &mut RawClient, portal: &str, max_rows: i32) -> Vec<String> {
    client.talk(Out::new().execute(portal, max_rows).sync())
}

#[test]
fn pages_follow_each_other() {
    let mut client = connect();
    open(&mut client, "p", 5);
    assert_eq!(page(&mut client, "p", 2), ["D 1", "D 2", "s", "Z T"]);
    assert_eq!(page(&mut client, "p", 2), ["D 3", "D 4", "s", "Z T"]);
    // The tag counts the rows of this Execute only.
    assert_eq!(page(&mut client, "p", 2), ["D 5", "C SELECT 1", "Z T"]);
}

#[test]
fn exactly_as_many_rows_as_asked_for_suspends() {
    let mut client = connect();
    open(&mut client, "p", 4);
    assert_eq!(page(&mut client, "p", 2), ["D 1", "D 2", "s", "Z T"]);
    assert_eq!(page(&mut client, "p", 2), ["D 3", "D 4", "s", "Z T"]);
    assert_eq!(page(&mut client, "p", 2), ["C SELECT 0", "Z T"]);
}

#[test]
fn a_finished_portal_gives_nothing_twice() {
    let mut client = connect();
    open(&mut client, "p", 2);
    assert_eq!(page(&mut client, "p", 0), ["D 1", "D 2", "C SELECT 2", "Z T"]);
    assert_eq!(page(&mut client, "p", 0), ["C SELECT 0", "Z T"]);
    assert_eq!(page(&mut client, "p", 5), ["C SELECT 0", "Z T"]);
}

#[test]
fn pages_within_one_sync_work_without_a_transaction() {
    let mut client = connect();
    let out = Out::new()
        .parse("", "SELECT g::int4 AS g FROM generate_series(1, 3) AS t(g) ORDER BY 1", &[])
        .bind("", "", &[])
        .describe_portal("")
        .execute("", 2)
        .execute("", 2)
        .sync();
    assert_eq!(
        client.talk(out),
        ["1", "2", "T g:23", "D 1", "D 2", "s", "D 3", "C SELECT 1", "Z I"]
    );
}

#[test]
fn outside_a_transaction_a_portal_ends_at_sync() {
    let mut client = connect();
    let out = Out::new()
        .parse("", "SELECT g::int4 AS g FROM generate_series(1, 3000) AS t(g) ORDER BY 1", &[])
        .bind("p", "", &[])
        .execute("p", 1)
        .sync();
    assert_eq!(client.talk(out), ["1", "2", "D 1", "s", "Z I"]);
    assert_eq!(page(&mut client, "p", 1), ["E 34000", "Z I"]);
}

#[test]
fn portals_end_with_their_transaction() {
    let mut client = connect();
    open(&mut client, "p", 5000);
    assert_eq!(page(&mut client, "p", 1), ["D 1", "s", "Z T"]);
    assert_eq!(client.query("COMMIT"), ["C COMMIT", "Z I"]);
    assert_eq!(page(&mut client, "p", 1), ["E 34000", "Z I"]);
}

#[test]
fn two_open_portals_do_not_disturb_each_other() {
    let mut client = connect();
    open(&mut client, "a", 9000);
    let sql = "SELECT (g * 10)::int4 AS g FROM generate_series(1, 9000) AS t(g) ORDER BY 1";
    let out = Out::new().parse("", sql, &[]).bind("b", "", &[]).sync();
    assert_eq!(client.talk(out), ["1", "2", "Z T"]);
    assert_eq!(page(&mut client, "a", 1), ["D 1", "s", "Z T"]);
    assert_eq!(page(&mut client, "b", 1), ["D 10", "s", "Z T"]);
    assert_eq!(client.value("SELECT 1"), "1");
    assert_eq!(page(&mut client, "a", 1), ["D 2", "s", "Z T"]);
    assert_eq!(client.talk(Out::new().close_portal("a").sync()), ["3", "Z T"]);
    assert_eq!(page(&mut client, "b", 1), ["D 20", "s", "Z T"]);
    assert_eq!(page(&mut client, "a", 1), ["E 34000", "Z E"]);
}

#[test]
fn a_large_result_is_complete_page_by_page() {
    let mut client = connect();
    open(&mut client, "p", 10_000);
    let mut seen = 0;
    loop {
        let replies = page(&mut client, "p", 999);
        for row in replies.iter().filter(|line| line.starts_with('D')) {
            seen += 1;
            assert_eq!(*row, format!("D {seen}"));
        }
        if replies.iter().any(|line| line.starts_with('C')) {
            break;
        }
    }
    assert_eq!(seen, 10_000);
}

#[test]
fn strange_row_limits_are_taken() {
    let mut client = connect();
    open(&mut client, "p", 3);
    assert_eq!(page(&mut client, "p", i32::MAX), ["D 1", "D 2", "D 3", "C SELECT 3", "Z T"]);
    client.run("ROLLBACK");
    // PostgreSQL: zero or less means all.
    open(&mut client, "p", 3);
    assert_eq!(page(&mut client, "p", -1), ["D 1", "D 2", "D 3", "C SELECT 3", "Z T"]);
    client.run("ROLLBACK");
    open(&mut client, "p", 2);
    assert_eq!(page(&mut client, "p", i32::MIN), ["D 1", "D 2", "C SELECT 2", "Z T"]);
}

#[test]
fn the_same_name_is_refused_while_a_portal_is_open() {
    let mut client = connect();
    open(&mut client, "p", 3);
    let out = Out::new().parse("", "SELECT 1", &[]).bind("p", "", &[]).sync();
    assert_eq!(client.talk(out), ["1", "E 42P03", "Z E"]);
}

#[test]
fn an_insert_portal_executed_twice_inserts_once() {
    let mut client = connect();
    let table = unique("once");
    client.run(&format!("CREATE TABLE {table} (a int)"));
    let insert = format!("INSERT INTO {table} VALUES (1)");
    let out =
        Out::new().parse("", &insert, &[]).bind("", "", &[]).execute("", 0).execute("", 0).sync();
    // 55000: portal "" cannot be run. PostgreSQL rolls the pipeline's implicit transaction back,
    // so nothing is left there; what was acknowledged before the error may also stay.
    let replies = client.talk(out);
    assert_eq!(replies, ["1", "2", "C INSERT 0 1", "E 55000", "Z I"]);
    let count = client.value(&format!("SELECT count(*) FROM {table}"));
    assert!(count == "0" || count == "1", "the row is there {count} times");
    client.run(&format!("DROP TABLE {table}"));
}

#[test]
fn an_insert_returning_portal_gives_its_rows_in_pages_and_inserts_once() {
    let mut client = connect();
    let table = unique("returning_pages");
    client.run(&format!("CREATE TABLE {table} (a int4)"));
    let insert = format!("INSERT INTO {table} VALUES (1), (2), (3) RETURNING a");
    let out =
        Out::new().parse("", &insert, &[]).bind("", "", &[]).execute("", 2).execute("", 2).sync();
    let replies = client.talk(out);
    assert_eq!(replies, ["1", "2", "D 1", "D 2", "s", "D 3", "C INSERT 0 1", "Z I"]);
    assert_eq!(client.value(&format!("SELECT count(*) FROM {table}")), "3");
    client.run(&format!("DROP TABLE {table}"));
}

#[test]
fn portals_are_bounded() {
    if crate::harness::skip_on_oracle("bounded by memory only") {
        return;
    }
    let mut client = connect();
    open(&mut client, "p", 3);
    let mut refused = None;
    for n in 0..2000 {
        let replies = client.talk(Out::new().bind(&format!("p{n}"), "", &[]).sync());
        if replies[0].starts_with('E') {
            refused = Some(replies);
            break;
        }
    }
    let refused = refused.expect("2,000 open portals");
    assert!(["E 53400", "E 54000", "E 53000"].contains(&refused[0].as_str()), "{refused:?}");
    client.run("ROLLBACK");
    assert_eq!(client.value("SELECT 1"), "1");
}
