"""What text may hold. Stored text is plain: no markup, no icons, no control characters."""

from django.core.validators import RegexValidator

# C0, DEL and C1 controls, and the marks that turn the direction of the text round without being seen.
_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"

one_line = RegexValidator(
    rf"\A[^{_CONTROLS}\t\n\r\u2028\u2029]*\Z",
    "Keep this on one line: line breaks, tabs and control characters are not allowed.",
    code="control_characters",
)
plain_text = RegexValidator(
    rf"\A[^{_CONTROLS}]*\Z",
    "Control characters are not allowed; line breaks and tabs are.",
    code="control_characters",
)
