"""What Tune shows of a search, and what its form and its buttons do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.domain.configuration import load_settings
from core.domain.hyperparameters import KNOBS, ModelFamily, TrainingSpec
from core.domain.jobs import JobState, Progress, TrialRequest
from core.domain.money import MISSING, dollars
from core.domain.settings import Settings
from core.domain.sweep_plans import DEFAULT_TRIALS, PRESETS, SearchMethod, SweepPlan
from core.domain.sweeps import Sweep, SweepState, Trial, TrialState
from core.jobs.engine import JobQueue
from core.tracking.runs import OUT_OF_FOLD_FILE
from core.tracking.tracker import MLflowTracker
from tests.conftest import rows_in
from tests.pages.conftest import OpenScreen

BEGAN = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
RIDGE = TrainingSpec.create("ridge")
TREES = PRESETS["number_of_trees"]

Enter = Callable[[Sweep], JobQueue]


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Settings:
    """A home with a store and a queue nothing was ever written to."""
    settings = load_settings(home=tmp_path_factory.mktemp("tuning"), environment=rows_in(data_file))
    JobQueue(settings).close()
    return settings


@pytest.fixture
def home(empty_home: Settings, tmp_path: Path) -> Settings:
    """The same with a queue of its own."""
    shutil.copy(empty_home.paths.lab_db, tmp_path / "jobs.db")
    jobs = empty_home.jobs.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'jobs.db'}"})
    return empty_home.model_copy(update={"jobs": jobs})


@pytest.fixture
def enter(home: Settings) -> Enter:
    """Writes a sweep with its trials straight into the book."""

    def write(sweep: Sweep) -> JobQueue:
        queue = JobQueue(home)
        queue.sweeps.add(sweep)
        for trial in sweep.trials:
            queue.sweeps.add_trial(sweep.sweep_id, trial)
        return queue

    return write


@pytest.fixture(scope="module")
def two_runs(empty_home: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Runs of two trials: the first misses by 20,000 dollars, the second by 40,000."""
    folder = tmp_path_factory.mktemp("predictions")
    random = np.random.default_rng(1)
    actual = random.uniform(60_000, 400_000, 500)
    ids = []
    for error in (20_000.0, 40_000.0):
        predicted = actual + random.normal(0.0, error, actual.size)
        table = pd.DataFrame({"row_id": np.arange(actual.size), "actual": actual, "predicted": predicted})
        table.to_parquet(folder / OUT_OF_FOLD_FILE, index=False)
        tracker = MLflowTracker(empty_home)
        # A trial by its tag: Home lists trainings alone.
        ids.append(tracker.start_run("a trial", {"sweep.id": "s1"}))
        tracker.log_files(folder)
        tracker.end_run()
    return ids[0], ids[1]


def a_trial(number: int, alpha: float, rmse: float | None, state: TrialState, run_id: str | None = None) -> Trial:
    spec = TrainingSpec.create("ridge", {"alpha": alpha})
    ended = state is not TrialState.RUNNING
    return Trial(number, spec, state, f"trial-s1-{number}", run_id, rmse, seconds=30.0 if ended else None)


def a_sweep(trials: Sequence[Trial] = (), state: SweepState = SweepState.RUNNING, *, planned: int = 20) -> Sweep:
    plan = SweepPlan.search(RIDGE, trials=planned)
    return Sweep("s1", "a search", plan, "tester", state, BEGAN, tuple(trials))


def ended_trials(first_run: str | None = None, second_run: str | None = None) -> list[Trial]:
    """Trial 3 is best, trial 1 follows, trial 2 was given up and trial 4 failed."""
    failed = a_trial(3, 4.0, None, TrialState.FAILED)
    return [
        a_trial(0, 1.0, 70_100.0, TrialState.COMPLETE, second_run),
        a_trial(1, 0.5, None, TrialState.PRUNED),
        a_trial(2, 20.0, 69_900.0, TrialState.COMPLETE, first_run),
        replace(failed, reason="The disk is full."),
    ]


def labels(app: AppTest) -> list[str]:
    """The buttons of the screen that act on a sweep."""
    return [button.label for button in app.button if button.label != "Start the sweep"]


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def bars(app: AppTest) -> list[str]:
    return [bar.text for bar in app.main.get("progress")]


