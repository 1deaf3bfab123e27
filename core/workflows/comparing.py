"""The comparisons as a screen and the terminal see them: one call, and what is dear to make is made once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from core.data.ingest import read_known
from core.domain.errors import DataUnavailable, InvalidData
from core.domain.provenance import DATA_SHA256_TAG
from core.domain.runs import Run
from core.domain.settings import Settings
from core.tracking.runs import get_run
from core.tracking.store import Store
from core.workflows.chosen_data import settings_on
from core.workflows.chosen_runs import read_runs
from core.workflows.comparability import Predictions, held_out_predictions
from core.workflows.comparison import compare_runs
from core.workflows.comparison_views import Comparison
from core.workflows.known_block_groups import file_state
from core.workflows.ratio_studies import RatioReport, study_ratios
from core.workflows.recent import Recent
from core.workflows.training_state import Connect

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

KEPT_COMPARISONS: Final = 10
KEPT_PREDICTIONS: Final = 100
"""Runs whose predictions stay in memory: 100 kB each, over the 4,128 held-out rows."""

KEPT_FILES: Final = 2


class Comparing:
    """Everything the screens ask about runs side by side.

    Args:
        settings: whose margin and data file. connect: opens MLflow's store.

    Raises:
        LabError: by every method, when the store cannot answer.
    """

    def __init__(self, settings: Settings, connect: Connect) -> None:
        self._settings = settings
        self._connect = connect
        self._comparisons: Recent[str, Comparison] = Recent(KEPT_COMPARISONS)
        self._predictions: Recent[str, Predictions] = Recent(KEPT_PREDICTIONS)
        self._rows: Recent[str, pd.DataFrame] = Recent(KEPT_FILES)

    def compare(self, run_ids: Sequence[str]) -> Comparison:
        """The runs beside the first of them, as they stand in the store now. See ``comparison.compare``."""
        store = self._connect()
        runs = read_runs(store, run_ids)
        return self._comparisons.get(
            f"{[_state(run) for run in runs]} {self._file_state()}",
            lambda: compare_runs(
                runs,
                margin=self._settings.evaluation.practical_margin,
                read_rows=self._read_rows,
                read=partial(self._held_out, store),
            ),
        )

    def places(self, run: Run, row_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitude and latitude in degrees of these rows of the run's data file, each of shape (n,).

        Raises:
            DataError: the file is not here, is not the one the run was trained on, or has no such rows.
        """
        rows = self._read_rows(run.tags.get(DATA_SHA256_TAG, ""))
        if len(row_ids) and not 0 <= row_ids.min() <= row_ids.max() < len(rows):
            raise InvalidData(
                "The run's row ids lie outside the data file, so its rows have no place on the map.",
                where=run.run_id,
                remedy="Train again on this file.",
            )
        found = rows.iloc[row_ids]
        return found["longitude"].to_numpy(), found["latitude"].to_numpy()

    def ratios(self, run_id: str) -> RatioReport:
        """Whether cheap and dear areas are estimated alike, on the run's held-out rows.

        Raises:
            NotFound: there is no such run, or it logged no predictions. InvalidData: they cannot be read, or a price
                is not above zero.
        """
        store = self._connect()
        run = get_run(store, run_id)
        return study_ratios(run, self._held_out(store, run), self.places)

    def _held_out(self, store: Store, run: Run) -> Predictions:
        return self._predictions.get(f"{run.run_id} {run.ended}", lambda: held_out_predictions(store, run))

    def _read_rows(self, sha256: str) -> pd.DataFrame:
        """The rows of that very data file, if it is the one the settings name. Nothing is downloaded.

        Raises:
            DataError: it is not there, cannot be read, or is another one.
        """

        def read() -> pd.DataFrame:
            found = read_known(settings_on(self._settings, sha256))
            if found is None:
                raise DataUnavailable(
                    "The data file is not here, so regions, map and houses cannot be shown.",
                    where=str(self._settings.data_path),
                    remedy="Put the file there the runs were trained on.",
                )
            if found.sha256 != sha256:
                raise InvalidData(
                    "The data file is no longer the one the runs were trained on, so regions, map and houses cannot "
                    "be shown.",
                    where=str(found.path),
                    remedy="Put the file there the runs were trained on.",
                )
            return found.rows

        return self._rows.get(sha256, read)

    def _file_state(self) -> str:
        """Changes when the data file or the datasets do: what was missing may be there the next time."""
        return "; ".join(file_state(path) for path in (self._settings.data_path, self._settings.paths.datasets))


def _state(run: Run) -> str:
    """Everything that is shown of a run: a comparison is made anew when any of it has changed."""
    held = [sorted(part.items()) for part in (run.params, run.metrics, run.tags)]
    return repr((run.run_id, run.name, run.status, run.ended, run.deleted, held))
