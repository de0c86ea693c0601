"""pgAdmin 4 over the calls of its pages: the tree, the dialogs, the query tool, the data grid.

Connects by libpq's variables and starts a pgAdmin of its own (service.py).
"""

import datetime as dt
import itertools
import json
import os
import sys
import time
from pathlib import Path

import psycopg

sys.path.append(str(Path(__file__).resolve().parent.parent))
from checks import equal, run  # noqa: E402
from service import Service  # noqa: E402

HOST, PORT = os.environ["PGHOST"], int(os.environ["PGPORT"])
USER, NAME = os.environ.get("PGUSER", "postgres"), os.environ.get("PGDATABASE", "postgres")

pgadmin = Service()
ids = {}  # what the tree says: sid, did, the schema's, the tables' and other numbers

SCHEMA = """
DROP SCHEMA IF EXISTS pga CASCADE;
CREATE SCHEMA pga;
CREATE TABLE pga.garden (
    id integer PRIMARY KEY,
    name varchar(40) NOT NULL UNIQUE,
    height numeric(6,2) DEFAULT 1.5,
    opened date,
    CONSTRAINT garden_high CHECK (height > 0)
);
CREATE TABLE pga.tea (
    id integer PRIMARY KEY,
    garden_id integer REFERENCES pga.garden (id),
    name text NOT NULL,
    price numeric(10,2),
    picked timestamp,
    organic boolean DEFAULT true
);
CREATE INDEX tea_name ON pga.tea (name, price DESC);
CREATE TABLE pga.plain (a integer, b text);
CREATE SEQUENCE pga.numbers INCREMENT 5 START 10;
CREATE VIEW pga.organic AS SELECT id, name FROM pga.tea WHERE organic;
CREATE TYPE pga.leaf AS ENUM ('whole', 'broken', 'dust');
INSERT INTO pga.garden (id, name, opened) VALUES (1, 'Uva', '1890-05-06'), (2, 'Assam', NULL);
INSERT INTO pga.tea (id, garden_id, name, price, picked) VALUES
    (1, 1, 'first', 1.50, '2024-02-29 12:00:00'), (2, 1, 'second', 2.25, NULL);
INSERT INTO pga.plain VALUES (1, 'x')
"""


def connect():
    return psycopg.connect(host=HOST, port=PORT, user=USER, dbname=NAME, autocommit=True)


def sql(text):
    """The rows of a query by a connection of the script's own."""
    with connect() as connection:
        cursor = connection.execute(text)
        return cursor.fetchall() if cursor.description else []


def clean_up():
    try:
        with connect() as connection:
            connection.execute("DROP SCHEMA IF EXISTS pga CASCADE")
            for drop in ("SCHEMA IF EXISTS pga_made CASCADE", "ROLE IF EXISTS pga_role",
                         "DATABASE IF EXISTS pga_made"):
                try:
                    connection.execute(f"DROP {drop}")
                except psycopg.Error:
                    pass
    finally:
        pgadmin.stop()


# ---- the tree --------------------------------------------------------------------------------

def path(kind, what, *numbers):
    """The address of a call for a kind of node: its parents' numbers, and perhaps its own."""
    return f"/browser/{kind}/{what}/" + "/".join(map(str, (1, *numbers)))


def nodes(kind, *parents):
    """The numbers of a kind of node below these parents, by label, as the tree shows them."""
    return {node["label"]: node["_id"]
            for node in pgadmin.get(path(kind, "nodes", *parents) + "/")["data"]}


def listed(kind, *parents):
    """The list that a collection's properties show."""
    return pgadmin.get(path(kind, "obj", *parents) + "/")


def properties(kind, *numbers):
    return pgadmin.get(path(kind, "obj", *numbers))


def ddl(kind, *numbers):
    """The SQL tab, its lines without what says nothing."""
    found = pgadmin.get(path(kind, "sql", *numbers))
    return " ".join(str(found).split())


def has(text, *parts):
    for part in parts:
        assert part in text, f"{part!r} is not in {text!r}"


def tabs(kind, *numbers, without=()):
    """Every tab of a node's page; names those that fail."""
    failed = []
    for what in ("obj", "sql", "stats", "dependency", "dependent"):
        if what not in without:
            try:
                pgadmin.get(path(kind, what, *numbers))
            except AssertionError as error:
                failed.append(f"{what}: {error}")
    assert not failed, "; ".join(failed)


def database(*more):
    return (ids["sid"], ids["did"], *more)


def schema(*more):
    return database(ids["pga"], *more)


def table(*more, name="tea"):
    return schema(ids[name], *more)


def check_start():
    pgadmin.start()


def check_add_server():
    answer = pgadmin.post("/browser/server/obj/1/", json={
        "name": "tea", "gid": 1, "host": HOST, "port": PORT, "username": USER, "db": NAME,
        "connect_now": True, "password": os.environ.get("PGPASSWORD", "any"),
        "save_password": False, "sslmode": "prefer", "comment": "", "shared": False,
        "connection_params": [
            {"name": "sslmode", "keyword": "sslmode", "value": "prefer"},
            {"name": "connect_timeout", "keyword": "connect_timeout", "value": 10}]})["node"]
    ids["sid"] = answer["_id"]
    equal((answer["connected"], answer["server_type"]), (True, "pg"))
    equal((answer["user"]["name"], answer["user"]["is_superuser"]), (USER, True))
    assert answer["version"] >= 150000, answer["version"]


def check_fill():
    with connect() as connection:
        connection.execute(SCHEMA)


def check_server_page():
    found = properties("server", ids["sid"])
    equal((found["connected"], found["server_type"]), (True, "pg"))
    has(found["version"], "PostgreSQL 15")
    pgadmin.get(path("server", "stats", ids["sid"]))
    has(str(pgadmin.get(path("server", "children", ids["sid"]))["data"]), "coll-role",
        "coll-tablespace", "coll-database")


def check_disconnect_and_connect():
    pgadmin.delete(path("server", "connect", ids["sid"]))
    answer = pgadmin.post(path("server", "connect", ids["sid"]), data={"password": "any"})
    equal(answer["data"]["connected"], True)


def check_databases():
    found = nodes("database", ids["sid"])
    assert NAME in found, found
    ids["did"] = found[NAME]
    answer = pgadmin.post(path("database", "connect", *database()))
    equal(answer["data"]["connected"], True)


def check_database_page():
    found = properties("database", *database())
    equal((found["name"], found["encoding"], found["datowner"]), (NAME, "UTF8", USER))
    has(ddl("database", *database()), f"CREATE DATABASE {NAME}", "ENCODING = 'UTF8'")
    tabs("database", *database())
    listed("database", ids["sid"])


