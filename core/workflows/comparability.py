"""Which runs may be set against a baseline: those that scored the very same rows. The others are told why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.domain.errors import InvalidData, NotFound
from core.domain.provenance import DATA_SHA256_TAG, SPLIT_TAG, SWEEP_TAG, TRIAL_TAG
from core.domain.runs import Run, RunStatus
from core.tracking.runs import read_predictions
from core.tracking.store import Store

if TYPE_CHECKING:
    import numpy.typing as npt

_UNSCORED: Mapping[RunStatus, str] = {
    RunStatus.SCHEDULED: "has not begun yet",
    RunStatus.RUNNING: "is still running",
    RunStatus.FAILED: "failed",
    RunStatus.KILLED: "was cancelled",
}


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a run predicted for its held-out rows, ordered by row id; prices in 1990 USD, all of shape (n,)."""

    row_ids: npt.NDArray[np.int64]
    actual: npt.NDArray[np.float64]
    predicted: npt.NDArray[np.float64]


ReadPredictions = Callable[[Run], Predictions]
"""Raises NotFound where a run logged none, InvalidData where they are no usable table."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """The chosen runs as far as they scored anything, the baseline first.

    ``predictions`` is by run id, of every run that has some. ``reasons`` says by run id why it has no difference
    to the baseline, the baseline among them where it has no predictions itself.
    """

    runs: tuple[Run, ...]
    predictions: Mapping[str, Predictions]
    reasons: Mapping[str, str]

    @property
    def comparable(self) -> tuple[Run, ...]:
        """The baseline and what scored the same rows; none where the baseline has no predictions."""
        return tuple(run for run in self.runs if run.run_id not in self.reasons)


def held_out_predictions(store: Store, run: Run) -> Predictions:
    """Read what a run logged for the held-out rows.

    Raises:
        NotFound: it logged none.
        InvalidData: they are no usable table.
        StoreUnavailable: the store does not answer.
    """
    try:
        row_ids, actual, predicted = read_predictions(store, run.run_id)
        ids = np.asarray(row_ids).astype(np.int64)
        prices, estimates = (np.asarray(one).astype(np.float64) for one in (actual, predicted))
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise InvalidData(
            "The run's predictions cannot be read.", where=run.run_id, remedy="Train again: every training logs them."
        ) from error
    order = np.argsort(ids, kind="stable")
    found = Predictions(ids[order], prices[order], estimates[order])
    _check(found, run)
    return found


def sort_out(runs: Sequence[Run], labels: Mapping[str, str], read: ReadPredictions) -> Field:
    """Read the predictions of every run that has some, and say of the others why they have no difference.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    predictions: dict[str, Predictions] = {}
    reasons: dict[str, str] = {}
    for run in runs:
        label = labels[run.run_id]
        unscored = _why_unscored(run, label)
        if unscored:
            reasons[run.run_id] = unscored
            continue
        try:
            predictions[run.run_id] = read(run)
        except NotFound:
            reasons[run.run_id] = f"{label} logged no predictions of the held-out rows, so there is nothing to compare."
        except InvalidData:
            reasons[run.run_id] = f"{label} logged predictions that cannot be read, so there is nothing to compare."
    base, *others = runs
    for run in others:
        if run.run_id in reasons:
            continue
        if base.run_id in reasons:
            why = f"{labels[run.run_id]} has nothing to be compared with. {reasons[base.run_id]}"
        else:
            why = _why_apart(run, base, predictions, labels)
        if why:
            reasons[run.run_id] = why
    return Field(tuple(runs), predictions, reasons)


def _why_unscored(run: Run, label: str) -> str:
    """Why a run cannot have scored the held-out rows; empty for one that should have."""
    if TRIAL_TAG in run.tags:
        return f"{label} is a trial of a sweep: it was judged on training rows and never scored the held-out rows."
    if SWEEP_TAG in run.tags:
        return f"{label} is a sweep, not a model: it never scored the held-out rows."
    if run.status in _UNSCORED:
        return f"{label} {_UNSCORED[run.status]}, so it has no scores to compare."
    return ""


def _why_apart(run: Run, base: Run, predictions: Mapping[str, Predictions], labels: Mapping[str, str]) -> str:
    """Why the scores of a run and the baseline are not of the same rows; empty where they are."""
    label, other = labels[run.run_id], labels[base.run_id]
    for tag, what in ((DATA_SHA256_TAG, "trained on other data than"), (SPLIT_TAG, "scored under another split than")):
        own, theirs = run.tags.get(tag), base.tags.get(tag)
        if (own is None) != (theirs is None):
            silent = label if own is None else other
            return (
                f"{label} is not compared with {other}: {silent} does not say which rows it was trained and scored on."
            )
        if own != theirs:
            return f"{label} was {what} {other}, so the two are not compared."
    mine, base_rows = predictions[run.run_id], predictions[base.run_id]
    if not np.array_equal(mine.row_ids, base_rows.row_ids):
        return f"{label} was scored on other held-out rows than {other}, so the two are not compared."
    if not np.array_equal(mine.actual, base_rows.actual):
        return f"{label} was scored against other recorded prices than {other}, so the two are not compared."
    return ""


def _check(found: Predictions, run: Run) -> None:
    count = len(found.row_ids)
    wrong = int(np.sum(~(np.isfinite(found.actual) & np.isfinite(found.predicted))))
    if count < 2 or wrong or len(np.unique(found.row_ids)) != count:
        raise InvalidData(
            f"The run's predictions are no table of held-out rows: {count:,} rows, {wrong:,} of them without a number.",
            where=run.run_id,
            remedy="Train again: every training logs them.",
        )
