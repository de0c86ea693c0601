"""asyncpg writes: transactions, savepoints, executemany, COPY of records and files, listeners.

Connects by libpq's variables; names every check that fails.
"""

import asyncio
import datetime as dt
import decimal
import io
import os
import sys
import uuid
from pathlib import Path

import asyncpg

sys.path.append(str(Path(__file__).resolve().parent.parent))
from checks import equal, run  # noqa: E402

PID = os.getpid()
JAR, KINDS = f"tea_jar_{PID}", f"tea_kinds_{PID}"


def connected(check):
    """The check as a function without arguments, run with two connections and three jars."""
    async def whole():
        conn, other = await asyncpg.connect(timeout=10), await asyncpg.connect(timeout=10)
        try:
            if check.__name__.startswith("check_"):
                await other.execute(f"DELETE FROM {JAR}")
                await other.execute(f"INSERT INTO {JAR} (id, name) VALUES (1, 'jar 1'), "
                                    "(2, 'jar 2'), (4, 'jar 4')")
            await asyncio.wait_for(check(conn, other), 60)
        finally:
            await conn.close(timeout=5)
            await other.close(timeout=5)

    def plain():
        asyncio.run(whole())

    plain.__name__ = check.__name__
    return plain


async def raises(error, coroutine):
    try:
        await coroutine
    except error as raised:
        return raised
    raise AssertionError(f"{error.__name__} was not raised")


async def ids(conn):
    return [row["id"] for row in await conn.fetch(f"SELECT id FROM {JAR} ORDER BY id")]


def insert(conn, number):
    return conn.execute(f"INSERT INTO {JAR} (id, name) VALUES ($1, $2)", number, f"jar {number}")


@connected
async def set_up(conn, _):
    await conn.execute(f"CREATE TABLE {JAR} (id serial PRIMARY KEY, name text UNIQUE, tags text[])")
    await conn.execute(f"CREATE TABLE {KINDS} (id int, n numeric(12,3), f float8, d date, "
                       "ts timestamp, tz timestamptz, b bool, u uuid, raw bytea, big int8, "
                       "small int2, t text, a int[])")


@connected
async def check_transaction(conn, other):
    async with conn.transaction():
        equal(await insert(conn, 9), "INSERT 0 1")
        equal((await ids(conn), await ids(other)), ([1, 2, 4, 9], [1, 2, 4]))
        assert conn.is_in_transaction()
    equal(await ids(other), [1, 2, 4, 9])
    transaction = conn.transaction()
    await transaction.start()
    equal(await conn.execute(f"DELETE FROM {JAR}"), "DELETE 4")
    await transaction.rollback()
    equal(await ids(conn), [1, 2, 4, 9])


@connected
async def check_nested_transactions(conn, other):
    async with conn.transaction():
        await insert(conn, 5)
        try:
            async with conn.transaction():
                await insert(conn, 3)
                await insert(conn, 1)
        except asyncpg.UniqueViolationError as error:
            equal(error.sqlstate, "23505")
        equal(await ids(conn), [1, 2, 4, 5])
        async with conn.transaction():
            await insert(conn, 6)
    equal(await ids(other), [1, 2, 4, 5, 6])


@connected
async def check_failed_transaction(conn, _):
    transaction = conn.transaction()
    await transaction.start()
    await raises(asyncpg.DivisionByZeroError, conn.fetch("SELECT 1/0"))
    await raises(asyncpg.InFailedSQLTransactionError, conn.fetch("SELECT 1"))
    await transaction.rollback()
    equal(await conn.fetchval("SELECT 1"), 1)


@connected
async def check_transaction_modes(conn, other):
    async with conn.transaction(isolation="repeatable_read"):
        equal(await ids(conn), [1, 2, 4])
        await insert(other, 5)
        equal(await ids(conn), [1, 2, 4])
    async with conn.transaction(readonly=True):
        equal(await ids(conn), [1, 2, 4, 5])
        await raises(asyncpg.ReadOnlySQLTransactionError, insert(conn, 6))
    async with conn.transaction(isolation="serializable", readonly=True, deferrable=True):
        equal(await conn.fetchval("SHOW transaction_isolation"), "serializable")


