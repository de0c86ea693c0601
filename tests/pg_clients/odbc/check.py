"""psqlODBC by pyodbc: parameters, the catalogue functions, cursors, transactions, errors.

psqlODBC asks the catalogue after every SELECT, by the table's OID in its row description. Connects
by libpq's variables; names every check that fails.
"""

import datetime as dt
import os
import sys
from decimal import Decimal
from pathlib import Path

import pyodbc

sys.path.append(str(Path(__file__).resolve().parent.parent))
from checks import equal, raises, run  # noqa: E402

PID = os.getpid()
TEA, CHILD = f"tea_odbc_{PID}", f"tea_child_{PID}"
PLACE = ";".join(["DRIVER={PostgreSQL Unicode}", f"SERVER={os.environ['PGHOST']}",
                  f"PORT={os.environ['PGPORT']}", f"UID={os.environ.get('PGUSER', 'postgres')}",
                  f"PWD={os.environ.get('PGPASSWORD', '')}"])
DATABASE = os.environ.get("PGDATABASE", "postgres")


def connect(options="", autocommit=True, database=DATABASE):
    return pyodbc.connect(f"{PLACE};DATABASE={database};{options}", autocommit=autocommit,
                          timeout=10)


def rows(text, *values, options=""):
    conn = connect(options)
    try:
        return [tuple(row) for row in conn.execute(text, *values).fetchall()]
    finally:
        conn.close()


def state(error):
    return error.args[0]


def set_up():
    conn = connect()
    conn.execute(f"CREATE TABLE {TEA} (id int PRIMARY KEY, name varchar(30) NOT NULL, "
                 "price numeric(8,2), f float8, day date, at timestamp, ok boolean, note text)")
    conn.execute(f"CREATE INDEX {TEA}_by_name ON {TEA} (name, price)")
    conn.execute(f"CREATE TABLE {CHILD} (tea int REFERENCES {TEA} (id))")
    conn.execute(f"INSERT INTO {TEA} SELECT g, 'tea ' || g, g / 4.0, g * 1.5, '2024-02-29', "
                 "'2024-02-29 01:02:03', g % 2 = 0, NULL FROM generate_series(1, 200) g")
    conn.close()


def check_connection():
    conn = connect()
    equal(conn.getinfo(pyodbc.SQL_DBMS_NAME), "PostgreSQL")
    equal(conn.getinfo(pyodbc.SQL_DBMS_VER)[:3], "15.")
    equal(conn.getinfo(pyodbc.SQL_DATABASE_NAME), DATABASE)
    conn.close()


def check_parameters():
    for kind, value in [("int", 5), ("int8", 2**40), ("float8", 1.5), ("text", "it's 🍵"),
                        ("text", None), ("date", dt.date(2024, 2, 29)),
                        ("timestamp", dt.datetime(2024, 2, 29, 1, 2, 3, 4000)),
                        ("numeric(8,2)", Decimal("12.50")), ("bytea", b"\x00\xff")]:
        equal((kind, rows(f"SELECT ?::{kind}", value)), (kind, [(value,)]))


def check_inferred_parameters():
    found = rows(f"SELECT id FROM {TEA} WHERE name LIKE ? AND price > ? AND f < ? AND day = ? "
                 "AND id BETWEEN ? AND ? ORDER BY id", "tea 1%", Decimal("4.00"), 200.0,
                 dt.date(2024, 2, 29), 1, 102)
    equal([row[0] for row in found], [17, 18, 19, 100, 101, 102])


def check_rows():
    equal(rows(f"SELECT id, name, price, f, day, at, ok, note FROM {TEA} WHERE id = 2"),
          [(2, "tea 2", Decimal("0.50"), 3.0, dt.date(2024, 2, 29),
            dt.datetime(2024, 2, 29, 1, 2, 3), "1", None)])
    equal(rows(f"SELECT count(*), sum(id), max(price), avg(id) FROM {TEA}"),
          [(200, 20100, Decimal("50.00"), Decimal("100.5000000000000000"))])


def check_description():
    conn = connect()
    cursor = conn.execute(f"SELECT id, name, price, day FROM {TEA}")
    equal([(c[0], c[1], c[3], c[5], c[6]) for c in cursor.description],
          [("id", int, 10, 0, False), ("name", str, 30, 0, False), ("price", Decimal, 8, 2, True),
           ("day", dt.date, 10, 0, True)])
    conn.close()


def check_executemany():
    conn = connect(autocommit=False)
    cursor = conn.cursor()
    cursor.executemany(f"INSERT INTO {TEA} (id, name, price) VALUES (?, ?, ?)",
                       [(n, f"many {n}", Decimal(n)) for n in range(1000, 1050)])
    equal(cursor.execute(f"SELECT count(*) FROM {TEA} WHERE id >= 1000").fetchval(), 50)
    equal(cursor.execute(f"UPDATE {TEA} SET price = 1 WHERE id >= ?", 1000).rowcount, 50)
    conn.rollback()
    equal(cursor.execute(f"SELECT count(*) FROM {TEA}").fetchval(), 200)
    conn.close()


def check_prepared():
    conn = connect("UseServerSidePrepare=1")
    cursor = conn.cursor()
    for number in range(1, 10):
        cursor.execute(f"SELECT name FROM {TEA} WHERE id = ?", number)
        equal(cursor.fetchval(), f"tea {number}")
    conn.close()


