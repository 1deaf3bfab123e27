"""What the What-if screen shows and does, without a browser."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.charts.valuation_report import coverage_sentence
from core.domain.house import FEATURES, RAW_COLUMNS, House
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.workflows.lab import Lab
from core.workflows.scenarios import Scenarios
from pages.shared.scenario_shelf import SHARE
from pages.shared.what_if_start import START
from tests.core.workflows.conftest import with_empty_store
from tests.pages.conftest import Downloads, OpenScreen, open_popover
from tests.pages.markdown import letters_of, plain, said

TAKEN = "taken_house"
"""Where a house waits that another part of the screen, or another screen, wants in the form."""

HOSTILE = "<b>x</b> [y](http://a) $1$ `z` *w*"
PARTS = ("Why", "What changes it", "Where", "Comparable areas", "Reach a price", "Versions", "Scenarios")


@pytest.fixture(scope="module")
def lab(ranged_settings: Settings) -> Lab:
    """What the screen should say."""
    return Lab(ranged_settings)


@pytest.fixture
def own(ranged_settings: Settings, tmp_path: Path) -> Settings:
    """The shared versions, with jobs and scenarios of one's own."""
    jobs = ranged_settings.jobs.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'jobs.db'}"})
    return ranged_settings.model_copy(update={"jobs": jobs})


@pytest.fixture
def scenarios(own: Settings) -> Iterator[Scenarios]:
    kept = Scenarios(own)
    yield kept
    kept.close()


def address(house: House) -> dict[str, str]:
    """A house as an address has it."""
    return {name: "none" if value is None else str(value) for name, value in house.as_dict().items()}


def form(app: AppTest) -> House:
    """The house the form says."""
    chosen: dict[str, Any] = {slider.key: slider.value for slider in app.slider if slider.key in FEATURES}
    chosen["ocean_proximity"] = app.selectbox(key="ocean_proximity").value
    if app.checkbox(key="no_bedrooms").value:
        chosen["total_bedrooms"] = None
    assert set(chosen) == set(RAW_COLUMNS)
    return House.from_mapping(chosen)


def press(app: AppTest, label: str, place: int = 0) -> AppTest:
    return [button for button in app.button if button.label == label][place].click().run()


def price_by(app: AppTest, version: str) -> AppTest:
    (box,) = [box for box in app.selectbox if box.label == "Priced by"]
    return box.select(version).run()


def price(app: AppTest) -> str:
    (metric,) = app.metric
    return str(metric.value)


def texts(app: AppTest) -> str:
    return plain("\n".join(said(app)))


def columns(app: AppTest, place: int = 0) -> Mapping[str, list[Any]]:
    found: Mapping[str, list[Any]] = app.dataframe[place].value.to_dict("list")
    return found


def in_address(app: AppTest) -> dict[str, str]:
    return {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}


def query_of(link: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query, keep_blank_values=True).items()}


# The form and the price


def test_it_asks_for_all_nine_features_with_their_units_and_names_no_price_before_it_is_asked(
    ranged_settings: Settings, open_screen: OpenScreen
) -> None:
    what_if = open_screen(ranged_settings, "what_if")
    labels = {slider.label for slider in what_if.slider if slider.key in FEATURES}
    assert labels == {f"{f.label} ({f.unit})" for f in FEATURES.values() if f.is_numeric}
    assert form(what_if) == House.typical()
    assert what_if.slider(key="total_rooms").proto.format == "%,.0f", "2,130 and not 2130"
    assert not what_if.metric
    assert not what_if.tabs
    assert not what_if.exception


def test_the_button_prices_the_house_and_after_it_every_change_is_priced_at_once(
    ranged_settings: Settings, open_screen: OpenScreen, lab: Lab
) -> None:
    what_if = press(open_screen(ranged_settings, "what_if"), "Value this house")
    assert price(what_if) == lab.value(House.typical()).text
    assert "Priced by version 2, the newest: no champion is promoted yet." in texts(what_if)
    what_if.slider(key="median_income").set_value(6.1).run()
    assert price(what_if) == lab.value(House.from_mapping({"median_income": 6.1})).text
    assert not what_if.exception


def test_a_priced_house_is_in_the_address_even_the_typical_one_that_changes_nothing(
    ranged_settings: Settings, open_screen: OpenScreen
) -> None:
    what_if = press(open_screen(ranged_settings, "what_if"), "Value this house")
    again = open_screen(ranged_settings, "what_if", **in_address(what_if))
    assert price(again) == price(what_if)


