"""What a difference between two models amounts to, in one word.

Two questions, in this order. *Is it certain?* Not while its interval holds zero. *Does it matter?* Not while the
whole of it is below the practical margin: with enough rows any two models differ for certain, by dollars that
change no decision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a difference says about the first of two models."""

    BETTER = "better"
    WORSE = "worse"
    NO_REAL_DIFFERENCE = "no real difference"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of one model minus that of another, with its 95 % interval."""

    delta: float
    low: float
    high: float

    @property
    def holds_zero(self) -> bool:
        """Whether the two may be equal after all."""
        return self.low <= 0 <= self.high

    @property
    def verdict(self) -> Verdict:
        """The word for an error, by noise alone: better or worse where the whole interval lies on one side of zero."""
        return judge_difference(self, margin=0.0).verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """A difference with its word; ``delta``, ``low`` and ``high`` are NaN where two figures cannot be compared."""

    delta: float
    low: float
    high: float
    verdict: Verdict


def judge_difference(difference: Difference, margin: float) -> Judgement:
    """The word for a difference of two errors, of which the lower is the better one.

    Args:
        margin: a difference below it does not matter, however certain; in the unit of the error.
    """
    delta, low, high = difference.delta, difference.low, difference.high
    if not all(map(math.isfinite, (delta, low, high))):
        verdict = Verdict.NOT_COMPARABLE
    elif difference.holds_zero or abs(delta) < margin:
        verdict = Verdict.NO_REAL_DIFFERENCE
    else:
        verdict = Verdict.BETTER if high < 0 else Verdict.WORSE
    return Judgement(delta, low, high, verdict)


def judge_scores(
    differences: Mapping[str, Difference], baseline: Mapping[str, float], share: float
) -> dict[str, Judgement]:
    """The words for ``rmse``, ``mae``, ``mape`` and ``r2_score``, a run minus the baseline.

    On the same rows R² rises exactly when the RMSE falls, so it takes the RMSE's word beside its own figures: a
    share of the R² itself would be a margin of another size.

    Args:
        differences: as ``significance.differences_to_baseline`` gives them. baseline: the baseline's own scores.
        share: the practical margin as a share of the baseline's figure.
    """
    judged = {
        name: judge_difference(difference, share * abs(baseline[name]))
        for name, difference in differences.items()
        if name != "r2_score"
    }
    if "r2_score" in differences:
        own = judge_difference(differences["r2_score"], margin=0.0)
        word = own.verdict if own.verdict is Verdict.NOT_COMPARABLE else judged["rmse"].verdict
        judged["r2_score"] = Judgement(own.delta, own.low, own.high, word)
    return judged
