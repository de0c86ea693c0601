"""psycopg2 writes: transactions and their modes, savepoints, COPY, two-phase commit, reset.

Connects by libpq's variables; names every check that fails.
"""

import io
import os
import sys
from pathlib import Path

import psycopg2
from psycopg2 import errors, extensions

sys.path.append(str(Path(__file__).resolve().parent.parent))
from checks import equal, raises, run  # noqa: E402

PID = os.getpid()
POT, PARENT = f"tea_pot_{PID}", f"tea_parent_{PID}"


def connect(autocommit=False):
    conn = psycopg2.connect("")
    conn.autocommit = autocommit
    return conn


def execute(conn, text, values=None):
    with conn.cursor() as cur:
        cur.execute(text, values)
        return cur.fetchall() if cur.description else cur.statusmessage


def ids(conn):
    return [row[0] for row in execute(conn, f"SELECT id FROM {POT} ORDER BY id")]


def set_up():
    conn = connect(autocommit=True)
    execute(conn, f"CREATE TABLE {PARENT} (id int PRIMARY KEY)")
    execute(conn, f"CREATE TABLE {POT} (id serial PRIMARY KEY, name text UNIQUE, "
            f"grams numeric(8,1) CHECK (grams > 0), at timestamptz DEFAULT now())")
    conn.close()


def check_commit_and_rollback():
    conn, other = connect(), connect(autocommit=True)
    equal(execute(conn, f"INSERT INTO {POT} (name, grams) VALUES ('a', 1), ('b', 2)"), "INSERT 0 2")
    equal(conn.get_transaction_status(), extensions.TRANSACTION_STATUS_INTRANS)
    equal((ids(conn), ids(other)), ([1, 2], []))
    conn.commit()
    equal(ids(other), [1, 2])
    equal(execute(conn, f"DELETE FROM {POT}"), "DELETE 2")
    conn.rollback()
    equal(ids(conn), [1, 2])
    conn.close()
    other.close()


def check_with_block():
    conn = connect()

    def failing():
        with conn, conn.cursor() as cur:
            cur.execute(f"INSERT INTO {POT} (name) VALUES ('undone')")
            cur.execute("SELECT 1/0")

    raises(errors.DivisionByZero, failing)
    with conn, conn.cursor() as cur:
        cur.execute(f"UPDATE {POT} SET grams = grams + 1 WHERE name = %s RETURNING grams", ["a"])
        equal([str(row[0]) for row in cur.fetchall()], ["2.0"])
    equal(ids(conn), [1, 2])
    conn.close()


def check_failed_transaction():
    conn = connect()
    raises(errors.UndefinedTable, lambda: execute(conn, "SELECT * FROM no_such"))
    equal(conn.get_transaction_status(), extensions.TRANSACTION_STATUS_INERROR)
    raises(errors.InFailedSqlTransaction, lambda: execute(conn, "SELECT 1"))
    conn.rollback()
    equal(execute(conn, "SELECT 1"), [(1,)])
    conn.close()


def check_savepoints():
    conn = connect()
    execute(conn, f"INSERT INTO {POT} (id, name) VALUES (10, 'outer')")
    execute(conn, "SAVEPOINT one")
    execute(conn, f"INSERT INTO {POT} (id, name) VALUES (11, 'inner')")
    raises(errors.UniqueViolation,
           lambda: execute(conn, f"INSERT INTO {POT} (id, name) VALUES (11, 'again')"))
    execute(conn, "ROLLBACK TO SAVEPOINT one")
    execute(conn, "RELEASE SAVEPOINT one")
    raises(errors.InvalidSavepointSpecification, lambda: execute(conn, "ROLLBACK TO one"))
    conn.rollback()
    equal(ids(conn), [1, 2])
    conn.close()


def check_session_modes():
    conn = connect()
    conn.set_session(isolation_level="SERIALIZABLE", readonly=True, deferrable=True)
    equal(execute(conn, "SHOW transaction_isolation"), [("serializable",)])
    equal(execute(conn, "SHOW transaction_read_only"), [("on",)])
    equal(execute(conn, "SHOW transaction_deferrable"), [("on",)])
    raises(errors.ReadOnlySqlTransaction,
           lambda: execute(conn, f"INSERT INTO {POT} (name) VALUES ('x')"))
    conn.rollback()
    conn.set_session(isolation_level="DEFAULT", readonly="DEFAULT", deferrable="DEFAULT")
    equal(execute(conn, "SHOW transaction_isolation"), [("read committed",)])
    conn.rollback()
    conn.set_session(readonly=True, autocommit=True)  # by default_transaction_read_only
    equal(execute(conn, "SHOW default_transaction_read_only"), [("on",)])
    raises(errors.ReadOnlySqlTransaction,
           lambda: execute(conn, f"INSERT INTO {POT} (name) VALUES ('x')"))
    conn.set_session(readonly=False)
    equal(execute(conn, "SHOW default_transaction_read_only"), [("off",)])
    conn.close()


