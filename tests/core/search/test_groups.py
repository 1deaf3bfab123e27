"""A grid's trials by what they tried."""

from __future__ import annotations

import pytest

from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import TrialState
from core.search.groups import groups_of, under_common_seeds
from tests.core.search.sweeps import FOREST, trial

PLAN = SweepPlan.grid(FOREST, {"n_estimators": (100, 150), "max_depth": (9, 20)}, repeats=3)


def test_each_combination_has_its_scores_in_the_order_of_the_seeds() -> None:
    trials = [trial(number, PLAN.grid_spec(number), rmse=5e4 + number) for number in reversed(range(12))]
    groups = groups_of(PLAN, trials)
    assert [one.label for one in groups] == [
        "Trees 100, Depth 9",
        "Trees 100, Depth 20",
        "Trees 150, Depth 9",
        "Trees 150, Depth 20",
    ]
    assert groups[1].by_seed == ((42, 50_001.0), (43, 50_005.0), (44, 50_009.0))
    assert groups[1].scores == (50_001.0, 50_005.0, 50_009.0)


@pytest.mark.parametrize("state", [state for state in TrialState if state is not TrialState.COMPLETE])
def test_what_has_no_score_is_in_no_group(state: TrialState) -> None:
    assert groups_of(PLAN, [trial(0, PLAN.grid_spec(0), state)]) == ()


def test_two_groups_are_paired_under_the_seeds_both_have() -> None:
    numbers = (0, 4, 8, 3, 11)  # 100 trees of depth 9 under three seeds, 150 of depth 20 under the first and last
    groups = groups_of(PLAN, [trial(number, PLAN.grid_spec(number), rmse=5e4 + number) for number in numbers])
    assert under_common_seeds(groups[0], groups[-1]) == ((50_000.0, 50_008.0), (50_003.0, 50_011.0))
