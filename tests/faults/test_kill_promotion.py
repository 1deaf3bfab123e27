"""kill -9 in the middle of promotions and rollbacks, and eight processes at once: the three records always agree."""

from __future__ import annotations

import functools
import itertools
import json
import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from core.domain.errors import ChampionChanged, LedgerUnavailable, PromotionRefused
from core.domain.promotion import LedgerEntry
from core.domain.runs import Alias
from core.domain.settings import Settings
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import alias_holders
from core.tracking.store import open_store
from core.workflows.promotion import promote, roll_back
from core.workflows.promotion_records import PromotionRecords
from tests.actors import TESTER, named
from tests.faults.conftest import kill, until
from tests.forked import start
from tests.promotions import passed, put_up

SEED = 20_261_123
FEW_MOMENTS, MOMENTS = 4, 25
FEW_RACERS, RACERS = 3, 8
FEW_PROMOTIONS, PROMOTIONS = 12, 200
VERSIONS = ("1", "2", "3")


@pytest.mark.timeout(300)
def test_a_promotion_killed_at_4_moments_leaves_records_that_agree_after_the_restart(versions_home: Settings) -> None:
    kill_at(FEW_MOMENTS, versions_home)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_promotion_killed_at_25_moments_leaves_records_that_agree_after_the_restart(versions_home: Settings) -> None:
    kill_at(MOMENTS, versions_home)


def kill_at(moments: int, versions_home: Settings) -> None:
    luck = random.Random(SEED)  # noqa: S311 - moments, no secrets
    hits: Counter[str] = Counter()
    mended: Counter[str] = Counter()
    for moment in range(moments):
        records = records_of(versions_home)
        before = records.ledger.count()
        process = start(promote_for_ever, versions_home, SEED + moment)
        try:
            until(lambda: records.ledger.count() > before, "nothing was ever promoted", pause=0.002)  # noqa: B023
            if moment % 2:
                time.sleep(luck.uniform(0, 0.25))
            else:
                until(lambda: bool(records.ledger.pending()), "nothing is ever under way", pause=0.0005)  # noqa: B023
                time.sleep(luck.uniform(0, 0.015))
        finally:
            kill(process)
        hits[where_it_stands(versions_home, records)] += 1
        records.ledger.close()
        mended.update(restart(versions_home, by_promoting=moment % 4 == 0))
        assert_agreement(versions_home)
    entries = records_of(versions_home).ledger.entries()
    print(f"{hits.total()} kills: {dict(hits)}; {dict(mended)} on restart; {Counter(one.act for one in entries)}")
    assert hits.total() == moments
    assert hits["between ledger and alias"] + hits["between alias and registry.json"] >= moments // 8


@pytest.mark.timeout(300)
def test_12_racing_promotions_from_3_processes_make_one_champion_and_lose_no_entry(versions_home: Settings) -> None:
    race(FEW_RACERS, FEW_PROMOTIONS, versions_home)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_200_racing_promotions_from_8_processes_make_one_champion_and_lose_no_entry(versions_home: Settings) -> None:
    race(RACERS, PROMOTIONS, versions_home)


def race(processes: int, promotions: int, versions_home: Settings) -> None:
    put_up(records_of(versions_home), "1")
    results = [versions_home.home / f"racer{number}.json" for number in range(processes)]
    began = time.monotonic()
    racers = [
        start(promote_often, versions_home, promotions // processes, SEED + number, file)
        for number, file in enumerate(results)
    ]
    for racer in racers:
        racer.join(240)
        assert racer.exitcode == 0
    told = [json.loads(file.read_text()) for file in results]
    won = [entry for one in told for entry in one["won"]]
    overtaken, kept_out = (sum(one[name] for one in told) for name in ("overtaken", "kept_out"))
    print(
        f"{len(won)} promotions, {overtaken} told to look again, {kept_out} that another is under way, "
        f"{time.monotonic() - began:.1f} s"
    )
    entries = records_of(versions_home).ledger.entries()
    assert sorted(number for number, _ in won) == list(range(2, promotions + 2))
    assert {entry.number: entry.hash for entry in entries[1:]} == dict(won)
    assert all(entry.version_from == before.version_to for before, entry in itertools.pairwise(entries))
    assert overtaken > 0
    assert_agreement(versions_home)


def records_of(settings: Settings) -> PromotionRecords:
    return PromotionRecords(settings, functools.cache(lambda: open_store(settings)))


def promote_for_ever(settings: Settings, seed: int) -> None:
    """Promote, give away the challenger's alias, and roll back, until killed."""
    luck, records = random.Random(seed), records_of(settings)  # noqa: S311
    while os.getppid() > 1:
        try:
            if luck.random() < 0.3:
                roll_back(records, actor=TESTER, reason="for the test")
            else:
                put_up(records, luck.choice(candidates(records)), luck.choice(list(Alias)))
        except (ChampionChanged, PromotionRefused):
            continue


def promote_often(settings: Settings, times: int, seed: int, result: Path) -> None:
    """Win so many promotions; whoever is overtaken, or waited too long for the others, tries again."""
    luck, records = random.Random(seed), records_of(settings)  # noqa: S311
    won: list[LedgerEntry] = []
    overtaken = kept_out = 0
    while len(won) < times:
        try:
            verdict = passed(records, luck.choice(candidates(records)))
            won.append(promote(records, verdict, actor=named(f"process {os.getpid()}")).entry)
        except ChampionChanged:
            overtaken += 1
        except LedgerUnavailable as error:
            if "Another promotion or rollback is under way" not in error.what:
                raise
            kept_out += 1
    report = {"won": [(entry.number, entry.hash) for entry in won], "overtaken": overtaken, "kept_out": kept_out}
    result.write_text(json.dumps(report))


def candidates(records: PromotionRecords) -> list[str]:
    """Versions that hold no alias."""
    held = {entry.version_to for entry in records.ledger.newest().values()}
    return [version for version in VERSIONS if version not in held]


def where_it_stands(settings: Settings, records: PromotionRecords) -> str:
    """What the killed process left, read off the three records."""
    pending = records.ledger.pending()
    if not pending:
        return "between two acts"
    holders = alias_holders(records.connect())
    if any(holders.get(entry.alias) != entry.version_to for entry in pending):
        return "between ledger and alias"
    mirrored = {change.hash for one in ModelRegistry(settings).read_file() for change in one.history}
    is_mirrored = all(entry.hash in mirrored for entry in pending)
    return "before it was settled" if is_mirrored else "between alias and registry.json"


def restart(settings: Settings, *, by_promoting: bool) -> list[str]:
    """What the next process does: it looks, or it is asked for another promotion at once."""
    records = records_of(settings)
    before = records.ledger.count()
    if by_promoting:
        store = records.connect()
        with records.ledger.lock():
            records.agree(store)
        put_up(records, candidates(records)[0])
    else:
        records.reconcile()
    acts = [entry.act for entry in records.ledger.entries()[before:]]
    records.ledger.close()
    return acts


def assert_agreement(settings: Settings) -> None:
    records = records_of(settings)
    holders, newest = alias_holders(records.connect()), records.ledger.newest()
    entries = ModelRegistry(settings).read_file()
    for alias, stage in ((Alias.CHAMPION, "production"), (Alias.CHALLENGER, "staging")):
        told = newest[alias].version_to if alias in newest else None
        assert holders.get(alias) == told
        assert [one.mlflow_version for one in entries if one.stage == stage] == [told] * bool(told)
    assert records.apart() == ()
    assert records.forgotten() == ()
    assert records.ledger.pending() == []
    assert records.ledger.verify() == ()
    records.ledger.close()
