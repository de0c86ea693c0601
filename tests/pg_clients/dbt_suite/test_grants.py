"""dbt-tests-adapter's grants, to roles that are made for them."""

import psycopg2
import pytest
from dbt.tests.adapter.grants.test_incremental_grants import BaseIncrementalGrants
from dbt.tests.adapter.grants.test_invalid_grants import BaseInvalidGrants
from dbt.tests.adapter.grants.test_model_grants import BaseModelGrants
from dbt.tests.adapter.grants.test_seed_grants import BaseSeedGrants
from dbt.tests.adapter.grants.test_snapshot_grants import BaseSnapshotGrants

ROLES = [f"tea_dbt_suite_{n}" for n in (1, 2, 3)]


@pytest.fixture(scope="module", autouse=True)
def roles():
    conn = psycopg2.connect("")
    conn.autocommit = True
    with conn.cursor() as cur, pytest.MonkeyPatch.context() as patch:
        for n, role in enumerate(ROLES, 1):
            patch.setenv(f"DBT_TEST_USER_{n}", role)
            cur.execute(f"DROP ROLE IF EXISTS {role}")
            cur.execute(f"CREATE ROLE {role}")
        yield
        for role in ROLES:
            cur.execute(f"DROP ROLE {role}")
    conn.close()


class TestIncrementalGrants(BaseIncrementalGrants):
    pass


class TestInvalidGrants(BaseInvalidGrants):
    pass


class TestModelGrants(BaseModelGrants):
    pass


class TestSeedGrants(BaseSeedGrants):
    pass


class TestSnapshotGrants(BaseSnapshotGrants):
    pass
