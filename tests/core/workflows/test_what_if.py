"""Everything What-if asks about one house, over a real home with two versions that have ranges."""

from __future__ import annotations

import functools
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.data.block_group_search import Criteria
from core.domain.errors import DataUnavailable, InvalidHouse, NotFound
from core.domain.house import NUMERIC_COLUMNS, RAW_COLUMNS, House
from core.domain.scenarios import Scenario
from core.domain.settings import Settings
from core.tracking.registry import set_alias
from core.tracking.store import Connection, Store, open_store
from core.workflows.loaded_models import LoadedModels
from core.workflows.scenarios import Scenarios
from core.workflows.what_if import MOST_VERSIONS, WhatIf
from tests.actors import TESTER

TYPICAL = House.typical()
INLAND = House.from_mapping(
    {"median_income": 2.4, "latitude": 36.74, "longitude": -119.78, "ocean_proximity": "INLAND"}
)
LONGEST_GOAL_SECONDS = 2.0


def what_if_of(settings: Settings) -> WhatIf:
    return WhatIf(LoadedModels(settings, Connection(settings)))


@pytest.fixture(scope="module")
def what_if(ranged_settings: Settings) -> WhatIf:
    return what_if_of(ranged_settings)


@pytest.fixture
def elsewhere(ranged_settings: Settings, tmp_path: Path) -> WhatIf:
    """The same versions where the data file is not."""
    data = ranged_settings.data.model_copy(update={"path": tmp_path / "nothing.csv"})
    return what_if_of(ranged_settings.model_copy(update={"data": data}))


def test_the_price_comes_alone_and_its_reasons_when_they_are_asked_for(what_if: WhatIf) -> None:
    first, explained = what_if.value(TYPICAL), what_if.explained(TYPICAL)
    assert first.reasons is None
    assert explained.reasons is not None
    assert (first.price, first.range, first.plausibility) == (explained.price, explained.range, explained.plausibility)
    assert explained.reasons.price == pytest.approx(first.price, abs=1)


@pytest.mark.parametrize("version", ["1", "2"])
def test_curves_go_through_the_price_and_have_its_range(what_if: WhatIf, version: str) -> None:
    for house in (TYPICAL, INLAND):
        valuation, found = what_if.value(house, version), what_if.curves(house, version)
        assert {curve.feature for curve in found} == set(NUMERIC_COLUMNS)
        assert valuation.range is not None
        for curve in found:
            assert curve.low is not None
            assert curve.high is not None
            here = int(np.flatnonzero(curve.values == curve.here)[0])
            assert curve.prices[here] == pytest.approx(valuation.price)
            assert curve.low[here] == pytest.approx(valuation.range.outer.low)
            assert curve.high[here] == pytest.approx(valuation.range.outer.high)


def test_a_version_without_a_range_has_curves_without_one(trained_settings: Settings) -> None:
    assert all(curve.low is None and curve.high is None for curve in what_if_of(trained_settings).curves(TYPICAL))


