"""Train takes over the settings of an earlier run, and shows the last lines of a job."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.hyperparameters import KNOBS, ModelFamily, TrainingSpec
from core.domain.jobs import Progress, TrainingRequest
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from tests.pages.conftest import OpenScreen

SPECS = [
    TrainingSpec.create("random_forest", {"n_estimators": 230, "max_depth": 9, "max_features": 0.6}, seed=7),
    TrainingSpec.create("hist_gradient_boosting", {"max_iter": 450, "l2_regularization": 2.5}, seed=0),
    TrainingSpec.create("lightgbm", {"learning_rate": 0.0333, "n_estimators": 333, "num_leaves": 77}),
    TrainingSpec.create("ridge", {"alpha": 0.123}, seed=99),
]
"""The lightgbm lies between the stops of its sliders, the ridge between its decades: the terminal takes both."""


@pytest.fixture
def home(trained_settings: Settings, tmp_path: Path) -> Settings:
    """The shared training with a queue of its own."""
    jobs = trained_settings.jobs.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'jobs.db'}"})
    return trained_settings.model_copy(update={"jobs": jobs})


def train_with(open_screen: OpenScreen, home: Settings, spec: TrainingSpec) -> AppTest:
    """As the button on another screen leaves it: AppTest cannot choose a row of a table."""
    app = open_screen(home)
    app.session_state["spec_to_train"] = spec
    return app.switch_page("train.py").run()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.family.value)
def test_train_again_puts_the_form_to_the_settings_and_trains_these_very_ones(
    home: Settings, open_screen: OpenScreen, spec: TrainingSpec
) -> None:
    train = train_with(open_screen, home, spec)
    assert not train.exception
    assert train.selectbox[0].value == spec.family.value
    shown = {slider.label: slider.value for slider in (*train.slider, *train.select_slider)}
    for name, knob in KNOBS[spec.family].items():
        assert float(shown[knob.label]) == spec.values[name]
    assert train.number_input[0].value == spec.seed
    train.run()
    next(button for button in train.button if button.label == "Train").click().run()
    (job,) = JobQueue(home).list_jobs()
    assert job.request.spec == spec
    assert not train.exception


def test_the_settings_are_taken_over_once_and_can_then_be_changed(home: Settings, open_screen: OpenScreen) -> None:
    train = train_with(open_screen, home, SPECS[0])
    assert "spec_to_train" not in train.session_state
    depth = next(slider for slider in train.slider if slider.label == "Depth")
    depth.set_value(30).run()
    assert next(slider for slider in train.slider if slider.label == "Depth").value == 30
    train.selectbox[0].set_value(ModelFamily.RIDGE.value).run()
    assert train.select_slider[0].value == home.default_spec("ridge").values["alpha"]
    assert not train.exception


def test_home_offers_to_train_again_once_a_run_is_chosen(home: Settings, open_screen: OpenScreen) -> None:
    screen = open_screen(home)
    assert any("Choose a run to train it again" in caption.value for caption in screen.caption)
    assert "Train again" not in [button.label for button in screen.button]


def test_the_last_lines_of_a_job_are_shown_as_they_were_written(home: Settings, open_screen: OpenScreen) -> None:
    """Here the job waits once more: its worker died, and another is to take it up."""
    queue = JobQueue(home)
    spec = TrainingSpec.create("random_forest")
    job_id = queue.submit(TrainingRequest.create(spec, actor="tester", run_name="with lines"))
    assert not open_screen(home, "train", job=job_id).code
    lines = ("12:00:01 reading the rows", "12:00:02 fitting", "12:00:09 RMSE *$50,000* [so far]")
    queue.board.post(job_id, Progress("fitting", 30, 150, "trees", 7.0, 28.0, ((30, 50_000.0),), lines))
    train = open_screen(home, "train", job=job_id)
    assert [code.value for code in train.code] == ["\n".join(lines)]
    assert any("What happened last" in caption.value for caption in train.caption)
    assert {metric.label: metric.value for metric in train.metric} == {
        "Fitting for": "7 s",
        "Time left": "28 s",
        "RMSE so far": "$50,000",
    }
    assert not train.exception