def check_database_children():
    found = {node["_type"] for node in
             pgadmin.get(path("database", "children", *database()))["data"]}
    assert {"coll-cast", "coll-catalog", "coll-extension", "coll-language",
            "coll-schema"} <= found, found


def check_roles():
    found = nodes("role", ids["sid"])
    assert USER in found, found
    assert USER in {row["rolname"] for row in listed("role", ids["sid"])}
    answer = properties("role", ids["sid"], found[USER])
    equal((answer["rolname"], answer["rolsuper"], answer["rolcanlogin"]), (USER, True, True))
    has(ddl("role", ids["sid"], found[USER]), f"CREATE ROLE {USER} WITH", "LOGIN", "SUPERUSER")
    tabs("role", ids["sid"], found[USER], without=("stats",))


def check_tablespaces():
    found = nodes("tablespace", ids["sid"])
    assert {"pg_default", "pg_global"} <= set(found), found
    listed("tablespace", ids["sid"])
    tabs("tablespace", ids["sid"], found["pg_default"])
    pgadmin.get(path("tablespace", "stats", ids["sid"]) + "/")


def check_schemas():
    found = nodes("schema", *database())
    assert {"public", "pga"} <= set(found), found
    assert not {"pg_catalog", "information_schema"} & set(found), found
    ids["pga"] = found["pga"]
    assert "pga" in {row["name"] for row in listed("schema", *database())}
    equal(properties("schema", *schema())["name"], "pga")
    has(ddl("schema", *schema()), "CREATE SCHEMA IF NOT EXISTS pga")
    tabs("schema", *schema(), without=("stats",))
    assert "coll-table" in {node["_type"] for node in
                            pgadmin.get(path("schema", "children", *schema()))["data"]}


def check_catalogs():
    found = nodes("catalog", *database())
    equal(len(found), 2)
    for number in found.values():
        tabs("catalog", *database(number), without=("stats",))
        children = pgadmin.get(path("catalog", "children", *database(number)))["data"]
        assert children, found
    number = next(number for label, number in found.items() if "PostgreSQL" in label)
    tables = nodes("table", *database(number))
    assert {"pg_class", "pg_attribute", "pg_type"} <= set(tables), tables
    tabs("table", *database(number, tables["pg_class"]))
    assert "relname" in nodes("column", *database(number, tables["pg_class"]))


def check_information_schema():
    number = next(number for label, number in nodes("catalog", *database()).items()
                  if "ANSI" in label)
    found = nodes("catalog_object", *database(number))
    assert {"tables", "columns"} <= set(found), found
    tabs("catalog_object", *database(number, found["tables"]), without=("sql", "stats"))
    columns = nodes("catalog_object_column", *database(number, found["tables"]))
    assert "table_name" in columns, columns


# ---- tables and what is in them --------------------------------------------------------------

def check_tables():
    found = nodes("table", *schema())
    equal(set(found), {"garden", "plain", "tea"})
    ids.update(found)
    equal({row["name"] for row in listed("table", *schema())}, {"garden", "plain", "tea"})
    pgadmin.get(path("table", "stats", *schema()) + "/")


def check_table_page():
    found = properties("table", *table())
    equal((found["name"], found["schema"], found["relowner"]), ("tea", "pga", USER))
    equal([column["name"] for column in found["columns"]],
          ["id", "garden_id", "name", "price", "picked", "organic"])
    equal([column["cltype"] for column in found["columns"]],
          ["integer", "integer", "text", "numeric", "timestamp without time zone", "boolean"])
    equal([key["name"] for key in found["primary_key"]], ["tea_pkey"])
    equal([key["name"] for key in found["foreign_key"]], ["tea_garden_id_fkey"])


def check_table_sql():
    has(ddl("table", *table()), "CREATE TABLE IF NOT EXISTS pga.tea",
        "id integer NOT NULL", "price numeric(10,2)", "picked timestamp without time zone",
        "organic boolean DEFAULT true", "CONSTRAINT tea_pkey PRIMARY KEY (id)",
        "CONSTRAINT tea_garden_id_fkey FOREIGN KEY (garden_id) REFERENCES pga.garden (id)",
        "CREATE INDEX IF NOT EXISTS tea_name ON pga.tea USING btree",
        f"ALTER TABLE IF EXISTS pga.tea OWNER to {USER}")
    has(ddl("table", *table(name="garden")), "CONSTRAINT garden_name_key UNIQUE (name)",
        "height numeric(6,2) DEFAULT 1.5", "name character varying(40)",
        "CONSTRAINT garden_high CHECK (height > 0::numeric)")


def check_table_statistics():
    found = pgadmin.get(path("table", "stats", *table()))["data"]["rows"]
    names = set(found[0]) if len(found) == 1 else {row["name"] for row in found}
    assert {"Sequential scans", "Table size", "Tuples inserted"} <= names, found


def check_table_dependencies():
    found = pgadmin.get(path("table", "dependent", *table(name="garden")))
    assert "tea_garden_id_fkey" in " ".join(row["name"] for row in found), found
    found = pgadmin.get(path("table", "dependency", *table()))
    assert "pga" in {row["name"] for row in found}, found


def check_table_scripts():
    has(str(pgadmin.get(path("table", "select_sql", *table()))),
        "SELECT id, garden_id, name, price, picked, organic")
    has(str(pgadmin.get(path("table", "insert_sql", *table()))), "INSERT INTO pga.tea")
    has(str(pgadmin.get(path("table", "update_sql", *table()))), "UPDATE pga.tea")
    has(str(pgadmin.get(path("table", "delete_sql", *table()))), "DELETE FROM pga.tea")


def check_count_rows():
    equal(pgadmin.get(path("table", "count_rows", *table()))["data"]["total_rows"], "2")


def check_columns():
    found = nodes("column", *table())
    equal(list(found), ["id", "garden_id", "name", "price", "picked", "organic"])
    rows = {row["name"]: row for row in listed("column", *table())}
    equal((rows["price"]["displaytypname"], rows["name"]["attnotnull"]),
          ("numeric(10,2)", True))
    answer = properties("column", *table(found["price"]))
    equal((answer["name"], answer["attprecision"], answer["attlen"]), ("price", "2", "10"))
    equal(properties("column", *table(found["organic"]))["defval"], "true")
    tabs("column", *table(found["price"]))