def check_client_side_parameters():
    found = rows(f"SELECT id FROM {TEA} WHERE name = ? AND price = ?", "tea 4", Decimal("1.00"),
                 options="UseServerSidePrepare=0")
    equal(found, [(4,)])


def check_tables():
    conn = connect()
    cursor = conn.cursor()
    equal([(t.table_schem, t.table_name, t.table_type) for t in cursor.tables(table=TEA)],
          [("public", TEA, "TABLE")])
    conn.execute(f"CREATE VIEW {TEA}_v AS SELECT id FROM {TEA}")
    try:
        equal([t.table_name for t in cursor.tables(table=f"{TEA}%", tableType="VIEW")],
              [f"{TEA}_v"])
    finally:
        conn.execute(f"DROP VIEW {TEA}_v")
    conn.close()


def check_columns():
    conn = connect()
    found = [(c.column_name, c.type_name, c.column_size, c.nullable)
             for c in conn.cursor().columns(table=TEA)]
    equal(found[:5], [("id", "int4", 10, 0), ("name", "varchar", 30, 0), ("price", "numeric", 8, 1),
                      ("f", "float8", 17, 1), ("day", "date", 10, 1)])
    conn.close()


def check_keys():
    conn = connect()
    cursor = conn.cursor()
    equal([(k.column_name, k.pk_name) for k in cursor.primaryKeys(TEA)], [("id", f"{TEA}_pkey")])
    equal([(k.pktable_name, k.fkcolumn_name, k.fk_name) for k in
           cursor.foreignKeys(foreignTable=CHILD)], [(TEA, "tea", f"{CHILD}_tea_fkey")])
    conn.close()


def check_statistics():
    conn = connect()
    found = [(s.index_name, s.column_name, s.non_unique) for s in conn.cursor().statistics(TEA)
             if s.index_name]
    equal(sorted(found), [(f"{TEA}_by_name", "name", 1), (f"{TEA}_by_name", "price", 1),
                          (f"{TEA}_pkey", "id", 0)])
    conn.close()


def check_type_info_and_procedures():
    conn = connect()
    names = {row[0] for row in conn.cursor().getTypeInfo()}
    assert {"int4", "varchar", "numeric", "bool", "timestamptz"} <= names, names
    equal(conn.cursor().procedures(procedure="no_such_function").fetchall(), [])
    conn.close()


def check_declared_cursor():
    conn = connect("UseDeclareFetch=1;Fetch=30", autocommit=False)
    cursor = conn.execute(f"SELECT id FROM {TEA} ORDER BY id")
    equal([row[0] for row in cursor.fetchmany(40)], list(range(1, 41)))
    equal(len(cursor.fetchall()), 160)
    conn.commit()
    conn.close()


def check_several_statements():
    conn = connect()
    cursor = conn.execute("SELECT 1; SELECT 'two'")
    equal(cursor.fetchval(), 1)
    equal(cursor.nextset(), True)
    equal(cursor.fetchval(), "two")
    conn.close()


def check_transactions():
    conn, other = connect(autocommit=False), connect()
    conn.execute(f"INSERT INTO {TEA} (id, name) VALUES (3000, 'x')")
    equal(other.execute(f"SELECT count(*) FROM {TEA} WHERE id = 3000").fetchval(), 0)
    conn.commit()
    equal(other.execute(f"DELETE FROM {TEA} WHERE id = 3000").rowcount, 1)
    conn.close()
    other.close()


def check_error_rolls_back_the_statement():
    conn = connect("Protocol=7.4-2", autocommit=False)  # a savepoint round every statement
    conn.execute(f"INSERT INTO {TEA} (id, name) VALUES (4000, 'kept')")
    raises(pyodbc.Error, lambda: conn.execute("SELECT 1/0"))
    equal(conn.execute(f"SELECT count(*) FROM {TEA} WHERE id = 4000").fetchval(), 1)
    conn.rollback()
    conn.close()


def check_isolation():
    conn = connect(autocommit=False)
    conn.set_attr(pyodbc.SQL_ATTR_TXN_ISOLATION, pyodbc.SQL_TXN_SERIALIZABLE)
    equal(conn.execute("SHOW transaction_isolation").fetchval(), "serializable")
    conn.close()


def check_errors():
    conn = connect()
    for code, text in [("42P01", "SELECT * FROM no_such"), ("42601", "SELEKT 1"),
                       ("42703", "SELECT no_such"), ("22012", "SELECT 1/0"),
                       ("23505", f"INSERT INTO {TEA} (id, name) VALUES (1, 'x')"),
                       ("23502", f"INSERT INTO {TEA} (id) VALUES (5000)")]:
        error = raises(pyodbc.Error, lambda: conn.execute(text))
        as_odbc = {"42S02": "42P01", "42S22": "42703", "42000": "42601"}
        equal((text, as_odbc.get(state(error), state(error))), (text, code))
    conn.close()


def check_no_database():
    error = raises(pyodbc.Error, lambda: connect(database="no_such_database"))
    assert "no_such_database" in str(error), error


def clean_up():
    conn = connect()
    for table in (CHILD, TEA):
        conn.execute(f"DROP TABLE IF EXISTS {table}")
    conn.close()


if __name__ == "__main__":
    own = [value for name, value in list(globals().items()) if name.startswith("check_")]
    run([set_up, *own], clean_up)
