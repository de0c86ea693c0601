"""psycopg2 reads: literals, types both ways, arrays, JSON, ranges, errors, named cursors, notices.

psycopg2 writes every parameter into the statement itself and speaks only the simple protocol.
Connects by libpq's variables; names every check that fails.
"""

import datetime as dt
import decimal
import ipaddress
import os
import select
import sys
import threading
import uuid
from pathlib import Path

import psycopg2
import psycopg2.extras
from psycopg2 import errors, extensions, sql

sys.path.append(str(Path(__file__).resolve().parent.parent))
from checks import equal, raises, run  # noqa: E402

PID = os.getpid()
LEAF, MOOD = f"tea_leaf_{PID}", f"tea_mood_{PID}"
D = decimal.Decimal


def connect(**options):
    conn = psycopg2.connect("", **options)
    conn.autocommit = True
    return conn


def rows(text, values=None, conn=None, **cursor):
    own = conn or connect()
    with own.cursor(**cursor) as cur:
        cur.execute(text, values)
        found = cur.fetchall()
    if conn is None:
        own.close()
    return found


def one(text, values=None, conn=None):
    return rows(text, values, conn)[0][0]


def set_up():
    conn = connect()
    cur = conn.cursor()
    cur.execute(f"CREATE TYPE {MOOD} AS ENUM ('sour', 'sweet')")
    cur.execute(f"CREATE TABLE {LEAF} (id int PRIMARY KEY, name varchar(30) NOT NULL, "
                "price numeric(8,2), tags text[], doc jsonb)")
    cur.execute(f"INSERT INTO {LEAF} SELECT g, 'leaf ' || g, g / 4.0, ARRAY['t' || g, NULL], "
                "json_build_object('g', g)::jsonb FROM generate_series(1, 500) g")
    conn.close()


def check_connection():
    conn = connect(application_name="tea check", options="-c timezone=Asia/Kolkata")
    equal(conn.server_version // 10000, 15)
    equal(conn.encoding, "UTF8")
    equal(conn.get_parameter_status("standard_conforming_strings"), "on")
    equal(conn.get_parameter_status("TimeZone"), "Asia/Kolkata")
    equal(one("SHOW application_name", conn=conn), "tea check")
    equal(one("SELECT current_setting('timezone')", conn=conn), "Asia/Kolkata")
    equal(conn.info.backend_pid, one("SELECT pg_backend_pid()", conn=conn))
    conn.close()


def check_scalars():
    kolkata = dt.timezone(dt.timedelta(hours=5, minutes=30))
    for value in [
        1, -(2**31), 2**40, 10**30, 1.5, -1e-7, True, "it's \\ \"odd\" %", "two\nlines\ttab",
        "tea 🍵", "", D("12.50"), D("NaN"), D("0.000000001"), dt.date(2024, 2, 29),
        dt.time(1, 2, 3, 4), dt.datetime(2024, 2, 29, 1, 2, 3, 4), dt.timedelta(-1, 5, 7),
        dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=kolkata), dt.date(1, 1, 1), None,
    ]:
        found = one("SELECT %s", [value])
        if isinstance(value, float):  # the literal is a numeric
            found = float(found)
        assert found == value or found != found and value != value, (found, value)


def check_bytes():
    value = bytes(range(256))
    equal(bytes(one("SELECT %s", [psycopg2.Binary(value)])), value)
    equal(one("SELECT length(%s)", [psycopg2.Binary(value)]), 256)
    equal(bytes(one("SELECT '\\x00ff'::bytea")), b"\x00\xff")


def check_lists():
    for value in [[1, 2, None], [[1, 2], [3, 4]], [D("1.5"), None], ["a", 'q"u,o{te}', "", None],
                  [True, False], [1.5, 2.5], [dt.date(2024, 1, 1)], ["NULL"]]:
        equal(one("SELECT %s", [value]), value)
    equal(one("SELECT '{}'::int[]"), [])
    equal(rows(f"SELECT id FROM {LEAF} WHERE id = ANY(%s) ORDER BY id", [[3, 5, 900]]),
          [(3,), (5,)])
    equal(rows(f"SELECT id FROM {LEAF} WHERE id IN %s ORDER BY id", [(7, 9)]), [(7,), (9,)])
    equal(rows(f"SELECT id FROM {LEAF} WHERE id = ANY(%s)", [[]]), [])


