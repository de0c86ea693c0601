"""Apache Superset over its REST API: a connection, SQL Lab, datasets, chart data, a dashboard.

Connects by libpq's variables and starts a Superset of its own (service.py). What is wanted is
computed here, from the rows that the script itself inserts.
"""

import datetime as dt
import io
import json
import os
import statistics
import sys
import threading
import time
import uuid
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import psycopg2
from psycopg2.extras import execute_values

sys.path.append(str(Path(__file__).resolve().parent.parent))
from checks import equal, run  # noqa: E402
from service import Service  # noqa: E402

HOST, PORT = os.environ["PGHOST"], os.environ["PGPORT"]
USER, NAME = os.environ.get("PGUSER", "postgres"), os.environ.get("PGDATABASE", "postgres")
PASSWORD = os.environ.get("PGPASSWORD", "")
LOGIN = f"{USER}:{PASSWORD}" if PASSWORD else USER
URI = f"postgresql+psycopg2://{LOGIN}@{HOST}:{PORT}/{NAME}"

superset = Service()
made = {}  # the ids of what earlier checks made in Superset

# ---- the data --------------------------------------------------------------------------------

KINDS = ["black", "green", "white", "oolong", "herbal"]
REGIONS = ["Assam", "Ceylon", None]
SCHEMA = """
DROP SCHEMA IF EXISTS ss_other CASCADE;
DROP VIEW IF EXISTS ss_view, ss_cvas;
DROP TABLE IF EXISTS ss_orders, ss_kinds, ss_recent, ss_upload, ss_ctas, ss_changing CASCADE;
CREATE TABLE ss_kinds (name varchar(20) PRIMARY KEY, note text);
CREATE TABLE ss_orders (
    id integer PRIMARY KEY,
    ts timestamp NOT NULL,
    tz timestamp with time zone,
    day date,
    kind varchar(20) REFERENCES ss_kinds (name),
    region text,
    amount numeric(10,2),
    qty integer,
    weight double precision,
    organic boolean,
    code char(4) UNIQUE,
    CHECK (qty >= 0)
);
CREATE INDEX ss_orders_kind_ts ON ss_orders (kind, ts);
CREATE TABLE ss_recent (at timestamp, n integer);
CREATE SCHEMA ss_other;
CREATE TABLE ss_other.ss_there (a integer, "Mixed Case" text);
INSERT INTO ss_other.ss_there VALUES (1, 'one'), (2, 'two');
CREATE VIEW ss_view AS SELECT kind, count(*) AS n, sum(amount) AS total FROM ss_orders GROUP BY kind
"""


