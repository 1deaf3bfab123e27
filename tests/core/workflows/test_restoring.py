"""Either registry is brought back from the other, the champion with it; the doctor sees a ledger that was changed."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import pytest

from core.domain.runs import Alias
from core.domain.settings import Settings
from core.models.packaged import file_sha256
from core.tracking.audit_lines import Move
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import alias_holders, all_versions, get_version, load_version, set_alias
from core.tracking.runs import get_run
from core.tracking.store import open_store
from core.workflows.doctor import examine
from core.workflows.findings import Finding
from core.workflows.mending import treat
from core.workflows.promotion_records import PromotionRecords
from core.workflows.restoring import restore
from tests.actors import TESTER
from tests.core.tracking.ledgers import tamper
from tests.core.workflows.conftest import with_empty_store
from tests.promotions import put_up


def records_of(settings: Settings) -> PromotionRecords:
    return PromotionRecords(settings, functools.cache(lambda: open_store(settings)))


def look(settings: Settings) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(settings, functools.cache(lambda: open_store(settings)))}


def wrong(settings: Settings) -> list[str]:
    return [name for name, finding in look(settings).items() if not finding.ok]


def restored(settings: Settings) -> list[str]:
    done = list(restore(settings, functools.cache(lambda: open_store(settings)), actor=TESTER))
    assert all(one.done for one in done), done
    return [one.sentence for one in done]


@pytest.fixture
def promoted(versions_home: Settings) -> Settings:
    """1 was the champion, 3 is, and 2 is the challenger."""
    records = records_of(versions_home)
    for version, alias in (("1", Alias.CHAMPION), ("3", Alias.CHAMPION), ("2", Alias.CHALLENGER)):
        put_up(records, version, alias)
    return versions_home


def without(settings: Settings, empty_store_file: Path, *, ledger: bool = True) -> Settings:
    """The home moved to a machine where MLflow's store is empty; with or without the job database."""
    home = settings.home.with_name("saved")
    left_out = shutil.ignore_patterns("mlruns", *([] if ledger else ["lab.db*"]))
    shutil.copytree(settings.home, home, ignore=left_out)
    return with_empty_store(settings.model_copy(update={"home": home}), empty_store_file)


def scene(settings: Settings) -> list[tuple[str | None, str, str]]:
    return [(one.mlflow_version, one.sha256, one.stage) for one in ModelRegistry(settings).read_file()]


@pytest.mark.parametrize("noticed", [False, True], ids=["at once", "after the loss was noticed"])
def test_a_lost_mlflow_is_brought_back_from_the_local_registry_alone(
    promoted: Settings, empty_store_file: Path, noticed: bool
) -> None:
    before = scene(promoted)
    digests = {version.version: version.sha256 for version in all_versions(open_store(promoted))}
    promoted = without(promoted, empty_store_file)
    if noticed:
        assert [entry.version_to for entry in records_of(promoted).reconcile()] == [None, None]
    told = restored(promoted)
    assert "restored" in told[0]
    store = open_store(promoted)
    assert {version.version: version.sha256 for version in all_versions(store)} == digests
    assert alias_holders(store)["champion"] == "3"
    run = get_run(store, get_version(store, "3").run_id)
    assert run.scores is not None
    assert run.family == "random_forest"
    assert hasattr(load_version(store, get_version(store, "3")), "predict")
    records = records_of(promoted)
    assert (records.reconcile(), records.apart(), records.ledger.verify()) == ((), (), ())
    if noticed:
        assert records.ledger.newest()["champion"].reason.startswith("Restored from registry.json")
    else:
        assert scene(promoted) == before
        assert alias_holders(store)["challenger"] == "2"
    assert wrong(promoted) == []
    assert restored(promoted) == []


def test_numbers_of_versions_that_were_deleted_stay_free(promoted: Settings, empty_store_file: Path) -> None:
    store = open_store(promoted)
    (second,) = [one for one in ModelRegistry(promoted).read_file() if one.mlflow_version == "2"]
    set_alias(store, "challenger", None)
    store.client.delete_model_version(store.model_name, "2")
    ModelRegistry(promoted).withdraw(second.tags["job.id"], second.run_id)
    promoted = without(promoted, empty_store_file)
    restored(promoted)
    assert sorted(version.version for version in all_versions(open_store(promoted))) == ["1", "3"]


