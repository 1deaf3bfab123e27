"""A comparison in words: differences, intervals and the answer in one sentence, the same on every door."""

from __future__ import annotations

from typing import Final

from core.domain.excerpts import enumerated
from core.domain.metrics import Unit, metric_of
from core.domain.money import MISSING, dollar_change, percent, signed
from core.evaluation.significance import RESAMPLES, Judgement, Verdict
from core.workflows.comparison_views import ComparedRun, Comparison

_SIGNED_DIGITS: Final = 4


def change_text(name: str, change: float | None) -> str:
    """A difference of that metric with its sign: ``−$119``, ``+0.4 points``, ``−0.0012``; missing → ``—``."""
    if change is None:
        return MISSING
    unit = metric_of(name).unit
    if unit is Unit.DOLLARS:
        return dollar_change(change)
    if unit is Unit.PERCENT:
        return f"{signed(change, 2)} points"
    return signed(change, _SIGNED_DIGITS)


def interval_text(name: str, judged: Judgement | None) -> str:
    """``−$210 to −$23``; missing → ``—``."""
    return MISSING if judged is None else f"{change_text(name, judged.low)} to {change_text(name, judged.high)}"


def reason_of(judged: Judgement) -> str:
    """Why the verdict is what it is, as a clause."""
    if judged.verdict is not Verdict.NO_REAL_DIFFERENCE:
        return "the interval lies on one side of zero, and the difference is large enough to matter"
    if judged.low <= 0 <= judged.high:
        return "the interval holds zero"
    return "certain, and too small to matter"


def method(comparison: Comparison) -> str:
    """How the differences were found, in a sentence or two; empty where there are none."""
    if comparison.shared is None or not comparison.others:
        return ""
    rows = len(comparison.shared.actual)
    return (
        f"Differences are to {comparison.baseline.label}, with 95 % intervals from the same {rows:,} held-out rows "
        f"drawn anew {RESAMPLES:,} times (paired bootstrap). Under {percent(100 * comparison.margin)} of the "
        "baseline's figure a difference does not matter."
    )


def answer(comparison: Comparison) -> tuple[str, ...]:
    """What the comparison says about the fitted models, a sentence a verdict; the clearest first."""
    base = comparison.baseline.label
    sentences = []
    for verdict, words in (
        (Verdict.BETTER, f"Better than {base}"),
        (Verdict.WORSE, f"Worse than {base}"),
        (Verdict.NO_REAL_DIFFERENCE, f"No real difference to {base}"),
    ):
        which = [one for one in comparison.runs if one.is_compared and one.differences["rmse"].verdict is verdict]
        if which:
            sentences.append(f"{words}: {enumerated([_with_change(one) for one in which])}.")
    return tuple(sentences)


def _with_change(run: ComparedRun) -> str:
    """``A (−$900)``."""
    return f"{run.label} ({change_text('rmse', run.differences['rmse'].delta)})"
