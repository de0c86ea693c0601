#!/usr/bin/env python3
"""Runs the same statements on PostgreSQL 15 and on Teatree and counts where they agree.

The statements are in cases/*.sql (case_file.py says how they are written); what is known not to
agree is in known.tsv: `<file stem>\t<reason>\t<statement with white space collapsed>`. The run
fails when a case disagrees that is not known, or a known one agrees or does not exist.
COMPAT_PG and COMPAT_TEATREE, as host:port, name servers to use instead of starting them.
"""

import argparse
import signal
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import case_file
from outcome import Connection, Lost, difference, same
from servers import ROOT, CannotStart, Postgres, Teatree

HERE = Path(__file__).resolve().parent
KNOWN = HERE / "known.tsv"
MARKS = ("<!-- compat -->", "<!-- /compat -->")


@dataclass
class Disagreement:
    """A case on which the servers differ, and what each gave."""

    case: object
    postgres: str
    teatree: str

    @property
    def key(self):
        return self.case.stem, self.case.key

    def show(self):
        kind = " (setup)" if self.case.setup else ""
        return (
            f"{self.case.stem}.sql:{self.case.line}{kind}: {self.case.key}\n"
            f"    PostgreSQL: {self.postgres}\n    Teatree:    {self.teatree}"
        )


class Suite:
    """The run's results."""

    def __init__(self):
        self.cases = Counter()
        self.agree = Counter()
        self.by_file = Counter()
        self.disagreements = []
        self.broken = []
        self.postgres_errors = []
        self.keys = set()

    def judge(self, file, case, postgres, teatree):
        """Counts one case."""
        self.keys.add((case.stem, case.key))
        said = postgres[-1]
        if case.setup and said.state:
            self.broken.append(f"{case.stem}.sql:{case.line}: {said.state} {said.message}")
        elif said.state:
            self.postgres_errors.append(f"{case.stem}.sql:{case.line}: {said.state} "
                                        f"{said.message}: {case.key}")
        if case.setup:
            agreed = not any(result.state for result in teatree)
        else:
            agreed = same(case, postgres, teatree)
            self.cases[file.group] += 1
            self.by_file[file.stem, "cases"] += 1
            self.agree[file.group] += agreed
            self.by_file[file.stem, "agree"] += agreed
        if not agreed:
            self.disagreements.append(Disagreement(
                case, difference(case, postgres, teatree), difference(case, teatree, postgres)
            ))

    def run_file(self, file, postgres, teatree):
        """Runs a file's statements in order, on a connection to each server."""
        schema = f"compat_{file.stem}"
        connections = [Connection(server, schema) for server in (postgres, teatree)]
        try:
            for connection in connections:
                connection.open(fresh=True)
            for case in file.cases:
                answers = [connection.run(case) for connection in connections]
                self.judge(file, case, *answers)
        finally:
            for connection in connections:
                connection.close()

    def table(self):
        """The table of groups, in Markdown."""
        lines = ["| group | cases | agree | share |", "| --- | ---: | ---: | ---: |"]
        for group in case_file.GROUPS:
            if self.cases[group]:
                lines.append(_row(group, self.cases[group], self.agree[group]))
        lines.append(_row("**all**", self.cases.total(), self.agree.total()))
        return "\n".join(lines)


def _row(name, cases, agree):
    return f"| {name} | {cases} | {agree} | {_share(agree, cases)} |"


def _share(agree, cases):
    return f"{100 * agree / cases:.1f} %" if cases else "-"


def read_known():
    """What is known to disagree: (stem, statement) to reason."""
    known = {}
    if not KNOWN.exists():
        return known
    for line in KNOWN.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            stem, reason, statement = line.split("\t", 2)
            known[stem, statement] = reason
    return known


