"""Location as columns: what lies around a place, and what the block groups near it cost, strictly out of fold.

**A row never sees its own price.** In :meth:`LocationFeatures.fit_transform`, which a Pipeline calls when it is fitted,
the price columns of each row come from the other nine tenths of the rows. In :meth:`LocationFeatures.transform`,
which prices everything else, they come from all fitted rows. The two therefore differ for the fitted rows on purpose:
``fit(X, y).transform(X)`` finds each row's own price at distance 0, and is for rows that were not fitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from core.domain.errors import InvalidData
from core.domain.house import NUMERIC_COLUMNS
from core.features.engineer import require_raw_columns
from core.features.kriging import KRIGING_COLUMNS, Kriging
from core.features.nearest import Floats
from core.features.neighbour_prices import NEIGHBOUR_PRICES_COLUMNS, NeighbourPrices
from core.features.surroundings import (
    DIFFERENCES,
    DISTANCES_TO_CITIES,
    DISTANCES_TO_SHORES,
    NEIGHBOURS_DISTANCES,
    NEIGHBOURS_MEANS,
    ROTATIONS,
    SURROUNDINGS_COLUMNS,
    Surroundings,
)

LOCATION_COLUMNS: Final = (*SURROUNDINGS_COLUMNS, *NEIGHBOUR_PRICES_COLUMNS, *KRIGING_COLUMNS)
"""The columns :class:`LocationFeatures` adds, in order."""

LOCATION_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "rotated coordinates": ROTATIONS,
    "distances to cities": DISTANCES_TO_CITIES,
    "distances to coast and bay": DISTANCES_TO_SHORES,
    "neighbours' features": NEIGHBOURS_MEANS,
    "distances to neighbours": NEIGHBOURS_DISTANCES,
    "difference to neighbours": DIFFERENCES,
    "neighbours' prices": NEIGHBOUR_PRICES_COLUMNS,
    "kriged price": KRIGING_COLUMNS,
}
"""Each group of columns by what it is called, so that what it buys can be measured."""

_FEWEST: Final = 3
"""Rows a fit needs: two to be each other's neighbours, and one that is left out of them."""

_FOLDS_SEED: Final = 0

_AT_ONCE: Final = 1_000
"""Rows a thread takes at once."""


