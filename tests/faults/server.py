"""`python -m tests.faults.server FOLDER PORT SEED LIFE SHARE OFFERS`: an SMTP server that misbehaves around the dot.

It keeps the truth (truth.py) and may be killed and started again on the same port. A SHARE of the messages meets a
quirk, drawn by SEED and LIFE (its how-manieth start); or the reader's address asks for one: `cut_at_dot.7@example.org`
meets it the first time, `always-cut_at_dot.7@example.org` each time. Where the board allows no more messages for now,
each waits at a step of its own.
"""

import contextlib
import random
import re
import socket
import struct
import sys
import threading
import time
from pathlib import Path

from tests.faults.truth import ANSWERED, BROKEN, GONE, IN_HAND, OPEN, PARTED, Board, TruthFile

QUIRKS = {  # name -> how often
    "cut_inside": 3,  # the connection breaks in the middle of the content
    "cut_at_dot": 4,  # after the dot, and the message is not taken
    "take_and_cut": 4,  # after the dot, and it is
    "answer_and_cut": 3,  # right after the 250
    "hush": 2,  # 250 after a silence longer than the lease
    "hush_and_cut": 1,
    "slow": 4,
    "later": 3,  # 451 to the dot
    "grey": 3,  # 450 to RCPT
    "closing": 2,  # 421 to the dot
    "closing_early": 2,  # 421 to RCPT
    "refuse": 1,  # 550 to RCPT
    "refuse_content": 1,  # 554 to the dot
}
STEPS = ("mail", "rcpt", "data", "inside", "dot", "taken")  # where a message can wait for the board
LEASE_SECONDS = 2  # of the lanes that call here (stage.py)
HUSH_SECONDS = 3.0
LONGEST_LINE = 8192
LONGEST_WAIT = 15.0
_MESSAGE_ID = re.compile(rb"^message-id:\s*<([^>]+)>", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(rb'boundary="?([^";\r\n]+)', re.IGNORECASE)


class Cut(Exception):
    """This connection ends here, without a word."""


class Server:
    def __init__(self, folder: Path, *, port: int, seed: str, share: float, offers: str) -> None:
        self.board = Board(folder / "board")
        self.truth = TruthFile(folder / "truth")
        self.offers = [word for word in offers.split(",") if word != "none"]
        self._share = share
        self._rng = random.Random(seed)
        self._asked: set[tuple[int, str]] = set()
        self.lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=100)

    def serve(self) -> None:
        while True:
            line, _ = self._listener.accept()
            threading.Thread(target=Conversation(self, line).hold, daemon=True).start()

    def draw(self, recipient: str) -> tuple[str, str]:
        """The quirk of the message now beginning (or none), and the step at which it waits for the board."""
        asked = recipient.partition(".")[0]
        always, asked = asked.startswith("always-"), asked.removeprefix("always-")
        with self.lock:
            step = self._rng.choice(STEPS)
            if asked in QUIRKS:
                this_time = (self.board.round, recipient)
                first = this_time not in self._asked
                self._asked.add(this_time)
                return (asked if first or always else ""), step
            if self._rng.random() >= self._share:
                return "", step
            return self._rng.choices(list(QUIRKS), list(QUIRKS.values()))[0], step


