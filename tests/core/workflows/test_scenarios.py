"""Scenarios as the screens see them, houses as addresses, and what promotion replays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.configuration import load_settings
from core.domain.errors import InvalidHouse, NotFound
from core.domain.house import FEATURES, RAW_COLUMNS, House, OceanProximity
from core.domain.promotion import GateName
from core.domain.runs import Alias
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.tracking.store import Connection
from core.workflows.promoting import Promoting
from core.workflows.scenarios import Scenarios, distinct_names, house_from_query, link
from tests.actors import TESTER, named

NUMBERS = {feature.name: st.floats(feature.low, feature.high) for feature in FEATURES.values() if feature.is_numeric}
HOUSES = st.fixed_dictionaries(
    NUMBERS
    | {
        "total_bedrooms": st.none() | st.floats(1, 50_000),
        "ocean_proximity": st.sampled_from([place.value for place in OceanProximity]),
    }
).filter(lambda values: values["total_bedrooms"] is None or values["total_bedrooms"] <= values["total_rooms"])
TYPICAL = House.typical()


@pytest.fixture
def scenarios(tmp_path: Path) -> Iterator[Scenarios]:
    kept = Scenarios(load_settings(home=tmp_path, environment={}))
    yield kept
    kept.close()


def query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


@given(HOUSES)
def test_a_link_holds_the_whole_house_to_the_last_digit(values: dict[str, object]) -> None:
    house = House.from_mapping(values)
    address = link(house)
    assert house_from_query(query(address)) == house
    assert set(query(address)) == set(RAW_COLUMNS)
    assert House.from_mapping(query(address)) == house


def test_a_link_leads_to_what_if_and_is_written_as_an_address() -> None:
    house = House.from_mapping({"ocean_proximity": "<1H OCEAN", "total_bedrooms": None, "total_rooms": 2_000})
    assert link(house).startswith("/what_if?longitude=-118.49&latitude=34.26&")
    assert "total_rooms=2000&total_bedrooms=none" in link(house)
    assert link(house).endswith("ocean_proximity=%3C1H+OCEAN")


def test_what_an_address_says_beside_the_house_is_passed_by() -> None:
    assert house_from_query({"median_income": "8.3", "version": "3", "embed": "true"}).median_income == 8.3
    assert house_from_query({}) == TYPICAL
    with pytest.raises(InvalidHouse, match="median_income is 'lots'"):
        house_from_query({"median_income": "lots"})


def test_the_queues_own_tables_are_whole_when_a_scenario_comes_first(tmp_path: Path, scenarios: Scenarios) -> None:
    saved = scenarios.save("first of all", "", TYPICAL, actor=TESTER)
    queue = JobQueue(load_settings(home=tmp_path, environment={}))
    assert queue.list_jobs() == []
    queue.close()
    assert scenarios.get(saved.scenario_id) == saved


def test_a_copy_has_the_house_and_the_note_and_a_name_of_its_own(scenarios: Scenarios) -> None:
    first = scenarios.save("x" * 200, "why", TYPICAL, actor=named("zoë"))
    copies = [scenarios.duplicate(first.scenario_id, actor=named("tom")) for _ in range(3)]
    assert len({one.name for one in (first, *copies)}) == 4
    assert {(one.note, one.house, one.author) for one in copies} == {("why", TYPICAL, "tom")}
    tweaked = scenarios.edit(copies[0].scenario_id, actor=TESTER, house=House.from_mapping({"median_income": 9}))
    assert scenarios.get(first.scenario_id).house == TYPICAL
    assert tweaked.house.median_income == 9
    with pytest.raises(NotFound):
        scenarios.duplicate("gone", actor=TESTER)


def test_scenarios_of_one_name_are_told_apart_side_by_side(scenarios: Scenarios) -> None:
    saved = [scenarios.save(name, "", TYPICAL, actor=TESTER) for name in ("cottage", "cottage 2", "cottage", "cottage")]
    assert distinct_names(saved) == ("cottage", "cottage 2", "cottage 3", "cottage 4")
    assert distinct_names([]) == ()


def test_for_promotion_each_house_has_one_plain_line_of_its_own(scenarios: Scenarios) -> None:
    for number, name in enumerate(("same", "same", "\x1b[31mred\x1b[0m", "\u202e\u202e")):
        scenarios.save(name, "", House.from_mapping({"median_income": number + 1}), actor=TESTER)
    houses = scenarios.as_mapping()
    assert [house.median_income for house in houses.values()] == [4, 3, 2, 1]
    assert list(houses)[1:] == ["[31mred [0m", "same", "same 2"]
    assert all(name.isprintable() and name for name in houses)


@pytest.fixture
def desk(versions_home: Settings) -> Iterator[Promoting]:
    found = Promoting(versions_home, Connection(versions_home))
    found.promote(found.verdict("1"), actor=TESTER, reason="begin", override=True)
    yield found
    found.close()


def test_saved_scenarios_are_replayed_and_named_in_the_preview(versions_home: Settings, desk: Promoting) -> None:
    own = Scenarios(versions_home)
    own.save("client in Oakland", "", House.from_mapping({"median_income": 4}), actor=TESTER)
    own.save("without bedrooms", "", House.from_mapping({"total_bedrooms": None}), actor=TESTER)
    own.close()
    verdict = desk.verdict("2")
    preview = verdict.preview
    assert preview is not None
    assert (preview.houses, preview.scenarios, preview.missing) == (502, 2, "")
    assert [move.house for move in preview.saved] == ["scenario “without bedrooms”", "scenario “client in Oakland”"]
    assert all(10_000 < price < 600_000 for move in preview.saved for price in (move.before, move.after))
    detail = next(gate.detail for gate in verdict.gates if gate.name == GateName.REQUOTE)
    assert "2 saved scenarios among them" in detail


def test_scenarios_that_cannot_be_read_do_not_stop_a_promotion_and_the_preview_says_so(
    versions_home: Settings, desk: Promoting
) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(versions_home.database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE lab_scenarios (something TEXT)")
    engine.dispose()
    verdict = desk.verdict("2", Alias.CHALLENGER)
    assert verdict.preview is not None
    assert (verdict.preview.houses, verdict.preview.saved) == (500, ())
    assert verdict.preview.missing.startswith("Saved scenarios are not among them: The saved scenarios do not answer")
    detail = next(gate.detail for gate in verdict.gates if gate.name == GateName.REQUOTE)
    assert "Saved scenarios are not among them" in detail
    assert desk.promote(verdict, actor=TESTER, reason="still", override=True).entry.version_to == "2"
