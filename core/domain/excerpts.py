"""Somebody's text within a sentence of ours: enough of it to be found again, never a megabyte, nothing that acts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

LONGEST: Final = 60
_SHOWN: Final = 12


def excerpt(text: str, longest: int = LONGEST) -> str:
    """The text's first ``longest`` characters, with a mark where it was cut."""
    return text if len(text) <= longest else f"{text[:longest]}…"


def quoted(value: object) -> str:
    """A value as Python writes it, so that no sign of it can turn, break or paint a line; a long one is cut."""
    if isinstance(value, str):
        return repr(value) if len(value) <= LONGEST else f"{value[:LONGEST]!r}…"
    try:
        return excerpt(repr(value))
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        return "a number of thousands of digits"


def enumerated(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``: the lab's own words in a row."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def listed(names: Sequence[str]) -> str:
    """Names by commas, each quoted; of many the first dozen and how many more there are."""
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(quoted(name) for name in names[:_SHOWN]) + more
