"""The word for a difference: certain, and large enough to matter."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluation.significance import differences_to_baseline
from core.evaluation.verdicts import Difference, Judgement, Verdict, judge_difference, judge_scores

MONEY = st.floats(-50_000, 50_000)
OPPOSITE = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}


def test_the_verdicts_are_the_words_of_the_terminal() -> None:
    assert [str(verdict) for verdict in Verdict] == ["better", "worse", "no real difference", "not comparable"]


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-300.0, -1.0, Verdict.BETTER),
        (-300.0, 0.0, Verdict.NO_REAL_DIFFERENCE),
        (-300.0, 20.0, Verdict.NO_REAL_DIFFERENCE),
        (0.0, 0.0, Verdict.NO_REAL_DIFFERENCE),
        (0.5, 300.0, Verdict.WORSE),
    ],
)
def test_a_verdict_wants_the_whole_interval_on_one_side(low: float, high: float, verdict: Verdict) -> None:
    assert Difference((low + high) / 2, low, high).verdict is verdict


@pytest.mark.parametrize(
    ("delta", "low", "high", "verdict"),
    [
        # Measured: forests of 150 and 200 trees of one seed, then of two; 1 % of 48,500 is 485.
        (-119, -210, -23, Verdict.NO_REAL_DIFFERENCE),
        (47, -199, 305, Verdict.NO_REAL_DIFFERENCE),
        (-2_000, -2_400, -1_600, Verdict.BETTER),
        (2_000, 1_600, 2_400, Verdict.WORSE),
        (-2_000, -4_400, 40, Verdict.NO_REAL_DIFFERENCE),
        (-485, -500, -470, Verdict.BETTER),
        (-484.9, -500, -470, Verdict.NO_REAL_DIFFERENCE),
        (0, 0, 0, Verdict.NO_REAL_DIFFERENCE),
    ],
)
def test_a_difference_is_real_when_it_is_certain_and_large_enough(
    delta: float, low: float, high: float, verdict: Verdict
) -> None:
    assert judge_difference(Difference(delta, low, high), margin=485.0) == Judgement(delta, low, high, verdict)


@given(MONEY, st.floats(0, 10_000), st.floats(0, 10_000), st.floats(0, 1_000))
def test_the_other_way_round_better_is_worse(delta: float, below: float, above: float, margin: float) -> None:
    there = judge_difference(Difference(delta, delta - below, delta + above), margin)
    back = judge_difference(Difference(-delta, -delta - above, -delta + below), margin)
    assert back.verdict is OPPOSITE.get(there.verdict, there.verdict)


@given(MONEY, st.floats(0, 10_000), st.floats(0, 10_000), st.floats(0, 1_000), st.floats(0, 1_000))
def test_a_wider_margin_only_ever_takes_a_word_away(
    delta: float, below: float, above: float, margin: float, more: float
) -> None:
    difference = Difference(delta, delta - below, delta + above)
    narrow, wide = judge_difference(difference, margin).verdict, judge_difference(difference, margin + more).verdict
    assert wide in (narrow, Verdict.NO_REAL_DIFFERENCE)


@pytest.mark.parametrize("figures", [(math.nan, 0, 1), (-5, math.nan, -1), (-5, -math.inf, -1), (math.inf, 1, 2)])
def test_what_is_no_number_is_not_comparable(figures: tuple[float, float, float]) -> None:
    assert judge_difference(Difference(*figures), margin=0.0).verdict is Verdict.NOT_COMPARABLE


BASELINE = {"rmse": 48_500.0, "mae": 31_000.0, "mape": 17.0, "r2_score": 0.82}


def test_each_score_has_a_margin_of_its_own_unit() -> None:
    small = {"rmse": -400.0, "mae": -400.0, "mape": -0.2, "r2_score": 0.003}
    differences = {name: Difference(delta, 1.2 * delta, 0.8 * delta) for name, delta in small.items()}
    words = {name: judged.verdict for name, judged in judge_scores(differences, BASELINE, 0.01).items()}
    assert words["rmse"] is Verdict.NO_REAL_DIFFERENCE, "485 dollars"
    assert words["mae"] is Verdict.BETTER, "310 dollars"
    assert words["mape"] is Verdict.BETTER, "0.17 points"


@pytest.mark.parametrize("rmse", [Difference(-2_000, -2_400, -1_600), Difference(-119, -210, -23)])
def test_r2_has_its_own_figures_and_the_word_of_the_rmse(rmse: Difference) -> None:
    judged = judge_scores({"rmse": rmse, "r2_score": Difference(0.015, 0.01, 0.02)}, BASELINE, 0.01)
    assert judged["r2_score"] == Judgement(0.015, 0.01, 0.02, judged["rmse"].verdict)


def test_an_r2_that_does_not_exist_is_not_comparable_while_the_rmse_is() -> None:
    (found,) = differences_to_baseline([5e4] * 6, [5.1e4] * 6, [[5.9e4] * 6], resamples=50)
    judged = judge_scores(found, {**BASELINE, "rmse": 1_000.0, "mae": 1_000.0, "mape": 2.0}, 0.01)
    assert judged["rmse"].verdict is Verdict.WORSE
    assert judged["r2_score"].verdict is Verdict.NOT_COMPARABLE
