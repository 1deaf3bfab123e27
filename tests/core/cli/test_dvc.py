"""`dvc repro` in a repository of its own: what runs again, what it leaves in MLflow, and what DVC must not touch."""

from __future__ import annotations

import ast
import configparser
import functools
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from core.domain.configuration import load_settings
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest
from core.domain.settings import PREFIX, PROJECT_ROOT, Settings
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import get_version, load_version
from core.tracking.store import open_store
from core.workflows.training import train_now

STAGES = ["ingest_data", "engineer_features", "train_model"]
NOT_COPIED = {".git", ".venv", ".hypothesis", "tests", "docs", "data", "models", "logs", "dvc.lock", "dvc_plots"}
SCIENCE = {"data", "features", "models", "evaluation", "explanation", "search"}
SMALL = {"n_estimators": 10, "max_depth": 8}
_RAN = re.compile(r"^Running stage '(\w+)'", re.MULTILINE)
_SCORES = ("rmse", "mae", "r2_score", "mape")


@dataclass(frozen=True, slots=True)
class Reproduction:
    """One `dvc repro`: the stages it ran, the MLflow runs there were afterwards (oldest first), what was printed."""

    ran: list[str]
    runs: list[Any]
    output: str


@dataclass(frozen=True, slots=True)
class Story:
    """The reproductions in their order, and the repository they were made in."""

    root: Path
    environment: Mapping[str, str]
    commits: Mapping[str, str]
    first: Reproduction
    again: Reproduction
    more_trees: Reproduction
    other_rows: Reproduction

    @property
    def settings(self) -> Settings:
        return load_settings(home=self.root, environment={})


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Story:
    if importlib.util.find_spec("dvc") is None:
        pytest.fail("DVC is not installed: pip install -r tests/requirements.txt", pytrace=False)
    base = tmp_path_factory.mktemp("dvc")
    root = base / "project"
    environment = _environment(base)
    _copy_project(root)
    (root / "data" / "raw").mkdir(parents=True)
    shutil.copyfile(data_file, root / "data" / "raw" / "housing.csv")
    _configure(root, SMALL)
    _git(root, environment, "init", "--quiet")
    commits = {"first": _commit(root, environment)}
    first = _reproduce(root, environment)
    _commit(root, environment)
    again = _reproduce(root, environment)

    _configure(root, {**SMALL, "n_estimators": 12})
    more_trees = _reproduce(root, environment)
    commits["other rows"] = _commit(root, environment)

    rows = pd.read_csv(data_file).iloc[:8_000]
    rows.to_csv(root / "data" / "raw" / "housing.csv", index=False)
    other_rows = _reproduce(root, environment)
    return Story(root, environment, commits, first, again, more_trees, other_rows)


def test_the_first_time_every_stage_runs_and_makes_one_run(story: Story) -> None:
    assert story.first.ran == STAGES
    (run,) = story.first.runs
    assert (run.info.status, run.info.run_name) == ("FINISHED", "random_forest_10_trees")


def test_nothing_runs_when_nothing_changed(story: Story) -> None:
    assert story.again.ran == []
    assert "up to date" in story.again.output
    assert len(story.again.runs) == 1


def test_another_number_of_trees_trains_again_and_does_nothing_else(story: Story) -> None:
    assert story.more_trees.ran == ["train_model"]
    assert [run.info.run_name for run in story.more_trees.runs] == ["random_forest_10_trees", "random_forest_12_trees"]
    assert story.more_trees.runs[-1].data.params["n_estimators"] == "12"


def test_other_rows_run_everything_again_and_stay_as_they_are(story: Story, data_file: Path) -> None:
    assert story.other_rows.ran == STAGES
    assert len(story.other_rows.runs) == 3
    assert story.other_rows.runs[-1].data.tags["data.rows"] == "8000"
    assert len(pd.read_csv(story.root / "data" / "raw" / "housing.csv")) == 8_000
    assert len(pd.read_csv(story.settings.features_path)) == 8_000


