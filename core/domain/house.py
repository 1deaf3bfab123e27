"""The house an analyst enters: nine raw features, each with its unit, range and default.

A row of the data is a 1990 census *block group*, so the sizes are totals of a block group (a few hundred
households), and a "house" here is a block group with the features the analyst types.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from numbers import Real
from typing import Final

from core.domain.errors import InvalidHouse
from core.domain.excerpts import listed, quoted
from core.domain.money import step_digits


class OceanProximity(StrEnum):
    """The survey's five location classes, written as in the data file."""

    NEAR_BAY = "NEAR BAY"
    ONE_HOUR_OCEAN = "<1H OCEAN"
    INLAND = "INLAND"
    NEAR_OCEAN = "NEAR OCEAN"
    ISLAND = "ISLAND"


@dataclass(frozen=True, slots=True)
class Feature:
    """One raw column: what it means, what is possible, what is usual.

    ``low`` and ``high`` bound what is possible (a value outside is refused); ``usual_low`` and
    ``usual_high`` hold about 99 % of the block groups and bound the sliders.
    """

    name: str
    label: str
    unit: str
    help: str
    default: float | str
    low: float = 0.0
    high: float = 0.0
    usual_low: float = 0.0
    usual_high: float = 0.0
    step: float = 1.0
    choices: tuple[str, ...] = ()
    may_be_missing: bool = False

    @property
    def shown_digits(self) -> int:
        """Digits after the point that one step of the slider needs."""
        return step_digits(self.step)

    @property
    def is_numeric(self) -> bool:
        return not self.choices


_FEATURES: Final = (
    Feature(
        "median_income",
        "Median income",
        "× $10,000 a year",
        "Median household income of the block group, in tens of thousands of 1990 dollars: 3.5 is $35,000.",
        default=3.5,
        low=0.0,
        high=20.0,
        usual_low=0.5,
        usual_high=15.0,
        step=0.1,
    ),
    Feature(
        "housing_median_age",
        "Median house age",
        "years",
        "Median age of the houses. The survey wrote 52 for everything older.",
        default=29.0,
        low=0.0,
        high=100.0,
        usual_low=1.0,
        usual_high=52.0,
        step=1.0,
    ),
    Feature(
        "total_rooms",
        "Rooms",
        "block group total",
        "All rooms of all homes in the block group. Usual: five to six a household.",
        default=2130.0,
        low=1.0,
        high=100_000.0,
        usual_low=100.0,
        usual_high=12_000.0,
        step=10.0,
    ),
    Feature(
        "total_bedrooms",
        "Bedrooms",
        "block group total",
        "All bedrooms of all homes in the block group; never more than the rooms.",
        default=435.0,
        low=1.0,
        high=50_000.0,
        usual_low=20.0,
        usual_high=2_500.0,
        step=5.0,
        may_be_missing=True,
    ),
    Feature(
        "population",
        "Population",
        "block group total",
        "People living in the block group. Usual: about three a household.",
        default=1170.0,
        low=1.0,
        high=100_000.0,
        usual_low=50.0,
        usual_high=7_000.0,
        step=10.0,
    ),
    Feature(
        "households",
        "Households",
        "block group total",
        "Occupied homes in the block group.",
        default=410.0,
        low=1.0,
        high=50_000.0,
        usual_low=20.0,
        usual_high=2_500.0,
        step=5.0,
    ),
    Feature(
        "latitude",
        "Latitude",
        "degrees north",
        "Where the block group lies, south (32.5) to north (42).",
        default=34.26,
        low=32.0,
        high=42.5,
        usual_low=32.5,
        usual_high=42.0,
        step=0.01,
    ),
    Feature(
        "longitude",
        "Longitude",
        "degrees east",
        "Where the block group lies, west (−124.4) to east (−114.3).",
        default=-118.49,
        low=-125.0,
        high=-114.0,
        usual_low=-124.4,
        usual_high=-114.3,
        step=0.01,
    ),
    Feature(
        "ocean_proximity",
        "Ocean proximity",
        "location class",
        "The survey's own class. ISLAND has five block groups only: no estimate there means much.",
        default=OceanProximity.ONE_HOUR_OCEAN.value,
        choices=tuple(choice.value for choice in OceanProximity),
    ),
)

