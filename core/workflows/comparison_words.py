"""A comparison in words: differences, intervals and the answer in one sentence, the same on every door."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.domain.metrics import Unit, metric_of
from core.domain.money import MISSING, dollar_change, percent
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
        return f"{change:+.2f} points".replace("-", "−")
    return f"{change:+.{_SIGNED_DIGITS}f}".replace("-", "−")


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
        (Verdict.BETTER, f"better than {base}"),
        (Verdict.WORSE, f"worse than {base}"),
        (Verdict.NO_REAL_DIFFERENCE, f"no real difference to {base}"),
    ):
        which = [one for one in comparison.runs if one.is_compared and one.differences["rmse"].verdict is verdict]
        if which:
            verb = "" if verdict is Verdict.NO_REAL_DIFFERENCE else " is" if len(which) == 1 else " are"
            colon = ":" if verdict is Verdict.NO_REAL_DIFFERENCE else ""
            sentences.append(f"{_listed(which)}{colon}{verb} {words}.")
    return tuple(sentences)


def _listed(runs: Sequence[ComparedRun]) -> str:
    """``A (−$900), B and C``: names with their difference."""
    named = [f"{one.label} ({change_text('rmse', one.differences['rmse'].delta)})" for one in runs]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
