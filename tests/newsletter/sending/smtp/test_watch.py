import select
import socket

import pytest

from newsletter.sending.smtp.watch import EpollWatch, SelectorWatch, best_watch
from tests.parts import leave_out


@pytest.fixture(params=[EpollWatch, SelectorWatch])
def watch(request):
    if request.param is EpollWatch and not hasattr(select, "epoll"):
        leave_out("epoll")
    watch = request.param()
    yield watch
    watch.close()


def test_tells_which_socket_can_do_what_is_wanted(watch):
    one, other = socket.socketpair()
    with one, other:
        number = one.fileno()
        watch.add(number, writing=True)
        assert watch.wait(1) == [number]
        watch.change(number, writing=False)
        assert watch.wait(0) == []
        other.send(b"x")
        assert watch.wait(1) == [number]
        watch.drop(number)
        assert watch.wait(0) == []


def test_lets_go_of_a_socket_that_is_closed(watch):
    one, other = socket.socketpair()
    with other:
        number = one.fileno()
        watch.add(number, writing=True)
        one.close()
        watch.drop(number)
        assert watch.wait(0) == []


def test_the_best_is_epoll_where_there_is_one():
    watch = best_watch()
    assert isinstance(watch, EpollWatch) == hasattr(select, "epoll")
    watch.close()