def check_indexes():
    found = nodes("index", *table())
    equal(list(found), ["tea_name"])
    answer = properties("index", *table(found["tea_name"]))
    equal((answer["name"], answer["amname"], answer["indisunique"]), ("tea_name", "btree", False))
    equal([column["colname"] for column in answer["columns"]], ["name", "price"])
    has(ddl("index", *table(found["tea_name"])),
        "CREATE INDEX IF NOT EXISTS tea_name ON pga.tea USING btree", "price DESC NULLS FIRST")
    listed("index", *table())
    tabs("index", *table(found["tea_name"]))
    pgadmin.get(path("index", "stats", *table()) + "/")


def constraint(kind, name, of, wanted):
    found = nodes(kind, *table(name=of))
    equal(list(found), [name])
    has(ddl(kind, *table(found[name], name=of)), wanted)
    tabs(kind, *table(found[name], name=of),
         without=("stats",) if kind in ("check_constraint", "foreign_key") else ())
    if kind != "foreign_key":  # pgAdmin 9.18 fails there by itself
        listed(kind, *table(name=of))


def check_primary_key():
    constraint("primary_key", "tea_pkey", "tea",
               "ADD CONSTRAINT tea_pkey PRIMARY KEY (id)")


def check_unique_constraint():
    constraint("unique_constraint", "garden_name_key", "garden",
               "ADD CONSTRAINT garden_name_key UNIQUE (name)")


def check_foreign_key():
    constraint("foreign_key", "tea_garden_id_fkey", "tea",
               "FOREIGN KEY (garden_id) REFERENCES pga.garden (id) MATCH SIMPLE "
               "ON UPDATE NO ACTION ON DELETE NO ACTION")


def check_check_constraint():
    constraint("check_constraint", "garden_high", "garden",
               "ADD CONSTRAINT garden_high CHECK (height > 0::numeric)")


def check_view():
    found = nodes("view", *schema())
    equal(set(found), {"organic"})
    answer = properties("view", *schema(found["organic"]))
    has(" ".join(answer["definition"].split()), "SELECT", "FROM pga.tea WHERE")
    has(ddl("view", *schema(found["organic"])), "CREATE OR REPLACE VIEW pga.organic")
    equal(list(nodes("column", *schema(found["organic"]))), ["id", "name"])
    listed("view", *schema())
    tabs("view", *schema(found["organic"]), without=("stats",))
    has(str(pgadmin.get(path("view", "select_sql", *schema(found["organic"])))), "SELECT id, name")


def check_view_depends_on_its_table():
    found = pgadmin.get(path("table", "dependent", *table()))
    assert "organic" in " ".join(row["name"] for row in found), found


def check_sequence():
    found = nodes("sequence", *schema())
    equal(set(found), {"numbers"})
    answer = properties("sequence", *schema(found["numbers"]))
    equal((answer["name"], int(answer["increment"]), int(answer["start"])), ("numbers", 5, 10))
    has(ddl("sequence", *schema(found["numbers"])),
        "CREATE SEQUENCE IF NOT EXISTS pga.numbers INCREMENT 5 START 10")
    listed("sequence", *schema())
    tabs("sequence", *schema(found["numbers"]))


def check_enum_type():
    found = nodes("type", *schema())
    equal(set(found), {"leaf"})
    answer = properties("type", *schema(found["leaf"]))
    equal([label["label"] for label in answer["enum"]], ["whole", "broken", "dust"])
    has(ddl("type", *schema(found["leaf"])), "CREATE TYPE pga.leaf AS ENUM "
        "('whole', 'broken', 'dust')")
    listed("type", *schema())
    tabs("type", *schema(found["leaf"]), without=("stats",))


def browse(kind, parents, wanted=()):
    """A check that a kind of node can be listed, and what the tabs of the first one say."""
    def check():
        found = nodes(kind, *parents())
        assert set(wanted) <= set(found), found
        rows = listed(kind, *parents())
        assert isinstance(rows, list), rows
        for number in list(found.values())[:1]:
            tabs(kind, *parents(), number, without=("stats",))
    check.__name__ = f"check_browse_{kind}"
    return check


def browses():
    """A check for each kind of node of which the fixture has none of its own."""
    for kind in ("cast", "event_trigger", "foreign_data_wrapper", "publication", "subscription"):
        yield browse(kind, database)
    yield browse("extension", database, ["plpgsql"])
    yield browse("language", database, ["plpgsql"])
    for kind in ("aggregate", "collation", "domain", "foreign_table", "fts_configuration",
                 "fts_dictionary", "fts_parser", "fts_template", "function", "trigger_function",
                 "procedure", "operator", "mview"):
        yield browse(kind, schema)
    for kind in ("trigger", "rule", "row_security_policy", "exclusion_constraint", "partition"):
        yield browse(kind, table)


def check_functions_of_the_catalog():
    number = next(number for label, number in nodes("catalog", *database()).items()
                  if "PostgreSQL" in label)
    found = nodes("function", *database(number))
    assert any(label.startswith("lower(") for label in found), list(found)[:20]
    tabs("function", *database(number, next(found[label] for label in found
                                            if label.startswith("lower("))), without=("stats",))


# ---- the dialogs -----------------------------------------------------------------------------

def added(kind, parents, body):
    """What the Save button of a Create dialog does: the SQL it shows, the node it makes."""
    node = pgadmin.post(path(kind, "obj", *parents) + "/", json=body)["node"]
    return node["_id"]


def changed(kind, numbers, body):
    """The SQL tab of a dialog of properties, then its Save button."""
    shown = pgadmin.get(path(kind, "msql", *numbers), params={
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in body.items()})["data"]
    pgadmin.put(path(kind, "obj", *numbers), json=body)
    return " ".join(str(shown).split())


def dropped(kind, *numbers, cascade=False):
    pgadmin.delete(path(kind, "delete" if cascade else "obj", *numbers))


def column(name, kind, **more):
    return {"name": name, "cltype": kind, "attacl": [], "is_primary_key": False,
            "attnotnull": False, "attlen": None, "attprecision": None, "attoptions": [],
            "seclabels": [], "colconstype": "n"} | more


def check_dialog_of_a_schema():
    number = added("schema", database(), {"name": "pga_made", "namespaceowner": USER,
                                          "nspacl": [], "seclabels": []})
    has(changed("schema", database(number), {"description": "of a dialog", "id": number}),
        "COMMENT ON SCHEMA pga_made")
    equal(properties("schema", *database(number))["description"], "of a dialog")
    dropped("schema", *database(number))
    assert "pga_made" not in nodes("schema", *database())


