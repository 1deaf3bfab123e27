"""How far off a model's prices usually are, for rows like these: what its prediction intervals are wide by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from core.domain.errors import RecordsError
from core.domain.house import NUMERIC_COLUMNS
from core.evaluation.price_errors import level_of
from core.evaluation.prices_around import PricesAround
from core.features.direct import HouseRows

Floats = npt.NDArray[np.float64]

TEMPERING: Final = 0.9
"""The power of the estimated scale that widths follow. By cross-validation of the training rows (LightGBM with location
features) the surest and the least sure tenth are covered by .95 and .85; 1 evens that out to .94 and .87 and is 1 %
wider, .7 is 1 % narrower and covers them by .97 and .80."""

_SMALLEST_ERROR: Final = 0.002
"""Added before the logarithm of an error is taken: a price that happens to be right says little of the next one."""

_ROUNDS: Final = 100
_GROWTH: Final[Mapping[str, Any]] = {
    "objective": "regression",
    "learning_rate": 0.04,
    "num_leaves": 15,
    "min_child_samples": 40,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    # One thread: two are slower on a busy machine, and the sums then have one order.
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}

_AT: Final = {name: number for number, name in enumerate(NUMERIC_COLUMNS)}
# Without total_bedrooms: it adds nothing to the other sizes, and some rows have none.
_PLAIN: Final = [number for name, number in _AT.items() if name != "total_bedrooms"]
_COLUMNS: Final = len(_PLAIN) + 7


@dataclass(frozen=True, slots=True, eq=False)
class ErrorScale:
    """LightGBM on the logarithm of past errors (Papadopoulos and Haralambous 2011, "Reliable prediction intervals
    with regression neural networks", Neural Networks 24), from the raw features, the estimate, and what was recorded
    around it: errors are small where neighbours agree with each other and with the estimate.

    ``text`` is its trees as LightGBM writes them.
    """

    around: PricesAround
    text: str
    _booster: Any

    @classmethod
    def fit(cls, rows: HouseRows, recorded: Floats, prices: Floats, *, seed: int) -> Self:
        """Learn from rows, what was recorded of them, and what a model that did not see them made of them.

        Args:
            recorded, prices: in 1990 USD, within the survey, shape (n,), n more than one.

        Raises:
            RecordsError: LightGBM cannot start on this machine.
        """
        lightgbm = _lightgbm()
        around = PricesAround.of_rows(rows, recorded)
        columns = _matrix(rows, prices, around.columns(rows, prices, are_these=True))
        errors = np.abs(level_of(recorded) - level_of(prices))
        data = lightgbm.Dataset(columns, np.log(errors + _SMALLEST_ERROR))
        grown = lightgbm.train({**_GROWTH, "seed": seed}, data, _ROUNDS)
        # Built from its own text at once, so that it answers as it will when read back, to the last bit.
        return cls.from_text(around, grown.model_to_string())

    @classmethod
    def from_text(cls, around: PricesAround, text: str) -> Self:
        """The scale back from its text.

        Raises:
            ValueError: the text is none of LightGBM's, or its trees take other columns than these.
            RecordsError: LightGBM cannot start on this machine.
        """
        lightgbm = _lightgbm()
        try:
            booster = lightgbm.Booster(model_str=text)
        except lightgbm.basic.LightGBMError as error:
            raise ValueError(str(error)) from error
        if booster.num_feature() != _COLUMNS:
            raise ValueError(f"its trees take {booster.num_feature()} columns, not {_COLUMNS}")
        return cls(around, text, booster)

    def of(self, rows: HouseRows, prices: Floats) -> Floats:
        """Scales of the errors to expect at these prices (1990 USD, within the survey), above 0, shape (n,)."""
        columns = _matrix(rows, prices, self.around.columns(rows, prices))
        return np.asarray(np.exp(TEMPERING * self._booster.predict(columns, num_threads=1)), dtype=np.float64)


def _lightgbm() -> Any:
    try:
        import lightgbm
    except OSError as error:
        raise RecordsError(
            f"Price ranges are made with LightGBM, and it cannot start on this machine: {error}.",
            remedy="Install the OpenMP library (Debian: apt-get install libgomp1, macOS: brew install libomp).",
        ) from error
    return lightgbm


def _matrix(rows: HouseRows, prices: Floats, around: Floats) -> Floats:
    """The trees' columns: raw numbers, sizes of homes and households, place, price, and the three of the neighbours."""
    households = rows.numbers[:, _AT["households"]]
    return np.column_stack(
        [
            rows.numbers[:, _PLAIN],
            rows.numbers[:, _AT["total_rooms"]] / households,
            rows.numbers[:, _AT["population"]] / households,
            rows.places,
            prices,
            around,
        ]
    )
