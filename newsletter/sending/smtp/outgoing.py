"""What is to be sent, and how much of it has left: in particular, whether a letter's dot has."""


class Outgoing:
    """Bytes in pieces, so that a message is never copied to stand beside the commands that follow it."""

    __slots__ = ("dot_left", "pieces", "size")

    def __init__(self) -> None:
        self.pieces: list[bytes | memoryview] = []
        self.size = 0
        self.dot_left = 0  # bytes that have not left yet, up to the last one that was marked as a dot

    def put(self, data: bytes) -> None:
        self.pieces.append(data)
        self.size += len(data)

    def mark_dot(self) -> None:
        """The last byte put in ends a letter."""
        self.dot_left = self.size

    def sent(self, count: int) -> None:
        """So many bytes have left."""
        if self.dot_left:
            self.dot_left = max(0, self.dot_left - count)
        self.size -= count
        if not self.size:
            self.pieces.clear()
            return
        while count >= len(self.pieces[0]):
            count -= len(self.pieces.pop(0))
        if count:
            self.pieces[0] = memoryview(self.pieces[0])[count:]
