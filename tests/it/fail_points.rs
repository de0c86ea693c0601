//! Every step of a write is made to crash, and to fail with an I/O error: what was acknowledged is
//! there once, what was refused is not, and reads go on.

use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use teatree::fail_point::Point;

use crate::harness::Server;
use crate::messages::{Message, Out};
use crate::raw_client::RawClient;

/// Servers that run at once.
const THREADS: usize = 3;

/// One write, and the query that tells whether it is there.
struct Step {
    sql: &'static str,
    /// Rows of a COPY.
    rows: i64,
    check: &'static str,
    /// What the query gives when the write is there, and when it is not.
    there: &'static str,
    absent: &'static str,
}

const fn step(sql: &'static str, check: &'static str) -> Step {
    Step { sql, rows: 0, check, there: "1", absent: "0" }
}

const fn copy(sql: &'static str, check: &'static str) -> Step {
    Step { sql, rows: COPY_ROWS, check, there: "1500", absent: "0" }
}

/// With their values more than travels inside an intent.
const COPY_ROWS: i64 = 1500;
const COPY_WIDTH: usize = 1000;

/// Together they pass every point.
const STEPS: &[Step] = &[
    Step {
        sql: "BEGIN; INSERT INTO plain VALUES (10, 't'); \
              UPDATE plain SET v = 'u' WHERE id = 10; INSERT INTO plain VALUES (11, 't'); COMMIT",
        rows: 0,
        check: "SELECT count(*) FROM plain WHERE id IN (10, 11)",
        there: "2",
        absent: "0",
    },
    step("INSERT INTO plain VALUES (1, 'a')", "SELECT count(*) FROM plain WHERE id = 1"),
    step("INSERT INTO arrow_rows VALUES (1, 'a')", "SELECT count(*) FROM arrow_rows WHERE id = 1"),
    Step {
        sql: "UPDATE counter SET n = n + 1",
        rows: 0,
        check: "SELECT n FROM counter",
        there: "11",
        absent: "10",
    },
    copy("COPY plain FROM STDIN", "SELECT count(*) FROM plain WHERE id >= 1000"),
    copy("COPY arrow_rows FROM STDIN", "SELECT count(*) FROM arrow_rows WHERE id >= 1000"),
    Step {
        sql: "UPDATE arrow_counter SET n = n + 1",
        rows: 0,
        check: "SELECT n FROM arrow_counter",
        there: "11",
        absent: "10",
    },
    Step {
        sql: "DROP TABLE doomed",
        rows: 0,
        check: "SELECT count(*) FROM information_schema.tables WHERE table_name = 'doomed'",
        there: "0",
        absent: "1",
    },
    step(
        "CREATE TABLE made (id int8) USING arrow",
        "SELECT count(*) FROM information_schema.tables WHERE table_name = 'made'",
    ),
    step(
        "CALL teatree.publish_version('walk')",
        "SELECT count(*) FROM teatree.versions WHERE note = 'walk'",
    ),
    step("INSERT INTO plain VALUES (2, 'b')", "SELECT count(*) FROM plain WHERE id = 2"),
];

const SETUP: &[&str] = &[
    "CREATE TABLE plain (id int8, v text)",
    "CREATE TABLE arrow_rows (id int8, v text) USING arrow",
    "CREATE TABLE counter (n int8)",
    "INSERT INTO counter VALUES (10)",
    "CREATE TABLE arrow_counter (n int8) USING arrow",
    "INSERT INTO arrow_counter VALUES (10)",
    "CREATE TABLE doomed (id int8) USING arrow",
    "INSERT INTO doomed VALUES (1)",
];

/// How a step ended for its client.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Acknowledged,
    /// It is not known, and must be there or not, whole.
    Unknown,
    /// The server said that it is in the log and will be applied.
    Promised,
    /// Refused, and surely not there.
    Refused,
}

/// Runs a step; `None` when the server is gone.
fn run(client: &mut RawClient, step: &Step) -> Option<Message> {
    let row = |n| format!("{}\t{}\n", 1000 + n, "x".repeat(COPY_WIDTH));
    let data: String = (0..step.rows).map(row).collect();
    client.try_send_bytes(&Out::new().query(step.sql).0);
    let mut answer = None;
    while let Some(message) = client.try_read() {
        match message.tag {
            b'G' => client.try_send_bytes(&Out::new().copy_data(data.as_bytes()).copy_done().0),
            // COMMIT's is the last one; an error ends the message.
            b'C' | b'E' => answer = Some(message),
            b'Z' if message.body == b"E" => {
                client.try_send_bytes(&Out::new().query("ROLLBACK").0);
                while client.try_read().is_some_and(|message| message.tag != b'Z') {}
                return answer;
            }
            b'Z' => return answer,
            _ => {}
        }
    }
    // A transaction that was not answered to its end is not known, whatever its first tags say.
    answer.filter(|_| !step.sql.starts_with("BEGIN"))
}

fn fate(answer: Option<&Message>, what: &str) -> Fate {
    let Some(answer) = answer else { return Fate::Unknown };
    if answer.tag == b'C' {
        return Fate::Acknowledged;
    }
    let fields = answer.error();
    let code = fields[&'C'].as_str();
    if code == "0A000" {
        // A server without transactions that write.
        return Fate::Refused;
    }
    assert!(["58030", "53100"].contains(&code), "{what}: {fields:?}");
    let detail = fields.get(&'D').map_or("", String::as_str);
    if detail.contains("is durable and will be applied") { Fate::Promised } else { Fate::Unknown }
}

