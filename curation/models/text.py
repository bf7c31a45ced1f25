"""What text may hold. Stored text is plain: no markup, no icons, no control characters."""

from django.core.validators import RegexValidator

one_line = RegexValidator(
    r"\A[^\x00-\x1f\x7f\u2028\u2029]*\Z",
    "Keep this on one line: line breaks, tabs and control characters are not allowed.",
    code="control_characters",
)
plain_text = RegexValidator(
    r"\A[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*\Z",
    "Control characters are not allowed; line breaks and tabs are.",
    code="control_characters",
)
