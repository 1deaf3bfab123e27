"""Runs beside a baseline: what they were made of, how they scored the same rows, and whether that differs for real."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from core.domain.hyperparameters import FEATURES_PARAM, family_label, whole_params
from core.domain.metrics import METRICS, SCORE_NAMES
from core.domain.runs import Run
from core.evaluation.segments import is_recorded_cap, rmse_of
from core.evaluation.significance import Resampled, judge_scores, resample
from core.tracking.store import Store
from core.workflows.chosen_runs import FEWEST_RUNS, MOST_RUNS, read_runs
from core.workflows.comparability import Field, Predictions, ReadPredictions, held_out_predictions, sort_out
from core.workflows.comparison_places import ReadRows, cells_of, disagreements_of, held_out_rows, segment_lines
from core.workflows.comparison_views import ComparedRun, Comparison, ParamLine, Profile, SharedRows
from core.workflows.run_labels import param_titles, unique_labels
from core.workflows.settings_groups import differ_in_seed_alone, settings_groups

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["FEWEST_RUNS", "MOST_RUNS", "compare", "compare_runs"]


_SAME_RECIPE: Final = "It has the baseline's settings and another seed: what differs is the luck of the seed."


def compare(store: Store, run_ids: Sequence[str], *, margin: float, read_rows: ReadRows) -> Comparison:
    """Compare 2 to 20 runs; the first one is the baseline.

    Args:
        margin: a difference below this share of the baseline's figure does not matter.
        read_rows: the rows of a data file by its SHA-256, wanted for regions, map and houses.

    Raises:
        InvalidFilter: too few or too many runs, or one of them twice.
        NotFound: some are not there.
        StoreUnavailable: the store does not answer.
    """
    runs = read_runs(store, run_ids)
    return compare_runs(runs, margin=margin, read_rows=read_rows, read=partial(held_out_predictions, store))


def compare_runs(runs: Sequence[Run], *, margin: float, read_rows: ReadRows, read: ReadPredictions) -> Comparison:
    """Compare runs that are at hand already; see :func:`compare`.

    Raises:
        StoreUnavailable: the predictions cannot be fetched.
    """
    labels = unique_labels(runs)
    field = sort_out(runs, labels, read)
    shared = _shared(field)
    resampled = None
    held_out, where_missing = None, ""
    if shared is not None:
        predicted = list(shared.predicted.values())
        resampled = resample(shared.actual, predicted[0], predicted[1:])
        held_out, where_missing = held_out_rows(runs[0], shared, read_rows)
    return Comparison(
        runs=_compared(field, labels, resampled, margin),
        params=param_lines(runs),
        metrics=_metric_names(runs),
        groups=settings_groups(field, labels, resampled, margin),
        segments=segment_lines(shared, held_out, margin) if shared is not None else (),
        cells=cells_of(shared, held_out) if shared is not None and held_out is not None else None,
        disagreements=disagreements_of(shared, held_out) if shared is not None else (),
        profiles=tuple(_profile(run, field.predictions.get(run.run_id)) for run in runs),
        shared=shared,
        margin=margin,
        where_missing=where_missing,
    )


def param_lines(runs: Sequence[Run]) -> tuple[ParamLine, ...]:
    """Every param over the runs, those that differ first; else the family, the other params as logged, the seed."""
    params = [whole_params(run.params) for run in runs]
    names = sorted(dict.fromkeys(name for own in params for name in own), key=_param_place)
    titles = param_titles(names)
    lines = []
    for name in names:
        values = tuple(own.get(name) for own in params)
        shown = tuple(family_label(value) if name == "family" and value else value for value in values)
        lines.append(ParamLine(name, titles[name], shown, differs=len(set(values)) > 1))
    return tuple(sorted(lines, key=lambda line: not line.differs))


def _shared(field: Field) -> SharedRows | None:
    runs = field.comparable
    if not runs:
        return None
    base = field.predictions[runs[0].run_id]
    return SharedRows(base.row_ids, base.actual, {run.run_id: field.predictions[run.run_id].predicted for run in runs})


def _compared(
    field: Field, labels: dict[str, str], resampled: Resampled | None, margin: float
) -> tuple[ComparedRun, ...]:
    differences = {}
    if resampled is not None:
        own = resampled.scores[0].as_metrics()
        judged = (judge_scores(found, own, margin) for found in resampled.differences)
        differences = {run.run_id: one for run, one in zip(field.comparable[1:], judged, strict=True)}
    base = field.runs[0]
    return tuple(
        ComparedRun(
            run,
            labels[run.run_id],
            differences.get(run.run_id, {}),
            field.reasons.get(run.run_id, ""),
            _SAME_RECIPE if run.run_id in differences and differ_in_seed_alone(run, base) else "",
        )
        for run in field.runs
    )


def _metric_names(runs: Sequence[Run]) -> tuple[str, ...]:
    """Every metric a run has: the four scores, the others the lab knows, then the rest by name."""
    known = [*SCORE_NAMES, *(name for name in METRICS if name not in SCORE_NAMES)]
    found = {name for run in runs for name in run.metrics}
    return (*(name for name in known if name in found), *sorted(found - set(known)))


def _param_place(name: str) -> int:
    """The family first, its features next, the seed last; the others keep the order they were logged in."""
    return {"family": 0, FEATURES_PARAM: 1, "seed": 3}.get(name, 2)


def _profile(run: Run, predictions: Predictions | None) -> Profile:
    rmse = without_capped = capped_only = None
    if predictions is not None:
        capped = is_recorded_cap(predictions.actual)
        rmse, without_capped, capped_only = (
            _rmse(predictions, rows) for rows in (np.ones_like(capped), ~capped, capped)
        )
    spatial, coverage = _finite(run, "spatial_rmse"), _finite(run, "coverage")
    return Profile(
        run.run_id,
        rmse,
        without_capped,
        capped_only,
        spatial_rmse=spatial,
        coverage=coverage,
        out_of_fold_rmse=_finite(run, "out_of_fold_rmse"),
    )


def _rmse(predictions: Predictions, rows: npt.NDArray[np.bool_]) -> float | None:
    return float(rmse_of(predictions.actual[rows], predictions.predicted[rows])) if rows.any() else None


def _finite(run: Run, name: str) -> float | None:
    value = run.metrics.get(name)
    return value if value is not None and math.isfinite(value) else None
