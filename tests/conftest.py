"""What every test may rely on: a state folder of its own, the real rows, shared homes, and a clean environment."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from core.domain.collecting import collect_rarely
from core.domain.configuration import load_settings
from core.domain.errors import DataUnavailable
from core.domain.settings import HOME_VARIABLE, PREFIX, PROJECT_ROOT, Settings
from tests.built_once import built_once

if TYPE_CHECKING:
    import pandas as pd

    from core.domain.hyperparameters import KnobValue
    from core.domain.jobs import TrainingRequest
    from core.domain.runs import TrainingOutcome
    from core.tracking.store import Store

DATA_VARIABLE = "HOUSING_LAB_DATA__PATH"
RANGE_VARIABLE = "HOUSING_LAB_EVALUATION__RANGE_FOLDS"
SPATIAL_VARIABLE = "HOUSING_LAB_EVALUATION__SPATIAL_FOLDS"
STEADY: Mapping[str, KnobValue] = {"n_estimators": 60, "max_depth": 10, "max_features": 0.7}
SHALLOW: Mapping[str, KnobValue] = {"n_estimators": 10, "max_depth": 6}
FOREST_OF_20: Mapping[str, KnobValue] = {"n_estimators": 20, "max_depth": 12}
_RUN_IDS = "run_ids.json"
STATE_FOLDERS = ("logs", "models", "data", "mlruns", "mlartifacts", "mlflow.db")

_before = pytest.StashKey[dict[str, str]]()
_session_home = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Subprocesses inherit this too, so it is set in the environment and before anything is imported.

    The variables of whoever runs the tests are taken away, the data file's as well: a test that needs the
    real rows asks for them by a fixture, or it would pass here and fail where the variable is not set.
    """
    config.stash[_before] = getattr(config, "workerinput", {}).get("environment") or dict(os.environ)
    config.stash[_session_home] = Path(tempfile.mkdtemp(prefix="housing-lab-tests-"))
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ[HOME_VARIABLE] = str(config.stash[_session_home])
    os.environ[RANGE_VARIABLE] = "0"
    os.environ[SPATIAL_VARIABLE] = "0"
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MPLBACKEND"] = "Agg"
    # Hundreds of processes are started: what Python has compiled once, the next one reads.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    collect_rarely()
    # Two test processes share two cores: threads that spin while they wait would take them from each other.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    hypothesis.settings.register_profile("shared machine", deadline=None)
    hypothesis.settings.load_profile("shared machine")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A worker of pytest-xdist starts after the variables were taken away, so it is told what they were."""
    node.workerinput["environment"] = node.config.stash[_before]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take minutes come first: begun last, one of them would keep a single process busy at the end."""
    items.sort(key=lambda item: not item.path.is_relative_to(PROJECT_ROOT / "tests" / "faults"))