def rows():
    for i in range(900):
        ts = dt.datetime(2023, 1, 1, 0, 0, 7) + i * dt.timedelta(hours=17, minutes=17, seconds=11)
        yield {"id": i, "ts": ts, "tz": ts.replace(tzinfo=dt.timezone.utc), "day": ts.date(),
               "kind": KINDS[(i * i + i // 7) % 5], "region": REGIONS[i % 3],
               "amount": Decimal(i * 37 % 1000) / 100, "qty": i % 11, "weight": (i % 7) * 1.25,
               "organic": i % 2 == 0 if i % 5 else None, "code": f"{i:04}"}


ROWS = list(rows())
NOW = dt.datetime.now().replace(microsecond=0)
RECENT = [(NOW - dt.timedelta(days=days), days) for days in (0, 1, 3, 20, 50, 200, 350, 500, 900)]


def connect():
    connection = psycopg2.connect(host=HOST, port=PORT, user=USER, dbname=NAME)
    connection.autocommit = True
    return connection


def fill():
    connection = connect()
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA)
        execute_values(cursor, "INSERT INTO ss_kinds VALUES %s", [(kind, None) for kind in KINDS])
        execute_values(cursor, "INSERT INTO ss_orders VALUES %s",
                       [tuple(row.values()) for row in ROWS], page_size=300)
        execute_values(cursor, "INSERT INTO ss_recent VALUES %s", RECENT)
    connection.close()


def clean_up():
    try:
        connection = connect()
        with connection.cursor() as cursor:
            for drop in SCHEMA.strip().splitlines()[:3]:
                cursor.execute(drop)
        connection.close()
    finally:
        superset.stop()


def grouped(key, value, of=ROWS):
    """Sums of `value` per key, for what a chart's query is to give."""
    sums = defaultdict(Decimal)
    for row in of:
        sums[key(row)] += Decimal(str(value(row)))
    return dict(sums)


def ms(moment):
    """As Superset gives a timestamp: milliseconds since 1970."""
    if isinstance(moment, dt.datetime):
        moment = moment.replace(tzinfo=moment.tzinfo or dt.timezone.utc)
        return int(moment.timestamp() * 1000)
    return ms(dt.datetime.combine(moment, dt.time()))


def about(found, wanted):
    """Equality of numbers, however they are typed: to 9 digits."""
    if isinstance(found, dict):
        equal(len(found), len(wanted))
        equal(set(found) ^ set(wanted), set())
        for key, value in wanted.items():
            about(found[key], value)
    elif isinstance(wanted, (list, tuple)):
        equal(len(found), len(wanted))
        for one, other in zip(found, wanted):
            about(one, other)
    elif wanted is None or isinstance(wanted, str):
        equal(found, wanted)
    else:
        difference = abs(float(found) - float(wanted))
        assert difference <= 1e-9 * max(1, abs(float(wanted))), f"{found!r}, want {wanted!r}"


# ---- calls of the API ------------------------------------------------------------------------

def execute(sql, want=(200,), **more):
    """A query of SQL Lab."""
    return superset.post("/sqllab/execute/", want=want, json={
        "database_id": made["database"], "sql": sql, "runAsync": False, "schema": "public",
        "queryLimit": 1000, "client_id": uuid.uuid4().hex[:10]} | more)


def values(sql, **more):
    return [list(row.values()) for row in execute(sql, **more)["data"]]


def sqllab_error(sql):
    answer = execute(sql, want=(400, 422, 500))
    return answer["errors"][0]


SUM = {"expressionType": "SIMPLE", "aggregate": "SUM", "column": {"column_name": "amount"},
       "label": "total"}


def simple(aggregate, column, label=None):
    return {"expressionType": "SIMPLE", "aggregate": aggregate,
            "column": {"column_name": column}, "label": label or f"{aggregate}({column})"}


def by_sql(expression, label):
    return {"expressionType": "SQL", "sqlExpression": expression, "label": label}


def axis(column, grain):
    """The x-axis of a time series, as the explore view sends it."""
    return {"columnType": "BASE_AXIS", "timeGrain": grain, "sqlExpression": column,
            "label": column, "expressionType": "SQL"}


def query(**more):
    return {"columns": [], "metrics": [], "filters": [], "orderby": [], "row_limit": 1000,
            "extras": {"having": "", "where": ""}, "annotation_layers": [],
            "url_params": {}, "custom_params": {}, "custom_form_data": {}} | more


def charts(*queries, dataset="orders", **more):
    """The results of several queries asked for in one call."""
    answer = superset.post("/chart/data", json={
        "datasource": {"id": made[dataset], "type": "table"}, "force": True,
        "queries": list(queries), "result_format": "json", "result_type": "full"} | more)
    for result in answer["result"]:
        assert not result.get("error"), result["error"]
    return answer["result"]


def chart(dataset="orders", **more):
    return charts(query(**more), dataset=dataset)[0]["data"]


def pairs(data, key, value):
    return {row[key]: row[value] for row in data}


# ---- the connection --------------------------------------------------------------------------

def check_start():
    superset.start()
    superset.log_in()
    equal(superset.get("/me/")["result"]["username"], "admin")


def check_test_connection():
    superset.post("/database/test_connection/", json={
        "sqlalchemy_uri": URI, "database_name": "tea", "impersonate_user": False})


def check_wrong_database():
    wrong = URI.rsplit("/", 1)[0] + "/nosuch"
    answer = superset.post("/database/test_connection/", want=(400, 422, 500), json={
        "sqlalchemy_uri": wrong, "database_name": "wrong"})
    equal(answer["errors"][0]["error_type"], "CONNECTION_UNKNOWN_DATABASE_ERROR")


def check_validate_parameters():
    superset.post("/database/validate_parameters/", json={
        "engine": "postgresql", "configuration_method": "dynamic_form", "database_name": "tea",
        "parameters": {"host": HOST, "port": int(PORT), "database": NAME, "username": USER,
                       "password": PASSWORD or "any", "query": {}}})


def check_add_database():
    made["database"] = superset.post("/database/", json={
        "database_name": "tea", "sqlalchemy_uri": URI, "expose_in_sqllab": True,
        "allow_ctas": True, "allow_cvas": True, "allow_dml": True, "allow_file_upload": True,
        "extra": json.dumps({"schemas_allowed_for_file_upload": ["public"],
                             "allows_virtual_table_explore": True}),
    })["id"]
    equal(superset.get(f"/database/{made['database']}")["result"]["backend"], "postgresql")


def check_fill():
    fill()


# ---- what is in the database -----------------------------------------------------------------

def check_catalogs():
    found = superset.get(f"/database/{made['database']}/catalogs/")["result"]
    assert NAME in found, found


def check_schemas():
    found = superset.get(f"/database/{made['database']}/schemas/?q=(force:!t)")["result"]
    assert {"public", "ss_other", "information_schema"} <= set(found), found


def check_tables():
    def listed(schema):
        return {table["value"]: table["type"] for table in superset.get(
            f"/database/{made['database']}/tables/?q=(force:!t,schema_name:{schema})")["result"]}

    found = listed("public")
    equal({name: kind for name, kind in found.items() if name.startswith("ss_")},
          {"ss_kinds": "table", "ss_orders": "table", "ss_recent": "table", "ss_view": "view"})
    equal(listed("ss_other"), {"ss_there": "table"})


def metadata(table, schema="public"):
    return superset.get(f"/database/{made['database']}/table_metadata/",
                        params={"name": table, "schema": schema})


def check_table_metadata():
    found = metadata("ss_orders")
    equal([(column["name"], column["type"]) for column in found["columns"]],
          [("id", "INTEGER"), ("ts", "TIMESTAMP"), ("tz", "TIMESTAMP"), ("day", "DATE"),
           ("kind", "VARCHAR"), ("region", "TEXT"), ("amount", "NUMERIC"), ("qty", "INTEGER"),
           ("weight", "DOUBLE_PRECISION"), ("organic", "BOOLEAN"), ("code", "CHAR")])
    equal([column["longType"] for column in found["columns"] if column["name"] in
           ("kind", "amount", "code")], ["VARCHAR(20)", "NUMERIC(10, 2)", "CHAR(4)"])


def check_table_keys():
    found = metadata("ss_orders")
    assert found["primaryKey"], found  # its columns are lost by Superset 6.1 itself
    (foreign,) = found["foreignKeys"]
    equal((foreign["column_names"], foreign["referred_columns"], foreign["referred_table"]),
          (["kind"], ["name"], "ss_kinds"))


def check_table_indexes():
    found = {index["name"]: (index["column_names"], bool(index.get("unique")))
             for index in metadata("ss_orders")["indexes"]}
    equal(found, {"ss_orders_kind_ts": (["kind", "ts"], False),
                  "ss_orders_code_key": (["code"], True), "ss_orders_kind_fkey": (["kind"], False)})


def check_view_metadata():
    found = metadata("ss_view")
    equal([column["name"] for column in found["columns"]], ["kind", "n", "total"])
    equal(found["columns"][1]["type"], "BIGINT")
    assert "ss_view" in found["selectStar"], found["selectStar"]


def check_other_schema_metadata():
    equal([column["name"] for column in metadata("ss_there", "ss_other")["columns"]],
          ["a", "Mixed Case"])


def check_comments():
    connection = connect()
    with connection.cursor() as cursor:
        cursor.execute("COMMENT ON TABLE ss_recent IS 'what came of late'")
        cursor.execute("COMMENT ON COLUMN ss_recent.n IS 'days ago'")
    connection.close()
    found = metadata("ss_recent")
    equal(found["comment"], "what came of late")
    equal([column["comment"] for column in found["columns"]], [None, "days ago"])


def check_table_extra():
    superset.get(f"/database/{made['database']}/table_metadata/extra/",
                 params={"name": "ss_orders", "schema": "public"})


def check_select_star():
    found = superset.get(f"/database/{made['database']}/select_star/ss_kinds/public/")["result"]
    equal(len(values(found)), 5)


def check_function_names():
    superset.get(f"/database/{made['database']}/function_names/")


# ---- SQL Lab ---------------------------------------------------------------------------------

def check_select():
    answer = execute("SELECT id, kind, amount FROM ss_orders ORDER BY id", queryLimit=3)
    equal(answer["status"], "success")
    equal([column["column_name"] for column in answer["columns"]], ["id", "kind", "amount"])
    about([list(row.values()) for row in answer["data"]],
          [[row["id"], row["kind"], row["amount"]] for row in ROWS[:3]])


def check_limit():
    answer = execute("SELECT id FROM ss_orders ORDER BY id", queryLimit=7)
    equal([row["id"] for row in answer["data"]], list(range(7)))


def check_cte():
    equal(values("WITH big AS (SELECT kind, count(*) AS n FROM ss_orders GROUP BY kind)\n"
                 "SELECT kind FROM big WHERE n > (SELECT avg(n) FROM big) ORDER BY kind"),
          [[kind] for kind, n in sorted(Counter(row["kind"] for row in ROWS).items())
           if n > 900 / len({row["kind"] for row in ROWS})])


def check_joins_and_windows():
    found = values("""
        SELECT k.name, count(o.id), coalesce(sum(o.amount), 0),
               rank() OVER (ORDER BY count(o.id) DESC, k.name)
        FROM ss_kinds k LEFT JOIN ss_orders o ON o.kind = k.name GROUP BY 1 ORDER BY 4""")
    counts = Counter(row["kind"] for row in ROWS)
    sums = grouped(lambda row: row["kind"], lambda row: row["amount"])
    order = sorted(KINDS, key=lambda kind: (-counts[kind], kind))
    about(found, [[kind, counts[kind], sums.get(kind, 0), n + 1] for n, kind in enumerate(order)])


def check_types():
    answer = execute("""
        SELECT 1::smallint AS a, 9007199254740993::bigint AS b, 1.50::numeric(10,2) AS c,
               0.1::real AS d, 'x'::char(3) AS e, true AS f, NULL::text AS g,
               '2024-02-29'::date AS h, '2024-02-29 12:34:56.789'::timestamp AS i,
               '2024-02-29 12:34:56+02'::timestamptz AS j, '12:34:56'::time AS k,
               '1 day 02:03:04'::interval AS l, ARRAY[1, 2] AS m, ARRAY['a', 'b'] AS n,
               '{"a": [1, 2]}'::jsonb AS o,
               'c0ffee00-0000-4000-8000-000000000000'::uuid AS p, 'text' AS q""")
    (row,) = answer["data"]
    equal((row["a"], row["b"], float(row["c"]), row["e"].strip(), row["f"], row["g"]),
          (1, "9007199254740993", 1.5, "x", True, None))
    equal((row["h"], row["k"], row["p"], row["q"]),
          ("2024-02-29", "12:34:56", "c0ffee00-0000-4000-8000-000000000000", "text"))
    assert row["i"].startswith("2024-02-29T12:34:56.789"), row["i"]
    assert row["j"].startswith("2024-02-29T10:34:56"), row["j"]
    assert "1 day" in str(row["l"]), row["l"]
    equal((json.loads(str(row["m"])), row["o"]), ([1, 2], "{'a': [1, 2]}"))
    types = {column["column_name"]: column["type"] for column in answer["columns"]}
    equal([types[name] for name in "abcdefhijkmopq"],
          ["INTEGER", "LONGINTEGER", "DECIMAL", "FLOAT", "STRING", "BOOLEAN", "DATE", "DATETIME",
           "DATETIMETZ", "TIME", "INTEGERARRAY", "JSONB", "STRING", "STRING"])


def check_no_rows():
    answer = execute("SELECT id, ts FROM ss_orders WHERE false")
    equal(answer["data"], [])
    equal([column["column_name"] for column in answer["columns"]], ["id", "ts"])


def check_schema_of_the_tab():
    equal(values("SELECT a, \"Mixed Case\" FROM ss_there ORDER BY a", schema="ss_other"),
          [[1, "one"], [2, "two"]])


def check_template():
    equal(values("SELECT {{ 1 + 1 }} AS two, count(*) FROM ss_orders "
                 "WHERE kind IN {{ ['black', 'green'] | where_in }}"),
          [[2, sum(row["kind"] in ("black", "green") for row in ROWS)]])


def check_several_statements():
    equal(values("CREATE TABLE ss_ctas (a int); INSERT INTO ss_ctas VALUES (1), (2); "
                 "SELECT sum(a) FROM ss_ctas"), [[3]])
    execute("UPDATE ss_ctas SET a = a + 1 WHERE a = 2")
    equal(values("SELECT a FROM ss_ctas ORDER BY a"), [[1], [3]])
    execute("DROP TABLE ss_ctas")


def check_missing_column():
    error = sqllab_error("SELECT nosuch FROM ss_orders")
    equal(error["error_type"], "COLUMN_DOES_NOT_EXIST_ERROR")
    equal(error["message"], "We can't seem to resolve the column \"nosuch\" at line 2.")


def check_missing_table():
    error = sqllab_error("SELECT 1 FROM ss_nosuch")
    assert 'relation "ss_nosuch" does not exist' in error["message"], error["message"]


def check_run_time_error():
    error = sqllab_error("SELECT 1 / (id - id) FROM ss_orders")
    assert "division by zero" in error["message"], error["message"]


def check_cast_error():
    error = sqllab_error("SELECT code::int, kind::int FROM ss_orders")
    assert 'invalid input syntax for type integer: "' in error["message"], error["message"]


def check_explain():
    equal(execute("EXPLAIN SELECT * FROM ss_orders")["columns"][0]["column_name"], "QUERY PLAN")


def check_cost_estimate():
    found = superset.post("/sqllab/estimate/", json={
        "database_id": made["database"], "sql": "SELECT * FROM ss_orders", "schema": "public"})
    equal(sorted(found["result"][0]), ["Start-up cost", "Total cost"])


def check_create_table_as():
    execute("SELECT kind, count(*) AS n FROM ss_orders GROUP BY kind", select_as_cta=True,
            ctas_method="TABLE", tmp_table_name="ss_ctas")
    equal(values("SELECT sum(n) FROM ss_ctas"), [[900]])
    execute("DROP TABLE ss_ctas")


def check_create_view_as():
    execute("SELECT kind, count(*) AS n FROM ss_orders GROUP BY kind", select_as_cta=True,
            ctas_method="VIEW", tmp_table_name="ss_cvas")
    equal(values("SELECT sum(n) FROM ss_cvas"), [[900]])
    execute("DROP VIEW ss_cvas")


def check_export_csv():
    client = uuid.uuid4().hex[:10]
    execute("SELECT id, kind FROM ss_orders ORDER BY id ", client_id=client, queryLimit=2)
    equal(superset.get(f"/sqllab/export/{client}/").content.decode("utf-8-sig").split(),
          ["id,kind", f"0,{ROWS[0]['kind']}", f"1,{ROWS[1]['kind']}"])


def check_stop_query():
    client, ended = uuid.uuid4().hex[:10], []

    def slow():
        ended.append(execute("SELECT pg_sleep(15)", want=(200, 400, 422, 500), client_id=client))

    thread, began = threading.Thread(target=slow), time.monotonic()
    thread.start()
    time.sleep(2)
    try:
        superset.post("/query/stop", json={"client_id": client})
    finally:
        thread.join(40)
    assert time.monotonic() - began < 10, f"{time.monotonic() - began:.0f} s: {ended}"
    assert "errors" in ended[0] or ended[0]["status"] == "stopped", ended


def check_saved_query():
    saved = superset.post("/saved_query/", json={
        "db_id": made["database"], "label": "kinds", "schema": "public",
        "sql": "SELECT count(*) FROM ss_kinds"})["id"]
    equal(values(superset.get(f"/saved_query/{saved}")["result"]["sql"]), [[5]])


# ---- datasets --------------------------------------------------------------------------------

def add_dataset(name, table, sql=None, schema="public"):
    body = {"database": made["database"], "schema": schema, "table_name": table}
    made[name] = superset.post("/dataset/", json=body | ({"sql": sql} if sql else {}))["id"]
    return columns_of(made[name])


def columns_of(dataset):
    found = superset.get(f"/dataset/{dataset}")["result"]["columns"]
    return {column["column_name"]: column for column in found}


def check_dataset():
    add_dataset("recent", "ss_recent")
    found = add_dataset("orders", "ss_orders")
    equal({name: column["type"] for name, column in found.items()},
          {"id": "INTEGER", "ts": "TIMESTAMP WITHOUT TIME ZONE",
           "tz": "TIMESTAMP WITH TIME ZONE", "day": "DATE", "kind": "VARCHAR(20)",
           "region": "TEXT", "amount": "NUMERIC(10, 2)", "qty": "INTEGER",
           "weight": "DOUBLE PRECISION", "organic": "BOOLEAN", "code": "CHAR(4)"})
    equal({name for name, column in found.items() if column["is_dttm"]}, {"ts", "tz", "day"})


def check_datasets_for_charts():
    """Where the tables could not be read, the charts are of queries."""
    for name in ("orders", "recent"):
        if name not in made:
            add_dataset(name, f"ss_{name}_by_query", sql=f"SELECT * FROM ss_{name}")


def check_dataset_of_sql():
    found = add_dataset("virtual", "ss_by_kind", sql="""
        SELECT kind, date_trunc('month', ts) AS month, sum(amount) AS total, count(*) AS n,
               avg(qty) AS mean, bool_or(organic) AS any, max(day) AS last
        FROM ss_orders GROUP BY 1, 2""")
    equal({name for name, column in found.items() if column["is_dttm"]}, {"month", "last"})
    equal({name: column["type_generic"] for name, column in found.items()},
          {"kind": 1, "month": 2, "total": 0, "n": 0, "mean": 0, "any": 3, "last": 2})
    about(pairs(chart("virtual", columns=["kind"], metrics=[simple("SUM", "total")]),
                "kind", "SUM(total)"),
          grouped(lambda row: row["kind"], lambda row: row["amount"]))


def check_dataset_of_a_view():
    found = add_dataset("view", "ss_view")
    equal(set(found), {"kind", "n", "total"})
    equal(sum(row["n"] for row in chart("view", columns=["kind", "n"])), 900)


def check_refresh_dataset():
    superset.put(f"/dataset/{made['orders']}/refresh")
    execute("CREATE TABLE ss_changing (a int)")
    add_dataset("changing", "ss_changing")
    execute("ALTER TABLE ss_changing ADD COLUMN b text")
    superset.put(f"/dataset/{made['changing']}/refresh")
    equal(set(columns_of(made["changing"])), {"a", "b"})
    superset.delete(f"/dataset/{made['changing']}")


def check_calculated_column():
    known = columns_of(made["recent"])
    superset.put(f"/dataset/{made['recent']}", json={
        "columns": [{"id": known["at"]["id"], "column_name": "at", "is_dttm": True},
                    {"id": known["n"]["id"], "column_name": "n"},
                    {"column_name": "age", "type": "VARCHAR",
                     "expression": "CASE WHEN n < 100 THEN 'new' ELSE 'old' END"}],
        "metrics": [{"metric_name": "latest", "expression": "MAX(at)"},
                    {"metric_name": "share",
                     "expression": "SUM(CASE WHEN n < 100 THEN 1 ELSE 0 END)::numeric / COUNT(*)"}],
    })
    counted = chart("recent", columns=["age"], metrics=[simple("COUNT", "n")])
    equal(pairs(counted, "age", "COUNT(n)"), {"new": 5, "old": 4})
    (row,) = chart("recent", metrics=["latest", "share"])
    about(row["share"], 5 / 9)
    equal(row["latest"], ms(NOW))


def check_samples():
    found = superset.http.post(
        f"{superset.address}/datasource/samples", timeout=60, json={"filters": []},
        params={"datasource_type": "table", "datasource_id": made["orders"], "per_page": 10,
                "page": 2, "force": "true"}).json()["result"]
    equal((found["rowcount"], found["total_count"]), (10, 900))


# ---- chart data ------------------------------------------------------------------------------

def floor(seconds):
    def of(ts):
        since = dt.datetime(1970, 1, 1)
        return since + dt.timedelta(seconds=(ts - since).total_seconds() // seconds * seconds)
    return of


def week(ts, first=0):
    """The start of the week that begins on this day (0: Monday)."""
    return floor(86400)(ts) - dt.timedelta(days=(ts.weekday() - first) % 7)


GRAINS = {
    "PT1S": floor(1), "PT5S": floor(5), "PT30S": floor(30), "PT1M": floor(60),
    "PT5M": floor(300), "PT10M": floor(600), "PT15M": floor(900), "PT30M": floor(1800),
    "PT1H": floor(3600), "P1D": floor(86400), "P1W": week,
    "P1M": lambda ts: dt.datetime(ts.year, ts.month, 1),
    "P3M": lambda ts: dt.datetime(ts.year, (ts.month - 1) // 3 * 3 + 1, 1),
    "P6M": lambda ts: dt.datetime(ts.year, (ts.month - 1) // 6 * 6 + 1, 1),
    "P1Y": lambda ts: dt.datetime(ts.year, 1, 1),
    "1969-12-28T00:00:00Z/P1W": lambda ts: week(ts, 6),
    "P1W/1970-01-03T00:00:00Z": lambda ts: week(ts, 6) + dt.timedelta(days=6),
}


def grain(name, column="ts"):
    data = chart(columns=[axis(column, name)], metrics=[SUM], row_limit=10000)
    wanted = grouped(lambda row: ms(GRAINS[name](row["ts"])), lambda row: row["amount"])
    about(pairs(data, column, "total"), wanted)


def time_grains():
    """A check for each time grain."""
    for name in GRAINS:
        check = lambda name=name: grain(name)  # noqa: E731
        check.__name__ = "check_grain_" + name.replace("/", "_").replace(":", "").replace("-", "")
        yield check


def check_every_grain_is_offered():
    found = superset.get(f"/dataset/{made['orders']}")["result"]["time_grain_sqla"]
    missing = set(GRAINS) - {name for name, _ in found}
    assert not missing, f"{missing} of {found}"


def check_grain_of_timestamptz():
    grain("P1M", "tz")


def check_grain_of_date():
    grain("P1W", "day")


def check_old_time_series():
    """With `granularity`, as charts saved by older versions ask."""
    data = chart(is_timeseries=True, granularity="ts", metrics=[SUM],
                 time_range="2023-02-01 : 2023-04-01",
                 extras={"time_grain_sqla": "P1W", "having": "", "where": ""})
    within = [row for row in ROWS
              if dt.datetime(2023, 2, 1) <= row["ts"] < dt.datetime(2023, 4, 1)]
    about(pairs(data, "__timestamp", "total"),
          grouped(lambda row: ms(week(row["ts"])), lambda row: row["amount"], within))


def check_big_number():
    (row,) = chart(metrics=[SUM, by_sql("COUNT(*)", "n")])
    about([row["total"], row["n"]], [sum(row["amount"] for row in ROWS), 900])


def check_aggregates():
    metrics = [simple(aggregate, "amount") for aggregate in ("SUM", "AVG", "MIN", "MAX", "COUNT")]
    metrics += [simple("COUNT_DISTINCT", "amount"), simple("COUNT_DISTINCT", "region"),
                simple("MIN", "ts"), simple("MAX", "day"), simple("AVG", "weight"),
                simple("AVG", "qty"), simple("MAX", "kind")]
    (row,) = chart(metrics=metrics)
    amounts = [one["amount"] for one in ROWS]
    about([row[f"{aggregate}(amount)"] for aggregate in
           ("SUM", "AVG", "MIN", "MAX", "COUNT", "COUNT_DISTINCT")],
          [sum(amounts), sum(amounts) / 900, min(amounts), max(amounts), 900, len(set(amounts))])
    equal(row["COUNT_DISTINCT(region)"], 2)
    equal((row["MIN(ts)"], row["MAX(day)"], row["MAX(kind)"]),
          (ms(ROWS[0]["ts"]), ms(ROWS[-1]["day"]), max(one["kind"] for one in ROWS)))
    about([row["AVG(weight)"], row["AVG(qty)"]],
          [sum(one["weight"] for one in ROWS) / 900, sum(one["qty"] for one in ROWS) / 900])


def check_percentiles():
    (row,) = chart(metrics=[
        by_sql("PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY amount)", "median"),
        by_sql("PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY weight)", "middle"),
        by_sql("PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY weight)", "high"),
        by_sql("MODE() WITHIN GROUP (ORDER BY kind)", "most"),
        by_sql("STDDEV(amount)", "deviation"), by_sql("VAR_POP(weight)", "variance")])
    amounts, weights = ([float(one[name]) for one in ROWS] for name in ("amount", "weight"))
    about(row["median"], statistics.median(amounts))
    about(row["middle"], statistics.median_low(weights))
    about(row["high"], statistics.quantiles(weights, n=20, method="inclusive")[-1])
    equal(row["most"], Counter(sorted(one["kind"] for one in ROWS)).most_common(1)[0][0])
    about(row["deviation"], statistics.stdev(amounts))
    about(row["variance"], statistics.pvariance(weights))


def check_sql_metrics():
    (row,) = chart(metrics=[
        by_sql("SUM(amount) FILTER (WHERE organic)", "organic"),
        by_sql("SUM(amount) / NULLIF(SUM(qty), 0)", "ratio"),
        by_sql("COUNT(DISTINCT kind || coalesce(region, '-'))", "both"),
        by_sql("string_agg(DISTINCT kind, ',' ORDER BY kind)", "kinds"),
        by_sql("SUM(qty)/COUNT(*)", "whole"),
        by_sql("round(avg(amount), 2)", "rounded")])
    about(row["organic"], sum(one["amount"] for one in ROWS if one["organic"]))
    about(row["ratio"], sum(one["amount"] for one in ROWS) / sum(one["qty"] for one in ROWS))
    equal(row["both"], len({(one["kind"], one["region"]) for one in ROWS}))
    equal(row["kinds"], ",".join(sorted({one["kind"] for one in ROWS})))
    equal(row["whole"], sum(one["qty"] for one in ROWS) // 900)
    about(row["rounded"], round(sum(one["amount"] for one in ROWS) / 900, 2))


def check_group_by():
    data = chart(columns=["kind", "region"], metrics=[SUM], orderby=[[SUM, False]])
    wanted = grouped(lambda row: (row["kind"], row["region"]), lambda row: row["amount"])
    about({(row["kind"], row["region"]): row["total"] for row in data}, wanted)
    totals = [row["total"] for row in data]
    equal(totals, sorted(totals, reverse=True))


def check_pie_with_limit():
    data = chart(columns=["kind"], metrics=[SUM], orderby=[[SUM, False]], row_limit=2)
    sums = grouped(lambda row: row["kind"], lambda row: row["amount"])
    about(pairs(data, "kind", "total"),
          dict(sorted(sums.items(), key=lambda pair: -pair[1])[:2]))


def check_sql_column():
    data = chart(columns=[{"expressionType": "SQL", "label": "initial",
                           "sqlExpression": "UPPER(SUBSTR(kind, 1, 1))"}],
                 metrics=[by_sql("COUNT(*)", "n")])
    equal(pairs(data, "initial", "n"), dict(Counter(row["kind"][0].upper() for row in ROWS)))


def check_raw_records():
    data = chart(columns=["id", "ts", "tz", "day", "kind", "region", "amount", "organic"],
                 orderby=[["id", True]], row_limit=5, row_offset=10)
    for found, row in zip(data, ROWS[10:15], strict=True):
        equal([found[name] for name in ("id", "kind", "region", "organic")],
              [row[name] for name in ("id", "kind", "region", "organic")])
        about(found["amount"], row["amount"])
        equal([found[name] for name in ("ts", "day")], [ms(row["ts"]), ms(row["day"])])


FILTERS = [
    ("IN", "kind", ["black", "green"], lambda v: v in ("black", "green")),
    ("NOT IN", "kind", ["black"], lambda v: v != "black"),
    ("IN", "region", ["Assam", "<NULL>"], lambda v: v in ("Assam", None)),
    ("==", "qty", 3, lambda v: v == 3),
    ("!=", "qty", 3, lambda v: v != 3),
    (">", "amount", 5, lambda v: v > 5),
    ("<=", "weight", 2.5, lambda v: v <= 2.5),
    ("LIKE", "kind", "b%", lambda v: v.startswith("b")),
    ("NOT LIKE", "kind", "b%", lambda v: not v.startswith("b")),
    ("ILIKE", "kind", "%EE%", lambda v: "ee" in v),
    ("ILIKE", "id", "%77%", lambda v: "77" in str(v)),
    ("IS NULL", "region", None, lambda v: v is None),
    ("IS NOT NULL", "region", None, lambda v: v is not None),
    ("IS TRUE", "organic", None, lambda v: v is True),
    ("IS FALSE", "organic", None, lambda v: v is False),
    ("IN", "organic", [True], lambda v: v is True),
    ("TEMPORAL_RANGE", "ts", "2023-03-05 : 2023-06-07T12:00:00",
     lambda v: dt.datetime(2023, 3, 5) <= v < dt.datetime(2023, 6, 7, 12)),
    ("TEMPORAL_RANGE", "day", "2023-03-05 : 2023-06-07",
     lambda v: dt.date(2023, 3, 5) <= v < dt.date(2023, 6, 7)),
    ("TEMPORAL_RANGE", "tz", "2024-01-01 : 2024-02-01",
     lambda v: (v.year, v.month) == (2024, 1)),
    ("TEMPORAL_RANGE", "ts", " : 2023-06-07", lambda v: v < dt.datetime(2023, 6, 7)),
]


def check_filters():
    wrong = []
    for op, column, value, holds in FILTERS:
        one = {"col": column, "op": op} | ({} if value is None else {"val": value})
        try:
            (row,) = chart(metrics=[by_sql("COUNT(*)", "n")], filters=[one])
            equal(row["n"], sum(holds(row[column]) for row in ROWS))
        except AssertionError as error:
            wrong.append(f"{column} {op} {value}: {error}")
    assert not wrong, "; ".join(wrong)


def check_free_filters():
    (row,) = chart(metrics=[by_sql("COUNT(*)", "n")],
                   extras={"where": "(qty % 2 = 0 AND kind ~ '^b')", "having": ""})
    equal(row["n"], sum(row["qty"] % 2 == 0 and row["kind"][0] == "b" for row in ROWS))
    data = chart(columns=["kind"], metrics=[SUM],
                 extras={"where": "", "having": "(SUM(amount) > 1500)"})
    sums = grouped(lambda row: row["kind"], lambda row: row["amount"])
    about(pairs(data, "kind", "total"), {key: n for key, n in sums.items() if n > 1500})


def time_range(name, within):
    data = chart("recent", columns=["n"], filters=[{"col": "at", "op": "TEMPORAL_RANGE",
                                                    "val": name}], orderby=[["n", True]])
    today = dt.datetime.combine(NOW.date(), dt.time())
    equal([row["n"] for row in data], [n for at, n in RECENT if within(at, today)])


def check_last_day():
    time_range("Last day", lambda at, today: today - dt.timedelta(days=1) <= at < today)


def check_last_week():
    time_range("Last week", lambda at, today: today - dt.timedelta(days=7) <= at < today)


def check_last_year():
    def within(at, today):
        return today.replace(year=today.year - 1) <= at < today
    time_range("Last year", within)


def check_previous_year():
    time_range("previous calendar year", lambda at, today: at.year == today.year - 1)


def check_time_range_by_functions():
    time_range('DATEADD(DATETIME("today"), -60, day) : DATETIME("now")',
               lambda at, today: at >= today - dt.timedelta(days=60))


def check_series_limit():
    """The time series of the two largest kinds: a join with a subquery."""
    sums = grouped(lambda row: row["kind"], lambda row: row["amount"])
    largest = sorted(sums, key=lambda kind: -sums[kind])[:2]
    data = chart(columns=[axis("ts", "P3M"), "kind"], series_columns=["kind"], series_limit=2,
                 series_limit_metric=SUM, metrics=[SUM], order_desc=True)
    about({(row["ts"], row["kind"]): row["total"] for row in data},
          grouped(lambda row: (ms(GRAINS["P3M"](row["ts"])), row["kind"]),
                  lambda row: row["amount"], [row for row in ROWS if row["kind"] in largest]))


def check_series_limit_with_others():
    sums = grouped(lambda row: row["kind"], lambda row: row["amount"])
    largest = sorted(sums, key=lambda kind: -sums[kind])[:2]
    data = chart(columns=[axis("ts", "P1Y"), "kind"], series_columns=["kind"], series_limit=2,
                 series_limit_metric=SUM, metrics=[SUM], group_others_when_limit_reached=True)
    about({(row["ts"], row["kind"]): row["total"] for row in data},
          grouped(lambda row: (ms(GRAINS["P1Y"](row["ts"])),
                               row["kind"] if row["kind"] in largest else "Others"),
                  lambda row: row["amount"]))


PIVOT = {"operation": "pivot", "options": {
    "index": ["ts"], "columns": ["kind"], "aggregates": {"total": {"operator": "mean"}},
    "drop_missing_columns": False}}
FLATTEN = {"operation": "flatten"}


def check_pivot_and_rolling():
    data = chart(columns=[axis("ts", "P1M"), "kind"], series_columns=["kind"], metrics=[SUM],
                 post_processing=[
                     PIVOT,
                     {"operation": "rolling", "options": {
                         "rolling_type": "sum", "window": 3, "min_periods": 1,
                         "columns": {"total": "total"}}},
                     FLATTEN])
    months = sorted({GRAINS["P1M"](row["ts"]) for row in ROWS})
    sums = grouped(lambda row: (row["kind"], GRAINS["P1M"](row["ts"])),
                   lambda row: row["amount"])
    equal([row["ts"] for row in data], [ms(month) for month in months])
    name = next(name for name in data[0] if "black" in name)
    about([row[name] for row in data],
          [sum(sums.get(("black", month), 0) for month in months[max(0, n - 2):n + 1])
           for n in range(len(months))])


def check_time_comparison():
    data = chart(columns=[axis("ts", "P1M")], metrics=[SUM], time_offsets=["1 year ago"],
                 filters=[{"col": "ts", "op": "TEMPORAL_RANGE",
                           "val": "2024-01-01 : 2024-07-01"}])
    sums = grouped(lambda row: GRAINS["P1M"](row["ts"]), lambda row: row["amount"])
    months = [dt.datetime(2024, month, 1) for month in range(1, 7)]
    about(pairs(data, "ts", "total"), {ms(month): sums[month] for month in months})
    about(pairs(data, "ts", "total__1 year ago"),
          {ms(month): sums[month.replace(year=2023)] for month in months})


def check_histogram():
    (result,) = charts(query(columns=["amount"], post_processing=[
        {"operation": "histogram", "options": {"column": "amount", "groupby": [], "bins": 5}}]))
    equal(sum(result["data"][0].values()), 900)


def check_histogram_by_sql():
    data = chart(columns=[{"expressionType": "SQL", "label": "bin",
                           "sqlExpression": "width_bucket(amount, 0, 10, 5)"}],
                 metrics=[by_sql("COUNT(*)", "n")])
    equal(pairs(data, "bin", "n"), dict(Counter(int(row["amount"] // 2) + 1 for row in ROWS)))


def check_box_plot():
    data = chart(columns=[axis("ts", "P1M"), "kind"], metrics=[SUM], post_processing=[
        {"operation": "boxplot", "options": {
            "whisker_type": "tukey", "groupby": ["kind"], "metrics": ["total"]}}])
    equal({row["kind"] for row in data}, {row["kind"] for row in ROWS})
    sums = grouped(lambda row: (row["kind"], GRAINS["P1M"](row["ts"])),
                   lambda row: row["amount"])
    about(pairs(data, "kind", "total__median"),
          {kind: statistics.median(value for (one, _), value in sums.items() if one == kind)
           for kind in {row["kind"] for row in ROWS}})


def check_table_with_totals():
    """A table: its page, its number of rows, its totals and shares, in one call."""
    page, count, totals = charts(
        query(columns=["kind"], metrics=[SUM], orderby=[["kind", True]], row_limit=2,
              post_processing=[{"operation": "contribution", "options": {
                  "columns": ["total"], "rename_columns": ["%total"]}}]),
        query(columns=["kind"], metrics=[SUM], is_rowcount=True, row_limit=0),
        query(columns=[], metrics=[SUM]))
    equal([row["kind"] for row in page["data"]], sorted({row["kind"] for row in ROWS})[:2])
    equal(count["data"][0]["rowcount"], len({row["kind"] for row in ROWS}))
    about(totals["data"][0]["total"], sum(row["amount"] for row in ROWS))


def check_query_of_a_chart():
    (result,) = charts(query(columns=["kind"], metrics=[SUM]), result_type="query")
    assert "GROUP BY" in result["query"].upper(), result


def check_drill_to_detail():
    (result,) = charts(query(filters=[{"col": "kind", "op": "==", "val": "black"}],
                             row_limit=20), result_type="drill_detail")
    equal({row["kind"] for row in result["data"]}, {"black"})


def check_chart_as_csv():
    answer = superset.post("/chart/data", json={
        "datasource": {"id": made["orders"], "type": "table"}, "force": True,
        "queries": [query(columns=["kind"], metrics=[by_sql("COUNT(*)", "n")],
                          orderby=[["kind", True]])],
        "result_format": "csv", "result_type": "full"})
    counts = Counter(row["kind"] for row in ROWS)
    equal(answer.content.decode("utf-8-sig").split(),
          ["kind,n", *(f"{kind},{counts[kind]}" for kind in sorted(counts))])


def check_values_of_a_filter():
    found = superset.get(f"/datasource/table/{made['orders']}/column/kind/values/")["result"]
    equal(sorted(found), sorted({row["kind"] for row in ROWS}))
    found = superset.get(f"/datasource/table/{made['orders']}/column/region/values/")["result"]
    equal(set(found), {"Assam", "Ceylon", None})


def check_error_of_a_chart():
    answer = superset.post("/chart/data", want=(200, 400, 422), json={
        "datasource": {"id": made["orders"], "type": "table"}, "force": True,
        "queries": [query(metrics=[by_sql("SUM(nosuch)", "n")])],
        "result_format": "json", "result_type": "full"})
    assert "nosuch" in json.dumps(answer), answer


# ---- uploads, saved charts, dashboards -------------------------------------------------------

def check_upload_csv():
    text = "id,name,price,on\n1,Uva,1.5,2024-02-29\n2,Dimbula,,2024-03-01\n"
    superset.post(f"/database/{made['database']}/upload/", data={
        "type": "csv", "table_name": "ss_upload", "schema": "public", "delimiter": ",",
        "already_exists": "fail", "column_dates": "on"},
        files={"file": ("teas.csv", io.BytesIO(text.encode()), "text/csv")})
    found = values('SELECT id, name, price, "on" FROM ss_upload ORDER BY id')
    equal([row[:3] for row in found], [[1, "Uva", 1.5], [2, "Dimbula", None]])
    assert found[0][3].startswith("2024-02-29"), found
    superset.post(f"/database/{made['database']}/upload/", data={
        "type": "csv", "table_name": "ss_upload", "schema": "public", "delimiter": ",",
        "already_exists": "append", "column_dates": "on"},
        files={"file": ("more.csv", io.BytesIO(text.encode()), "text/csv")})
    equal(values("SELECT count(*) FROM ss_upload"), [[4]])


def check_upload_replaces():
    superset.post(f"/database/{made['database']}/upload/", data={
        "type": "csv", "table_name": "ss_upload", "schema": "public", "delimiter": ";",
        "already_exists": "replace"},
        files={"file": ("less.csv", io.BytesIO(b"a;b\n1;x\n"), "text/csv")})
    equal(values("SELECT a, b FROM ss_upload"), [[1, "x"]])


def check_saved_chart():
    form = {"datasource": f"{made['orders']}__table", "viz_type": "echarts_timeseries_line",
            "x_axis": "ts", "time_grain_sqla": "P1M", "metrics": [SUM], "groupby": ["region"]}
    made["chart"] = superset.post("/chart/", json={
        "slice_name": "teas by month", "viz_type": form["viz_type"],
        "datasource_id": made["orders"], "datasource_type": "table", "params": json.dumps(form),
        "query_context": json.dumps({
            "datasource": {"id": made["orders"], "type": "table"}, "force": False,
            "queries": [query(columns=[axis("ts", "P1M"), "region"], metrics=[SUM],
                              series_columns=["region"])],
            "form_data": form, "result_format": "json", "result_type": "full"}),
    })["id"]
    (result,) = superset.get(f"/chart/{made['chart']}/data/?force=true")["result"]
    about({(row["ts"], row["region"]): row["total"] for row in result["data"]},
          grouped(lambda row: (ms(GRAINS["P1M"](row["ts"])), row["region"]),
                  lambda row: row["amount"]))


def check_dashboard():
    made["dashboard"] = superset.post("/dashboard/", json={
        "dashboard_title": "teas", "published": True, "position_json": json.dumps({
            "DASHBOARD_VERSION_KEY": "v2",
            "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
            "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": ["ROW-1"]},
            "ROW-1": {"type": "ROW", "id": "ROW-1", "children": ["CHART-1"], "meta": {}},
            "CHART-1": {"type": "CHART", "id": "CHART-1", "children": [],
                        "meta": {"chartId": made["chart"], "width": 12, "height": 50}}})})["id"]
    superset.put(f"/chart/{made['chart']}", json={"dashboards": [made["dashboard"]]})
    (held,) = superset.get(f"/dashboard/{made['dashboard']}/charts")["result"]
    equal(held["id"], made["chart"])
    (used,) = superset.get(f"/dashboard/{made['dashboard']}/datasets")["result"]
    equal(used["id"], made["orders"])
    (result,) = superset.get(f"/chart/{made['chart']}/data/?force=true")["result"]
    equal(result["status"], "success")
    equal(result["rowcount"], len({(GRAINS["P1M"](row["ts"]), row["region"]) for row in ROWS}))


def check_warm_up():
    found = superset.put("/chart/warm_up_cache", json={
        "chart_id": made["chart"], "dashboard_id": made["dashboard"]})["result"]
    equal([one["viz_error"] for one in found], [None])


# What this needs is not there yet: costs in EXPLAIN.
LATER = ["check_cost_estimate"]

if __name__ == "__main__":
    checks = []
    for name, value in list(globals().items()):
        if name == "check_every_grain_is_offered":
            checks += time_grains()
        if name.startswith("check_"):
            checks.append(value)
    run(checks, clean_up, later=LATER)
