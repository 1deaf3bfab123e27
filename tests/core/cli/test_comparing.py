"""``compare`` in the terminal: the contract's JSON, the workflow's figures, and words for people."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.workflows.comparing import Comparing
from tests.conftest import ComparedHome
from tests.core.cli.terminal import lab, run_here

FIGURES = {"delta", "low", "high", "verdict"}


@pytest.fixture
def here(compared_home: ComparedHome, monkeypatch: pytest.MonkeyPatch) -> ComparedHome:
    """The compared home as this process's own."""
    for name, value in compared_home.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    return compared_home


@pytest.fixture
def failed(compared_home: ComparedHome) -> str:
    run_id = compared_home.store.client.create_run(compared_home.store.experiment_id, run_name="a\x1b[31m").info.run_id
    compared_home.store.client.log_metric(run_id, "rmse", float("nan"))
    compared_home.store.client.set_terminated(run_id, "FAILED")
    return str(run_id)


def document(out: str) -> dict[str, Any]:
    return dict(json.loads(out, parse_constant=pytest.fail))


def test_the_json_has_the_contracts_names_and_the_workflows_figures(
    here: ComparedHome, failed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [*here.ids("steady 1", "steady 2", "ridge"), failed]
    code, out, _ = run_here(monkeypatch, capsys, "compare", *ids, "--json")
    assert code == 0
    answer = document(out)
    assert set(answer) == {"baseline", "runs", "groups"}
    assert answer["baseline"] == ids[0]
    assert [run["run_id"] for run in answer["runs"]] == ids
    assert all(set(run) == {"run_id", "metrics", "difference"} for run in answer["runs"])
    compared = Comparing(here.settings, lambda: here.store).compare(ids)
    for found, one in zip(answer["runs"], compared.runs, strict=True):
        if one.is_compared:
            assert set(found["difference"]) == {"rmse", "mae", "mape", "r2_score"}
            assert all(set(figures) == FIGURES for figures in found["difference"].values())
            for name, judged in one.differences.items():
                assert found["difference"][name] == {
                    "delta": judged.delta,
                    "low": judged.low,
                    "high": judged.high,
                    "verdict": judged.verdict,
                }
    assert answer["runs"][0]["difference"] == {}
    assert answer["runs"][0]["metrics"] == compared.baseline.run.metrics
    assert answer["runs"][3]["metrics"] == {"rmse": None}
    assert answer["runs"][3]["difference"] == {
        "rmse": {
            "delta": None,
            "low": None,
            "high": None,
            "verdict": "not comparable",
            "reason": compared.runs[3].not_compared,
        }
    }
    assert [group["seeds"] for group in answer["groups"]] == [[1, 2], [1]]


def test_people_get_dollars_an_interval_and_a_word(
    here: ComparedHome, failed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [*here.ids("steady 1", "steady 2", "ridge", "shallow 1", "shallow 2"), failed]
    code, out, _ = run_here(monkeypatch, capsys, "compare", *ids)
    assert code == 0
    lines = out.splitlines()
    assert "4,128 held-out rows" in lines[0]
    assert lines[1].endswith("the baseline")
    assert lines[2].endswith(": no real difference")
    assert "luck of the seed" in lines[3]
    assert ": worse" in lines[4]
    assert "+$" in lines[4]
    assert "not comparable: a" in out
    assert "2 seeds, mean RMSE $" in out
    assert "\x1b" not in out


def test_the_beginning_of_an_id_is_enough(
    here: ComparedHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = here.ids("ridge", "steady 1")
    code, out, _ = run_here(monkeypatch, capsys, "compare", *(run_id[:10] for run_id in ids), "--json")
    assert code == 0
    assert [run["run_id"] for run in document(out)["runs"]] == ids


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["0" * 32, "1" * 32], "2 of the 2 runs are not there"),
        (["../x"], "1 run cannot be compared"),
        ([f"{number:032x}" for number in range(21)], "21 runs cannot be compared"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_a_remedy(
    words: list[str],
    what: str,
    here: ComparedHome,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = run_here(monkeypatch, capsys, "compare", *words, "--json")
    error = document(out)["error"]
    assert (code, what in error["what"], bool(error["remedy"])) == (1, True, True)


def test_compare_without_runs_is_wrong_usage(
    here: ComparedHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here(monkeypatch, capsys, "compare")[0] == 2


def test_the_command_stands_on_its_own(here: ComparedHome) -> None:
    done = lab(here.settings, "compare", *here.ids("steady 1", "ridge"), "--json")
    assert done.returncode == 0, done.stderr
    assert document(done.stdout)["runs"][1]["difference"]["rmse"]["verdict"] == "worse"