def test_beside_the_price_stand_its_range_and_how_often_such_ranges_held(
    ranged_settings: Settings, open_screen: OpenScreen, lab: Lab
) -> None:
    house = House.from_mapping({"median_income": 4, "ocean_proximity": "INLAND", "latitude": 36.7, "longitude": -119.8})
    what_if = open_screen(ranged_settings, "what_if", **address(house))
    found = lab.value(house).range
    assert found is not None
    shown = texts(what_if)
    assert f"80 % range {found.inner.text}" in shown
    assert f"90 % range **{found.outer.text}**" in shown
    assert coverage_sentence(found) in shown
    assert "INLAND" in coverage_sentence(found)


def test_what_is_doubtful_is_told_in_one_box_and_the_range_is_wider(
    ranged_settings: Settings, open_screen: OpenScreen, lab: Lab
) -> None:
    what_if = open_screen(ranged_settings, "what_if", ocean_proximity="ISLAND", total_rooms="30000")
    valuation = lab.value(House.from_mapping({"ocean_proximity": "ISLAND", "total_rooms": 30_000}))
    (warning,) = what_if.warning
    assert len(valuation.warnings) > 1
    assert letters_of(warning.value.replace("- ", "")).split("\n") == list(valuation.warnings)
    assert "times as wide, because the house is unlike the data" in texts(what_if)


def test_a_house_that_contradicts_itself_is_refused_with_the_reason_and_the_form_stays(
    ranged_settings: Settings, open_screen: OpenScreen
) -> None:
    what_if = open_screen(ranged_settings, "what_if", total_rooms="200", total_bedrooms="1500")
    assert "more than the" in what_if.error[0].value
    assert not what_if.metric
    what_if.slider(key="total_bedrooms").set_value(40.0).run()
    assert not what_if.error
    assert price(what_if).startswith("$")
    assert not what_if.exception


@pytest.mark.parametrize("value", ["abc", "1e999", "-5", "", "<script>"])
def test_a_feature_the_address_gets_wrong_falls_back_to_its_default(
    ranged_settings: Settings, open_screen: OpenScreen, value: str
) -> None:
    what_if = open_screen(ranged_settings, "what_if", median_income=value, ocean_proximity=value)
    assert not what_if.exception
    assert form(what_if) == House.typical()


def test_whatever_else_the_address_gets_wrong_is_passed_by(ranged_settings: Settings, open_screen: OpenScreen) -> None:
    wrong = {"goal": "abc", "locked": "zzz", "map_view": "Mars", "across": "foo", "up": "", "beside": "9,<b>,2"}
    for part in ("Nix", *PARTS):
        what_if = open_screen(ranged_settings, "what_if", part=part, left_out="x,-1,²", put_in="1e3", **wrong)
        assert not what_if.exception
        assert not what_if.error
        assert price(what_if).startswith("$")


def test_only_the_part_that_is_looked_at_is_worked_out(ranged_settings: Settings, open_screen: OpenScreen) -> None:
    charts = {
        part: len(open_screen(ranged_settings, "what_if", part=part).get("plotly_chart"))
        for part in ("Why", "What changes it", "Reach a price")
    }
    assert charts == {"Why": 2, "What changes it": 4, "Reach a price": 1}


# Versions


def test_the_version_one_chooses_prices_and_stands_in_the_address(
    ranged_settings: Settings, open_screen: OpenScreen, lab: Lab
) -> None:
    what_if = open_screen(ranged_settings, "what_if", median_income="4")
    price_by(what_if, "1")
    house = House.from_mapping({"median_income": 4})
    assert price(what_if) == lab.value(house, "1").text != lab.value(house).text
    assert "Priced by version 1, as you chose." in texts(what_if)
    assert in_address(what_if)["version"] == "1"
    assert price(open_screen(ranged_settings, "what_if", median_income="4", version="1")) == price(what_if)
    price_by(what_if, "")
    assert price(what_if) == lab.value(house).text
    assert "version" not in what_if.query_params


@pytest.mark.parametrize("version", ["99", "champion", "v_20000101_000000", HOSTILE])
def test_a_version_that_is_not_there_is_refused_and_never_silently_another_ones_price(
    ranged_settings: Settings, open_screen: OpenScreen, version: str
) -> None:
    what_if = open_screen(ranged_settings, "what_if", median_income="4", version=version)
    assert what_if.error
    assert letters_of(what_if.error[0].value)
    assert "What to do:" in texts(what_if)
    assert not what_if.metric
    price_by(what_if, "2")
    assert price(what_if).startswith("$")
    assert not what_if.exception