def check_isolation():
    conn, other = connect(), connect(autocommit=True)
    conn.isolation_level = extensions.ISOLATION_LEVEL_REPEATABLE_READ
    equal(ids(conn), [1, 2])
    execute(other, f"INSERT INTO {POT} (id, name) VALUES (20, 'later')")
    equal(ids(conn), [1, 2])
    conn.rollback()
    conn.isolation_level = extensions.ISOLATION_LEVEL_READ_COMMITTED
    equal(ids(conn), [1, 2, 20])
    execute(other, f"DELETE FROM {POT} WHERE id = 20")
    equal(ids(conn), [1, 2])
    conn.close()
    other.close()


def check_serialization_failure():
    conn, other = connect(), connect(autocommit=True)
    conn.isolation_level = extensions.ISOLATION_LEVEL_REPEATABLE_READ
    ids(conn)
    execute(other, f"UPDATE {POT} SET grams = 5 WHERE id = 1")
    raises(errors.SerializationFailure,
           lambda: execute(conn, f"UPDATE {POT} SET grams = 6 WHERE id = 1"))
    conn.close()
    other.close()


def check_reset():
    conn = connect()
    execute(conn, "SET timezone = 'Asia/Kolkata'")
    execute(conn, "CREATE TEMP TABLE t_reset (a int)")
    execute(conn, "PREPARE p AS SELECT 1")
    conn.commit()
    conn.reset()  # ABORT, RESET ALL, SET SESSION AUTHORIZATION DEFAULT
    equal(execute(conn, "SHOW timezone") != [("Asia/Kolkata",)], True)
    conn.rollback()
    conn.autocommit = True
    equal(execute(conn, "DISCARD ALL"), "DISCARD ALL")
    raises(errors.UndefinedTable, lambda: execute(conn, "SELECT * FROM t_reset"))
    raises(errors.InvalidSqlStatementName, lambda: execute(conn, "EXECUTE p"))
    conn.autocommit = False
    execute(conn, "SELECT 1")
    raises(errors.ActiveSqlTransaction, lambda: execute(conn, "DISCARD ALL"))
    conn.close()


def check_copy_from_and_to():
    conn = connect()
    lines = "".join(f"{n}\tname {n}\t{n}.5\n" for n in range(100, 200)) + "200\t\\N\t\\N\n"
    with conn.cursor() as cur:
        cur.copy_from(io.StringIO(lines), POT, columns=("id", "name", "grams"))
        equal(cur.rowcount, 101)
        out = io.StringIO()
        cur.copy_to(out, POT, columns=("id", "name", "grams"), sep="|", null="-")
        equal(sorted(out.getvalue().splitlines())[:2], ["100|name 100|100.5", "101|name 101|101.5"])
        assert "200|-|-" in out.getvalue().splitlines()
    conn.rollback()
    equal(ids(conn), [1, 2])
    conn.close()


def check_copy_expert():
    conn = connect()
    with conn.cursor() as cur:
        cur.copy_expert(f"COPY {POT} (id, name) FROM STDIN WITH (FORMAT csv, HEADER, NULL '?')",
                        io.StringIO('id,name\n300,"a ""quoted"", name"\n301,?\n'))
        out = io.StringIO()
        cur.copy_expert(f"COPY (SELECT id, name FROM {POT} WHERE id >= 300 ORDER BY id) TO STDOUT "
                        "WITH (FORMAT csv, HEADER, FORCE_QUOTE (name))", out)
        equal(out.getvalue(), 'id,name\n300,"a ""quoted"", name"\n301,\n')
        binary = io.BytesIO()
        cur.copy_expert(f"COPY (SELECT id, name FROM {POT} WHERE id >= 300) TO STDOUT BINARY",
                        binary)
        equal(binary.getvalue()[:11], b"PGCOPY\n\xff\r\n\0")
        cur.execute(f"DELETE FROM {POT} WHERE id >= 300")
        cur.copy_expert(f"COPY {POT} (id, name) FROM STDIN WITH BINARY",
                        io.BytesIO(binary.getvalue()))
        equal((cur.rowcount, ids(conn)), (2, [1, 2, 300, 301]))
    conn.close()


def check_copy_error():
    conn = connect(autocommit=True)
    with conn.cursor() as cur:
        error = raises(errors.InvalidTextRepresentation,
                       lambda: cur.copy_from(io.StringIO("400\tx\nbad\ty\n"), POT,
                                             columns=("id", "name")))
        equal(error.diag.context, f'COPY {POT}, line 2, column id: "bad"')
        raises(errors.BadCopyFileFormat,
               lambda: cur.copy_from(io.StringIO("400\tx\ttoo many\n"), POT,
                                     columns=("id", "name")))
        raises(errors.UniqueViolation,
               lambda: cur.copy_from(io.StringIO("1\tx\n"), POT, columns=("id", "name")))
    equal(ids(conn), [1, 2])
    conn.close()


