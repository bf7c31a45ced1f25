"""Readers of the environment that fail loudly: each names the variable, what stood there and what may stand there."""

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    """The variable's value, or the content of the file NAME_FILE points to (for mounted secrets); empty is unset."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE points to {path!r}, which cannot be read: {error}.") from error
    return os.environ.get(name, "").strip() or default


def number(name: str, default: int, *, low: int = 0, high: int = 2**31) -> int:
    value = text(name) or str(default)
    try:
        result = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number from {low} to {high}, not {value!r}.") from None
    if not low <= result <= high:
        raise ImproperlyConfigured(f"{name} must lie from {low} to {high}, not {result}.")
    return result


def port(name: str, default: int) -> int:
    return number(name, default, low=1, high=65535)


def flag(name: str, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value not in {"1", "true", "yes", "on", "0", "false", "no", "off"}:
        raise ImproperlyConfigured(f"{name} must be yes or no (also 1/0, true/false, on/off), not {value!r}.")
    return value in {"1", "true", "yes", "on"}


def address(name: str, default: str, *, schemes: tuple[str, ...]) -> str:
    """An absolute address such as https://news.example.org, without a slash at its end."""
    value = (text(name) or default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in schemes or not parts.netloc:
        kinds = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ImproperlyConfigured(f"{name} must be an address that begins with {kinds}, not {value!r}.")
    return value


def secret(name: str, *, kept_in: Path, size: int = 50) -> str:
    """The secret in the variable NAME, else one made once and kept, readable by its owner alone, in the file `kept_in`.

    `size` is its strength in bytes. Several processes may start at once on an empty folder: the first to create the
    file wins and all read the same.
    """
    if value := text(name):
        return value
    kept_in.parent.mkdir(parents=True, exist_ok=True)
    made = kept_in.with_name(f".{kept_in.name}.{os.getpid()}")
    if not kept_in.exists():
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(size), encoding="utf-8")
        try:
            os.link(made, kept_in)
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return kept_in.read_text(encoding="utf-8").strip()
