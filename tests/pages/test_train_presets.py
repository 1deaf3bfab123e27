"""Train's presets and feature sets: one control each, which set the form, follow it, and stand in the address."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.hyperparameters import TrainingSpec
from core.domain.presets import TRAINING_PRESETS
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from tests.pages.conftest import OpenScreen

BEST = TRAINING_PRESETS["best"].spec


@pytest.fixture
def home(trained_settings: Settings, tmp_path: Path) -> Settings:
    """The shared training with a queue of its own."""
    jobs = trained_settings.jobs.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'jobs.db'}"})
    return trained_settings.model_copy(update={"jobs": jobs})


def shown(train: AppTest) -> tuple[str | None, str, str | None]:
    """Preset, family and features of the form."""
    assert not train.exception
    controls = {group.label: group for group in train.button_group}
    return controls["Preset"].value, train.selectbox[0].value, controls["Features"].value


def choose(train: AppTest, label: str, value: str) -> AppTest:
    next(group for group in train.button_group if group.label == label).set_value(value).run()
    return train


def trained_spec(home: Settings, train: AppTest) -> TrainingSpec:
    next(button for button in train.button if button.label == "Train").click().run()
    assert not train.exception
    return JobQueue(home).list_jobs()[0].spec


def test_a_preset_puts_the_whole_form_to_its_settings_and_trains_them(home: Settings, open_screen: OpenScreen) -> None:
    train = open_screen(home, "train")
    assert shown(train) == (None, "random_forest", "basic")
    assert shown(choose(train, "Preset", "best")) == ("best", "lightgbm", "location")
    assert train.query_params["preset"] in ("best", ["best"])
    assert trained_spec(home, train) == BEST


def test_no_preset_is_shown_once_a_slider_stands_elsewhere(home: Settings, open_screen: OpenScreen) -> None:
    train = choose(open_screen(home, "train"), "Preset", "best")
    next(slider for slider in train.slider if slider.label == "Leaves").set_value(40).run()
    assert shown(train) == (None, "lightgbm", "location")
    next(slider for slider in train.slider if slider.label == "Leaves").set_value(63).run()
    assert shown(train) == ("best", "lightgbm", "location")
    assert shown(choose(train, "Features", "basic")) == (None, "lightgbm", "basic")
    spec = trained_spec(home, train)
    assert (spec.values, spec.features.value) == (BEST.values, "basic")


@pytest.mark.parametrize("written", ["best", "Best"])
def test_a_link_with_a_presets_name_opens_the_form_with_it(
    home: Settings, open_screen: OpenScreen, written: str
) -> None:
    """A hand writes the terminal's word, the screen its own label."""
    train = open_screen(home, "train", preset=written, seed="7")
    assert shown(train) == ("best", "lightgbm", "location")
    spec = trained_spec(home, train)
    assert (spec.values, spec.features, spec.seed) == (BEST.values, BEST.features, 7)


def test_settings_in_the_address_count_more_than_a_presets_name(home: Settings, open_screen: OpenScreen) -> None:
    train = open_screen(home, "train", preset="best", family="Ridge regression")
    assert shown(train) == (None, "ridge", "basic")
    assert "preset" not in train.query_params
    train = open_screen(home, "train", **{"preset": "best", "family": "LightGBM", "lightgbm.num_leaves": "40"})
    assert shown(train) == (None, "lightgbm", "location")
    assert trained_spec(home, train).values == {**BEST.values, "num_leaves": 40}


def test_an_address_that_names_no_preset_opens_the_form_as_ever(home: Settings, open_screen: OpenScreen) -> None:
    train = open_screen(home, "train", preset="quickest", features="everything")
    assert shown(train) == (None, "random_forest", "basic")


def test_train_again_shows_the_features_and_the_preset_of_the_run(home: Settings, open_screen: OpenScreen) -> None:
    app = open_screen(home)
    app.session_state["spec_to_train"] = BEST
    train = app.switch_page("train.py").run()
    assert shown(train) == ("best", "lightgbm", "location")
    app.session_state["spec_to_train"] = TrainingSpec.create("ridge", features="location")
    train = app.switch_page("train.py").run()
    assert shown(train) == (None, "ridge", "location")


def test_a_preset_stands_though_the_screen_asks_with_what_it_showed_before(
    home: Settings, open_screen: OpenScreen
) -> None:
    """As the browser does when a part that redraws itself asks before the preset has come to it."""
    train = open_screen(home, "train")
    before = {slider.key: slider.value for slider in train.slider}
    choose(train, "Preset", "best")
    train.session_state["family"], train.session_state["features"] = "random_forest", "basic"
    for key, value in before.items():
        train.session_state[key] = value
    train.run()
    assert shown(train) == ("best", "lightgbm", "location")
    assert trained_spec(home, train) == BEST


def test_a_family_chosen_after_a_preset_is_the_family(home: Settings, open_screen: OpenScreen) -> None:
    train = choose(open_screen(home, "train"), "Preset", "best")
    train.selectbox[0].set_value("random_forest").run()
    assert shown(train) == (None, "random_forest", "location")
