"""Models without a browser: versions, the verdict before the click, promotion, rollback, the ledger, the service."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.house import House
from core.domain.metrics import METRICS, RATIO_NAMES, figure_text
from core.domain.money import MISSING
from core.domain.promotion import GateName
from core.domain.settings import Settings
from core.tracking.registry import alias_holders, get_version
from core.tracking.runs import get_run
from core.tracking.store import Store, open_store
from core.workflows.promotion_records import PromotionRecords
from core.workflows.scenarios import Scenarios
from tests.actors import TESTER
from tests.pages.conftest import OpenScreen
from tests.pages.markdown import plain
from tests.promotions import put_up

HOSTILE = "<b>bold</b> $5 [x](y)"


@pytest.fixture
def store(versions_home: Settings) -> Store:
    return open_store(versions_home)


def press(screen: AppTest, label: str) -> AppTest:
    return next(button for button in screen.button if button.label == label).click().run()


def moved_to(settings: Settings, store: Store, version: str) -> None:
    put_up(PromotionRecords(settings, functools.cache(lambda: store)), version)


def words(screen: AppTest) -> str:
    assert not screen.exception
    bodies = [*screen.markdown, *screen.caption, *screen.success, *screen.error, *screen.info, *screen.warning]
    return "\n".join(plain(body.value) for body in bodies)


def gates(screen: AppTest) -> dict[str, str]:
    return dict(re.findall(r"\*\*(.+?)\*\*: (passed|failed)\.", words(screen)))


def test_an_empty_store_says_what_to_do_next(settings: Settings, open_screen: OpenScreen) -> None:
    models = open_screen(settings, "models")
    assert "No model has been trained yet." in words(models)


def test_every_version_is_listed_with_its_scores_and_stage(versions_home: Settings, open_screen: OpenScreen) -> None:
    models = open_screen(versions_home, "models")
    assert "No version is promoted yet" in words(models)
    table = models.dataframe[0].value
    assert list(table["Version"]) == ["3", "2", "1"]
    assert set(table["Stage"]) == {"development"}
    assert set(table["Why"]) == {MISSING}
    assert all(figure.startswith("$") for figure in table["RMSE"])


def test_a_version_is_promoted_by_one_click_after_its_verdict(
    versions_home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    models = open_screen(versions_home, "models", version="1")
    assert "It passes every gate, with no champion to judge it against." in words(models)
    assert gates(models) == {str(name).capitalize(): "passed" for name in GateName}
    assert alias_holders(store) == {}, "a verdict moves nothing"
    promoted = press(models, "Promote")
    assert "champion: nobody → version 1" in words(promoted)
    assert alias_holders(store) == {"champion": "1"}
    assert "Champion: version 1" in [heading.value for heading in promoted.subheader]


def test_a_worse_version_is_refused_with_figures_and_needs_a_reason(
    versions_home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    moved_to(versions_home, store, "1")
    models = open_screen(versions_home, "models", version="2")
    assert "It does not pass, against version 1" in words(models)
    assert gates(models)["Not worse than the champion"] == "failed"
    assert re.search(r"RMSE \+\$[\d,]+ against version 1 on the same 4,128 held-out rows", words(models))
    assert "Promote" not in [button.label for button in models.button]

    refused = press(models, "Promote against the gates")
    assert alias_holders(store) == {"champion": "1"}
    assert refused.error, "without a reason"
    next(field for field in refused.text_input if field.label == "Reason").input(HOSTILE)
    models = press(refused, "Promote against the gates")
    assert alias_holders(store) == {"champion": "2"}
    assert HOSTILE in words(models)
    assert "against its gates" in words(models)


def test_the_preview_names_every_saved_scenario_with_both_prices(
    versions_home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    moved_to(versions_home, store, "1")
    scenarios = Scenarios(versions_home)
    scenarios.save(f"client {HOSTILE}", "", House.typical(), actor=TESTER)
    scenarios.close()
    models = open_screen(versions_home, "models", version="2")
    assert "**Saved scenarios**" in words(models)
    tables = [table.value for table in models.dataframe if "House" in table.value]
    saved = next(table for table in tables if list(table["House"]) == [f"scenario “client {HOSTILE}”"])
    assert re.fullmatch(r"\$[\d,]+", saved["Champion"][0])
    assert re.fullmatch(r"\$[\d,]+", saved["This version"][0])


def test_rolling_back_needs_a_reason_and_returns_to_the_champion_before(
    versions_home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    for version in ("1", "3"):
        moved_to(versions_home, store, version)
    models = open_screen(versions_home, "models")
    refused = press(models, "Roll back to version 1")
    assert refused.error
    assert alias_holders(store) == {"champion": "3"}
    next(field for field in refused.text_input if field.label == "Reason").input("prices jumped")
    models = press(refused, "Roll back to version 1")
    assert alias_holders(store) == {"champion": "1"}
    assert "prices jumped" in words(models)


def test_the_ledger_shows_every_move_who_served_and_that_the_chain_is_whole(
    versions_home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    moved_to(versions_home, store, "1")
    store.client.set_registered_model_alias(store.model_name, "champion", "2")
    models = open_screen(versions_home, "models", part="Ledger")
    said = words(models)
    assert "Version 2, since" in said
    assert "The chain is whole" in said
    entries = models.dataframe[0].value
    assert list(entries["What"]) == ["changed outside", "promoted"]
    assert list(entries["To"]) == ["2", "1"]


def test_who_was_champion_on_a_day_is_asked_by_a_link(
    versions_home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    moved_to(versions_home, store, "1")
    today = datetime.now(UTC).date()
    before = open_screen(versions_home, "models", part="Ledger", day=f"{today - timedelta(days=1):%Y-%m-%d}")
    assert "Nobody was." in words(before)
    assert "Version 1, since" in words(before.date_input(key="day").set_value(today).run())
    assert "Nobody was." in words(before.date_input(key="day").set_value(today - timedelta(days=2)).run())


def test_an_address_that_names_no_version_shows_the_table(versions_home: Settings, open_screen: OpenScreen) -> None:
    models = open_screen(versions_home, "models", version="99", alias="king", metric="x")
    assert "Choose a version to see what the gates say of it." in words(models)


def test_no_service_runs_until_one_is_started(versions_home: Settings, open_screen: OpenScreen) -> None:
    models = open_screen(versions_home, "models", part="Service")
    assert "No service runs." in words(models)
    assert "Start the service" in [button.label for button in models.button]


def test_a_version_tells_whether_cheap_and_dear_areas_are_valued_alike(
    versions_home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    run = get_run(store, get_version(store, "1").run_id)
    models = open_screen(versions_home, "models", version="1")
    shown = {metric.label: metric for metric in models.metric}
    for name in RATIO_NAMES:
        assert shown[METRICS[name].label].value == figure_text(name, run.metrics[name])
        assert "Assessors want" in shown[METRICS[name].label].help
    assert "valued beside dear ones" in words(models)
    assert "rows recorded as" in words(models)
    assert "Spatial RMSE" not in shown, "nobody measured it"
    store.client.log_metric(run.run_id, "spatial_rmse", 60_192.0)
    scored = open_screen(versions_home, "models", version="1")
    assert {metric.label: metric.value for metric in scored.metric}["Spatial RMSE"] == "$60,192"
    assert "on the held-out rows, drawn at random," in words(scored)
