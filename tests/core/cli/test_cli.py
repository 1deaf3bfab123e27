"""The terminal's contract: commands, JSON on standard output and nothing else, exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from core.cli.app import build_app
from core.cli.output import parse_settings
from core.domain.errors import InvalidSpec
from core.domain.house import House
from core.domain.hyperparameters import KNOBS, ModelFamily
from core.domain.settings import PROJECT_ROOT, Settings
from core.tracking.registry import get_version
from core.tracking.runs import get_run, list_runs
from core.tracking.store import open_store
from core.workflows.lab import Lab
from tests.core.cli.terminal import lab, run_here


@pytest.fixture
def here(trained_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The trained home as this process's own, for commands that need no process of theirs."""
    for name, value in trained_settings.as_environment().items():
        monkeypatch.setenv(name, value)
    return trained_settings


def test_train_answers_one_json_document_with_all_the_contract_names(settings: Settings) -> None:
    """On an empty home, with no worker alive: the command starts one and waits for the result."""
    done = lab(settings, "train", "--family", "ridge", "--set", "alpha=2", "--seed", "7", "--run-name", "x y", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) >= {
        "job_id",
        "run_id",
        "run_name",
        "family",
        "params",
        "metrics",
        "version",
        "threshold_checks",
        "all_checks_passed",
    }
    assert (answer["run_name"], answer["family"], answer["version"]) == ("x y", "ridge", "1")
    assert answer["params"] == {"family": "ridge", "alpha": 2.0, "seed": 7, "features": "basic"}
    assert {"rmse", "mae", "r2_score", "mape"} <= set(answer["metrics"])
    assert answer["all_checks_passed"] is all(answer["threshold_checks"].values())
    assert "writing the model" in done.stderr, "progress goes to standard error, in plain lines when it is a pipe"
    assert "\x1b" not in done.stderr

    run = get_run(open_store(settings), answer["run_id"])
    assert run.params["alpha"] == "2.0"
    assert run.metrics["rmse"] == answer["metrics"]["rmse"]

    health = lab(settings, "doctor", "--json")
    report = json.loads(health.stdout)
    assert (health.returncode, report["healthy"]) == (0, True), report


def test_no_wait_answers_at_once_with_the_job(settings: Settings) -> None:
    idle = settings.model_copy(update={"jobs": settings.jobs.model_copy(update={"embedded_worker": False})})
    answer = json.loads(lab(idle, "train", "--family", "ridge", "--no-wait", "--json").stdout)
    assert set(answer) == {"job_id"}
    listed = json.loads(lab(idle, "jobs", "--json").stdout)["jobs"]
    assert [(job["job_id"], job["state"]) for job in listed] == [(answer["job_id"], "queued")]
    cancelled = lab(idle, "jobs", "cancel", answer["job_id"])
    assert "cancelled" in cancelled.stdout


def test_value_prices_a_house_as_every_other_door_does(
    here: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run_here(monkeypatch, capsys, "value", "--set", "median_income=8.3", "--version", "1", "--json")
    answer = json.loads(out)
    assert code == 0
    expected = Lab(here).value(House.from_mapping({"median_income": 8.3}), "1")
    assert (answer["price"], answer["version"], answer["warnings"]) == (expected.price, "1", [])

    code, out, _ = run_here(monkeypatch, capsys, "value", "--set", "median_income=8.3")
    assert code == 0
    assert expected.text in out
    assert "1990 dollars" in out


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("value", "--set", "median_income=abc"), "median_income is 'abc', not a number"),
        (("value", "--set", "colour=red"), "No such feature: 'colour'"),
        (("value", "--set", "latitude=90"), "latitude is 90, outside"),
        (("value", "--set", "median_income"), "names no value"),
        (("value", "--version", "99"), "99"),
        (("value", "--version", "nobody"), "There is no version 'nobody'"),
        (("train", "--set", "n_estimators=1000000"), "n_estimators is '1000000': outside 10 to 500"),
        (("train", "--set", "trees=5"), "random_forest has no hyperparameter trees"),
        (("train", "--family", "ridge", "--seed", "-1"), "seed is -1"),
        (("jobs", "cancel", "nobody"), "There is no job 'nobody'"),
    ],
)
def test_a_refusal_has_exit_code_1_and_a_remedy_in_words_and_in_json(
    here: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    what: str,
) -> None:
    code, out, err = run_here(monkeypatch, capsys, *words)
    assert (code, out) == (1, "")
    assert what in err
    assert "Remedy: " in err
    code, out, _ = run_here(monkeypatch, capsys, *words, "--json")
    error: dict[str, Any] = json.loads(out)["error"]
    assert code == 1
    assert what in error["what"]
    assert error["remedy"]


@pytest.mark.parametrize(
    "words",
    [("train", "--family", "magic"), ("nonsense",), ("stage", "dance"), ("train", "--seed", "x"), ("jobs", "cancel")],
)
def test_wrong_usage_has_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert run_here(monkeypatch, capsys, *words)[0] == 2