def check_array_types():
    found = rows("SELECT ARRAY[1, 2]::int8[], ARRAY['a']::varchar[], ARRAY[now()] IS NOT NULL, "
                 "ARRAY['2024-02-29'::timestamp], ARRAY[1.5::float4]")[0]
    equal(found, ([1, 2], ["a"], True, [dt.datetime(2024, 2, 29)], [1.5]))


def check_json():
    value = {"a": [1, None, {"b": "é"}]}
    equal(one("SELECT %s::jsonb", [psycopg2.extras.Json(value)]), value)
    equal(one("SELECT %s::json", [psycopg2.extras.Json(value)]), value)
    equal(one(f"SELECT doc->>'g' FROM {LEAF} WHERE id = 4"), "4")
    equal(one(f"SELECT doc FROM {LEAF} WHERE doc @> %s", [psycopg2.extras.Json({"g": 4})]),
          {"g": 4})


def check_uuid_and_inet():
    conn = connect()
    psycopg2.extras.register_uuid(conn_or_curs=conn)
    equal(one("SELECT %s", [uuid.UUID(int=7)], conn), uuid.UUID(int=7))
    equal(one("SELECT %s::uuid[]", [[uuid.UUID(int=7)]], conn), [uuid.UUID(int=7)])
    conn.close()


def check_inet():
    conn = connect()
    psycopg2.extras.register_ipaddress(conn)
    address = ipaddress.ip_interface("10.1.2.3/24")
    equal(one("SELECT %s::inet", [address], conn), address)
    conn.close()


def check_ranges():
    value = psycopg2.extras.NumericRange(1, 5, "[)")
    equal(one("SELECT %s::int4range", [value]), value)
    days = psycopg2.extras.DateRange(dt.date(2024, 1, 1), None, "[)")
    equal(one("SELECT %s::daterange", [days]), days)


def check_enum():
    equal(one(f"SELECT 'sweet'::{MOOD}"), "sweet")
    raises(errors.InvalidTextRepresentation, lambda: one(f"SELECT 'bitter'::{MOOD}"))
    conn = connect()
    array = one("SELECT typarray FROM pg_type WHERE typname = %s", [MOOD], conn)
    extensions.register_type(extensions.new_array_type((array,), "MOOD[]", psycopg2.STRING), conn)
    equal(one(f"SELECT '{{sour,sweet}}'::{MOOD}[]", conn=conn), ["sour", "sweet"])
    conn.close()


def check_composite():
    conn = connect()
    with conn.cursor() as cur:
        cur.execute(f"CREATE TYPE tea_pair_{PID} AS (a int, b text)")
    try:
        psycopg2.extras.register_composite(f"tea_pair_{PID}", conn)
        pair = one(f"SELECT (3, 'it''s, \"x\"')::tea_pair_{PID}", conn=conn)
        equal((pair.a, pair.b), (3, "it's, \"x\""))
    finally:
        with conn.cursor() as cur:
            cur.execute(f"DROP TYPE tea_pair_{PID}")
        conn.close()


def check_hstore_is_not_there():
    conn = connect()
    equal(psycopg2.extras.HstoreAdapter.get_oids(conn), ((), ()))
    conn.close()


def check_description():
    conn = connect()
    with conn.cursor() as cur:
        cur.execute(f"SELECT id, name, price, tags, doc, count(*) OVER () AS n FROM {LEAF} "
                    "LIMIT 0")
        found = [(c.name, c.type_code, c.precision, c.scale) for c in cur.description]
        equal(found, [("id", 23, None, None), ("name", 1043, None, None), ("price", 1700, 8, 2),
                      ("tags", 1009, None, None), ("doc", 3802, None, None),
                      ("n", 20, None, None)])
        equal([c.internal_size for c in cur.description][:3], [4, 30, 8])
        oid = cur.description[0].table_oid
        cur.execute("SELECT relname FROM pg_class WHERE oid = %s", [oid])
        equal(cur.fetchone(), (LEAF,))
        cur.execute("SELECT 1 AS \"Odd Name\", 2")
        equal([c.name for c in cur.description], ["Odd Name", "?column?"])
        equal((cur.rowcount, cur.statusmessage), (1, "SELECT 1"))
    conn.close()


