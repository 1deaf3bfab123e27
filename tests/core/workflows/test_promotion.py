"""Promotion and rollback on real models: what the gates refuse, who wins, and what the three records say afterwards."""

from __future__ import annotations

import csv
import functools
import io
import json
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from core.domain.errors import ChampionChanged, NotFound, PromotionRefused, StoreUnavailable
from core.domain.house import House
from core.domain.promotion import Act, Gate, GateName, Stage
from core.domain.provenance import DATA_SHA256_TAG, SPLIT_TAG
from core.domain.runs import Alias
from core.domain.settings import Settings
from core.tracking.audit_lines import Move
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import alias_holders, get_version, set_alias
from core.tracking.store import Store, open_store
from core.workflows.comparability import Predictions
from core.workflows.promoting import Promoting
from core.workflows.promotion_gathering import Gathering, _Records
from core.workflows.promotion_records import PromotionRecords
from core.workflows.training_state import Connect
from tests.actors import TESTER, named
from tests.promotions import put_up

MANY = 1_000


@pytest.fixture
def connect(versions_home: Settings) -> Connect:
    return functools.cache(lambda: open_store(versions_home))


@pytest.fixture
def store(connect: Connect) -> Store:
    return connect()


@pytest.fixture
def desk(versions_home: Settings, connect: Connect) -> Promoting:
    return Promoting(versions_home, connect)


@pytest.fixture
def records(versions_home: Settings, connect: Connect) -> PromotionRecords:
    return PromotionRecords(versions_home, connect)


def stages(settings: Settings) -> dict[str | None, str]:
    return {entry.mlflow_version: entry.stage for entry in ModelRegistry(settings).read_file()}


def entry_history(settings: Settings, version: str) -> list[str]:
    (entry,) = [one for one in ModelRegistry(settings).read_file() if one.mlflow_version == version]
    return [f"{change.act} {change.stage}" for change in entry.history]


def model_file(settings: Settings, store: Store, version: str) -> Path:
    """A copy of the version's MLflow model that this test may break, put in place of the shared one."""
    source = Path(store.client.get_model_version(store.model_name, version).source.removeprefix("file://"))
    own = settings.home / f"mlflow-model-{version}"
    shutil.copytree(source, own)
    with closing(sqlite3.connect(settings.paths.mlflow_db)) as database, database:
        database.execute(
            "UPDATE model_versions SET source = ?, storage_location = ? WHERE version = ?",
            (own.as_uri(), own.as_uri(), version),
        )
    return next((own / "data").glob("*.joblib"))


def test_the_first_champion_passes_alone_and_all_three_records_say_so(
    versions_home: Settings, desk: Promoting, store: Store
) -> None:
    verdict = desk.verdict("1")
    assert verdict.passed
    moved = desk.promote(verdict, actor=named("Ada"))
    assert moved.notes == ()
    assert (moved.entry.who, moved.entry.act, moved.entry.version_from, moved.entry.version_to) == (
        "Ada",
        "promoted",
        None,
        "1",
    )
    assert moved.entry.gates == verdict.gates
    assert alias_holders(store) == {"champion": "1"}
    assert stages(versions_home) == {"1": "production", "2": "development", "3": "development"}
    assert desk.check() == ()


def test_spatial_scores_are_those_of_the_runs_and_hold_where_the_policy_has_a_limit(
    versions_home: Settings, desk: Promoting, records: PromotionRecords, store: Store
) -> None:
    put_up(records, "1")

    def spatial(found: Promoting) -> Gate:
        return next(gate for gate in found.verdict("3").gates if gate.name == GateName.SPATIAL)

    assert "was not measured" in spatial(desk).detail
    for version, rmse in (("1", 60_000.0), ("3", 72_000.0)):
        run_id = store.client.get_model_version(store.model_name, version).run_id
        store.client.log_metric(run_id, "spatial_rmse", rmse)
        store.client.log_metric(run_id, "spatial_folds", 5)
    assert spatial(desk).passed
    assert "RMSE $72,000 on whole blocks of the map, $60,000 of version 1 (+20.0 %)" in spatial(desk).detail
    rules = versions_home.promotion.model_copy(update={"spatial_limit": 10.0})
    strict = Promoting(versions_home.model_copy(update={"promotion": rules}), lambda: store)
    assert not spatial(strict).passed
    strict.close()