def test_versions_stand_side_by_side_with_their_difference(
    ranged_settings: Settings, open_screen: OpenScreen, lab: Lab
) -> None:
    what_if = open_screen(ranged_settings, "what_if", median_income="4", part="Versions")
    newest, forest = (lab.value(House.from_mapping({"median_income": 4}), version) for version in ("2", "1"))
    shown = columns(what_if)
    assert shown["Version"] == ["2", "1"]
    assert shown["Price"] == [newest.text, forest.text]
    assert shown["Difference"][0] == "—"
    assert forest.range is not None
    assert shown["90 % range"][1] == forest.range.outer.text
    what_if.multiselect(key="versions_beside").set_value([]).run()
    assert columns(what_if)["Version"] == ["2"]
    assert in_address(what_if)["beside"] == ""
    assert not what_if.exception


def test_one_version_alone_has_nothing_beside_it_and_says_so(
    trained_settings: Settings, open_screen: OpenScreen
) -> None:
    what_if = open_screen(trained_settings, "what_if", part="Versions")
    assert "There is one version." in texts(what_if)


def test_a_version_without_a_range_says_so_and_offers_to_measure_it(
    trained_settings: Settings, tmp_path: Path, open_screen: OpenScreen
) -> None:
    jobs = trained_settings.jobs.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'jobs.db'}"})
    evaluation = trained_settings.evaluation.model_copy(update={"range_folds": 3})
    settings = trained_settings.model_copy(update={"jobs": jobs, "evaluation": evaluation})
    what_if = open_screen(settings, "what_if", median_income="4")
    assert "The range of this version has not been measured." in texts(what_if)
    assert "% range" not in texts(what_if)
    press(what_if, "Measure its range")
    queue = JobQueue(settings)
    (job,) = queue.list_assessments()
    queue.close()
    assert job.request.title == "measuring the range of forest_of_20"
    assert "Measuring its range: waiting for a worker" in texts(what_if)
    assert "Measure its range" not in [button.label for button in what_if.button]
    assert price(what_if).startswith("$")
    assert not what_if.exception


# Where a house starts


def test_a_link_opens_the_very_same_house_to_the_last_digit(
    ranged_settings: Settings, open_screen: OpenScreen, lab: Lab
) -> None:
    house = House.from_mapping(
        {
            "median_income": 8.3252,
            "longitude": -122.2345,
            "latitude": 37.8812,
            "total_rooms": 39_320,
            "total_bedrooms": None,
            "population": 16_305.5,
            "ocean_proximity": "<1H OCEAN",
        }
    )
    first = open_screen(ranged_settings, "what_if", version="1", **address(house))
    assert form(first) == house
    assert price(first) == lab.value(house, "1").text
    (shared,) = (query_of(code.value) for code in open_popover(first, SHARE).code)
    assert shared == {**address(house), "version": "1"} | {"total_rooms": "39320", "population": "16305.5"} | {
        name: f"{value:g}" for name, value in house.as_dict().items() if value in (410, 29)
    }
    second = open_screen(ranged_settings, "what_if", **shared)
    assert form(second) == house
    assert price(second) == price(first)


def test_bedrooms_that_are_not_known_can_be_known_again(ranged_settings: Settings, open_screen: OpenScreen) -> None:
    what_if = open_screen(ranged_settings, "what_if", total_bedrooms="none")
    assert form(what_if).total_bedrooms is None
    what_if.checkbox(key="no_bedrooms").uncheck().run()
    assert form(what_if) == House.typical()


@pytest.fixture(scope="module")
def lonely(real_rows: pd.DataFrame) -> pd.DataFrame:
    """Block groups that no other shares its place with."""
    return real_rows[~real_rows.duplicated(["longitude", "latitude"], keep=False)]