def test_where_nothing_was_searched_the_form_stands_as_the_family_is_usually_searched(
    home: Settings, open_screen: OpenScreen
) -> None:
    tune = open_screen(home, "tune", family="Random forest")
    assert any("Nothing has been searched yet" in info.value for info in tune.info)
    assert [button.label for button in tune.button] == ["Start the sweep"]
    assert not tune.metric
    assert not tune.error
    assert not tune.exception
    knobs = KNOBS[ModelFamily.RANDOM_FOREST]
    usual = {knob.label: knob.search for knob in knobs.values() if knob.search}
    (varied,) = tune.multiselect
    assert varied.options == [knob.label for knob in knobs.values()]
    assert [knobs[name].label for name in varied.value] == list(usual)
    sliders = {slider.label: slider for slider in tune.slider}
    assert sliders.pop("Trials").value == DEFAULT_TRIALS
    assert {label: slider.value for label, slider in sliders.items()} == usual
    for knob in knobs.values():
        if knob.search:
            slider = sliders[knob.label]
            assert (slider.min, slider.max, slider.step) == (knob.low, knob.high, knob.step)
    assert any("20 trials. No training of this family has finished yet" in caption.value for caption in tune.caption)


@pytest.mark.parametrize("family", [ModelFamily.RIDGE, ModelFamily.LIGHTGBM])
def test_the_sweep_that_is_started_is_the_one_in_the_form(
    home: Settings, open_screen: OpenScreen, family: ModelFamily
) -> None:
    tune = open_screen(home, "tune", family=family.label)
    next(slider for slider in tune.slider if slider.label == "Trials").set_value(7)
    workers, minutes = tune.number_input
    workers.set_value(3)
    minutes.set_value(45.0)
    tune.text_input[0].set_value("my search")
    if family is ModelFamily.RIDGE:
        tune.select_slider[0].set_range(0.01, 100.0)
        expected = {"alpha": (0.01, 100.0)}
    else:
        tune.multiselect[0].set_value(["learning_rate", "n_estimators"])
        tune.run()
        next(slider for slider in tune.slider if slider.label == "Trees").set_range(100, 600)
        expected = {"learning_rate": KNOBS[family]["learning_rate"].search, "n_estimators": (100, 600)}
    press(tune.run(), "Start the sweep")
    assert not tune.exception
    (sweep,) = JobQueue(home).sweeps.newest()
    assert sweep.name == "my search"
    assert sweep.state is SweepState.RUNNING
    assert sweep.run_id, "it has an MLflow run, for its trials to be nested under"
    assert sweep.plan == SweepPlan.search(home.default_spec(family), expected, trials=7, workers=3, minutes=45.0)
    assert tune.query_params["sweep"] in (sweep.sweep_id, [sweep.sweep_id])
    assert bars(tune) == ["Under way: 0 of 7 trials ended"]


def test_a_question_often_asked_takes_the_place_of_the_knobs_and_starts_its_grid(
    home: Settings, open_screen: OpenScreen
) -> None:
    tune = open_screen(home, "tune")
    next(box for box in tune.selectbox if box.label == "Question").set_value(TREES.label)
    tune.run()
    assert not tune.multiselect
    assert not tune.slider
    assert [box.label for box in tune.selectbox] == ["Question"], "the question names its family"
    assert any("Trees: 100, 150, 200, 300. Each under 5 seeds" in caption.value for caption in tune.caption)
    press(tune, "Start the sweep")
    assert not tune.exception
    (sweep,) = JobQueue(home).sweeps.newest()
    assert sweep.plan == TREES.plan(home.default_spec(ModelFamily.RANDOM_FOREST))
    assert sweep.plan.method is SearchMethod.GRID


def test_a_form_without_a_knob_that_varies_is_refused_with_a_remedy(home: Settings, open_screen: OpenScreen) -> None:
    tune = open_screen(home, "tune", family="LightGBM")
    tune.multiselect[0].set_value([]).run()
    assert [error.value for error in tune.error] == ["No knob varies\\."]
    assert any("What to do" in text.value and "Choose from" in text.value for text in tune.markdown)
    assert not tune.button, "nothing to press"
    assert not tune.exception
    tune.multiselect[0].set_value(["num_leaves"]).run()
    assert not tune.error
    assert [button.label for button in tune.button] == ["Start the sweep"]


