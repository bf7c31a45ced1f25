"""A socket that never waits, in the clear or under TLS, and the look-up of where it leads."""

import contextlib
import errno
import os
import socket
import ssl
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from newsletter.sending.smtp.replies import LONGEST_LINE

RECORD = 16_384  # of TLS: a write of at most one record is in the kernel whole, or counts as not written
SEND_BUFFER = 400_000  # bytes: a whole message fits, so that one write carries it

Address = tuple[int, Any]  # family, and what connect() takes


class Lookup:
    """A host's addresses. Looked up in a thread: a resolver can keep one waiting for many seconds."""

    def __init__(self, host: str, port: int) -> None:
        self.addresses: list[Address] = []
        self.fault = ""
        self.is_done = False
        try:
            self.addresses = _addresses(host, port, socket.AI_NUMERICHOST)
            self.is_done = True
        except OSError:  # a name
            threading.Thread(target=self._look_up, args=(host, port), daemon=True).start()

    def _look_up(self, host: str, port: int) -> None:
        try:
            self.addresses = _addresses(host, port, 0)
        except (OSError, UnicodeError) as error:
            self.fault = str(error)
        self.is_done = True


def _addresses(host: str, port: int, flags: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, address) for family, _, _, _, address in found]


@lru_cache(maxsize=1)
def our_name() -> str:
    """What EHLO calls this machine: its full name, or an address literal (RFC 5321 4.1.3) if it has none."""
    name = socket.getfqdn()
    return name if "." in name else "[127.0.0.1]"


class Line:
    """`wants_write`: something waits until the socket takes more. Errors are OSError (ssl.SSLError is one)."""

    __slots__ = ("_socket", "_tls", "has_ended", "wants_write")

    def __init__(self, address: Address) -> None:
        """Begins to connect."""
        family, where = address
        self._tls = False
        self.has_ended = False  # the other side will say no more
        self.wants_write = True
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            fault = self._socket.connect_ex(where)
            if fault not in (0, errno.EINPROGRESS):
                raise OSError(fault, os.strerror(fault))
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def finish_connecting(self) -> None:
        """To be called once the socket can be written."""
        if fault := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(fault, os.strerror(fault))
        self.wants_write = False

    def secure(self, context: ssl.SSLContext, host: str) -> None:
        """TLS from here on, the certificate checked against the host; `shaken` carries the handshake on."""
        self._socket = context.wrap_socket(self._socket, server_hostname=host, do_handshake_on_connect=False)
        self._tls = True

    def shaken(self) -> bool:
        """Whether the handshake is through."""
        self.wants_write = False
        try:
            assert isinstance(self._socket, ssl.SSLSocket)
            self._socket.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLWantWriteError:
            self.wants_write = True
            return False
        return True

    def receive(self) -> bytes:
        """What has arrived, perhaps nothing."""
        if self._tls:
            return self._receive_records()
        try:
            data = self._socket.recv(LONGEST_LINE)
        except BlockingIOError:
            return b""
        self.has_ended = not data
        return data

    def send(self, pieces: Sequence[bytes | memoryview]) -> int:
        """Hand over as many bytes as are taken now; how many."""
        self.wants_write = False
        try:
            if self._tls:
                return self._socket.send(memoryview(pieces[0])[:RECORD])
            return self._socket.sendmsg(pieces)
        except (BlockingIOError, ssl.SSLWantWriteError):
            self.wants_write = True
        except ssl.SSLWantReadError:
            pass
        return 0

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()

    def _receive_records(self) -> bytes:
        """All of them: what TLS has decrypted does not show on the socket."""
        data = bytearray()
        while not self.has_ended:
            try:
                piece = self._socket.recv(RECORD)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLWantWriteError:
                self.wants_write = True
                break
            except OSError:
                if not data:
                    raise
                piece = b""  # what came before still counts
            self.has_ended = not piece
            data += piece
        return bytes(data)
