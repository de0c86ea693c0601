"""psycopg 3: parameters, binary results, prepared statements, COPY, errors, cancel, pipelines.

Connects by libpq's variables (PGHOST, PGPORT, PGUSER, PGDATABASE); fails by an exception.
"""

import datetime as dt
import os
import threading
import time
import uuid
from decimal import Decimal

import psycopg
from psycopg import errors, sql
from psycopg.rows import dict_row
from psycopg.types.json import Json

TABLE = f"tea_psycopg_{os.getpid()}"
T = sql.Identifier(TABLE)


def connect(**options):
    return psycopg.connect("", autocommit=True, **options)


def raises(error, run):
    try:
        run()
    except error as raised:
        return raised
    raise AssertionError(f"{error.__name__} was not raised")


def check_connection(conn):
    assert conn.info.status == psycopg.pq.ConnStatus.OK
    assert conn.info.server_version // 10000 == 15, conn.info.server_version
    assert conn.info.encoding == "utf-8"
    assert conn.info.parameter_status("integer_datetimes") == "on"
    assert conn.execute("SELECT current_database()").fetchone() == ("postgres",)


def check_parameters(conn):
    for value in [
        1, -5, 2**40, 10**30, 1.5, True, "tea 🍵", "it's \\ odd", b"\x00\xff", None,
        Decimal("12.50"), dt.date(2024, 2, 29), dt.time(12, 34, 56, 789),
        dt.datetime(2024, 2, 29, 12, 34, 56, 789), uuid.UUID(int=7),
        dt.datetime(2024, 2, 29, 12, tzinfo=dt.timezone.utc), dt.timedelta(days=3, seconds=4),
        [1, 2, None], [1.5, 2.5],
    ]:
        for binary in [False, True]:
            got = conn.cursor(binary=binary).execute("SELECT %s AS v", [value]).fetchone()[0]
            assert got == value, (value, got, binary)
    texts = ["a", "b c", None, ""]
    assert conn.execute("SELECT %s::text[]", [texts]).fetchone()[0] == texts
    row = conn.execute("SELECT %(a)s::int + %(b)s::int, %(a)s::text", {"a": 2, "b": 3}).fetchone()
    assert row == (5, "2"), row
    got = conn.execute("SELECT %s", [Json({"a": [1, None]})]).fetchone()[0]
    assert got == {"a": [1, None]}, got


def check_table(conn):
    conn.execute(sql.SQL(
        "CREATE TABLE {} (id int PRIMARY KEY, name text NOT NULL, n numeric(10,2), d date, j json)"
    ).format(T))
    insert = sql.SQL("INSERT INTO {} (id, name, n, d) VALUES (%s, %s, %s, %s)").format(T)
    for n in range(12):  # from the sixth on, psycopg uses a named statement
        cursor = conn.execute(insert, [n, f"name {n}", Decimal(n) / 4, dt.date(2024, 1, n + 1)])
        assert cursor.rowcount == 1 and cursor.statusmessage == "INSERT 0 1"
    cursor = conn.cursor()
    cursor.executemany(insert, [(n, "many", None, None) for n in range(100, 120)])
    assert cursor.rowcount == 20, cursor.rowcount
    select = sql.SQL("SELECT id, name, n, d FROM {} WHERE id = %s").format(T)
    for n in range(12):
        for binary in [False, True]:
            row = conn.cursor(binary=binary).execute(select, [n]).fetchone()
            assert row == (n, f"name {n}", Decimal(n) / 4, dt.date(2024, 1, n + 1)), row
    some = sql.SQL("SELECT id FROM {} WHERE id = ANY(%s) ORDER BY id").format(T)
    assert conn.execute(some, [[3, 5, 99]]).fetchall() == [(3,), (5,)]
    cursor = conn.cursor(row_factory=dict_row)
    row = cursor.execute(sql.SQL("SELECT count(*) AS n, max(n) AS top FROM {}").format(T)).fetchone()
    assert row == {"n": 32, "top": Decimal("2.75")}, row
    names = [(c.name, c.type_code) for c in conn.execute(select, [1]).description]
    assert names == [("id", 23), ("name", 25), ("n", 1700), ("d", 1082)], names
    row = conn.execute(
        sql.SQL("UPDATE {} SET name = %s WHERE id = %s RETURNING id, name").format(T), ["new", 1]
    ).fetchone()
    assert row == (1, "new"), row
    cursor = conn.execute(sql.SQL("DELETE FROM {} WHERE id >= 100").format(T))
    assert cursor.rowcount == 20 and cursor.statusmessage == "DELETE 20"