def test_a_bad_one_is_refused_with_figures_and_an_override_is_marked_for_ever(
    desk: Promoting, records: PromotionRecords, store: Store
) -> None:
    put_up(records, "1")
    verdict = desk.verdict("2")
    assert [gate.name for gate in verdict.failed] == [GateName.THRESHOLDS, GateName.CHAMPION, GateName.NO_HARM]
    with pytest.raises(PromotionRefused, match="does not become champion: thresholds"):
        desk.promote(verdict, actor=TESTER)
    with pytest.raises(PromotionRefused, match="needs a reason"):
        desk.promote(verdict, actor=TESTER, override=True, reason=" \t")
    assert alias_holders(store)["champion"] == "1"
    moved = desk.promote(verdict, actor=TESTER, override=True, reason="the board wants it")
    assert (moved.entry.override, moved.entry.reason) == (True, "the board wants it")
    assert [gate.name for gate in moved.entry.gates if not gate.passed] == [gate.name for gate in verdict.failed]
    assert [line.moved and line.moved.override for line in desk.versions().lines if line.version == "2"] == [True]


def test_an_override_that_nothing_needed_is_no_override(desk: Promoting) -> None:
    moved = desk.promote(desk.verdict("1"), actor=TESTER, override=True, reason="to be sure")
    assert not moved.entry.override


def test_of_two_who_judged_the_same_champion_the_second_is_told_to_look_again(
    desk: Promoting, records: PromotionRecords, store: Store
) -> None:
    put_up(records, "1")
    one, other = desk.verdict("3"), desk.verdict("2")
    desk.promote(one, actor=named("first"))
    with pytest.raises(ChampionChanged) as told:
        desk.promote(other, actor=named("second"), override=True, reason="mine")
    assert "new verdict" in told.value.remedy
    assert alias_holders(store)["champion"] == "3"
    assert desk.history().total == 2


def test_a_verdict_does_not_survive_a_rollback_to_the_champion_it_was_made_against(
    desk: Promoting, records: PromotionRecords
) -> None:
    put_up(records, "1")
    stale = desk.verdict("3")
    put_up(records, "3")
    desk.rollback(actor=TESTER, reason="it was bad")
    with pytest.raises(ChampionChanged):
        desk.promote(stale, actor=TESTER)


def test_a_challengers_verdict_is_stale_when_the_champion_it_was_judged_against_is_gone(
    desk: Promoting, records: PromotionRecords
) -> None:
    put_up(records, "1")
    stale = desk.verdict("2", Alias.CHALLENGER)
    put_up(records, "3")
    with pytest.raises(ChampionChanged):
        desk.promote(stale, actor=TESTER, reason="for the test", override=True)


def test_a_challenger_that_becomes_champion_is_the_challenger_no_longer(
    versions_home: Settings, desk: Promoting, records: PromotionRecords, store: Store
) -> None:
    put_up(records, "1")
    put_up(records, "3", Alias.CHALLENGER)
    assert stages(versions_home) == {"1": "production", "2": "development", "3": "staging"}
    desk.promote(desk.verdict("challenger"), actor=TESTER)
    assert alias_holders(store) == {"champion": "3"}
    assert stages(versions_home) == {"1": "archived", "2": "development", "3": "production"}
    assert entry_history(versions_home, "3") == ["promoted staging", "promoted production", "promoted production"]
    with pytest.raises(PromotionRefused, match="is the champion already"):
        desk.verdict("3", Alias.CHALLENGER)
    with pytest.raises(PromotionRefused, match="is the champion already"):
        desk.verdict("3")


