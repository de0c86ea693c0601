"""Superset's settings for check.py; service.py says where its own database is."""

import os

SECRET_KEY = "only for the checks of a server on this host"
SQLALCHEMY_DATABASE_URI = "sqlite:///" + os.environ["CHECK_METADATA"]
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
DISALLOWED_SQL_FUNCTIONS = {}  # a check sleeps with pg_sleep
FEATURE_FLAGS = {"ESTIMATE_QUERY_COST": True, "ENABLE_TEMPLATE_PROCESSING": True}
UPLOAD_FOLDER = os.environ["SUPERSET_HOME"] + "/"
# More grains than Superset offers for PostgreSQL by itself: weeks from Sunday, and half years.
TIME_GRAIN_ADDONS = {"P6M": "Half year"}
TIME_GRAIN_ADDON_EXPRESSIONS = {"postgresql": {
    "1969-12-28T00:00:00Z/P1W": "DATE_TRUNC('week', {col} + INTERVAL '1 day') - INTERVAL '1 day'",
    "P1W/1970-01-03T00:00:00Z":
        "DATE_TRUNC('week', {col} + INTERVAL '1 day') + INTERVAL '5 days'",
    "P6M": "DATE_TRUNC('quarter', {col}) - "
           "(EXTRACT(QUARTER FROM {col})::int - 1) % 2 * INTERVAL '3 months'",
}}