def test_without_the_ledger_the_local_registry_still_knows_the_champion(
    promoted: Settings, empty_store_file: Path
) -> None:
    promoted = without(promoted, empty_store_file, ledger=False)
    records_of(promoted).reconcile()
    restored(promoted)
    assert alias_holders(open_store(promoted)) == {"champion": "3", "challenger": "2"}
    assert [stage for _, _, stage in scene(promoted)] == ["archived", "staging", "production"]
    # The new ledger cannot know what the old one held, and that is told.
    assert wrong(promoted) == ["audit ledger"]


def test_a_lost_local_registry_is_brought_back_with_its_files(promoted: Settings) -> None:
    before = scene(promoted)
    shutil.rmtree(promoted.paths.registry.parent)
    shutil.rmtree(promoted.paths.saved_models)
    told = restored(promoted)
    assert sum("copied the model file" in sentence for sentence in told) == 3
    registry = ModelRegistry(promoted)
    for entry in registry.read_file():
        assert file_sha256(registry.model_file(entry)) == entry.sha256
    assert records_of(promoted).mend()
    assert scene(promoted) == before
    assert wrong(promoted) == []


def test_a_changed_model_file_is_not_brought_back(promoted: Settings, empty_store_file: Path) -> None:
    registry = ModelRegistry(promoted)
    (first, *_) = registry.read_file()
    registry.model_file(first).write_bytes(b"another model")
    promoted = without(promoted, empty_store_file)
    store = open_store(promoted)
    done = list(restore(promoted, lambda: store, actor=TESTER))
    assert [one.sentence for one in done if not one.done] == [
        f"could not restore {first.version}: its model file is not the one that was recorded."
    ]
    assert alias_holders(store)["champion"] == "3"


def test_the_doctor_finds_an_edited_ledger_and_leaves_it(promoted: Settings) -> None:
    assert look(promoted)["audit ledger"].detail == "The chain of 3 entries is whole."
    assert look(promoted)["aliases"].detail.endswith("challenger is version 2, champion is version 3.")
    tamper(promoted, "UPDATE lab_ledger SET who = 'nobody' WHERE number = 2")
    finding = look(promoted)["audit ledger"]
    assert not finding.ok
    assert finding.detail.startswith("Entry 2 was edited")
    assert finding.mends == ()
    assert finding.remedy


def test_a_ledger_rewritten_from_end_to_end_is_given_away_by_the_local_registry(promoted: Settings) -> None:
    """Every hash is right again, and the head's: only registry.json still remembers the old ones."""
    records = records_of(promoted)
    moves = records.ledger.entries()
    tamper(promoted, "DELETE FROM lab_ledger", "DELETE FROM lab_ledger_head", "DELETE FROM lab_ledger_settled")
    for entry in moves:
        move = Move("somebody else", entry.act, entry.alias, entry.version_from, entry.version_to)
        (written,) = records.ledger.append([move], seen={})
        records.ledger.settle([written.number])
    assert records.ledger.verify() == ()
    assert "entry 1 is not the one that registry.json remembers" in look(promoted)["audit ledger"].detail.lower()


def test_the_doctor_mends_what_was_moved_by_hand_and_stages_that_were_changed(promoted: Settings) -> None:
    set_alias(open_store(promoted), "champion", "1")
    text = promoted.paths.registry.read_text(encoding="utf-8")
    promoted.paths.registry.write_text(
        text.replace('"stage": "staging"', '"stage": "development"', 1), encoding="utf-8"
    )
    findings = look(promoted)
    assert [name for name, finding in findings.items() if not finding.ok] == ["aliases"]
    assert "champion is version 1 in MLflow and version 3 in the ledger" in findings["aliases"].detail
    connect = functools.cache(lambda: open_store(promoted))
    (done,) = treat(promoted, connect, findings.values(), actor=TESTER)
    assert done.done
    assert wrong(promoted) == []
    assert [stage for _, _, stage in scene(promoted)] == ["production", "staging", "archived"]
