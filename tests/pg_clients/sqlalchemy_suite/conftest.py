"""Hands pytest over to SQLAlchemy's plugin, as README.dialects in its sources has it."""

import sys
from pathlib import Path

import pytest
from sqlalchemy.dialects.postgresql import provision

sys.path.append(str(Path(__file__).resolve().parent.parent))
pytest_plugins = ["pytest_later"]
pytest.register_assert_rewrite("sqlalchemy.testing.assertions")
# The plugin would begin with CREATE EXTENSION of citext and hstore, which no test here uses.
provision._extensions.clear()

from sqlalchemy.testing.plugin.pytestplugin import *  # noqa: E402, F403
