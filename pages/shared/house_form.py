"""The nine features as sliders, made from the one place they stand in. The whole house is in the address."""

from __future__ import annotations

import math
from typing import Final

import streamlit as st

from core.domain.house import FEATURES, Feature, House, feature_complaint
from core.workflows.scenarios import NOT_GIVEN

TAKEN: Final = "taken_house"
"""Under this name the form finds a house that was chosen below it, and takes it up at the next run."""

_BEDROOMS: Final = "total_bedrooms"
_NO_BEDROOMS: Final = "no_bedrooms"


def take_up() -> None:
    """Put what was chosen elsewhere into the sliders. Call it before anything asks them."""
    if TAKEN in st.session_state:
        take_house(st.session_state.pop(TAKEN))
    if st.query_params.get(_BEDROOMS) == NOT_GIVEN:
        # A link to a house whose bedrooms nobody counted; a slider takes numbers alone.
        st.session_state[_NO_BEDROOMS] = True
        del st.query_params[_BEDROOMS]
    # What a slider will say once it is drawn is known before that, and so is the price.
    for feature in FEATURES.values():
        if feature.name not in st.session_state:
            st.session_state[feature.name] = _start_of(feature)
    if _NO_BEDROOMS not in st.session_state:
        st.session_state[_NO_BEDROOMS] = st.query_params.get(_NO_BEDROOMS, "").lower() == "true"


def _start_of(feature: Feature) -> float | str:
    """What the address says of a feature, else what is usual."""
    named = st.query_params.get(feature.name)
    if feature.choices:
        return named if named in feature.choices else str(feature.default)
    number = _as_number(feature, named)
    return float(feature.default) if number is None else number


def house_of_sliders() -> House:
    """The house the sliders say.

    Raises:
        InvalidHouse: the features contradict each other.
    """
    said = {name: st.session_state[name] for name in FEATURES}
    if st.session_state[_NO_BEDROOMS]:
        said[_BEDROOMS] = None
    return House.from_mapping(said)


def house_form() -> None:
    """The nine features, each as a widget that is in the address."""
    features = list(FEATURES.values())
    half = (len(features) + 1) // 2
    for column, part in zip(st.columns(2, gap="medium"), (features[:half], features[half:]), strict=True):
        with column:
            for feature in part:
                _field(feature)


def take_house(house: House) -> None:
    """Put a house into the sliders. Call it before they are drawn: from a callback, or before a rerun."""
    for name, value in house.as_dict().items():
        if value is None:
            st.session_state[_NO_BEDROOMS] = True
            continue
        if name == _BEDROOMS:
            st.session_state[_NO_BEDROOMS] = False
        st.session_state[name] = value


def _field(feature: Feature) -> None:
    if feature.choices:
        st.selectbox(
            feature.label,
            feature.choices,
            index=feature.choices.index(str(feature.default)),
            help=feature.help,
            key=feature.name,
            bind="query-params",
        )
        return
    if not feature.may_be_missing:
        _slider(feature, disabled=False)
        return
    place = st.container()
    is_missing = st.checkbox(
        f"{feature.label} are not known",
        key=_NO_BEDROOMS,
        bind="query-params",
        help="As in 207 block groups of the survey. The model then estimates them from rooms, people and households.",
    )
    with place:
        _slider(feature, disabled=is_missing)


def _slider(feature: Feature, *, disabled: bool) -> None:
    low, high = _bounds(feature)
    st.slider(
        f"{feature.label} ({feature.unit})",
        min_value=low,
        max_value=high,
        value=float(feature.default),
        step=feature.step,
        format=f"%,.{feature.shown_digits}f",
        help=feature.help,
        key=feature.name,
        bind="query-params",
        disabled=disabled,
    )


def _bounds(feature: Feature) -> tuple[float, float]:
    """The slider's ends: the usual range, and as far as any house went that was put into it in this session.

    They never come nearer again: a slider that changes its ends under the hand forgets where it stood.
    """
    kept = f"{feature.name}_ends"
    low, high = st.session_state.get(kept, (feature.usual_low, feature.usual_high))
    for value in (st.session_state.get(feature.name), st.query_params.get(feature.name)):
        number = _as_number(feature, value)
        if number is not None:
            low, high = min(low, number), max(high, number)
    st.session_state[kept] = low, high
    return low, high


def _as_number(feature: Feature, value: object) -> float | None:
    """A value the feature can have, as a number; None for any other, which the slider then meets with its default."""
    try:
        number = float(value) if isinstance(value, str | int | float) else math.nan
    except ValueError:
        return None
    return None if feature_complaint(feature, number) else number
