"""The whole newsroom as an operator starts it: `manage.py up` with its own state folder and ports."""

import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

from tests.parts import end, free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
# What the test process says of its own database and mail is no business of this one.
FOREIGN = ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SITE_URL", "DJANGO_SETTINGS_MODULE")


class Newsroom:
    def __init__(self, folder: Path, *options: str, **env: str) -> None:
        self.var_dir = folder
        self.port, self.inbox_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines: list[str] = []
        self._command = [sys.executable, "manage.py", "up", *options]
        self.environment = {name: value for name, value in os.environ.items() if name not in FOREIGN} | {
            "VAR_DIR": str(folder),
            "PORT": str(self.port),
            "INBOX_PORT": str(self.inbox_port),
            **env,
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self, *, within: float = 120) -> None:
        """Until it says READY; raises with its last lines if it ends before."""
        self.process = subprocess.Popen(
            self._command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        wait_until(lambda: self.said("READY") or not self.runs(), within=within, what="READY")
        if not self.said("READY"):
            self._reader.join(timeout=2)
            raise RuntimeError("It ended before it was ready:\n" + "\n".join(self.lines[-20:]))

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def said(self, text: str) -> bool:
        return any(text in line for line in list(self.lines))

    def stop(self) -> float:
        """SIGTERM to its first process; the seconds until that ended."""
        begun = time.monotonic()
        if self.process:
            end(self.process, within=12)
            self._reader.join(timeout=2)
            if self.process.stdout:
                self.process.stdout.close()
        return time.monotonic() - begun

    def processes(self) -> dict[int, str]:
        """Every process, wherever it hangs, that was started for this state folder: pid -> command (Linux)."""
        mark = f"VAR_DIR={self.var_dir}".encode()
        found = {}
        for proc in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (proc / "environ").read_bytes().split(b"\0"):
                    found[int(proc.name)] = (proc / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            except OSError:  # it ended while we looked
                continue
        return found

    def _read(self, process: "subprocess.Popen[str]") -> None:
        for line in process.stdout or ():
            self.lines.append(line.rstrip())