def check_violations():
    conn = connect(autocommit=True)
    error = raises(errors.CheckViolation,
                   lambda: execute(conn, f"INSERT INTO {POT} (grams) VALUES (-1)"))
    equal(error.diag.constraint_name, f"{POT}_grams_check")
    execute(conn, f"CREATE TABLE tea_child_{PID} (p int REFERENCES {PARENT} (id))")
    try:
        raises(errors.ForeignKeyViolation,
               lambda: execute(conn, f"INSERT INTO tea_child_{PID} VALUES (1)"))
        raises(errors.DependentObjectsStillExist, lambda: execute(conn, f"DROP TABLE {PARENT}"))
    finally:
        execute(conn, f"DROP TABLE tea_child_{PID}")
    conn.close()


def check_upsert_and_serial():
    conn = connect()
    text = (f"INSERT INTO {POT} (id, name, grams) VALUES (%s, %s, %s) ON CONFLICT (name) DO UPDATE "
            "SET grams = EXCLUDED.grams RETURNING id, grams")
    equal([(i, float(g)) for i, g in execute(conn, text, [1000, "a", 9])], [(1, 9.0)])
    first = execute(conn, f"INSERT INTO {POT} (name) VALUES ('n') RETURNING id")[0][0]
    sequence = execute(conn, "SELECT pg_get_serial_sequence(%s, 'id')", [POT])[0][0]
    equal(sequence, f"public.{POT}_id_seq")
    equal(execute(conn, "SELECT currval(%s), lastval()", [sequence]), [(first, first)])
    equal(execute(conn, "SELECT setval(%s, 5000)", [sequence]), [(5000,)])
    equal(execute(conn, f"INSERT INTO {POT} (name) VALUES ('m') RETURNING id"), [(5001,)])
    conn.rollback()
    conn.close()


def check_transactional_ddl():
    conn = connect()
    execute(conn, f"CREATE TABLE tea_ddl_{PID} AS SELECT 1 AS a")
    execute(conn, f"ALTER TABLE {POT} ADD COLUMN extra int DEFAULT 3")
    equal(execute(conn, f"SELECT DISTINCT extra FROM {POT}"), [(3,)])
    conn.rollback()
    raises(errors.UndefinedColumn, lambda: execute(conn, f"SELECT extra FROM {POT}"))
    conn.rollback()
    equal(execute(conn, f"SELECT to_regclass('tea_ddl_{PID}')"), [(None,)])
    conn.close()


def check_two_statements():
    conn = connect(autocommit=True)
    both = f"INSERT INTO {POT} (id) VALUES (700); SELECT 1 / 0"
    raises(errors.DivisionByZero, lambda: execute(conn, both))
    equal(ids(conn), [1, 2])
    equal(execute(conn, "SELECT 1; SELECT 2"), [(2,)])
    conn.close()


def check_prepare_and_execute():
    conn = connect()
    execute(conn, f"PREPARE by_id (int) AS SELECT name FROM {POT} WHERE id = $1")
    equal(execute(conn, "EXECUTE by_id (%s)", [1]), [("a",)])
    equal(execute(conn, "SELECT name, parameter_types::text FROM pg_prepared_statements"),
          [("by_id", "{integer}")])
    execute(conn, "DEALLOCATE by_id")
    raises(errors.InvalidSqlStatementName, lambda: execute(conn, "EXECUTE by_id (1)"))
    conn.close()


def check_row_locks():
    conn, other = connect(), connect()
    equal(execute(conn, f"SELECT id FROM {POT} WHERE id = 1 FOR UPDATE"), [(1,)])
    raises(errors.LockNotAvailable,
           lambda: execute(other, f"SELECT id FROM {POT} WHERE id = 1 FOR UPDATE NOWAIT"))
    other.rollback()
    equal(execute(other, f"SELECT id FROM {POT} ORDER BY id FOR UPDATE SKIP LOCKED"), [(2,)])
    conn.close()
    other.close()


def check_two_phase_commit():
    conn = connect()
    xid = conn.xid(7, f"tea-{PID}", "branch")
    conn.tpc_begin(xid)
    execute(conn, f"INSERT INTO {POT} (id) VALUES (800)")
    conn.tpc_prepare()
    conn.tpc_rollback()
    equal(ids(conn), [1, 2])
    conn.close()


def check_large_object():
    conn = connect()
    big = conn.lobject(0, "wb")
    big.write(b"tea leaves")
    oid = big.oid
    big.close()
    equal(conn.lobject(oid, "rb").read(), b"tea leaves")
    conn.rollback()
    conn.close()


def check_encoding():
    conn = connect()
    conn.set_client_encoding("LATIN1")
    equal(execute(conn, "SELECT %s", ["thé"]), [("thé",)])
    raises(errors.UntranslatableCharacter, lambda: execute(conn, "SELECT chr(22791)"))
    conn.close()


def clean_up():
    conn = connect(autocommit=True)
    for table in (POT, PARENT):
        execute(conn, f"DROP TABLE IF EXISTS {table} CASCADE")
    conn.close()


# What these need is not there yet.
LATER = [
    "check_encoding",
    "check_large_object",
    "check_prepare_and_execute",
    "check_row_locks",
    "check_session_modes",
    "check_two_phase_commit",
]

if __name__ == "__main__":
    own = [value for name, value in list(globals().items()) if name.startswith("check_")]
    run([set_up, *own], clean_up, later=LATER)
