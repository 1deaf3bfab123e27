"""The hyperparameters as sliders, made from the one place their ranges stand in. Every value is in the address."""

from __future__ import annotations

import time
from collections.abc import Collection

import streamlit as st
from streamlit.errors import StreamlitAPIException

from core.domain.datasets import CONFIGURED
from core.domain.hyperparameters import KNOBS, LARGEST_SEED, FeatureSet, Knob, KnobValue, ModelFamily, TrainingSpec
from core.domain.presets import TRAINING_PRESETS, preset_of
from core.domain.settings import Settings
from pages.shared.data_choice import name_in_address
from pages.shared.endless import bind_of

_WANTED = "spec_to_train"
_PRESET = "preset"
_FEATURES = "features"
_SEED = "seed"
_TAKEN = "preset_taken"
_MOMENT_SECONDS = 3.0
"""So long the browser may take to hear of a preset; no hand puts a whole form back in that time."""


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


def preset_choice(spec: TrainingSpec) -> None:
    """The preset whose settings the form shows, none for others; choosing one puts the form to its own.

    Args:
        spec: what the form below it shows. Draw that first, into a container that comes second.
    """
    shown = preset_of(spec)
    st.session_state[_PRESET] = shown.name if shown else None
    # Not bound: an address that names a preset beside other settings would be shown as that preset.
    if shown is None:
        st.query_params.pop(_PRESET, None)
    elif st.query_params.get(_PRESET) != shown.name:
        st.query_params[_PRESET] = shown.name
    # Four of them do not fit beside each other on every screen, and these may stand in two lines.
    st.pills(
        "Preset",
        list(TRAINING_PRESETS),
        format_func=lambda name: TRAINING_PRESETS[name].label,
        help="  \n".join(f"**{preset.label}**: {preset.help}" for preset in TRAINING_PRESETS.values()),
        key=_PRESET,
        on_change=_take_preset,
        args=(spec,),
        width="stretch",
    )


def feature_choice() -> FeatureSet:
    """Which columns the model makes of the nine features."""
    chosen = st.segmented_control(
        "Features",
        [features.value for features in FeatureSet],
        default=FeatureSet.BASIC.value,
        format_func=lambda name: FeatureSet(name).label,
        help="  \n".join(f"**{features.label}**: {features.help}" for features in FeatureSet),
        key=_FEATURES,
        width="stretch",
        bind="query-params",
    )
    # Pressing the chosen one again leaves none chosen.
    return FeatureSet(chosen or FeatureSet.BASIC.value)


def sliders(settings: Settings, family: ModelFamily, features: FeatureSet = FeatureSet.BASIC) -> TrainingSpec:
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
        key=_SEED,
        bind=bind_of(_SEED),
    )
    return TrainingSpec.create(family, chosen, seed=int(seed), features=features)


def train_again(spec: TrainingSpec, data_sha256: str = CONFIGURED) -> None:
    """Open Train with these settings in its form, and these rows where they are a dataset that is here."""
    st.session_state[_WANTED] = spec
    st.switch_page("train.py", query_params=name_in_address(data_sha256))


def take_over() -> None:
    """Put the form to the settings somebody wants to train again, or to the preset an address names alone.

    Call it before the form is drawn.
    """
    spec = st.session_state.pop(_WANTED, None)
    if isinstance(spec, TrainingSpec):
        _put(spec)
    elif (lost := _lost_preset()) is not None:
        _put(lost, keeping={_SEED})
    elif _PRESET not in st.session_state:
        preset = TRAINING_PRESETS.get(st.query_params.get(_PRESET, "").lower())
        # What else the address says counts more; another family leaves nothing of the preset.
        if preset is not None and st.query_params.get("family", preset.spec.family.label) == preset.spec.family.label:
            _put(preset.spec, keeping={_SEED, *st.query_params})


def _put(spec: TrainingSpec, *, keeping: Collection[str] = ()) -> None:
    """Set the form's widgets to a spec, but those of the keys to keep; only before they are drawn."""
    for key, (value, written) in _widgets_of(spec).items():
        if key not in keeping:
            _set(key, value, written)


def _widgets_of(spec: TrainingSpec) -> dict[str, tuple[KnobValue | str, str]]:
    """What each widget of the form says where it shows a spec, and how the address writes it."""
    return {
        "family": (spec.family.value, spec.family.label),
        _FEATURES: (spec.features.value, spec.features.label),
        _SEED: (spec.seed, str(spec.seed)),
        **{_key(spec.family, name): (value, f"{value:.12g}") for name, value in spec.hyperparameters},
    }


def _set(key: str, value: object, written: str) -> None:
    """Set a widget, and what the address says of it: one that is only about to be drawn does not write that itself."""
    st.session_state[key] = value
    try:
        st.query_params[key] = written
    except StreamlitAPIException:
        return  # it is drawn already, and moves the address along


def _take_preset(before: TrainingSpec) -> None:
    chosen = str(st.session_state.get(_PRESET))
    if chosen in TRAINING_PRESETS:
        _put(TRAINING_PRESETS[chosen].spec, keeping={_SEED})
        st.session_state[_TAKEN] = (before, chosen, time.monotonic())


def _lost_preset() -> TrainingSpec | None:
    """The preset that was chosen a moment ago where the form says again, to the last knob, what it said before.

    A part of the screen that redraws itself asks the server with what the browser shows, and if it asks before the
    browser has heard of the preset, the whole form falls back.
    """
    before, chosen, since = st.session_state.get(_TAKEN, (None, "", 0.0))
    if before is None or time.monotonic() - since > _MOMENT_SECONDS:
        return None
    fell_back = all(st.session_state.get(key) == value for key, (value, _) in _widgets_of(before).items())
    return TRAINING_PRESETS[chosen].spec if fell_back else None


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
        format=f"%,.{knob.shown_digits}f",
        help=knob.help,
        key=key,
        bind=bind_of(key),
    )
