"""What is odd about the rows of a data file, each figure with the rows behind it. Nothing is changed or left out.

An outlier is a row of which a ratio of two columns lies beyond Tukey's outer fences (Tukey, J. W.: Exploratory Data
Analysis, 1977): three interquartile ranges from the quartiles. They are taken of the logarithm, because all four ratios
are positive and skewed: on the plain scale the upper fence would lie amid usual block groups, the lower below zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.data.schema import COLUMNS, TARGET_RULE
from core.domain.house import FEATURES, TARGET, Feature
from core.domain.money import SURVEY_CAP

FENCE: Final = 3.0
"""Interquartile ranges from a quartile to its outer fence."""

SURVEY_ENDS: Final = {TARGET: SURVEY_CAP, "housing_median_age": 52.0, "median_income": 15.0001}
"""What the survey of 1990 wrote for everything above it: a recorded value that only means "so much or more"."""

RATIOS: Final = (
    ("rooms_a_household", "Rooms a household", "total_rooms", "households"),
    ("bedrooms_a_household", "Bedrooms a household", "total_bedrooms", "households"),
    ("people_a_household", "People a household", "population", "households"),
    ("bedrooms_a_room", "Bedrooms a room", "total_bedrooms", "total_rooms"),
)
"""Key, name, and the two columns: how many of the first there are to one of the second."""

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """Rows of which something is to be known.

    Attributes:
        key: short and lasting, for an address. label: what the rows have in common.
        rule: when a row counts, and what it means, as sentences.
        positions: the rows in file order, from 0; those that share a place stand together, outliers by their ratio.
        ratio: what an outlier's ratio is, shape as ``positions``; None for the other findings.
    """

    key: str
    label: str
    rule: str
    positions: Positions
    ratio: Floats | None = None


def column_rule(name: str) -> Feature:
    """What is known of a column of the file: a feature's own words, or the price's."""
    return TARGET_RULE if name == TARGET else FEATURES[name]


def findings(rows: pd.DataFrame) -> tuple[Finding, ...]:
    """All that is looked for in validated rows, also where no row has it."""
    return (*_missing(rows), *_capped(rows), *_duplicates(rows), *_outliers(rows))


def _missing(rows: pd.DataFrame) -> Iterator[Finding]:
    for name in COLUMNS:
        rule = column_rule(name)
        if rule.may_be_missing:
            yield Finding(
                f"missing_{name}",
                f"{rule.label}: missing",
                f"{name} is empty. A model estimates it from the columns beside it; no row is left out.",
                np.flatnonzero(rows[name].isna().to_numpy()),
            )


def _capped(rows: pd.DataFrame) -> Iterator[Finding]:
    for name, end in SURVEY_ENDS.items():
        rule = column_rule(name)
        yield Finding(
            f"capped_{name}",
            f"{rule.label}: at the survey's end",
            f"{name} is {end:,g}, which the survey of 1990 wrote for everything above: the true value is not known, "
            "only that it is no smaller.",
            np.flatnonzero(rows[name].to_numpy(dtype=float) == end),
        )


def _duplicates(rows: pd.DataFrame) -> Iterator[Finding]:
    places = ["longitude", "latitude"]
    shared = rows.duplicated(places, keep=False).to_numpy()
    ordered = rows.loc[shared, places].sort_values(places, kind="stable").index.to_numpy(dtype=np.intp)
    count = int((~rows.duplicated(places)).sum())
    yield Finding(
        "shared_place",
        "Same coordinates as another row",
        f"Longitude and latitude both equal another row's: {len(rows):,} rows lie at {count:,} places. The census file "
        "rounds to hundredths of a degree, about a kilometre, so such rows are neighbours and no copies. A row held "
        "out at random often has one among the fitted rows, which is why versions are scored on whole blocks too.",
        ordered,
    )
    yield Finding(
        "identical",
        "Identical to another row",
        "All ten columns equal another row's: the row was most likely entered twice.",
        np.flatnonzero(rows.duplicated(list(COLUMNS), keep=False).to_numpy()),
    )


def _outliers(rows: pd.DataFrame) -> Iterator[Finding]:
    for key, label, above, below in RATIOS:
        ratio = rows[above].to_numpy(dtype=float) / rows[below].to_numpy(dtype=float)
        low, high = _fences(ratio)
        # Missing bedrooms have no ratio, and compare as false.
        outside = np.flatnonzero((ratio < low) | (ratio > high))
        ordered = outside[np.argsort(-np.abs(np.log(ratio[outside] / np.sqrt(low * high))), kind="stable")]
        yield Finding(
            f"unusual_{key}",
            f"{label}: implausible",
            f"{above} / {below} is below {low:.3g} or above {high:.3g}: more than three interquartile ranges beyond "
            "the quartiles of its logarithm (Tukey's outer fence). Often hotels, barracks, resorts or prisons.",
            ordered,
            ratio[ordered],
        )


def _fences(ratio: Floats) -> tuple[float, float]:
    logs = np.log(ratio[np.isfinite(ratio)])
    first, third = np.quantile(logs, [0.25, 0.75]) if len(logs) else (0.0, 0.0)
    reach = FENCE * (third - first)
    return float(np.exp(first - reach)), float(np.exp(third + reach))
