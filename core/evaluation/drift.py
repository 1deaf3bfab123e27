"""Drift: how far the rows of a file have moved from the rows a model was fitted on, feature by feature.

The population stability index over the deciles of the training rows, with its usual bounds: below 0.1 no shift, from
0.25 on a great one (Lewis, E. M.: An Introduction to Credit Scoring, 1992; Siddiqi, N.: Credit Risk Scorecards, 2006).
Rows that are alike have an index as well, by chance alone: with B bins, (1/n + 1/m) times a chi-square of B − 1 degrees
(Yurdakul, B. and Naranjo, J.: Statistical properties of the population stability index, Journal of Risk Model
Validation 14(4), 2020). What its 95 % quantile explains is not called a shift. The Kolmogorov-Smirnov distance is
exact: the greatest difference between the two shares of rows up to any value.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from core.domain.house import FEATURES, NUMERIC_COLUMNS, OceanProximity
from core.domain.money import decimal
from core.features.direct import HouseRows

SHIFTED_FROM: Final = 0.1
VERY_DIFFERENT_FROM: Final = 0.25

_BINS: Final = 10
_CHANCE: Final = 0.95
_HALF_A_ROW: Final = 0.5
"""What each bin is given beside its rows, so that an empty one is rare and not impossible."""

_CATEGORY: Final = "ocean_proximity"
_CLASSES: Final = tuple(place.value for place in OceanProximity)

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


class DriftVerdict(StrEnum):
    """What an index amounts to."""

    LIKE = "like the training rows"
    SHIFTED = "shifted"
    VERY_DIFFERENT = "very different"
    TOO_FEW = "too few rows to say"


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """How far one feature has moved. Shares are from 0 to 1, of the rows that were counted.

    Attributes:
        feature: the raw feature.
        rows: how many rows were counted.
        psi: the population stability index of those that have a value; None where none has.
        ks: the Kolmogorov-Smirnov distance, 0 to 1; None for ``ocean_proximity``, and where no row has a value.
        missing: without a value; missing_before: of the training rows.
        outside: below the least or above the greatest value of the training rows; 0 for ``ocean_proximity``.
        unseen: in a class that no training row has; 0 for numbers.
        verdict: the word for it. text: a sentence for people.
    """

    feature: str
    rows: int
    psi: float | None
    ks: float | None
    missing: float
    missing_before: float
    outside: float
    unseen: float
    verdict: DriftVerdict
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class DriftBaseline:
    """What rows are compared with: the training rows, in a form in which any number of others can be counted.

    Attributes:
        values: each numeric feature's distinct values, ascending, in the order of ``NUMERIC_COLUMNS``.
        sketch: the training rows' own counts.
    """

    values: tuple[Floats, ...]
    sketch: DriftSketch

    @classmethod
    def of(cls, rows: HouseRows) -> Self:
        """From the training rows, at least one."""
        columns = (rows.numbers[:, number] for number in range(len(NUMERIC_COLUMNS)))
        values = tuple(np.unique(column[~np.isnan(column)]) for column in columns)
        return cls(values, _counted(rows, values))

    def count(self, rows: HouseRows) -> DriftSketch:
        """The sketch of some rows: half a megabyte for the rows of 1990, however many are counted."""
        return _counted(rows, self.values)


@dataclass(frozen=True, slots=True, eq=False)
class DriftSketch:
    """How many rows have what, counted against one baseline: made of chunks and added up, in bounded memory.

    Attributes:
        rows: how many were counted.
        cells: by numeric feature, how many rows lie below its first training value, at it, between it and the second,
            at that, and so on to those above the last; shape (2 d + 1,) for d values.
        missing: rows without a value by numeric feature, shape (8,). places: rows by ``ocean_proximity``, shape (5,).
    """

    rows: int
    cells: tuple[Counts, ...]
    missing: Counts
    places: Counts

    def __add__(self, other: DriftSketch) -> DriftSketch:
        """Both together; they must be of one baseline."""
        cells = tuple(mine + theirs for mine, theirs in zip(self.cells, other.cells, strict=True))
        return DriftSketch(self.rows + other.rows, cells, self.missing + other.missing, self.places + other.places)


def drift(sketch: DriftSketch, baseline: DriftBaseline) -> tuple[FeatureDrift, ...]:
    """The drift of each raw feature, numbers first, in the data file's order."""
    numbers = [_of_number(number, sketch, baseline) for number in range(len(NUMERIC_COLUMNS))]
    return (*numbers, _of_category(sketch, baseline))


def _counted(rows: HouseRows, values: tuple[Floats, ...]) -> DriftSketch:
    cells, missing = [], []
    for number, known in enumerate(values):
        column = rows.numbers[:, number]
        present = column[~np.isnan(column)]
        cell = np.searchsorted(known, present, side="left") + np.searchsorted(known, present, side="right")
        cells.append(np.bincount(cell, minlength=2 * len(known) + 1).astype(np.int64))
        missing.append(len(column) - len(present))
    places = np.bincount(rows.places, minlength=len(_CLASSES)).astype(np.int64)
    return DriftSketch(len(rows), tuple(cells), np.array(missing, dtype=np.int64), places)