TABLE = {
    "schema": "pga", "relowner": USER, "relpersistence": False, "primary_key": [],
    "unique_constraint": [], "foreign_key": [], "exclude_constraint": [], "check_constraint": [],
    "coll_inherits": [], "fillfactor": None, "like_constraints": False, "hastoasttable": True,
    "toast_autovacuum": False, "autovacuum_enabled": "x", "spcname": "pg_default", "relacl": [],
    "seclabels": [], "vacuum_table": [], "vacuum_toast": [], "partitions": [],
    "is_partitioned": False, "rlspolicy": False, "forcerlspolicy": False}


def check_dialog_of_a_table():
    ids["made"] = added("table", schema(), TABLE | {
        "name": "made", "columns": [
            column("id", "integer", attnotnull=True, is_primary_key=True),
            column("name", "character varying", attlen="30", attnotnull=True),
            column("price", "numeric", attlen="8", attprecision="2", defval="1.5"),
            column("made_at", "timestamp with time zone", defval="now()")],
        "primary_key": [{"columns": [{"column": "id"}], "include": []}],
        "check_constraint": [{"name": "cheap", "consrc": "price < 100", "convalidated": False}]})
    assert "made" in nodes("table", *schema())
    sql("INSERT INTO pga.made (id, name) VALUES (1, 'x')")
    equal([(row[0], row[1], str(row[2])) for row in sql("SELECT id, name, price FROM pga.made")],
          [(1, "x", "1.50")])


def check_constraint_that_is_not_valid():
    number = added("table", schema(), TABLE | {
        "name": "made_then", "columns": [column("at", "timestamp with time zone"),
                                         column("n", "integer")],
        "check_constraint": [{"name": "few", "consrc": "n < 100", "convalidated": True}]})
    equal(list(nodes("check_constraint", *schema(number))), ["few"])
    dropped("table", *schema(number))


def check_dialog_of_a_column():
    number = added("column", table(name="made"), column("extra", "integer", defval="7"))
    shown = changed("column", table(number, name="made"), {"attnum": number, "name": "renamed"})
    has(shown, "RENAME extra TO renamed")
    equal(sql("SELECT renamed FROM pga.made"), [(7,)])
    shown = changed("column", table(number, name="made"),
                    {"attnum": number, "cltype": "bigint", "attnotnull": True})
    has(shown, "ALTER COLUMN renamed TYPE bigint", "SET NOT NULL")
    dropped("column", *table(number, name="made"))
    equal(len(nodes("column", *table(name="made"))), 4)


def check_dialog_of_an_index():
    number = added("index", table(name="made"), {
        "name": "made_name", "amname": "btree", "spcname": "pg_default", "indisunique": False,
        "indisclustered": False, "indisvalid": True, "isconcurrent": False, "include": [],
        "storage_parameters": {}, "nspname": "pga",
        "columns": [{"colname": "name", "sort_order": False, "nulls": False, "is_exp": False,
                     "collspcname": "", "op_class": ""}]})
    has(changed("index", table(number, name="made"), {"oid": number, "name": "made_by_name"}),
        "RENAME TO made_by_name")
    equal(list(nodes("index", *table(name="made"))), ["made_by_name"])
    dropped("index", *table(number, name="made"))
    equal(list(nodes("index", *table(name="made"))), [])


def check_dialog_of_constraints():
    unique = added("unique_constraint", table(name="made"),
                   {"name": "made_once", "columns": [{"column": "name"}], "include": []})
    check = added("check_constraint", table(name="made"),
                  {"name": "made_named", "consrc": "name <> ''", "convalidated": True})
    foreign = added("foreign_key", table(name="made"), {
        "name": "made_of", "confupdtype": "a", "confdeltype": "a", "autoindex": False,
        "columns": [{"local_column": "id", "references": ids["garden"], "referenced": "id"}]})
    for kind, number in (("unique_constraint", unique), ("check_constraint", check),
                         ("foreign_key", foreign)):
        dropped(kind, *table(number, name="made"))


def check_rename_and_drop_table():
    has(changed("table", table(name="made"), {"oid": ids["made"], "name": "remade"}),
        "RENAME TO remade")
    equal(sql("SELECT id FROM pga.remade"), [(1,)])
    pgadmin.put(path("table", "truncate", *table(name="made")), json={"cascade": False})
    equal(sql("SELECT count(*) FROM pga.remade"), [(0,)])
    dropped("table", *table(name="made"))
    assert "remade" not in nodes("table", *schema())


def check_comment_of_a_table():
    changed("table", table(name="plain"), {"oid": ids["plain"], "description": "plain rows"})
    equal(properties("table", *table(name="plain"))["description"], "plain rows")


def check_privileges_of_a_table():
    has(changed("table", table(name="plain"), {"oid": ids["plain"], "relacl": {"added": [
        {"grantee": "PUBLIC", "grantor": USER, "privileges": [
            {"privilege_type": "r", "privilege": True, "with_grant": False}]}]}}),
        "GRANT SELECT ON TABLE pga.plain TO PUBLIC")
    has(ddl("table", *table(name="plain")), "GRANT SELECT ON TABLE pga.plain TO PUBLIC")


def check_dialog_of_a_view():
    number = added("view", schema(), {
        "name": "made_view", "owner": USER, "schema": "pga", "datacl": [], "seclabels": [],
        "definition": "SELECT id, name FROM pga.garden"})
    equal(sql("SELECT name FROM pga.made_view ORDER BY id"), [("Uva",), ("Assam",)])
    changed("view", schema(number), {"oid": number,
                                     "definition": "SELECT id, name FROM pga.garden WHERE id = 1"})
    equal(sql("SELECT name FROM pga.made_view"), [("Uva",)])
    dropped("view", *schema(nodes("view", *schema())["made_view"]))


def check_dialog_of_a_materialized_view():
    number = added("mview", schema(), {
        "name": "made_mview", "owner": USER, "schema": "pga", "datacl": [], "seclabels": [],
        "definition": "SELECT count(*) AS n FROM pga.tea", "with_data": True,
        "spcname": "pg_default", "fillfactor": None, "toast_autovacuum_enabled": "x",
        "autovacuum_enabled": "x", "vacuum_table": [], "vacuum_toast": []})
    equal(sql("SELECT n FROM pga.made_mview"), [(2,)])
    has(ddl("mview", *schema(number)), "CREATE MATERIALIZED VIEW IF NOT EXISTS pga.made_mview")
    dropped("mview", *schema(number))