def test_a_wrong_setting_is_named_and_not_a_stack_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOUSING_LAB_TRAINING__NJOBS", "3")
    code, _, err = run_here(monkeypatch, capsys, "doctor")
    assert code == 1
    assert "HOUSING_LAB_TRAINING__NJOBS" in err


def test_value_before_any_training_says_what_to_do(settings: Settings) -> None:
    done = lab(settings, "value")
    assert done.returncode == 1
    assert "python -m core train" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_pipeline_runs_the_three_stages_and_says_where_everything_is(settings: Settings) -> None:
    quick = settings.model_copy(update={"model": settings.model.model_copy(update={"family": "ridge"})})
    done = lab(quick, "pipeline")
    assert done.returncode == 0, done.stderr
    paths = settings.paths
    for written in (
        settings.features_path,
        paths.encoder,
        paths.scaler,
        paths.registry,
        paths.evaluation_report,
        paths.stage_log("ingest_data"),
        paths.stage_log("engineer_features"),
        paths.stage_log("train_model"),
    ):
        assert written.is_file(), written
    assert str(settings.features_path) in done.stdout
    assert len(list(paths.saved_models.glob("model_ridge_*.joblib"))) == 1
    assert list(map(str.strip, re.findall(r"^\[\w+\]$", done.stderr, re.MULTILINE))) == [
        "[ingest]",
        "[features]",
        "[train]",
    ]


def test_the_doctor_mends_a_killed_training_and_says_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipeline's stage, killed in its fit: a dry run says what would be done, the doctor does it once."""
    model = settings.model.model_copy(update={"hyperparameters": {ModelFamily.RANDOM_FOREST: {"n_estimators": 500}}})
    long = settings.model_copy(update={"model": model})
    with (settings.home / "stage.out").open("wb") as output:
        training = subprocess.Popen(
            [sys.executable, "-m", "core", "stage", "train"],
            cwd=PROJECT_ROOT,
            env={**os.environ, **long.as_environment()},
            stdout=output,
            stderr=output,
        )
        log = settings.paths.stage_log("train_model")
        deadline = time.monotonic() + 60
        while not (log.exists() and "SHA-256" in log.read_text()):
            assert training.poll() is None, (settings.home / "stage.out").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for name, value in settings.as_environment().items():
            monkeypatch.setenv(name, value)
        alive = json.loads(run_here(monkeypatch, capsys, "doctor", "--json")[1])
        training.kill()
        training.wait()
    assert (alive["healthy"], alive["mended"]) == (True, []), alive
    (run,) = list_runs(open_store(settings))
    assert run.status == "RUNNING"

    code, out, _ = run_here(monkeypatch, capsys, "doctor", "--dry-run", "--json")
    report = json.loads(out)
    assert (code, report["healthy"], report["mended"]) == (1, False, [])
    closing = f"close run {run.name} as FAILED: its worker ended in the middle of it"
    assert f"would {closing}" in report["would_mend"]
    assert get_run(open_store(settings), run.run_id).status == "RUNNING"

    code, out, _ = run_here(monkeypatch, capsys, "doctor")
    assert code == 0, out
    assert f"DONE  {closing.replace('close', 'closed')}" in out
    assert get_run(open_store(settings), run.run_id).status == "FAILED"

    code, out, _ = run_here(monkeypatch, capsys, "doctor", "--json")
    report = json.loads(out)
    assert (code, report["healthy"], report["mended"], report["would_mend"]) == (0, True, [], [])
    assert set(report["findings"][0]) == {"name", "ok", "detail", "remedy"}


def test_help_names_every_command_and_every_knob() -> None:
    runner = CliRunner()
    overview = runner.invoke(build_app(), ["--help"]).stdout
    for command in ("train", "sweep", "sweeps", "value", "stage", "pipeline", "worker", "jobs", "doctor"):
        assert command in overview
    training = runner.invoke(build_app(), ["train", "--help"], env={"COLUMNS": "400"}).stdout
    for knobs in KNOBS.values():
        for name in knobs:
            assert name in training


def test_help_loads_neither_mlflow_nor_the_science() -> None:
    """It answers while a training holds both cores."""
    program = (
        "import sys; from core.cli.app import build_app; build_app(); "
        "print([name for name in ('mlflow', 'pandas', 'sklearn', 'dbos', 'streamlit') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_pairs_are_read_as_they_are_written() -> None:
    assert parse_settings(["a=1", " b = x=y "]) == {"a": "1", "b": "x=y"}
    with pytest.raises(InvalidSpec, match="given twice"):
        parse_settings(["a=1", "a=2"])


def test_a_version_of_the_local_registry_is_priced_by_name(
    here: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    local = get_version(open_store(here), "1").tags["local.version"]
    code, out, _ = run_here(monkeypatch, capsys, "value", "--version", local, "--json")
    assert code == 0
    assert json.loads(out)["price"] == Lab(here).value(House.typical(), "1").price


def test_the_state_folder_is_only_what_the_contract_names(trained_settings: Settings) -> None:
    top = {path.relative_to(trained_settings.home).parts[0] for path in Path(trained_settings.home).rglob("*")}
    assert top <= {"logs", "models", "data"}
