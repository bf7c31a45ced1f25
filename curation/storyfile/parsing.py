"""Bytes to plain values: JSON of a bearable size, each mistake named with its line (pure)."""

import json
import json.decoder
import json.scanner
from typing import Any, NoReturn

from curation.storyfile.problems import StoryFileError

MOST_BYTES = 1_000_000


def parse(data: bytes | str) -> Any:
    """The value the JSON text stands for; raises StoryFileError before any work when the file is too large."""
    refuse_if_too_large(len(data) if isinstance(data, bytes) else len(data.encode("utf-8", "surrogatepass")))
    text = _decode(data)
    decoder = _Decoder()
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        raise StoryFileError([f"line {error.lineno}, column {error.colno}: {error.msg}"]) from None
    except RecursionError:
        raise StoryFileError(["file: is nested too deeply to be a story"]) from None
    except ValueError:  # an integer of thousands of digits, which Python refuses to read
        raise StoryFileError([f"line {_line(text, decoder.at)}: a number has too many digits"]) from None


def refuse_if_too_large(size: int) -> None:
    if size > MOST_BYTES:
        raise StoryFileError([f"file: has {size:,} bytes; a story file has {MOST_BYTES:,} at most"])


def _decode(data: bytes | str) -> str:
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise StoryFileError([f"line {line}: byte {error.start} is not UTF-8; save the file as UTF-8"]) from None


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


class _Decoder(json.JSONDecoder):
    """The standard decoder, which also knows where it is reading and refuses what JSON leaves open."""

    def __init__(self) -> None:
        super().__init__(parse_constant=self._constant)
        self.at = 0
        self.text = ""
        self.parse_object = self._object
        self.parse_array = self._array
        self.parse_string = self._string
        self._scan = json.scanner.py_make_scanner(self)  # type: ignore[attr-defined]  # the C twin ignores parse_object
        self.scan_once = self._scan_here

    def _scan_here(self, text: str, at: int) -> tuple[Any, int]:
        self.at, self.text = at, text
        return self._scan(text, at)

    def _object(self, start: tuple[str, int], strict: bool, _scan: Any, _hook: Any, _pairs: Any, memo: Any) -> Any:
        def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            found = dict(pairs)
            if len(found) < len(pairs):
                keys = [key for key, _ in pairs]
                twice = next(key for key in keys if keys.count(key) > 1)
                self._refuse(f"the key “{twice}” stands twice in the object that begins here", start[1])
            if any(_halved(key) for key in found):
                self._refuse("a key of the object that begins here holds half a character", start[1])
            return found

        return json.decoder.JSONObject(start, strict, self._scan_here, None, once, memo)  # type: ignore[attr-defined]

    def _array(self, start: tuple[str, int], _scan: Any) -> Any:
        return json.decoder.JSONArray(start, self._scan_here)  # type: ignore[attr-defined]

    def _string(self, text: str, at: int, strict: bool) -> tuple[str, int]:
        value, end = json.decoder.scanstring(text, at, strict)  # type: ignore[attr-defined]
        if _halved(value):
            self._refuse("this text holds half a character (an unpaired surrogate); save the file as UTF-8", at)
        return value, end

    def _constant(self, name: str) -> NoReturn:
        self._refuse(f"{name} is not JSON; leave the field out when the number is unknown", self.at)

    def _refuse(self, reason: str, at: int) -> NoReturn:
        raise json.JSONDecodeError(reason, self.text, at)


def _halved(text: str) -> bool:
    """True for half of a surrogate pair: JSON can write it, UTF-8 and the database cannot."""
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)
