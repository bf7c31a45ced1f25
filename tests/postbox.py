"""A real SMTP server on the loopback that misbehaves on purpose, and keeps the truth about what it took.

`truth` holds every message it answered 250 for, and every one that it swallowed without an answer.
"""

import base64
import contextlib
import socket
import ssl
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

Step = str  # "greeting" | "ehlo" | "auth" | "mail" | "rcpt" | "data" | "body" | "dot" | "after"


@dataclass(frozen=True)
class Quirk:
    """At this step: say these words instead of the usual, or (no words) drop the line. `wait` seconds before either.

    `body`: as soon as content may come. `dot`: the message is not taken. `after`: it is taken, then dropped or denied.
    """

    at: Step
    say: str = ""
    wait: float = 0.0


@dataclass
class Postbox:
    """`quirks` are per recipient (or sender, for "mail"), used up one an attempt; `always` is for everybody."""

    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SMTPUTF8")
    quirks: dict[str, list[Quirk]] = field(default_factory=lambda: defaultdict(list))
    always: Quirk | None = None
    greeting: str = "220 postbox ready"  # empty: it accepts and says nothing
    certificate: Path | None = None  # with its key: the server then offers STARTTLS, or speaks TLS from the first byte
    tls_at_once: bool = False
    injected: str = ""  # said in the clear, right behind the 220 to STARTTLS
    login: tuple[str, str] | None = None  # who is let in; needs AUTH among the extensions
    blind: bool = False  # DATA is answered 354 also when there is no recipient
    slow: float = 0.0  # seconds before each answer to a dot
    drip: int = 0  # answers come in pieces of so many bytes
    lasts: int = 0  # it hangs up when so many messages have come over a line
    deaf: bool = False  # it reads no content, for as long as this stands
    truth: list[tuple[str, bytes]] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)  # as they came, of all lines
    connections: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=50)
        self.port = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def copies(self) -> Counter[str]:
        return Counter(recipient for recipient, _ in self.truth)

    def message_to(self, recipient: str) -> bytes:
        return next(message for address, message in self.truth if address == recipient)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # wakes the thread in accept(), which would else take one more caller
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def drop(self) -> None:
        """Hang up on everybody."""
        for line in list(self._open):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def secured(self, line: socket.socket) -> socket.socket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        assert self.certificate is not None
        context.load_cert_chain(self.certificate)
        return context.wrap_socket(line, server_side=True)

    def next_quirk(self, recipient: str) -> Quirk | None:
        if self.quirks.get(recipient):
            return self.quirks[recipient].pop(0)
        return self.always

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(line)  # before it counts: whoever then calls `drop` hangs up on it, too
            self.connections += 1
            threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError), line:
            with contextlib.suppress(OSError, Gone):
                self._hold(line)
            line.shutdown(socket.SHUT_RDWR)
        self._open.discard(line)

    def _hold(self, line: socket.socket) -> None:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.deaf:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        if self.tls_at_once:
            with self.secured(line) as secured:
                Conversation(self, secured).hold(greets=True)
        else:
            Conversation(self, line).hold(greets=True)


class Gone(Exception):
    """The line is closed."""