class Conversation:
    """One connection, from the greeting to its end."""

    def __init__(self, server: Server, line: socket.socket) -> None:
        self._server = server
        self._line = line
        self._heard = line.makefile("rb", buffering=65536)
        with server.lock:
            self._number = server.board.new_line()
        self._mark = OPEN
        self._forget()

    def hold(self) -> None:
        try:
            self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._say("220 faults ready")
            while raw := self._hear():
                if self._mark == ANSWERED:
                    self._marked(OPEN)
                if self._obey(raw):
                    self._marked(PARTED)
                    return
        except (Cut, OSError, ValueError):
            pass
        finally:
            if self._mark != PARTED:
                self._marked(GONE if self._mark == OPEN else BROKEN)
            self._hang_up()

    def _obey(self, raw: bytes) -> bool:
        """Do what one command asks; True after QUIT."""
        verb = raw[:4].upper().strip()
        if verb in (b"EHLO", b"HELO"):
            words = ["faults", *self._server.offers, "8BITMIME", "SMTPUTF8"]
            self._say("\r\n".join([*(f"250-{word}" for word in words), "250 SIZE 20000000"]))
        elif verb == b"MAIL":
            self._marked(IN_HAND)
            self._say("250 2.1.0 ok")
        elif verb == b"RCPT":
            self._rcpt(raw)
        elif verb == b"DATA":
            self._data()
        elif verb == b"BDAT":
            self._bdat(raw)
        elif verb == b"QUIT":
            self._say("221 bye")
            return True
        elif verb == b"RSET":
            self._forget()
            self._marked(OPEN)
            self._say("250 2.0.0 forgotten")
        else:
            self._say("250 ok")
        return False

    def _rcpt(self, raw: bytes) -> None:
        self._recipient = raw.decode().partition("<")[2].partition(">")[0]
        self._quirk, self._step = self._server.draw(self._recipient)
        self._wait_at("mail")
        if self._quirk == "closing_early":
            self._say("421 4.3.2 closing")
            raise Cut
        self._wait_at("rcpt")
        if self._quirk == "grey":
            self._refuse("450 4.7.1 greylisted, come back later")
        elif self._quirk == "refuse":
            self._server.truth.refuse(self._recipient)
            self._refuse("550 5.1.1 nobody of that name")
        else:
            self._say("250 2.1.5 ok")

    def _data(self) -> None:
        if not self._recipient:
            self._say("503 5.5.1 whom to?")
            return
        self._wait_at("data")
        self._say("354 go on")
        lines: list[bytes] = []
        while raw := self._hear():
            if raw == b".\r\n":
                self._dot(b"".join(lines))
                return
            lines.append(raw[1:] if raw.startswith(b".") else raw)
            if len(lines) == 40:
                self._inside()
        raise Cut  # hung up before the dot: forgotten, as RFC 5321 asks

    def _bdat(self, raw: bytes) -> None:
        words = raw.split()
        data = self._heard.read(int(words[1]))
        if len(data) < int(words[1]):
            raise Cut
        if not self._recipient:
            self._say("503 5.5.1 whom to?")
            return
        self._pieces += data
        self._inside()
        if words[-1].upper() == b"LAST":
            self._dot(bytes(self._pieces))
        else:
            self._say("250 2.0.0 more")

    def _inside(self) -> None:
        self._wait_at("inside")
        if self._quirk == "cut_inside":
            raise Cut

    def _dot(self, content: bytes) -> None:
        """All of it is here. From now on the message is ours as soon as the truth file says so."""
        heard_at, quirk = time.time(), self._quirk
        self._wait_at("dot")
        if quirk in ("hush", "hush_and_cut"):
            time.sleep(HUSH_SECONDS)
        if quirk in ("cut_at_dot", "hush_and_cut"):
            raise Cut
        if quirk == "later":
            self._refuse("451 4.3.0 try again later")
            return
        if quirk == "closing":
            self._say("421 4.3.2 closing")
            raise Cut
        if quirk == "refuse_content":
            self._server.truth.refuse(self._recipient)
            self._refuse("554 5.6.0 not this content")
            return
        self._take(content, heard_at)
        self._wait_at("taken")
        if quirk == "take_and_cut":
            raise Cut
        if quirk == "slow":
            time.sleep(0.3)
        self._say("250 2.0.0 taken")
        self._marked(ANSWERED)
        self._forget()
        if quirk == "answer_and_cut":
            raise Cut

    def _take(self, content: bytes, heard_at: float) -> None:
        found = _MESSAGE_ID.search(content[:8000])
        message_id = found[1].decode() if found else "none"
        boundary = _BOUNDARY.search(content[:8000])
        whole = bool(boundary) and content.rstrip().endswith(b"--" + boundary[1] + b"--")
        # Not under the lock: each line is one write to a file opened for appending, and syncing takes time.
        self._server.truth.take(
            heard_at=heard_at, recipient=self._recipient, message_id=message_id, whole=whole, line=self._number
        )
        with self._server.lock:
            self._server.board.count_one()

    def _refuse(self, words: str) -> None:
        self._forget()
        self._say(words)
        self._marked(ANSWERED)

    def _hear(self) -> bytes:
        """The next line; empty at the end of the connection."""
        since = time.monotonic()
        raw = self._heard.readline(LONGEST_LINE)
        if self._mark != OPEN and time.monotonic() - since > LEASE_SECONDS * 0.9:
            with self._server.lock:
                self._server.board.count_silence()
        return raw

    def _wait_at(self, step: str) -> None:
        if step != self._step:
            return
        ends = time.monotonic() + LONGEST_WAIT
        board = self._server.board
        while board.taken >= board.allowed and time.monotonic() < ends:
            time.sleep(0.02)

    def _forget(self) -> None:
        self._recipient, self._quirk, self._step = "", "", ""
        self._pieces = bytearray()

    def _say(self, words: str) -> None:
        self._line.sendall(f"{words}\r\n".encode())

    def _marked(self, mark: bytes) -> None:
        self._mark = mark
        self._server.board.mark(self._number, mark)

    def _hang_up(self) -> None:
        """Half of those that break do so with a reset, as a dying machine's do."""
        with contextlib.suppress(OSError):
            if self._mark == BROKEN and self._number % 2:
                self._line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                self._line.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self._heard.close()
            self._line.close()


def main(words: list[str]) -> None:
    folder, port, seed, life, share, offers = words
    server = Server(Path(folder), port=int(port), seed=f"{seed}/{life}", share=float(share), offers=offers)
    server.serve()


if __name__ == "__main__":
    main(sys.argv[1:])
