"""Training the same settings again: whether it gave the same model, in one sentence."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from core.domain.provenance import CODE_TAG, DATA_SHA256_TAG, SPLIT_TAG
from core.domain.runs import Run
from core.domain.settings import Settings
from core.tracking.runs import PREDICTIONS_FILE, get_run, local_path, read_predictions
from core.tracking.store import Store, open_store
from core.workflows.lab import Lab
from core.workflows.repeats import compare_with_twin
from core.workflows.training import train_now
from tests.core.workflows.conftest import home_at, ridge


@dataclass(frozen=True)
class Twice:
    """One ridge trained twice."""

    settings: Settings
    store: Store
    first: Run
    second: Run
    predicted: np.ndarray


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory, small_file: Path, empty_store_file: Path) -> Twice:
    settings = home_at(tmp_path_factory.mktemp("twice") / "home", small_file, empty_store_file)
    connect = functools.cache(lambda: open_store(settings))
    first, second = (train_now(settings, ridge(name), connect) for name in ("the first", "the second"))
    runs = [get_run(connect(), str(outcome.run_id)) for outcome in (first, second)]
    return Twice(settings, connect(), *runs, predicted=read_predictions(connect(), runs[1].run_id)[2])


@pytest.fixture
def twins_predictions(twice: Twice) -> Iterator[Path]:
    """The file the first run logged; back in its place when the test ends."""
    file = local_path(f"{twice.store.client.get_run(twice.first.run_id).info.artifact_uri}/{PREDICTIONS_FILE}")
    assert file is not None
    content = file.read_bytes()
    yield file
    file.write_bytes(content)


def test_the_first_training_of_some_settings_repeats_nothing(twice: Twice) -> None:
    assert compare_with_twin(twice.store, twice.first, twice.predicted) == ""


def test_the_very_same_predictions_are_told_with_their_number(twice: Twice) -> None:
    said = compare_with_twin(twice.store, twice.second, twice.predicted)
    assert said.startswith("the first of ")
    assert f"both predict the very same price for all {len(twice.predicted)} held-out rows." in said


def test_the_screen_is_told_the_same(twice: Twice) -> None:
    outcome = train_now(twice.settings, ridge("the third"), lambda: twice.store)
    result = Lab(twice.settings).result(outcome)
    assert "both predict the very same price" in result.repeated
    assert result.repeated.startswith("the second of "), "the newest of the earlier ones"


def test_predictions_that_differ_are_told_by_how_much(twice: Twice) -> None:
    moved = twice.predicted.copy()
    moved[3] += 1_234.4
    said = compare_with_twin(twice.store, twice.second, moved)
    assert said.endswith("its predictions differ by up to $1,234.")
    assert "same settings, rows and split" in said
    older = replace(twice.second, tags={**twice.second.tags, CODE_TAG: "another"})
    assert compare_with_twin(twice.store, older, moved).endswith("up to $1,234. The code has changed since.")


def test_another_number_of_rows_is_told(twice: Twice) -> None:
    rows = len(twice.predicted)
    said = compare_with_twin(twice.store, twice.second, twice.predicted[:-1])
    assert said.endswith(f"and scored {rows} rows, not {rows - 1}.")


def test_predictions_that_are_gone_cannot_be_compared(twice: Twice, twins_predictions: Path) -> None:
    twins_predictions.unlink()
    said = compare_with_twin(twice.store, twice.second, twice.predicted)
    assert said.endswith("its predictions are gone, so the two cannot be compared.")


@pytest.mark.parametrize(
    "change",
    [
        {"params": {"alpha": "2.0"}},
        {"params": {"seed": "7"}},
        {"tags": {DATA_SHA256_TAG: "0" * 64}},
        {"tags": {SPLIT_TAG: "spatial"}},
    ],
    ids=["another value", "another seed", "other data", "another split"],
)
def test_other_settings_data_or_split_make_no_twin(twice: Twice, change: dict[str, dict[str, str]]) -> None:
    run = replace(
        twice.second,
        params={**twice.second.params, **change.get("params", {})},
        tags={**twice.second.tags, **change.get("tags", {})},
    )
    assert compare_with_twin(twice.store, run, twice.predicted) == ""


@pytest.mark.parametrize("status", ["FAILED", "KILLED", "RUNNING"])
def test_a_run_that_did_not_finish_is_no_twin(twice: Twice, status: str) -> None:
    client = twice.store.client
    client.update_run(twice.first.run_id, status=status)
    try:
        assert compare_with_twin(twice.store, twice.second, twice.predicted) == ""
    finally:
        client.update_run(twice.first.run_id, status="FINISHED")
