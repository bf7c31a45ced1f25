"""`python -m newsletter.inbox FOLDER PORT`: the inbox without Django, which starts in a fifth of the time."""

import sys
from pathlib import Path

from newsletter.inbox.server import serve

serve(Path(sys.argv[1]), port=int(sys.argv[2]))
