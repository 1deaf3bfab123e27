"""How long a training will take and what its model will need in memory, learnt from the ones before it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from statistics import median
from typing import Final

from core.data.ingest import known_rows
from core.domain.errors import InvalidSpec
from core.domain.hyperparameters import KNOBS, TrainingSpec
from core.domain.provenance import DATA_NAME_TAG, DATA_SHA256_TAG
from core.domain.runs import Run, RunStatus
from core.domain.settings import Settings
from core.models.footprint import most_megabytes
from core.workflows.views import Expectation

NEAREST: Final = 3

_SCALED: Final = ("n_estimators", "max_iter", "members")
"""What a spec's size is made of."""


def expect(
    spec: TrainingSpec,
    past: Iterable[Run],
    *,
    on_demo: bool = False,
    rows: Callable[[], int | None] = lambda: None,
    on_data: str | None = None,
) -> Expectation | None:
    """The medians of the nearest past fits, each scaled to this spec's number of trees.

    Nearest means: same family, same features, knobs as alike as possible. Time and memory grow in proportion
    to the trees and in less simple ways with depth and columns, so likeness stands in for a model of those.

    Args:
        past: runs of any family and state, newest first; those that tell nothing are passed over.
        on_demo: whether the training will be on demo data, which are fewer rows: only such runs then tell.
        rows: asked for the number of rows to fit on when no past run tells how large the model will be.
        on_data: the digest of the dataset the training will be on: only runs on it then tell, for it may be far larger
            or smaller; None for the configured file, of which runs on datasets tell nothing.

    Returns:
        None while no run of this family with these features has finished, and nothing is known of its size either.
    """
    seconds: list[tuple[float, float]] = []
    megabytes: list[tuple[float, float]] = []
    for run in past:
        if run.status is not RunStatus.FINISHED or run.family != spec.family or run.is_demo is not on_demo:
            continue
        if not _on_the_same(run, on_data):
            continue
        try:
            earlier = TrainingSpec.from_params(run.params)
        except InvalidSpec:
            continue
        if earlier.features is not spec.features:
            continue
        growth = spec.size / earlier.size if spec.size and earlier.size else 1.0
        distance = _distance(spec, earlier)
        for figures, figure in ((seconds, run.fit_seconds), (megabytes, run.model_mb)):
            # Other programs write runs too, and their figures may be anything.
            if figure is not None and math.isfinite(figure) and figure >= 0:
                figures.append((distance, figure * growth))
    took, needed = _nearest(seconds), _nearest(megabytes)
    known = None if needed else rows()
    most = None if known is None else most_megabytes(spec, known)
    if not took and not needed and most is None:
        return None
    return Expectation(
        seconds=median(took) if took else None,
        runs=len(took),
        megabytes=median(needed) if needed else None,
        most_megabytes=most,
    )


def _on_the_same(run: Run, on_data: str | None) -> bool:
    if on_data is None:
        return DATA_NAME_TAG not in run.tags
    return run.tags.get(DATA_SHA256_TAG) == on_data


def rows_to_fit(settings: Settings) -> int | None:
    """How many rows a training would fit on, by the lines of the data file; None while there is none."""
    rows = known_rows(settings)
    return None if rows is None else rows - math.ceil(settings.data.test_size * rows)


def _nearest(told: list[tuple[float, float]]) -> list[float]:
    return [figure for _, figure in sorted(told)[:NEAREST]]


def _distance(one: TrainingSpec, other: TrainingSpec) -> float:
    """How unlike two specs of a family are, in shares of the knobs' ranges; trees are scaled, not compared."""
    knobs = KNOBS[one.family]
    theirs = other.values
    return math.hypot(
        *(
            (float(value) - float(theirs[name])) / (float(knobs[name].high) - float(knobs[name].low))
            for name, value in one.hyperparameters
            if name not in _SCALED
        )
    )