def check_cursor_classes():
    text = f"SELECT id, name FROM {LEAF} WHERE id = 1"
    equal(dict(rows(text, cursor_factory=psycopg2.extras.RealDictCursor)[0]),
          {"id": 1, "name": "leaf 1"})
    equal(rows(text, cursor_factory=psycopg2.extras.NamedTupleCursor)[0].name, "leaf 1")
    equal(rows(text, cursor_factory=psycopg2.extras.DictCursor)[0]["name"], "leaf 1")


def check_composed_sql():
    text = sql.SQL("SELECT {f} FROM {t} WHERE {k} = {v}").format(
        f=sql.Identifier("name"), t=sql.Identifier("public", LEAF), k=sql.Identifier("id"),
        v=sql.Literal(12))
    equal(one(text), "leaf 12")


def check_mogrified_batch():
    conn = connect()
    with conn.cursor() as cur:
        cur.execute("CREATE TEMP TABLE t_batch (a int, b text, c date)")
        values = [(n, f"b'{n}", dt.date(2024, 1, n + 1)) for n in range(20)]
        psycopg2.extras.execute_values(cur, "INSERT INTO t_batch VALUES %s", values, page_size=7)
        kept = psycopg2.extras.execute_values(
            cur, "INSERT INTO t_batch (a) VALUES %s RETURNING a", [(90,), (91,)], fetch=True)
        equal(kept, [(90,), (91,)])
        psycopg2.extras.execute_batch(cur, "INSERT INTO t_batch VALUES (%s, %s)",
                                      [(n, "x") for n in range(100, 130)], page_size=10)
        cur.execute("SELECT count(*), count(c) FROM t_batch")
        equal(cur.fetchone(), (52, 20))
    conn.close()


def check_error_fields():
    conn = connect()
    error = raises(errors.UndefinedTable, lambda: one("SELECT * FROM no_such", conn=conn))
    equal((error.pgcode, error.diag.severity, error.diag.statement_position),
          ("42P01", "ERROR", "15"))
    equal(error.diag.message_primary, 'relation "no_such" does not exist')
    for kind, text in [
        (errors.SyntaxError, "SELEKT 1"), (errors.UndefinedColumn, f"SELECT no FROM {LEAF}"),
        (errors.UndefinedFunction, "SELECT no_such()"), (errors.DivisionByZero, "SELECT 1/0"),
        (errors.UndefinedObject, "SELECT 1::no_such"), (errors.GroupingError,
                                                       f"SELECT id, count(*) FROM {LEAF}"),
        (errors.NumericValueOutOfRange, "SELECT 3000000000::int"),
        (errors.InvalidTextRepresentation, "SELECT 'x'::int"),
        (errors.InvalidDatetimeFormat, "SELECT 'no day'::date"),
        (errors.DatetimeFieldOverflow, "SELECT '2024-02-30'::date"),
        (errors.AmbiguousColumn, f"SELECT id FROM {LEAF} a, {LEAF} b"),
        (errors.InvalidSchemaName, "CREATE TABLE no_such_schema.t (a int)"),
        (errors.DuplicateTable, f"CREATE TABLE {LEAF} (a int)"),
        (errors.CardinalityViolation, f"SELECT (SELECT id FROM {LEAF})"),
        (errors.StringDataRightTruncation, f"INSERT INTO {LEAF} (id, name) VALUES "
                                           "(9999, repeat('x', 31))"),
    ]:
        try:
            raises(kind, lambda: one(text, conn=conn))
        except Exception as error:
            raise AssertionError(f"{text}: {error}") from error
    conn.close()


