"""Whether *settings* differ, not just two models fitted with them: noise of the rows and of the seeds in one interval.

A fitted model is one draw of its seed, scored on one draw of rows. The same settings under several seeds, scored on
the same rows, are a crossed design: any row may be hard for all seeds, any seed good on all rows, and the rest is
theirs together. Multi-reader multi-case studies have the same design, with readers for seeds and cases for rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.domain.errors import InvalidData
from core.evaluation.significance import Difference, Floats, Resampled, student_reach


def difference_of_settings(
    resampled: Resampled, ours: Sequence[int], others: Sequence[int], *, paired: bool
) -> Difference:
    """Mean RMSE of some models minus that of others, in 1990 USD: one spec's seeds against another's.

    With ``D`` the difference of the two means, its variance is estimated by

        V = V_rows + max(0, V_seeds − V_both)

    - ``V_rows``: of ``D`` over the resamples of the rows, the fitted models as they are (paired bootstrap).
    - ``V_seeds``: of ``D`` over seeds, the rows as they are. ``paired``: ``s²(d) / K`` over the K differences under
      the same seed, K − 1 degrees of freedom. Else ``s² / K`` of either group, added, K − 1 degrees each (Welch).
    - ``V_both``: the part of the noise that is of a row and a seed together. It is in both of the others, so it is
      taken out once: what is left of a model's resampled RMSE without its group's mean, over K (K − 1).

    This is the variance of a mean in a two-way layout with both factors drawn at random, and the interval is
    ``D ± t · √V`` with Welch and Satterthwaite's degrees of freedom, ``V² / Σ (part² / its degrees)`` over the rows
    (n − 1) and the seeds. Sources: Satterthwaite 1946, "An Approximate Distribution of Estimates of Variance
    Components"; Dorfman, Berbaum and Metz 1992, "Receiver Operating Characteristic Rating Analysis", for readers and
    cases; Owen 2007, "The Pigeonhole Bootstrap", for why adding the two parts alone counts their common one twice.

    Simulated, 95 % intervals of this kind hold the true difference in 93 to 99 % of cases from three seeds on; with
    two seeds and most of the noise in the seeds, in 89 %: two seeds cannot tell their own spread.

    Args:
        resampled: all models over the same resamples. ours, others: which of its models, 0 being the baseline; one
            a seed. paired: whether ``ours[i]`` and ``others[i]`` had the same seed.

    Raises:
        InvalidData: a group has fewer than two seeds, or pairs do not match.
    """
    if min(len(ours), len(others)) < 2 or (paired and len(ours) != len(others)):
        kind = "pairs of " if paired else ""
        raise InvalidData(
            f"Cannot compare settings by {kind}{len(ours)} and {len(others)} seeds.",
            remedy="Train both under at least two seeds, or compare two fitted models.",
        )
    rmse = np.array([scores.rmse for scores in resampled.scores])
    here, there = list(ours), list(others)
    delta = float(rmse[here].mean() - rmse[there].mean())
    drawn, drawn_there = resampled.rmse[:, here], resampled.rmse[:, there]
    rows = float(np.var(drawn.mean(axis=1) - drawn_there.mean(axis=1), ddof=1))
    if paired:
        parts = [_parts(rmse[here] - rmse[there], drawn - drawn_there)]
    else:
        parts = [_parts(rmse[here], drawn), _parts(rmse[there], drawn_there)]
    seeds, both = sum(part[0] for part in parts), sum(part[1] for part in parts)
    variance = rows + max(0.0, seeds - both)
    if variance == 0.0:
        return Difference(delta, delta, delta)
    spent = rows**2 / (resampled.rows - 1) + sum(own**2 / degrees for own, _, degrees in parts)
    reach = student_reach(float(np.sqrt(variance)), variance**2 / spent)
    return Difference(delta, delta - reach, delta + reach)


def _parts(figures: Floats, drawn: Floats) -> tuple[float, float, int]:
    """Of a mean over seeds: its variance over seeds, the part of it that rows and seeds make together, and K − 1."""
    count = len(figures)
    own = float(np.var(figures, ddof=1)) / count
    rest = drawn - drawn.mean(axis=1, keepdims=True)
    both = float(np.var(rest, axis=0, ddof=1).sum()) / (count * (count - 1))
    return own, both, count - 1
