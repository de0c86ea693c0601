"""psycopg 3 writes: transactions, savepoints, RETURNING, COPY in text and binary, pipelines.

Connects by libpq's variables; names every check that fails.
"""

import datetime as dt
import os
import sys
import uuid
from decimal import Decimal
from pathlib import Path

import psycopg
from psycopg import IsolationLevel, Rollback, errors, sql
from psycopg.pq import TransactionStatus

sys.path.append(str(Path(__file__).resolve().parent.parent))
from checks import equal, raises, run  # noqa: E402

PID = os.getpid()
PLAIN, KEYED, KINDS = (sql.Identifier(f"tea_{name}_{PID}") for name in ("plain", "keyed", "kinds"))


def connect(**options):
    return psycopg.connect("", **options)


def q(text, *names):
    return sql.SQL(text).format(*names)


def ids(conn, table):
    return [row[0] for row in conn.execute(q("SELECT id FROM {} ORDER BY id", table))]


def set_up():
    with connect(autocommit=True) as conn:
        conn.execute(q("CREATE TABLE {} (id int, v text)", PLAIN))
        conn.execute(q("CREATE TABLE {} (id serial PRIMARY KEY, v text UNIQUE, at timestamptz "
                       "DEFAULT now())", KEYED))
        conn.execute(q("CREATE TABLE {} (id int, n numeric(12,3), f float8, d date, ts timestamp, "
                       "tz timestamptz, b bool, u uuid, raw bytea, big int8, small int2)", KINDS))


def check_commit():
    with connect() as conn, connect(autocommit=True) as other:
        conn.execute(q("INSERT INTO {} VALUES (1, 'a')", PLAIN))
        conn.execute(q("INSERT INTO {} VALUES (2, 'b')", PLAIN))
        conn.execute(q("UPDATE {} SET v = 'c' WHERE id = 1", PLAIN))
        equal(conn.info.transaction_status, TransactionStatus.INTRANS)
        equal(ids(conn, PLAIN), [1, 2])
        equal(ids(other, PLAIN), [])
        conn.commit()
        equal(ids(other, PLAIN), [1, 2])


def check_rollback():
    with connect() as conn:
        conn.execute(q("DELETE FROM {}", PLAIN))
        equal(ids(conn, PLAIN), [])
        conn.rollback()
        equal(ids(conn, PLAIN), [1, 2])


def check_failed_transaction():
    with connect() as conn:
        conn.execute(q("INSERT INTO {} VALUES (3, 'x')", PLAIN))
        raises(errors.UndefinedTable, lambda: conn.execute("SELECT * FROM no_such_table"))
        equal(conn.info.transaction_status, TransactionStatus.INERROR)
        raises(errors.InFailedSqlTransaction, lambda: conn.execute("SELECT 1"))
        conn.rollback()
        equal(ids(conn, PLAIN), [1, 2])


def check_lost_connection():
    conn = connect()
    conn.execute(q("INSERT INTO {} VALUES (4, 'x')", PLAIN))
    conn.close()
    with connect() as conn:
        equal(ids(conn, PLAIN), [1, 2])


def check_savepoints():
    with connect(autocommit=True) as conn:
        with conn.transaction():
            conn.execute(q("INSERT INTO {} VALUES (10, 'outer')", PLAIN))
            with conn.transaction():
                conn.execute(q("INSERT INTO {} VALUES (11, 'inner')", PLAIN))
            with conn.transaction(force_rollback=True):
                conn.execute(q("INSERT INTO {} VALUES (12, 'undone')", PLAIN))
            try:
                with conn.transaction("named"):
                    conn.execute(q("INSERT INTO {} VALUES (13, 'undone')", PLAIN))
                    conn.execute(q("INSERT INTO {} (id) VALUES (1 / 0)", PLAIN))
            except errors.DivisionByZero:
                pass
            with conn.transaction() as inner:
                conn.execute(q("INSERT INTO {} VALUES (14, 'undone')", PLAIN))
                raise Rollback(inner)
            equal(ids(conn, PLAIN), [1, 2, 10, 11])
        equal(ids(conn, PLAIN), [1, 2, 10, 11])


