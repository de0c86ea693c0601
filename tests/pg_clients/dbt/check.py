"""dbt-postgres: builds the project beside this file twice, over data that changes, and checks it.

Connects by libpq's variables; names every check that fails. Each feature has a model of its own, so
that a check can ask how dbt found its nodes.
"""

import contextlib
import datetime as dt
import json
import os
import shutil
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import psycopg2
from dbt.cli.main import dbtRunner

sys.path.append(str(Path(__file__).resolve().parent.parent))
from checks import equal, run  # noqa: E402

PID = os.getpid()
SCHEMA, RAW, ROLE = f"tea_dbt_{PID}", f"tea_raw_{PID}", f"tea_reader_{PID}"
WORK = Path(tempfile.mkdtemp(prefix="tea_dbt_"))
os.environ.update(TEA_DBT_SCHEMA=SCHEMA, TEA_DBT_RAW=RAW, TEA_DBT_ROLE=ROLE,
                  DBT_SEND_ANONYMOUS_USAGE_STATS="false", DBT_LOG_PATH=str(WORK / "logs"),
                  DBT_TARGET_PATH=str(WORK / "target"))
BUILDS = []  # per build: the result of each node, by its name


def execute(text, values=None):
    conn = psycopg2.connect("")
    try:
        with conn, conn.cursor() as cur:
            cur.execute(text, values)
            return cur.fetchall() if cur.description else cur.statusmessage
    finally:
        conn.close()


def rows(text, values=None):
    return execute(text.replace("$", SCHEMA), values)


def dbt(*words):
    return dbtRunner().invoke(["--quiet", "--no-version-check", *words, "--project-dir",
                               str(WORK / "project"), "--profiles-dir", str(WORK / "project")])


def by_node(done):
    if done.exception:
        raise done.exception
    return {result.node.name: result for result in done.result
            if "on-run-start" not in result.node.name}


def statuses(done):
    return {name: str(result.status) for name, result in by_node(done).items()}


def built(name, build=0, wanted="success"):
    """dbt made this node in this build, or says why not."""
    result = BUILDS[build][name]
    found = str(result.status)
    message = " ".join((result.message or "").split())
    assert found == wanted, f"{name} is {found}, want {wanted}: {message}"


def set_up():
    shutil.copytree(Path(__file__).resolve().parent / "project", WORK / "project")
    execute(f"CREATE SCHEMA {RAW}")
    execute(f"CREATE TABLE {RAW}.pickings (id int, garden int, weight numeric(10,3), picked date, "
            "quality text, loaded_at timestamp)")
    values = ", ".join(f"({n}, {n % 3 + 1}, {n / 4}, '2024-03-0{1 + n % 4}', "
                       f"'{'coarse' if n % 2 else 'fine'}', '2024-03-10 12:00:00')"
                       for n in range(1, 11))
    execute(f"INSERT INTO {RAW}.pickings VALUES {values}")


def check_debug():
    equal(dbt("debug").success, True)


def check_build():
    done = dbt("build", "--exclude", "granted", "by_batch", "source:*")
    BUILDS.append(by_node(done))
    equal(done.success, True)


def check_seed():
    built("gardens")
    equal(rows("SELECT * FROM $.gardens ORDER BY id"), [
        (1, "Ceylon", 1200, dt.date(1867, 1, 1), True),
        (2, "Assam, upper", 90, dt.date(1839, 2, 12), False),
        (3, "Uji", None, dt.date(1271, 6, 30), True)])
    equal(rows("SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = "
               "'$' AND table_name = 'gardens' ORDER BY ordinal_position"),
          [("id", "integer"), ("name", "text"), ("altitude", "smallint"), ("opened", "date"),
           ("organic", "boolean")])


def check_view():
    built("plain_view")
    equal(rows("SELECT grams FROM $.plain_view WHERE id = 3"), [(Decimal("750.000"),)])


def check_table():
    built("plain_table")
    equal(rows("SELECT name, month, count(*) FROM $.plain_table GROUP BY 1, 2 ORDER BY 1"),
          [("Assam, upper", dt.date(2024, 3, 1), 4), ("Ceylon", dt.date(2024, 3, 1), 3),
           ("Uji", dt.date(2024, 3, 1), 3)])
    built("source_table")
    equal(rows("SELECT * FROM $.source_table ORDER BY garden")[0],
          (1, 3, Decimal("4.500"), dt.date(2024, 3, 4)))


def check_ephemeral():
    built("uses_inlined")
    equal(rows("SELECT * FROM $.uses_inlined"), [(5, Decimal("7.500"))])


