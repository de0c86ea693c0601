"""pgAdmin's settings for check.py, as the desktop program has them; service.py names the folder."""

import os

DATA_DIR = os.environ["CHECK_FOLDER"]
MASTER_PASSWORD_REQUIRED = False
USE_OS_SECRET_STORAGE = False
UPGRADE_CHECK_ENABLED = False
ENHANCED_COOKIE_PROTECTION = False
WTF_CSRF_ENABLED = False
