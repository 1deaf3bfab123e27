"""``data`` at the terminal, and trainings and sweeps that name a dataset."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from core.domain.datasets import CONFIGURED
from core.domain.jobs import TrainingRequest
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


@pytest.fixture
def mine(real_rows: pd.DataFrame, tmp_path: Path) -> Path:
    file = tmp_path / "my houses.csv"
    real_rows.head(120).to_csv(file, index=False)
    return file


def test_a_file_is_added_listed_trained_on_and_searched_on_by_its_name(
    idle: Settings, mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run_here(monkeypatch, capsys, "data", "add", str(mine), "--json")
    added = json.loads(out)["added"]
    assert (code, added["name"], added["rows"]) == (0, "my houses", 120)

    code, out, _ = run_here(monkeypatch, capsys, "data", "--json")
    listed = json.loads(out)
    assert (code, listed["datasets"], listed["configured"]) == (0, [added], str(idle.data_path))

    words = ("train", "--family", "ridge", "--no-wait", "--json")
    asked = []
    for more in (("--data", "My Houses"), ("--data", added["sha256"][:10]), ("--data", "configured"), ()):
        code, out, _ = run_here(monkeypatch, capsys, *words, *more)
        assert code == 0, out
        request = JobQueue(idle).get(json.loads(out)["job_id"]).request
        assert isinstance(request, TrainingRequest)
        asked.append(request.data_sha256)
    assert asked == [added["sha256"], added["sha256"], CONFIGURED, CONFIGURED]

    words = ("sweep", "--family", "ridge", "--trials", "1", "--no-wait", "--json", "--data", "my houses")
    code, out, _ = run_here(monkeypatch, capsys, *words)
    assert code == 0, out
    assert JobQueue(idle).sweeps.get(json.loads(out)["sweep_id"]).plan.data_sha256 == added["sha256"]

    code, out, err = run_here(monkeypatch, capsys, "data", "remove", "my houses")
    assert code == 1
    assert "is not deleted" in err


def test_what_is_refused_says_why_and_adds_nothing(
    idle: Settings, mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine.write_text(mine.read_text().replace("NEAR BAY", "LAKE", 1))
    code, out, _ = run_here(monkeypatch, capsys, "data", "add", str(mine), "--json")
    assert code == 1
    assert "line 2: ocean_proximity is 'LAKE'" in json.loads(out)["error"]["what"]
    for words, said in (
        (("data", "add", str(mine.parent / "none.csv")), "cannot be read"),
        (("data", "remove", "none"), "no dataset 'none'"),
        (("train", "--family", "ridge", "--data", "none"), "no dataset 'none'"),
    ):
        code, _, err = run_here(monkeypatch, capsys, *words)
        assert code == 1
        assert said in err
    assert run_here(monkeypatch, capsys, "data", "add")[0] == 2
    code, out, _ = run_here(monkeypatch, capsys, "data")
    assert (code, out) == (0, f"configured  {idle.data_path}\n")


def test_an_unused_dataset_is_removed(
    idle: Settings, mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here(monkeypatch, capsys, "data", "add", str(mine), "--name", "Spare")[0] == 0
    code, out, _ = run_here(monkeypatch, capsys, "data", "remove", "spare")
    assert (code, out) == (0, "Spare is removed.\n")
    assert not any(idle.paths.datasets.iterdir())