def check_comments():
    equal(rows("SELECT obj_description('$.plain_view'::regclass, 'pg_class'), "
               "col_description('$.plain_view'::regclass, 6)"),
          [("Every picking; it's a 'view'", "The weight in grams")])
    equal(rows("SELECT obj_description('$.source_table'::regclass, 'pg_class'), "
               "col_description('$.source_table'::regclass, 1)"),
          [("Pickings by garden", "The garden's number")])


def check_indexes():
    built("indexed")
    found = rows("SELECT indexdef FROM pg_indexes WHERE schemaname = '$' AND tablename = 'indexed'")
    equal(sorted((one.startswith("CREATE UNIQUE"), one.split(" USING ")[1]) for one, in found),
          [(False, "btree (garden, picked)"), (False, "hash (quality)"), (True, "btree (id)")])


def check_contract():
    built("contracted")
    equal(rows("SELECT column_name, data_type, is_nullable, character_maximum_length "
               "FROM information_schema.columns WHERE table_schema = '$' AND table_name = "
               "'contracted' ORDER BY ordinal_position"),
          [("id", "integer", "NO", None), ("quality", "character varying", "NO", 20),
           ("weight", "numeric", "YES", None)])
    equal(rows("SELECT contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = "
               "'$.contracted'::regclass ORDER BY 1"),
          [("c", "CHECK ((weight > (0)::numeric))"), ("p", "PRIMARY KEY (id)")])


def check_hooks():
    built("hooked")
    equal(rows("SELECT said FROM $.hooks ORDER BY said DESC")[:2], [("before",), ("after",)])


def check_unlogged():
    built("unlogged")
    equal(rows("SELECT relpersistence FROM pg_class WHERE oid = '$.unlogged'::regclass"), [("u",)])


def check_materialized_view():
    built("materialized")
    equal(rows("SELECT * FROM $.materialized ORDER BY 1")[0], (1, Decimal("4.500")))
    equal(rows("SELECT relkind FROM pg_class WHERE oid = '$.materialized'::regclass"), [("m",)])


def check_incremental_first():
    for name in ["added", "replaced", "merged", "widened", "synced"]:
        built(name)
        equal(rows(f"SELECT count(*) FROM $.{name}"), [(10,)])
    built("replaced_by_two")


def check_snapshot_first():
    for name in ["history_by_time", "history_by_columns"]:
        built(name)
        equal(rows(f"SELECT count(*), count(dbt_valid_to) FROM $.{name}"), [(10, 0)])


def check_data_tests():
    failed = {name: str(result.status) for name, result in BUILDS[0].items()
              if str(result.status) not in ("success", "pass")}
    equal(failed.pop("no_heavy_picking"), "warn")
    tests = [name for name in BUILDS[0] if name.startswith(("unique_", "not_null_", "relationsh"))]
    equal(([name for name in tests if name in failed], len(tests)), ([], 3))
    equal(rows("SELECT count(*) FROM $_dbt_test__audit.no_heavy_picking"), [(2,)])


def check_source_tests():
    equal(set(statuses(dbt("test", "--select", "source:*")).values()), {"pass"})


def check_unit_test():
    built("grams_of_a_picking", wanted="pass")


def check_grants():
    execute(f"CREATE ROLE {ROLE}")
    try:
        for _ in range(2):  # the second time the grant is there
            equal(statuses(dbt("run", "--select", "granted")), {"granted": "success"})
        equal(rows("SELECT grantee, privilege_type FROM information_schema.role_table_grants "
                   "WHERE table_schema = '$' AND table_name = 'granted' AND grantee = %s", [ROLE]),
              [(ROLE, "SELECT")])
    finally:
        execute(f"DROP OWNED BY {ROLE}")
        execute(f"DROP ROLE {ROLE}")


def check_microbatch():
    words = ["run", "--select", "by_batch", "--event-time-start", "2024-03-01", "--event-time-end"]
    for end, count in [("2024-03-03", 5), ("2024-03-06", 10)]:
        equal(statuses(dbt(*words, end)), {"by_batch": "success"})
        equal(rows("SELECT count(*), count(DISTINCT id) FROM $.by_batch"), [(count, count)])


def check_second_build():
    execute(f"UPDATE {RAW}.pickings SET weight = weight + 1, loaded_at = '2024-03-11' "
            "WHERE id IN (1, 2)")
    execute(f"DELETE FROM {RAW}.pickings WHERE id = 10")
    execute(f"INSERT INTO {RAW}.pickings VALUES (11, 1, 0.5, '2024-03-09', 'fine', '2024-03-11'), "
            "(12, 2, 0.5, '2024-03-09', 'coarse', '2024-03-11')")
    done = dbt("build", "--exclude", "granted", "by_batch", "source:*")
    BUILDS.append(by_node(done))
    equal(done.success, True)