def test_another_data_file_has_the_champion_scored_anew(
    desk: Promoting, records: PromotionRecords, store: Store
) -> None:
    put_up(records, "3")
    before = desk.verdict("1")
    store.client.set_tag(get_version(store, "3").run_id, DATA_SHA256_TAG, "cd" * 32)
    after = desk.verdict("1")
    lineage = next(gate for gate in after.gates if gate.name == GateName.LINEAGE)
    assert lineage.passed
    assert (
        "Version 3 was trained on other data, so it was scored anew on the candidate's held-out rows" in lineage.detail
    )
    # The very same rows in truth, so the figures are the same.
    figures = [next(gate.detail for gate in one.gates if gate.name == GateName.CHAMPION) for one in (before, after)]
    assert figures[1].endswith(figures[0])


def test_a_champion_without_records_is_scored_anew_as_well(
    desk: Promoting, records: PromotionRecords, store: Store
) -> None:
    put_up(records, "3")
    store.client.set_tag(get_version(store, "3").run_id, SPLIT_TAG, "another")
    store.client.delete_run(get_version(store, "1").run_id)
    verdict = desk.verdict("1")
    failed = {gate.name: gate.detail for gate in verdict.failed}
    assert "was deleted" in failed[GateName.LINEAGE]
    assert "scored on other held-out rows" in failed[GateName.LINEAGE]


def test_without_the_data_file_the_regions_are_not_passed_unseen(versions_home: Settings, connect: Connect) -> None:
    put_up(PromotionRecords(versions_home, connect), "1")
    data = versions_home.data.model_copy(update={"path": versions_home.home / "gone.csv"})
    verdict = Promoting(versions_home.model_copy(update={"data": data}), connect).verdict("3")
    assert [gate.name for gate in verdict.failed] == [GateName.NO_HARM]
    assert "data file it was trained on is not here" in verdict.failed[0].detail
    assert verdict.preview is not None
    assert "made-up block group" in verdict.preview.most[0].house


def test_a_changed_model_file_is_never_promoted(versions_home: Settings, desk: Promoting, store: Store) -> None:
    file = model_file(versions_home, store, "3")
    content = bytearray(file.read_bytes())
    content[200] ^= 1
    file.write_bytes(content)
    verdict = desk.verdict("3")
    assert [gate.name for gate in verdict.failed] == [GateName.LOADS]
    assert "not the one that was recorded" in verdict.failed[0].detail
    with pytest.raises(PromotionRefused, match="No reason overrides that"):
        desk.promote(verdict, actor=TESTER, override=True, reason="I insist")


def test_a_version_of_another_program_fails_and_nothing_of_it_is_run(desk: Promoting, store: Store) -> None:
    source = store.client.get_model_version(store.model_name, "1").source
    number = store.client.create_model_version(store.model_name, source=source).version
    verdict = desk.verdict(str(number))
    assert [gate.name for gate in verdict.failed] == [GateName.THRESHOLDS, GateName.LINEAGE, GateName.LOADS]
    assert "records hold none" in verdict.failed[-1].detail


def test_a_model_without_signature_or_with_another_one_is_told(
    versions_home: Settings, desk: Promoting, store: Store
) -> None:
    description = model_file(versions_home, store, "3").parents[1] / "MLmodel"
    text = description.read_text(encoding="utf-8")
    description.write_text(text.replace("latitude", "lat").replace('"ocean_proximity"', '"sea"'), encoding="utf-8")
    load = next(gate for gate in desk.verdict("3").gates if gate.name == GateName.LOADS)
    assert not load.passed
    assert "lacks latitude, ocean_proximity and wants lat, sea" in load.detail
    description.write_text(text[: text.index("signature:")], encoding="utf-8")
    failed = {gate.name: gate.detail for gate in desk.verdict("3").failed}
    assert "no signature" in failed[GateName.LOADS]
    assert "lacks a signature" in failed[GateName.LINEAGE]


