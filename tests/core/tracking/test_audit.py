"""The ledger: entries follow one another, whoever was overtaken is told, and no change of a line stays hidden."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.configuration import load_settings
from core.domain.errors import ChampionChanged, LedgerUnavailable
from core.domain.promotion import Act, Gate
from core.domain.runs import Alias
from core.domain.settings import Settings
from core.tracking.audit import Ledger
from core.tracking.audit_chain import GENESIS, check_chain
from core.tracking.audit_lines import Move, lines_of
from tests.core.tracking.ledgers import move, tamper, write
from tests.postgres import MissingPostgresError, cluster, create_database

TEXT = st.text(max_size=20)
MOVES = st.builds(
    Move,
    who=TEXT,
    act=st.sampled_from(list(Act)),
    alias=st.sampled_from(list(Alias)),
    version_from=st.none() | st.integers(1, 99).map(str),
    version_to=st.none() | st.integers(1, 99).map(str),
    reason=TEXT,
    override=st.booleans(),
    gates=st.lists(st.builds(Gate, name=TEXT, passed=st.booleans(), detail=TEXT), max_size=2).map(tuple),
)
WRITTEN = st.lists(MOVES, min_size=1, max_size=6).map(
    lambda moves: lines_of(moves, 0, GENESIS, {}, "2026-03-03T12:00:00.000000+00:00")
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path, environment={})


@pytest.fixture
def ledger(settings: Settings) -> Ledger:
    return Ledger(settings)


def checked(lines: list[dict[str, Any]], written: list[dict[str, Any]]) -> list[int]:
    """The numbers at which the chain of these lines breaks, after ``written`` had been written."""
    return [one.number for one in check_chain(lines, entries=len(written), head=written[-1]["hash"])]


@given(WRITTEN)
def test_what_was_written_is_whole(written: list[dict[str, Any]]) -> None:
    assert checked(written, written) == []


@given(WRITTEN, st.data())
def test_any_edit_is_found_and_named(written: list[dict[str, Any]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(written) - 1))
    column = data.draw(st.sampled_from(sorted(set(written[0]) - {"number"})))
    edited = [dict(line) for line in written]
    old = edited[place][column]
    new = data.draw(
        (st.integers(0, 9) if isinstance(old, int) else st.none() | TEXT).filter(lambda value: value != old)
    )
    edited[place][column] = new
    assert place + 1 in checked(edited, written)


@given(WRITTEN, st.data())
def test_any_missing_line_is_found_and_named(written: list[dict[str, Any]], data: st.DataObject) -> None:
    gone = data.draw(st.integers(0, len(written) - 1))
    assert checked([line for place, line in enumerate(written) if place != gone], written)[0] == gone + 1


@given(WRITTEN.filter(lambda lines: len(lines) > 1), st.data())
def test_any_two_lines_that_change_places_are_found(written: list[dict[str, Any]], data: st.DataObject) -> None:
    one, other = sorted(data.draw(st.sets(st.integers(0, len(written) - 1), min_size=2, max_size=2)))
    swapped = [dict(line) for line in written]
    for column in set(written[0]) - {"number"}:
        swapped[one][column], swapped[other][column] = swapped[other][column], swapped[one][column]
    assert set(checked(swapped, written)) >= {one + 1, other + 1}


def test_an_entry_comes_back_as_it_was_written(ledger: Ledger) -> None:
    before = datetime.now(UTC)
    gate = Gate("thresholds", passed=False, detail="RMSE $62,284 (more than the $55,000 allowed).")
    written = Move(
        "Zoë", Act.PROMOTED, Alias.CHAMPION, None, "3", "näheres\x00 \x1b[31mfolgt\n", override=True, gates=(gate,)
    )
    (entry,) = ledger.append([written], seen={Alias.CHAMPION: 0})
    assert ledger.entries() == [entry]
    assert (entry.number, entry.who, entry.act, entry.alias) == (1, "Zoë", "promoted", "champion")
    assert (entry.version_from, entry.version_to, entry.override, entry.gates) == (None, "3", True, (gate,))
    assert entry.reason == "näheres [31mfolgt"
    assert before <= entry.when <= datetime.now(UTC)
    assert json.loads(json.dumps(entry.as_report()))["from"] is None


def test_whoever_was_overtaken_is_told_and_nothing_is_written(ledger: Ledger) -> None:
    write(ledger, ["1", "2"])
    with pytest.raises(ChampionChanged, match="moved by somebody else"):
        ledger.append([move("3")], seen={Alias.CHAMPION: 1})
    with pytest.raises(ChampionChanged):
        ledger.append([move("3", alias=Alias.CHALLENGER)], seen={Alias.CHALLENGER: 0, Alias.CHAMPION: 1})
    assert [entry.version_to for entry in ledger.entries()] == ["1", "2"]
    assert ledger.verify() == ()


def test_the_aliases_follow_their_own_entries_in_one_chain(ledger: Ledger) -> None:
    write(ledger, ["1"])
    ledger.append([move("2", alias=Alias.CHALLENGER)], seen={Alias.CHALLENGER: 0, Alias.CHAMPION: 1})
    (entry,) = ledger.append([move("3", before="1")], seen={Alias.CHAMPION: 1})
    assert (entry.number, entry.predecessor) == (3, 1)
    assert {alias: one.version_to for alias, one in ledger.newest().items()} == {"champion": "3", "challenger": "2"}
    assert [one.number for one in ledger.pending()] == [2, 3]
    assert ledger.verify() == ()


def test_pages_go_from_the_newest_back(ledger: Ledger) -> None:
    write(ledger, [str(number) for number in range(1, 8)])
    assert [one.number for one in ledger.entries(limit=3, newest_first=True)] == [7, 6, 5]
    assert [one.number for one in ledger.entries(limit=3, offset=6, newest_first=True)] == [1]
    assert ledger.count() == 7


def test_a_ledger_that_was_never_written_is_empty_and_reading_makes_no_file(ledger: Ledger, settings: Settings) -> None:
    assert (ledger.entries(), ledger.newest(), ledger.pending(), ledger.count(), ledger.verify()) == ([], {}, [], 0, ())
    assert not settings.paths.lab_db.exists()


def test_the_database_is_made_by_whom_it_belongs_to(settings: Settings) -> None:
    made: list[bool] = []
    ledger = Ledger(settings, make_database=lambda: made.append(settings.paths.lab_db.exists()))
    write(ledger, ["1", "2"])
    assert made == [False]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE lab_ledger SET version_to = '9' WHERE number = 2", "entry 2 was edited"),
        ("UPDATE lab_ledger SET override = 1 WHERE number = 3", "entry 3 was edited"),
        ("UPDATE lab_ledger SET gates = '[ ]' WHERE number = 1", "entry 1 was edited"),
        ("DELETE FROM lab_ledger WHERE number = 2", "entry 2 is missing"),
        ("DELETE FROM lab_ledger WHERE number >= 3", "entries 3 to 4 are missing"),
        ("DELETE FROM lab_ledger", "entries 1 to 4 are missing"),
    ],
)
def test_a_change_in_the_database_is_found(settings: Settings, ledger: Ledger, statement: str, told: str) -> None:
    write(ledger, ["1", "2", "3", "4"])
    tamper(settings, statement)
    assert told in [one.what for one in Ledger(settings).verify()]


def test_an_end_that_was_cut_off_shows_even_when_the_head_was_turned_back(settings: Settings, ledger: Ledger) -> None:
    entries = write(ledger, ["1", "2", "3"])
    tamper(
        settings,
        "DELETE FROM lab_ledger WHERE number = 3",
        "UPDATE lab_ledger_head SET entries = 2, hash = :hash",
        hash=entries[1].hash,
    )
    assert [one.what for one in ledger.verify()] == ["entry 3 is missing"]


def test_a_line_made_up_to_look_right_does_not_follow(settings: Settings, ledger: Ledger) -> None:
    """Its own hash is right, and the hash of the line before as well: the head remembers another last one."""
    entries = write(ledger, ["1", "2"])
    (line,) = lines_of([move("9", before="1")], 1, entries[0].hash, {"champion": 1}, entries[1].when.isoformat())
    tamper(
        settings,
        "UPDATE lab_ledger SET version_to = '9', reason = :reason, hash = :hash WHERE number = 2",
        reason=line["reason"],
        hash=line["hash"],
    )
    assert [one.what for one in ledger.verify()] == ["entry 2 is not the one that was written last"]


def test_a_line_that_is_no_entry_any_more_is_named_with_a_remedy(settings: Settings, ledger: Ledger) -> None:
    write(ledger, ["1"])
    tamper(settings, "UPDATE lab_ledger SET moment = 'yesterday'")
    with pytest.raises(LedgerUnavailable, match="Entry 1") as refused:
        ledger.entries()
    assert "doctor" in refused.value.remedy
    assert ledger.verify()


def test_a_clock_that_goes_back_does_not_turn_the_history_round(settings: Settings, ledger: Ledger) -> None:
    write(ledger, ["1"])
    tamper(settings, "UPDATE lab_ledger SET moment = '2999-01-01T00:00:00.000000+00:00'")
    write(ledger, ["2"])
    first, second = ledger.entries()
    assert second.when == first.when


def test_the_lock_lets_one_in_and_tells_the_others(ledger: Ledger, settings: Settings) -> None:
    with ledger.lock(), pytest.raises(LedgerUnavailable, match="under way"), Ledger(settings).lock(patience=0):
        pass
    with ledger.lock(patience=0):
        pass


def test_a_database_that_does_not_answer_is_told_with_a_remedy(tmp_path: Path) -> None:
    settings = load_settings(
        home=tmp_path, environment={"HOUSING_LAB_JOBS__DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing"}
    )
    with pytest.raises(LedgerUnavailable) as refused:
        Ledger(settings).entries()
    assert "jobs.database_url" in refused.value.remedy


def test_on_postgresql_the_same_holds(tmp_path: Path) -> None:
    try:
        running = cluster()
        server, why = running.__enter__(), ""
    except MissingPostgresError as missing:
        why = str(missing)
    if why:
        pytest.fail(why, pytrace=False)
    try:
        address = create_database(server, "audit")
        settings = load_settings(home=tmp_path, environment={"HOUSING_LAB_JOBS__DATABASE_URL": address})
        start, told = threading.Barrier(4), []

        def race(number: int) -> int:
            """Four at once, each with what it saw before the start; then each until it has won."""
            ledger, won = Ledger(settings), 0
            start.wait()
            while not won:
                newest = ledger.newest().get(Alias.CHAMPION)
                try:
                    with ledger.lock():
                        (entry,) = ledger.append(
                            [move(str(number))], seen={Alias.CHAMPION: newest.number if newest else 0}
                        )
                        ledger.settle([entry.number])
                        won = entry.number
                except ChampionChanged:
                    told.append(number)
            ledger.close()
            return won

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(race, range(1, 5))) == [1, 2, 3, 4]
        ledger = Ledger(settings)
        assert [entry.number for entry in ledger.entries()] == [1, 2, 3, 4]
        assert ledger.verify() == ()
        with ledger.lock(), pytest.raises(LedgerUnavailable), Ledger(settings).lock(patience=0.05):
            pass
        tamper(
            settings, "UPDATE lab_ledger SET who = 'nobody' WHERE number = 2", "DELETE FROM lab_ledger WHERE number = 4"
        )
        assert [one.what for one in ledger.verify()] == ["entry 2 was edited", "entry 4 is missing"]
        ledger.close()
    finally:
        running.__exit__(None, None, None)