def check_isolation():
    with connect() as conn, connect(autocommit=True) as other:
        conn.isolation_level = IsolationLevel.REPEATABLE_READ
        equal(ids(conn, PLAIN), [1, 2, 10, 11])
        other.execute(q("INSERT INTO {} VALUES (20, 'later')", PLAIN))
        equal(ids(conn, PLAIN), [1, 2, 10, 11])
        conn.rollback()
        equal(ids(conn, PLAIN), [1, 2, 10, 11, 20])
        conn.rollback()
        conn.isolation_level = IsolationLevel.READ_COMMITTED
        equal(len(ids(conn, PLAIN)), 5)
        other.execute(q("DELETE FROM {} WHERE id = 20", PLAIN))
        equal(len(ids(conn, PLAIN)), 4)


def check_read_only():
    with connect() as conn:
        conn.read_only = True
        insert = q("INSERT INTO {} VALUES (30, 'x')", PLAIN)
        raises(errors.ReadOnlySqlTransaction, lambda: conn.execute(insert))


def check_transactional_ddl():
    with connect() as conn:
        conn.execute(q("CREATE TABLE {} (a int)", sql.Identifier(f"tea_ddl_{PID}")))
        conn.execute(q("INSERT INTO {} VALUES (1)", sql.Identifier(f"tea_ddl_{PID}")))
        found = conn.execute("SELECT count(*) FROM pg_class WHERE relname = %s", [f"tea_ddl_{PID}"])
        equal(found.fetchone(), (1,))
        conn.rollback()
        found = conn.execute("SELECT count(*) FROM pg_class WHERE relname = %s", [f"tea_ddl_{PID}"])
        equal(found.fetchone(), (0,))


def check_returning():
    with connect() as conn:
        cursor = conn.execute(q("INSERT INTO {} (v) VALUES (%s), (%s) RETURNING id, v, at", KEYED),
                              ["a", "b"])
        rows = cursor.fetchall()
        equal([row[1] for row in rows], ["a", "b"])
        assert rows[0][0] < rows[1][0] and rows[0][2].tzinfo is not None, rows
        equal([c.type_code for c in cursor.description], [23, 25, 1184])
        updated = conn.execute(q("UPDATE {} SET v = v || '!' RETURNING v", KEYED)).fetchall()
        equal(sorted(updated), [("a!",), ("b!",)])
        deleted = conn.execute(q("DELETE FROM {} WHERE v = 'a!' RETURNING id", KEYED)).fetchall()
        equal(deleted, [(rows[0][0],)])
        conn.commit()


def check_constraint_in_transaction():
    with connect() as conn:
        conn.execute(q("INSERT INTO {} (v) VALUES ('unique')", KEYED))
        error = raises(errors.UniqueViolation,
                       lambda: conn.execute(q("INSERT INTO {} (v) VALUES ('unique')", KEYED)))
        equal(error.sqlstate, "23505")
        conn.rollback()


def check_upsert():
    with connect(autocommit=True) as conn:
        upsert = q("INSERT INTO {} (v) VALUES (%s) ON CONFLICT (v) DO NOTHING", KEYED)
        equal(conn.execute(upsert, ["once"]).rowcount, 1)
        equal(conn.execute(upsert, ["once"]).rowcount, 0)


def check_executemany():
    with connect() as conn:
        cursor = conn.cursor()
        cursor.executemany(q("INSERT INTO {} VALUES (%s, %s)", PLAIN),
                           [(n, f"many {n}") for n in range(100, 150)])
        equal(cursor.rowcount, 50)
        cursor.executemany(q("INSERT INTO {} VALUES (%s, %s) RETURNING id", PLAIN),
                           [(n, "returned") for n in range(150, 153)], returning=True)
        found = [cursor.fetchone()[0]]
        while cursor.nextset():
            found.append(cursor.fetchone()[0])
        equal(found, [150, 151, 152])
        conn.commit()
        conn.execute(q("DELETE FROM {} WHERE id >= 100", PLAIN))
        conn.commit()