def test_a_finished_sweep_shows_its_figures_its_answer_and_its_trials_best_first(
    home: Settings, open_screen: OpenScreen, enter: Enter, two_runs: tuple[str, str]
) -> None:
    enter(a_sweep(ended_trials(*two_runs), SweepState.FINISHED, planned=4))
    tune = open_screen(home, "tune")
    assert not tune.exception
    assert not tune.error
    assert [heading.value for heading in tune.subheader] == ["a search"]
    assert bars(tune) == ["Finished: 4 of 4 trials ended"]
    assert {metric.label: metric.value for metric in tune.metric} == {
        "Lowest RMSE": dollars(69_900.0),
        "Complete": "2",
        "Given up": "1",
        "Work": "2 min 0 s",
    }
    (info,) = tune.info
    assert "Trial 3 is best" in info.value
    assert "beyond noise" in info.value
    assert "So far" not in info.value
    table = tune.dataframe[0].value
    assert list(table["Trial"]) == [3, 1, 2, 4]
    assert list(table["RMSE"]) == [dollars(69_900.0), dollars(70_100.0), MISSING, MISSING]
    assert list(table["State"]) == ["complete", "complete", "given up", "failed"]
    assert list(table["Penalty"]) == ["20", "1", "0.5", "4"]
    assert list(table["Reason"])[-1] == "The disk is full."
    assert labels(tune) == ["Train the best in full"]
    assert [tab.label for tab in tune.tabs] == ["Best so far", "Settings", "What matters", "Knob by knob"]
    assert not any(box.label == "Sweep" for box in tune.selectbox), "there is nothing to choose among"


def test_the_best_is_trained_in_full_by_one_click(home: Settings, open_screen: OpenScreen, enter: Enter) -> None:
    queue = enter(a_sweep(ended_trials(), SweepState.FINISHED, planned=4))
    tune = open_screen(home, "tune")
    assert any("MLflow holds no predictions" in info.value for info in tune.info)
    press(tune, "Train the best in full")
    (job,) = queue.list_jobs()
    assert job.request.spec == TrainingSpec.create("ridge", {"alpha": 20.0})
    assert job.request.run_name == "a search, best in full"
    assert not tune.exception


def test_a_paused_sweep_can_go_on(home: Settings, open_screen: OpenScreen, enter: Enter) -> None:
    queue = enter(a_sweep(ended_trials(), SweepState.PAUSED))
    tune = open_screen(home, "tune")
    assert bars(tune) == ["Paused: 4 of 20 trials ended"]
    assert labels(tune) == ["Resume", "Cancel the sweep", "Train the best in full"]
    assert any(info.value.startswith("So far: ") for info in tune.info)
    press(tune, "Resume")
    assert queue.sweeps.get("s1").state is SweepState.RUNNING
    assert labels(tune) == ["Pause", "Cancel the sweep", "Train the best in full"]
    press(tune, "Pause")
    assert queue.sweeps.get("s1").state is SweepState.PAUSED
    press(tune, "Cancel the sweep")
    assert queue.sweeps.get("s1").state is SweepState.CANCELLED
    assert bars(tune) == ["Cancelled: 4 of 20 trials ended"]
    assert labels(tune) == ["Train the best in full"]
    assert not tune.exception


def test_the_trials_under_way_tell_how_far_they_are_and_each_can_be_cancelled(
    home: Settings, open_screen: OpenScreen, enter: Enter
) -> None:
    under_way = [a_trial(number, 1.0 + number, None, TrialState.RUNNING) for number in (0, 1)]
    queue = enter(a_sweep(under_way))
    for trial in under_way:
        queue.submit_trial(TrialRequest(trial.spec, "a trial", "tester", "s1", trial.number))
    queue.board.post("trial-s1-0", Progress("fitting", 40, 100, curve=((40, 71_234.0),)))
    tune = open_screen(home, "tune")
    assert bars(tune) == [
        "Under way: 0 of 20 trials ended",
        "Trial 1: fitting, RMSE \\$71,234 so far",
        "Trial 2: waiting for a worker",
    ]
    assert [bar.value for bar in tune.main.get("progress")] == [0, 40, 0]
    assert {metric.label: metric.value for metric in tune.metric}["Lowest RMSE"] == MISSING
    assert labels(tune) == ["Pause", "Cancel the sweep", "Cancel", "Cancel"], "and nothing to train yet"
    [button for button in tune.button if button.label == "Cancel"][1].click().run()
    assert queue.states(["trial-s1-0", "trial-s1-1"]) == {
        "trial-s1-0": JobState.QUEUED,
        "trial-s1-1": JobState.CANCELLED,
    }
    assert not tune.exception


