"""What holds for every range, and for a document of ranges."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import RecordsError
from core.domain.house import House
from core.domain.money import LOWEST_RECORDED, SURVEY_CAP
from core.evaluation.error_scale import ErrorScale
from core.evaluation.intervals import IntervalModel, Ranges
from core.evaluation.prices_around import PricesAround
from core.features.direct import HouseRows
from tests.core.evaluation.conftest import Calibrated
from tests.core.models.test_fast_predict import any_house

PRICES = st.floats(-50_000, 900_000)
FACTORS = st.floats(1, 4)


@pytest.fixture(scope="module")
def model(calibrated: Calibrated) -> IntervalModel:
    return calibrated.intervals


def columns(ranges: Ranges) -> np.ndarray:
    return np.column_stack([ranges.low_90, ranges.low_80, ranges.high_80, ranges.high_90])


@given(house=any_house(), price=PRICES, widened=FACTORS)
def test_ranges_lie_in_one_another_hold_the_price_and_stay_within_the_survey(
    model: IntervalModel, house: House, price: float, widened: float
) -> None:
    found = model.price_range(house, price, widened)
    centre = min(max(price, LOWEST_RECORDED), SURVEY_CAP)
    assert LOWEST_RECORDED <= found.outer.low <= found.inner.low <= centre
    assert centre <= found.inner.high <= found.outer.high <= SURVEY_CAP
    assert found.outer.width > 0
    assert found.widened == widened


@given(houses=st.lists(st.tuples(any_house(), PRICES, FACTORS), min_size=1, max_size=20))
def test_a_house_alone_has_the_range_it_has_among_many(
    model: IntervalModel, houses: list[tuple[House, float, float]]
) -> None:
    rows = HouseRows.from_houses(house for house, _, _ in houses)
    prices, factors = (np.array(column) for column in list(zip(*houses, strict=True))[1:])
    together = columns(model.ranges(rows, prices, factors))
    alone = [model.price_range(*one) for one in houses]
    singly = [(found.outer.low, found.inner.low, found.inner.high, found.outer.high) for found in alone]
    np.testing.assert_array_equal(together, singly)


@given(house=any_house(), price=st.floats(150_000, 300_000), factor=FACTORS)
def test_widening_moves_both_ends_away_by_its_factor(
    model: IntervalModel, house: House, price: float, factor: float
) -> None:
    plain, wide = model.price_range(house, price).inner, model.price_range(house, price, factor).inner
    assert wide.low == pytest.approx(max(price - factor * (price - plain.low), LOWEST_RECORDED))
    if plain.high < SURVEY_CAP:
        assert wide.high == pytest.approx(min(price + factor * (plain.high - price), SURVEY_CAP))


def test_a_range_reaches_further_up_than_down(calibrated: Calibrated) -> None:
    found = calibrated.intervals.ranges(calibrated.held_out, calibrated.predicted)
    free = (found.low_90 > LOWEST_RECORDED) & (found.high_90 < SURVEY_CAP)
    up, down = found.high_90 - calibrated.predicted, calibrated.predicted - found.low_90
    assert free.sum() > 3_000
    assert (up > down)[free].all()


def test_neighbours_that_disagree_with_the_estimate_widen_a_range(model: IntervalModel) -> None:
    around, house = model.scale.around, House.typical()

    def width(recorded_around: float) -> float:
        everywhere = np.full(len(around.recorded), recorded_around)
        scale = ErrorScale.from_text(PricesAround.of(around.longitude, around.latitude, everywhere), model.scale.text)
        return replace(model, scale=scale).price_range(house, 200_000.0).outer.width

    assert width(100_000.0) > width(200_000.0) < width(400_000.0)


def test_the_coverage_beside_a_range_is_of_its_own_region_and_price_band(model: IntervalModel) -> None:
    found = model.price_range(replace(House.typical(), ocean_proximity="NEAR BAY"), 275_000.0)
    assert found.overall.rows == 4_128
    assert found.region in model.regions
    assert found.band in model.bands
    assert found.region is not None
    assert found.band is not None
    assert (found.region.name, found.band.name) == ("NEAR BAY", "$250,000 to $300,000")
    assert (found.overall.share_80, found.overall.share_90) == (model.coverage_80, model.coverage_90)


def test_of_a_handful_of_held_out_rows_no_coverage_is_told(model: IntervalModel) -> None:
    island = next(share for share in model.regions if share.name == "ISLAND")
    assert 0 < island.rows < 50
    assert model.price_range(replace(House.typical(), ocean_proximity="ISLAND"), 275_000.0).region is None


def test_a_document_gives_the_same_ranges_to_the_last_bit(calibrated: Calibrated) -> None:
    document = json.dumps(calibrated.intervals.as_document(), allow_nan=False)
    again = IntervalModel.from_document(json.loads(document))
    before = calibrated.intervals.ranges(calibrated.held_out, calibrated.predicted, 1.3)
    after = again.ranges(calibrated.held_out, calibrated.predicted, 1.3)
    np.testing.assert_array_equal(columns(before), columns(after))
    assert (again.held_out, again.mean_width_90) == (calibrated.intervals.held_out, calibrated.intervals.mean_width_90)
    assert json.dumps(again.as_document()) == document


def without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.pop(name)


def put(value: Any, *path: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        *inner, last = path
        for name in inner:
            document = document[name]
        document[last] = value

    return change


def cut_the_trees(document: dict[str, Any]) -> None:
    document["trees"] = document["trees"][: len(document["trees"]) // 2]


BROKEN = {
    "no version": without("version"),
    "a later version": put(2, "version"),
    "no trees": without("trees"),
    "trees cut short": cut_the_trees,
    "trees of another kind": put(["trees"], "trees"),
    "a threshold in words": put("wide", "threshold_90"),
    "a threshold that is true": put(True, "threshold_90"),
    "a threshold without end": put(10**400, "threshold_90"),
    "a threshold below 0": put(-1.0, "threshold_80"),
    "80 above 90": put(99.0, "threshold_80"),
    "no neighbours": put(None, "around"),
    "one price too few": put([1.0, 2.0], "around", "recorded"),
    "places that are text": put(["a", "b"], "around", "longitude"),
    "no coverage": put(None, "held_out"),
    "coverage that is no table": put(7, "held_out", "regions"),
    "a share without a name": put([{"rows": 3, "share_80": 1.0, "share_90": 1.0}], "held_out", "bands"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_document_is_refused_with_what_to_do(
    model: IntervalModel, broken: Callable[[dict[str, Any]], None]
) -> None:
    document = json.loads(json.dumps(model.as_document()))
    broken(document)
    with pytest.raises(RecordsError) as refused:
        IntervalModel.from_document(document)
    assert "core assess" in refused.value.remedy


def trees_of_another_model() -> str:
    import lightgbm

    rows = np.random.default_rng(0).random((60, 3))
    return lightgbm.train({"verbosity": -1}, lightgbm.Dataset(rows, rows[:, 0]), 2).model_to_string()


@pytest.mark.parametrize("trees", [str, lambda: "tree\nversion=v4\n", lambda: "{}", trees_of_another_model])
def test_trees_that_are_not_a_scale_of_errors_are_refused(model: IntervalModel, trees: Callable[[], str]) -> None:
    text = trees()
    document = {**model.as_document(), "trees": text, "trees_sha256": hashlib.sha256(text.encode()).hexdigest()}
    with pytest.raises(RecordsError, match="cannot be read"):
        IntervalModel.from_document(document)


def test_a_machine_without_openmp_is_told_what_to_install(
    model: IntervalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoOpenMP:
        """What importing LightGBM meets where the library it links to is missing."""

        def find_spec(self, name: str, path: object, target: object = None) -> None:
            if name == "lightgbm":
                raise OSError("libgomp.so.1: cannot open shared object file")

    document = model.as_document()
    monkeypatch.delitem(sys.modules, "lightgbm")
    monkeypatch.setattr(sys, "meta_path", [NoOpenMP(), *sys.meta_path])
    with pytest.raises(RecordsError, match="libgomp") as refused:
        IntervalModel.from_document(document)
    assert "libgomp1" in refused.value.remedy


@pytest.mark.parametrize("document", [None, [], "intervals", 1])
def test_what_is_no_document_at_all_is_refused(document: Any) -> None:
    with pytest.raises(RecordsError, match="document version None"):
        IntervalModel.from_document(document)