def check_errors(conn):
    error = raises(errors.UndefinedTable, lambda: conn.execute("SELECT * FROM no_such_table"))
    assert error.sqlstate == "42P01" and error.diag.statement_position == "15", error
    raises(errors.SyntaxError, lambda: conn.execute("SELEKT 1"))
    raises(errors.UndefinedColumn, lambda: conn.execute("SELECT none"))
    raises(errors.UndefinedFunction, lambda: conn.execute("SELECT no_such_function(1)"))
    raises(errors.InvalidTextRepresentation, lambda: conn.execute("SELECT 'x'::int"))
    insert = sql.SQL("INSERT INTO {} (id, name) VALUES (%s, %s)").format(T)
    raises(errors.UniqueViolation, lambda: conn.execute(insert, [1, "again"]))
    raises(errors.NotNullViolation, lambda: conn.execute(insert, [50, None]))
    refused = psycopg.OperationalError
    error = raises(refused, lambda: psycopg.connect("", dbname="no_such_database"))
    assert 'database "no_such_database" does not exist' in str(error), error
    assert conn.execute("SELECT 1").fetchone() == (1,)


def check_copy(conn):
    cursor = conn.cursor()
    with cursor.copy(sql.SQL("COPY {} (id, name, d) FROM STDIN").format(T)) as copy:
        for n in range(1000, 2000):
            copy.write_row((n, f"copied\t{n}", None if n % 2 else dt.date(2024, 1, 1)))
    assert cursor.rowcount == 1000, cursor.rowcount
    counts = sql.SQL("SELECT count(*), count(d) FROM {} WHERE id >= 1000").format(T)
    assert conn.execute(counts).fetchone() == (1000, 500)

    def bad():
        with conn.cursor().copy(sql.SQL("COPY {} (id, name) FROM STDIN").format(T)) as copy:
            copy.write("5000\tgood\n")
            copy.write("x\tbad\n")

    error = raises(errors.InvalidTextRepresentation, bad)
    assert error.diag.context == f'COPY {TABLE}, line 2, column id: "x"', error.diag.context

    def abandoned():
        with conn.cursor().copy(sql.SQL("COPY {} (id, name) FROM STDIN").format(T)) as copy:
            copy.write_row((6000, "good"))
            raise KeyError("changed my mind")

    raises(KeyError, abandoned)
    left = sql.SQL("SELECT count(*) FROM {} WHERE id >= 5000").format(T)
    assert conn.execute(left).fetchone() == (0,)
    out = sql.SQL("COPY (SELECT id, name FROM {} WHERE id IN (1, 1000) ORDER BY id) TO STDOUT")
    with conn.cursor().copy(out.format(T)) as copy:
        rows = list(copy.rows())
    assert rows == [("1", "new"), ("1000", "copied\t1000")], rows


def check_stream(conn):
    seen = 0
    query = "SELECT g, 'row ' || g FROM generate_series(1, %s::int) AS s(g)"
    for at, row in enumerate(conn.cursor().stream(query, [50_000]), 1):
        assert row == (at, f"row {at}")
        seen = at
    assert seen == 50_000


def check_transactions(conn):
    with conn.transaction():
        assert conn.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        assert conn.execute("SELECT 1").fetchone() == (1,)
    raises(errors.UndefinedTable, lambda: in_transaction(conn, "SELECT * FROM no_such_table"))
    assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    with psycopg.connect("") as other:  # not autocommit: BEGIN before the first statement
        assert other.execute("SELECT 2").fetchone() == (2,)


def in_transaction(conn, query):
    with conn.transaction():
        conn.execute(query)


def check_pipeline(conn):
    with conn.pipeline():
        cursors = [conn.execute("SELECT %s::int * 2", [n]) for n in range(50)]
        assert [cursor.fetchone() for cursor in cursors] == [(n * 2,) for n in range(50)]


def check_cancel(conn):
    endless = ("SELECT count(*) FROM generate_series(1, 3000000) a(x), "
               "generate_series(1, 3000000) b(y) WHERE x * 7 %% 11 = y %% 13 AND x > %s")
    timer = threading.Timer(0.3, conn.cancel_safe)
    timer.start()
    started = time.monotonic()
    raises(errors.QueryCanceled, lambda: conn.execute(endless, [0]))
    timer.join()
    assert time.monotonic() - started < 30
    assert conn.execute("SELECT 1").fetchone() == (1,)


def main():
    with connect() as conn:
        conn.execute("SET timezone = 'UTC'")
        check_connection(conn)
        check_parameters(conn)
        check_table(conn)
        check_errors(conn)
        check_copy(conn)
        check_stream(conn)
        check_transactions(conn)
        check_pipeline(conn)
        check_cancel(conn)
        conn.execute(sql.SQL("DROP TABLE {}").format(T))


main()
