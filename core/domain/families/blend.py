"""The mean of boosted trees that differ: equal weights are the ones that cannot be fitted too closely."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from core.domain.families import lightgbm
from core.domain.family import Family
from core.domain.knob import Knob

HIST_STRIDE: Final = 2
"""Where a LightGBM grows so many trees, its histogram gradient boosting grows one that corrects as much."""

FAMILY: Final = Family(
    label="Blend of boosted trees",
    knobs=(
        Knob(
            "members",
            "Members",
            low=1,
            high=5,
            step=1,
            default=3,
            help="How many LightGBMs differ by their seed alone. One on the log of the price and a histogram gradient "
            "boosting always join them; the price is the mean of all.",
        ),
        replace(
            lightgbm.FAMILY.knobs[0],
            help="How many trees each LightGBM grows. The histogram gradient boosting grows half as many, "
            "each of which corrects twice as much.",
        ),
        *lightgbm.FAMILY.knobs[1:],
    ),
    packages=lightgbm.FAMILY.packages,
)