FEATURES: Final[Mapping[str, Feature]] = {feature.name: feature for feature in _FEATURES}
"""The nine raw features by name, in the order the form shows them."""

TARGET: Final = "median_house_value"
"""The column a model predicts: the block group's median house value in 1990 US dollars."""

RAW_COLUMNS: Final = (
    "longitude",
    "latitude",
    "housing_median_age",
    "total_rooms",
    "total_bedrooms",
    "population",
    "households",
    "median_income",
    "ocean_proximity",
)
"""The nine columns in the order of the data file: what a model's signature takes."""

NUMERIC_COLUMNS: Final = tuple(name for name in RAW_COLUMNS if FEATURES[name].is_numeric)


@dataclass(frozen=True, slots=True)
class House:
    """A validated set of the nine features. ``total_bedrooms`` may be None: the model estimates it.

    Raises:
        InvalidHouse: a value is missing, not a number, or outside what is possible; the message names
            every feature that is wrong, not the first alone.
    """

    longitude: float
    latitude: float
    housing_median_age: float
    total_rooms: float
    total_bedrooms: float | None
    population: float
    households: float
    median_income: float
    ocean_proximity: str

    def __post_init__(self) -> None:
        complaints = [
            complaint
            for name in RAW_COLUMNS
            if (complaint := feature_complaint(FEATURES[name], getattr(self, name))) is not None
        ]
        if not complaints and self.total_bedrooms is not None and self.total_bedrooms > self.total_rooms:
            complaints.append(
                f"total_bedrooms is {self.total_bedrooms:,g}, more than the {self.total_rooms:,g} of total_rooms"
            )
        if complaints:
            raise InvalidHouse(
                "This house cannot be valued: " + "; ".join(complaints) + ".",
                remedy="Change the features named here.",
            )

    @classmethod
    def typical(cls) -> House:
        """The house every form starts from: each feature at its default, near the data's medians."""
        return cls.from_mapping({})

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> House:
        """A house from any mapping; features it does not name take their defaults.

        Numbers may come as text (from an address or a terminal) or as NumPy's (from a table).

        Raises:
            InvalidHouse: also for a name that is no feature.
        """
        unknown = sorted(set(values) - set(FEATURES))
        if unknown:
            raise InvalidHouse(
                f"No such feature: {listed(unknown)}.",
                remedy=f"The features are {', '.join(RAW_COLUMNS)}.",
            )
        given = {name: values.get(name, FEATURES[name].default) for name in RAW_COLUMNS}
        return cls(**{name: _parse(FEATURES[name], value) for name, value in given.items()})  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, float | str | None]:
        """The nine features by name, in the data file's order."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def feature_complaint(feature: Feature, value: object) -> str | None:
    """What is wrong with one value, as a clause that names the feature and the rule; None if nothing is."""
    if feature.choices:
        return (
            None
            if value in feature.choices
            else f"{feature.name} is {quoted(value)}, not one of {', '.join(feature.choices)}"
        )
    if value is None:
        return None if feature.may_be_missing else f"{feature.name} is missing"
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        return f"{feature.name} is {quoted(value)}, not a number"
    if not feature.low <= value <= feature.high:
        return f"{feature.name} is {value:g}, outside {feature.low:g} to {feature.high:g}"
    return None


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number beyond what a float can hold
        return False


def _parse(feature: Feature, value: object) -> object:
    """Text from an address or a terminal as the feature's own type; anything else stays for the complaint."""
    if feature.choices:
        return str(value) if isinstance(value, str) else value
    if isinstance(value, str):
        if feature.may_be_missing and value.strip().lower() in {"", "nan", "none", "null"}:
            return None
        try:
            return float(value)
        except ValueError:
            return value
    if isinstance(value, bool) or not isinstance(value, Real) or (isinstance(value, int) and not _is_finite(value)):
        return value
    number = float(value)
    return None if math.isnan(number) and feature.may_be_missing else number
