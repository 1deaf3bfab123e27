"""Which rows a model is fitted on and which only ever score it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from core.domain.errors import InvalidSettings
from core.domain.house import RAW_COLUMNS, TARGET


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Rows to fit and rows held out. The index of each part is the row id: the row's place in the file, from 0.

    ``X_train`` and ``X_test`` have shape (n, 9), columns as in ``RAW_COLUMNS``; ``y_train`` and ``y_test``
    are prices in 1990 USD. ``method`` says how the rows were drawn.
    """

    X_train: pd.DataFrame
    y_train: pd.Series[float]
    X_test: pd.DataFrame
    y_test: pd.Series[float]
    test_size: float
    random_state: int
    method: str = "random"

    @property
    def name(self) -> str:
        """``random_0.2_42``: two runs are compared as equals only when this agrees."""
        return split_name(self.test_size, self.random_state, self.method)


def split_name(test_size: float, random_state: int, method: str = "random") -> str:
    """What a split so drawn is called."""
    return f"{method}_{test_size:g}_{random_state}"


def split_rows(rows: pd.DataFrame, *, test_size: float = 0.2, random_state: int = 42) -> Split:
    """Holds out a random share of the rows, drawn by scikit-learn's ``train_test_split`` in file order.

    Args:
        rows: validated rows, indexed by their place in the file.
        test_size: the share held out, rounded up to whole rows.
        random_state: the seed of the draw.

    Raises:
        InvalidSettings: fewer than two rows would be left on one side.
    """
    from sklearn.model_selection import train_test_split  # a second of import, and not every caller splits

    held_out = math.ceil(test_size * len(rows))
    if min(held_out, len(rows) - held_out) < 2:
        raise InvalidSettings(
            f"A test_size of {test_size:g} holds out {held_out:,} of {len(rows):,} rows; both sides need two.",
            where="data.test_size",
            remedy="Choose a share nearer to 0.2, or give more rows.",
        )
    train, test = train_test_split(rows, test_size=test_size, random_state=random_state)
    columns = list(RAW_COLUMNS)
    return Split(
        X_train=train[columns],
        y_train=train[TARGET],
        X_test=test[columns],
        y_test=test[TARGET],
        test_size=test_size,
        random_state=random_state,
    )
