"""Reads the case files of the differential suite.

A file is plain SQL. Its first line is `-- group: <heading>`. A statement ends with a line that
ends in `;`. Between statements a line that starts with `--` is a comment or a directive:

    -- setup ... -- end     what stands between is run on both servers and not counted
    -- bind: ["1", null]    the next statement goes by the extended protocol with these parameters
    -- binary               the next statement's results are asked for in binary
    -- unordered            the next statement's rows may come in any order
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

GROUPS = [
    "Catalog",
    "Protocol",
    "Types and values",
    "Meaning: expressions",
    "Meaning: functions",
    "Meaning: queries",
    "Errors",
    "DDL and writes",
]


class BrokenFile(Exception):
    """A case file that cannot be read."""


@dataclass
class Case:
    """One statement and how it is to be sent."""

    stem: str
    line: int
    sql: str
    key: str
    setup: bool = False
    params: list | None = None
    binary: bool = False
    unordered: bool = False

    @property
    def extended(self):
        return self.params is not None or self.binary


@dataclass
class CaseFile:
    """A file's heading and its statements in order."""

    stem: str
    group: str
    cases: list = field(default_factory=list)


class _Reader:
    """Collects lines into cases."""

    def __init__(self, stem, group):
        self.file = CaseFile(stem, group)
        self.seen = {}
        self.setup = False
        self.lines = []
        self.start = 0
        self.next = {}

    def fail(self, number, what):
        raise BrokenFile(f"{self.file.stem}.sql:{number}: {what}")

    def directive(self, number, text):
        """Obeys a line that starts with `--` between statements."""
        if text == "setup":
            self.setup = True
        elif text == "end":
            self.setup = False
        elif text in ("binary", "unordered"):
            self.next[text] = True
        elif text.startswith("bind:"):
            try:
                params = json.loads(text.removeprefix("bind:"))
            except ValueError as error:
                self.fail(number, f"not JSON: {error}")
            if not all(value is None or isinstance(value, str) for value in params):
                self.fail(number, "bind wants a list of strings and nulls")
            self.next["params"] = params

    def line(self, number, line):
        text = line.strip()
        if not self.lines:
            if not text:
                return
            if text.startswith("--"):
                self.directive(number, text[2:].strip())
                return
            self.start = number
        self.lines.append(line)
        if text.endswith(";"):
            self.finish()

    def finish(self):
        """Makes a case of the collected lines; a statement's second occurrence gets a number."""
        sql = "\n".join(self.lines)
        key = " ".join(sql.split())
        count = self.seen[key] = self.seen.get(key, 0) + 1
        if count > 1:
            key = f"{key} ({count})"
        case = Case(self.file.stem, self.start, sql, key, self.setup, **self.next)
        self.file.cases.append(case)
        self.lines, self.next = [], {}


def read(path: Path) -> CaseFile:
    """Reads one case file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    first = lines[0].strip() if lines else ""
    group = first.removeprefix("-- group:").strip()
    if not first.startswith("-- group:") or group not in GROUPS:
        raise BrokenFile(f"{path.name}:1: wants `-- group: <one of {', '.join(GROUPS)}>`")
    reader = _Reader(path.stem, group)
    for number, line in enumerate(lines[1:], 2):
        reader.line(number, line)
    if reader.lines:
        reader.fail(reader.start, "a statement without its end")
    if reader.setup:
        reader.fail(len(lines), "`-- setup` without `-- end`")
    return reader.file
