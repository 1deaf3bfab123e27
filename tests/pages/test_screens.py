"""What each screen shows and does, without a browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Slider

from core.domain.house import House
from core.domain.hyperparameters import KNOBS, ModelFamily
from core.domain.jobs import TrainingRequest
from core.domain.money import MISSING, decimal, dollars, percent
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.tracking.runs import list_runs
from core.tracking.store import open_store
from core.tracking.tracker import MLflowTracker
from core.workflows.lab import Lab
from tests.conftest import asked, train_in
from tests.core.workflows.conftest import WITHOUT_DATA, home_at
from tests.pages.conftest import OpenScreen

SCREENS = ("", "train", "tune", "runs", "compare", "models", "what_if", "score", "data")


def test_home_of_an_empty_store_has_one_button_and_it_queues_the_starter_model(
    settings: Settings, open_screen: OpenScreen
) -> None:
    home = open_screen(settings)
    assert [button.label for button in home.button] == ["Got it", "Train a starter model"], (
        "the tour, then the one button"
    )
    home.button[1].click().run()
    (job,) = JobQueue(settings).list_jobs()
    assert job.request.spec.family is ModelFamily.LIGHTGBM
    assert not home.exception


def test_home_shows_the_trainings_under_way(settings: Settings, open_screen: OpenScreen) -> None:
    spec = settings.default_spec("ridge")
    JobQueue(settings).submit(TrainingRequest.create(spec, actor="tester", run_name="waiting for a worker"))
    home = open_screen(settings)
    assert "Under way" in [heading.value for heading in home.subheader]
    assert any("waiting for a worker: number 1 in the queue" in line.value for line in home.caption)


def test_home_shows_the_scores_the_run_holds(trained_settings: Settings, open_screen: OpenScreen) -> None:
    home = open_screen(trained_settings)
    (run,) = list_runs(open_store(trained_settings))
    assert run.scores is not None
    shown = {metric.label: metric.value for metric in home.metric}
    assert shown == {
        "RMSE": dollars(run.scores.rmse),
        "MAE": dollars(run.scores.mae),
        "R²": decimal(run.scores.r2_score),
        "MAPE": percent(run.scores.mape),
    }
    assert list(home.dataframe[0].value["Run"]) == ["forest_of_20"]


def test_demo_data_are_called_so_on_every_screen_and_beside_every_price(
    tmp_path: Path, empty_store_file: Path, open_screen: OpenScreen
) -> None:
    settings = home_at(tmp_path / "home", tmp_path, empty_store_file, **WITHOUT_DATA)
    train_in(settings, asked("ridge"))
    for screen in SCREENS:
        drawn = open_screen(settings, screen)
        assert any("**Demo data.**" in warning.value for warning in drawn.warning), screen
        assert not drawn.exception, screen
    priced = open_screen(settings, "what_if", median_income="4")
    assert any("trained on invented demo data" in text.value for text in (*priced.warning, *priced.caption))
    (run,) = list_runs(open_store(settings))
    assert run.tags["data.source"] == "demo"


def test_a_run_without_metrics_shows_dashes_and_never_zero(settings: Settings, open_screen: OpenScreen) -> None:
    tracker = MLflowTracker(settings)
    tracker.start_run("cut off early")
    tracker.log_metrics({"rmse": float("nan")})
    tracker.end_run("FAILED", "the machine was switched off")
    row = open_screen(settings).dataframe[0].value.iloc[0]
    assert [row[name] for name in ("RMSE", "MAE", "R²", "MAPE", "Fit", "Family")] == [MISSING] * 6
    assert row["Status"] == "failed"


@pytest.mark.parametrize("family", list(ModelFamily))
def test_train_has_a_slider_for_each_knob_with_the_range_that_stands_in_the_domain(
    trained_settings: Settings, open_screen: OpenScreen, family: ModelFamily
) -> None:
    train = open_screen(trained_settings, "train", family=family.label)
    start = trained_settings.default_spec(family).values
    sliders = {slider.label: slider for slider in train.slider}
    for knob in KNOBS[family].values():
        if knob.logarithmic:
            (stops,) = train.select_slider
            assert (float(stops.options[0]), float(stops.options[-1])) == (knob.low, knob.high)
            assert float(stops.value) == start[knob.name]
            continue
        slider = sliders.pop(knob.label)
        assert (slider.min, slider.max, slider.step, slider.value, slider.help) == (
            knob.low,
            knob.high,
            knob.step,
            start[knob.name],
            knob.help,
        )
    assert not sliders, "a slider that is wired to no knob"


def test_train_queues_what_the_sliders_say(settings: Settings, open_screen: OpenScreen) -> None:
    train = open_screen(settings, "train", family="Random forest")
    _slider(train, "Trees").set_value(230)
    _slider(train, "Depth").set_value(9)
    train.text_input[0].set_value("a run of mine")
    train.run()
    next(button for button in train.button if button.label == "Train").click().run()
    (job,) = JobQueue(settings).list_jobs()
    assert job.request.run_name == "a run of mine"
    assert job.request.spec.values["n_estimators"] == 230
    assert job.request.spec.values["max_depth"] == 9
    assert train.query_params["job"] in (job.job_id, [job.job_id])
    assert not train.exception


def test_train_says_before_the_click_what_it_will_take(
    settings: Settings, trained_settings: Settings, open_screen: OpenScreen
) -> None:
    def told(home: Settings, family: str) -> str:
        (line,) = [text.value for text in open_screen(home, "train", family=family).caption if "timer" in text.value]
        return line

    assert re.search(
        r"About \d+ s and \d+ MB, judged by the nearest past run\.$", told(trained_settings, "Random forest")
    )
    assert told(trained_settings, "LightGBM").endswith("the first one will tell how long it takes.")
    assert told(settings, "Random forest").endswith("The model takes at most 231 MB.")


def test_an_unknown_job_in_the_address_is_refused_with_a_remedy(
    trained_settings: Settings, open_screen: OpenScreen
) -> None:
    train = open_screen(trained_settings, "train", job="train-of-nobody")
    assert "train" in train.error[0].value
    assert any("list all with" in text.value for text in train.markdown)
    assert not train.exception


def test_mlflow_switched_off_is_said_on_home_and_prices_come_from_the_local_registry(
    trained_settings: Settings, open_screen: OpenScreen
) -> None:
    cut_off = trained_settings.model_copy(
        update={"training": trained_settings.training.model_copy(update={"enable_mlflow": False})}
    )
    home = open_screen(cut_off)
    assert any("switched off" in info.value for info in home.info)
    assert [metric.label for metric in home.metric] == ["RMSE", "MAE", "R²", "MAPE"], "scores of the local registry"
    what_if = open_screen(cut_off, "what_if", median_income="4")
    house = House.from_mapping({"median_income": 4})
    assert what_if.metric[0].value == Lab(trained_settings).value(house).text
    assert any("v\\_" in caption.value for caption in what_if.caption)


def test_a_difference_has_the_minus_of_print_and_is_green_where_it_is_better() -> None:
    def differences() -> None:
        from core.workflows.views import ScoreLine
        from pages.shared.figures import tiles

        changes = {"rmse": -350.0, "mae": 1_200.0, "r2_score": -0.012, "mape": 0.0}
        tiles([ScoreLine(name, 1.0, change) for name, change in changes.items()])

    shown = AppTest.from_function(differences).run().metric
    assert [one.delta for one in shown] == ["−$350", "+$1,200", "−0.0120", "+0.0 points"]
    colour, direction = type(shown[0].proto).MetricColor, type(shown[0].proto).MetricDirection
    assert [one.proto.color for one in shown] == [colour.GREEN, colour.RED, colour.RED, colour.GRAY]
    assert [one.proto.direction for one in shown[:3]] == [direction.DOWN, direction.UP, direction.DOWN]


def _slider(app: AppTest, label: str) -> Slider:
    return next(slider for slider in app.slider if slider.label == label)
