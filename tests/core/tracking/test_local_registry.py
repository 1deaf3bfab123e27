"""registry.json: whole or not at all, two writers, and never a bad file overwritten blindly."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.domain.configuration import load_settings
from core.domain.errors import CorruptRegistry, NotFound, RecordsError, StoreUnavailable
from core.domain.settings import HOME_VARIABLE, PROJECT_ROOT, Settings
from core.models.packaged import file_sha256
from core.tracking.local_registry import ModelRegistry
from core.tracking.local_version import LocalVersion
from tests.core.tracking.conftest import RunPython

VERSION = re.compile(r"v_\d{8}_\d{6}")

REGISTER = """
import sys
from core.tracking.local_registry import ModelRegistry
registry = ModelRegistry()
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    print(registry.register_model(sys.argv[1], {"rmse": number}, run_id=f"{sys.argv[2]}-{number}"))
"""

KILL = """
import json, os, random, signal, sys, time
from pathlib import Path
from core.domain.configuration import load_settings
from core.tracking.local_registry import ModelRegistry
model = Path(sys.argv[1])
registry = ModelRegistry()
kills, earlier = 0, []
random.seed(1)
while kills < 25:
    writer = os.fork()
    if writer == 0:
        while True:
            registry.register_model(model, {"rmse": 1.0}, tags={"filler": "x" * 20_000})
    time.sleep(random.uniform(0.005, 0.05))
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    kills += 1
    if registry.path.exists():
        found = [entry["version"] for entry in json.loads(registry.path.read_text())["models"]]
        assert found[: len(earlier)] == earlier, "an entry was lost"
        earlier = found
    if len(earlier) > 100:
        registry.path.unlink()
        earlier = []
