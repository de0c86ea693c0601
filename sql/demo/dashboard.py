#!/usr/bin/env python3
"""A live dashboard in a terminal: it sleeps until a view has changed, and draws it anew.

    pip install "psycopg[binary]"
    sql/demo/dashboard.py "host=127.0.0.1 port=5432 user=demo dbname=postgres" live_by_airline

The view is a materialized view WITH (refresh = 'on_change'): it changes in the transaction of the
rows that it reads, and tells its name's channel with each commit: {"intent": 42, "rows": 3}. So
nothing is asked again and again, and what is drawn is what is committed. Of several notifications
that have come in meanwhile the last is enough.
"""

import json
import shutil
import sys

import psycopg
from psycopg import sql


def draw(view, rows, columns, told):
    """Draws the last numeric column as bars beside the first."""
    width = shutil.get_terminal_size().columns
    most = max((abs(row[-1] or 0) for row in rows), default=0) or 1
    lines = [f"{view}: intent {told['intent']}, {told['rows']} rows written", "  ".join(columns)]
    for row in rows:
        label = "  ".join("" if value is None else str(value) for value in row)
        bar = "█" * int((width - 45) * abs(row[-1] or 0) / most)
        lines.append(f"{label:<40.40} {bar}")
    # Home, each line to its end, and whatever stands below.
    print("\033[H" + "".join(f"{line}\033[K\n" for line in lines) + "\033[J", end="", flush=True)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    _, address, view = sys.argv
    with psycopg.connect(address, autocommit=True) as conn:
        conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(view)))
        question = sql.SQL("SELECT * FROM {} ORDER BY 1 LIMIT 30").format(sql.Identifier(view))
        told = {"intent": "-", "rows": 0}
        while True:
            cursor = conn.execute(question)
            draw(view, cursor.fetchall(), [column.name for column in cursor.description], told)
            # The first notification that comes, and those that are there with it.
            waiting = [*conn.notifies(stop_after=1), *conn.notifies(timeout=0)]
            told = json.loads(waiting[-1].payload)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