def test_a_failed_sweep_says_why(home: Settings, open_screen: OpenScreen, enter: Enter) -> None:
    failed = [a_trial(number, 1.0 + number, None, TrialState.FAILED) for number in range(3)]
    enter(replace(a_sweep(failed, SweepState.FAILED), reason="3 trials in a row failed. The last one: no rows."))
    tune = open_screen(home, "tune")
    assert any("3 trials in a row failed" in error.value for error in tune.error)
    assert any("What to do" in text.value for text in tune.markdown)
    assert bars(tune) == ["Failed: 3 of 20 trials ended"]
    assert not labels(tune)
    assert not tune.exception


def test_a_grid_under_seeds_shows_its_answer_first(home: Settings, open_screen: OpenScreen, enter: Enter) -> None:
    plan = SweepPlan.grid(RIDGE, {"alpha": (1.0, 10.0)}, repeats=3)
    scores = [70_000.0, 69_000.0, 70_500.0, 69_600.0, 69_800.0, 68_700.0]
    trials = [
        Trial(number, plan.grid_spec(number), TrialState.COMPLETE, f"trial-s1-{number}", cv_rmse=rmse, seconds=1.0)
        for number, rmse in enumerate(scores)
    ]
    enter(replace(a_sweep(trials, SweepState.FINISHED), plan=plan))
    tune = open_screen(home, "tune")
    assert tune.tabs[0].label == "Over seeds"
    assert any("Penalty 10 has the lowest mean" in info.value for info in tune.info)
    assert list(tune.dataframe[0].value["Seed"]) == [44, 42, 43, 44, 42, 43]
    assert not tune.exception


def test_of_several_sweeps_the_newest_is_shown_and_any_can_be_chosen(
    home: Settings, open_screen: OpenScreen, enter: Enter
) -> None:
    enter(a_sweep(ended_trials(), SweepState.FINISHED, planned=4))
    newer = replace(a_sweep(state=SweepState.CANCELLED), sweep_id="s2", name="a newer one")
    enter(replace(newer, created=BEGAN + timedelta(days=1)))
    tune = open_screen(home, "tune")
    assert [heading.value for heading in tune.subheader] == ["a newer one"]
    (chooser,) = (box for box in tune.selectbox if box.label == "Sweep")
    assert chooser.options == ["a newer one, 02 March 2025 12:00 UTC", "a search, 01 March 2025 12:00 UTC"]
    chooser.set_value("s1").run()
    assert tune.query_params["sweep"] in ("s1", ["s1"])
    assert [heading.value for heading in tune.subheader] == ["a search"]
    assert not tune.exception
    linked = open_screen(home, "tune", sweep="s1")
    assert [heading.value for heading in linked.subheader] == ["a search"], "a copied link opens the same sweep"


def test_an_unknown_sweep_in_the_address_is_refused_and_the_form_stays(home: Settings, open_screen: OpenScreen) -> None:
    tune = open_screen(home, "tune", sweep="nobody")
    assert [error.value for error in tune.error] == ["There is no sweep 'nobody'\\."]
    assert any("python -m core sweeps" in text.value for text in tune.markdown)
    assert "Show the newest" in [link.label for link in tune.page_link]
    assert [button.label for button in tune.button] == ["Start the sweep"]
    assert not tune.exception


@pytest.mark.parametrize("screen", ["", "what_if"])
def test_the_sidebar_of_every_screen_lists_the_sweeps_under_way(
    home: Settings, open_screen: OpenScreen, enter: Enter, screen: str
) -> None:
    enter(replace(a_sweep(ended_trials()), name="costs $5 [x]"))
    enter(replace(a_sweep(state=SweepState.PAUSED), sweep_id="s2", name="waits", created=BEGAN + timedelta(days=1)))
    enter(replace(a_sweep(state=SweepState.FINISHED), sweep_id="s3", name="is over"))
    strip = open_screen(home, screen).sidebar.get("progress")
    assert [bar.text for bar in strip] == [
        ":material/tune: waits: 0 of 20 trials, paused",
        ":material/tune: costs \\$5 \\[x\\]: 4 of 20 trials",
    ]
    assert [bar.value for bar in strip] == [0, 20]