def write_known(suite, known, stems):
    """Rewrites known.tsv; files that were not run keep their lines."""
    lines = [(stem, reason, key) for (stem, key), reason in known.items() if stem not in stems]
    for each in suite.disagreements:
        lines.append((each.key[0], known.get(each.key, "?"), each.key[1]))
    order = {stem: number for number, stem in enumerate(sorted({line[0] for line in lines}))}
    lines.sort(key=lambda line: order[line[0]])
    text = "# What is known not to agree with PostgreSQL: file, reason, statement.\n"
    text += "".join("\t".join(line) + "\n" for line in lines)
    KNOWN.write_text(text, encoding="utf-8")


def write_readme(table):
    """Puts the table between the marks in the README."""
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    if any(text.count(mark) != 1 for mark in MARKS):
        print(f"README.md has no lines {MARKS[0]} and {MARKS[1]}: left as it is")
        return
    before, rest = text.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    text = f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}"
    path.write_text(text, encoding="utf-8")


def report(suite, known, stems, options):
    """Prints all and says whether the run is good."""
    print(suite.table())
    if options.by_file:
        for stem in sorted(stems):
            cases, agree = suite.by_file[stem, "cases"], suite.by_file[stem, "agree"]
            print(f"{stem}: {agree} of {cases}")
    reasons = Counter(known[d.key] for d in suite.disagreements if d.key in known)
    if reasons:
        print("\nKnown not to agree:")
        for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
            print(f"{count:5} {reason}")
    unexpected = [d for d in suite.disagreements if d.key not in known]
    differ = {d.key for d in suite.disagreements}
    stale = [key for key in known if key[0] in stems and key not in differ]
    _print_list("Disagreements", suite.disagreements if options.list else [])
    _print_list("Unexpected", [] if options.list or options.write_known else unexpected)
    if stale and not options.write_known:
        print("\nStale in known.tsv:")
        for key in stale:
            why = "agrees" if key in suite.keys else "does not exist"
            print(f"{key[0]}: {why}: {key[1]}")
    if options.pg_errors:
        print("\nErrors from PostgreSQL:", *suite.postgres_errors, sep="\n")
    if suite.broken:
        print("\nBROKEN CASE FILES, PostgreSQL fails in a set-up:", *suite.broken, sep="\n")
    cases, agree = suite.cases.total(), suite.agree.total()
    print(
        f"{cases} cases, {agree} agree ({_share(agree, cases)}), "
        f"{len(suite.disagreements) - len(unexpected)} known not to, {len(unexpected)} unexpected"
    )
    if options.write_known:
        return not suite.broken
    return not (unexpected or stale or suite.broken)


def _print_list(title, disagreements):
    if disagreements:
        print(f"\n{title}:")
        for each in disagreements:
            print(each.show())


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", action="append", metavar="STEM", help="only this case file")
    parser.add_argument("--list", action="store_true", help="print all disagreements")
    parser.add_argument("--by-file", action="store_true", help="print each file's counts")
    parser.add_argument("--pg-errors", action="store_true", help="print PostgreSQL's errors")
    parser.add_argument("--write-known", action="store_true", help="rewrite known.tsv")
    parser.add_argument("--readme", action="store_true", help="rewrite the README's table")
    return parser.parse_args()


def main():
    """Runs the files and returns the exit status."""
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    try:
        paths = sorted((HERE / "cases").glob("*.sql"))
        if options.file:
            paths = [path for path in paths if path.stem in options.file]
        files = [case_file.read(path) for path in paths]
        if not files:
            raise case_file.BrokenFile("no case files")
    except case_file.BrokenFile as error:
        print(error)
        return 2
    suite, known, stems = Suite(), read_known(), {file.stem for file in files}
    if not options.file:  # lines of files that are gone are stale
        stems |= {stem for stem, _ in known}
    servers = []
    try:
        for kind in (Postgres, Teatree):
            servers.append(kind())
            servers[-1].start()
        for file in files:
            suite.run_file(file, *servers)
    except (CannotStart, Lost) as error:
        print(error)
        return 2
    finally:
        for server in servers:
            server.stop()
    good = report(suite, known, stems, options)
    if options.write_known:
        write_known(suite, known, stems)
    if options.readme:
        write_readme(suite.table())
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
