"""Sends one case to one server and keeps all that came back, uninterpreted; compares two such."""

import select
import time
from dataclasses import dataclass, field

import psycopg
from psycopg import pq

OWN_SECONDS = 10  # statement_timeout
PATIENCE = 20  # what the client waits before it gives a connection up
FIRST_USER_OID = 16384
SETTINGS = [
    "SET client_encoding = 'UTF8'",
    "SET TimeZone = 'UTC'",
    "SET intervalstyle = 'postgres'",
    f"SET statement_timeout = '{OWN_SECONDS}s'",
]


class Lost(Exception):
    """The connection broke or the server hangs."""


@dataclass
class Result:
    """One statement's answer."""

    state: str = ""
    message: str = ""
    params: list = field(default_factory=list)
    columns: list | None = None
    rows: list = field(default_factory=list)
    tag: str = ""

    def shape(self):
        """What counts of columns and parameters: user-defined types are all equal."""
        columns = self.columns and [(n, min(o, FIRST_USER_OID), f) for n, o, f in self.columns]
        return columns, [min(oid, FIRST_USER_OID) for oid in self.params]


def _result(raw: pq.PGresult) -> Result:
    if raw.status == pq.ExecStatus.FATAL_ERROR:
        state = raw.error_field(pq.DiagnosticField.SQLSTATE)
        message = raw.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or raw.error_message
        return Result(
            state=state.decode() if state else "lost",
            message=message.decode("utf-8", "replace").strip(),
        )
    result = Result(tag=(raw.command_status or b"").decode())
    if raw.status == pq.ExecStatus.EMPTY_QUERY:
        result.tag = "(empty query)"
    if raw.status == pq.ExecStatus.TUPLES_OK or raw.nfields:
        columns = range(raw.nfields)
        result.columns = [
            ((raw.fname(i) or b"").decode("utf-8", "replace"), raw.ftype(i), raw.fformat(i))
            for i in columns
        ]
        result.rows = [
            tuple(raw.get_value(row, i) for i in columns) for row in range(raw.ntuples)
        ]
    result.params = [raw.param_type(i) for i in range(raw.nparams)]
    return result


class Connection:
    """A connection of one server on which a file's cases run."""

    def __init__(self, server, schema):
        self.server = server
        self.schema = schema
        self.conn = None

    def open(self, fresh):
        """Connects; `fresh` makes the schema anew."""
        if self.server.ended():
            self.server.start()
        info = (
            f"host={self.server.host} port={self.server.port} user=postgres dbname=postgres "
            "connect_timeout=10 client_encoding=UTF8 application_name=compat"
        )
        self.conn = pq.PGconn.connect(info.encode())
        if self.conn.status != pq.ConnStatus.OK:
            raise Lost(self.conn.error_message.decode("utf-8", "replace"))
        first = list(SETTINGS)
        if fresh:
            first += [
                f"DROP SCHEMA IF EXISTS {self.schema} CASCADE",
                f"CREATE SCHEMA {self.schema}",
            ]
        first.append(f"SET search_path = {self.schema}, public")
        for sql in first:
            for result in self.simple(sql):
                if result.state:
                    print(f"{self.server.name}: {sql}: {result.state} {result.message}")

    def close(self):
        if self.conn is not None:
            self.conn.finish()
            self.conn = None

    def _wait(self):
        """All results of what was sent, with a bound on the time."""
        results, until = [], time.monotonic() + PATIENCE
        try:
            self.conn.flush()
            while True:
                while self.conn.is_busy():
                    left = until - time.monotonic()
                    if left <= 0 or not select.select([self.conn.socket], [], [], left)[0]:
                        raise Lost(f"no answer within {PATIENCE} s")
                    self.conn.consume_input()
                raw = self.conn.get_result()
                if raw is None:
                    break
                result = _result(raw)
                if raw.status == pq.ExecStatus.COPY_OUT:
                    while (got := self.conn.get_copy_data(0))[0] > 0:
                        result.rows.append((bytes(got[1]),))
                elif raw.status == pq.ExecStatus.COPY_IN:
                    self.conn.put_copy_end()
                results.append(result)
        except psycopg.Error as error:
            raise Lost(str(error)) from error
        if self.conn.status != pq.ConnStatus.OK:
            raise Lost(results[-1].message if results else "connection closed")
        return results

    def _send(self, function, *arguments):
        try:
            function(*arguments)
        except psycopg.Error as error:
            raise Lost(str(error)) from error
        return self._wait()

    def simple(self, sql):
        """The results of a simple Query."""
        return self._send(self.conn.send_query, sql.encode())

    def extended(self, case):
        """The results of Parse without types, Describe, Bind, Execute."""
        prepared = self._send(self.conn.send_prepare, b"", case.sql.encode())
        if prepared[-1].state:
            return prepared
        described = self._send(self.conn.send_describe_prepared, b"")
        if described[-1].state:
            return described
        values = [None if value is None else value.encode() for value in case.params or []]
        results = self._send(
            self.conn.send_query_prepared, b"", values, None, int(case.binary)
        )
        results[-1].params = described[-1].params
        return results

    def run(self, case):
        """A case's results; a broken connection is an answer too."""
        try:
            if self.conn is None:
                self.open(fresh=False)
            return self.extended(case) if case.extended else self.simple(case.sql)
        except Lost as error:
            self.close()
            return [Result(state="lost", message=str(error))]


def same(case, one, other):
    """Whether two servers' results of a case agree."""
    if len(one) != len(other):
        return False
    for left, right in zip(one, other):
        if left.state or right.state:
            if left.state != right.state or left.state == "lost":
                return False
            continue
        rows = (left.rows, right.rows)
        if case.unordered:
            rows = tuple(sorted(part, key=repr) for part in rows)
        if rows[0] != rows[1] or left.tag != right.tag or left.shape() != right.shape():
            return False
    return True


def _rows_text(rows, binary):
    def value(data):
        if data is None:
            return "NULL"
        return "\\x" + data.hex() if binary else data.decode("utf-8", "replace")

    return [" | ".join(value(data) for data in row) for row in rows]


def difference(case, ours, theirs):
    """What one server gave, in one or a few short lines, told with what the other gave."""
    if len(ours) != len(theirs) and not any(r.state for r in ours):
        return f"{len(ours)} results: {', '.join(r.tag for r in ours)}"
    pairs = list(zip(ours, theirs))
    differing = [p for p in pairs if not same(case, [p[0]], [p[1]])]
    mine, other = differing[0] if differing else (ours[-1], theirs[-1])
    if mine.state:
        return f"ERROR {mine.state} {mine.message}"
    parts = []
    if other.state or mine.shape() != other.shape():
        if mine.params:
            parts.append(f"params {mine.params}")
        if mine.columns is not None:
            names = ", ".join(f"{name}:{oid}" for name, oid, _ in mine.columns)
            parts.append(f"columns ({names})")
    binary = case.binary
    rows = _rows_text(mine.rows, binary)
    wrong = [
        row for i, row in enumerate(rows)
        if other.state or i >= len(other.rows) or mine.rows[i] != other.rows[i]
    ]
    if wrong or len(mine.rows) != len(other.rows):
        shown = [row if len(row) < 300 else row[:300] + "..." for row in wrong[:3]]
        parts.append(f"{len(rows)} rows" + ("".join(f"\n      {row}" for row in shown)))
    if mine.tag != other.tag and not other.state:
        parts.append(f"tag {mine.tag}")
    return "; ".join(parts) or f"tag {mine.tag}"