def check_rebuilt():
    for name in ["gardens", "plain_view", "plain_table", "source_table", "indexed", "contracted",
                 "hooked", "uses_inlined", "unlogged", "materialized"]:
        built(name, 1)
    equal(rows("SELECT count(*) FROM $.indexed"), [(11,)])
    equal(rows("SELECT weight FROM $.materialized WHERE garden = 1"), [(Decimal("5.000"),)])
    left = rows("SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
                 "WHERE nspname = '$' AND relkind <> 'i' AND relname ~ '__dbt_'")
    equal(left, [])


def check_append():
    built("added", 1)
    equal(rows("SELECT id, weight FROM $.added WHERE id IN (1, 10, 11) ORDER BY id"),
          [(1, Decimal("0.250")), (10, Decimal("2.500")), (11, Decimal("0.500"))])


def check_delete_and_insert():
    built("replaced", 1)
    equal(rows("SELECT id, weight FROM $.replaced WHERE id IN (1, 10, 11) ORDER BY id"),
          [(1, Decimal("1.250")), (10, Decimal("2.500")), (11, Decimal("0.500"))])
    built("replaced_by_two", 1)
    equal(rows("SELECT count(*), count(DISTINCT (garden, picked)) FROM $.replaced_by_two"),
          [(12, 12)])


def check_merge():
    built("merged", 1)
    equal(rows("SELECT * FROM $.merged WHERE id IN (1, 10, 11) ORDER BY id"),
          [(1, Decimal("1.250"), Decimal("0.250")), (10, Decimal("2.500"), Decimal("2.500")),
           (11, Decimal("0.500"), Decimal("0.500"))])


def check_new_columns():
    built("widened", 1)
    equal(rows("SELECT * FROM $.widened WHERE id IN (1, 10) ORDER BY id"),
          [(1, Decimal("1.250"), "coarse"), (10, Decimal("2.500"), None)])


def check_synced_columns():
    built("synced", 1)
    equal(rows("SELECT column_name, data_type FROM information_schema.columns WHERE "
               "table_schema = '$' AND table_name = 'synced'"), [("id", "bigint")])


def check_snapshot_second():
    built("history_by_time", 1)
    equal(rows("SELECT weight, dbt_valid_to FROM $.history_by_time WHERE id = 1 ORDER BY 1"),
          [(Decimal("0.250"), dt.datetime(2024, 3, 11)), (Decimal("1.250"), None)])
    equal(rows("SELECT count(*), count(dbt_valid_to) FROM $.history_by_time"), [(14, 2)])
    built("history_by_columns", 1)
    equal(rows("SELECT count(*), count(dbt_valid_to) FROM $.history_by_columns"), [(14, 3)])


def check_full_refresh():
    done = dbt("run", "--full-refresh", "--select", "replaced", "added")
    equal(statuses(done), {"added": "success", "replaced": "success"})
    equal(rows("SELECT count(*) FROM $.replaced"), [(11,)])


def check_docs():
    equal(dbt("docs", "generate").success, True)
    catalog = json.loads((WORK / "target" / "catalog.json").read_text())
    equal(catalog["errors"], None)
    found = catalog["nodes"]["model.tea.source_table"]
    equal((found["metadata"]["type"], found["metadata"]["owner"], found["metadata"]["comment"]),
          ("BASE TABLE", os.environ.get("PGUSER", "postgres"), "Pickings by garden"))
    equal([(c["name"], c["type"], c["index"]) for c in found["columns"].values()],
          [("garden", "integer", 1), ("pickings", "bigint", 2), ("weight", "numeric", 3),
           ("last_picked", "date", 4)])
    equal(catalog["nodes"]["model.tea.plain_view"]["metadata"]["type"], "VIEW")
    assert "source.tea.raw.pickings" in catalog["sources"]


def check_freshness():
    equal(statuses(dbt("source", "freshness")), {"pickings": "warn"})


def check_show():
    with contextlib.redirect_stdout(None):
        done = dbt("show", "--inline", "select 1 as a, 'x' as b union all select 2, 'y' order by 1",
                   "--limit", "1")
    equal([tuple(row) for row in done.result.results[0].agate_table.rows], [(1, "x")])


def check_run_operation():
    equal(dbt("run-operation", "count_pickings").success, True)


def check_empty():
    equal(statuses(dbt("run", "--empty", "--select", "source_table")), {"source_table": "success"})
    equal(rows("SELECT count(*) FROM $.source_table"), [(0,)])


def clean_up():
    for schema in (SCHEMA, f"{SCHEMA}_dbt_test__audit", RAW):
        execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    shutil.rmtree(WORK)


# What these need is not there yet.
LATER = [
    "check_docs",
    "check_unlogged",
]

if __name__ == "__main__":
    own = [value for name, value in list(globals().items()) if name.startswith("check_")]
    run([set_up, *own], clean_up, later=LATER)