def check_dialog_of_a_sequence():
    number = added("sequence", schema(), {
        "name": "made_seq", "seqowner": USER, "schema": "pga", "increment": "2", "start": "4",
        "minimum": "1", "maximum": "100", "cache": "1", "cycled": False, "relacl": [],
        "securities": [], "relpersistence": False})
    equal(sql("SELECT nextval('pga.made_seq')"), [(4,)])
    has(changed("sequence", schema(number), {"oid": number, "increment": "3"}), "INCREMENT 3")
    equal(int(properties("sequence", *schema(number))["current_value"]), 4)
    dropped("sequence", *schema(number))


def check_dialog_of_types():
    body = {"schema": "pga", "typeowner": USER, "typacl": [], "seclabels": [],
            "is_sys_type": False, "composite": [], "enum": []}
    enum = added("type", schema(), body | {"name": "made_enum", "typtype": "e",
                                           "enum": [{"label": "a"}, {"label": "b"}]})
    equal(sql("SELECT 'b'::pga.made_enum::text"), [("b",)])
    dropped("type", *schema(enum))
    pair = added("type", schema(), body | {"name": "made_pair", "typtype": "c", "composite": [
        {"member_name": "a", "type": "integer", "is_tlength": False, "is_precision": False},
        {"member_name": "b", "type": "text", "is_tlength": False, "is_precision": False}]})
    has(ddl("type", *schema(pair)), "CREATE TYPE pga.made_pair AS ( a integer, b text )")
    dropped("type", *schema(pair))


def check_dialog_of_a_domain():
    number = added("domain", schema(), {
        "name": "made_domain", "owner": USER, "basensp": "pga", "basetype": "integer",
        "typnotnull": False, "seclabels": [], "is_tlength": False,
        "constraints": [{"conname": "positive", "consrc": "VALUE > 0", "convalidated": True}]})
    has(ddl("domain", *schema(number)), "CREATE DOMAIN pga.made_domain AS integer")
    equal(list(nodes("domain_constraints", *schema(number))), ["positive"])
    dropped("domain", *schema(number))


def check_dialog_of_a_function():
    number = added("function", schema(), {
        "name": "made_twice", "funcowner": USER, "pronamespace": ids["pga"], "lanname": "sql",
        "prorettypename": "integer", "provolatile": "i", "prosrc": "SELECT a * 2", "probin": "-",
        "arguments": [{"argtype": "integer", "argmode": "IN", "argname": "a", "argdefval": ""}],
        "args": [{"argtype": "integer", "argmode": "IN", "argname": "a", "argdefval": ""}],
        "acl": [], "options": [], "seclabels": [], "variables": [], "proleakproof": False,
        "proisstrict": False, "prosecdef": False, "proiswindow": False, "proretset": False,
        "proparallel": "u", "procost": "1", "prorows": "0"})
    equal(sql("SELECT pga.made_twice(4)"), [(8,)])
    has(ddl("function", *schema(number)), "CREATE OR REPLACE FUNCTION pga.made_twice(")
    dropped("function", *schema(number))


def check_dialog_of_a_role():
    number = added("role", (ids["sid"],), {
        "rolname": "pga_role", "rolcanlogin": True, "rolinherit": True, "rolsuper": False,
        "rolcreaterole": False, "rolcreatedb": True, "rolreplication": False,
        "rolbypassrls": False, "rolconnlimit": -1, "rolmembership": [], "rolmembers": [],
        "seclabels": [], "variables": [], "rolpassword": "secret"})
    has(changed("role", (ids["sid"], number), {"oid": number, "rolcreatedb": False}),
        "ALTER ROLE pga_role", "NOCREATEDB")
    equal(properties("role", ids["sid"], number)["rolcreatedb"], False)
    dropped("role", ids["sid"], number)
    assert "pga_role" not in nodes("role", ids["sid"])


def check_dialog_of_a_database():
    number = added("database", (ids["sid"],), {
        "name": "pga_made", "datowner": USER, "encoding": "UTF8", "template": "template0",
        "datconnlimit": -1, "datacl": [], "seclabels": [], "variables": [], "deftblacl": [],
        "deffuncacl": [], "defseqacl": [], "deftypeacl": [], "privileges": [],
        "is_template": False, "schema_res": []})
    assert "pga_made" in nodes("database", ids["sid"])
    answer = pgadmin.post(path("database", "connect", ids["sid"], number))
    equal(answer["data"]["connected"], True)
    assert "public" in nodes("schema", ids["sid"], number)
    pgadmin.delete(path("database", "connect", ids["sid"], number))
    dropped("database", ids["sid"], number)
    assert "pga_made" not in nodes("database", ids["sid"])


def check_choices_of_the_dialogs():
    """The lists that the dialogs' fields offer."""
    failed = []
    for kind, what, parents in (
            ("database", "get_encodings", (ids["sid"],)),
            ("database", "get_ctypes", (ids["sid"],)),
            ("database", "vopts", (ids["sid"],)),
            ("role", "vopts", (ids["sid"],)),
            ("table", "get_types", schema()), ("table", "get_inherits", schema()),
            ("table", "get_oftype", schema()), ("table", "get_relations", schema()),
            ("table", "get_table_access_methods", schema()),
            ("table", "all_tables", schema()),
            ("table", "get_columns", schema()),
            ("index", "get_collations", table()), ("index", "get_access_methods", table()),
            ("index", "get_op_class", table()),
            ("domain", "get_types", schema()), ("domain", "get_collations", schema()),
            ("function", "get_types", schema()), ("function", "get_languages", schema()),
            ("type", "get_types", schema()), ("type", "get_collations", schema()),
            ("type", "get_stypes", schema()),
            ("extension", "avails", database()),
            ("cast", "get_type", database())):
        try:
            found = pgadmin.get(path(kind, what, *parents) + "/",
                                params={"tid": ids["tea"], "tname": "tea"})
            assert what in ("get_oftype",) or found["data"] != [], f"{kind} {what}: nothing"
        except AssertionError as error:
            failed.append(str(error))
    assert not failed, "; ".join(failed)


# ---- the query tool --------------------------------------------------------------------------

numbers = itertools.count(1000001)