@pytest.mark.parametrize("kind", ["without bedrooms", "beyond the sliders"])
def test_a_start_from_a_real_block_group_puts_all_nine_features_in(
    ranged_settings: Settings, open_screen: OpenScreen, lonely: pd.DataFrame, kind: str
) -> None:
    is_wanted = lonely.total_bedrooms.isna() if kind == "without bedrooms" else lonely.total_rooms > 20_000
    row = lonely[is_wanted].iloc[0]
    wanted = House.from_mapping({name: None if pd.isna(row[name]) else row[name] for name in RAW_COLUMNS})
    what_if = open_screen(
        ranged_settings, "what_if", part="Where", latitude=str(row.latitude), longitude=str(row.longitude)
    )
    press(what_if, "Start from it")
    assert form(what_if) == wanted
    assert f"Started from Block group {row.name:,}" in texts(what_if)
    what_if.slider(key="median_income").set_value(2.0).run()
    assert "Changed since." in texts(what_if)
    assert form(what_if).median_income == 2.0
    assert form(what_if).total_rooms == wanted.total_rooms
    assert not what_if.exception


def test_a_block_group_can_be_drawn_by_what_it_is_like(
    ranged_settings: Settings, open_screen: OpenScreen, real_rows: pd.DataFrame
) -> None:
    what_if = open_popover(open_screen(ranged_settings, "what_if"), START)
    by_label = {box.label: box for box in what_if.selectbox}
    by_label["Ocean proximity there"].select("NEAR BAY")
    by_label["Near"].select("Oakland")
    next(slider for slider in what_if.slider if slider.label.startswith("Recorded")).set_value((300_000, 400_000))
    next(slider for slider in what_if.slider if slider.label.startswith("Age")).set_value((30, 60))
    press(what_if, "Draw one")
    house = form(what_if)
    (caption,) = [text for text in said(what_if) if "Started from" in text]
    row = real_rows.loc[int(plain(caption).split("Block group ")[1].split(":")[0].replace(",", ""))]
    assert (house.ocean_proximity, house.median_income) == ("NEAR BAY", row.median_income)
    assert 300_000 <= row.median_house_value <= 400_000
    assert row.housing_median_age >= 30
    assert "held out" in caption
    assert price(what_if).startswith("$"), "a drawn house is priced at once"
    press(what_if, "Draw one")
    assert form(what_if) != house, "the next draw is another one"


def test_a_draw_that_nothing_meets_is_refused_and_the_house_stays(
    ranged_settings: Settings, open_screen: OpenScreen
) -> None:
    what_if = open_popover(open_screen(ranged_settings, "what_if", median_income="4.4"), START)
    by_label = {box.label: box for box in what_if.selectbox}
    by_label["Ocean proximity there"].select("ISLAND")
    by_label["Near"].select("Redding")
    press(what_if, "Draw one")
    assert "No block group meets all criteria." in texts(what_if)
    assert form(what_if) == House.from_mapping({"median_income": 4.4})


def test_a_house_another_screen_hands_over_is_taken_up_once(ranged_settings: Settings, open_screen: OpenScreen) -> None:
    house = House.from_mapping({"total_rooms": 25_000, "total_bedrooms": None, "ocean_proximity": "NEAR BAY"})
    app = open_screen(ranged_settings)
    app.session_state[TAKEN] = house
    app.switch_page("what_if.py").run()
    assert form(app) == house
    app.slider(key="total_rooms").set_value(3_000.0).run()
    assert form(app).total_rooms == 3_000
    assert not app.exception


# Comparable areas


def test_areas_are_left_out_and_put_in_by_the_address_and_restored_by_the_button(
    ranged_settings: Settings, open_screen: OpenScreen
) -> None:
    what_if = open_screen(ranged_settings, "what_if", part="Comparable areas")
    found = columns(what_if)["Row"]
    changed = open_screen(ranged_settings, "what_if", part="Comparable areas", left_out=f"{found[0]}", put_in="5,7")
    rows = columns(changed)["Row"]
    assert found[0] not in rows
    assert {5, 7} <= set(rows)
    assert len(rows) == len(found)
    press(changed, "As found")
    assert columns(changed)["Row"] == found
    assert "left_out" not in changed.query_params
    assert "put_in" not in changed.query_params


def test_an_area_can_be_added_by_its_row(
    ranged_settings: Settings, open_screen: OpenScreen, real_rows: pd.DataFrame
) -> None:
    what_if = open_screen(ranged_settings, "what_if", part="Comparable areas")
    field = what_if.number_input(key="add_row")
    assert (field.min, field.max) == (0, len(real_rows) - 1)
    field.set_value(11).run()
    press(what_if, "Add")
    assert 11 in columns(what_if)["Row"]
    assert in_address(what_if)["put_in"] == "11"


