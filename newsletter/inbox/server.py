"""The inbox's mail server (aiosmtpd): takes every message on this machine, puts a copy down for each recipient."""

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

from aiosmtpd.smtp import SMTP, Envelope, Session

from newsletter.inbox import maildir

HOST = "127.0.0.1"
SIZE_LIMIT = 25 * 1024 * 1024  # bytes; announced as SIZE, refused with 552 beyond


class Keeper:
    """Answers the end of DATA: 250 once every copy has its name in the Maildir, 451 when the disk refuses."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  (aiosmtpd's)
        content = envelope.content or b""
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogateescape")
        now = datetime.now(UTC)
        try:
            for recipient in envelope.rcpt_tos:
                maildir.put(self._folder, content, sender=envelope.mail_from or "", recipient=recipient, now=now)
        except OSError as error:
            return f"451 4.3.0 Cannot keep it: {error.strerror}"
        return "250 2.0.0 Kept"


def serve(folder: Path, *, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    asyncio.run(_until_told(folder, port))


@contextmanager
def in_background(folder: Path, *, port: int = 0) -> Iterator[int]:
    """Serve in a thread of this process while the block runs; gives the port (0 takes a free one)."""
    opened: list[int | OSError] = []
    ready, loop = Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def work() -> None:
        try:
            server = await _open(folder, port)
        except OSError as error:
            opened.append(error)
            return
        opened.append(server.sockets[0].getsockname()[1])
        ready.set()
        await stop.wait()
        await _close(server)

    def run() -> None:
        try:
            loop.run_until_complete(work())
        finally:
            loop.close()
            ready.set()

    thread = Thread(target=run, name="inbox", daemon=True)
    thread.start()
    ready.wait()
    answer = opened[0] if opened else OSError("it did not start")
    if isinstance(answer, OSError):
        raise OSError(f"The inbox cannot listen on port {port} of {HOST}: {answer.strerror}.") from answer
    try:
        yield answer
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=5)


async def _until_told(folder: Path, port: int) -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    server = await _open(folder, port)
    await told.wait()
    await _close(server)


async def _open(folder: Path, port: int) -> asyncio.Server:
    maildir.create(folder)
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd tells every command
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(
            Keeper(folder),
            hostname="localhost",  # else it asks the resolver for our own name
            ident="newsroom inbox",
            enable_SMTPUTF8=True,
            data_size_limit=SIZE_LIMIT,
            loop=loop,
        )

    return await loop.create_server(protocol, HOST, port)


async def _close(server: asyncio.Server) -> None:
    """Stop listening and drop who is still connected: a sender with an open connection must not hold us up."""
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