@connected
async def check_script(conn, other):
    await raises(asyncpg.DivisionByZeroError,
                 conn.execute(f"INSERT INTO {JAR} (id) VALUES (50); SELECT 1/0;"))
    equal(await ids(other), [1, 2, 4])
    equal(await conn.execute("SELECT 1; SELECT 2; SET timezone = 'UTC'"), "SET")


@connected
async def check_returning(conn, _):
    row = await conn.fetchrow(f"UPDATE {JAR} SET name = $1 WHERE id = $2 RETURNING *", "new", 4)
    equal(dict(row), {"id": 4, "name": "new", "tags": None})
    rows = await conn.fetch(f"DELETE FROM {JAR} WHERE id = ANY($1) RETURNING id", [4])
    equal([tuple(row) for row in rows], [(4,)])
    found = await conn.fetchval(f"INSERT INTO {JAR} (id, name) VALUES (70, 'jar 1') ON CONFLICT "
                                "(name) DO UPDATE SET tags = $1 RETURNING id", ["a", "b"])
    equal(found, 1)
    equal(await conn.fetchval(f"SELECT tags FROM {JAR} WHERE id = 1"), ["a", "b"])


@connected
async def check_executemany(conn, other):
    text = f"INSERT INTO {JAR} (id, name, tags) VALUES ($1, $2, $3)"
    await conn.executemany(text, [(n, f"many {n}", ["x", None]) for n in range(100, 400)])
    equal(len(await ids(other)), 303)
    broken = [(n, f"more {n}", None) for n in range(500, 510)] + [(100, "again", None)]
    await raises(asyncpg.UniqueViolationError, conn.executemany(text, broken))
    equal(len(await ids(other)), 303)  # all or nothing
    equal(await conn.execute(f"DELETE FROM {JAR} WHERE id >= 100"), "DELETE 300")


@connected
async def check_insert_from_arrays(conn, _):
    text = (f"INSERT INTO {JAR} (id, name) SELECT * FROM unnest($1::int[], $2::text[]) "
            "RETURNING id")
    rows = await conn.fetch(text, [600, 601], ["a", "b"])
    equal([row["id"] for row in rows], [600, 601])


RECORD = (7, decimal.Decimal("12.345"), 1.5, dt.date(2024, 2, 29),
          dt.datetime(2024, 2, 29, 1, 2, 3, 4),
          dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=dt.timezone.utc), True, uuid.UUID(int=7),
          b"\x00\xff", 2**40, -3, "tea\t🍵", [1, None, 3])
EMPTY = (8,) + (None,) * 12


@connected
async def check_copy_records(conn, _):
    done = await conn.copy_records_to_table(KINDS, records=[RECORD, EMPTY])
    equal(done, "COPY 2")
    rows = await conn.fetch(f"SELECT * FROM {KINDS} ORDER BY id")
    equal([tuple(row) for row in rows], [RECORD, EMPTY])
    many = [(n, f"copied {n}") for n in range(1000, 6000)]
    done = await conn.copy_records_to_table(JAR, records=many, columns=["id", "name"])
    equal(done, "COPY 5000")
    equal(await conn.fetchval(f"SELECT count(*) FROM {JAR} WHERE id >= 1000"), 5000)


@connected
async def check_copy_in_a_transaction(conn, other):
    async with conn.transaction():
        await conn.copy_records_to_table(JAR, records=[(900, "c")], columns=["id", "name"])
        equal(len(await ids(conn)), len(await ids(other)) + 1)
        try:
            async with conn.transaction():
                await conn.copy_records_to_table(JAR, records=[(901, "c")], columns=["id", "name"])
        except asyncpg.UniqueViolationError:
            pass
    equal(await ids(other), [1, 2, 4, 900])


