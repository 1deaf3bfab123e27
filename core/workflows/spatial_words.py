"""Why a score on whole blocks of the map differs from one on rows drawn at random, in a run's own figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from core.data.blocks import BLOCK_KILOMETRES
from core.domain.feature_sets import FeatureSet
from core.domain.metrics import metric_of
from core.domain.money import dollars, percent
from core.workflows.comparison_views import Comparison

WHY_APART: Final = (
    "A row drawn at random has neighbours among the rows a model was fitted on, a row of a whole block seldom any: the "
    "one score is for places among known block groups, the other for a new area."
)
_NEIGHBOURS: Final = "What it makes of its neighbours' prices helps only near known block groups."


def spatial_words(
    figures: Mapping[str, float], *, features: FeatureSet | None = None, held_out_rmse: float | None = None
) -> tuple[str, ...]:
    """Two lines: by how much the two scores differ, and why. None where there is no spatial score.

    Args:
        figures: ``spatial_rmse`` and, where ranges were measured, ``out_of_fold_rmse``, both over the training rows.
        features: what the model is fitted on. held_out_rmse: what is told instead where there is no such score.
    """
    spatial, random = figures.get("spatial_rmse", math.nan), figures.get("out_of_fold_rmse", math.nan)
    if not math.isfinite(spatial):
        return ()
    where = "parts of the same training rows drawn at random"
    if not math.isfinite(random):
        random, where = held_out_rmse or math.nan, "the held-out rows, drawn at random,"
    said = f"On whole blocks of {BLOCK_KILOMETRES:g} km, none of which it saw, its RMSE is {dollars(spatial)}"
    if math.isfinite(random) and random > 0:
        said += f", on {where} {dollars(random)}: {_more(spatial / random - 1.0)} where it knows no neighbour"
    uses_neighbours = features is FeatureSet.LOCATION
    return f"{said}.", f"{WHY_APART} {_NEIGHBOURS}" if uses_neighbours else WHY_APART


def spatial_findings(compared: Comparison) -> tuple[str, ...]:
    """Which of the compared runs are best on either score, in a sentence; none where fewer than two have both."""
    both = {
        compared.labels[one.run_id]: (one.out_of_fold_rmse, one.spatial_rmse)
        for one in compared.profiles
        if one.out_of_fold_rmse is not None and one.spatial_rmse is not None
    }
    if len(both) < 2:
        return ()
    random_best, block_best = (min(both, key=lambda label: both[label][place]) for place in (0, 1))
    random, blocks = both[random_best], both[block_best]
    title = metric_of("out_of_fold_rmse").label
    if random_best == block_best:
        return (f"{random_best} is best on both: {title} {dollars(random[0])}, on whole blocks {dollars(random[1])}.",)
    return (
        f"By {title} {random_best} is best ({dollars(random[0])}), on whole blocks {block_best} ({dollars(blocks[1])}; "
        f"{random_best} has {dollars(random[1])} there).",
    )


def _more(share: float) -> str:
    return f"{percent(100 * abs(share), 0)} {'more' if share >= 0 else 'less'}"
