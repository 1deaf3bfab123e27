"""A model file that is not the one that was recorded is refused at every door, and no pickle in it is ever run."""

from __future__ import annotations

import functools
import hashlib
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import joblib
import pandas as pd
import pytest

from core.domain.errors import LabError, PromotionRefused, RecordsError, UntrustedModel
from core.domain.house import House
from core.domain.promotion import GateName
from core.domain.runs import Alias
from core.domain.settings import Settings
from core.serving.following import Condition, Follower
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import get_version, model_file_of
from core.tracking.store import Store, open_store
from core.workflows.lab import Lab
from core.workflows.promotion_records import PromotionRecords
from core.workflows.training import train_now
from tests.actors import TESTER
from tests.core.cli.terminal import run_here
from tests.core.workflows.conftest import MakeHome, lab_home, make_home, ridge, small_file  # noqa: F401 - fixtures
from tests.faults.conftest import mend
from tests.pages.conftest import OpenScreen, _quick_screens, open_screen  # noqa: F401 - fixtures
from tests.promotions import put_up


class Trap:
    """Whoever reads its pickle makes a file."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self._mark,))


@dataclass(frozen=True)
class Swapped:
    """A home with two versions; the files of version 2 can be changed behind the records' back."""

    settings: Settings
    store: Store
    lab: Lab
    local: str
    files: tuple[Path, ...]
    mark: Path

    def swap(self, content: bytes) -> None:
        """Put this in place of both files of version 2: MLflow's and the local registry's."""
        for file in self.files:
            file.write_bytes(content)