def test_a_slow_model_is_told_with_the_time_it_took(versions_home: Settings, connect: Connect) -> None:
    rules = versions_home.promotion.model_copy(update={"load_seconds": 0.0001})
    verdict = Promoting(versions_home.model_copy(update={"promotion": rules}), connect).verdict("1")
    assert [gate.name for gate in verdict.failed] == [GateName.LOADS]
    assert "0.0001 s are allowed" in verdict.failed[0].detail


def test_the_preview_prices_saved_scenarios_and_the_same_block_groups_each_time(
    desk: Promoting, records: PromotionRecords
) -> None:
    put_up(records, "1")
    houses = {"our house": House.typical(), "without bedrooms": House.from_mapping({"total_bedrooms": None})}
    preview = desk.verdict("2", scenarios=houses).preview
    assert preview is not None
    assert (preview.houses, preview.scenarios) == (502, 2)
    assert preview.most == tuple(sorted(preview.most, key=lambda move: -abs(move.percent)))
    alone = desk.verdict("2").preview
    assert alone is not None
    assert alone == desk.verdict("2").preview
    assert preview.moved - alone.moved in {0, 1, 2}
    assert 0 < alone.moved < 500


def test_rolling_back_twice_walks_back_and_a_new_promotion_begins_anew(
    versions_home: Settings, desk: Promoting, records: PromotionRecords, store: Store
) -> None:
    for version in "123":
        put_up(records, version)
    assert desk.versions().rollback_to == "2"
    assert desk.rollback(actor=TESTER, reason="one back").entry.version_to == "2"
    assert desk.rollback(actor=TESTER, reason="two back").entry.version_to == "1"
    with pytest.raises(PromotionRefused, match="no earlier champion"):
        desk.rollback(actor=TESTER, reason="three back")
    put_up(records, "3")
    moved = desk.rollback(actor=TESTER, reason="and again")
    assert moved.entry.version_to == "1"
    assert [gate.name for gate in moved.entry.gates] == [GateName.LOADS]
    assert alias_holders(store) == {"champion": "1"}
    assert stages(versions_home) == {"1": "production", "2": "archived", "3": "archived"}
    assert desk.check() == ()


def test_a_rollback_needs_a_reason_and_a_version_that_loads(
    versions_home: Settings, desk: Promoting, records: PromotionRecords, store: Store
) -> None:
    put_up(records, "1")
    put_up(records, "3")
    with pytest.raises(PromotionRefused, match="A rollback needs a reason"):
        desk.rollback(actor=TESTER, reason="")
    with pytest.raises(PromotionRefused, match="1,001 characters"):
        desk.rollback(actor=TESTER, reason="x" * 1001)
    model_file(versions_home, store, "1").write_bytes(b"another file")
    with pytest.raises(PromotionRefused, match="not fit to serve"):
        desk.rollback(actor=TESTER, reason="the new one is bad")
    assert alias_holders(store) == {"champion": "3"}


def test_a_rollback_passes_by_what_is_gone_from_mlflow(
    desk: Promoting, records: PromotionRecords, store: Store
) -> None:
    for version in "123":
        put_up(records, version)
    store.client.delete_model_version(store.model_name, "2")
    assert desk.rollback_plan().target == "1"
    assert desk.versions().rollback_to == "1"
    assert desk.rollback(actor=TESTER, reason="2 is gone").entry.version_to == "1"


def test_a_rollback_that_was_agreed_to_holds_for_that_champion_alone(
    desk: Promoting, records: PromotionRecords
) -> None:
    put_up(records, "1")
    put_up(records, "3")
    plan = desk.rollback_plan()
    put_up(records, "2")
    with pytest.raises(ChampionChanged):
        desk.rollback(actor=TESTER, reason="as agreed", plan=plan)


