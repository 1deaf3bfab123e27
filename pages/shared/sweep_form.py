"""Choosing what a sweep searches: a question often asked, or which knobs vary over what range."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.domain.hyperparameters import KNOBS, Knob, KnobValue, ModelFamily, TrainingSpec
from core.domain.settings import Settings
from core.domain.sweep_plans import DEFAULT_TRIALS, LONGEST_MINUTES, MOST_TRIALS, MOST_WORKERS, PRESETS, SweepPlan
from pages.shared.data_choice import data_choice
from pages.shared.endless import bind_of
from pages.shared.knobs import family_choice, feature_choice

SEARCH = "Search for the best settings"


def sweep_plan(settings: Settings, what: DeltaGenerator) -> SweepPlan:
    """The plan as the form stands.

    Args:
        what: where the question, the family and the features are drawn; all else is drawn where this is called.

    Raises:
        InvalidSpec: no knob varies, or a range is empty.
    """
    labels = {SEARCH: None, **{preset.label: preset for preset in PRESETS.values()}}
    question = what.selectbox("Question", list(labels), key="question", bind="query-params")
    preset = labels[question]
    if preset is not None:
        base = settings.default_spec(preset.family)
        for name, choices in preset.choices.items():
            tried = ", ".join(f"{choice:g}" for choice in choices)
            st.caption(
                f"{KNOBS[preset.family][name].label}: {tried}. Each under {preset.repeats} seeds, the same for all."
            )
        data = data_choice()
        workers, minutes = _limits()
        return replace(preset.plan(base, workers=workers, minutes=minutes), data_sha256=data)
    with what:
        family = family_choice(settings)
        base = replace(settings.default_spec(family), features=feature_choice())
    ranges = _ranges(family, base)
    trials = st.slider(
        "Trials",
        1,
        MOST_TRIALS,
        DEFAULT_TRIALS,
        help="How many settings are judged. The first is the family's own default.",
        key="trials",
        bind=bind_of("trials"),
    )
    data = data_choice()
    workers, minutes = _limits()
    plan = SweepPlan.search(base, ranges, trials=trials, workers=workers, minutes=minutes)
    return replace(plan, data_sha256=data)


def _ranges(family: ModelFamily, base: TrainingSpec) -> dict[str, tuple[KnobValue, KnobValue]]:
    knobs = KNOBS[family]
    usual = [name for name, knob in knobs.items() if knob.search]
    chosen = st.multiselect(
        "Knobs that vary",
        list(knobs),
        default=usual,
        format_func=lambda name: knobs[name].label,
        help="The others stay at their defaults.",
        key=f"{family.value}.varied",
    )
    return {name: _range(family, knobs[name]) for name in chosen}


def _range(family: ModelFamily, knob: Knob) -> tuple[KnobValue, KnobValue]:
    low, high = knob.search or (knob.low, knob.high)
    key = f"{family.value}.{knob.name}.range"
    if knob.logarithmic:
        return st.select_slider(
            knob.label,
            knob.stops(low, high),
            value=(float(low), float(high)),
            format_func=lambda stop: f"{stop:g}",
            help=knob.help,
            key=key,
        )
    kind = int if knob.is_integer else float
    return st.slider(
        knob.label,
        kind(knob.low),
        kind(knob.high),
        (kind(low), kind(high)),
        step=kind(knob.step),
        format=f"%,.{knob.shown_digits}f",
        help=knob.help,
        key=key,
    )


def _limits() -> tuple[int, float | None]:
    """Workers and minutes; None for no time limit."""
    left, right = st.columns(2)
    workers = left.number_input(
        "Workers",
        min_value=1,
        max_value=MOST_WORKERS,
        value=1,
        help="Most trials under way at a time. The app's own worker runs as many as jobs.running says; each "
        "`python -m core worker` on any host adds its own.",
        key="workers",
        bind=bind_of("workers"),
    )
    minutes = right.number_input(
        "Minutes",
        min_value=1.0,
        max_value=LONGEST_MINUTES,
        value=None,
        step=1.0,
        format="%.0f",
        placeholder="no limit",
        help="After so much work no further trial starts.",
        key="minutes",
        bind="query-params",
    )
    return int(workers), minutes