@pytest.fixture
def home(lab_home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Swapped:  # noqa: F811
    """Version 2 was champion, version 1 is."""
    connect = functools.cache(lambda: open_store(lab_home))
    train_now(lab_home, ridge(), connect)
    local = train_now(lab_home, ridge(alpha=10.0), connect).local_version
    records = PromotionRecords(lab_home, connect)
    for version in ("2", "1"):
        put_up(records, version)
    registry = ModelRegistry(lab_home)
    with model_file_of(connect(), get_version(connect(), "2")) as file:
        files = (file, registry.model_file(registry.get_model(local)))
    for name, value in lab_home.as_environment().items():
        monkeypatch.setenv(name, value)
    return Swapped(lab_home, connect(), Lab(lab_home), local, files, tmp_path / "was run")


def damages(home: Swapped) -> dict[str, bytes]:
    """What somebody, or a disk, may leave in a model's place."""
    whole = home.files[0].read_bytes()
    trap = pickle.dumps(Trap(home.mark))
    return {
        "a pickle that runs code": trap,
        "a truncated file": whole[: len(whole) // 2],
        "one byte changed": whole[:-1] + bytes([whole[-1] ^ 1]),
        "nothing": b"",
    }


def refusals(home: Swapped, open_screen: OpenScreen, houses: Path, capsys, monkeypatch) -> dict[str, str]:  # type: ignore[no-untyped-def]  # noqa: F811
    """Door → what it says of version 2."""
    told: dict[str, str] = {}
    for name, version in (("valuation", "2"), ("valuation of the local registry", home.local)):
        told[name] = refused(UntrustedModel, lambda version=version: home.lab.value(House.typical(), version))  # type: ignore[misc]
    verdict = home.lab.promotions.verdict("2", Alias.CHALLENGER)
    (gate,) = (one for one in verdict.gates if one.name is GateName.LOADS)
    assert not gate.passed
    told["promotion gate"] = gate.detail
    refused(
        PromotionRefused,
        lambda: home.lab.promotions.promote(verdict, actor=TESTER, reason="It must.", override=True),
    )
    told["rollback"] = refused(LabError, lambda: home.lab.promotions.rollback(actor=TESTER, reason="Back."))
    told["REST"] = what_rest_says(home)
    output = houses.with_name("priced.csv")
    for name, words in {
        "predict": ("predict", "--input", str(houses), "--output", str(output), "--version", "2"),
        "value": ("value", "--version", "2"),
    }.items():
        code, printed, _ = run_here(monkeypatch, capsys, *words, "--json")
        error = json.loads(printed)["error"]
        assert code == 1
        assert error["remedy"]
        assert not output.exists()
        told[name] = error["what"]
    screen = open_screen(home.settings, "what_if", version="2", median_income="4")
    assert not screen.exception
    told["What-if"] = " ".join(error.value.replace("\\", "") for error in screen.error)
    return told


def refused(kind: type[LabError], deed: Callable[[], object]) -> str:
    with pytest.raises(kind) as error:
        deed()
    assert error.value.remedy
    return error.value.what


def what_rest_says(home: Swapped) -> str:
    """A service that serves version 1 while any MLflow client gives the alias to version 2."""
    follower = Follower(home.settings, lambda: home.store)
    follower.look()
    home.store.client.set_registered_model_alias(home.store.model_name, "champion", "2")
    try:
        follower.look()
        standing = follower.standing
        assert standing.served is not None
        assert (standing.served.source.version, standing.condition) == ("1", Condition.DEGRADED)
        return standing.reason
    finally:
        home.store.client.set_registered_model_alias(home.store.model_name, "champion", "1")


@pytest.mark.timeout(900)
def test_a_swapped_file_is_refused_at_every_door_and_never_unpickled(
    home: Swapped,
    open_screen: OpenScreen,  # noqa: F811
    tmp_path: Path,
    real_rows: pd.DataFrame,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    houses = tmp_path / "houses.csv"
    real_rows.drop(columns="median_house_value").head(20).to_csv(houses, index=False)
    counted = 0
    for name, content in damages(home).items():
        home.swap(content)
        told = refusals(home, open_screen, houses, capsys, monkeypatch)
        digest = hashlib.sha256(content).hexdigest()[:12]
        for door, sentence in told.items():
            assert "not the one that was recorded" in sentence, (name, door, sentence)
            assert digest in sentence, (name, door, sentence)
        counted += len(told)
        assert not home.mark.exists(), name
    print(f"\n4 swapped files at {counted // 4} doors: {counted} refusals that name both digests, no pickle was run")
    home.swap(pickle.dumps(Trap(home.mark)))
    joblib.load(home.files[0])
    assert home.mark.exists(), "the trap works, so that not springing it means something"


def test_an_import_runs_no_pickle_with_trust_or_without(
    home: Swapped, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--trust`` brings the file in under the digest it has; only a promoted, priced version is ever read."""
    old = tmp_path / "old" / "models"
    model = old / "saved_models" / "model_ridge_20240107_101500.joblib"
    model.parent.mkdir(parents=True)
    model.write_bytes(pickle.dumps(Trap(home.mark)))
    registry = old / "model_registry" / "registry.json"
    registry.parent.mkdir()
    entry = {"version": "v_20240107_101500", "model_path": str(model), "metrics": {"rmse": 50_000}}
    registry.write_text(json.dumps({"models": [entry]}), encoding="utf-8")
    came = {}
    for words in ((), ("--trust",)):
        code, printed, error = run_here(monkeypatch, capsys, "import", "--registry", str(registry), *words, "--json")
        assert code == 0, error
        came[words] = json.loads(printed)
        assert not home.mark.exists()
    assert came[()]["versions"]["imported"] == 0
    assert len(came[()]["left_out"]) == 1
    assert came[("--trust",)]["versions"]["imported"] == 1


def test_a_lost_file_is_given_back_and_a_changed_one_is_told(home: Swapped) -> None:
    from core.workflows.doctor import examine

    _, saved = home.files
    whole = saved.read_bytes()
    saved.write_bytes(whole[:100])
    found = {one.name: one for one in examine(home.settings, lambda: home.store)}["model files"]
    assert not found.ok
    assert home.local in found.detail
    assert "backup" in found.remedy
    with pytest.raises(RecordsError, match="not the one that was recorded"):
        home.lab.value(House.typical(), home.local)
    saved.unlink()

    class Ward:
        settings = home.settings

    assert mend(Ward()) == [f"copied the lost model file of {home.local} out of version 2 of MLflow"]  # type: ignore[arg-type]
    assert saved.read_bytes() == whole
    assert home.lab.value(House.typical(), home.local).price > 0