registry.register_model(model, {"rmse": 2.0})
print(json.dumps({"kills": kills, "set aside": len(list(registry.path.parent.glob("*.corrupt-*")))}))
"""


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """Settings without MLflow: what is proven here needs no store."""
    return load_settings(home=tmp_path, environment={}, values={"training": {"enable_mlflow": False}})


@pytest.fixture
def model(home: Settings) -> Path:
    file = home.paths.saved_models / "model_ridge.joblib"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"any content has a digest")
    return file


def test_a_version_is_named_by_its_second(home: Settings, model: Path) -> None:
    registry = ModelRegistry(home)
    first, second, third = (registry.register_model(model, {"rmse": 1.0}) for _ in range(3))
    assert all(VERSION.fullmatch(version) for version in (first, second, third))
    assert first < second < third


def test_an_entry_holds_what_was_registered(home: Settings, model: Path) -> None:
    registry = ModelRegistry(home)
    version = registry.register_model(
        model,
        {"rmse": 48_677.0},
        family="ridge",
        params={"alpha": 1.0},
        tags={"split": "random_0.2_42"},
        run_id="run",
        mlflow_version="3",
    )
    entry = ModelRegistry(home).get_model(version)
    assert entry == replace(
        LocalVersion(version, entry.created, "ridge", "models/saved_models/model_ridge.joblib", file_sha256(model)),
        metrics={"rmse": 48_677.0},
        params={"alpha": 1.0},
        tags={"split": "random_0.2_42"},
        run_id="run",
        mlflow_version="3",
    )
    assert registry.model_file(entry) == model
    assert registry.latest() == entry


def test_a_model_outside_home_keeps_its_absolute_path(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("elsewhere") / "model.joblib"
    file.write_bytes(b"x")
    registry = ModelRegistry(home)
    entry = registry.get_model(registry.register_model(file))
    assert registry.model_file(entry) == file


def test_an_empty_registry_has_no_models_and_makes_no_file(home: Settings) -> None:
    registry = ModelRegistry(home)
    assert (registry.list_models(), registry.latest(), registry.path.exists()) == ([], None, False)


def test_an_unknown_version_is_not_found(home: Settings) -> None:
    with pytest.raises(NotFound, match="v_20000101_000000"):
        ModelRegistry(home).get_model("v_20000101_000000")


def test_a_run_has_one_entry_however_often_it_is_registered(home: Settings, model: Path) -> None:
    registry = ModelRegistry(home)
    first = registry.register_model(model, {"rmse": 1.0}, run_id="run")
    assert registry.register_model(model, {"rmse": 1.0}, run_id="run") == first
    assert len(registry.list_models()) == 1


def test_a_job_without_a_run_has_one_entry_and_is_withdrawn_by_its_job(home: Settings, model: Path) -> None:
    registry = ModelRegistry(home)
    first, again = (registry.register_model(model, {"rmse": 1.0}, tags={"job.id": "job"}) for _ in range(2))
    other = registry.register_model(model, {"rmse": 1.0}, tags={"job.id": "other"})
    assert first == again != other
    registry.withdraw("job", None)
    assert [entry.version for entry in registry.list_models()] == [other]


def test_registering_again_adds_what_the_entry_lacked(home: Settings, model: Path) -> None:
    registry = ModelRegistry(home)
    first = registry.register_model(model, {"rmse": 1.0}, run_id="run")
    registry.register_model(model, {"rmse": 1.0}, run_id="run", mlflow_version="7")
    (entry,) = registry.list_models()
    assert (entry.version, entry.mlflow_version) == (first, "7")


def test_a_model_file_that_is_not_there_is_refused(home: Settings, tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match=r"gone\.joblib") as raised:
        ModelRegistry(home).register_model(tmp_path / "gone.joblib")
    assert "save_model" in raised.value.remedy


def test_two_processes_registering_twenty_models_each_all_land(home: Settings, model: Path) -> None:
    environment = {**os.environ, HOME_VARIABLE: str(home.home), "PYTHONPATH": str(PROJECT_ROOT)}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", REGISTER, str(model), name],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    answers = [writer.communicate(timeout=100)[0] for writer in writers]
    versions = [line for answer in answers for line in answer.split()]
    entries = ModelRegistry(home).list_models()
    assert len(set(versions)) == 40
    assert {entry.version for entry in entries} == set(versions)
    assert {entry.run_id for entry in entries} == {f"{who}-{n}" for who in ("one", "two") for n in range(20)}


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(home: Settings, model: Path, run_python: RunPython) -> None:
    done = run_python(KILL, str(model), home=home.home)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == {"kills": 25, "set aside": 0}


BAD_FILES = {
    "empty": b"",
    "truncated": b'{"schema": 1, "models": [{"version": "v_2026',
    "not JSON": b"<html>500</html>",
    "binary": bytes(range(256)),
    "a list": b"[]",
    "a number": b"5",
    "null": b"null",
    "models is no list": b'{"models": 5}',
    "models is an object": b'{"models": {"version": "v_20261123_071744"}}',
    "an entry is a number": b'{"models": [1]}',
    "an entry is a list": b'{"models": [["version"]]}',
    "an entry lacks its version": b'{"models": [{"family": "ridge"}]}',
    "a version is a number": (
        b'{"models": [{"version": 1, "created": "", "family": "", "model_path": "", "sha256": ""}]}'
    ),
    "metrics are text": (
        b'{"models": [{"version": "v_1", "created": "", "family": "", "model_path": "", "sha256": "", "metrics": "x"}]}'
    ),
    "nested without end": b"[" * 100_000,
}


def _write_bad(home: Settings, content: bytes) -> Path:
    home.paths.registry.parent.mkdir(parents=True, exist_ok=True)
    home.paths.registry.write_bytes(content)
    return home.paths.registry


def _away() -> list[LocalVersion]:
    raise StoreUnavailable("MLflow is away.", remedy="Start it.")


REBUILT = LocalVersion("v_20261123_071744", "2026-11-23T07:17:44+00:00", "ridge", "model.joblib", "ab" * 32)


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_is_read_from_what_rebuilds_it_and_changed_by_writing_alone(
    home: Settings, model: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = _write_bad(home, content)
    registry = ModelRegistry(home, rebuild=lambda: [REBUILT])
    assert registry.list_models() == [REBUILT]
    assert file.read_bytes() == content
    with caplog.at_level(logging.WARNING):
        version = registry.register_model(model, {"rmse": 1.0})
    assert [entry.version for entry in ModelRegistry(home).list_models()] == [REBUILT.version, version]
    assert ModelRegistry(home).get_model(REBUILT.version) == REBUILT
    (aside,) = file.parent.glob("registry.json.corrupt-*")
    assert aside.read_bytes() == content
    # A thread of an earlier test may still have something to say.
    (warning,) = (record.getMessage() for record in caplog.records if record.name.startswith("core."))
    assert str(aside) in warning
    assert "1 version" in warning


def test_a_bad_file_with_nothing_to_rebuild_it_from_is_an_error_that_says_what_to_do(home: Settings) -> None:
    file = _write_bad(home, b"not JSON")
    off = home.model_copy(update={"training": home.training.model_copy(update={"enable_mlflow": False})})
    for registry in (ModelRegistry(off), ModelRegistry(home, rebuild=_away)):
        with pytest.raises(CorruptRegistry, match=r"registry\.json") as raised:
            registry.list_models()
        assert raised.value.remedy
    assert [left.name for left in file.parent.iterdir()] == ["registry.json"]


def test_a_registry_nobody_told_where_to_look_is_rebuilt_from_the_store_of_its_settings(
    trained_settings: Settings, tmp_path: Path
) -> None:
    """What a notebook's ``ModelRegistry()`` is."""
    tracking = trained_settings.tracking.model_copy(update={"uri": trained_settings.tracking_uri})
    here = trained_settings.model_copy(update={"home": tmp_path, "tracking": tracking})
    _write_bad(here, b"not JSON")
    (entry,) = ModelRegistry(here).list_models()
    (original,) = ModelRegistry(trained_settings).list_models()
    assert (entry.version, entry.sha256, entry.mlflow_version) == (original.version, original.sha256, "1")


