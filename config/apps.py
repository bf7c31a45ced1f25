from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Newsroom"

    def ready(self) -> None:
        from config import celery, checks  # noqa: F401  (tasks bind to our app; checks register themselves)
