"""The whole path in a browser, the same on a home of one's own and on a team's servers: nothing but settings differs.

The team's place is PostgreSQL for jobs, ledger and scenarios, and an MLflow server that asks who one is, over
PostgreSQL and an object store. The tests run in their order: one trains what the next compares. The embedded place
is always tested elsewhere, in more depth (:mod:`tests.browser.test_main_path`); here it shows that these are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.domain.configuration import load_settings
from core.domain.house import House
from core.domain.runs import Alias
from core.domain.settings import Settings
from core.tracking.registry import alias_holders, list_versions
from core.tracking.runs import get_run
from core.tracking.store import open_store
from core.workflows.lab import Lab
from tests.browser.intents import (
    button,
    choose_option,
    click_button,
    fill_text,
    read_metric,
    rerun,
    set_slider,
    wait_until_idle,
)
from tests.browser.server import RunningApp, running_app
from tests.browser.tables import pick_row, read_column
from tests.browser.visits import Visits
from tests.conftest import rows_in
from tests.postgres import MissingPostgresError, cluster
from tests.team_servers import object_store, team_of

pytestmark = [pytest.mark.browser, pytest.mark.long]

TRAINING_SECONDS = 180
PRICE = "Estimated median value (1990 $)"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the records lie: a home, and the variables every process over it is given."""

    home: Path
    environment: Mapping[str, str]

    @property
    def settings(self) -> Settings:
        return load_settings(home=self.home, environment=self.environment)


@contextmanager
def servers_of(place: str) -> Iterator[Mapping[str, str]]:
    """The variables that name the place's servers, which run until the block ends; none for a home of one's own."""
    if place == "embedded":
        yield {}
        return
    with cluster() as postgres, object_store() as objects, team_of(postgres, objects, "path", accounts=True) as team:
        yield team.environment


@pytest.fixture(scope="module", params=["embedded", "team"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Iterator[Place]:
    why, running = "", servers_of(request.param)
    try:
        servers = running.__enter__()
    except MissingPostgresError as missing:
        why = str(missing)
    if why:
        pytest.fail(why, pytrace=False)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in servers.items():
            if name.startswith("MLFLOW_"):
                patch.setenv(name, value)
        yield Place(tmp_path_factory.mktemp(request.param) / "home", {**rows_in(data_file), **servers})
    running.__exit__(None, None, None)


@pytest.fixture(scope="module")
def app(place: Place) -> Iterator[RunningApp]:
    with running_app(place.home, place.environment) as server:
        yield server


def test_a_forest_and_a_ridge_are_trained_and_watched(app: RunningApp, place: Place, visits: Visits) -> None:
    page = visits.open(f"{app.url}/train")
    choose_option(page, "Model family", "Random forest")
    set_slider(page, "Trees", 40)
    set_slider(page, "Depth", 12)
    fill_text(page, "Run name", "the forest")
    button(page, "Train").click()
    other = visits.open(f"{app.url}/train")
    for visitor in (page, other):
        expect(visitor.get_by_text("Registered as version 1 of the price model.")).to_be_visible(
            timeout=TRAINING_SECONDS * 1000
        )
    wait_until_idle(page)
    store = open_store(place.settings)
    (version,) = list_versions(store)
    scores = get_run(store, version.run_id).scores
    assert scores is not None
    assert read_metric(page, "RMSE") == f"${scores.rmse:,.0f}"

    page = visits.open(f"{app.url}/train")
    choose_option(page, "Model family", "Ridge regression")
    fill_text(page, "Run name", "the ridge")
    button(page, "Train").click()
    expect(page.get_by_text("Registered as version 2 of the price model.")).to_be_visible(
        timeout=TRAINING_SECONDS * 1000
    )


def test_the_two_are_found_and_compared(app: RunningApp, place: Place, visits: Visits) -> None:
    runs = visits.open(f"{app.url}/runs")
    assert read_column(runs, "Run")[:2] == ["the ridge", "the forest"]
    ridge, forest = (version.run_id for version in list_versions(open_store(place.settings)))
    page = visits.open(f"{app.url}/compare?runs={forest},{ridge}")
    assert dict(zip(read_column(page, "Run"), read_column(page, "Verdict"), strict=True)) == {
        "the forest": "baseline",
        "the ridge": "worse",
    }


def test_the_better_one_is_promoted_and_the_worse_refused(app: RunningApp, place: Place, visits: Visits) -> None:
    page = visits.open(f"{app.url}/models")
    assert read_column(page, "Version") == ["2", "1"]
    pick_row(page, 1)
    click_button(page, "Promote")
    expect(page.get_by_role("heading", name="Champion: version 1")).to_be_visible()
    refused = visits.open(f"{app.url}/models?version=2")
    expect(refused.get_by_text("It does not pass, against version 1")).to_be_visible()
    assert alias_holders(open_store(place.settings)) == {Alias.CHAMPION: "1"}
    ledger = visits.open(f"{app.url}/models?part=Ledger")
    expect(ledger.get_by_text("The chain is whole")).to_be_visible()
    assert read_column(ledger, "To") == ["1"]


def test_a_house_is_priced_by_the_champion_and_kept(app: RunningApp, place: Place, visits: Visits) -> None:
    page = visits.open(f"{app.url}/what_if")
    click_button(page, "Value this house")
    expect(page.get_by_text(re.compile("version 1, the champion"))).to_be_visible()
    set_slider(page, "Median income (× $10,000 a year)", 6.0)
    expected = Lab(place.settings).value(House.from_mapping({"median_income": 6.0}))
    assert read_metric(page, PRICE) == expected.text
    assert read_metric(visits.open(page.url), PRICE) == expected.text

    saving = visits.open(f"{app.url}/what_if?median_income=6&part=Scenarios")
    saving.get_by_test_id("stPopover").get_by_role("button", name=re.compile(r"\bSave$")).first.click()
    form = saving.get_by_test_id("stPopoverBody")
    form.get_by_label("Name").fill("the house of six")
    with rerun(saving):
        form.get_by_role("button", name="Save scenario").click()
    assert [saved.name for saved in Lab(place.settings).scenarios.all()] == ["the house of six"]
