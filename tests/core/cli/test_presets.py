"""``train`` by preset and feature set: what is put on the queue is what was asked for."""

from __future__ import annotations

import json

import pytest

from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest
from core.domain.presets import TRAINING_PRESETS
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from tests.core.cli.terminal import run_here


@pytest.fixture
def idle(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home nobody works in."""
    jobs = settings.jobs.model_copy(update={"embedded_worker": False})
    for name, value in settings.model_copy(update={"jobs": jobs}).as_environment().items():
        monkeypatch.setenv(name, value)
    return settings


BEST = TRAINING_PRESETS["best"].spec


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("--preset", "best"), BEST),
        (("--preset", "reference"), TRAINING_PRESETS["reference"].spec),
        (("--preset", "ensemble"), TRAINING_PRESETS["ensemble"].spec),
        (
            ("--preset", "best", "--set", "n_estimators=100", "--seed", "7"),
            TrainingSpec.create("lightgbm", {**BEST.values, "n_estimators": 100}, seed=7, features="location"),
        ),
        (
            ("--preset", "best", "--family", "lightgbm", "--features", "basic"),
            TrainingSpec.create("lightgbm", BEST.values),
        ),
        (("--family", "ridge", "--features", "location"), TrainingSpec.create("ridge", features="location")),
    ],
    ids=["best", "reference", "ensemble", "best with changes", "best on basic features", "features alone"],
)
def test_the_queue_gets_the_presets_settings_with_the_changes(
    idle: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    wanted: TrainingSpec,
) -> None:
    code, out, _ = run_here(monkeypatch, capsys, "train", *words, "--no-wait", "--json")
    assert code == 0
    job = JobQueue(idle).get(json.loads(out)["job_id"])
    assert isinstance(job.request, TrainingRequest)
    assert job.request.spec == wanted


@pytest.mark.parametrize(
    ("words", "named"),
    [(("--preset", "quickest"), "reference, fast, best"), (("--preset", "best", "--family", "ridge"), "--family")],
)
def test_what_is_no_preset_or_of_another_family_is_refused(
    idle: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    named: str,
) -> None:
    code, _, said = run_here(monkeypatch, capsys, "train", *words, "--no-wait")
    assert code == 1
    assert named in said
