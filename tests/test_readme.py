"""What the README shows works as it is written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.cli.app import build_app
from core.domain.settings import PROJECT_ROOT, Settings
from core.tracking.local_registry import ModelRegistry
from core.tracking.runs import list_runs
from core.tracking.store import open_store

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
PYTHON_BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def block_with(text: str) -> str:
    (block,) = [block for block in PYTHON_BLOCKS if text in block]
    return block


def run(program: str, cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_the_old_projects_names_and_calls_work_as_the_readme_writes_them(settings: Settings) -> None:
    few_trees = json.dumps({"random_forest": {"n_estimators": 20, "max_depth": 10}})
    done = run(
        block_with("from core import"),
        settings.home,
        {
            **settings.as_environment(),
            "HOUSING_LAB_MODEL__HYPERPARAMETERS": few_trees,
            "PYTHONPATH": str(PROJECT_ROOT),
        },
    )
    assert done.returncode == 0, done.stderr
    (written,) = list_runs(open_store(settings))
    assert (written.status, written.params["n_estimators"]) == ("FINISHED", "20")
    report = json.loads(settings.paths.evaluation_report.read_text())
    assert written.metrics == pytest.approx(report["metrics"])
    (entry,) = ModelRegistry(settings).list_models()
    assert (settings.home / entry.model_path).is_file()
    assert "END" in settings.paths.stage_log("train_model").read_text()


def test_a_plain_mlflow_client_loads_the_model_as_the_readme_writes_it(
    trained_settings: Settings, data_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "logs").symlink_to(trained_settings.paths.logs)
    (tmp_path / "data" / "raw").mkdir(parents=True)
    (tmp_path / "data" / "raw" / "housing.csv").symlink_to(data_file)
    program = block_with("mlflow.pyfunc.load_model").rstrip()
    done = run(program.replace("model.predict(", "print(model.predict(") + ")", tmp_path, {"PYTHONPATH": ""})
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"\d{5,6}\.", done.stdout)) == 5, done.stdout


def test_every_command_of_the_terminal_stands_in_the_readme() -> None:
    import typer.main

    commands = typer.main.get_command(build_app()).commands  # type: ignore[attr-defined]
    assert commands
    missing = [name for name in commands if f"python -m core {name}" not in README]
    assert not missing


def test_every_picture_and_page_the_readme_points_to_is_there() -> None:
    places = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert places
    assert [place for place in places if not (PROJECT_ROOT / place).exists()] == []


def test_the_first_command_installs_what_the_app_needs_and_opens_it() -> None:
    (line,) = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert line.endswith("pip install -r requirements.txt && streamlit run app.py")
