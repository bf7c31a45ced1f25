"""A real SMTP server on the loopback that misbehaves on purpose, and keeps the truth about what it took.

`truth` holds every message it answered 250 for, and every one that it swallowed without an answer.
"""

import contextlib
import socket
import ssl
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

Step = str  # "mail" | "rcpt" | "data" | "body" | "dot" | "after"


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
    """`quirks` are per recipient, used up one an attempt; `always` is for everybody."""

    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SMTPUTF8")
    quirks: dict[str, list[Quirk]] = field(default_factory=lambda: defaultdict(list))
    always: Quirk | None = None
    greeting: str = "220 postbox ready"
    certificate: Path | None = None  # with its key: the server then offers STARTTLS, or speaks TLS from the first byte
    tls_at_once: bool = False
    slow: float = 0.0  # seconds before each answer to a dot
    truth: list[tuple[str, bytes]] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port: int = self._listener.getsockname()[1]
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
        for line in list(self._open):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        self._open.add(line)
        with contextlib.suppress(OSError), line:
            if self.tls_at_once:
                with self._secured(line) as secured:
                    self._conversation(secured, greeting=self.greeting)
            else:
                self._conversation(line, greeting=self.greeting)
        self._open.discard(line)

    def _secured(self, line: socket.socket) -> socket.socket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        assert self.certificate is not None
        context.load_cert_chain(self.certificate)
        return context.wrap_socket(line, server_side=True)

    def _conversation(self, line: socket.socket, *, greeting: str = "") -> None:
        heard = line.makefile("rb")

        def say(words: str) -> None:
            line.sendall(f"{words}\r\n".encode())

        if greeting:
            say(greeting)
        recipient, sender, quirk = "", "", None
        for raw in heard:
            verb = raw[:4].upper().strip()
            if verb in (b"EHLO", b"HELO"):
                offered = ("postbox", *self.extensions, *(["STARTTLS"] if self.certificate else []))
                say("\r\n".join(f"250-{each}" for each in offered) + "\r\n250 HELP")
            elif verb == b"STAR":
                say("220 go on")
                with self._secured(line) as secured:
                    self._conversation(secured)
                return
            elif verb == b"MAIL":
                sender = raw.decode().partition("<")[2].partition(">")[0]
                quirk = self.always if self.always and self.always.at == "mail" else None
                if not self._act(quirk, "mail", line, say):
                    return
                if quirk is None:
                    say("250 2.1.0 ok")
            elif verb == b"RCPT":
                recipient = raw.decode().partition("<")[2].partition(">")[0]
                quirk = self._next_quirk(recipient)
                if not self._step(quirk, "rcpt", "250 2.1.5 ok", line, say):
                    return
            elif verb == b"DATA":
                if not self._step(quirk, "data", "354 go on", line, say):
                    return
                if not (quirk and quirk.at == "data") and not self._content(line, heard, say, recipient, sender, quirk):
                    return
            elif verb == b"QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")

    def _content(self, line, heard, say, recipient: str, sender: str, quirk: Quirk | None) -> bool:  # noqa: ANN001
        if quirk and quirk.at == "body":
            return self._act(quirk, "body", line, say)
        lines = []
        for raw in heard:
            if raw == b".\r\n":
                break
            lines.append(raw[1:] if raw.startswith(b".") else raw)
        else:
            return False  # hung up before the dot: forgotten, as RFC 5321 asks
        if quirk and quirk.at == "dot":
            return self._act(quirk, "dot", line, say)
        if self.slow:
            time.sleep(self.slow)
        with self._lock:
            self.truth.append((recipient, b"".join(lines)))
            self.senders.append(sender)
        return self._step(quirk, "after", f"250 2.0.0 taken as {len(self.truth)}", line, say)

    def _next_quirk(self, recipient: str) -> Quirk | None:
        if self.quirks[recipient]:
            return self.quirks[recipient].pop(0)
        return self.always if self.always and self.always.at != "mail" else None

    def _step(self, quirk: Quirk | None, at: Step, usual: str, line: socket.socket, say) -> bool:  # noqa: ANN001
        if quirk and quirk.at == at:
            return self._act(quirk, at, line, say)
        say(usual)
        return True

    def _act(self, quirk: Quirk | None, at: Step, line: socket.socket, say) -> bool:  # noqa: ANN001
        """Behave as the quirk says; False when the line is gone."""
        if quirk is None or quirk.at != at:
            return True
        time.sleep(quirk.wait)
        if not quirk.say:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            return False
        say(quirk.say)
        return not quirk.say.startswith("421")
