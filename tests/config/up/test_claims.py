import multiprocessing
import os
import socket
from pathlib import Path

import pytest

from config.up import CannotStart, claims
from tests.parts import free_port


def test_a_taken_port_is_named_with_the_variable_that_changes_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"Port {port} on 127\.0\.0\.1 is in use\. Set INBOX_PORT to another"):
            claims.ports_are_free(host="127.0.0.1", ports={"PORT": free_port(), "INBOX_PORT": port})


def test_one_port_for_two_servers_is_refused() -> None:
    port = free_port()
    with pytest.raises(CannotStart, match=f"PORT and INBOX_PORT are both {port}"):
        claims.ports_are_free(host="127.0.0.1", ports={"PORT": port, "INBOX_PORT": port})


def test_a_port_just_left_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as caller:
            holder.accept()[0].close()  # the server's side closes first: the port waits in TIME_WAIT
            caller.recv(1)
    claims.ports_are_free(host="127.0.0.1", ports={"PORT": port})


def test_a_second_copy_on_one_state_folder_is_refused_naming_the_first(tmp_path: Path) -> None:
    with (
        claims.state_folder(tmp_path),
        pytest.raises(CannotStart, match=rf"Another copy \(process {os.getpid()}\) is running on VAR_DIR={tmp_path}"),
        claims.state_folder(tmp_path),
    ):
        pass


def test_the_folder_is_free_again_after_an_end_of_any_kind(tmp_path: Path) -> None:
    held = multiprocessing.get_context("fork").Process(target=_hold_and_die, args=(tmp_path,))
    held.start()
    held.join()
    assert held.exitcode == 9
    with claims.state_folder(tmp_path):
        assert (tmp_path / "up.lock").read_text() == str(os.getpid())


def _hold_and_die(folder: Path) -> None:
    with claims.state_folder(folder):
        os._exit(9)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(CannotStart, match=r"VAR_DIR=.*/file/var cannot be written"),
        claims.state_folder(tmp_path / "file" / "var"),
    ):
        pass
