"""What makes a house implausible: it can be priced, and the reader must know why the price is less sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing about a house that is unlike the data.

    ``features`` names the raw features it is about; ``text`` is a whole sentence that names them and says what
    would be usual. ``key`` is short and stable: it stands in the ``warnings`` column of scored files.
    """

    key: str
    features: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Plausibility:
    """All concerns about one house, the gravest first, and by what factor its price range is widened (1: not)."""

    concerns: tuple[Concern, ...] = ()
    widened: float = 1.0


PLAUSIBLE: Final = Plausibility()
"""Nothing to say against a house."""
