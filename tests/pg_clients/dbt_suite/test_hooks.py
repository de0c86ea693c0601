"""dbt-tests-adapter's hooks, with this server's database and user instead of `dbt` and `root`."""

import pytest
from dbt.tests.adapter.hooks import test_model_hooks as model
from dbt.tests.adapter.hooks import test_run_hooks as run

COLUMNS = """test_state text, target_dbname text, target_host text, target_name text,
    target_schema text, target_type text, target_user text, target_pass text,
    target_threads integer, run_started_at text, invocation_id text, thread_id text"""


@pytest.fixture(scope="module")
def test_data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for when in ("model", "run"):
        table = f"{{schema}}.on_{when}_hook"
        sql = f"drop table if exists {table};\ncreate table {table} ({COLUMNS})"
        (folder / f"seed_{when}.sql").write_text(sql)
    return folder


class OfThisServer:
    """The checks have the names of dbt's own server; these rows come with the ones of this."""

    @pytest.fixture(scope="class", autouse=True)
    def target(self, request, dbt_profile_target):
        request.cls.wanted = dbt_profile_target

    def get_ctx_vars(self, *args, **named):
        found = super().get_ctx_vars(*args, **named)
        for row in [found] if isinstance(found, dict) else found:
            assert row["target_dbname"] == self.wanted["dbname"]
            assert row["target_user"] == self.wanted["user"]
            row.update(target_dbname="dbt", target_user="root")
        return found


class TestPrePostModelHooks(OfThisServer, model.BasePrePostModelHooks):
    pass


class TestPrePostModelHooksUnderscores(OfThisServer, model.TestPrePostModelHooksUnderscores):
    pass


class TestHookRefs(OfThisServer, model.BaseHookRefs):
    pass


class TestPrePostModelHooksOnSeeds(model.BasePrePostModelHooksOnSeeds):
    pass


class TestHooksRefsOnSeeds(model.BaseHooksRefsOnSeeds):
    pass


class TestPrePostModelHooksOnSeedsPlusPrefixed(model.BasePrePostModelHooksOnSeedsPlusPrefixed):
    pass


class TestPrePostModelHooksOnSeedsPlusPrefixedWhitespace(
    model.BasePrePostModelHooksOnSeedsPlusPrefixedWhitespace
):
    pass


class TestPrePostModelHooksOnSnapshots(model.BasePrePostModelHooksOnSnapshots):
    pass


class TestPrePostModelHooksInConfig(OfThisServer, model.BasePrePostModelHooksInConfig):
    pass


class TestPrePostModelHooksInConfigWithCount(
    OfThisServer, model.BasePrePostModelHooksInConfigWithCount
):
    pass


class TestPrePostModelHooksInConfigKwargs(OfThisServer, model.BasePrePostModelHooksInConfigKwargs):
    pass


class TestPrePostSnapshotHooksInConfigKwargs(model.BasePrePostSnapshotHooksInConfigKwargs):
    pass


class TestDuplicateHooksInConfigs(model.BaseDuplicateHooksInConfigs):
    pass


class TestPrePostRunHooks(OfThisServer, run.BasePrePostRunHooks):
    pass


class TestAfterRunHooks(run.BaseAfterRunHooks):
    pass
