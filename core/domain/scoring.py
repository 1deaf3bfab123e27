"""Pricing a file of houses, as values: what was asked, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from core.domain.house_columns import ColumnMapping

SCORING_PREFIX: Final = "score-"
LONGEST_FILE_NAME: Final = 200

RANGE_COLUMNS: Final = ("low_80", "high_80", "low_90", "high_90")
PRICE_COLUMNS: Final = ("price", *RANGE_COLUMNS, "warnings")
"""What a priced file has beyond the columns it came with. Money in 1990 USD; a range that is not known is empty."""

REJECTED_COLUMNS: Final = ("row", "reason")
"""What the file of bad rows has before the columns it came with."""


class ScoredFile(StrEnum):
    """The files a scoring on the queue leaves, by their names in its folder."""

    CSV = "priced.csv"
    PARQUET = "priced.parquet"
    REJECTED = "priced.rejected.csv"


@dataclass(frozen=True, slots=True)
class ScoringRequest:
    """A file somebody wants priced. It lies in the job's folder.

    ``file_name`` is what it was called where it came from: a text to show, never a path. ``version`` is MLflow's
    number or a ``v_…`` of the local registry, and ``source`` the sentence that says why that one.
    """

    file_name: str
    columns: ColumnMapping
    version: str
    source: str
    actor: str

    @property
    def title(self) -> str:
        """``scoring houses.csv``: how lists and screens name the job."""
        return f"scoring {self.file_name}"

    def as_payload(self) -> dict[str, object]:
        """JSON values only."""
        return {
            "file_name": self.file_name,
            "columns": self.columns.as_payload(),
            "version": self.version,
            "source": self.source,
            "actor": self.actor,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> ScoringRequest:
        """The request back from :meth:`as_payload`."""
        return cls(
            str(payload["file_name"]),
            ColumnMapping.from_payload(payload["columns"]),
            str(payload["version"]),
            str(payload["source"]),
            str(payload["actor"]),
        )


@dataclass(frozen=True, slots=True)
class Counted:
    """So many rows of which ``what`` is true."""

    what: str
    rows: int


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that was not priced: its number as the file of bad rows has it, and why."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class PriceBar:
    """So many prices from ``low`` up to ``high``, 1990 USD."""

    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True)
class ShareOfRows:
    """The share (0 to 1) of the file's rows and of the training rows that lie in one step of a feature."""

    step: str
    here: float
    known: float


@dataclass(frozen=True, slots=True)
class FeatureShift:
    """How a feature of the file lies beside the rows a model was fitted on.

    Attributes:
        feature: the raw feature.
        measure: the population stability index of ``core.evaluation.drift``; None where it cannot be said.
        verdict: the word for it. is_notable: whether a reader should know. sentence: the same for people.
        steps: both distributions, step by step.
    """

    feature: str
    measure: float | None
    verdict: str
    is_notable: bool
    sentence: str
    steps: tuple[ShareOfRows, ...] = ()

    @classmethod
    def from_report(cls, report: Mapping[str, Any]) -> FeatureShift:
        """The shift back from its dictionary."""
        return cls(**{**report, "steps": tuple(ShareOfRows(**step) for step in report["steps"])})


@dataclass(frozen=True, slots=True)
class ScoringReport:
    """What came of pricing a file.

    Attributes:
        version: which priced it; ``source`` is the sentence that says why that one.
        rows: all of the file; each is either ``priced`` or ``rejected``.
        reasons: of the rejected rows, the commonest first; a row may have several.
        warned: priced rows with a warning; ``warnings`` counts each kind by its key, the commonest first.
        mean_price, median_price: 1990 USD; None when nothing was priced.
        bars: the prices' distribution.
        first_rejected: the first of the rejected rows.
        drift: each feature beside the training rows; empty where they could not be compared.
        files: what was written, by name.
        seconds: from opening the file to its end, without loading the model.
        notes: what else the reader must know.
    """

    version: str
    source: str
    rows: int
    priced: int
    rejected: int
    reasons: tuple[Counted, ...]
    warned: int
    warnings: tuple[Counted, ...]
    mean_price: float | None
    median_price: float | None
    bars: tuple[PriceBar, ...]
    first_rejected: tuple[RejectedRow, ...]
    drift: tuple[FeatureShift, ...]
    files: tuple[str, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def warned_share(self) -> float | None:
        """Between 0 and 1; None when nothing was priced."""
        return self.warned / self.priced if self.priced else None

    def as_report(self) -> dict[str, object]:
        """JSON values only: what the queue keeps."""
        return asdict(self)

    @classmethod
    def from_report(cls, report: Mapping[str, Any]) -> ScoringReport:
        """The report back from :meth:`as_report`."""
        kinds = {
            "reasons": Counted,
            "warnings": Counted,
            "bars": PriceBar,
            "first_rejected": RejectedRow,
        }
        made = {name: tuple(kind(**one) for one in report[name]) for name, kind in kinds.items()}
        drift = tuple(FeatureShift.from_report(one) for one in report["drift"])
        files, notes = tuple(report["files"]), tuple(report["notes"])
        return cls(**{**report, **made, "drift": drift, "files": files, "notes": notes})
