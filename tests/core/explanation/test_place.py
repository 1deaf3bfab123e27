"""A house moves on the map: its ocean proximity goes along, and the sea is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.data.block_groups import BlockGroups
from core.domain.errors import InvalidHouse
from core.domain.house import House
from core.explanation.place import move


def test_ocean_proximity_follows_the_place_and_says_so(block_groups: BlockGroups) -> None:
    moved = move(House.typical(), -119.78, 36.74, block_groups)
    expected = replace(House.typical(), longitude=-119.78, latitude=36.74, ocean_proximity="INLAND")
    assert moved.house == expected
    assert moved.notes == ("Ocean proximity follows the place: <1H OCEAN became INLAND, as the nearest block groups.",)


def test_a_move_within_the_same_class_has_nothing_to_say(block_groups: BlockGroups) -> None:
    moved = move(House.typical(), -118.40, 34.20, block_groups)
    assert moved.house == replace(House.typical(), longitude=-118.40, latitude=34.20)
    assert moved.notes == ()


@pytest.mark.parametrize(
    ("longitude", "latitude"), [(-123.5, 36.0), (-119.81, 39.53), (-118.9, 33.7)], ids=["Pacific", "Reno", "channel"]
)
def test_a_click_off_the_land_is_refused(longitude: float, latitude: float, block_groups: BlockGroups) -> None:
    with pytest.raises(InvalidHouse, match=r"not on California's land, .* km away") as refusal:
        move(House.typical(), longitude, latitude, block_groups)
    assert refusal.value.remedy == "Click on land."


@pytest.mark.parametrize("place", [(-122.30, 37.65), (-118.60, 33.95)], ids=["in the bay", "off Santa Monica"])
def test_a_click_a_little_off_the_shore_is_taken(place: tuple[float, float], block_groups: BlockGroups) -> None:
    moved = move(House.typical(), *place, block_groups)
    assert (moved.house.longitude, moved.house.latitude) == place


def test_the_desert_is_land_however_far_from_anybody(block_groups: BlockGroups) -> None:
    assert move(House.typical(), -115.6, 35.2, block_groups).house.ocean_proximity == "INLAND"


def test_every_real_block_group_may_be_moved_to(block_groups: BlockGroups) -> None:
    for position in range(0, len(block_groups), 500):
        there = block_groups.house(position)
        moved = move(House.typical(), there.longitude, there.latitude, block_groups)
        assert moved.house.longitude == there.longitude


def test_a_place_outside_what_is_possible_is_refused_as_any_house_is(block_groups: BlockGroups) -> None:
    with pytest.raises(InvalidHouse, match="latitude is 51"):
        move(House.typical(), -118.0, 51.0, block_groups)