def _of_number(number: int, sketch: DriftSketch, baseline: DriftBaseline) -> FeatureDrift:
    feature, values = FEATURES[NUMERIC_COLUMNS[number]], baseline.values[number]
    cells, before = sketch.cells[number], baseline.sketch.cells[number]
    ends = _decile_cells(before)
    moved = _moved(_in_bins(cells, ends), _in_bins(before, ends))
    missing = _share(sketch.missing[number], sketch.rows)
    missing_before = _share(baseline.sketch.missing[number], baseline.sketch.rows)
    outside = _share(cells[0] + cells[-1], sketch.rows)
    told = [f"{feature.label}: {moved.words}"]
    if moved.is_shift:
        bounds = [decimal(values[end // 2 - 1], feature.shown_digits) for end in ends]
        told.append(moved.sentence(_span(bounds, moved.worst)))
    if missing > missing_before:
        told.append(f"{_percent(missing).capitalize()} of the rows have no value.")
    if outside > 0:
        low, high = (decimal(end, feature.shown_digits) for end in (values[0], values[-1]))
        told.append(f"{_percent(outside).capitalize()} lie outside the {low} to {high} of the training rows.")
    return FeatureDrift(
        feature=feature.name,
        rows=sketch.rows,
        psi=moved.psi,
        ks=_distance(cells, before) if moved.psi is not None else None,
        missing=missing,
        missing_before=missing_before,
        outside=outside,
        unseen=0.0,
        verdict=moved.verdict,
        text=" ".join(told),
    )


def _of_category(sketch: DriftSketch, baseline: DriftBaseline) -> FeatureDrift:
    before = baseline.sketch.places
    known = before > 0
    moved = _moved(sketch.places[known], before[known])
    unseen = _share(sketch.places[~known].sum(), sketch.rows)
    told = [f"{FEATURES[_CATEGORY].label}: {moved.words}"]
    if moved.is_shift:
        told.append(moved.sentence(str(np.array(_CLASSES)[known][moved.worst])))
    if unseen > 0:
        told.append(f"{_percent(unseen).capitalize()} of the rows are in a class that no training row has.")
    return FeatureDrift(
        feature=_CATEGORY,
        rows=sketch.rows,
        psi=moved.psi,
        ks=None,
        missing=0.0,
        missing_before=0.0,
        outside=0.0,
        unseen=unseen,
        verdict=moved.verdict,
        text=" ".join(told),
    )


@dataclass(frozen=True, slots=True)
class _Moved:
    """What the counts in bins say. ``worst`` is the bin that moved most, ``share`` (0 to 1) what it holds."""

    psi: float | None
    verdict: DriftVerdict
    worst: int
    share: float
    share_before: float

    @property
    def words(self) -> str:
        """The verdict with its figure, as half a sentence."""
        return "no value to compare." if self.psi is None else f"{self.verdict} (stability index PSI {self.psi:.2f})."

    def sentence(self, span: str) -> str:
        """What moved most: a bin in words, and how many rows are in it now and in the training rows."""
        share, before = _percent(self.share), _percent(self.share_before)
        return f"{share.capitalize()} of the rows are {span}, of the training rows {before}."

    @property
    def is_shift(self) -> bool:
        return self.verdict in {DriftVerdict.SHIFTED, DriftVerdict.VERY_DIFFERENT}


def _moved(bins: Counts, before: Counts) -> _Moved:
    counted, expected = int(bins.sum()), int(before.sum())
    if not counted or not expected:
        return _Moved(None, DriftVerdict.TOO_FEW, 0, 0.0, 0.0)
    now, then = ((one + _HALF_A_ROW) / (one.sum() + _HALF_A_ROW * len(one)) for one in (bins, before))
    terms = (now - then) * np.log(now / then)
    psi, worst = float(terms.sum()), int(terms.argmax())
    verdict = _verdict(psi, counted, expected, len(bins))
    return _Moved(psi, verdict, worst, float(bins[worst]) / counted, float(before[worst]) / expected)


def _verdict(psi: float, rows: int, rows_before: int, bins: int) -> DriftVerdict:
    from scipy.special import chdtri

    by_chance = (1 / rows + 1 / rows_before) * float(chdtri(max(1, bins - 1), 1 - _CHANCE))
    if psi < SHIFTED_FROM:
        return DriftVerdict.LIKE
    if psi <= by_chance:
        return DriftVerdict.TOO_FEW
    return DriftVerdict.SHIFTED if psi < VERY_DIFFERENT_FROM else DriftVerdict.VERY_DIFFERENT


def _decile_cells(before: Counts) -> Counts:
    """Where each bin but the last ends: the first cell that is no longer in it. Equal deciles make one bin."""
    reached = np.cumsum(before)
    shares = np.arange(1, _BINS) / _BINS
    at = np.searchsorted(reached, shares * reached[-1], side="left")
    ends = np.unique(at + 1)
    return np.asarray(ends[ends < len(before) - 1], dtype=np.int64)


def _in_bins(cells: Counts, ends: Counts) -> Counts:
    return np.asarray(np.add.reduceat(cells, np.concatenate([[0], ends])), dtype=np.int64)


def _distance(cells: Counts, before: Counts) -> float:
    return float(np.abs(np.cumsum(cells) / cells.sum() - np.cumsum(before) / before.sum()).max())


def _span(bounds: list[str], number: int) -> str:
    """A bin in words; each holds its upper end."""
    if number == 0:
        return f"at or below {bounds[0]}" if bounds else "there"
    return f"above {bounds[-1]}" if number == len(bounds) else f"between {bounds[number - 1]} and {bounds[number]}"


def _share(part: float, whole: int) -> float:
    return float(part) / whole if whole else 0.0


def _percent(share: float) -> str:
    return "less than 0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"