def test_an_alias_moved_by_hand_is_noticed_and_makes_a_verdict_stale(
    versions_home: Settings, desk: Promoting, records: PromotionRecords, store: Store
) -> None:
    put_up(records, "1")
    stale = desk.verdict("3")
    set_alias(store, "champion", "2")
    with pytest.raises(ChampionChanged):
        desk.promote(stale, actor=TESTER)
    (entry, _) = desk.history().entries
    assert (entry.act, entry.version_from, entry.version_to, entry.who) == ("changed outside", "1", "2", "unknown")
    assert stages(versions_home) == {"1": "archived", "2": "production", "3": "development"}
    set_alias(store, "challenger", "3")
    set_alias(store, "champion", None)
    lines = {line.version: line for line in desk.versions().lines}
    assert {version: line.stage for version, line in lines.items()} == {
        "1": Stage.ARCHIVED,
        "2": Stage.ARCHIVED,
        "3": Stage.STAGING,
    }
    assert lines["3"].moved is not None
    assert lines["3"].moved.act == Act.CHANGED_OUTSIDE
    assert desk.history().total == 4
    assert desk.history().total == 4
    assert desk.rollback(actor=TESTER, reason="somebody took it away").entry.version_to == "2"


@pytest.mark.parametrize("done", ["nothing", "alias", "moved on by hand"])
def test_what_was_cut_off_is_carried_out_on_the_next_look(
    versions_home: Settings, desk: Promoting, records: PromotionRecords, store: Store, done: str
) -> None:
    """The entry alone, as a crash would leave it; then its alias; then somebody else's hand."""
    put_up(records, "1")
    move = Move("tester", Act.PROMOTED, "champion", "1", "3")
    (entry,) = records.ledger.append([move], seen={"champion": 1})
    if done != "nothing":
        set_alias(store, "champion", "3" if done == "alias" else "2")
    held = "2" if done == "moved on by hand" else "3"
    fresh = PromotionRecords(versions_home, lambda: store)
    (mended,) = fresh.reconcile()
    assert (mended.act, mended.version_to, mended.who) == ("reconciled", held, "the lab")
    assert f"Entry {entry.number} (promoted) was cut off" in mended.reason
    assert alias_holders(store) == {"champion": held}
    assert stages(versions_home)[held] == "production"
    assert stages(versions_home)["1"] == "archived"
    assert (fresh.reconcile(), fresh.apart(), fresh.ledger.pending(), fresh.ledger.verify()) == ((), (), [], ())


def test_a_promotion_that_was_cut_off_and_whose_version_is_gone_is_given_up(
    records: PromotionRecords, desk: Promoting, store: Store
) -> None:
    put_up(records, "1")
    records.ledger.append([Move("tester", Act.PROMOTED, "champion", "1", "3")], seen={"champion": 1})
    store.client.delete_model_version(store.model_name, "3")
    (mended,) = records.reconcile()
    assert "version 3 is gone" in mended.reason
    assert mended.version_to == "1"
    assert alias_holders(store) == {"champion": "1"}


def test_without_mlflow_nothing_is_promoted_and_the_history_can_be_read(
    versions_home: Settings, desk: Promoting, records: PromotionRecords
) -> None:
    put_up(records, "1")
    tracking = versions_home.tracking.model_copy(update={"uri": "http://127.0.0.1:9"})
    away_settings = versions_home.model_copy(update={"tracking": tracking})

    def away() -> Store:
        raise StoreUnavailable("MLflow's store does not answer.", remedy="Check tracking.uri.")

    alone = Promoting(away_settings, away)
    with pytest.raises(StoreUnavailable):
        alone.verdict("3")
    with pytest.raises(StoreUnavailable):
        alone.rollback(actor=TESTER, reason="x")
    assert [entry.version_to for entry in alone.history().entries] == ["1"]
    tenure = alone.who_was(Alias.CHAMPION, datetime.now(UTC))
    assert tenure is not None
    assert tenure.version == "1"
    assert alone.who_was(Alias.CHAMPION, tenure.since - timedelta(seconds=1)) is None
    assert [one.version for one in alone.holders_on(Alias.CHAMPION, tenure.since.date())] == ["1"]


