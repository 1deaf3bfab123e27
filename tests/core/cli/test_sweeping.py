"""``sweep`` and ``sweeps``: what they refuse, what they answer, and one search from end to end."""

from __future__ import annotations

import io
import json
import shlex
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.cli.app import main
from core.domain.configuration import load_settings
from core.domain.hyperparameters import TrainingSpec
from core.domain.money import dollars
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.tracking.runs import get_run
from core.tracking.store import open_store
from core.workflows.lab import Lab
from tests.conftest import rows_in
from tests.core.cli.terminal import run_here
from tests.forked import working

Answer = tuple[int, str, str]
Run = Callable[..., Answer]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A command over a home, in this process; it starts no worker."""

    def command(settings: Settings, *words: str) -> Answer:
        for name, value in without_worker(settings).items():
            monkeypatch.setenv(name, value)
        return run_here(monkeypatch, capsys, *words)

    return command


def without_worker(settings: Settings) -> dict[str, str]:
    return {**settings.as_environment(), "HOUSING_LAB_JOBS__EMBEDDED_WORKER": "false"}


@dataclass(frozen=True)
class Swept:
    """A home in which ``sweep --family ridge --trials 2 --json`` was run, and what it said."""

    settings: Settings
    answer: dict[str, Any]
    progress: str


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, real_rows: pd.DataFrame) -> Swept:
    """On an empty home over few rows, beside a worker that is there already."""
    home = tmp_path_factory.mktemp("swept")
    rows = home / "few.csv"
    real_rows.sample(1_000, random_state=1).to_csv(rows, index=False)
    settings = load_settings(home=home, environment=rows_in(rows))
    words = ["sweep", "--family", "ridge", "--trials", "2", "--seed", "7", "--name", "my search", "--json"]
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, working(settings), redirect_stdout(out), redirect_stderr(err):
        for name, value in without_worker(settings).items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["core", *words])
        with pytest.raises(SystemExit) as left:
            main()
    assert not left.value.code, err.getvalue()
    return Swept(settings, json.loads(out.getvalue()), err.getvalue())


@pytest.mark.parametrize(
    ("words", "what", "remedy"),
    [
        (("--vary", "max_depth"), "--vary max_depth names no value", "--vary name=value"),
        (("--vary", "max_depth=5:"), "--vary max_depth=5: names no range", "name=low:high"),
        (("--vary", "max_depth=:5"), "names no range", "name=low:high"),
        (("--vary", "max_depth=1:2:3"), "names no range", "name=low:high"),
        (("--vary", "max_depth=20:10"), "max_depth should vary from 20 to 10", "the smaller one first"),
        (("--vary", "max_depth=10:99"), "max_depth is '99': outside 2 to 40", "from 2 to 40"),
        (("--vary", "max_depth=10"), "max_depth has fewer than two values", "at least two"),
        (("--vary", "max_depth="), "max_depth is '': not a number", "from 2 to 40"),
        (("--vary", "max_depth=a,b"), "max_depth is 'a': not a number", "from 2 to 40"),
        (("--vary", "max_depth=5:9", "--vary", "max_depth=6:9"), "--vary max_depth is given twice", "once"),
        (("--vary", "leaves=5:9"), "random_forest has no hyperparameter leaves", "It has n_estimators"),
        (("--set", "trees=5"), "random_forest has no hyperparameter trees", "It has n_estimators"),
        (("--vary", "max_depth=5,9", "--trials", "4"), "leave no number of trials", "no --trials"),
        (("--vary", "max_depth=5,9", "--vary", "n_estimators=100:200"), "no ranges to choose", "name=a,b,c"),
        (("--vary", "max_depth=5:9", "--seeds", "3"), "under one seed", "Leave out --seeds"),
        (("--preset", "magic"), "There is no preset 'magic'", "number_of_trees"),
        (("--preset", "number_of_trees", "--family", "ridge"), "is asked of Random forest", "random_forest"),
        (("--preset", "number_of_trees", "--trials", "3"), "says itself what varies", "Leave out"),
        (("--preset", "number_of_trees", "--seeds", "3"), "says itself what varies", "Leave out"),
        (("--preset", "number_of_trees", "--vary", "max_depth=5,9"), "says itself what varies", "Leave out"),
        (("--trials", "501"), "trials is 501", "1 to 500"),
        (("--workers", "65"), "workers is 65", "1 to 64"),
        (("--minutes", "0"), "The time budget is 0 minutes", "more than 0"),
        (("--name", "x" * 201), "The name has 201 characters", "at most 200"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_with_exit_code_1_and_a_remedy(
    trained_settings: Settings, run: Run, words: tuple[str, ...], what: str, remedy: str
) -> None:
    code, out, _ = run(trained_settings, "sweep", "--no-wait", *words, "--json")
    error = json.loads(out)["error"]
    assert code == 1
    assert what in error["what"]
    assert remedy in error["remedy"]


def test_a_refusal_is_in_words_on_standard_error(trained_settings: Settings, run: Run) -> None:
    code, out, err = run(trained_settings, "sweep", "--vary", "max_depth=5:")
    assert (code, out) == (1, "")
    assert "names no range" in err
    assert "Remedy: " in err


@pytest.mark.parametrize("action", ["show", "pause", "resume", "cancel"])
def test_a_sweep_nobody_started_is_refused(trained_settings: Settings, run: Run, action: str) -> None:
    code, out, _ = run(trained_settings, "sweeps", action, "nobody", "--json")
    assert code == 1
    assert json.loads(out)["error"]["what"] == "There is no sweep 'nobody'."


@pytest.mark.parametrize(
    "words",
    [
        ("sweep", "--family", "magic"),
        ("sweep", "--trials", "0"),
        ("sweep", "--trials", "many"),
        ("sweep", "--seeds", "0"),
        ("sweeps", "dance"),
        ("sweeps", "show"),
        ("sweeps", "cancel"),
    ],
)
def test_wrong_usage_has_exit_code_2(trained_settings: Settings, run: Run, words: tuple[str, ...]) -> None:
    assert run(trained_settings, *words)[0] == 2


def test_where_nothing_was_ever_swept_that_is_said(trained_settings: Settings, run: Run) -> None:
    assert run(trained_settings, "sweeps") == (0, "Nothing was ever swept.\n", "")
    code, out, _ = run(trained_settings, "sweeps", "--json")
    assert (code, json.loads(out)) == (0, {"sweeps": []})


def test_a_sweep_answers_one_json_document_with_all_its_trials(swept: Swept) -> None:
    answer = swept.answer
    assert {name: answer[name] for name in ("name", "family", "method", "state", "planned", "reason")} == {
        "name": "my search",
        "family": "ridge",
        "method": "tpe",
        "state": "finished",
        "planned": 2,
        "reason": "",
    }
    first, second = answer["trials"]
    assert (first["number"], second["number"]) == (1, 2)
    assert first["params"] == {"family": "ridge", "alpha": 1.0, "seed": 7, "features": "basic"}, (
        "the family's own default comes first"
    )
    assert first["params"] != second["params"]
    for trial in answer["trials"]:
        assert (trial["state"], trial["reason"], len(trial["fold_rmse"])) == ("complete", "", 3)
        assert trial["seconds"] > 0
        assert get_run(open_store(swept.settings), trial["run_id"]).metrics["cv_rmse"] == trial["cv_rmse"]
    assert answer["best"] == min(answer["trials"], key=lambda trial: trial["cv_rmse"])
    difference = answer["difference"]
    assert difference["low"] <= difference["delta"] <= difference["high"]
    assert difference["verdict"] in ("better", "no real difference")
    assert "noise" in answer["answer"]


def test_each_trial_that_ends_is_a_line_on_standard_error(swept: Swept) -> None:
    told = [line for line in swept.progress.splitlines() if line.startswith("trial ")]
    assert [line.partition(":")[0] for line in told] == ["trial 1", "trial 2"]
    for line, trial in zip(told, swept.answer["trials"], strict=True):
        assert dollars(trial["cv_rmse"]) in line
        assert f"alpha={trial['params']['alpha']:g}" in line
    assert "\x1b" not in swept.progress


def test_show_says_again_what_the_sweep_said(swept: Swept, run: Run) -> None:
    code, out, err = run(swept.settings, "sweeps", "show", swept.answer["sweep_id"], "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == swept.answer


def test_the_list_names_every_sweep_with_its_best(swept: Swept, run: Run) -> None:
    code, out, _ = run(swept.settings, "sweeps", "list")
    best = dollars(swept.answer["best"]["cv_rmse"])
    assert (code, out.splitlines()) == (
        0,
        [f"{swept.answer['sweep_id']}  finished   my search  2 of 2  best {best}"],
    )
    (listed,) = json.loads(run(swept.settings, "sweeps", "--json")[1])["sweeps"]
    assert listed == {name: swept.answer[name] for name in listed}
    assert {"best", "trials", "state"} <= set(listed)


def test_what_show_says_to_train_trains_the_best_spec(swept: Swept, run: Run, tmp_path: Path) -> None:
    _, out, _ = run(swept.settings, "sweeps", "show", swept.answer["sweep_id"])
    assert swept.answer["answer"] in out
    (line,) = (line for line in out.splitlines() if "python -m core train" in line)
    words = shlex.split(line.partition("python -m core ")[2])
    elsewhere = _with_queue_at(swept.settings, tmp_path)
    code, out, _ = run(elsewhere, *words, "--no-wait", "--json")
    assert code == 0
    request = JobQueue(elsewhere).get(json.loads(out)["job_id"]).request
    assert request.spec == TrainingSpec.from_params(swept.answer["best"]["params"])


def test_a_sweep_that_is_not_waited_for_can_be_paused_resumed_and_cancelled(
    swept: Swept, run: Run, tmp_path: Path
) -> None:
    """Where no worker lives, so that nothing of it ever begins."""
    elsewhere = _with_queue_at(swept.settings, tmp_path)
    vary = ("--vary", "n_estimators=100,150", "--vary", "max_depth=10,20", "--seeds", "3", "--set", "max_features=0.5")
    code, out, _ = run(elsewhere, "sweep", *vary, "--seed", "9", "--workers", "2", "--no-wait", "--json")
    assert code == 0
    answer = json.loads(out)
    assert set(answer) == {"sweep_id"}
    sweep_id = answer["sweep_id"]
    for action, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled"), ("resume", "cancelled")):
        code, out, _ = run(elsewhere, "sweeps", action, sweep_id, "--json")
        assert (code, json.loads(out)["state"]) == (0, state)
    plan = Lab(elsewhere).tuning.get(sweep_id).plan
    assert (plan.method, plan.trials, plan.repeats, plan.workers, plan.base.seed) == ("grid", 12, 3, 2, 9)
    assert plan.base.values["max_features"] == 0.5
    assert [one.choices for one in plan.varied] == [(100, 150), (10, 20)]


def test_a_preset_is_the_grid_it_names(swept: Swept, run: Run, tmp_path: Path) -> None:
    elsewhere = _with_queue_at(swept.settings, tmp_path)
    code, out, _ = run(elsewhere, "sweep", "--preset", "number_of_trees", "--no-wait")
    assert code == 0
    sweep = Lab(elsewhere).tuning.get(out.strip())
    assert (sweep.name, sweep.plan.repeats) == ("random_forest_sweep_20_trials", 5)
    assert [one.choices for one in sweep.plan.varied] == [(100, 150, 200, 300)]


def _with_queue_at(settings: Settings, folder: Path) -> Settings:
    """The same records with a job database of its own."""
    jobs = settings.jobs.model_copy(update={"database_url": f"sqlite:///{folder / 'jobs.db'}"})
    return settings.model_copy(update={"jobs": jobs})
