"""``import`` in the terminal: what it says, how it ends, and what Ctrl+C leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.domain.settings import PROJECT_ROOT, Settings
from core.tracking.store import open_store
from tests.core.cli.terminal import run_here
from tests.core.old_store import OldStore, model_files

MANY = 200


@pytest.fixture
def old(tmp_path: Path) -> OldStore:
    store = OldStore(tmp_path / "mlruns")
    store.run(store.experiment("1", "old"), "ab" * 16, params={"n": "1"}, files=model_files(b"\x80\x04N."))
    return store


def test_it_says_what_came_in_and_what_was_left_out(
    settings: Settings, old: OldStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)
    code, out, err = run_here(monkeypatch, capsys, "import", "--mlruns", str(old.root))
    assert code == 0
    assert out.startswith("1 runs came in")
    assert "--trust" in out
    assert str(old.root / "1" / ("ab" * 16) / "artifacts" / "model" / "model.pkl") in out
    assert "importing runs" in err

    code, out, _ = run_here(monkeypatch, capsys, "import", "--mlruns", str(old.root), "--trust", "--json")
    report = json.loads(out)
    assert (code, report["runs"]) == (0, {"imported": 0, "completed": 1, "known": 0})
    assert (report["files"], report["left_out"], report["problems"], report["stopped"]) == (3, [], [], False)


def test_it_wants_to_know_from_where(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run_here(monkeypatch, capsys, "import")
    assert code == 2
    assert "--mlruns" in err


def test_a_folder_that_is_not_there_has_a_remedy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOUSING_LAB_HOME", str(settings.home))
    code, _, err = run_here(monkeypatch, capsys, "import", "--mlruns", str(settings.home / "nowhere"))
    assert code == 1
    assert "Remedy: " in err


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl+C to a whole console")
def test_ctrl_c_finishes_the_run_under_way_and_the_same_again_brings_the_rest(
    settings: Settings, tmp_path: Path
) -> None:
    old = OldStore(tmp_path / "many")
    experiment = old.experiment("1", "old")
    for number in range(MANY):
        old.run(experiment, f"{number:032x}", params={"number": str(number)})
    command = [sys.executable, "-m", "core", "import", "--mlruns", str(old.root), "--json"]
    environment = {**os.environ, **settings.as_environment()}
    with subprocess.Popen(
        command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as going:
        assert going.stderr is not None
        assert going.stdout is not None
        deadline = time.monotonic() + 120
        while not (line := going.stderr.readline()).startswith(f"importing runs: {MANY // 10} of"):
            assert line, "it ended before it began"
            assert time.monotonic() < deadline
        going.send_signal(signal.SIGINT)
        report = json.loads(going.stdout.read())
        assert going.wait(120) == 1
    done = report["runs"]["imported"]
    assert report["stopped"]
    assert 0 < done < MANY
    client = open_store(settings).client
    found = client.get_experiment_by_name("old")
    assert found is not None
    states = [run.data.tags["import.state"] for run in client.search_runs([found.experiment_id])]
    assert states == ["done"] * done
    rest = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(rest.stdout)["runs"] == {"imported": MANY - done, "completed": 0, "known": done}
