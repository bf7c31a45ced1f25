"""The real settings, with chunks small enough that a small campaign keeps several lanes busy."""

import os

from config.settings import *  # noqa: F403
from config.settings import SEND_CHUNK as _USUAL

SEND_CHUNK = int(os.environ.get("FAULTS_CHUNK") or _USUAL)
