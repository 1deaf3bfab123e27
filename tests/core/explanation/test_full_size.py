"""What small models show in the other files, shown of models as large as people train: sums, and goals in time."""

from __future__ import annotations

import time

import numpy as np
import pytest

from core.data.block_groups import BlockGroups
from core.data.split import Split
from core.domain.house import RAW_COLUMNS
from core.domain.hyperparameters import ModelFamily, TrainingSpec
from core.domain.money import SURVEY_CAP
from core.domain.presets import TRAINING_PRESETS
from core.explanation.contributions import explainer
from core.explanation.goal_seek import LOCATION_FEATURES, seek
from core.features.direct import HouseRows
from core.models.families import build_pipeline
from core.models.fast_predict import price_route
from core.models.steps import one_openmp_thread
from tests.core.explanation.conftest import SmallModel
from tests.core.explanation.test_goal_seek import check

pytestmark = [pytest.mark.long, pytest.mark.timeout(3_600)]

SPECS = {family.value: TrainingSpec.create(family) for family in ModelFamily}
SPECS |= {f"preset {name}": TRAINING_PRESETS[name].spec for name in ("fast", "best", "ensemble")}
HOUSES_AT_ONCE = 20
GOALS = 60


@pytest.fixture(scope="module", params=SPECS.values(), ids=SPECS)
def model(request: pytest.FixtureRequest, real_split: Split) -> SmallModel:
    """Fitted on all 16,512 rows."""
    spec: TrainingSpec = request.param
    pipeline = build_pipeline(spec, n_jobs=2)
    pipeline.fit(real_split.X_train, real_split.y_train)
    with one_openmp_thread():
        return SmallModel(spec.family, pipeline, price_route(pipeline))


def test_parts_add_up_within_a_dollar_for_1000_random_houses(
    model: SmallModel, block_groups: BlockGroups, possible: HouseRows
) -> None:
    found = explainer(model.pipeline, model.route, model.family.value, block_groups)
    began = time.monotonic()
    farthest = 0.0
    for begin in range(0, len(possible), HOUSES_AT_ONCE):
        rows = HouseRows(possible.numbers[begin:][:HOUSES_AT_ONCE], possible.places[begin:][:HOUSES_AT_ONCE])
        apart = found.base + found.split(rows).sum(axis=1) - model.route.prices(rows)
        farthest = max(farthest, float(np.abs(apart).max()))
    each = 1_000 * (time.monotonic() - began) / len(possible)
    print(f"\nparts of {len(possible):,} houses add up within ${farthest:.2g}, {each:.1f} ms each, {found.method}")
    assert farthest < 1.0


def test_random_goals_keep_their_locks_and_are_answered_in_time(model: SmallModel, block_groups: BlockGroups) -> None:
    random = np.random.default_rng(6)
    answers = []
    for _ in range(GOALS):
        house = block_groups.house(int(random.integers(len(block_groups))))
        goal = float(random.uniform(15_000.0, SURVEY_CAP))
        some = {name for name in RAW_COLUMNS if random.random() < 0.5}
        locked = LOCATION_FEATURES if random.random() < 0.5 else some
        answer = seek(house, goal, model.route.prices, block_groups, locked=locked)
        assert answer.locked == frozenset(locked)
        check(answer, house, model, block_groups)
        answers.append(answer)
    seconds = [answer.seconds for answer in answers]
    print(
        f"\n{GOALS} goals: median {np.median(seconds):.2f} s, slowest {max(seconds):.2f} s, "
        f"{sum(answer.is_reached for answer in answers)} reached, "
        f"{sum(answer.is_cut_short for answer in answers)} cut short"
    )
