"""Contributions add up to the price for every family and every house there can be, and are told plainly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline

from core.data.block_groups import BlockGroups
from core.data.split import Split
from core.domain.feature_groups import FeatureGroup
from core.domain.house import House
from core.domain.hyperparameters import ModelFamily
from core.domain.reasons import Contribution, Reasons
from core.explanation.contributions import Explainer, explainer, sentence
from core.features.direct import HouseRows
from core.features.preprocessing import preprocessing_steps
from core.models.fast_predict import PriceRoute, price_route
from tests.core.explanation.conftest import SmallModel

ModelOf = Callable[[ModelFamily], SmallModel]

BOOSTED = {ModelFamily.LIGHTGBM, ModelFamily.HIST_GRADIENT_BOOSTING}


def explained(model: SmallModel, block_groups: BlockGroups) -> Explainer:
    return explainer(model.pipeline, model.route, model.family.value, block_groups)


def test_base_and_parts_add_up_to_the_price_for_1000_possible_houses(
    family: ModelFamily, model_of: ModelOf, block_groups: BlockGroups, possible: HouseRows
) -> None:
    model = model_of(family)
    found = explained(model, block_groups)
    parts = found.split(possible)
    assert parts.shape == (len(possible), len(FeatureGroup))
    np.testing.assert_allclose(found.base + parts.sum(axis=1), model.route.prices(possible), atol=0.01)


def test_reasons_explain_the_price_of_real_block_groups(
    family: ModelFamily, model_of: ModelOf, block_groups: BlockGroups
) -> None:
    model = model_of(family)
    found = explained(model, block_groups)
    houses = [block_groups.house(position) for position in range(0, 20_000, 2_000)]
    prices = model.route.prices(HouseRows.from_houses(houses))
    together = found.reasons_of(houses)
    for house, reasons, price in zip(houses, together, prices, strict=True):
        assert [part.group for part in reasons.parts] == list(FeatureGroup)
        assert reasons.price == pytest.approx(price, abs=0.01)
        alone = [part.dollars for part in found.reasons(house).parts]
        assert alone == pytest.approx([part.dollars for part in reasons.parts], abs=0.01)
    assert found.reasons_of([]) == []


def test_the_method_is_named_and_is_the_quick_one_of_the_family(
    family: ModelFamily, model_of: ModelOf, block_groups: BlockGroups
) -> None:
    reasons = explained(model_of(family), block_groups).reasons(House.typical())
    assert ("TreeSHAP" in reasons.method) == (family in BOOSTED)
    assert family.label in reasons.method
    assert "not what causes a price" in reasons.caveat
    assert ("fitted on" if family in BOOSTED else "30 reference block groups") in reasons.base_text


def test_the_two_methods_agree_on_what_drives_prices(model_of: ModelOf, block_groups: BlockGroups) -> None:
    """They answer different questions exactly, and still rank houses alike by income and by location."""
    boosted, forest = (
        explained(model_of(one), block_groups) for one in (ModelFamily.LIGHTGBM, ModelFamily.EXTRA_TREES)
    )
    rows = HouseRows(block_groups.numbers[::200], block_groups.place_numbers[::200])
    one, other = boosted.split(rows), forest.split(rows)
    for group in (FeatureGroup.INCOME, FeatureGroup.LOCATION):
        place = list(FeatureGroup).index(group)
        assert np.corrcoef(one[:, place], other[:, place])[0, 1] > 0.8


def test_another_estimator_is_explained_through_its_prices(real_split: Split, block_groups: BlockGroups) -> None:
    pipeline = Pipeline([*preprocessing_steps(scaled=False), ("model", LinearRegression())])
    pipeline.fit(real_split.X_train.head(500), real_split.y_train.head(500))
    route = price_route(pipeline)
    assert not route.is_quick
    reasons = explainer(pipeline, route, "somebody's own", block_groups).reasons(House.typical())
    assert reasons.price == pytest.approx(float(pipeline.predict(HouseRows.from_houses([House.typical()]).frame())[0]))
    assert "somebody's own" in reasons.method


def test_trees_that_do_not_say_what_the_route_says_are_not_explained_by_themselves(
    model_of: ModelOf, block_groups: BlockGroups
) -> None:
    model, other = model_of(ModelFamily.LIGHTGBM), model_of(ModelFamily.RIDGE)
    crossed = PriceRoute(model.pipeline, other.route.direct)
    found = explainer(model.pipeline, crossed, "lightgbm", block_groups)
    assert "TreeSHAP" not in found.method
    price = float(crossed.prices(HouseRows.from_houses([House.typical()]))[0])
    assert found.reasons(House.typical()).price == pytest.approx(price)


def reasons_of(**dollars: float) -> Reasons:
    parts = tuple(Contribution(group, dollars.get(group.name.lower(), 0.0)) for group in FeatureGroup)
    return Reasons(200_000.0, parts, "a method", "the mean price of some block groups", "a caveat")


def test_the_sentence_names_the_largest_parts_up_and_down() -> None:
    reasons = reasons_of(location=61_040.0, income=12_310.0, rooms=900.0, age=-4_020.0, people=-800.0)
    assert sentence(reasons) == (
        "From $200,000, the location adds $61,000, the income adds $12,300 and the size in rooms adds $900; the house "
        "age takes $4,000 away."
    )


def test_no_part_is_left_out_of_the_sentence_for_a_smaller_one() -> None:
    reasons = reasons_of(location=102_172.0, income=19_012.0, age=5_430.0, rooms=-5_333.0, people=-4_654.0)
    told = sentence(reasons)
    assert "adds $5,400" in told
    assert "takes $5,300 away" in told
    assert "$4,700" not in told


def test_the_sentence_tells_the_houses_own_figures() -> None:
    house = replace(House.typical(), median_income=8.3, total_rooms=2_000.0, households=400.0, housing_median_age=41.0)
    told = sentence(reasons_of(income=-9_000.0, rooms=8_000.0, age=7_000.0), house)
    assert told == (
        "From $200,000, the size at 5.0 rooms a household adds $8,000 and the house age of 41 years adds $7,000; "
        "the income of $83,000 a household takes $9,000 away."
    )


def test_the_sentence_says_when_nothing_moves_the_price() -> None:
    told = sentence(reasons_of(income=20.0, age=-49.0))
    assert told == ("No group of features moves this price far from $200,000, the mean price of some block groups.")
