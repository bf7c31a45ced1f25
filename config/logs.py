"""The log format: constant text first, then the ids it is about, so that equal events group and one can be followed."""

import logging.config

IDS = ("story", "edition", "campaign", "chunk", "delivery", "subscriber", "task")


class WithIds(logging.Formatter):
    """Appends the ids given as `extra` (`campaign=3 chunk=7`); never an address or a body."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        ids = " ".join(f"{name}={getattr(record, name)}" for name in IDS if hasattr(record, name))
        detail = getattr(record, "detail", "")
        return " ".join(part for part in (line, ids, detail) if part)


def configure(*, level: str) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"ids": {"()": WithIds, "format": "%(levelname)-7s %(name)s: %(message)s"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "ids"}},
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {name: {"level": level.upper() or "INFO"} for name in ("config", "curation", "newsletter")},
        }
    )