class Tool:
    """A query tool or a data grid: a connection of its own, polled for its results."""

    def __init__(self, view=None, kind=3, **more):
        self.number = next(numbers)
        if view is None:
            pgadmin.post(f"/sqleditor/initialize/sqleditor/{self.number}/1/{ids['sid']}/"
                         f"{ids['did']}", json={"dbname": NAME} | more)
        else:
            pgadmin.post(f"/sqleditor/initialize/viewdata/{self.number}/{kind}/table/1/"
                         f"{ids['sid']}/{ids['did']}/{view}", json={"dbname": NAME} | more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pgadmin.delete(f"/sqleditor/close/{self.number}")

    def answer(self):
        """The status and the body of the first poll that does not say to wait."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            answer = pgadmin.http.get(f"{pgadmin.address}/sqleditor/poll/{self.number}",
                                      timeout=60)
            found = answer.json()
            if (found.get("data") or {}).get("status") not in ("Busy", "NotInitialised"):
                return answer.status_code, found
            time.sleep(0.05)
        raise AssertionError("no result within 60 s")

    def poll(self):
        status, found = self.answer()
        assert status == 200, found.get("errormsg")
        return found["data"]

    def start(self, text, plan=None):
        return pgadmin.post(f"/sqleditor/query_tool/start/{self.number}",
                            json={"sql": text, "explain_plan": plan})

    def run(self, text, plan=None):
        self.start(text, plan)
        return self.poll()

    def rows(self, text):
        return self.run(text)["result"]

    def error(self, text):
        self.start(text)
        status, found = self.answer()
        equal(status, 500)
        return found["errormsg"]

    def set(self, what, value):
        pgadmin.post(f"/sqleditor/{what}/{self.number}", json=value)

    def data(self):
        """Starts the query of a data grid, and gives what it polls."""
        pgadmin.get(f"/sqleditor/view_data/start/{self.number}")
        return self.poll()

    def save(self, **changes):
        grid = {"updated": {}, "added": {}, "added_index": {}, "deleted": {}} | changes
        return pgadmin.post(f"/sqleditor/save/{self.number}", json=grid)["data"]


def check_query():
    with Tool() as tool:
        found = tool.run("SELECT id, name, price FROM pga.tea ORDER BY id")
        equal([row[:2] for row in found["result"]], [[1, "first"], [2, "second"]])
        equal([str(row[2]) for row in found["result"]], ["1.50", "2.25"])
        equal([(one["name"], one["display_name"]) for one in found["colinfo"]],
              [("id", "id"), ("name", "name"), ("price", "price")])
        equal({one["oid"]: one["typname"] for one in found["types"]},
              {23: "integer", 25: "text", 1700: "numeric"})
        equal((found["rows_affected"], found["transaction_status"]), (2, 0))


def check_updatable_query():
    """The query tool finds the table's key by the columns' table, and lets its rows be edited."""
    with Tool() as tool:
        found = tool.run("SELECT id, name FROM pga.garden ORDER BY id")
        equal(found["primary_keys"], {"id": "int4"})
        saved = tool.save(updated={"1": {"err": False, "data": {"name": "Uva!"},
                                         "primary_keys": {"id": 1}}})
        equal(saved["status"], True)
    equal(sql("SELECT name FROM pga.garden WHERE id = 1"), [("Uva!",)])
    sql("UPDATE pga.garden SET name = 'Uva' WHERE id = 1")


def check_types_of_results():
    with Tool() as tool:
        found = tool.run("""
            SELECT 1::smallint AS a, 2::bigint AS b, 1.5::numeric(10,2) AS c, 0.5::float8 AS d,
                   'x'::varchar(3) AS e, true AS f, '2024-02-29'::date AS g,
                   '2024-02-29 12:00:00'::timestamp AS h, '12:00'::time AS i,
                   '1 day'::interval AS j, ARRAY[1, 2] AS k, '{"a": 1}'::jsonb AS l,
                   'c0ffee00-0000-4000-8000-000000000000'::uuid AS m, NULL AS n, 'tea' AS o""")
        equal([str(value) for value in found["result"][0]],
              ["1", "2", "1.50", "0.5", "x", "True", "2024-02-29", "2024-02-29 12:00:00",
               "12:00:00", "1 day", "{1,2}", '{"a": 1}',
               "c0ffee00-0000-4000-8000-000000000000", "None", "tea"])
        equal([one["typname"] for one in found["types"]],
              ["boolean", "bigint", "smallint", "text", "double precision", "integer[]",
               "character varying", "date", "time without time zone",
               "timestamp without time zone", "interval", "numeric", "uuid", "jsonb"])


def check_pages_of_rows():
    with Tool() as tool:
        found = tool.run("SELECT n FROM generate_series(1, 2500) AS t(n)")
        equal((found["rows_affected"], len(found["result"])), (2500, 1000))
        more = pgadmin.get(f"/sqleditor/fetch_window/{tool.number}/1001/2000")["data"]
        equal((more["result"][0][0], len(more["result"])), (1001, 1000))


def check_server_cursor():
    with Tool() as tool:
        tool.set("server_cursor", {"server_cursor": True})
        found = tool.run("SELECT n FROM generate_series(1, 2500) AS t(n)")
        equal((len(found["result"]), found["pagination"]["next_page"]), (1000, 1))


def check_error_and_position():
    with Tool() as tool:
        text = tool.error("SELECT 1,\n  nosuch FROM pga.tea")
        has(text, 'column "nosuch" does not exist', "LINE 2:   nosuch FROM pga.tea", "^",
            "SQL state: 42703", "Character: 13")
        has(tool.error("SELEC 1"), 'syntax error at or near "SELEC"', "SQL state: 42601",
            "Character: 1")
        has(tool.error("INSERT INTO pga.garden (id, name) VALUES (1, 'x')"),
            'duplicate key value violates unique constraint "garden_pkey"',
            "Key (id)=(1) already exists.", "SQL state: 23505")
        equal(tool.rows("SELECT 1"), [[1]])


def check_explain():
    with Tool() as tool:
        found = tool.run("SELECT * FROM pga.tea", plan={
            "format": "json", "analyze": False, "verbose": False, "buffers": False,
            "timing": False, "costs": False, "summary": False, "settings": False, "wal": False})
        (plan,) = json.loads(found["result"][0][0])
        equal((plan["Plan"]["Node Type"], plan["Plan"]["Relation Name"]), ("Seq Scan", "tea"))


def check_explain_analyze():
    with Tool() as tool:
        found = tool.run("SELECT * FROM pga.tea", plan={
            "format": "json", "analyze": True, "verbose": True, "buffers": True, "timing": True,
            "costs": True, "summary": True, "settings": True, "wal": True})
        (plan,) = json.loads(found["result"][0][0])
        equal(plan["Plan"]["Actual Rows"], 2)
        assert plan["Execution Time"] > 0 and plan["Plan"]["Total Cost"] > 0, plan


def check_several_statements():
    with Tool() as tool:
        found = tool.run("UPDATE pga.tea SET price = price + 1; SELECT sum(price) FROM pga.tea;"
                         "UPDATE pga.tea SET price = price - 1")
        equal((found["status"], found["result"]), ("Success", "UPDATE 2"))
        equal(str(tool.rows("SELECT sum(price) FROM pga.tea")[0][0]), "3.75")


def check_messages():
    with Tool() as tool:
        found = tool.run("CREATE TABLE IF NOT EXISTS pga.tea (a int)")
        has(found["result"], 'NOTICE:  relation "tea" already exists, skipping', "CREATE TABLE")
        has(tool.run("DO $$ BEGIN RAISE NOTICE 'hello'; END $$")["result"], "NOTICE:  hello")


def check_transaction():
    """With Auto commit off: the first query opens a transaction."""
    with Tool() as tool:
        tool.set("auto_commit", False)
        found = tool.run("UPDATE pga.tea SET name = 'changed' WHERE id = 1")
        equal(found["transaction_status"], 2)
        status = pgadmin.get(f"/sqleditor/status/{tool.number}")
        equal(status["data"]["status"], 2)
        equal(sql("SELECT name FROM pga.tea WHERE id = 1"), [("first",)])
        equal(tool.run("ROLLBACK;")["transaction_status"], 0)
        tool.run("UPDATE pga.tea SET name = 'kept' WHERE id = 1")
        equal(tool.run("COMMIT;")["transaction_status"], 0)
    equal(sql("SELECT name FROM pga.tea WHERE id = 1"), [("kept",)])
    sql("UPDATE pga.tea SET name = 'first' WHERE id = 1")


def check_failed_transaction():
    with Tool() as tool:
        tool.set("auto_rollback", False)
        tool.run("BEGIN")
        tool.error("SELECT nosuch")
        has(tool.error("SELECT 1"), "current transaction is aborted")
        equal(tool.run("ROLLBACK")["transaction_status"], 0)


def check_cancel():
    with Tool() as tool:
        tool.start("SELECT pg_sleep(30)")
        time.sleep(1)
        began = time.monotonic()
        pgadmin.post(f"/sqleditor/cancel/{tool.number}")
        status, found = tool.answer()
        assert time.monotonic() - began < 20, found
        assert "cancel" in json.dumps(found).lower(), (status, found)


def check_download_csv():
    with Tool() as tool:
        tool.run("SELECT id, name FROM pga.tea ORDER BY id")
        found = pgadmin.post(f"/sqleditor/query_tool/download/{tool.number}", data={
            "query": "SELECT id, name FROM pga.tea ORDER BY id", "filename": "teas.csv"})
        equal(found.split(), ['"id","name"', '1,"first"', '2,"second"'])


def check_autocomplete():
    with Tool() as tool:
        found = pgadmin.post(f"/sqleditor/autocomplete/{tool.number}",
                             json=["SELECT * FROM pga.te", "SELECT * FROM pga.te"])
        assert "tea" in str(found["data"]["result"]), found


def check_macros_and_history():
    with Tool() as tool:
        pgadmin.get(f"/sqleditor/get_macros/{tool.number}")
        pgadmin.get(f"/sqleditor/query_history/{tool.number}")


def check_new_connection():
    found = pgadmin.get(f"/sqleditor/new_connection_database/1/{ids['sid']}")["data"]["result"]
    assert NAME in str(found), found
    pgadmin.get(f"/sqleditor/new_connection_user/1/{ids['sid']}")
    pgadmin.get(f"/sqleditor/new_connection_role/1/{ids['sid']}")


# ---- the grid of a table's data --------------------------------------------------------------

def check_view_all_rows():
    with Tool(view=ids["tea"]) as grid:
        found = grid.data()
        equal([row[0] for row in found["result"]], [1, 2])
        equal(found["primary_keys"], {"id": "int4"})
        equal([one["name"] for one in found["colinfo"]],
              ["id", "garden_id", "name", "price", "picked", "organic"])
        columns = {one["name"]: one for one in found["colinfo"]}
        equal((columns["name"]["not_null"], columns["organic"]["has_default_val"]),
              (True, True))


def check_view_first_and_last():
    for kind, order in ((1, [1, 2]), (2, [2, 1])):
        with Tool(view=ids["tea"], kind=kind) as grid:
            equal([row[0] for row in grid.data()["result"]], order)


def check_view_without_key():
    with Tool(view=ids["plain"]) as grid:
        found = grid.data()
        equal(found["result"][0][:2], [1, "x"])
        assert not found["primary_keys"], found["primary_keys"]


def check_edit_row():
    with Tool(view=ids["tea"]) as grid:
        grid.data()
        saved = grid.save(updated={"1": {
            "err": False, "data": {"name": "edited", "price": "9.75",
                                   "picked": "2025-01-02 03:04:05", "organic": False},
            "primary_keys": {"id": 1}}})
        equal(saved["status"], True)
    equal([(row[0], str(row[1]), row[2], row[3]) for row in
           sql("SELECT name, price, picked, organic FROM pga.tea WHERE id = 1")],
          [("edited", "9.75", dt.datetime(2025, 1, 2, 3, 4, 5), False)])


def check_add_row():
    with Tool(view=ids["tea"]) as grid:
        grid.data()
        saved = grid.save(
            added={"3": {"err": False, "data": {"id": "3", "name": "added", "garden_id": "2"}}},
            added_index={"0": "3"})
        equal(saved["status"], True)
        row = saved["query_results"][1]["row_added"]["3"]
        equal((row["id"], row["name"], row["organic"]), (3, "added", True))
    equal(sql("SELECT garden_id, name, organic FROM pga.tea WHERE id = 3"),
          [(2, "added", True)])


def check_wrong_edit():
    with Tool(view=ids["tea"]) as grid:
        grid.data()
        saved = grid.save(updated={"1": {"err": False, "data": {"garden_id": "77"},
                                         "primary_keys": {"id": 1}}})
        equal(saved["status"], False)
        has(saved["result"], 'violates foreign key constraint "tea_garden_id_fkey"')
    equal(sql("SELECT garden_id FROM pga.tea WHERE id = 1"), [(1,)])


def check_delete_row():
    with Tool(view=ids["tea"]) as grid:
        grid.data()
        saved = grid.save(deleted={"3": {"id": 3}, "1": {"id": 1}})
        equal(saved["status"], True)
    equal(sql("SELECT id FROM pga.tea"), [(2,)])


def check_filter_rows():
    with Tool(view=ids["garden"]) as grid:
        grid.data()
        grid.set("filter/inclusive", {"name": "Uva"})
        equal([row[0] for row in grid.data()["result"]], [1])
        grid.set("filter/remove", {})
        grid.set("filter/exclusive", {"name": "Uva"})
        equal([row[0] for row in grid.data()["result"]], [2])


def check_sorted_and_filtered():
    with Tool(view=ids["garden"]) as grid:
        grid.data()
        pgadmin.put(f"/sqleditor/filter_dialog/{grid.number}", json={
            "sql": "id > 0 AND name LIKE '%a%'",
            "data_sorting": [{"name": "name", "order": "asc"}]})
        equal([row[1] for row in grid.data()["result"]], ["Assam", "Uva"])
        found = pgadmin.get(f"/sqleditor/filter_dialog/{grid.number}")["data"]["result"]
        equal(found["column_list"][:2], ["id", "name"])
    pgadmin.post(f"/sqleditor/filter/validate/{ids['sid']}/{ids['did']}/{ids['garden']}",
                 json={"filter_sql": "id = 1"})


def check_limit_of_rows():
    with Tool(view=ids["garden"]) as grid:
        grid.data()
        grid.set("limit", 1)
        equal(len(grid.data()["result"]), 1)


# ---- the dashboard and the tools -------------------------------------------------------------

def check_charts_of_the_server():
    names = ["session_stats", "tps_stats", "ti_stats", "to_stats", "bio_stats"]
    for where in (f"{ids['sid']}", f"{ids['sid']}/{ids['did']}"):
        found = pgadmin.get(f"/dashboard/dashboard_stats/{where}",
                            params={"chart_names": ",".join(names)})
        equal(set(found), set(names))
        equal(set(found["session_stats"]), {"Total", "Active", "Idle"})
        assert found["session_stats"]["Total"] > 0, found
        equal(set(found["tps_stats"]), {"Transactions", "Commits", "Rollbacks"})


def check_activity():
    for where in (f"{ids['sid']}", f"{ids['sid']}/{ids['did']}"):
        found = pgadmin.get(f"/dashboard/activity/{where}")
        assert any("pgAdmin" in (row["application_name"] or "")
                   for row in found[0]["activity"]), found


def check_locks():
    with connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE pga.plain IN EXCLUSIVE MODE")
        found = pgadmin.get(f"/dashboard/activity/{ids['sid']}/{ids['did']}")[0]["locks"]
        assert any(row["relation"] == "pga.plain" and row["mode"] == "ExclusiveLock"
                   for row in found), found


def check_prepared_transactions():
    equal(pgadmin.get(f"/dashboard/prepared/{ids['sid']}/{ids['did']}"), [])


def check_configuration():
    found = {row["name"]: row["setting"]
             for row in pgadmin.get(f"/dashboard/config/{ids['sid']}")}
    assert {"search_path", "work_mem", "max_connections", "TimeZone"} <= set(found), found


def check_replication():
    equal(pgadmin.get(f"/dashboard/replication_stats/{ids['sid']}"), [])
    equal(pgadmin.get(f"/dashboard/replication_slots/{ids['sid']}"), [])


def check_end_a_session():
    with Tool() as tool:
        number = tool.rows("SELECT pg_backend_pid()")[0][0]
        pgadmin.delete(f"/dashboard/cancel_query/{ids['sid']}/{ids['did']}/{number}")
        pgadmin.delete(f"/dashboard/terminate_session/{ids['sid']}/{ids['did']}/{number}")


def check_search_objects():
    found = pgadmin.get(f"/search_objects/search/{ids['sid']}/{ids['did']}",
                        params={"text": "tea", "type": "all"})["data"]
    named = {(row["name"], row["type"]) for row in found}
    assert {("tea", "table"), ("tea_pkey", "primary_key"), ("tea_name", "index")} <= named, named
    pgadmin.get(f"/search_objects/types/{ids['sid']}/{ids['did']}")


def check_entity_diagram():
    where = f"{next(numbers)}/1/{ids['sid']}/{ids['did']}"
    pgadmin.post(f"/erd/initialize/{where}", json={"db_name": NAME})
    found = pgadmin.get(f"/erd/prequisite/{where}")["data"]
    assert {"integer", "text"} <= {one["label"] for one in found["col_types"]}, found
    assert "pga" in str(found["schemas"]), found["schemas"]
    drawn = properties("table", *table())
    text = pgadmin.post(f"/erd/sql/{where}", json={"nodes": {"one": {
        name: drawn[name] for name in ("name", "schema", "columns", "primary_key",
                                       "unique_constraint", "foreign_key")} | {
        "name": "drawn", "foreign_key": []}}})["data"]
    has(text, "CREATE TABLE IF NOT EXISTS pga.drawn")
    pgadmin.delete(f"/erd/close/{where}")


def check_grant_wizard():
    found = pgadmin.get(f"/grant_wizard/acl/{ids['sid']}/{ids['did']}/")
    assert found, found
    where = f"{ids['sid']}/{ids['did']}/{ids['pga']}/schema"
    found = pgadmin.get(f"/grant_wizard/{where}/")["result"]
    assert {"tea", "garden", "organic", "numbers"} <= {row["name"] for row in found}, found


def check_schema_diff():
    sql("DROP SCHEMA IF EXISTS pga_made CASCADE")
    sql("CREATE SCHEMA pga_made")
    sql("CREATE TABLE pga_made.plain (a integer)")
    number = nodes("schema", *database())["pga_made"]
    pgadmin.get(f"/schema_diff/initialize/{next(numbers)}")
    pgadmin.get(f"/schema_diff/schemas/{ids['sid']}/{ids['did']}")
    dropped("schema", *database(number), cascade=True)


# What these need is not there yet: plpgsql as a language and an extension, a sequence read as a
# table, PostgreSQL's nodes in EXPLAIN (FORMAT JSON), pg_cancel_backend, more of pg_settings, DO,
# There are no languages, extensions, composite types or databases to make, no DO and no ALTER
# DOMAIN; a table or an index that is renamed has another OID; numeric has 38 digits, which the bounds
# of some settings pass; pg_locks has advisory locks only.
LATER = [
    "check_browse_extension",
    "check_browse_language",
    "check_choices_of_the_dialogs",
    "check_dialog_of_a_database",
    "check_dialog_of_a_domain",
    "check_dialog_of_an_index",
    "check_dialog_of_types",
    "check_locks",
    "check_messages",
    "check_rename_and_drop_table",
]

if __name__ == "__main__":
    checks = []
    for name, value in list(globals().items()):
        if name == "check_functions_of_the_catalog":
            checks += browses()
        if name.startswith("check_"):
            checks.append(value)
    run(checks, clean_up, later=LATER)
