"""Everything in one process, for a machine without a broker: web, worker, beat and inbox as threads around Celery's
in-memory transport. What is queued dies with the process; the tick finds due work again in the database."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread

from celery import beat, signals
from celery.worker import WorkController
from celery.worker import state as worker_state
from django.conf import settings
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from config.celery import DEFAULT, SEND, TRANSACTIONAL, app
from config.up.lines import Lines
from config.up.stopping import Stop, Stopped
from newsletter.inbox import server as inbox

STOP_SECONDS = 6.0  # for the tasks that are running
OTHER_TASKS = 6  # threads besides those of the lanes


def run(*, lines: Lines, stop: Stop, prepare: Callable[[], None], welcome: Callable[[], None]) -> int:
    """Stay until asked to stop; the exit code."""
    with ExitStack() as running:
        try:
            prepare()
            if settings.LOCAL_INBOX:
                running.enter_context(inbox.in_background(settings.INBOX_DIR, port=settings.INBOX_PORT))
            running.enter_context(_worker())
            running.enter_context(_beat())
            running.enter_context(_web())
            welcome()
            while True:
                stop.pause()
        except Stopped:
            lines.say("stopping")
    lines.say("stopped")
    return 0


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """No access log, as with gunicorn."""


@contextmanager
def _web() -> Iterator[None]:
    server = ThreadedWSGIServer((settings.BIND, settings.PORT), _Quiet, ipv6=":" in settings.BIND)
    server.set_app(get_wsgi_application())
    Thread(target=server.serve_forever, name="web", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _worker() -> Iterator[None]:
    """A worker of threads on all queues; at the end its tasks have a few seconds to finish."""
    worker = WorkController(
        app=app,
        pool="threads",
        concurrency=settings.LANES + OTHER_TASKS,
        queues=[SEND, TRANSACTIONAL, DEFAULT],
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    signals.worker_init.send(sender=worker)  # Celery's Django part then closes what the tasks leave open
    thread = Thread(target=worker.start, name="worker", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signals.worker_shutting_down.send(sender=worker)
        setattr(worker_state, "should_stop", 0)  # noqa: B010  (Celery's own switch; its stubs know only None)
        thread.join(STOP_SECONDS)


@contextmanager
def _beat() -> Iterator[None]:
    service = beat.Service(app, max_interval=1)
    Thread(target=service.start, name="beat", daemon=True).start()
    try:
        yield
    finally:
        service.stop(wait=True)
