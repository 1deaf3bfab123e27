"""The hyperparameters as sliders, made from the one place their ranges stand in. Every value is in the address."""

from __future__ import annotations

import streamlit as st

from core.domain.hyperparameters import KNOBS, LARGEST_SEED, Knob, KnobValue, ModelFamily, TrainingSpec
from core.domain.settings import Settings

_WANTED = "spec_to_train"


def family_choice(settings: Settings) -> ModelFamily:
    """Which kind of model."""
    names = [family.value for family in ModelFamily]
    chosen = st.selectbox(
        "Model family",
        names,
        index=names.index(settings.model.family),
        format_func=lambda name: ModelFamily(name).label,
        key="family",
        bind="query-params",
    )
    return ModelFamily(chosen)


def sliders(settings: Settings, family: ModelFamily) -> TrainingSpec:
    """A slider a knob and the seed, as a complete spec. They start where ``config.yaml`` puts them.

    Raises:
        InvalidSpec: a value does not fit its knob.
    """
    start = settings.default_spec(family)
    chosen = {name: _slider(family, knob, start.values[name]) for name, knob in KNOBS[family].items()}
    seed = st.number_input(
        "Seed",
        min_value=0,
        max_value=LARGEST_SEED,
        value=start.seed,
        step=1,
        help="The estimator's random seed. The same settings, rows and seed make the same model, bit for bit.",
        key="seed",
        bind="query-params",
    )
    return TrainingSpec.create(family, chosen, seed=int(seed))


def train_again(spec: TrainingSpec) -> None:
    """Open Train with these settings in its form."""
    st.session_state[_WANTED] = spec
    st.switch_page("train.py")


def take_over() -> None:
    """Put the form to the settings somebody wants to train again. Call it before the form is drawn."""
    spec = st.session_state.pop(_WANTED, None)
    if isinstance(spec, TrainingSpec):
        st.session_state["family"] = spec.family.value
        st.session_state["seed"] = spec.seed
        for name, value in spec.hyperparameters:
            st.session_state[_key(spec.family, name)] = value


def _key(family: ModelFamily, name: str) -> str:
    return f"{family.value}.{name}"


def _slider(family: ModelFamily, knob: Knob, start: KnobValue) -> KnobValue:
    key = _key(family, knob.name)
    if knob.logarithmic:
        return st.select_slider(
            knob.label,
            knob.stops(start, st.query_params.get(key), st.session_state.get(key)),
            value=start,
            format_func=lambda stop: f"{stop:g}",
            help=knob.help,
            key=key,
            bind="query-params",
        )
    kind = int if knob.is_integer else float
    return st.slider(
        knob.label,
        min_value=kind(knob.low),
        max_value=kind(knob.high),
        value=kind(start),
        step=kind(knob.step),
        format=f"%.{knob.shown_digits}f",
        help=knob.help,
        key=key,
        bind="query-params",
    )
