"""A pytest plugin: compares what fails with a suite's later.txt, what the server does not have yet.

Says `not yet`, `FAILED` or `no longer to be named` per test, and how many; the run fails only for a
test that is not named there. A line of later.txt: a test's id, a tab, the reason.
"""

import os
import re
from pathlib import Path

LATER = Path(os.environ["LATER"])
RANK = {"passed": 0, "skipped": 1, "failed": 2}
found = {}  # by a test's id: how it went, and the error's first line


def short(nodeid):
    """Without the file where there is but one, and the server's version that SQLAlchemy adds."""
    return re.sub(r"_postgresql\+psycopg_[0-9_]+", "", nodeid.removeprefix("test_suite.py::"))


def named():
    return {line.split("\t")[0] for line in LATER.read_text().splitlines() if line}


def first_line(report):
    """The error's; and the database's, where the client (dbt) only prints it."""
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = (crash.message if crash else str(report.longrepr)).strip().splitlines() or [""]
    printed = re.findall(r"Database Error.*\n\s*(.+)", report.capstdout)
    return "; ".join([lines[0], *dict.fromkeys(printed)])[:300]


def pytest_runtest_logreport(report):
    if report.when != "call" and report.passed:
        return
    name = short(report.nodeid)
    if name not in found or RANK[report.outcome] > RANK[found[name][0]]:
        found[name] = (report.outcome, first_line(report) if report.failed else "")


def pytest_sessionfinish(session, exitstatus):
    failed = {name for name, (outcome, _) in found.items() if outcome == "failed"}
    if exitstatus == 1 and failed <= named():  # another status: the run broke off
        session.exitstatus = 0


def pytest_terminal_summary(terminalreporter):
    say, later = terminalreporter.write_line, named()
    count = {"passed": 0, "not yet": 0, "failed": 0, "skipped": 0}
    for name, (outcome, error) in found.items():
        is_later = name in later
        outcome = "not yet" if outcome == "failed" and is_later else outcome
        count[outcome] += 1
        if outcome == "failed":
            say(f"FAILED {name}: {error}")
        elif outcome == "not yet":
            say(f"not yet {name}: {error}")
        elif outcome == "passed" and is_later:
            say(f"ok {name} (no longer to be named in `later.txt`)")
    say(", ".join(f"{number} {how}" for how, number in count.items()))