def test_an_area_the_data_file_does_not_have_is_refused_and_can_be_taken_back(
    ranged_settings: Settings, open_screen: OpenScreen
) -> None:
    what_if = open_screen(ranged_settings, "what_if", part="Comparable areas", put_in="999999")
    assert "has no row 999,999" in texts(what_if)
    press(what_if, "As found")
    assert not what_if.error
    assert len(columns(what_if)["Row"]) == 8


def test_areas_are_never_called_sales(ranged_settings: Settings, open_screen: OpenScreen) -> None:
    what_if = open_screen(ranged_settings, "what_if", part="Comparable areas")
    assert "not prices of houses sold" in texts(what_if)
    assert "sales" not in texts(what_if).lower()


# Reach a price


def test_a_price_that_can_be_reached_has_ways_and_one_of_them_can_be_taken(
    ranged_settings: Settings, open_screen: OpenScreen, lab: Lab
) -> None:
    what_if = open_screen(ranged_settings, "what_if", part="Reach a price", goal="300000")
    assert "not advice on renovation" in what_if.success[0].value
    answer = lab.what_if.goal(House.typical(), 300_000, ["longitude", "latitude", "ocean_proximity"])
    offered = [button for button in what_if.button if button.label == "Take this house"]
    assert len(offered) == len(answer.ways) > 1
    press(what_if, "Take this house", 1)
    assert form(what_if) == answer.ways[1].house
    assert price(what_if) == lab.value(answer.ways[1].house).text


def test_a_price_that_cannot_be_reached_names_the_most_there_is(
    ranged_settings: Settings, open_screen: OpenScreen
) -> None:
    locked = [name for name in RAW_COLUMNS if name not in ("housing_median_age", "ocean_proximity")]
    what_if = open_screen(ranged_settings, "what_if", part="Reach a price", goal="450000")
    what_if.multiselect(key="locked").set_value([*locked, "ocean_proximity"]).run()
    told = plain(what_if.warning[0].value)
    assert "$450,000 is out of reach" in told
    press(what_if, "Take this house")
    before, after = House.typical().as_dict(), form(what_if).as_dict()
    assert {name for name in RAW_COLUMNS if before[name] != after[name]} <= {"housing_median_age"}
    assert f"the most is {price(what_if)}" in told


def test_the_place_moves_only_where_it_is_freed(ranged_settings: Settings, open_screen: OpenScreen) -> None:
    what_if = open_screen(ranged_settings, "what_if", part="Reach a price", goal="480000")
    assert what_if.multiselect(key="locked").value == ["longitude", "latitude", "ocean_proximity"]
    what_if.multiselect(key="locked").set_value([n for n in RAW_COLUMNS if n not in ("longitude", "latitude")]).run()
    assert what_if.success or what_if.warning
    press(what_if, "Take this house")
    assert (form(what_if).longitude, form(what_if).latitude) != (House.typical().longitude, House.typical().latitude)
    assert form(what_if).median_income == House.typical().median_income


# Scenarios


def save(app: AppTest, name: str, note: str = "") -> AppTest:
    app.text_input[0].set_value(name)
    app.text_area[0].set_value(note)
    return press(app, "Save scenario")


def test_a_house_is_saved_under_a_name_with_a_note_and_comes_back_on_the_shelf(
    own: Settings, open_screen: OpenScreen, scenarios: Scenarios
) -> None:
    what_if = open_screen(own, "what_if", median_income="7.7", part="Scenarios")
    assert "Nothing is saved yet." in texts(what_if)
    save(what_if, "client in Oakland", "call back")
    (kept,) = scenarios.all()
    assert (kept.name, kept.note, kept.house) == (
        "client in Oakland",
        "call back",
        House.from_mapping({"median_income": 7.7}),
    )
    what_if.run()
    assert columns(what_if)["Name"] == ["client in Oakland"]
    assert columns(open_screen(own, "what_if"))["Name"] == ["client in Oakland"], "before a price as well"


def test_a_scenario_without_a_name_is_refused(own: Settings, open_screen: OpenScreen, scenarios: Scenarios) -> None:
    what_if = save(open_screen(own, "what_if", median_income="7.7"), "  ")
    assert what_if.error
    assert not scenarios.all()
    assert price(what_if).startswith("$")


