"""The rows a verdict needs: those a version was held to, and block groups to price under both models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from core.data.demo import demo_rows
from core.data.ingest import Dataset, read_known
from core.domain.errors import DataError, DataUnavailable, InvalidData
from core.domain.house import RAW_COLUMNS, TARGET
from core.domain.settings import Settings
from core.workflows.chosen_data import settings_on
from core.workflows.comparability import Predictions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class DrawnRows:
    """Block groups drawn by the policy's seed, shape (n, 9); made up where there is no data file."""

    rows: pd.DataFrame
    is_made_up: bool


class KnownRows:
    """The rows a version was trained on, read once a verdict and only when something is asked. Nothing is fetched.

    Args:
        sha256: of the rows; where no dataset has them, the configured file's are looked at.
    """

    def __init__(self, settings: Settings, sha256: str) -> None:
        self._settings = settings_on(settings, sha256)

    @cached_property
    def _dataset(self) -> Dataset | None:
        return read_known(self._settings)

    def held_out(self, sha256: str, held: Predictions) -> pd.DataFrame:
        """The nine features of the rows that were predicted, row by row.

        Raises:
            DataError: the file is not here, is another one, or does not hold these rows.
        """
        found = self._dataset
        if found is None:
            raise DataUnavailable(
                "The data file it was trained on is not here.",
                where=str(self._settings.data_path),
                remedy="Put the file there.",
            )
        ids = held.row_ids
        if found.sha256 != sha256 or not 0 <= ids.min() <= ids.max() < len(found.rows):
            raise InvalidData(
                "The data file here is not the one it was trained on.",
                where=str(found.path),
                remedy="Put the file there it was trained on.",
            )
        rows = found.rows.iloc[ids]
        if not np.array_equal(rows[TARGET].to_numpy(dtype=float), held.actual):
            raise InvalidData(
                "Its held-out rows are not those of the data file.",
                where=str(found.path),
                remedy="Train again on this file.",
            )
        return rows[list(RAW_COLUMNS)]

    def draw(self, count: int, seed: int) -> DrawnRows:
        """``count`` block groups of the data file, or of made-up ones where it cannot be read."""
        try:
            found = self._dataset
        except DataError:
            found = None
        rows = demo_rows() if found is None else found.rows
        drawn = rows.sample(min(count, len(rows)), random_state=seed)
        return DrawnRows(drawn[list(RAW_COLUMNS)], is_made_up=found is None or found.is_demo)