ROW = (7, Decimal("12.345"), 1.5, dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 1, 2, 3, 4),
       dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=dt.timezone.utc), True, uuid.UUID(int=7),
       b"\x00\xff", 2**40, -3)
TYPES = ["int4", "numeric", "float8", "date", "timestamp", "timestamptz", "bool", "uuid", "bytea",
         "int8", "int2"]


def copy_kinds(options):
    with connect(autocommit=True) as conn:
        conn.execute(q("DELETE FROM {}", KINDS))
        cursor = conn.cursor()
        with cursor.copy(q("COPY {} FROM STDIN" + options, KINDS)) as copy:
            if "BINARY" in options:
                copy.set_types(TYPES)
            copy.write_row(ROW)
            copy.write_row((8,) + (None,) * 10)
        equal(cursor.rowcount, 2)
        equal(conn.execute(q("SELECT * FROM {} ORDER BY id", KINDS)).fetchone(), ROW)
        with conn.cursor().copy(q("COPY (SELECT * FROM {} ORDER BY id) TO STDOUT" + options,
                                  KINDS)) as copy:
            copy.set_types(TYPES)
            rows = list(copy.rows())
        equal(rows, [ROW, (8,) + (None,) * 10])


def check_copy_text():
    copy_kinds("")


def check_copy_binary():
    copy_kinds(" (FORMAT BINARY)")


def check_copy_in_transaction():
    with connect() as conn:
        with conn.cursor().copy(q("COPY {} FROM STDIN", PLAIN)) as copy:
            for n in range(200, 300):
                copy.write_row((n, "copied"))
        equal(len(ids(conn, PLAIN)), 104)
        conn.rollback()
        equal(len(ids(conn, PLAIN)), 4)


def check_copy_broken_by_the_client():
    def broken():
        with connect(autocommit=True) as conn:
            with conn.cursor().copy(q("COPY {} FROM STDIN", PLAIN)) as copy:
                copy.write_row((400, "x"))
                raise ValueError("the client gives up")

    raises(ValueError, broken)
    with connect() as conn:
        equal(len(ids(conn, PLAIN)), 4)


def check_pipeline():
    with connect() as conn:
        with conn.pipeline():
            for n in range(500, 550):
                conn.execute(q("INSERT INTO {} VALUES (%s, 'piped')", PLAIN), [n])
            counted = conn.execute(q("SELECT count(*) FROM {} WHERE id >= 500", PLAIN))
            equal(counted.fetchone(), (50,))
        conn.rollback()
        equal(len(ids(conn, PLAIN)), 4)


def check_pipeline_is_one_transaction():
    with connect(autocommit=True) as conn:
        def broken():
            with conn.pipeline() as pipeline:
                conn.execute(q("INSERT INTO {} VALUES (600, 'undone')", PLAIN))
                conn.execute("SELECT * FROM no_such_table")
                conn.execute(q("INSERT INTO {} VALUES (601, 'skipped')", PLAIN))
                pipeline.sync()

        raises(errors.UndefinedTable, broken)
        equal(len(ids(conn, PLAIN)), 4)


def check_implicit_transaction():
    with connect(autocommit=True) as conn:
        both = f"INSERT INTO tea_plain_{PID} VALUES (700, 'undone'); SELECT 1 / 0"
        raises(errors.DivisionByZero, lambda: conn.execute(both))
        equal(len(ids(conn, PLAIN)), 4)


def check_server_side_cursor():
    with connect() as conn, conn.cursor("tea") as cursor:
        cursor.execute("SELECT g FROM generate_series(1, 1000) AS s(g)")
        equal(cursor.fetchmany(3), [(1,), (2,), (3,)])
        equal(len(cursor.fetchall()), 997)


def clean_up():
    with connect(autocommit=True) as conn:
        for table in (PLAIN, KEYED, KINDS):
            conn.execute(q("DROP TABLE IF EXISTS {}", table))


if __name__ == "__main__":
    own = [value for name, value in list(globals().items()) if name.startswith("check_")]
    run([set_up, *own], clean_up)
