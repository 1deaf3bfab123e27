"""Saved scenarios as the screens and the terminal see them, and houses as addresses."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from core.domain.access import Actor, Deed
from core.domain.house import RAW_COLUMNS, House
from core.domain.scenarios import LONGEST_NAME, Scenario
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.tracking.audit_lines import clean
from core.tracking.scenarios import ScenarioShelf

WHAT_IF: Final = "/what_if"
NOT_GIVEN: Final = "none"
"""How an address says that bedrooms are not known."""


class Scenarios:
    """Everything the doors ask about saved scenarios.

    Args:
        settings: whose job database they lie in.

    Raises:
        ScenariosUnavailable: by every method, when the database does not answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._shelf = ScenarioShelf(settings, make_database=self._make_database)

    def save(self, name: str, note: str, house: House, *, actor: Actor) -> Scenario:
        """Keep a house under a name. Raises Forbidden, and InvalidScenario for no name or too long a text."""
        actor.require(Deed.SAVE_SCENARIO)
        return self._shelf.save(name, note, house, actor.name)

    def duplicate(self, scenario_id: str, *, actor: Actor) -> Scenario:
        """The same house and note once more under a name of its own, to be tweaked. Raises Forbidden, NotFound."""
        actor.require(Deed.SAVE_SCENARIO)
        first = self._shelf.get(scenario_id)
        taken = {one.name for one in self._shelf.all()}
        name = _free_name(f"{first.name[: LONGEST_NAME - 20]} (copy)", taken)
        return self._shelf.save(name, first.note, first.house, actor.name)

    def edit(
        self,
        scenario_id: str,
        *,
        actor: Actor,
        name: str | None = None,
        note: str | None = None,
        house: House | None = None,
    ) -> Scenario:
        """Change what is given. Raises Forbidden, NotFound, InvalidScenario."""
        actor.require(Deed.CHANGE_SCENARIO)
        return self._shelf.edit(scenario_id, name=name, note=note, house=house)

    def delete(self, scenario_id: str, *, actor: Actor) -> None:
        """Forget a scenario. Raises Forbidden, NotFound."""
        actor.require(Deed.CHANGE_SCENARIO)
        self._shelf.delete(scenario_id)

    def get(self, scenario_id: str) -> Scenario:
        """One scenario. Raises NotFound."""
        return self._shelf.get(scenario_id)

    def all(self) -> tuple[Scenario, ...]:
        """Every scenario, the newest first."""
        return self._shelf.all()

    def as_mapping(self) -> Mapping[str, House]:
        """Their houses by name, the newest first, for what is printed and kept: each name one plain line of its own."""
        houses: dict[str, House] = {}
        for one in self._shelf.all():
            houses[_free_name(clean(one.name) or one.scenario_id, houses)] = one.house
        return houses

    def close(self) -> None:
        """Give the connections back."""
        self._shelf.close()

    def _make_database(self) -> None:
        # The queue's own tables are made in a draft that takes its place when they are whole: see jobs.connection.
        JobQueue(self._settings).close()


def distinct_names(scenarios: Sequence[Scenario]) -> tuple[str, ...]:
    """A name for each of them, no two alike although they may share one: ``cottage``, ``cottage 2``."""
    taken = [one.name for one in scenarios]
    names: list[str] = []
    for name in taken:
        names.append(_free_name(name, {*taken, *names}) if name in names else name)
    return tuple(names)


def link(house: House) -> str:
    """The address of What-if with the whole house in it: ``/what_if?longitude=-118.49&…``."""
    return f"{WHAT_IF}?{urlencode({name: _text(value) for name, value in house.as_dict().items()})}"


def house_from_query(query: Mapping[str, object]) -> House:
    """The house an address holds; features it does not name take their defaults, and what is no feature is passed by.

    Raises:
        InvalidHouse: a value is impossible; every feature that is wrong is named.
    """
    return House.from_mapping({name: query[name] for name in RAW_COLUMNS if name in query})


def _text(value: float | str | None) -> str:
    """A value as an address has it: the shortest text that reads back as the very same number."""
    if value is None:
        return NOT_GIVEN
    return value if isinstance(value, str) else repr(float(value)).removesuffix(".0")


def _free_name(wanted: str, taken: Collection[str]) -> str:
    """``name``, or ``name 2`` and so on where it is taken."""
    if wanted not in taken:
        return wanted
    number = 2
    while f"{wanted} {number}" in taken:
        number += 1
    return f"{wanted} {number}"
