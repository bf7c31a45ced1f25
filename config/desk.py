"""The desk (Django's admin) is loaded where its pages are served, and not in workers, beat or commands.

Its forms, widgets and pages are half of what Django would load at every start; config/urls.py asks for them.
"""

from typing import Any

from django.contrib.admin import autodiscover
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks


class DeskConfig(SimpleAdminConfig):
    def ready(self) -> None:
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(check_desk, checks.Tags.admin)


def check_desk(app_configs: Any, **kwargs: Any) -> list[Any]:
    """Django's own checks of the admin, over all of it, in whatever order the checks run."""
    autodiscover()
    return list(check_admin_app(app_configs, **kwargs))
