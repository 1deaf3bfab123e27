"""What one version says beyond another, split by feature group."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.data.block_groups import BlockGroups
from core.domain.feature_groups import FeatureGroup
from core.domain.hyperparameters import ModelFamily
from core.explanation.contributions import explainer
from core.explanation.version_difference import difference
from core.features.direct import HouseRows
from tests.core.explanation.conftest import SmallModel

ModelOf = Callable[[ModelFamily], SmallModel]


def test_base_and_parts_add_up_to_the_difference_of_the_prices(model_of: ModelOf, block_groups: BlockGroups) -> None:
    first, other = model_of(ModelFamily.RANDOM_FOREST).route, model_of(ModelFamily.RIDGE).route
    for position in (0, 5_000, 20_000):
        house = block_groups.house(position)
        rows = HouseRows.from_houses([house])
        found = difference(house, first, other, block_groups)
        assert found.total == pytest.approx(float(other.prices(rows)[0] - first.prices(rows)[0]))
        assert found.base + sum(part.dollars for part in found.parts) == pytest.approx(found.total, abs=0.01)
        assert [part.group for part in found.parts] == list(FeatureGroup)
        assert "30 block groups" in found.method


def test_two_versions_that_agree_differ_in_nothing(boosted: SmallModel, block_groups: BlockGroups) -> None:
    found = difference(block_groups.house(7), boosted.route, boosted.route, block_groups)
    assert (found.total, found.base) == (0.0, 0.0)
    assert [part.dollars for part in found.parts] == [0.0] * 5


def test_the_parts_are_the_two_versions_own_reasons_apart(model_of: ModelOf, block_groups: BlockGroups) -> None:
    """Both families here are explained against the same block groups."""
    first, other = model_of(ModelFamily.EXTRA_TREES), model_of(ModelFamily.RIDGE)
    house = block_groups.house(321)
    found = difference(house, first.route, other.route, block_groups)
    one, two = (
        explainer(model.pipeline, model.route, model.family.value, block_groups).reasons(house)
        for model in (first, other)
    )
    apart = [b.dollars - a.dollars for a, b in zip(one.parts, two.parts, strict=True)]
    assert [part.dollars for part in found.parts] == pytest.approx(apart, abs=0.01)
    assert found.base == pytest.approx(two.base - one.base)
