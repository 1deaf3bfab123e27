"""Saved scenarios: durable, whole, and safe when several people write at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.domain.configuration import load_settings
from core.domain.errors import InvalidScenario, NotFound, ScenariosUnavailable
from core.domain.house import FEATURES, NUMERIC_COLUMNS, House, OceanProximity
from core.domain.settings import Settings
from core.tracking.scenarios import SCENARIOS, ScenarioShelf
from tests.postgres import MissingPostgresError, cluster, create_database

HOSTILE = "'; DROP TABLE lab_scenarios; -- <script>alert(1)</script> \x00\x1b[31m \u202e née 🏠\n\r\t%s {}"
HOUSE = House.from_mapping({"median_income": 5.2, "total_bedrooms": None, "latitude": 34.123456789})
HOUSES = st.fixed_dictionaries(
    {name: st.floats(FEATURES[name].low, FEATURES[name].high) for name in NUMERIC_COLUMNS}
    | {"total_bedrooms": st.none(), "ocean_proximity": st.sampled_from([place.value for place in OceanProximity])}
).map(House.from_mapping)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path, environment={})


@pytest.fixture
def shelf(settings: Settings) -> Iterator[ScenarioShelf]:
    kept = ScenarioShelf(settings)
    yield kept
    kept.close()


def spoil(settings: Settings, statement: str) -> None:
    engine = sa.create_engine(settings.database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def test_a_saved_scenario_is_there_after_a_restart(shelf: ScenarioShelf, settings: Settings) -> None:
    before = datetime.now(UTC)
    saved = shelf.save("Bay house", "ask again in May", HOUSE, "zoë")
    shelf.close()
    again = ScenarioShelf(settings)
    assert again.get(saved.scenario_id) == saved
    assert again.all() == (saved,)
    assert (saved.name, saved.note, saved.house, saved.author) == ("Bay house", "ask again in May", HOUSE, "zoë")
    assert before <= saved.created == saved.changed <= datetime.now(UTC)
    again.close()


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(house=HOUSES, note=st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_every_house_and_every_text_comes_back_to_the_last_digit(shelf: ScenarioShelf, house: House, note: str) -> None:
    found = shelf.get(shelf.save("any", note, house, "tester").scenario_id)
    assert (found.house, found.note) == (house, note)


def test_hostile_text_is_kept_whole_and_does_nothing(shelf: ScenarioShelf) -> None:
    kept = shelf.get(shelf.save("a name\n" + HOSTILE, HOSTILE, HOUSE, HOSTILE).scenario_id)
    assert kept.note == HOSTILE
    assert kept.name.startswith("a name '; DROP TABLE lab_scenarios;")
    assert "\n" not in kept.name
    assert len(shelf.all()) == 1


def test_a_note_of_a_megabyte_is_refused_and_nothing_is_saved(shelf: ScenarioShelf) -> None:
    with pytest.raises(InvalidScenario, match="20,000 are kept"):
        shelf.save("long", "x" * 1_000_000, HOUSE, "tester")
    assert shelf.all() == ()


def test_the_newest_stands_first(shelf: ScenarioShelf) -> None:
    saved = [shelf.save(f"number {number}", "", HOUSE, "tester") for number in range(5)]
    shelf.edit(saved[0].scenario_id, note="changed since")
    assert [one.name for one in shelf.all()] == [one.name for one in reversed(saved)]


def test_two_of_one_name_are_two(shelf: ScenarioShelf) -> None:
    one, other = (shelf.save("same", "", HOUSE, "tester") for _ in range(2))
    assert one.scenario_id != other.scenario_id
    shelf.delete(one.scenario_id)
    assert shelf.all() == (other,)


def test_an_edit_changes_what_is_given_and_says_when(shelf: ScenarioShelf) -> None:
    saved = shelf.save("first", "note", HOUSE, "tester")
    renamed = shelf.edit(saved.scenario_id, name="second")
    assert (renamed.name, renamed.note, renamed.house) == ("second", "note", HOUSE)
    assert renamed.created == saved.created < renamed.changed
    moved = shelf.edit(saved.scenario_id, house=House.typical(), note="")
    assert (moved.name, moved.note, moved.house) == ("second", "", House.typical())
    with pytest.raises(InvalidScenario):
        shelf.edit(saved.scenario_id, name=" ")
    assert shelf.get(saved.scenario_id) == moved


def test_a_scenario_that_is_not_there_is_said_to_be(shelf: ScenarioShelf) -> None:
    for _ in range(2):  # before there is a table, and after
        for ask in (shelf.get, shelf.delete, lambda one: shelf.edit(one, name="x")):
            for unknown in ("none", "", HOSTILE):
                with pytest.raises(NotFound):
                    ask(unknown)
        shelf.save("one", "", HOUSE, "tester")


def test_reading_makes_no_database(shelf: ScenarioShelf, settings: Settings) -> None:
    assert shelf.all() == ()
    assert not settings.paths.lab_db.exists()


def test_the_database_is_made_by_whom_it_belongs_to(settings: Settings) -> None:
    made: list[bool] = []
    shelf = ScenarioShelf(settings, make_database=lambda: made.append(settings.paths.lab_db.exists()))
    for number in range(2):
        shelf.save(f"number {number}", "", HOUSE, "tester")
    assert made == [False]
    shelf.close()


def test_eight_that_save_and_edit_at_once_lose_nothing(settings: Settings) -> None:
    start = threading.Barrier(8)

    def work(number: int) -> None:
        shelf = ScenarioShelf(settings)
        start.wait()
        for turn in range(5):
            saved = shelf.save(f"{number} {turn}", "", HOUSE, "tester")
            shelf.edit(saved.scenario_id, note="edited")
        shelf.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    shelf = ScenarioShelf(settings)
    assert {one.name for one in shelf.all()} == {f"{number} {turn}" for number in range(8) for turn in range(5)}
    assert {one.note for one in shelf.all()} == {"edited"}
    shelf.close()


def test_two_that_edit_different_things_of_one_scenario_keep_both(shelf: ScenarioShelf, settings: Settings) -> None:
    saved = shelf.save("before", "before", HOUSE, "tester")
    start, other = threading.Barrier(2), ScenarioShelf(settings)

    def change(one: ScenarioShelf, **what: str) -> None:
        start.wait()
        one.edit(saved.scenario_id, **what)  # type: ignore[arg-type]

    with ThreadPoolExecutor(2) as pool:
        for done in (pool.submit(change, shelf, name="after"), pool.submit(change, other, note="after")):
            done.result()
    found = shelf.get(saved.scenario_id)
    assert (found.name, found.note) == ("after", "after")
    other.close()


@pytest.mark.parametrize(
    "change",
    [
        "house = '[]'",
        "house = '{\"total_rooms\": -1}'",
        "house = 'no json'",
        "created = 'yesterday'",
        "name = ''",
    ],
)
def test_a_row_somebody_spoiled_hides_no_other_and_can_be_deleted(
    shelf: ScenarioShelf, settings: Settings, change: str
) -> None:
    whole, spoiled = (shelf.save(name, "", HOUSE, "tester") for name in ("whole", "spoiled"))
    spoil(settings, f"UPDATE lab_scenarios SET {change} WHERE scenario_id = '{spoiled.scenario_id}'")  # noqa: S608
    assert shelf.all() == (whole,)
    with pytest.raises(ScenariosUnavailable, match=spoiled.scenario_id):
        shelf.get(spoiled.scenario_id)
    shelf.delete(spoiled.scenario_id)


def test_a_database_that_does_not_answer_is_told_with_a_remedy(settings: Settings, tmp_path: Path) -> None:
    address = {"HOUSING_LAB_JOBS__DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing"}
    away = ScenarioShelf(load_settings(home=tmp_path, environment=address))
    settings.paths.lab_db.parent.mkdir(parents=True)
    settings.paths.lab_db.write_bytes(b"no database " * 1000)
    for shelf in (away, ScenarioShelf(settings)):
        for act in (shelf.all, lambda one=shelf: one.save("x", "", HOUSE, "tester")):
            with pytest.raises(ScenariosUnavailable) as refused:
                act()
            assert "jobs.database_url" in refused.value.remedy
        shelf.close()


def test_on_postgresql_the_same_holds(tmp_path: Path) -> None:
    try:
        running = cluster()
        server, why = running.__enter__(), ""
    except MissingPostgresError as missing:
        why = str(missing)
    if why:
        pytest.fail(why, pytrace=False)
    try:
        address = create_database(server, "scenarios")
        settings = load_settings(home=tmp_path, environment={"HOUSING_LAB_JOBS__DATABASE_URL": address})
        start = threading.Barrier(6)

        def work(number: int) -> str:
            """All six find no table, and make it at once."""
            shelf = ScenarioShelf(settings)
            assert shelf.all() == ()
            start.wait()
            saved = shelf.save(f"number {number}", HOSTILE, HOUSE, "tester")
            shelf.edit(saved.scenario_id, name=f"renamed {number}")
            shelf.close()
            return saved.scenario_id

        with ThreadPoolExecutor(6) as pool:
            ids = list(pool.map(work, range(6)))
        shelf = ScenarioShelf(settings)
        assert {one.name for one in shelf.all()} == {f"renamed {number}" for number in range(6)}
        assert {(one.note, one.house) for one in shelf.all()} == {(HOSTILE, HOUSE)}
        with pytest.raises(NotFound):
            shelf.get("\x00")
        shelf.delete(ids[0])
        assert len(shelf.all()) == 5
        assert sa.inspect(sa.create_engine(address)).has_table(SCENARIOS.name)
        shelf.close()
    finally:
        running.__exit__(None, None, None)
