"""The tables and the demo, before and while the parts start. Leaves no connection open: the children make their own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from config.up import CannotStart


def migrate(*, say: Callable[[str], None]) -> None:
    """Apply what is missing; asking costs a third of a second, where Django's own command takes three."""
    with _connected():
        executor = MigrationExecutor(connection)
        if waiting := executor.migration_plan(executor.loader.graph.leaf_nodes()):
            say(f"database: {len(waiting)} migrations to apply")
            call_command("migrate", interactive=False, verbosity=0)


def load_demo() -> None:
    """The demo, if it is not there yet. Its newsletter is one transaction: parts that run see all of it or nothing."""
    with _connected():
        call_command("demo")


def demo_password_holds() -> bool:
    """Whether the demo's editor still signs in with the password of the first start."""
    with _connected():
        editor = get_user_model().objects.filter(username="editor").first()
        return editor is not None and editor.check_password(settings.DEMO_PASSWORD)


@contextmanager
def _connected() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise CannotStart(f"The database does not answer ({str(error).strip()}). Look at DATABASE_URL.") from error
    finally:
        connections.close_all()
