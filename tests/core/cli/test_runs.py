"""``python -m core runs``: the store's runs as they are now."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from core.domain.configuration import load_settings
from core.domain.errors import StoreUnavailable
from core.domain.settings import Settings
from core.tracking.mlflow_ui import serve_ui
from core.tracking.store import open_store
from tests.core.cli.terminal import run_here
from tests.core.varied_runs import write_run

Runs = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with twelve runs of every kind. Read only."""
    settings = load_settings(home=tmp_path_factory.mktemp("listed"), environment={})
    store = open_store(settings)
    for number in range(12):
        write_run(store, number)
    return settings


@pytest.fixture
def runs(listed: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runs:
    """The command in this process: exit code, standard output, standard error."""
    for name, value in listed.as_environment().items():
        monkeypatch.setenv(name, value)
    return lambda *words: run_here(monkeypatch, capsys, "runs", *words)


def as_json(runs: Runs, *words: str) -> list[dict[str, Any]]:
    code, out, _ = runs(*words, "--json")
    assert code == 0
    return list(json.loads(out)["runs"])


def test_the_json_has_every_run_and_null_for_what_is_no_number(runs: Runs) -> None:
    found = {run["name"]: run for run in as_json(runs, "--all-kinds")}
    assert len(found) == 10  # two of the twelve are deleted
    assert found["forest"]["metrics"] == {"rmse": 50_000.0}
    assert found["forest"]["params"] == {"family": "random_forest", "max_depth": "2", "all alike": "yes"}
    assert found["forest"]["started"] == "2025-06-15T15:06:40+00:00"
    assert (found["forest"]["status"], found["forest"]["seconds"]) == ("FINISHED", 0.0)
    assert found['the "best"']["metrics"]["rmse"] is None
    assert found["<b>bold</b>"]["metrics"]["rmse"] is None
    assert "rmse" not in found["grün"]["metrics"]
    assert (found['the "best"']["ended"], found['the "best"']["seconds"]) == (None, None)
    assert "sweep.id" in found['the "best"']["tags"]


def test_trainings_alone_are_listed_newest_first_unless_asked_otherwise(runs: Runs) -> None:
    listed = as_json(runs)
    began = [run["started"] for run in listed]
    assert began == sorted(began, reverse=True)
    assert 'the "best"' not in [run["name"] for run in listed]
    assert [run["name"] for run in as_json(runs, "--deleted")] == ["back\\slash", "=1+1"]
    assert all(run["deleted"] for run in as_json(runs, "--deleted"))
    assert len(as_json(runs, "--limit", "3")) == 3


def test_runs_are_filtered_and_sorted_as_mlflow_words_it(runs: Runs) -> None:
    found = as_json(runs, "--filter", "metrics.rmse < 50000", "--order-by", "metrics.rmse")
    assert [run["metrics"]["rmse"] for run in found] == [-1.5, 0.0, 48_500.5]
    down = as_json(runs, "--order-by", "metrics.rmse DESC")
    assert down[-1]["name"] == "grün"  # missing comes last either way


def test_people_get_a_table_with_dashes_for_what_is_missing(runs: Runs) -> None:
    code, out, _ = runs("--all-kinds")
    assert code == 0
    lines = {line[:14].strip(): line for line in out.splitlines()}
    assert "RMSE" in lines["Run"]
    assert "$50,000" in lines["forest"]
    assert "—" in lines["grün"]
    assert "nan" not in out.lower()
    assert runs("--filter", "params.family = 'nobody'")[1] == "No run is like that.\n"


@pytest.mark.parametrize(
    ("words", "what", "remedy"),
    [
        (("--filter", "rmse <"), "refuses the filter", "metrics.rmse < 50000"),
        (("--filter", "x" * 5_001), "longer than 5,000 characters", "Shorten"),
        (("--order-by", "rmse"), "names no column", "metrics.rmse"),
        (("--order-by", "attributes.duration"), "cannot sort runs by attributes.duration", "a metric"),
    ],
)
def test_a_bad_filter_or_order_is_refused_with_a_remedy(
    runs: Runs, words: tuple[str, ...], what: str, remedy: str
) -> None:
    code, out, err = runs(*words)
    assert (code, out) == (1, "")
    assert what in err
    code, out, _ = runs(*words, "--json")
    assert code == 1
    assert remedy in json.loads(out)["error"]["remedy"]


def test_mlflow_s_own_ui_is_not_started_for_a_store_that_has_one(listed: Settings) -> None:
    remote = dataclasses.replace(open_store(listed), uri="http://mlflow.example.org")
    with pytest.raises(StoreUnavailable, match=r"Open http://mlflow\.example\.org"):
        serve_ui(remote, artifacts="file:///nowhere", host="127.0.0.1", port=5002)