Question = Callable[[WhatIf, House, "str | None"], object]
QUESTIONS: dict[str, Question] = {
    "reasons": lambda desk, house, version: desk.explained(house, version),
    "curves": lambda desk, house, version: desk.curves(house, version),
    "surface": lambda desk, house, version: desk.surface(house, "median_income", "population", version),
    "comparables": lambda desk, house, version: desk.comparables(house, version),
    "goal": lambda desk, house, version: desk.goal(house, 300_000, (), version),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_an_answer_is_made_once_for_each_house_and_version(what_if: WhatIf, question: Question) -> None:
    first = question(what_if, TYPICAL, None)
    assert question(what_if, House.typical(), "2") is first, "the version that serves, by its number"
    assert question(what_if, TYPICAL, "1") is not first
    assert question(what_if, INLAND, None) is not first


def test_answers_follow_the_champion(ranged_settings: Settings, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(ranged_settings.home, home, ignore=shutil.ignore_patterns("artifacts"))
    settings = ranged_settings.model_copy(update={"home": home})
    desk, store = what_if_of(settings), open_store(settings)
    newest = desk.explained(TYPICAL)
    for version in ("1", "2"):
        set_alias(store, "champion", version)
        assert desk.value(TYPICAL).source.version == version
        assert desk.explained(TYPICAL).source.version == version
        assert desk.explained(TYPICAL).price == desk.value(TYPICAL, version).price
    assert desk.explained(TYPICAL).price == newest.price
    assert desk.suggested("2") == ["1"]


def test_comparables_can_be_left_out_and_put_in(what_if: WhatIf) -> None:
    rows = [one.row_id for one in what_if.comparables(TYPICAL)]
    changed = [one.row_id for one in what_if.comparables(TYPICAL, dropped=rows[:2], pinned=[11])]
    assert not set(rows[:2]) & set(changed)
    assert 11 in changed
    assert set(rows[2:7]) <= set(changed)
    with pytest.raises(NotFound):
        what_if.comparables(TYPICAL, pinned=[999_999])
    assert what_if.comparables_if_known(TYPICAL, pinned=[999_999]) == ()
    assert what_if.comparables_if_known(TYPICAL, pinned=[11]) == what_if.comparables(TYPICAL, pinned=[11])


@pytest.mark.parametrize("goal", [120_000.0, 300_000.0, 495_000.0])
def test_a_goal_is_answered_in_time_and_keeps_its_locks(what_if: WhatIf, goal: float) -> None:
    locked = ["longitude", "latitude", "ocean_proximity", "population"]
    began = time.monotonic()
    answer = what_if.goal(INLAND, goal, locked)
    assert time.monotonic() - began < 2 * LONGEST_GOAL_SECONDS, "a busy machine takes its time beside it"
    assert answer.seconds < LONGEST_GOAL_SECONDS
    for way in (*answer.ways, answer.nearest):
        assert not {change.feature for change in way.changes} & set(locked)
        assert what_if.value(way.house).price == pytest.approx(way.price)


def test_versions_stand_side_by_side_and_what_differs_adds_up(what_if: WhatIf) -> None:
    first, other = what_if.beside(TYPICAL, [None, "1"])
    assert (first.valuation.source.version, other.valuation.source.version) == ("2", "1")
    assert first.difference is None
    assert other.difference is not None
    assert other.difference.total == pytest.approx(other.valuation.price - first.valuation.price)
    assert len(what_if.beside(TYPICAL, [None, *["1"] * 9])) == MOST_VERSIONS


def test_saved_houses_are_priced_as_one_by_one_and_in_their_order(
    what_if: WhatIf, ranged_settings: Settings, tmp_path: Path
) -> None:
    jobs = ranged_settings.jobs.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'jobs.db'}"})
    kept = Scenarios(ranged_settings.model_copy(update={"jobs": jobs}))
    saved: list[Scenario] = [
        kept.save(name, "", house, actor=TESTER) for name, house in (("a", INLAND), ("a", TYPICAL))
    ]
    kept.close()
    found = what_if.priced(saved, "1")
    assert [(one.name, one.price) for one in found] == [
        ("a", pytest.approx(what_if.value(INLAND, "1").price)),
        ("a 2", pytest.approx(what_if.value(TYPICAL, "1").price)),
    ]
    assert found[0].price_range == what_if.value(INLAND, "1").range


def test_a_moved_house_takes_the_ocean_proximity_of_its_new_place_along(what_if: WhatIf) -> None:
    moved = what_if.move(TYPICAL, -119.78, 36.74)
    assert (moved.house.longitude, moved.house.latitude) == (-119.78, 36.74)
    assert moved.house.ocean_proximity == "INLAND"
    assert "Ocean proximity follows the place" in moved.notes[0]
    assert moved.house.median_income == TYPICAL.median_income
    with pytest.raises(InvalidHouse, match="not on California's land"):
        what_if.move(TYPICAL, -124.3, 33.0)


def test_a_start_is_a_real_row_to_the_last_digit_and_says_whether_it_was_held_out(
    what_if: WhatIf, real_rows: pd.DataFrame
) -> None:
    criteria = Criteria(region="NEAR BAY", price_from=300_000, held_out_only=True)
    starts = [what_if.start_at(what_if.drawn(criteria, seed)) for seed in range(5)]
    assert len({start.position for start in starts}) > 1
    for start in starts:
        row = real_rows.iloc[start.position]
        assert start.house == House.from_mapping(
            {name: None if pd.isna(row[name]) else row[name] for name in RAW_COLUMNS}
        )
        assert start.is_held_out
        assert "held out" in start.said
        assert what_if.nearest_to(start.house).house.longitude == start.house.longitude
    with pytest.raises(NotFound):
        what_if.drawn(Criteria(region="ISLAND", city="Redding"), 1)


def test_where_there_is_no_data_file_what_needs_it_is_refused_and_the_price_is_the_same(
    elsewhere: WhatIf, what_if: WhatIf
) -> None:
    valuation = elsewhere.explained(TYPICAL)
    assert valuation.price == what_if.value(TYPICAL).price
    assert valuation.range == what_if.value(TYPICAL).range
    assert valuation.reasons is None
    assert elsewhere.comparables_if_known(TYPICAL) == ()
    for ask in (
        lambda: elsewhere.curves(TYPICAL),
        lambda: elsewhere.surface(TYPICAL, "median_income", "population"),
        lambda: elsewhere.comparables(TYPICAL),
        lambda: elsewhere.goal(TYPICAL, 300_000, ()),
        lambda: elsewhere.nearest_to(TYPICAL),
        lambda: elsewhere.move(TYPICAL, -119.78, 36.74),
    ):
        with pytest.raises(DataUnavailable):
            ask()


def test_without_mlflow_there_are_no_versions_to_choose_and_still_a_price(
    ranged_settings: Settings, what_if: WhatIf
) -> None:
    training = ranged_settings.training.model_copy(update={"enable_mlflow": False})
    desk = what_if_of(ranged_settings.model_copy(update={"training": training}))
    assert desk.offered() == ()
    assert desk.suggested("2") == []
    assert desk.value(TYPICAL).price == what_if.value(TYPICAL).price
    assert desk.value(TYPICAL).range == what_if.value(TYPICAL).range


def test_what_is_set_beside_a_version_are_the_holders_of_aliases_or_else_the_newest_other_one(
    versions_home: Settings,
) -> None:
    connect: Callable[[], Store] = functools.cache(lambda: open_store(versions_home))
    desk = WhatIf(LoadedModels(versions_home, connect))
    assert desk.suggested("3") == ["2"]
    set_alias(connect(), "champion", "1")
    assert desk.suggested("3") == ["1"]
    set_alias(connect(), "challenger", "2")
    assert desk.suggested("3") == ["1", "2"], "the champion first"
    assert desk.suggested("1") == ["2"]
