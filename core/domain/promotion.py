"""The words of promotion: gates, the verdict over them, and the ledger's entries."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from core.domain.runs import Alias
from core.domain.settings import PromotionSettings, Settings, Thresholds

LONGEST_REASON: Final = 1_000

THE_LAB: Final = "the lab"
"""Who did what nobody did: finishing what a crash cut off."""

SOMEBODY_OUTSIDE: Final = "unknown"
"""Who moved an alias outside the lab: MLflow keeps neither the name nor the time."""


class Stage(StrEnum):
    """What a version is used for; it follows from who holds and who held the aliases."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"
    ARCHIVED = "archived"


class Act(StrEnum):
    """Why an alias moved."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"
    CHANGED_OUTSIDE = "changed outside"
    RECONCILED = "reconciled"


class GateName(StrEnum):
    """The seven gates, in the order they are told."""

    THRESHOLDS = "thresholds"
    CHAMPION = "not worse than the champion"
    NO_HARM = "no region or price band harmed"
    SPATIAL = "spatial score"
    LINEAGE = "lineage"
    LOADS = "loads and predicts"
    REQUOTE = "re-quote preview"


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate with its figures. One that is not ``overridable`` holds against every reason."""

    name: str
    passed: bool
    detail: str
    overridable: bool = True

    def as_report(self) -> dict[str, object]:
        """The terminal's JSON, and what the ledger keeps."""
        return {"name": str(self.name), "passed": self.passed, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class MovedPrice:
    """A price under the champion and under the candidate, both in 1990 USD."""

    house: str
    before: float
    after: float

    @property
    def percent(self) -> float:
        """By how much it moves, in percent of the price before; infinite from a price of nothing."""
        if self.before == 0:
            return 0.0 if self.after == 0 else math.copysign(math.inf, self.after)
        return 100.0 * (self.after - self.before) / abs(self.before)


@dataclass(frozen=True, slots=True)
class Requote:
    """How prices move with the candidate: ``moved`` of ``houses`` by more than ``percent``.

    ``most`` are those that move farthest, the farthest first. ``scenarios`` of the houses were saved by somebody, the
    others are block groups drawn by a fixed seed. ``saved`` are the saved ones, moved or not, the newest first;
    ``missing`` says in a sentence why they are not there.
    """

    houses: int
    scenarios: int
    moved: int
    percent: float
    most: tuple[MovedPrice, ...] = ()
    saved: tuple[MovedPrice, ...] = ()
    missing: str = ""

    @property
    def moved_percent(self) -> float:
        """The share of houses that move, in percent."""
        return 100.0 * self.moved / self.houses if self.houses else 0.0


@dataclass(frozen=True, slots=True)
class Claim:
    """Which alias is wanted, and how things stood when the verdict was made.

    Attributes:
        previous: the version that held the alias; None for nobody.
        seen: the number of the alias's newest ledger entry then, 0 for none.
        champion_seen: the same of the champion's: what the candidate was judged against.
    """

    alias: Alias
    previous: str | None
    seen: int
    champion_seen: int


@dataclass(frozen=True, slots=True)
class PromotionVerdict:
    """What the gates say of one version, judged against one champion (None: there was none)."""

    version: str
    sha256: str
    champion: str | None
    claim: Claim
    gates: tuple[Gate, ...]
    preview: Requote | None = None

    @property
    def alias(self) -> Alias:
        return self.claim.alias

    @property
    def previous(self) -> str | None:
        """The version that held the alias; for ``champion`` the very version it was judged against."""
        return self.claim.previous

    @property
    def passed(self) -> bool:
        """Whether every one of the gates is there and passed."""
        passed = {gate.name for gate in self.gates if gate.passed}
        return not self.failed and passed >= set(GateName)

    @property
    def failed(self) -> tuple[Gate, ...]:
        return tuple(gate for gate in self.gates if not gate.passed)

    @property
    def overridable(self) -> bool:
        """Whether a reason would do."""
        return all(gate.overridable for gate in self.failed) and {gate.name for gate in self.gates} >= set(GateName)

    def as_report(self, *, promoted: bool) -> dict[str, object]:
        """The terminal's JSON document."""
        return {
            "promoted": promoted,
            "version": self.version,
            "alias": str(self.alias),
            "previous": self.previous,
            "gates": [gate.as_report() for gate in self.gates],
        }


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One line of the ledger: an alias moved. ``version_from`` and ``version_to`` are None for nobody.

    ``predecessor`` is the number of the alias's entry before, 0 for the first. ``hash`` is over the whole line and
    the hash of the line before (``previous_hash``).
    """

    number: int
    when: datetime
    who: str
    act: str
    alias: str
    version_from: str | None
    version_to: str | None
    reason: str
    override: bool
    gates: tuple[Gate, ...]
    predecessor: int
    previous_hash: str
    hash: str

    @property
    def sentence(self) -> str:
        """``champion: version 3 → version 4``."""
        return f"{self.alias}: {_named(self.version_from)} → {_named(self.version_to)}"

    def as_report(self) -> dict[str, object]:
        """JSON values only."""
        return {
            "number": self.number,
            "when": self.when.isoformat(),
            "who": self.who,
            "act": str(self.act),
            "alias": self.alias,
            "from": self.version_from,
            "to": self.version_to,
            "reason": self.reason,
            "override": self.override,
            "gates": [gate.as_report() for gate in self.gates],
            "previous_hash": self.previous_hash,
            "hash": self.hash,
        }


@dataclass(frozen=True, slots=True)
class StageChange:
    """One line of the ledger as registry.json mirrors it at a version: JSON values only."""

    entry: int
    when: str
    who: str
    act: str
    alias: str
    stage: str
    reason: str
    override: bool
    hash: str


@dataclass(frozen=True, slots=True)
class Tenure:
    """Who held an alias from when to when; ``until`` is None while it lasts. ``version`` is None for nobody."""

    version: str | None
    since: datetime
    until: datetime | None
    entry: LedgerEntry


@dataclass(frozen=True, slots=True)
class Policy:
    """What the gates go by."""

    thresholds: Thresholds
    rules: PromotionSettings

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        return cls(settings.evaluation.thresholds, settings.promotion)


def gates_from(reports: Sequence[Mapping[str, object]]) -> tuple[Gate, ...]:
    """Gates back from :meth:`Gate.as_report`."""
    return tuple(Gate(str(one["name"]), bool(one["passed"]), str(one["detail"])) for one in reports)


def _named(version: str | None) -> str:
    return f"version {version}" if version else "nobody"
