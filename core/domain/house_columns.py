"""Which column of somebody's table holds which feature: guessed by its name alone, and open to change.

Values are not looked at and units are not guessed: a name that tells another unit (``AveRooms`` is an average a
household, ``income_usd`` no tens of thousands) is no synonym, and its feature counts as missing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from core.domain.errors import InvalidData
from core.domain.excerpts import listed
from core.domain.house import FEATURES, RAW_COLUMNS

_SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "longitude": ("long", "lon", "lng"),
    "latitude": ("lat",),
    "housing_median_age": ("age", "medianage", "medianhouseage", "medianhousingage", "houseage", "housingage"),
    "total_rooms": ("rooms", "nrooms", "numrooms", "numberofrooms", "roomcount", "roomstotal"),
    "total_bedrooms": ("bedrooms", "nbedrooms", "numbedrooms", "numberofbedrooms", "bedroomcount", "bedroomstotal"),
    "population": ("pop", "people", "totalpopulation", "populationtotal"),
    "households": ("household", "hh", "totalhouseholds", "numberofhouseholds", "householdcount", "householdstotal"),
    "median_income": ("income", "medinc", "medianhouseholdincome", "householdincome"),
    "ocean_proximity": ("ocean", "proximity", "oceanprox", "proximitytoocean"),
}
"""Other names of each feature in the same unit, as :func:`_plain` leaves them."""

_HOW_TO_SAY: Final = "Say which column it is: on the Score screen, or with `--map median_income=COLUMN`."
_OPTIONAL: Final = frozenset(name for name in RAW_COLUMNS if FEATURES[name].may_be_missing)


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """The column of each of the nine features, in the order of ``RAW_COLUMNS``.

    None stands for a feature that may be missing and is in no column: ``total_bedrooms`` is then estimated.
    """

    columns: tuple[str | None, ...]

    def __getitem__(self, feature: str) -> str | None:
        return self.columns[RAW_COLUMNS.index(feature)]

    @property
    def renamed(self) -> tuple[tuple[str, str], ...]:
        """(feature, column) where the two are not called the same."""
        return tuple((f, c) for f, c in zip(RAW_COLUMNS, self.columns, strict=True) if c is not None and c != f)

    def as_payload(self) -> dict[str, str | None]:
        """JSON values only."""
        return dict(zip(RAW_COLUMNS, self.columns, strict=True))

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        """The mapping back from :meth:`as_payload`."""
        return cls(tuple(payload[name] for name in RAW_COLUMNS))


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """What the names of a table say.

    Attributes:
        columns: the nine features, each with its column; None where no name says, or more than one does.
        candidates: of those where more than one does, these.
    """

    columns: Mapping[str, str | None]
    candidates: Mapping[str, tuple[str, ...]]


def guess_columns(names: Sequence[str]) -> ColumnGuess:
    """The column of each feature by its name: as it is, but for case and punctuation, or by a synonym.

    The nearer name wins; two equally near ones leave the feature open.
    """
    columns: dict[str, str | None] = {}
    candidates: dict[str, tuple[str, ...]] = {}
    plain = {name: _plain(name) for name in names}
    for feature in RAW_COLUMNS:
        tiers = (
            [name for name in names if name == feature],
            [name for name in names if plain[name] == _plain(feature)],
            [name for name in names if plain[name] in _SYNONYMS[feature]],
        )
        nearest = next((tier for tier in tiers if tier), [])
        columns[feature] = nearest[0] if len(nearest) == 1 else None
        if len(nearest) > 1:
            candidates[feature] = tuple(nearest)
    return ColumnGuess(columns, candidates)


def map_columns(names: Sequence[str], chosen: Mapping[str, str | None] | None = None) -> ColumnMapping:
    """The columns chosen, and for the features nobody chose one for those that the names say.

    Args:
        names: the table's columns. chosen: feature → column; None or empty: it is in no column.

    Raises:
        InvalidData: a feature has no column, or may have several; a chosen feature or column does not exist; one
            column is to be two features.
    """
    said = {feature: column or None for feature, column in (chosen or {}).items()}
    _check_chosen(names, said)
    taken = set(said.values())
    guess = guess_columns([name for name in names if name not in taken])
    found = {feature: said.get(feature, guess.columns[feature]) for feature in RAW_COLUMNS}
    doubtful = {feature: several for feature, several in guess.candidates.items() if feature not in said}
    missing = [
        feature
        for feature in RAW_COLUMNS
        if found[feature] is None and feature not in doubtful and not (feature in said and feature in _OPTIONAL)
    ]
    complaints = [f"{listed(several)} may each be {feature}." for feature, several in doubtful.items()]
    if missing:
        complaints.append(f"The file has no column for {', '.join(missing)}.")
    if complaints:
        only_optional = missing == ["total_bedrooms"]
        left_out = " Without one, `--map total_bedrooms=` has the bedrooms estimated." if only_optional else ""
        raise InvalidData(
            " ".join(complaints),
            where=f"columns: {listed(names)}",
            remedy=_HOW_TO_SAY.replace("median_income", next(iter([*missing, *doubtful]))) + left_out,
        )
    return ColumnMapping(tuple(found[feature] for feature in RAW_COLUMNS))


def _check_chosen(names: Sequence[str], said: Mapping[str, str | None]) -> None:
    strange = [feature for feature in said if feature not in RAW_COLUMNS]
    if strange:
        raise InvalidData(f"No such feature: {listed(strange)}.", remedy=f"The features are {', '.join(RAW_COLUMNS)}.")
    absent = [column for column in said.values() if column is not None and column not in names]
    if absent:
        raise InvalidData(
            f"The file has no column {listed(absent)}.",
            where=f"columns: {listed(names)}",
            remedy="Name columns as the file writes them.",
        )
    left_out = [feature for feature, column in said.items() if column is None and feature not in _OPTIONAL]
    if left_out:
        raise InvalidData(
            f"A house cannot be priced without {', '.join(left_out)}.",
            remedy=f"Name its column; only {', '.join(sorted(_OPTIONAL))} may be left out.",
        )
    columns = [column for column in said.values() if column is not None]
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise InvalidData(
            f"Column {listed(twice)} is to be more than one feature.", remedy="Give each feature a column of its own."
        )


def _plain(name: str) -> str:
    """``Median-Income`` → ``medianincome``."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", name).casefold() if sign.isalnum())