def pytest_unconfigure(config: pytest.Config) -> None:
    if _before in config.stash:
        os.environ.clear()
        os.environ.update(config.stash[_before])
        shutil.rmtree(config.stash[_session_home], ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _project_root_stays_clean() -> Iterator[None]:
    before = {name for name in STATE_FOLDERS if (PROJECT_ROOT / name).exists()}
    yield
    left = sorted(name for name in STATE_FOLDERS if (PROJECT_ROOT / name).exists() and name not in before)
    assert not left, f"a test wrote {', '.join(left)} into {PROJECT_ROOT}; give it the settings fixture's home"


@pytest.fixture(scope="session")
def data_file(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real rows on disk: the file the environment names, else the project's own, else a download."""
    before = pytestconfig.stash[_before]
    wanted = load_settings(environment={}).data.sha256
    named = before.get(DATA_VARIABLE)
    if named:
        file = Path(before.get(HOME_VARIABLE) or PROJECT_ROOT, named).expanduser()
        if not file.is_file() or _sha256(file) != wanted:
            state = "is not the data the tests are written for" if file.is_file() else "is not there"
            pytest.fail(f"{DATA_VARIABLE} names {file}, which {state}; correct or unset it.", pytrace=False)
        return file.resolve()
    own = PROJECT_ROOT / "data" / "raw" / "housing.csv"
    if own.is_file() and _sha256(own) == wanted:
        return own
    return _download(tmp_path_factory.mktemp("data"))


def _download(home: Path) -> Path:
    from core.data.ingest import DataIngestor

    settings = load_settings(home=home, environment={"HOUSING_LAB_DATA__ALLOW_DEMO": "false"})
    why = ""
    try:
        DataIngestor(settings).ingest()
    except DataUnavailable as error:
        why = error.what
    if why:
        pytest.fail(
            f"The tests need the real data: set {DATA_VARIABLE} to housing.csv, or run "
            f"`python -m core stage ingest` with internet. ({why})",
            pytrace=False,
        )
    return settings.data_path


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def rows_in(file: Path) -> dict[str, str]:
    """The variables of a home over these rows. Ranges take five more fits a training, and spatial scores as many:
    tests of them say so."""
    return {DATA_VARIABLE: str(file), RANGE_VARIABLE: "0", SPATIAL_VARIABLE: "0"}


@pytest.fixture(scope="session")
def real_rows(data_file: Path) -> Iterator[pd.DataFrame]:
    """All 20,640 block groups in file order, read once. Take ``.copy()`` before changing anything."""
    import pandas as pd

    rows = pd.read_csv(data_file)
    untouched = rows.copy()
    yield rows
    pd.testing.assert_frame_equal(rows, untouched)


@pytest.fixture
def lab_environment(tmp_path: Path, data_file: Path) -> dict[str, str]:
    """The whole environment of a subprocess whose state lies in ``tmp_path`` and whose data are real."""
    return {**os.environ, HOME_VARIABLE: str(tmp_path), **rows_in(data_file)}


@pytest.fixture
def settings(tmp_path: Path, data_file: Path) -> Settings:
    """Settings over the real data whose state lies in ``tmp_path``."""
    return load_settings(home=tmp_path, environment=rows_in(data_file))


def asked(
    family: str, knobs: Mapping[str, KnobValue] | None = None, *, seed: int = 42, name: str = ""
) -> TrainingRequest:
    """A training somebody asks for; without a name the lab names its run."""
    from core.domain.hyperparameters import TrainingSpec
    from core.domain.jobs import TrainingRequest

    return TrainingRequest.create(TrainingSpec.create(family, knobs, seed=seed), actor="tester", run_name=name)


def train_in(settings: Settings, *requests: TrainingRequest) -> list[TrainingOutcome]:
    """Train these one after the other."""
    from core.tracking.store import open_store
    from core.workflows.training import train_now

    connect = functools.cache(lambda: open_store(settings))
    return [train_now(settings, request, connect) for request in requests]


@pytest.fixture(scope="session")
def trained_settings(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Settings:
    """Settings of a home in which a small forest was trained: version 1, run ``forest_of_20``. Read only.

    Training once and sharing it keeps the suite quick. A test that writes records takes ``settings`` instead.
    """

    def at(home: Path) -> Settings:
        return load_settings(home=home, environment=rows_in(data_file))

    def build(home: Path) -> None:
        train_in(at(home), asked("random_forest", FOREST_OF_20, name="forest_of_20"))

    return at(built_once(tmp_path_factory, "trained", build))


@pytest.fixture(scope="session")
def ranged_settings(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Settings:
    """Settings of a home whose two versions have ranges, measured in three parts. Read only.

    Version 1 is the forest of ``trained_settings`` (run ``forest_of_20``), version 2 LightGBM of 60 trees (run
    ``boosted_60``), the newest and so what prices. A test that writes records copies the home.
    """

    def at(home: Path) -> Settings:
        return load_settings(home=home, environment={**rows_in(data_file), RANGE_VARIABLE: "3"})

    def build(home: Path) -> None:
        forest = asked("random_forest", FOREST_OF_20, name="forest_of_20")
        for outcome in train_in(at(home), forest, asked("lightgbm", {"n_estimators": 60}, name="boosted_60")):
            assert "coverage" in outcome.metrics, outcome.notes

    return at(built_once(tmp_path_factory, "ranged", build))


@dataclass(frozen=True, slots=True)
class ComparedHome:
    """Settings and store, and the run ids by name: ``ridge``, ``steady 1`` to ``3``, ``shallow 1`` and ``2``."""

    settings: Settings
    store: Store
    run_ids: Mapping[str, str]

    def ids(self, *names: str) -> list[str]:
        return [self.run_ids[name] for name in names]


@pytest.fixture(scope="session")
def compared_home(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> ComparedHome:
    """Two specs under several seeds and a baseline on the real rows. Runs may be added; these six stay as they are."""
    from core.tracking.store import open_store

    def at(home: Path) -> Settings:
        return load_settings(home=home, environment=rows_in(data_file))

    def build(home: Path) -> None:
        requests = {"ridge": asked("ridge", seed=1)}
        requests |= {f"steady {seed}": asked("random_forest", STEADY, seed=seed) for seed in (1, 2, 3)}
        requests |= {f"shallow {seed}": asked("random_forest", SHALLOW, seed=seed) for seed in (1, 2)}
        outcomes = train_in(at(home), *requests.values())
        run_ids = {name: outcome.run_id for name, outcome in zip(requests, outcomes, strict=True)}
        (home / _RUN_IDS).write_text(json.dumps(run_ids), encoding="utf-8")

    settings = at(built_once(tmp_path_factory, "compared", build))
    run_ids = json.loads((settings.home / _RUN_IDS).read_text(encoding="utf-8"))
    return ComparedHome(settings, open_store(settings), run_ids)


@pytest.fixture(scope="session")
def versions_settings(trained_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a home with three versions: a forest, a worse one, and the first one's twin. Read only."""

    def build(home: Path) -> None:
        shutil.copytree(trained_settings.home, home, dirs_exist_ok=True)
        settings = trained_settings.model_copy(update={"home": home})
        with closing(sqlite3.connect(settings.paths.mlflow_db)) as database, database:
            location = settings.paths.mlflow_artifacts.as_uri()
            database.execute("UPDATE experiments SET artifact_location = ?", (location,))
        train_in(settings, asked("random_forest", SHALLOW), asked("random_forest", FOREST_OF_20, seed=7))

    home = built_once(tmp_path_factory, "versions", build)
    return trained_settings.model_copy(update={"home": home})


@pytest.fixture
def versions_home(versions_settings: Settings, tmp_path: Path) -> Settings:
    """That home over again, to promote in. MLflow's artifacts stay the shared ones."""
    home = tmp_path / "versions"
    shutil.copytree(versions_settings.home, home, ignore=shutil.ignore_patterns("artifacts"))
    return versions_settings.model_copy(update={"home": home})


@pytest.fixture(scope="session")
def empty_store_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a store nothing was ever written to. Creating one takes seconds, copying it none."""
    from core.tracking.store import open_store

    def build(home: Path) -> None:
        store = open_store(load_settings(home=home, environment={}))
        with (
            closing(sqlite3.connect(store.uri.removeprefix("sqlite:///"))) as full,
            closing(sqlite3.connect(home / "copy.db")) as target,
        ):
            full.backup(target)

    return built_once(tmp_path_factory, "empty-store", build) / "copy.db"
