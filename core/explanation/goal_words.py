"""What a search for a price found, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.domain.geography import kilometres
from core.domain.house import FEATURES, House
from core.domain.money import CAP_TEXT, SURVEY_CAP, dollars
from core.explanation.goal_seek import Change, GoalAnswer, Way

NO_ADVICE: Final = "This is how the model behaves, not advice on renovation."

_MAP: Final = frozenset({"longitude", "latitude", "ocean_proximity"})
_INCOME_UNIT: Final = 10_000


def goal_sentence(answer: GoalAnswer) -> str:
    """What the search found, its nearest way told in full, and that it is no advice."""
    told = [_found(answer)]
    if len(answer.ways) > 1:
        others = len(answer.ways) - 1
        told.append("Another way is farther." if others == 1 else f"{others} other ways are farther.")
    if answer.is_cut_short:
        told.append("The search ended for time; there may be more.")
    return " ".join([*told, NO_ADVICE])


def way_text(way: Way) -> str:
    """``median income at $52,300 instead of $35,000 and rooms at 2,800 instead of 2,130``; ``nothing changed``."""
    clauses = [_clause(change) for change in way.changes if change.feature not in _MAP]
    if moved := [change for change in way.changes if change.feature in _MAP]:
        clauses.append(_place_clause(way.house, moved))
    if not clauses:
        return "nothing changed"
    return clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])} and {clauses[-1]}"


def change_text(change: Change) -> tuple[str, str]:
    """The value before and after as a reader knows them: ``$35,000`` and ``$52,300``; not given is ``not given``."""
    before = "not given" if change.before is None else _value_text(change.feature, change.before)
    return before, _value_text(change.feature, change.after)


def _found(answer: GoalAnswer) -> str:
    goal = dollars(answer.goal)
    if answer.ways and not answer.ways[0].changes:
        return f"The model says {dollars(answer.ways[0].price)} already, which is {goal} to {_within(answer)}."
    if answer.ways:
        return f"The model says {dollars(answer.ways[0].price)} with {way_text(answer.ways[0])}."
    if answer.goal > SURVEY_CAP:
        return (
            f"{goal} is out of reach: the survey recorded every higher median as {CAP_TEXT}, "
            f"so no estimate above it means anything. The most is {_most(answer)}."
        )
    if answer.goal > answer.highest.price:
        return f"{goal} is out of reach within the limits of the data: the most is {_most(answer)}."
    if answer.goal < answer.lowest.price:
        return f"{goal} is out of reach within the limits of the data: the least is {dollars(answer.lowest.price)}."
    return f"No way to {goal} to {_within(answer)} was found; the nearest price is {dollars(answer.nearest.price)}."


def _most(answer: GoalAnswer) -> str:
    return CAP_TEXT if answer.highest.price > SURVEY_CAP else dollars(answer.highest.price)


def _within(answer: GoalAnswer) -> str:
    return f"within {dollars(answer.tolerance)}"


def _clause(change: Change) -> str:
    before, after = change_text(change)
    return f"{_name(change.feature)} at {after} instead of {before}"


def _place_clause(house: House, moved: Sequence[Change]) -> str:
    """How far a house has moved to where it is now, and where that is."""
    before: dict[str, object] = {"longitude": house.longitude, "latitude": house.latitude}
    before |= {change.feature: change.before for change in moved}
    came_from = House.from_mapping({**house.as_dict(), **before})
    apart = kilometres(came_from.longitude, came_from.latitude, house.longitude, house.latitude)
    distance = f"{apart:.0f} km" if apart >= 1 else "less than 1 km"
    return f"a place {distance} away ({house.latitude:.2f}, {house.longitude:.2f}, {house.ocean_proximity})"


def _name(feature: str) -> str:
    label = FEATURES[feature].label
    return label[0].lower() + label[1:]


def _value_text(feature: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    if feature == "median_income":
        return dollars(value * _INCOME_UNIT)
    return f"{value:,.{FEATURES[feature].shown_digits}f}" if FEATURES[feature].shown_digits else f"{value:,g}"