@connected
async def check_copy_to_table(conn, _):
    source = io.BytesIO(b'id;name\n700;"a; b"\n701;\n')
    equal(await conn.copy_to_table(JAR, source=source, columns=["id", "name"], format="csv",
                                   delimiter=";", header=True), "COPY 2")
    equal(await conn.fetchval(f"SELECT name FROM {JAR} WHERE id = 700"), "a; b")
    error = await raises(asyncpg.InvalidTextRepresentationError, conn.copy_to_table(
        JAR, source=io.BytesIO(b"x\ty\n"), columns=["id", "name"]))
    equal(error.context, f'COPY {JAR}, line 1, column id: "x"')


@connected
async def check_copy_from(conn, _):
    await conn.execute(f"INSERT INTO {JAR} (id, name) VALUES (700, 'a; b'), (701, NULL)")
    await conn.execute(f"DELETE FROM {KINDS}")
    await conn.copy_records_to_table(KINDS, records=[RECORD, EMPTY])
    out = io.BytesIO()
    equal(await conn.copy_from_table(JAR, columns=["id", "name"], output=out, format="csv",
                                     header=True, null="-"), "COPY 5")
    equal(sorted(out.getvalue().decode().splitlines())[-1], "id,name")
    out = io.BytesIO()
    text = f"SELECT id, name FROM {JAR} WHERE id >= $1 ORDER BY id"
    equal(await conn.copy_from_query(text, 700, output=out), "COPY 2")
    equal(out.getvalue(), b"700\ta; b\n701\t\\N\n")
    out = io.BytesIO()
    await conn.copy_from_query(f"SELECT * FROM {KINDS}", output=out, format="binary")
    await conn.execute(f"DELETE FROM {KINDS}")
    out.seek(0)
    equal(await conn.copy_to_table(KINDS, source=out, format="binary"), "COPY 2")
    equal(tuple(await conn.fetchrow(f"SELECT * FROM {KINDS} WHERE id = 7")), RECORD)


@connected
async def check_listen(conn, other):
    heard = asyncio.Queue()
    await conn.add_listener(f"tea_{PID}", lambda *note: heard.put_nowait(note[1:]))
    await other.execute(f"NOTIFY tea_{PID}, 'hot'")
    async with other.transaction():
        await other.execute("SELECT pg_notify($1, $2)", f"tea_{PID}", "cold")
    pid = other.get_server_pid()
    for payload in ["hot", "cold"]:
        found = await asyncio.wait_for(heard.get(), 5)
        equal(found, (pid, f"tea_{PID}", payload))


@connected
async def check_notices(conn, _):
    heard = []
    conn.add_log_listener(lambda _, message: heard.append((message.sqlstate, message.message)))
    await conn.execute("DROP TABLE IF EXISTS no_such_table")
    await conn.fetchval("SELECT 1")
    await asyncio.sleep(0)
    equal(heard, [("00000", 'table "no_such_table" does not exist, skipping')])


@connected
async def check_advisory_locks(conn, other):
    equal(await conn.fetchval("SELECT pg_try_advisory_lock($1)", PID), True)
    equal(await other.fetchval("SELECT pg_try_advisory_lock($1)", PID), False)
    equal(await conn.fetchval("SELECT pg_advisory_unlock($1)", PID), True)
    equal(await other.fetchval("SELECT pg_try_advisory_xact_lock($1)", PID), True)


@connected
async def check_constraint_names(conn, _):
    error = await raises(asyncpg.UniqueViolationError,
                         conn.execute(f"INSERT INTO {JAR} (id, name) VALUES (99, 'jar 1')"))
    equal((error.table_name, error.constraint_name, error.detail),
          (JAR, f"{JAR}_name_key", "Key (name)=(jar 1) already exists."))


@connected
async def clean_up(conn, _):
    for table in (JAR, KINDS):
        await conn.execute(f"DROP TABLE IF EXISTS {table}")


# What these need is not there yet.
LATER = [
    "check_copy_from",
]

if __name__ == "__main__":
    own = [value for name, value in list(globals().items()) if name.startswith("check_")]
    run([set_up, *own], clean_up, later=LATER)
