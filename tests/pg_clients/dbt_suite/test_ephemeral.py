"""dbt-tests-adapter's ephemeral models; two of them compare a statement that names the database.

The file's name is a part of the schema's, which they compare, too.
"""

import builtins
import io

import pytest
from dbt.tests.adapter.ephemeral import test_ephemeral as ephemeral


class OfThisDatabase:
    @pytest.fixture(autouse=True)
    def as_dbt(self, project, monkeypatch):
        def read(path, mode):
            with builtins.open(path, mode) as file:
                return io.StringIO(file.read().replace(f'"{project.database}".', '"dbt".'))

        monkeypatch.setattr(ephemeral, "open", read, raising=False)


class TestEphemeralMulti(OfThisDatabase, ephemeral.BaseEphemeralMulti):
    pass


class TestEphemeralNested(OfThisDatabase, ephemeral.BaseEphemeralNested):
    pass


class TestEphemeralErrorHandling(ephemeral.BaseEphemeralErrorHandling):
    pass
