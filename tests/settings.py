"""The settings under test: the real ones, over a state folder that is thrown away and an environment of our own.

pytest reads this before any conftest.py, so this is where the environment is made (pyproject.toml names it).
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
_FOLDER = os.environ.get("VAR_DIR")
if not _FOLDER or _WORKER:  # a run of its own, or one of several processes of a run: each has its own folder
    _FOLDER = tempfile.mkdtemp(prefix="newsroom-test-")
    atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
os.environ["VAR_DIR"] = _FOLDER
for _name in (
    "REDIS_URL",
    "EMAIL_URL",
    "SITE_URL",
    "ALLOWED_HOSTS",
    "BEHIND_PROXY",
    "TICK_SECONDS",
    "BIND",
    "DEBUG",
    "DKIM_DIR",
):
    os.environ.pop(_name, None)  # what the developer's shell says must not change a test
os.environ.update(
    SECRET_KEY="for-tests-only-for-tests-only-for-tests-only-50",  # noqa: S106
    DEMO_PASSWORD="demo-for-tests",  # noqa: S106
    PORT="8000",
    INBOX_PORT="1025",
    LOG_LEVEL="INFO",
)

from config.settings import *  # noqa: E402, F403
from config.settings import DATABASES, STATIC_ROOT  # noqa: E402

STATIC_ROOT.mkdir(parents=True, exist_ok=True)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, so that child processes (a Celery worker) see the same tables; never synced, for it is thrown away.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(_FOLDER) / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
    )
