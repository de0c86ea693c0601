//! Indexes, and who else is there when they are made.

use crate::harness::Server;

#[test]
fn an_index_made_while_others_see_deleted_rows_outlives_them() {
    let Some(server) = Server::start(&[]) else { return };
    let mut client = server.connect();
    client.run("CREATE TABLE other (i int)");
    client.run("CREATE TABLE t (id int PRIMARY KEY, a int, b text)");
    client.run("INSERT INTO t SELECT i, i, 'x' || i FROM generate_series(1, 50) s(i)");
    client.run("CREATE INDEX ON t (a)");
    client.run(
        "CREATE MATERIALIZED VIEW m WITH (refresh = 'on_change') AS
         SELECT a % 7 AS c, count(*) AS n FROM t GROUP BY 1",
    );
    for begin in ["BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t", "BEGIN"] {
        let mut older = server.connect();
        older.run(begin);
        if begin == "BEGIN" {
            older.run("INSERT INTO other VALUES (1)");
        }
        client.run("UPDATE t SET a = a + 1");
        client.run("CREATE INDEX ON t (b)");
        client.run("CREATE INDEX ON m (n)");
        client.run("DELETE FROM t WHERE id % 10 = 3");
        client.run("CREATE UNIQUE INDEX ON t (a, b)");
        client.run("UPDATE t SET a = a + 100, b = b || 'y'");
        assert_eq!(older.run("COMMIT"), "COMMIT");
        assert_eq!(
            client.lines("SELECT count(*), sum(n) FROM t, (SELECT sum(n) AS n FROM m)"),
            ["45|2025"]
        );
    }
}