def test_hostile_names_are_shown_letter_by_letter(own: Settings, open_screen: OpenScreen, scenarios: Scenarios) -> None:
    what_if = save(open_screen(own, "what_if", median_income="7.7", part="Scenarios"), HOSTILE, HOSTILE)
    (toast,) = what_if.toast
    assert letters_of(toast.value) == f"Saved as {HOSTILE}."
    what_if.run()
    assert columns(what_if)["Name"] == [HOSTILE]
    assert columns(what_if)["Note"] == [HOSTILE]
    assert [one.name for one in scenarios.all()] == [HOSTILE]


def test_the_one_pager_holds_price_range_reasons_and_the_chosen_areas(
    ranged_settings: Settings, open_screen: OpenScreen, lab: Lab, downloads: Downloads
) -> None:
    what_if = open_screen(ranged_settings, "what_if", median_income="4", put_in="5")
    ((name, make),) = downloads.items()
    page = make()
    assert name.startswith("valuation-")
    assert isinstance(page, str)
    assert page.startswith("<!DOCTYPE html>")
    valuation = lab.what_if.explained(House.from_mapping({"median_income": 4}))
    assert valuation.reasons is not None
    assert valuation.range is not None
    for text in (price(what_if), valuation.range.outer.text, "Comparable", "$269,700"):
        assert text in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_the_one_pager_says_each_doubt_once(
    ranged_settings: Settings, open_screen: OpenScreen, lab: Lab, downloads: Downloads
) -> None:
    odd = House.from_mapping({"ocean_proximity": "ISLAND", "total_rooms": 30_000})
    open_screen(ranged_settings, "what_if", ocean_proximity="ISLAND", total_rooms="30000")
    ((_, make),) = downloads.items()
    page = html.unescape(str(make()))
    warnings = lab.value(odd).warnings
    assert len(warnings) > 1
    assert [page.count(warning) for warning in warnings] == [1] * len(warnings)


def test_without_the_data_file_the_one_pager_does_not_say_that_the_house_is_like_the_data(
    ranged_settings: Settings, tmp_path: Path, open_screen: OpenScreen, downloads: Downloads
) -> None:
    data = ranged_settings.data.model_copy(update={"path": tmp_path / "nothing.csv"})
    for settings, is_said in ((ranged_settings, True), (ranged_settings.model_copy(update={"data": data}), False)):
        downloads.clear()
        open_screen(settings, "what_if", median_income="4")
        ((_, make),) = downloads.items()
        assert ("Nothing about this house is unlike the data." in str(make())) is is_said


# What is missing


def test_without_the_data_file_there_is_a_price_and_the_rest_says_what_it_lacks(
    ranged_settings: Settings, tmp_path: Path, open_screen: OpenScreen, lab: Lab
) -> None:
    data = ranged_settings.data.model_copy(update={"path": tmp_path / "nothing.csv"})
    settings = ranged_settings.model_copy(update={"data": data})
    for part in PARTS:
        what_if = open_screen(settings, "what_if", median_income="4", part=part, goal="300000")
        assert price(what_if) == lab.value(House.from_mapping({"median_income": 4})).text
        assert not what_if.exception
        if part != "Scenarios":
            assert "data file is not here" in texts(what_if), part


def test_an_empty_lab_says_that_no_model_is_trained_and_what_to_do(
    settings: Settings, empty_store_file: Path, open_screen: OpenScreen
) -> None:
    what_if = open_screen(with_empty_store(settings, empty_store_file), "what_if", median_income="4")
    assert "No model has been trained yet" in texts(what_if)
    assert not what_if.error, "an empty lab is no mistake of the one who opens a link"
    assert "Train one" in [link.label for link in what_if.page_link]
    assert form(what_if).median_income == 4
    assert not what_if.metric
    assert not what_if.exception


def test_while_mlflow_is_away_the_local_registry_prices_and_a_named_version_is_refused(
    ranged_settings: Settings, tmp_path: Path, open_screen: OpenScreen, lab: Lab
) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database " * 1_000)
    tracking = ranged_settings.tracking.model_copy(update={"uri": f"sqlite:///{broken}"})
    settings = ranged_settings.model_copy(update={"tracking": tracking})
    what_if = open_screen(settings, "what_if", median_income="4")
    assert price(what_if) == lab.value(House.from_mapping({"median_income": 4})).text
    assert "because MLflow's records are not in use" in texts(what_if)
    assert "% range" in texts(what_if)
    named = open_screen(settings, "what_if", median_income="4", version="1")
    assert named.error
    assert not named.metric
    assert not named.exception