def test_dvc_deletes_neither_models_nor_versions(story: Story) -> None:
    registry = ModelRegistry(story.settings)
    entries = registry.list_models()
    assert [entry.run_id for entry in entries] == [run.info.run_id for run in story.other_rows.runs]
    assert [entry.mlflow_version for entry in entries] == ["1", "2", "3"]
    assert all(registry.model_file(entry).is_file() for entry in entries)


def test_a_run_says_on_which_commit_dvc_made_it_and_what_differed(story: Story) -> None:
    ten, twelve, fewer_rows = (run.data.tags for run in story.other_rows.runs)
    assert (ten["dvc.revision"], "dvc.changes" in ten) == (story.commits["first"][:12], False)
    assert twelve["dvc.revision"].endswith("+changes")
    assert twelve["dvc.changes"] == "config/config.yaml"
    # DVC had written its lock file anew by then, and that is no change.
    assert (fewer_rows["dvc.revision"], "dvc.changes" in fewer_rows) == (story.commits["other rows"][:12], False)
    version = get_version(open_store(story.settings), "3")
    assert version.tags["dvc.revision"] == fewer_rows["dvc.revision"]


def test_dvc_tells_scores_and_settings_of_the_last_commit_and_of_now(story: Story) -> None:
    rmse = story.other_rows.runs[-1].data.metrics["rmse"]
    (line,) = [line for line in _dvc(story, "metrics", "diff", "--all").splitlines() if "metrics.rmse" in line]
    before, now = (float(word) for word in line.split()[2:4])
    assert before == pytest.approx(story.other_rows.runs[-2].data.metrics["rmse"], abs=0.001)
    assert now == pytest.approx(rmse, abs=0.001)
    page = _dvc(story, "plots", "show", "--out", str(story.root / "dvc_plots")).strip().removeprefix("file://")
    assert "importance" in Path(page).read_text(encoding="utf-8")
    assert _git(story.root, story.environment, "status", "--porcelain").split() == ["M", "dvc.lock"]


def test_the_train_button_makes_the_same_model_as_the_stage(story: Story) -> None:
    settings = story.settings
    store = open_store(settings)
    request = TrainingRequest.create(
        TrainingSpec.create("random_forest", {**SMALL, "n_estimators": 12}), actor="a button"
    )
    pressed = train_now(settings, request, functools.cache(lambda: store))
    staged = story.other_rows.runs[-1]
    assert pressed.version is not None
    assert {name: pressed.metrics[name] for name in _SCORES} == {name: staged.data.metrics[name] for name in _SCORES}
    assert {name: str(value) for name, value in pressed.params.items()} == staged.data.params
    houses = pd.read_csv(story.root / "data" / "raw" / "housing.csv").head(500)
    by_stage, by_button = (load_version(store, get_version(store, number)) for number in ("3", pressed.version))
    np.testing.assert_array_equal(by_stage.predict(houses), by_button.predict(houses))
    pressed_run = store.client.get_run(str(pressed.run_id))
    assert "dvc.revision" not in pressed_run.data.tags


def test_every_science_module_a_stage_imports_is_a_dependency() -> None:
    """Or DVC would call a stage up to date whose code changed."""
    wanted = {
        "ingest_data": ["core.data.ingest"],
        "engineer_features": ["core.features.engineer", "core.features.preprocessing"],
        "train_model": [
            "core.data.ingest",
            "core.data.split",
            "core.models.trainer",
            "core.models.cross_validation",
            "core.evaluation.evaluate",
            "core.evaluation.calibration",
        ],
    }
    stages = _dvc_yaml()["stages"]
    for name, modules in wanted.items():
        deps = [dep for dep in stages[name]["deps"] if not dep.startswith("$")]
        assert all((PROJECT_ROOT / dep).exists() for dep in deps), name
        science = {file for file in _imported_files(modules) if file.split("/")[1] in SCIENCE}
        assert science
        missing = {file for file in science if not any(file == dep or file.startswith(f"{dep}/") for dep in deps)}
        # What engineering reads of its rows has gone through the stage before it.
        assert not {file for file in missing if not (name == "engineer_features" and file.startswith("core/data/"))}


