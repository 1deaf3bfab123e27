"""A cell of a CSV file that somebody will open in a spreadsheet: text stays text there, and runs nothing."""

from __future__ import annotations

import math
import re
from typing import Final

DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the start of a formula (OWASP, "CSV Injection")."""

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def cell(value: str | float | int | bool | None) -> str:
    """The text of one cell, before the quoting of CSV. Missing and NaN → empty.

    A text that a spreadsheet would take for a formula gets an apostrophe in front, unless it is a plain number.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(DANGEROUS) and not _NUMBER.fullmatch(value) else value
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "'-Infinity"
    return str(value)