def check_constraint_error():
    conn = connect()
    with conn.cursor() as cur:
        error = raises(errors.UniqueViolation,
                       lambda: cur.execute(f"INSERT INTO {LEAF} VALUES (1, 'again')"))
        equal((error.diag.table_name, error.diag.constraint_name, error.diag.schema_name),
              (LEAF, f"{LEAF}_pkey", "public"))
        equal(error.diag.message_detail, "Key (id)=(1) already exists.")
        error = raises(errors.NotNullViolation,
                       lambda: cur.execute(f"INSERT INTO {LEAF} (id) VALUES (9000)"))
        equal((error.diag.table_name, error.diag.column_name), (LEAF, "name"))
    conn.close()


def check_no_database():
    error = raises(psycopg2.OperationalError, lambda: psycopg2.connect(dbname="no_such_database"))
    assert 'database "no_such_database" does not exist' in str(error), error


def check_notices():
    conn = connect()
    with conn.cursor() as cur:
        cur.execute("DROP TABLE IF EXISTS no_such_table")
    equal(conn.notices[-1:], ['NOTICE:  table "no_such_table" does not exist, skipping\n'])
    conn.close()


def check_named_cursor():
    conn = psycopg2.connect("")
    with conn.cursor("tea", cursor_factory=psycopg2.extras.DictCursor) as cur:
        cur.itersize = 60
        cur.execute(f"SELECT id, name FROM {LEAF} ORDER BY id")
        equal(cur.fetchone()["id"], 1)
        equal([row["id"] for row in cur.fetchmany(2)], [2, 3])
        equal(sum(1 for _ in cur), 497)
        equal(cur.fetchone(), None)
    conn.rollback()
    conn.close()


def check_scrolling_cursor():
    conn = psycopg2.connect("")
    with conn.cursor("tea scroll", scrollable=True) as cur:
        cur.execute(f"SELECT id FROM {LEAF} ORDER BY id")
        cur.scroll(10)
        equal(cur.fetchone(), (11,))
        cur.scroll(-5)
        equal(cur.fetchone(), (7,))
        cur.scroll(100, mode="absolute")
        equal(cur.fetchone(), (101,))
        cur.scroll(0, mode="absolute")
        equal(len(cur.fetchall()), 500)
    conn.rollback()
    conn.close()


def check_cursor_with_hold():
    conn = psycopg2.connect("")
    cur = conn.cursor("tea_hold", withhold=True)
    cur.execute(f"SELECT id FROM {LEAF} WHERE id <= 5 ORDER BY id")
    conn.commit()
    equal(cur.fetchmany(2), [(1,), (2,)])
    conn.commit()
    equal(cur.fetchall(), [(3,), (4,), (5,)])
    cur.close()
    plain = conn.cursor("tea_plain")
    plain.execute("SELECT 1")
    conn.commit()
    raises(psycopg2.ProgrammingError, plain.fetchone)  # it ended with its transaction
    conn.rollback()
    conn.close()


def check_cursor_by_statement():
    conn = psycopg2.connect("")
    with conn.cursor() as cur:
        cur.execute(f"DECLARE c SCROLL CURSOR FOR SELECT id FROM {LEAF} ORDER BY id")
        for fetch, wanted in [("NEXT", [1]), ("FORWARD 2", [2, 3]), ("PRIOR", [2]), ("LAST", [500]),
                              ("FIRST", [1]), ("ABSOLUTE 7", [7]), ("RELATIVE -2", [5]),
                              ("BACKWARD 2", [4, 3]), ("0", [3]), ("ABSOLUTE -1", [500])]:
            cur.execute(f"FETCH {fetch} FROM c")
            equal((fetch, [row[0] for row in cur.fetchall()]), (fetch, wanted))
        cur.execute("SELECT name, is_scrollable FROM pg_cursors")
        equal(cur.fetchall(), [("c", True)])
        cur.execute("MOVE ABSOLUTE 498 IN c")
        equal(cur.statusmessage, "MOVE 1")
        cur.execute("FETCH ALL c")
        equal(cur.rowcount, 2)
        cur.execute("CLOSE c")
        raises(errors.InvalidCursorName, lambda: cur.execute("FETCH c"))
    conn.rollback()
    conn.close()


