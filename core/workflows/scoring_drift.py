"""How the houses of a file lie beside the training rows, gathered while they are priced."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from core.data.block_groups import BlockGroups
from core.domain.house import FEATURES, NUMERIC_COLUMNS, Feature, OceanProximity
from core.domain.money import decimal
from core.domain.scoring import FeatureShift, ShareOfRows
from core.evaluation.drift import DriftBaseline, DriftSketch, DriftVerdict, FeatureDrift, drift
from core.features.direct import HouseRows

_STEPS: Final = 8
_TAIL: Final = 0.02
"""The share of the training rows in each of the two open steps at the ends of a picture."""

Counts = npt.NDArray[np.int64]


class FileDrift:
    """The drift of each feature over the parts of a file; nothing without block groups to compare with."""

    def __init__(self, around: BlockGroups | None) -> None:
        rows = training_rows(around) if around is not None else None
        self._baseline = DriftBaseline.of(rows) if rows else None
        self._sketch: DriftSketch | None = None

    def add(self, rows: HouseRows) -> None:
        """Count rows that were priced."""
        if self._baseline is None or not len(rows):
            return
        counted = self._baseline.count(rows)
        self._sketch = counted if self._sketch is None else self._sketch + counted

    def shifts(self) -> tuple[FeatureShift, ...]:
        """Each feature beside the training rows; nothing where they could not be compared."""
        if self._baseline is None or self._sketch is None:
            return ()
        return shifts_of(self._sketch, self._baseline)


def training_rows(around: BlockGroups) -> HouseRows:
    """The rows models of this split are fitted on."""
    fitted = ~around.is_held_out
    return HouseRows(around.numbers[fitted], around.place_numbers[fitted])


def shifts_of(sketch: DriftSketch, baseline: DriftBaseline) -> tuple[FeatureShift, ...]:
    """Each feature of what was counted beside the training rows."""
    return tuple(_shift(one, sketch, baseline) for one in drift(sketch, baseline))


def _shift(one: FeatureDrift, sketch: DriftSketch, baseline: DriftBaseline) -> FeatureShift:
    feature = FEATURES[one.feature]
    if feature.is_numeric:
        number = NUMERIC_COLUMNS.index(one.feature)
        steps = _steps(feature, baseline.values[number], sketch.cells[number], baseline.sketch.cells[number])
    else:
        names = [place.value for place in OceanProximity]
        steps = _shares(names, sketch.places, baseline.sketch.places)
    return FeatureShift(
        feature=one.feature,
        measure=one.psi,
        verdict=one.verdict.value,
        is_notable=one.verdict in {DriftVerdict.SHIFTED, DriftVerdict.VERY_DIFFERENT},
        sentence=one.text,
        steps=steps,
    )


def _steps(feature: Feature, values: npt.NDArray[np.float64], here: Counts, known: Counts) -> tuple[ShareOfRows, ...]:
    """Both distributions in steps of about equal width, each ending at a value of the training rows.

    ``here`` and ``known`` are a sketch's cells: of value number i the cell 2 i + 1.
    """
    reached = np.cumsum(known[1::2])
    low, high = values[np.searchsorted(reached, np.array([_TAIL, 1 - _TAIL]) * reached[-1])]
    ends = np.unique(np.searchsorted(values, np.linspace(low, high, _STEPS - 1)).clip(max=len(values) - 1))
    texts = [decimal(values[end], feature.shown_digits) for end in ends]
    names = [f"to {texts[0]}", *(f"{before} to {after}" for before, after in pairwise(texts)), f"over {texts[-1]}"]
    cuts = np.concatenate([[0], 2 * ends + 2])
    return _shares(names, np.add.reduceat(here, cuts), np.add.reduceat(known, cuts))


def _shares(names: list[str], here: Counts, known: Counts) -> tuple[ShareOfRows, ...]:
    of_here, of_known = max(1, int(here.sum())), max(1, int(known.sum()))
    return tuple(
        ShareOfRows(name, float(rows) / of_here, float(before) / of_known)
        for name, rows, before in zip(names, here, known, strict=True)
    )
