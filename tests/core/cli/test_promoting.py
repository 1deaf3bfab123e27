"""``promote``, ``rollback``, ``history``, ``doctor --restore`` in the terminal: the contract's JSON and exit codes."""

from __future__ import annotations

import csv
import functools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from core.domain.house import House
from core.domain.promotion import GateName
from core.domain.settings import Settings
from core.tracking.registry import alias_holders
from core.tracking.store import open_store
from core.workflows.promotion_records import PromotionRecords
from core.workflows.scenarios import Scenarios
from tests.actors import TESTER
from tests.core.cli.terminal import lab, run_here
from tests.promotions import put_up

Run = Any


@pytest.fixture
def run(versions_home: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """One command in this process, over the home of three versions: exit code, standard output and error."""
    for name, value in versions_home.as_environment().items():
        monkeypatch.setenv(name, value)
    return functools.partial(run_here, monkeypatch, capsys)


def document(out: str) -> dict[str, Any]:
    return dict(json.loads(out, parse_constant=pytest.fail))


def test_promotion_refusal_override_and_rollback_answer_as_the_contract_says(run: Run, versions_home: Settings) -> None:
    code, out, _ = run("promote", "1", "--json")
    assert code == 0
    answer = document(out)
    assert set(answer) == {"promoted", "version", "alias", "previous", "gates"}
    assert (answer["promoted"], answer["version"], answer["alias"], answer["previous"]) == (True, "1", "champion", None)
    assert [gate["name"] for gate in answer["gates"]] == [str(name) for name in GateName]
    assert all(set(gate) == {"name", "passed", "detail"} and gate["passed"] is True for gate in answer["gates"])

    code, out, _ = run("promote", "2", "--json")
    assert code == 1
    refused = document(out)
    assert (refused["promoted"], refused["version"], refused["previous"]) == (False, "2", "1")
    assert [gate["passed"] for gate in refused["gates"]] == [False, False, False, True, True, True, True]

    code, out, _ = run("promote", "2", "--override", "--json")
    assert code == 1
    assert "needs a reason" in document(out)["error"]["what"]

    code, out, _ = run("promote", "2", "--override", "--reason", "the board wants it", "--json")
    assert (code, document(out)["promoted"]) == (0, True)

    code, out, _ = run("rollback", "--reason", "the board was wrong", "--json")
    assert code == 0
    assert document(out) == {
        "rolled_back": True,
        "version": "1",
        "alias": "champion",
        "previous": "2",
        "reason": "the board was wrong",
    }
    assert alias_holders(open_store(versions_home)) == {"champion": "1"}

    code, out, _ = run("history", "--json")
    told = document(out)
    assert (code, told["total"]) == (0, 3)
    assert [(one["act"], one["from"], one["to"], one["override"]) for one in told["entries"]] == [
        ("rolled back", "2", "1", False),
        ("promoted", "1", "2", True),
        ("promoted", None, "1", False),
    ]

    code, out, _ = run("rollback", "--reason", "again", "--json")
    assert code == 1
    assert "no earlier champion" in document(out)["error"]["what"]


def test_people_read_gates_history_and_who_was_champion(run: Run, versions_home: Settings, tmp_path: Path) -> None:
    assert run("history")[1] == "No alias ever moved.\n"
    assert "Nobody had been champion" in run("history", "--on", "2026-03-03")[1]
    code, out, _ = run("promote", "3", "--alias", "challenger")
    assert code == 0
    assert "ok    thresholds: RMSE" in out
    assert "Version 3 is the challenger now." in out
    code, out, _ = run("promote", "2")
    assert code == 1
    assert "FAIL  thresholds" in out
    assert "Version 2 is not promoted: thresholds." in out
    put_up(PromotionRecords(versions_home, functools.cache(lambda: open_store(versions_home))), "3")
    _, out, _ = run("history", "--limit", "2")
    assert "challenger: version 3 → nobody  It became the champion." in out
    assert "champion: nobody → version 3" in out
    today = document(run("history", "--json")[1])["entries"][0]["when"][:10]
    _, out, _ = run("history", "--on", today, "--json")
    answer = document(out)
    assert (answer["on"], answer["alias"]) == (today, "champion")
    assert [(one["version"], one["until"]) for one in answer["holders"]] == [("3", None)]
    assert "champion: version 3, since" in run("history", "--on", today)[1]
    assert [
        one["version"]
        for one in document(run("history", "--on", today, "--alias", "challenger", "--json")[1])["holders"]
    ] == ["3", None]
    file = tmp_path / "ledger.csv"
    assert run("history", "--csv", str(file))[0] == 0
    with file.open(encoding="utf-8", newline="") as text:
        assert [row["alias"] for row in csv.DictReader(text)] == ["challenger", "champion", "challenger"]
    assert run("history", "--csv", str(file / "below a file"))[0] == 1


def test_what_is_not_there_is_told_with_a_remedy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = run("promote", "99", "--json")
    assert code == 1
    assert set(document(out)["error"]) == {"what", "where", "remedy"}
    monkeypatch.setenv("HOUSING_LAB_TRAINING__ENABLE_MLFLOW", "false")
    code, _, err = run("promote", "1")
    assert code == 1
    assert "MLflow is switched off" in err
    assert run("rollback")[0] == 2
    assert run("promote", "1", "--alias", "king")[0] == 2


def test_the_doctor_restores_in_a_process_of_its_own(versions_home: Settings) -> None:
    store = open_store(versions_home)
    put_up(PromotionRecords(versions_home, lambda: store), "3")
    store.client.delete_model_version(store.model_name, "3")
    done = lab(versions_home, "doctor", "--restore", "--json")
    answer = document(done.stdout)
    assert done.returncode == 0, done.stdout
    assert answer["restored"][-1] == "gave the alias champion to version 4 again"
    assert answer["not_restored"] == []
    assert alias_holders(store) == {"champion": "4"}


def test_saved_scenarios_are_named_with_both_prices(run: Run, versions_home: Settings) -> None:
    scenarios = Scenarios(versions_home)
    scenarios.save("client in Oakland", "", House.typical(), actor=TESTER)
    scenarios.close()
    run("promote", "1")
    code, out, _ = run("promote", "2")
    assert code == 1
    assert re.search(r"^ +scenario “client in Oakland”: \$[\d,]+ → \$[\d,]+ \(", out, re.MULTILINE)
    assert "1 saved scenario among them" in out
