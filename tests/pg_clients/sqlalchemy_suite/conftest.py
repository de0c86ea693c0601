"""Hands pytest over to SQLAlchemy's plugin, as README.dialects in its sources has it."""

import pytest
from sqlalchemy.dialects.postgresql import provision

pytest.register_assert_rewrite("sqlalchemy.testing.assertions")
# The plugin would begin with CREATE EXTENSION of citext and hstore, which no test of the suite uses.
provision._extensions.clear()

from sqlalchemy.testing.plugin.pytestplugin import *  # noqa: E402, F403