class LocationFeatures(TransformerMixin, BaseEstimator):
    """Adds :data:`LOCATION_COLUMNS` to rows whose bedrooms are all there. The same rows give the same columns.

    A fit uses as many threads as :func:`joblib.parallel_config` says around it, by default one. They change nothing.

    Args:
        folds: parts in which the price columns of the fitted rows are made.
        by_place: keep rows of the same coordinates in one part, so that none sees its twins' prices. A house at a
            known place does see them, so by default a row may as well.

    Attributes:
        numbers_: the fitted rows' ``NUMERIC_COLUMNS``, shape (n, 8). log_prices_: shape (n,).
    """

    def __init__(self, *, folds: int = 10, by_place: bool = False) -> None:
        self.folds = folds
        self.by_place = by_place

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn rows of shape (n, ≥ 9) and their prices in 1990 USD, shape (n,).

        Raises:
            InvalidData: a raw column, a value or a price is missing, a price is not above 0, or there are fewer than
                three rows.
        """
        numbers = _numbers_of(X)
        if y is None:
            raise InvalidData("Location features learn from prices, and there are none.", remedy="Give the prices.")
        prices = np.asarray(y, dtype=float)
        if prices.shape != (len(numbers),) or len(numbers) < _FEWEST:
            raise InvalidData(
                f"There are {len(numbers):,} rows and {prices.size:,} prices.",
                remedy=f"Give one price for each row, and at least {_FEWEST} rows.",
            )
        if not (prices > 0).all():
            raise InvalidData(
                f"{np.count_nonzero(~(prices > 0)):,} of {len(prices):,} prices are not above $0.",
                remedy="Leave out the rows without a price.",
            )
        self.numbers_ = numbers
        self.log_prices_ = np.log(prices)
        self.n_features_in_ = X.shape[1]
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self._known: tuple[Surroundings, _Prices] | None = None
        return self

    def fit_transform(self, X: pd.DataFrame, y: Any = None, **fit_params: Any) -> pd.DataFrame:
        """Fit, and return the fitted rows with price columns that none of them has a part in itself.

        Raises:
            InvalidData: as :meth:`fit`.
        """
        self.fit(X, y)
        numbers, log_prices = self.numbers_, self.log_prices_
        priced = np.empty((len(numbers), len(NEIGHBOUR_PRICES_COLUMNS) + len(KRIGING_COLUMNS)))

        def price(own: np.ndarray) -> None:
            priced[own] = _Prices(numbers[~own], log_prices[~own]).of(numbers[own])

        def surround() -> Floats:
            return Surroundings(numbers).of_own_rows()

        part = self._parts()
        surroundings, *_ = Parallel(require="sharedmem")(
            [delayed(surround)(), *(delayed(price)(part == number) for number in np.unique(part))]
        )
        return _with_columns(X, np.hstack([surroundings, priced]))

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Rows that were not fitted, with their columns, from all fitted rows. Other columns pass as they are.

        Raises:
            InvalidData: one of the nine raw columns or a value in them is missing.
        """
        check_is_fitted(self)
        numbers = _numbers_of(X)
        self.matrix(numbers[:0])  # plants the trees, which all threads then share
        parts = [numbers[at : at + _AT_ONCE] for at in range(0, max(len(numbers), 1), _AT_ONCE)]
        return _with_columns(X, np.vstack(Parallel(require="sharedmem")(delayed(self.matrix)(part) for part in parts)))

    def matrix(self, numbers: Floats) -> Floats:
        """:data:`LOCATION_COLUMNS` alone, shape (m, 64), of ``NUMERIC_COLUMNS`` of shape (m, 8), none missing."""
        # The trees are made again after loading: the model file holds the rows alone.
        known = getattr(self, "_known", None)
        if known is None:
            known = self._known = (Surroundings(self.numbers_), _Prices(self.numbers_, self.log_prices_))
        surroundings, prices = known
        return np.hstack([surroundings.of(numbers), prices.of(numbers)])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        names = self.feature_names_in_ if input_features is None else input_features
        return np.asarray([*names, *LOCATION_COLUMNS], dtype=object)

    def _parts(self) -> np.ndarray:
        """Each fitted row's part, shape (n,): at least two of them, none with all rows."""
        draw = np.random.default_rng(_FOLDS_SEED)
        rows = len(self.numbers_)
        if not self.by_place:
            return np.asarray(draw.permutation(rows) % min(self.folds, rows))
        places = self.numbers_[:, [NUMERIC_COLUMNS.index("longitude"), NUMERIC_COLUMNS.index("latitude")]]
        _, place = np.unique(places, axis=0, return_inverse=True)
        count = int(place.max()) + 1
        if count < 2:
            raise InvalidData("All rows lie at one place.", remedy="Give rows of several places, or part them by row.")
        return np.asarray((draw.permutation(count) % min(self.folds, count))[place.ravel()])

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_known": None}


class _Prices:
    """The price columns, from some block groups."""

    def __init__(self, numbers: Floats, log_prices: Floats) -> None:
        self._near = NeighbourPrices(numbers, log_prices)
        self._kriging = Kriging(numbers, log_prices)

    def of(self, numbers: Floats) -> Floats:
        return np.hstack([self._near.of(numbers), self._kriging.of(numbers)])


def _numbers_of(X: pd.DataFrame) -> Floats:
    require_raw_columns(X)
    numbers = X.loc[:, list(NUMERIC_COLUMNS)].to_numpy(dtype=float)
    if not np.isfinite(numbers).all():
        broken = [
            name for name, there in zip(NUMERIC_COLUMNS, np.isfinite(numbers).all(axis=0), strict=True) if not there
        ]
        raise InvalidData(
            f"Values of {', '.join(broken)} are missing or infinite.",
            remedy="Fill them first, as BedroomImputer does.",
        )
    return numbers


def _with_columns(X: pd.DataFrame, columns: Floats) -> pd.DataFrame:
    # All at once: one by one, pandas would copy the table for each of them.
    return pd.concat([X, pd.DataFrame(columns, columns=list(LOCATION_COLUMNS), index=X.index)], axis=1)