def check_introspection():
    equal(rows("SELECT column_name, data_type, udt_name, is_nullable, character_maximum_length, "
               "numeric_precision, numeric_scale FROM information_schema.columns "
               "WHERE table_name = %s ORDER BY ordinal_position", [LEAF]),
          [("id", "integer", "int4", "NO", None, 32, 0),
           ("name", "character varying", "varchar", "NO", 30, None, None),
           ("price", "numeric", "numeric", "YES", None, 8, 2),
           ("tags", "ARRAY", "_text", "YES", None, None, None),
           ("doc", "jsonb", "jsonb", "YES", None, None, None)])
    equal(rows("SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
               "WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum", [LEAF]),
          [("id", "integer"), ("name", "character varying(30)"), ("price", "numeric(8,2)"),
           ("tags", "text[]"), ("doc", "jsonb")])
    equal(rows("SELECT conname, contype, conkey, pg_get_constraintdef(oid) FROM pg_constraint "
               "WHERE conrelid = %s::regclass", [LEAF]),
          [(f"{LEAF}_pkey", "p", [1], "PRIMARY KEY (id)")])
    equal(rows("SELECT enumlabel FROM pg_enum WHERE enumtypid = %s::regtype ORDER BY "
               "enumsortorder", [MOOD]), [("sour",), ("sweet",)])


def check_callproc():
    conn = connect()
    with conn.cursor() as cur:
        cur.callproc("upper", ["tea"])
        equal(cur.fetchall(), [("TEA",)])
        cur.callproc("generate_series", [1, 3])
        equal(cur.fetchall(), [(1,), (2,), (3,)])
    conn.close()


def check_cancel():
    conn = connect()
    timer = threading.Timer(0.3, conn.cancel)
    timer.start()
    raises(errors.QueryCanceled, lambda: one("SELECT pg_sleep(20)", conn=conn))
    timer.join()
    equal(one("SELECT 1", conn=conn), 1)
    raises(errors.QueryCanceled,
           lambda: one("SET statement_timeout = '200ms'; SELECT pg_sleep(20)", conn=conn))
    conn.close()


def check_asynchronous():
    conn = psycopg2.connect("", async_=True)
    wait(conn)
    cur = conn.cursor()
    cur.execute(f"SELECT count(*) FROM {LEAF} WHERE id > %s", [100])
    wait(conn)
    equal(cur.fetchone(), (400,))
    conn.close()


def wait(conn):
    ready = {extensions.POLL_READ: ([conn.fileno()], []),
             extensions.POLL_WRITE: ([], [conn.fileno()])}
    while (state := conn.poll()) != extensions.POLL_OK:
        reads, writes = ready[state]
        select.select(reads, writes, [], 10)


def check_notify():
    conn, other = connect(), connect()
    with conn.cursor() as cur, other.cursor() as sender:
        cur.execute(f"LISTEN tea_{PID}")
        sender.execute(f"NOTIFY tea_{PID}, 'hot'")
        sender.execute("SELECT pg_notify(%s, 'cold')", [f"tea_{PID}"])
        for _ in range(50):
            conn.poll()
            if len(conn.notifies) > 1:
                break
            select.select([conn], [], [], 0.1)
        equal([note.payload for note in conn.notifies], ["hot", "cold"])
        equal(conn.notifies[0].pid, other.info.backend_pid)
    conn.close()
    other.close()


def check_many_rows():
    found = rows("SELECT g, 'row ' || g FROM generate_series(1, 100000) g")
    equal((len(found), found[-1]), (100000, (100000, "row 100000")))


def clean_up():
    conn = connect()
    with conn.cursor() as cur:
        cur.execute(f"DROP TABLE IF EXISTS {LEAF}")
        cur.execute(f"DROP TYPE IF EXISTS {MOOD}")
    conn.close()


# What these need is not there yet.
LATER = [
    "check_composite",
    "check_ranges",
    "check_scalars",
]

if __name__ == "__main__":
    own = [value for name, value in list(globals().items()) if name.startswith("check_")]
    run([set_up, *own], clean_up, later=LATER)