def test_with_mlflow_out_of_reach_a_bad_file_is_set_aside_and_the_registry_starts_empty(
    home: Settings, model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = _write_bad(home, b"not JSON")

    version = ModelRegistry(home, rebuild=_away).register_model(model, {"rmse": 1.0})
    assert [entry.version for entry in ModelRegistry(home).list_models()] == [version]
    (aside,) = file.parent.glob("registry.json.corrupt-*")
    assert aside.read_bytes() == b"not JSON"
    assert "MLflow is away." in caplog.text


def test_a_file_that_was_moved_away_is_rebuilt_by_the_next_registration(home: Settings, model: Path) -> None:
    version = ModelRegistry(home, rebuild=lambda: [REBUILT]).register_model(model, {"rmse": 1.0})
    assert [entry.version for entry in ModelRegistry(home).list_models()] == [REBUILT.version, version]


def test_a_rebuilt_entry_of_the_very_run_gets_its_model_file(home: Settings, model: Path) -> None:
    bare = replace(REBUILT, model_path="", run_id="run", mlflow_version="3")
    registry = ModelRegistry(home, rebuild=lambda: [bare])
    assert registry.register_model(model, {"rmse": 1.0}, run_id="run", mlflow_version="3") == REBUILT.version
    (entry,) = registry.list_models()
    assert registry.model_file(entry) == model
    assert entry.sha256 == file_sha256(model)


def test_a_cancelled_run_is_taken_back_with_its_file(home: Settings, model: Path) -> None:
    registry = ModelRegistry(home)
    other = model.with_name("other.joblib")
    other.write_bytes(b"other")
    kept = registry.register_model(other, run_id="kept")
    registry.register_model(model, run_id="cancelled", tags={"job.id": "job"})
    registry.withdraw("job", "cancelled")
    registry.withdraw("job", "cancelled")
    assert [entry.version for entry in registry.list_models()] == [kept]
    assert not model.exists()
    assert other.exists()


def test_fields_of_a_later_release_are_passed_over(home: Settings, model: Path) -> None:
    registry = ModelRegistry(home)
    version = registry.register_model(model, {"rmse": 1.0})
    document = json.loads(registry.path.read_text(encoding="utf-8"))
    document["models"][0]["colour"] = "blue"
    registry.path.write_text(json.dumps(document), encoding="utf-8")
    assert registry.get_model(version).metrics == {"rmse": 1.0}
    assert len(list(registry.path.parent.iterdir())) == 1


@pytest.mark.parametrize("blocked", ["logs", "logs/locks", "models/model_registry"])
def test_a_place_that_cannot_be_written_is_told_with_a_remedy(
    home: Settings, tmp_path_factory: pytest.TempPathFactory, blocked: str
) -> None:
    model = tmp_path_factory.mktemp("elsewhere") / "model.joblib"
    model.write_bytes(b"x")
    place = home.home / blocked
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(RecordsError) as raised:
        ModelRegistry(home).register_model(model)
    assert "permissions" in raised.value.remedy


def test_a_lock_that_is_a_folder_is_told_with_a_remedy(home: Settings, model: Path) -> None:
    (home.paths.locks / "registry.lock").mkdir(parents=True)
    with pytest.raises(RecordsError) as raised:
        ModelRegistry(home).register_model(model)
    assert raised.value.remedy


_keys = st.sampled_from(["models", "schema", "version", "created", "family", "model_path", "sha256", "metrics", "tags"])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=5),
    max_leaves=12,
)


@given(content=st.binary(max_size=200) | _json.map(lambda value: json.dumps(value).encode()))
@example(content=b'{"models": [{"version": "v", "created": "", "family": "", "model_path": "", "sha256": ""}]}')
@hypothesis_settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_content_of_registry_json_is_a_list_of_versions_or_one_clear_error(home: Settings, content: bytes) -> None:
    home.paths.registry.parent.mkdir(parents=True, exist_ok=True)
    home.paths.registry.write_bytes(content)
    registry = ModelRegistry(home)
    try:
        entries = registry.list_models()
    except CorruptRegistry as error:
        assert error.remedy  # noqa: PT017
    else:
        assert all(isinstance(entry, LocalVersion) and isinstance(entry.version, str) for entry in entries)
        assert all(isinstance(entry.metrics, dict) and entry.created_at.year for entry in entries)
    assert home.paths.registry.read_bytes() == content
    assert [file.name for file in home.paths.registry.parent.iterdir()] == ["registry.json"]


def test_a_corrupt_file_that_is_set_aside_while_stages_are_mirrored_leaves_a_whole_one(home: Settings) -> None:
    registry = ModelRegistry(home, rebuild=list)
    registry.path.parent.mkdir(parents=True, exist_ok=True)
    registry.path.write_text("{", encoding="utf-8")
    assert registry.mirror({}, {})
    assert registry.read_file() == []
    assert registry.path.exists()
