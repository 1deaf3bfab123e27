"""A scenario: a house that somebody saved under a name, to come back to it and to replay it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from core.domain.errors import InvalidScenario
from core.domain.house import House
from core.domain.price_range import PriceRange

LONGEST_NAME: Final = 200
LONGEST_NOTE: Final = 20_000
"""Characters: a note is a few paragraphs. A longer one is refused, never cut."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A saved house. ``created`` and ``changed`` are in UTC; names need not differ, ``scenario_id`` does."""

    scenario_id: str
    name: str
    note: str
    house: House
    author: str
    created: datetime
    changed: datetime


@dataclass(frozen=True, slots=True)
class PricedScenario:
    """A house under its name with what one version says of it, to be set beside others; prices in 1990 USD."""

    name: str
    price: float
    price_range: PriceRange | None


def scenario_name(text: str) -> str:
    """A name as it is kept: one line.

    Raises:
        InvalidScenario: it is empty, or longer than is kept.
    """
    name = " ".join(_whole(text).split())
    if not name:
        raise InvalidScenario("A scenario needs a name.", remedy="Give it a name you will know it by.")
    _check_length("name", name, LONGEST_NAME)
    return name


def scenario_note(text: str) -> str:
    """A note as it is kept: whole, lines and all.

    Raises:
        InvalidScenario: it is longer than is kept.
    """
    _check_length("note", text, LONGEST_NOTE)
    return _whole(text)


def _check_length(what: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise InvalidScenario(
            f"The {what} has {len(text):,} characters, and {longest:,} are kept.",
            remedy="Say it shorter, or keep the long text elsewhere and name the place.",
        )


def _whole(text: str) -> str:
    """Without halves of letters, which no file and no screen takes."""
    return text.encode("utf-8", "replace").decode()