/// Runs the steps on an armed server, restarts it unarmed, and checks.
fn walk(template: &Path, point: Point, action: &str) {
    let what = format!("{}={action}", point.name());
    let armed = ["--debug", "true", "--fail-points", &what];
    let Some(mut server) = Server::start_on(template, &armed) else { return };
    let mut client = server.connect();
    let mut fates = Vec::new();
    for step in STEPS {
        let stopped = fates.iter().any(|fate| matches!(fate, Fate::Unknown | Fate::Promised));
        let answer = run(&mut client, step);
        if answer.is_none() && stopped {
            break;
        }
        let mut fate = fate(answer.as_ref(), &what);
        if stopped && fate == Fate::Unknown {
            // The machine has failed before: nothing is taken any more, and the client told why.
            let fields = answer.unwrap().error();
            assert!(fields.contains_key(&'H'), "{what}: no hint in {fields:?}");
            fate = Fate::Refused;
        }
        fates.push(fate);
        if fate == Fate::Unknown && action.starts_with("crash") {
            break;
        }
    }
    if !server.log().contains("a fail point acts") {
        assert!(!action.ends_with(":1"), "{what} was never passed");
        return;
    }
    if action.starts_with("crash") {
        assert!(!server.wait(Duration::from_secs(30)).success());
    } else {
        let mut reader = server.connect();
        for step in STEPS {
            reader.lines(step.check);
        }
        server.kill_9();
    }
    server.set_args(&[]);
    server.restart();
    check(&mut server, &fates, &what);
}

fn check(server: &mut Server, fates: &[Fate], what: &str) {
    let mut client = server.connect();
    for (step, fate) in STEPS.iter().zip(fates) {
        let found = client.value(step.check);
        let fits = match fate {
            Fate::Acknowledged | Fate::Promised => found == step.there,
            Fate::Refused => found == step.absent,
            Fate::Unknown => found == step.there || found == step.absent,
        };
        assert!(fits, "{what}: {}: {fate:?}, but {} gives {found}", step.sql, step.check);
    }
    for step in STEPS.iter().skip(fates.len()) {
        assert_eq!(client.value(step.check), step.absent, "{what}: {}", step.sql);
    }
    // What the fault left behind is in nobody's way.
    client.run("INSERT INTO plain VALUES (3, 'c')");
    client.run("INSERT INTO arrow_rows VALUES (3, 'c')");
    client.run("CALL teatree.publish_version('after')");
    assert_eq!(client.value("SELECT count(*) FROM plain WHERE id = 3"), "1", "{what}");
    assert_eq!(client.value("SELECT count(*) FROM arrow_rows WHERE id = 3"), "1", "{what}");
}

/// Which point is armed with what; some errors only with `TEATREE_TORTURE_MINUTES` set.
fn walks() -> Vec<(Point, &'static str)> {
    let is_long = std::env::var("TEATREE_TORTURE_MINUTES").is_ok_and(|minutes| !minutes.is_empty());
    let fails_always = [
        Point::StagedBeforeSync,
        Point::LogBeforeWrite,
        Point::LogAfterWrite,
        Point::DuckDbBeforeApply,
        Point::DuckDbBeforeCommit,
        Point::DuckDbAfterCommit,
        Point::DatasetAfterParts,
        Point::ManifestAfterRename,
        Point::VersionBetweenRenames,
    ];
    let mut walks = Vec::new();
    for point in Point::ALL {
        walks.push((*point, "crash:1"));
        // DuckDB's fatal errors have their test in `reopen.rs`.
        let may_fail = point.may_fail() && *point != Point::DuckDbFatal;
        if may_fail && (is_long || fails_always.contains(point)) {
            walks.push((*point, "eio:1"));
        }
        let ends_a_write = [
            Point::LogBeforeWrite,
            Point::LogAfterWrite,
            Point::DuckDbBeforeCommit,
            Point::DuckDbAfterCommit,
            Point::OutcomeBeforeRecord,
        ];
        // The first pass may be a transaction's, the second is not.
        if is_long || ends_a_write.contains(point) {
            walks.push((*point, "crash:2"));
        }
    }
    walks
}

#[test]
fn a_fault_between_any_two_steps_of_a_write_breaks_no_promise() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    SETUP.iter().for_each(|sql| drop(client.run(sql)));
    drop(client);
    server.stop();
    let walks = Mutex::new(walks());
    let template = server.dir();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let next = walks.lock().unwrap().pop();
                    let Some((point, action)) = next else { return };
                    walk(&template, point, action);
                }
            });
        }
    });
}

#[test]
fn a_full_disk_while_a_copy_is_staged_is_that_statements_error_only() {
    let args =
        ["--debug", "true", "--fail-points", "staged_write=enospc;staged_before_sync=enospc:2"];
    let Some(server) = Server::start(&args) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE plain (id int8, v text)");
    let copy = STEPS.iter().find(|step| step.rows > 0).unwrap();
    for _ in 0..3 {
        let answer = run(&mut client, copy).unwrap();
        if answer.tag == b'C' {
            continue;
        }
        assert_eq!(answer.error()[&'C'], "53100");
        let staged = std::fs::read_dir(server.dir().join("staged")).unwrap().count();
        assert_eq!(staged, 0, "a failed COPY left its file");
        client.run("INSERT INTO plain VALUES (1, 'a')");
    }
    assert_eq!(client.value("SELECT count(*) FROM plain WHERE id = 1"), "2");
    assert_eq!(client.value(copy.check), "1500");
}

#[test]
fn fail_points_are_refused_without_debug() {
    let Some(mut server) = Server::start(&[]) else { return };
    server.stop();
    server.set_args(&["--fail-points", "log_after_write=crash"]);
    server.spawn();
    assert!(!server.wait(Duration::from_secs(30)).success());
    assert!(server.log().contains("--debug true"), "{}", server.log());
}
