"""SQLAlchemy's suite for a dialect, all of it."""

from sqlalchemy.testing.suite import *  # noqa: F403
