//! What `currval` and `lastval` give behind INSERTs that leave a column to its sequence.

use crate::harness::{connect, unique};
use crate::messages::Out;
use crate::raw_client::RawClient;

fn row(client: &mut RawClient, sql: &str) -> Vec<String> {
    let rows = client.rows(sql);
    rows[0].iter().map(|value| value.clone().unwrap_or_default()).collect()
}

fn parent(client: &mut RawClient, name: &str) -> (String, String) {
    let table = unique(name);
    client.run(&format!(
        "CREATE TABLE {table} (id serial PRIMARY KEY, who text NOT NULL DEFAULT 'n', n int)"
    ));
    let current = format!("SELECT currval('{table}_id_seq'), lastval()");
    (table, current)
}

#[test]
fn currval_is_what_the_last_insert_drew() {
    let mut client = connect();
    let (t, current) = parent(&mut client, "drew");
    for (insert, id) in [
        (format!("INSERT INTO {t} (who) VALUES ('a')"), "1"),
        (format!("INSERT INTO {t} (who) VALUES ('b'), ('c')"), "3"),
        (format!("INSERT INTO {t} DEFAULT VALUES"), "4"),
        (format!("INSERT INTO {t} VALUES (DEFAULT, 'd')"), "5"),
        (format!("INSERT INTO {t} (who) VALUES (upper('e')) RETURNING who"), "6"),
        (format!("INSERT INTO {t} (who) VALUES ('f') RETURNING *"), "7"),
        (format!("INSERT INTO {t} (who) SELECT 'g' FROM generate_series(1, 3)"), "10"),
        (format!("INSERT INTO {t} (who) VALUES ('h') ON CONFLICT DO NOTHING"), "11"),
        (format!("INSERT INTO {t} (id, who) VALUES (100, 'i')"), "11"),
    ] {
        client.run(&insert);
        assert_eq!(row(&mut client, &current), [id, id], "{insert}");
    }
    let returned = client.query(&format!("INSERT INTO {t} (who) VALUES ('j') RETURNING who"));
    assert_eq!(returned[1], "D j");
    client.run(&format!("DROP TABLE {t}"));
}

#[test]
fn currval_follows_inside_of_a_transaction_and_a_copy() {
    let mut client = connect();
    let (t, current) = parent(&mut client, "drew_in");
    let child = unique("drew_child");
    client.run(&format!("CREATE TABLE {child} (id bigserial, parent int)"));
    client.run("BEGIN");
    client.run(&format!("INSERT INTO {t} (who) VALUES ('a')"));
    client.run(&format!("INSERT INTO {child} (parent) VALUES (currval('{t}_id_seq'))"));
    assert_eq!(client.value("SELECT lastval()"), "1");
    client.run("COMMIT");
    client.run(&format!("INSERT INTO {t} (who) VALUES ('b')"));
    client.run(&format!("INSERT INTO {child} (parent) VALUES (currval('{t}_id_seq'))"));
    assert_eq!(client.value(&format!("SELECT max(parent) FROM {child}")), "2");
    client.send(Out::new().query(&format!("COPY {t} (who) FROM STDIN")));
    client.send(Out::new().copy_data(b"c\nd\n").copy_done());
    client.read_until_ready();
    assert_eq!(row(&mut client, &current), ["4", "4"]);
    client.run(&format!("DROP TABLE {child}, {t}"));
}

#[test]
fn currval_is_ones_own_while_others_insert() {
    let mut first = connect();
    let (t, current) = parent(&mut first, "drew_beside");
    let own = |who: usize, in_block: bool| {
        let (t, current) = (t.clone(), current.clone());
        move || {
            let mut client = connect();
            for n in 0..40 {
                if in_block {
                    client.run("BEGIN");
                }
                client.run(&format!("INSERT INTO {t} (who, n) VALUES ('{who}', {n})"));
                let drawn = row(&mut client, &current);
                if in_block {
                    client.run("COMMIT");
                }
                let found = format!("SELECT id, id FROM {t} WHERE who = '{who}' AND n = {n}");
                assert_eq!(row(&mut client, &found), drawn);
            }
        }
    };
    let sessions: Vec<_> = (0..6).map(|who| std::thread::spawn(own(who, who == 0))).collect();
    sessions.into_iter().for_each(|session| session.join().unwrap());
    let ids = row(&mut first, &format!("SELECT count(DISTINCT id), count(*) FROM {t}"));
    assert_eq!(ids, ["240", "240"]);
    first.run(&format!("DROP TABLE {t}"));
}
