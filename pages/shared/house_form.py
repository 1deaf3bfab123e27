"""The nine features as sliders, made from the one place they stand in. The whole house is in the address."""

from __future__ import annotations

import streamlit as st

from core.domain.house import FEATURES, Feature, House


def house_form() -> House:
    """The house the sliders say.

    Raises:
        InvalidHouse: the features contradict each other.
    """
    features = list(FEATURES.values())
    half = (len(features) + 1) // 2
    chosen: dict[str, float | str] = {}
    for column, part in zip(st.columns(2, gap="medium"), (features[:half], features[half:]), strict=True):
        with column:
            chosen |= {feature.name: _field(feature) for feature in part}
    return House.from_mapping(chosen)


def _field(feature: Feature) -> float | str:
    if feature.choices:
        return st.selectbox(
            feature.label,
            feature.choices,
            index=feature.choices.index(str(feature.default)),
            help=feature.help,
            key=feature.name,
            bind="query-params",
        )
    return st.slider(
        f"{feature.label} ({feature.unit})",
        min_value=feature.usual_low,
        max_value=feature.usual_high,
        value=float(feature.default),
        step=feature.step,
        format=f"%.{feature.shown_digits}f",
        help=feature.help,
        key=feature.name,
        bind="query-params",
    )
