"""What somebody wants to see of the runs: which ones, in which order, which page. One value, kept in the address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Final, TypeVar

from core.domain.errors import InvalidFilter
from core.domain.hyperparameters import ModelFamily
from core.domain.runs import RunStatus

PAGE_SIZES: Final = (25, 50, 100, 250)
DEFAULT_SIZE: Final = 100
LARGEST_PAGE: Final = 10_000_000
LONGEST_FILTER: Final = 5_000
"""Characters of a filter: more is no filter somebody wrote."""

_OTHER_WORDS: Final = {
    "metric": "metrics",
    "param": "params",
    "parameter": "params",
    "parameters": "params",
    "tag": "tags",
    "attribute": "attributes",
    "attr": "attributes",
    "run": "attributes",
}
"""What else MLflow takes for the four kinds of columns."""

_BARE_KEY: Final = re.compile(r"[\w.\-/:]+")
_DIGEST_START: Final = re.compile(r"[0-9a-f]{0,64}")


Word = TypeVar("Word", bound=StrEnum)


class RunKind(StrEnum):
    """Trainings have scores on the held-out rows; sweeps and their trials have none."""

    TRAININGS = "trainings"
    SEARCHES = "sweeps and trials"
    ALL = "all"


class Lifecycle(StrEnum):
    """Deleted runs can be restored until MLflow's own ``gc`` takes them."""

    ACTIVE = "active"
    DELETED = "deleted"
    ALL = "all"


class ColumnKind(StrEnum):
    """Where a column's values stand in a run, by MLflow's words."""

    ATTRIBUTE = "attributes"
    METRIC = "metrics"
    PARAM = "params"
    TAG = "tags"


@dataclass(frozen=True, slots=True, order=True)
class Column:
    """A column of the run table: ``metrics.rmse``, ``params.max_depth``, ``attributes.duration``."""

    kind: ColumnKind
    key: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.key if _BARE_KEY.fullmatch(self.key) else f'`{self.key}`'}"

    @classmethod
    def parse(cls, text: str) -> Column:
        """The column back from its text; one pair of backticks around the key is taken off, as MLflow does.

        Raises:
            InvalidFilter: the text names none.
        """
        kind, dot, key = text.strip().partition(".")
        if not dot and kind in SORTABLE_ATTRIBUTES:
            kind, dot, key = ColumnKind.ATTRIBUTE, ".", kind
        kind = _OTHER_WORDS.get(kind, kind)
        if len(key) > 2 and key[0] == key[-1] == "`":
            key = key[1:-1]
        if not dot or not key or kind not in set(ColumnKind):
            raise InvalidFilter(
                f"{text[:80]!r} names no column.",
                remedy="Write metrics.rmse, params.max_depth, tags.name, or attributes.start_time.",
            )
        if kind == ColumnKind.ATTRIBUTE and key not in SORTABLE_ATTRIBUTES:
            raise InvalidFilter(
                f"Runs have no attribute {key[:80]!r}.", remedy=f"They have {', '.join(SORTABLE_ATTRIBUTES)}."
            )
        return cls(ColumnKind(kind), key)


SORTABLE_ATTRIBUTES: Final = ("start_time", "end_time", "duration", "run_name", "status")


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """A column over the runs of a query: how many have it, and whether it tells any two of them apart."""

    column: Column
    runs: int
    varies: bool


@dataclass(frozen=True, slots=True)
class Order:
    """By which column rows are sorted. Missing values and NaN come last either way."""

    column: Column
    descending: bool = False

    def __str__(self) -> str:
        return f"{self.column} {'DESC' if self.descending else 'ASC'}"

    @classmethod
    def parse(cls, text: str) -> Order:
        """``metrics.rmse``, ``metrics.rmse DESC``, as MLflow writes it.

        Raises:
            InvalidFilter: the text is no order.
        """
        words = text.strip()
        head, _, last = words.rpartition(" ")
        direction = last.upper() if head.strip() else ""
        name = head if direction in ("ASC", "DESC") else words
        return cls(Column.parse(name), direction == "DESC")