class Conversation:
    """One connection's."""

    def __init__(self, box: Postbox, line: socket.socket) -> None:
        self._box = box
        self._line = line
        self._heard = line.makefile("rb")
        self._taken = 0
        self._forget()

    def hold(self, *, greets: bool) -> None:
        if greets and not self._always("greeting") and self._box.greeting:
            self._say(self._box.greeting)
        for raw in self._heard:
            self._box.commands.append(raw.decode("utf-8", "replace").rstrip("\r\n"))
            verb = raw[:4].upper().strip()
            if verb == b"STAR" and self._box.certificate:
                self._start_tls()
                return
            if verb == b"QUIT":
                self._say("221 bye")
                return
            self._obey(verb, raw)

    def _obey(self, verb: bytes, raw: bytes) -> None:
        if verb in (b"EHLO", b"HELO"):
            self._hello(raw)
        elif verb == b"AUTH":
            self._auth(raw.split())
        elif verb == b"MAIL":
            self._mail(raw)
        elif verb == b"RCPT":
            self._rcpt(raw)
        elif verb == b"DATA":
            self._data()
        elif verb == b"BDAT":
            self._bdat(raw.split())
        elif verb == b"RSET":
            self._forget()
            self._say("250 ok")
        else:
            self._say("250 ok")

    def _hello(self, raw: bytes) -> None:
        if self._always("ehlo"):
            return
        if raw[:4].upper() == b"HELO":
            self._say("250 postbox")
            return
        secure = isinstance(self._line, ssl.SSLSocket)
        offers = ["STARTTLS"] if self._box.certificate and not secure else []
        self._say("\r\n".join(f"250-{each}" for each in ("postbox", *self._box.extensions, *offers)) + "\r\n250 HELP")

    def _start_tls(self) -> None:
        self._line.sendall(f"220 go on\r\n{self._box.injected}".encode())
        with self._box.secured(self._line) as secured:
            Conversation(self._box, secured).hold(greets=False)

    def _auth(self, words: list[bytes]) -> None:
        if self._always("auth"):
            return
        if words[1].upper() == b"PLAIN":
            _, user, password = base64.b64decode(words[2]).decode().split("\0")
        else:
            user, password = self._ask("VXNlcm5hbWU6"), self._ask("UGFzc3dvcmQ6")
        good = (user, password) == self._box.login
        self._say("235 2.7.0 welcome" if good else f"535 5.7.8 not you: {words[-1].decode()}")

    def _ask(self, words: str) -> str:
        self._say(f"334 {words}")
        return base64.b64decode(self._heard.readline()).decode()

    def _mail(self, raw: bytes) -> None:
        self._forget()
        sender = raw.decode().partition("<")[2].partition(">")[0]
        self._quirk = self._box.next_quirk(sender)
        if self._steps("mail", "250 2.1.0 ok"):
            self._sender = sender

    def _rcpt(self, raw: bytes) -> None:
        if self._sender is None:
            self._say("503 5.5.1 who are you?")
            return
        recipient = raw.decode().partition("<")[2].partition(">")[0]
        self._quirk = self._box.next_quirk(recipient)
        if self._steps("rcpt", "250 2.1.5 ok"):
            self._recipient = recipient

    def _data(self) -> None:
        if self._recipient is None and not self._box.blind:
            self._say("503 5.5.1 whom to?")
            return
        if self._acts("data"):
            return
        self._say("354 go on")
        if self._acts("body"):
            return
        while self._box.deaf:
            time.sleep(0.02)
        lines = []
        for raw in self._heard:
            if raw == b".\r\n":
                self._dot(b"".join(lines))
                return
            lines.append(raw[1:] if raw.startswith(b".") else raw)
        raise Gone  # hung up before the dot: forgotten, as RFC 5321 asks

    def _bdat(self, words: list[bytes]) -> None:
        content = self._heard.read(int(words[1]))
        if len(content) < int(words[1]):
            raise Gone
        if self._recipient is None:
            self._say("503 5.5.1 whom to?")
        else:
            assert words[2].upper() == b"LAST"
            self._dot(content)

    def _dot(self, content: bytes) -> None:
        recipient, sender, quirk = self._recipient, self._sender, self._quirk
        self._forget()
        self._quirk = quirk
        if recipient is None:
            self._say("554 5.5.1 no valid recipients")
            return
        if self._acts("dot"):
            return
        if self._box.slow:
            time.sleep(self._box.slow)
        with self._box.lock:
            self._box.truth.append((recipient, content))
            self._box.senders.append(sender or "")
        if not self._acts("after"):
            self._say(f"250 2.0.0 taken as {len(self._box.truth)}")
        self._taken += 1
        if self._taken == self._box.lasts:
            raise Gone

    def _forget(self) -> None:
        self._sender: str | None = None
        self._recipient: str | None = None
        self._quirk: Quirk | None = None

    def _always(self, at: Step) -> bool:
        self._quirk = self._box.always
        return self._acts(at)

    def _steps(self, at: Step, usual: str) -> bool:
        """Say the usual, or what the quirk says; whether that was a yes."""
        if self._acts(at):
            return self._quirk is not None and self._quirk.say.startswith("25")
        self._say(usual)
        return True

    def _acts(self, at: Step) -> bool:
        """Behave as the quirk says, if it is for this step; whether it was."""
        quirk = self._quirk
        if quirk is None or quirk.at != at:
            return False
        time.sleep(quirk.wait)
        if not quirk.say:
            with contextlib.suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)
            raise Gone
        self._say(quirk.say)
        if quirk.say.startswith("421"):
            raise Gone
        return True

    def _say(self, words: str) -> None:
        data = f"{words}\r\n".encode()
        size = self._box.drip or len(data)
        for start in range(0, len(data), size):
            self._line.sendall(data[start : start + size])
