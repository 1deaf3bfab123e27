"""A state folder that nobody can write: every door says so with a remedy, and what only reads goes on."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pandas as pd
import pytest

from core.domain.configuration import load_settings
from core.domain.house import House
from core.domain.settings import Settings
from core.tracking.store import open_store
from core.workflows.promotion_records import PromotionRecords
from core.workflows.training import train_now
from tests.conftest import rows_in
from tests.core.cli.terminal import run_here
from tests.core.serving.service import Service, running_service, split_of
from tests.core.workflows.conftest import ridge, small_file, with_empty_store  # noqa: F401 - fixtures
from tests.faults.disks import read_only
from tests.pages.conftest import OpenScreen, _quick_screens, open_screen  # noqa: F401 - fixtures
from tests.promotions import put_up

SCREENS = ("", "train", "tune", "runs", "compare", "models", "what_if", "score")
REQUESTS = 20
GOES_ON = "goes on"
READS_ONLY = {"value", "predict", "REST"}
"""Prices need nothing to be written."""


@pytest.fixture
def home(tmp_path: Path, small_file: Path, empty_store_file: Path) -> Settings:  # noqa: F811
    """Version 1 is the champion, version 2 the newest."""
    settings = with_empty_store(
        load_settings(home=tmp_path / "home", environment=rows_in(small_file)), empty_store_file
    )
    connect = functools.cache(lambda: open_store(settings))
    for alpha in (1.0, 10.0):
        train_now(settings, ridge(alpha=alpha), connect)
    records = PromotionRecords(settings, connect)
    put_up(records, "1")
    records.ledger.close()
    return settings


@pytest.mark.timeout(900)
def test_a_read_only_home_is_told_at_every_door_and_rest_goes_on(
    home: Settings,
    open_screen: OpenScreen,  # noqa: F811
    tmp_path: Path,
    real_rows: pd.DataFrame,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    houses = tmp_path / "houses.csv"
    real_rows.drop(columns="median_house_value").head(20).to_csv(houses, index=False)
    for name, value in home.as_environment().items():
        monkeypatch.setenv(name, value)
    told: dict[str, str] = {}
    with running_service(home, tmp_path / "serve.log") as service, read_only(home.home):
        before = priced(service)
        commands = {
            "train": ("train", "--family", "ridge", "--json"),
            "sweep": ("sweep", "--family", "ridge", "--trials", "2", "--json"),
            "promote": ("promote", "2", "--json"),
            "rollback": ("rollback", "--reason", "x", "--json"),
            "runs": ("runs", "--json"),
            "jobs": ("jobs", "--json"),
            "history": ("history", "--json"),
            "doctor": ("doctor", "--json"),
            "value": ("value", "--json"),
            "predict": ("predict", "--input", str(houses), "--output", str(tmp_path / "p.csv"), "--json"),
        }
        for name, words in commands.items():
            code, printed, _ = run_here(monkeypatch, capsys, *words)
            document = json.loads(printed)
            if name == "doctor":
                (state,) = (one for one in document["findings"] if one["name"] == "state folder")
                assert state["remedy"]
                told[name] = state["detail"]
            elif "error" in document:
                assert code == 1
                assert document["error"]["remedy"], name
                told[name] = document["error"]["what"]
            else:
                told[name] = f"{GOES_ON} (exit {code})"
        for screen in SCREENS:
            drawn = open_screen(home, screen)
            assert not drawn.exception, (screen, drawn.exception)
            said = [error.value.replace("\\", "") for error in (*drawn.error, *drawn.warning)]
            told[f"/{screen}"] = said[0] if said else GOES_ON
        for _ in range(REQUESTS):
            assert priced(service) == before
        told["REST"] = f"{GOES_ON}: {REQUESTS} answers by version {service.ask('GET', '/version').json['version']}"
    silent = [door for door, sentence in told.items() if sentence.startswith(GOES_ON)]
    assert set(silent) <= READS_ONLY, silent
    assert "cannot be written" in told["doctor"]
    print(f"\n{len(told)} doors of a read-only home, {len(told) - len(silent)} refuse with a remedy, no stack trace:")
    for door, sentence in told.items():
        print(f"  {door}: {sentence}")


def priced(service: Service) -> object:
    answer = service.invoke(split_of([House.typical()]))
    assert answer.status == 200, answer.body
    return answer.json
