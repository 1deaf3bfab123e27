"""What a search found is told in plain words, and never as advice."""

from __future__ import annotations

from dataclasses import replace

from core.domain.house import House
from core.explanation.goal_seek import Change, GoalAnswer, Way
from core.explanation.goal_words import NO_ADVICE, change_text, goal_sentence, way_text

HOUSE = House.typical()
HERE = Way(HOUSE, (), 210_000.0, 0.0)
INCOME = Way(replace(HOUSE, median_income=5.23), (Change("median_income", 3.5, 5.23),), 300_120.0, 1.1)
SIZE = Way(
    replace(HOUSE, total_rooms=2_800.0, total_bedrooms=500.0),
    (Change("total_rooms", 2_130.0, 2_800.0), Change("total_bedrooms", 435.0, 500.0)),
    299_800.0,
    2.0,
)


def answer(*ways: Way, goal: float = 300_000.0, highest: float = 420_000.0, cut_short: bool = False) -> GoalAnswer:
    lowest, top = replace(HERE, price=150_000.0), replace(HERE, price=highest)
    nearest = ways[0] if ways else replace(HERE, price=296_400.0)
    return GoalAnswer(goal, 500.0, ways, lowest, top, nearest, frozenset({"longitude"}), 0.4, cut_short)


def test_the_nearest_way_is_told_in_full_and_others_are_counted() -> None:
    assert goal_sentence(answer(INCOME, SIZE, SIZE)) == (
        "The model says $300,120 with median income at $52,300 instead of $35,000. 2 other ways are farther. "
        + NO_ADVICE
    )
    assert goal_sentence(answer(SIZE)) == (
        "The model says $299,800 with rooms at 2,800 instead of 2,130 and bedrooms at 500 instead of 435. " + NO_ADVICE
    )


def test_a_move_tells_how_far_and_where_to() -> None:
    moved = replace(HOUSE, longitude=-118.49, latitude=34.35, ocean_proximity="INLAND")
    way = Way(
        moved, (Change("latitude", 34.26, 34.35), Change("ocean_proximity", "<1H OCEAN", "INLAND")), 300_000.0, 0.2
    )
    assert way_text(way) == "a place 10 km away (34.35, -118.49, INLAND)"


def test_an_unreachable_price_comes_with_the_most_or_the_least() -> None:
    assert "$450,000 is out of reach within the limits of the data: the most is $420,000." in goal_sentence(
        answer(goal=450_000.0)
    )
    assert "the least is $150,000." in goal_sentence(answer(goal=90_000.0))
    assert "within $500 was found; the nearest price is $296,400." in goal_sentence(answer())


def test_a_price_above_the_cap_is_out_of_reach_by_nature() -> None:
    told = goal_sentence(answer(goal=600_000.0, highest=640_000.0))
    assert "recorded every higher median as $500,000 or more" in told
    assert "The most is $500,000 or more." in told
    assert "640" not in told


def test_a_price_that_is_there_already_and_a_search_that_ended_for_time_are_said() -> None:
    assert goal_sentence(answer(HERE, goal=210_200.0)).startswith("The model says $210,000 already")
    assert "ended for time" in goal_sentence(answer(INCOME, cut_short=True))
    assert all(goal_sentence(one).endswith(NO_ADVICE) for one in (answer(), answer(INCOME), answer(HERE)))


def test_values_read_as_they_are_known() -> None:
    assert change_text(Change("total_bedrooms", None, 1_200.0)) == ("not given", "1,200")
    assert change_text(Change("median_income", 3.5, 0.99)) == ("$35,000", "$9,900")
    assert change_text(Change("housing_median_age", 29.0, 12.0)) == ("29", "12")
