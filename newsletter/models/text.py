"""What may stand in a line of a mail's header, and which zones there are."""

import zoneinfo

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

header_line = RegexValidator(
    r"\A[^\x00-\x1f\x7f\u2028\u2029]*\Z",
    "Keep this on one line: line breaks and control characters are not allowed in a mail's header.",
    code="control_characters",
)


def is_zone(value: str) -> bool:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def iana_zone(value: str) -> None:
    if not is_zone(value):
        raise ValidationError(f"“{value}” is no time zone. Use an IANA name such as Europe/Brussels.")
