"""The classes of dbt-tests-adapter that ask the adapter for a part of their own."""

import pytest
from dbt.tests.adapter.functions.test_udfs import SqlUDFDefaultArgSupport
from dbt.tests.adapter.materialized_view import basic, changes, files
from dbt.tests.adapter.simple_copy.test_copy_uppercase import BaseSimpleCopyUppercase
from dbt.tests.adapter.simple_seed import seeds, test_seed
from dbt.tests.adapter.store_test_failures_tests import basic as store_failures
from dbt.tests.util import get_model_file, run_dbt, set_model_file

MATERIALIZED_VIEW = """
{{ config(materialized='materialized_view', indexes=[{'columns': ['id']}]) }}
select * from {{ ref('my_seed') }}
"""
OF_A_VIEW = "{{ config(materialized='materialized_view') }} select * from {{ ref('inner') }}"


class MaterializedView:
    @pytest.fixture(scope="class", autouse=True)
    def models(self):
        yield {"my_table.sql": files.MY_TABLE, "my_view.sql": files.MY_VIEW,
               "my_materialized_view.sql": MATERIALIZED_VIEW}

    @staticmethod
    def query_relation_type(project, relation):
        found = project.run_sql(
            f"""select 'table' from pg_tables
                where schemaname = '{relation.schema}' and tablename = '{relation.identifier}'
                union all select 'view' from pg_views
                where schemaname = '{relation.schema}' and viewname = '{relation.identifier}'
                union all select 'materialized_view' from pg_matviews
                where schemaname = '{relation.schema}' and matviewname = '{relation.identifier}'
            """, fetch="all")
        assert len(found) < 2, found
        return found[0][0] if found else None


class TestMaterializedViewBasic(MaterializedView, basic.MaterializedViewBasic):
    @staticmethod
    def insert_record(project, table, record):
        project.run_sql(f"insert into {table} (id, value) values {record}")

    @staticmethod
    def refresh_materialized_view(project, materialized_view):
        project.run_sql(f"refresh materialized view {materialized_view}")

    @staticmethod
    def query_row_count(project, relation):
        return project.run_sql(f"select count(*) from {relation}", fetch="one")[0]


class Changes(MaterializedView):
    """What changes is the index; dbt-postgres sees no change that makes it replace the view."""

    @staticmethod
    def indexed(project, view):
        return [column for column, in project.run_sql(
            f"""select a.attname from pg_index ix
                join pg_class i on i.oid = ix.indexrelid join pg_am m on m.oid = i.relam
                join pg_class t on t.oid = ix.indrelid join pg_namespace n on n.oid = t.relnamespace
                join pg_attribute a on a.attrelid = t.oid and a.attnum = any(ix.indkey)
                where t.relname ilike '{view.identifier}' and n.nspname ilike '{view.schema}'
                and t.relkind in ('r', 'm')""", fetch="all")]

    def check_start_state(self, project, materialized_view):
        assert self.indexed(project, materialized_view) == ["id"]

    @staticmethod
    def change_config_via_alter(project, materialized_view):
        model = get_model_file(project, materialized_view)
        set_model_file(project, materialized_view, model.replace("['id']", "['value']"))

    def check_state_alter_change_is_applied(self, project, materialized_view):
        assert self.indexed(project, materialized_view) == ["value"]

    @staticmethod
    def change_config_via_replace(project, materialized_view):
        pass


class TestMaterializedViewChangesApply(
    Changes, changes.MaterializedViewChanges, changes.MaterializedViewChangesApplyMixin
):
    test_change_is_applied_via_replace = None


class TestMaterializedViewChangesContinue(
    Changes, changes.MaterializedViewChanges, changes.MaterializedViewChangesContinueMixin
):
    test_change_is_not_applied_via_replace = None


class TestMaterializedViewChangesFail(
    Changes, changes.MaterializedViewChanges, changes.MaterializedViewChangesFailMixin
):
    test_change_is_not_applied_via_replace = None


class TestMaterializedViewOfAnother:
    """dbt-postgres's own: a second build renames a view that another view is made of."""

    @pytest.fixture(scope="class")
    def models(self):
        inner = files.MY_MATERIALIZED_VIEW
        return {"inner.sql": inner, "outer.sql": OF_A_VIEW}

    @pytest.fixture(scope="class")
    def seeds(self):
        return {"my_seed.csv": files.MY_SEED}

    def test_rebuilt(self, project):
        run_dbt(["seed"])
        run_dbt(["run", "--full-refresh"])
        run_dbt(["run", "--full-refresh"])


class TestSimpleSeedWithBOM(test_seed.BaseSimpleSeedWithBOM):
    """The suite copies its file from the tester's folder; here it is made."""

    @pytest.fixture(scope="class", autouse=True)
    def setUp(self, project):
        project.run_sql(seeds.seeds__expected_sql)
        path = project.project_root / "seeds" / "seed_bom.csv"
        path.write_text(seeds.seed__actual_csv.strip(), encoding="utf-8-sig")


class TestSimpleCopyUppercase(BaseSimpleCopyUppercase):
    """In the given database, not in one whose name has capitals."""

    @pytest.fixture(scope="class")
    def dbt_profile_target(self, server):
        return server


class TestSqlUDFDefaultArgSupport(SqlUDFDefaultArgSupport):
    expect_default_arg_support = True


class ShortName:
    """PostgreSQL keeps 63 characters of a schema's name."""

    @pytest.fixture(scope="function", autouse=True)
    def cut(self, project, setup_method):
        self.audit_schema = self.audit_schema[:63]


class TestStoreTestFailuresAsInteractions(
    store_failures.StoreTestFailuresAsInteractions, ShortName
):
    pass


class TestStoreTestFailuresAsProjectLevelOff(
    store_failures.StoreTestFailuresAsProjectLevelOff, ShortName
):
    pass


class TestStoreTestFailuresAsProjectLevelView(
    store_failures.StoreTestFailuresAsProjectLevelView, ShortName
):
    pass


class TestStoreTestFailuresAsProjectLevelEphemeral(
    store_failures.StoreTestFailuresAsProjectLevelEphemeral, ShortName
):
    pass


class TestStoreTestFailuresAsGeneric(store_failures.StoreTestFailuresAsGeneric, ShortName):
    pass


class TestStoreTestFailuresAsExceptions(store_failures.StoreTestFailuresAsExceptions, ShortName):
    pass