def test_every_param_of_a_stage_stands_in_the_configuration() -> None:
    config = yaml.safe_load((PROJECT_ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    for stage in _dvc_yaml()["stages"].values():
        for named in stage.get("params", []):
            for key in named["config/config.yaml"]:
                assert functools.reduce(lambda place, part: place[part], key.split("."), config) is not None


def test_dvc_phones_nobody() -> None:
    config = configparser.ConfigParser()
    config.read_string(re.sub(r"^\s+", "", (PROJECT_ROOT / ".dvc" / "config").read_text(), flags=re.MULTILINE))
    assert dict(config["core"]) == {"analytics": "false", "check_update": "false"}


def _environment(base: Path) -> dict[str, str]:
    """Without the settings of whoever runs the tests, and without their DVC and git."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "DVC_", "GIT_"))}
    folders = {f"DVC_{kind}_DIR": str(base / kind.lower()) for kind in ("SITE_CACHE", "GLOBAL_CONFIG", "SYSTEM_CONFIG")}
    who = {f"GIT_{role}_{part}": "tester@example.com" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    return {
        **kept,
        **folders,
        **who,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }


def _copy_project(root: Path) -> None:
    root.mkdir()
    for entry in PROJECT_ROOT.iterdir():
        if entry.name in NOT_COPIED or entry.name.endswith("_cache"):
            continue
        if entry.is_dir():
            passed_over = ["__pycache__", *(["cache", "tmp", "config.local"] if entry.name == ".dvc" else [])]
            shutil.copytree(entry, root / entry.name, ignore=shutil.ignore_patterns(*passed_over))
        else:
            shutil.copy(entry, root)


def _configure(root: Path, forest: Mapping[str, int]) -> None:
    file = root / "config" / "config.yaml"
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    config["model"] = {"family": "random_forest", "random_state": 42, "hyperparameters": {"random_forest": {**forest}}}
    config["evaluation"]["range_folds"] = 0
    config["evaluation"]["spatial_folds"] = 0
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def _reproduce(root: Path, environment: Mapping[str, str]) -> Reproduction:
    from mlflow import MlflowClient

    output = _run([sys.executable, "-m", "dvc", "repro"], root, environment)
    client = MlflowClient(f"sqlite:///{root}/logs/mlruns/mlflow.db")
    experiment = client.get_experiment_by_name("housing_price_prediction")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])
    return Reproduction(_RAN.findall(output), list(runs), output)


def _dvc(story: Story, *words: str) -> str:
    return _run([sys.executable, "-m", "dvc", *words], story.root, story.environment)


def _commit(root: Path, environment: Mapping[str, str]) -> str:
    _git(root, environment, "add", "--all")
    _git(root, environment, "commit", "--quiet", "--message", "as it stands")
    return _git(root, environment, "rev-parse", "HEAD").strip()


def _git(root: Path, environment: Mapping[str, str], *words: str) -> str:
    return _run(["git", *words], root, environment)


def _run(command: list[str], root: Path, environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _dvc_yaml() -> Any:
    return yaml.safe_load((PROJECT_ROOT / "dvc.yaml").read_text(encoding="utf-8"))


def _imported_files(modules: list[str]) -> set[str]:
    """The project's files that these modules import, and what those import."""
    seen: set[str] = set()
    todo = list(modules)
    while todo:
        file = PROJECT_ROOT / (todo.pop().replace(".", "/") + ".py")
        name = file.relative_to(PROJECT_ROOT).as_posix()
        if name in seen or not file.is_file():
            continue
        seen.add(name)
        todo += _imports(file)
    return seen


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("core"):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