def test_a_registry_of_before_there_was_a_history_is_read_and_completed(
    versions_home: Settings, desk: Promoting, records: PromotionRecords
) -> None:
    put_up(records, "1")
    content = json.loads(versions_home.paths.registry.read_text())
    for model in content["models"]:
        del model["history"], model["stage"]
    versions_home.paths.registry.write_text(json.dumps(content))
    assert stages(versions_home) == dict.fromkeys("123", "development")
    assert records.apart() != ()
    assert records.mend()
    assert stages(versions_home)["1"] == "production"
    assert entry_history(versions_home, "1") == ["promoted production"]
    assert not records.mend()


def test_the_ledger_exports_as_csv_that_runs_nothing_in_a_spreadsheet(desk: Promoting) -> None:
    desk.promote(desk.verdict("1"), actor=named("=cmd()"), reason='+1, "quoted"')
    header, row = csv.reader(io.StringIO("".join(desk.export())))
    line = dict(zip(header, row, strict=True))
    assert (line["who"], line["reason"], line["from"], line["to"]) == ("'=cmd()", '\'+1, "quoted"', "", "1")
    assert line["override"] == "no"
    assert "thresholds: passed" in line["gates"]
    assert line["hash"] == desk.history().entries[0].hash


def test_an_unknown_version_is_told(desk: Promoting) -> None:
    for version in ("99", "champion", "nonsense"):
        with pytest.raises(NotFound):
            desk.verdict(version)


def test_the_pair_of_models_has_known_figures(versions_home: Settings, store: Store) -> None:
    """One is off by $100 everywhere, the other by $110: no draw of the rows changes the difference."""
    actual = np.repeat([60_000.0, 120_000.0, 350_000.0, 450_000.0], 100)
    held = Predictions(np.arange(400), actual, actual + 110.0)
    version = get_version(store, "1")
    found = Gathering(versions_home, store)._pair(_Records(version, None, held, ""), held, actual - 100.0)
    assert (found.rows, found.champion_rmse) == (400, 100.0)
    assert found.delta == pytest.approx(10.0)
    assert found.highest_delta == pytest.approx(10.0)
    assert "not those of the data file" in found.regions_missing
    assert [(one.rows, round(one.worse_percent, 6)) for one in found.segments] == [(100, 10.0)] * 4


class Counted:
    """MLflow's client, its requests counted."""

    def __init__(self, client: object) -> None:
        self._client, self.asked = client, list[str]()

    def __getattr__(self, name: str) -> object:
        self.asked.append(name)
        return getattr(self._client, name)


def test_a_thousand_versions_are_a_handful_of_requests(
    versions_home: Settings, records: PromotionRecords, store: Store
) -> None:
    with closing(sqlite3.connect(versions_home.paths.mlflow_db)) as database, database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(model_versions)")]
        others = ", ".join(column for column in columns if column != "version")
        for number in range(4, MANY + 1):
            database.execute(
                f"INSERT INTO model_versions (version, {others}) "  # noqa: S608
                f"SELECT ?, {others} FROM model_versions WHERE version = ?",
                (number, number % 3 + 1),
            )
    client = Counted(store.client)
    desk = Promoting(versions_home, lambda: replace(store, client=client))  # type: ignore[arg-type]
    put_up(records, "3")
    client.asked.clear()
    began = time.monotonic()
    shown = desk.versions()
    print(f"{len(shown.lines):,} versions in {time.monotonic() - began:.2f} s, {client.asked}")
    assert [line.version for line in shown.lines[:2]] == ["1000", "999"]
    assert len(shown.lines) == MANY
    assert all(line.scores is not None and line.run_id for line in shown.lines)
    assert (shown.champion, shown.challenger, shown.rollback_to) == ("3", None, None)
    assert len(client.asked) <= 5