NEWEST_FIRST: Final = Order(Column(ColumnKind.ATTRIBUTE, "start_time"), descending=True)


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs, in which order, which page.

    Args:
        name: part of the run's name, upper and lower case alike.
        families, statuses: any of these; empty for all.
        data: the start of the data's SHA-256 in hexadecimal digits; empty for all.
        kind: trainings, sweeps and their trials, or both. lifecycle: runs that are there, deleted, or both.
        filter_text: MLflow's own filter, e.g. ``metrics.rmse < 50000 and params.max_depth = '20'``; it comes on
            top of all others.
        order: by what the rows are sorted. page: from 1. size: rows a page.

    Raises:
        InvalidFilter: by the constructor, when a value is none that could stand there.
    """

    name: str = ""
    families: tuple[ModelFamily, ...] = ()
    statuses: tuple[RunStatus, ...] = ()
    data: str = ""
    kind: RunKind = RunKind.TRAININGS
    lifecycle: Lifecycle = Lifecycle.ACTIVE
    filter_text: str = ""
    order: Order = NEWEST_FIRST
    page: int = 1
    size: int = DEFAULT_SIZE

    def __post_init__(self) -> None:
        if max(len(self.filter_text), len(self.name)) > LONGEST_FILTER:
            raise InvalidFilter(
                f"The filter is longer than {LONGEST_FILTER:,} characters.", remedy="Shorten the filter."
            )
        if not _DIGEST_START.fullmatch(self.data):
            raise InvalidFilter(
                f"{self.data[:80]!r} is not the start of a SHA-256.",
                remedy="Give its first hexadecimal digits, in small letters.",
            )
        if not 1 <= self.page <= LARGEST_PAGE or not 1 <= self.size <= max(PAGE_SIZES):
            raise InvalidFilter(
                f"There is no page {self.page:,} of {self.size:,} rows.",
                remedy=f"Pages count from 1, and hold at most {max(PAGE_SIZES)} rows.",
            )

    @property
    def offset(self) -> int:
        """Rows before this page."""
        return (self.page - 1) * self.size

    @property
    def is_filtered(self) -> bool:
        """Whether it leaves runs out that the table shows by default."""
        return replace(self, order=NEWEST_FIRST, page=1, size=DEFAULT_SIZE) != RunQuery()

    def at(self, page: int) -> RunQuery:
        """The same runs, another page of them."""
        return replace(self, page=page)

    def as_address(self) -> dict[str, str]:
        """The query as an address holds it; what stands at its default is left out."""
        default = RunQuery()
        return {
            field.name: _written(getattr(self, field.name))
            for field in fields(self)
            if getattr(self, field.name) != getattr(default, field.name)
        }

    @classmethod
    def from_address(cls, address: Mapping[str, str]) -> RunQuery:
        """The query back from an address; names that are none of its own are passed over.

        Raises:
            InvalidFilter: a value is none that could stand there.
        """
        given = {field.name: address[field.name] for field in fields(cls) if field.name in address}
        try:
            return cls(**{name: _read(name, text) for name, text in given.items()})  # type: ignore[arg-type]
        except ValueError as error:
            raise InvalidFilter(
                f"The address asks for something runs do not have: {str(error)[:200]}.",
                remedy="Open Runs from the navigation, and choose again.",
            ) from error


def _written(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _read(name: str, text: str) -> object:
    match name:
        case "families":
            return tuple(_one_of(ModelFamily, part) for part in text.split(",") if part)
        case "statuses":
            return tuple(_one_of(RunStatus, part) for part in text.split(",") if part)
        case "kind":
            return _one_of(RunKind, text)
        case "lifecycle":
            return _one_of(Lifecycle, text)
        case "order":
            return Order.parse(text)
        case "page" | "size":
            return _whole(name, text)
        case _:
            return text


def _one_of(words: type[Word], text: str) -> Word:
    try:
        return words(text)
    except ValueError:
        raise ValueError(f"{text[:80]!r} is none of {', '.join(words)}") from None


def _whole(name: str, text: str) -> int:
    if not text.isdecimal() or len(text) > len(str(LARGEST_PAGE)):
        raise ValueError(f"{name} {text[:80]!r} is no whole number from 1 up")
    return int(text)
