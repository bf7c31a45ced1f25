"""Which sockets can do something: epoll itself where there is one, for its selector costs five times as much a call."""

import contextlib
import select
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Protocol


class Watch(Protocol):
    """Of sockets by number. Each is watched for reading, and for writing where that is wanted."""

    def add(self, number: int, *, writing: bool) -> None: ...

    def change(self, number: int, *, writing: bool) -> None: ...

    def drop(self, number: int) -> None:
        """Also of a socket that is closed already, as long as its number is nobody else's."""

    def wait(self, seconds: float) -> list[int]:
        """Those that can do something, at the latest after so long."""

    def close(self) -> None: ...


class EpollWatch:
    def __init__(self) -> None:
        self._epoll = select.epoll()

    def add(self, number: int, *, writing: bool) -> None:
        self._epoll.register(number, select.EPOLLIN | select.EPOLLOUT if writing else select.EPOLLIN)

    def change(self, number: int, *, writing: bool) -> None:
        self._epoll.modify(number, select.EPOLLIN | select.EPOLLOUT if writing else select.EPOLLIN)

    def drop(self, number: int) -> None:
        with contextlib.suppress(OSError):  # closing it was enough
            self._epoll.unregister(number)

    def wait(self, seconds: float) -> list[int]:
        return [number for number, _ in self._epoll.poll(seconds)]

    def close(self) -> None:
        self._epoll.close()


class SelectorWatch:
    def __init__(self) -> None:
        self._selector = DefaultSelector()

    def add(self, number: int, *, writing: bool) -> None:
        self._selector.register(number, EVENT_READ | EVENT_WRITE if writing else EVENT_READ)

    def change(self, number: int, *, writing: bool) -> None:
        self._selector.modify(number, EVENT_READ | EVENT_WRITE if writing else EVENT_READ)

    def drop(self, number: int) -> None:
        self._selector.unregister(number)

    def wait(self, seconds: float) -> list[int]:
        return [key.fd for key, _ in self._selector.select(seconds)]

    def close(self) -> None:
        self._selector.close()


def best_watch() -> Watch:
    return EpollWatch() if hasattr(select, "epoll") else SelectorWatch()
