"""Tells dbt's fixtures which server to use, and to write nothing beside the tests."""

import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent.parent))
pytest_plugins = ["dbt.tests.fixtures.project", "pytest_later"]


@pytest.fixture(scope="class")
def server():
    return {"type": "postgres", "host": os.environ["PGHOST"], "port": int(os.environ["PGPORT"]),
            "user": os.environ["PGUSER"], "pass": os.environ.get("PGPASSWORD", ""),
            "dbname": os.environ["PGDATABASE"], "threads": 4}


@pytest.fixture(scope="class")
def dbt_profile_target(server):
    return server


@pytest.fixture(scope="class")
def logs_dir(tmp_path_factory, monkeypatch_of_class):
    folder = str(tmp_path_factory.mktemp("logs"))
    monkeypatch_of_class.setenv("DBT_LOG_PATH", folder)
    return folder


@pytest.fixture(scope="class")
def monkeypatch_of_class():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def test_data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data") / "of_this_module"
