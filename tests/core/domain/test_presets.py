"""Settings with a name are whole specs, and a spec knows whose it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.errors import InvalidSpec
from core.domain.hyperparameters import FeatureSet, ModelFamily, TrainingSpec
from core.domain.presets import TRAINING_PRESETS, TrainingPreset, preset_named, preset_of


@pytest.mark.parametrize("preset", TRAINING_PRESETS.values(), ids=lambda preset: preset.name)
def test_a_preset_is_a_complete_spec_that_is_known_again(preset: TrainingPreset) -> None:
    assert preset.label
    assert preset.help.endswith(".")
    assert preset_named(preset.name) is preset
    assert TrainingSpec.from_params(preset.spec.as_params()) == preset.spec
    assert preset_of(preset.spec) is preset
    assert preset_of(replace(preset.spec, seed=7)) is preset


def test_the_reference_is_the_old_projects_forest() -> None:
    spec = TRAINING_PRESETS["reference"].spec
    assert (spec.family, spec.features) == (ModelFamily.RANDOM_FOREST, FeatureSet.BASIC)
    assert (spec.values["n_estimators"], spec.values["max_depth"], spec.values["max_features"]) == (150, 20, 1.0)


def test_the_ensemble_is_the_best_one_several_times() -> None:
    best, ensemble = TRAINING_PRESETS["best"].spec, TRAINING_PRESETS["ensemble"].spec
    assert (ensemble.family, ensemble.features) == (ModelFamily.BLEND, best.features)
    assert ensemble.values == {"members": 3, **best.values}


def test_other_settings_are_no_preset() -> None:
    best = TRAINING_PRESETS["best"].spec
    other = TrainingSpec.create(best.family, {**best.values, "num_leaves": 64}, features=best.features)
    assert preset_of(other) is None
    assert preset_of(replace(best, features=FeatureSet.BASIC)) is None
    with pytest.raises(InvalidSpec, match="quickest") as refusal:
        preset_named("quickest")
    assert "reference, fast, best, ensemble" in refusal.value.remedy
