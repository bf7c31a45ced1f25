"""`python -m benchmarks.null_server PORT PROCESSES`: takes mail and throws it away, looking only for the end of DATA.

So that the sender is measured and not the server: smtp-sink reads the content byte by byte. Speaks SMTP with
PIPELINING. What may follow a message's dot in one read is at most the next envelope, since content waits for the 354:
so only the last bytes are looked at.
"""

import os
import selectors
import socket
import sys

_END = b"\r\n.\r\n"
_ENVELOPE = 1_200  # more than MAIL, RCPT and DATA of one message take
_BUFFER = 512 * 1024


class Client:
    """One connection: lines until DATA, then everything up to the dot."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._in_data = False
        self._rest = b""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.send(b"220 null ESMTP\r\n")

    def read(self, buffer: memoryview) -> bool:
        """Answer what has come; False when the other side is gone."""
        size = self.connection.recv_into(buffer)
        if not size:
            return False
        self._rest += bytes(buffer[max(0, size - _ENVELOPE) : size]) if self._in_data else bytes(buffer[:size])
        replies: list[bytes] = []
        if self._in_data:
            self._find_dot(replies)
        if not self._in_data:
            self._commands(replies)
        if replies:
            self.connection.sendall(b"".join(replies))
        return b"221" not in replies

    def _find_dot(self, replies: list[bytes]) -> None:
        end = self._rest.find(_END, max(0, len(self._rest) - _ENVELOPE - len(_END)))
        if end < 0:
            self._rest = self._rest[-len(_END) :]
            return
        self._in_data = False
        self._rest = self._rest[end + len(_END) :]
        replies.append(b"250 2.0.0 Ok\r\n")

    def _commands(self, replies: list[bytes]) -> None:
        *lines, self._rest = self._rest.split(b"\r\n")
        for line in lines:
            verb = line[:4].upper()
            if verb == b"DATA":
                self._in_data = True
                replies.append(b"354 go\r\n")
                return
            if verb == b"EHLO":
                replies.append(b"250-null\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 0\r\n")
            elif verb == b"QUIT":
                replies.append(b"221 2.0.0 Bye\r\n")
            else:
                replies.append(b"250 2.1.0 Ok\r\n")


def serve(port: int) -> None:
    selector = selectors.DefaultSelector()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # the kernel deals connections out to us all
    listener.bind(("127.0.0.1", port))
    listener.listen(256)
    selector.register(listener, selectors.EVENT_READ)
    buffer = memoryview(bytearray(_BUFFER))
    while True:
        for key, _ in selector.select():
            if key.data is None:
                connection, _ = listener.accept()
                selector.register(connection, selectors.EVENT_READ, Client(connection))
            else:
                _serve_one(selector, key.data, buffer)


def _serve_one(selector: selectors.BaseSelector, client: Client, buffer: memoryview) -> None:
    try:
        goes_on = client.read(buffer)
    except ConnectionError:
        goes_on = False
    if not goes_on:
        selector.unregister(client.connection)
        client.connection.close()


def main(port: int, processes: int) -> None:
    for _ in range(processes - 1):
        if os.fork() == 0:
            break
    serve(port)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
