"""The columns of a data file in figures: range, middle, what is missing, and how they go together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.data.quality import column_rule
from core.data.schema import COLUMNS
from core.domain.house import NUMERIC_COLUMNS, TARGET

NUMBERS: Final = (*NUMERIC_COLUMNS, TARGET)
"""The columns that hold numbers, the price last."""

Floats = npt.NDArray[np.float64]


class Correlation(StrEnum):
    """How two columns are said to go together."""

    SPEARMAN = "Spearman"
    PEARSON = "Pearson"


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """One column of the file.

    ``low``, ``median`` and ``high`` are None for ``ocean_proximity``; ``values`` counts its classes, the commonest
    first, and is empty for numbers.
    """

    name: str
    low: float | None
    median: float | None
    high: float | None
    missing: int
    values: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Correlations:
    """The coefficients of all pairs of number columns, shape (9, 9) in the order of ``names``; NaN where one of the
    two columns never changes. Rows in which either is missing are left out of that pair."""

    names: tuple[str, ...]
    method: Correlation
    values: Floats

    def with_price(self) -> tuple[tuple[str, float], ...]:
        """Each feature and its coefficient with the price, the strongest first."""
        column = self.values[:, self.names.index(TARGET)]
        pairs = [(name, float(one)) for name, one in zip(self.names, column, strict=True) if name != TARGET]
        return tuple(sorted(pairs, key=lambda pair: -abs(pair[1]) if np.isfinite(pair[1]) else 0.0))


def summaries(rows: pd.DataFrame) -> tuple[ColumnSummary, ...]:
    """Every column of validated rows, in the file's usual order."""
    return tuple(_summary(name, rows[name]) for name in COLUMNS)


def correlations(rows: pd.DataFrame, method: Correlation) -> Correlations:
    """All pairs of number columns of validated rows."""
    table = rows.loc[:, list(NUMBERS)]
    found = table.corr(method="spearman" if method is Correlation.SPEARMAN else "pearson")
    return Correlations(NUMBERS, method, found.to_numpy(dtype=float))


def _summary(name: str, column: pd.Series[Any]) -> ColumnSummary:
    missing = int(column.isna().sum())
    if not column_rule(name).is_numeric:
        counted = tuple((str(value), int(count)) for value, count in column.value_counts().items())
        return ColumnSummary(name, None, None, None, missing, counted)
    return ColumnSummary(name, float(column.min()), float(column.median()), float(column.max()), missing)
