"""A spec is complete and within its ranges, or there is none; it survives the records as text."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import InvalidSpec
from core.domain.hyperparameters import (
    KNOBS,
    LARGEST_SEED,
    FeatureSet,
    Knob,
    ModelFamily,
    TrainingSpec,
    parse_family,
    whole_params,
)

ALL_KNOBS = [(family, knob) for family in ModelFamily for knob in KNOBS[family].values()]


def value_of(knob: Knob) -> st.SearchStrategy[int | float]:
    if knob.is_integer:
        return st.integers(int(knob.low), int(knob.high))
    return st.floats(knob.low, knob.high)


@st.composite
def specs(draw: st.DrawFn) -> TrainingSpec:
    family = draw(st.sampled_from(ModelFamily))
    values = {knob.name: draw(value_of(knob)) for knob in KNOBS[family].values()}
    features = draw(st.sampled_from(FeatureSet))
    return TrainingSpec.create(family, values, seed=draw(st.integers(0, LARGEST_SEED)), features=features)


@pytest.mark.parametrize(("family", "knob"), ALL_KNOBS, ids=lambda part: getattr(part, "name", part))
def test_a_knob_lies_within_its_own_range_and_explains_itself(family, knob):
    assert knob.low < knob.high
    assert knob.low <= knob.default <= knob.high
    assert 0 < knob.step <= knob.high - knob.low
    assert isinstance(knob.default, int) is knob.is_integer
    assert knob.label
    assert knob.help.endswith(".")
    assert KNOBS[family][knob.name] is knob


@pytest.mark.parametrize("family", ModelFamily)
def test_every_family_has_knobs_a_label_and_a_valid_default_spec(family):
    spec = TrainingSpec.create(family)
    assert spec.values == {name: knob.default for name, knob in KNOBS[family].items()}
    assert family.label != family.value


@given(st.sampled_from(ALL_KNOBS), st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary())
def test_a_knob_answers_anything_with_a_value_in_range_or_a_refusal(family_and_knob, value):
    _, knob = family_and_knob
    try:
        parsed = knob.parse(value)
    except InvalidSpec as error:
        refusal = error
    else:
        assert knob.low <= parsed <= knob.high
        assert type(parsed) is (int if knob.is_integer else float)
        return
    assert knob.name in refusal.what
    assert f"{knob.low:g} to {knob.high:g}" in refusal.remedy


@given(st.sampled_from(ALL_KNOBS).flatmap(lambda pair: st.tuples(st.just(pair[1]), value_of(pair[1]))))
def test_a_knob_reads_its_own_values_back_from_text(knob_and_value):
    knob, value = knob_and_value
    assert knob.parse(str(value)) == value


TREES, PENALTY = KNOBS[ModelFamily.RANDOM_FOREST]["n_estimators"], KNOBS[ModelFamily.RIDGE]["alpha"]


@pytest.mark.parametrize(
    ("knob", "value", "why"),
    [
        (TREES, 150.5, "not a whole number"),
        (TREES, "many", "not a number"),
        (TREES, True, "not a number"),
        (TREES, None, "not a number"),
        (TREES, 501, "outside 10 to 500"),
        (TREES, 9, "outside 10 to 500"),
        (PENALTY, float("nan"), "not a finite number"),
        (PENALTY, "inf", "not a finite number"),
        (PENALTY, 10**400, "not a finite number"),
        (PENALTY, 0, "outside 0.001 to 1000"),
    ],
)
def test_a_refusal_says_why(knob, value, why):
    with pytest.raises(InvalidSpec, match=f"{knob.name} is .*: {why}"):
        knob.parse(value)


def test_a_whole_number_may_be_written_with_a_point():
    assert TREES.parse("150.0") == 150


@given(specs())
def test_a_spec_survives_the_records_where_everything_is_text(spec):
    logged = {name: str(value) for name, value in spec.as_params().items()}
    assert TrainingSpec.from_params({**logged, "split": "random", "test_size": "0.2"}) == spec


@given(specs())
def test_a_spec_survives_the_way_to_another_process(spec):
    assert pickle.loads(pickle.dumps(spec)) == spec  # noqa: S301 - our own bytes
    assert hash(spec) == hash(TrainingSpec.create(spec.family, spec.values, seed=spec.seed, features=spec.features))


def test_an_unknown_knob_is_named_beside_those_there_are():
    with pytest.raises(InvalidSpec, match=r"ridge has no hyperparameter depth, trees\.") as refusal:
        TrainingSpec.create("ridge", {"trees": 3, "depth": 2})
    assert refusal.value.remedy == "It has alpha."


@pytest.mark.parametrize("name", ["", "Random forest", "xgboost"])
def test_an_unknown_family_is_answered_with_those_there_are(name):
    with pytest.raises(InvalidSpec, match="There is no model family") as refusal:
        parse_family(name)
    assert all(family.value in refusal.value.remedy for family in ModelFamily)


def test_params_without_a_family_are_no_spec():
    with pytest.raises(InvalidSpec, match="There is no model family ''"):
        TrainingSpec.from_params({"n_estimators": "100"})


@pytest.mark.parametrize("seed", [-1, LARGEST_SEED + 1, 4.2, "", "x", True, None])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(InvalidSpec, match="seed is"):
        TrainingSpec.create("ridge", seed=seed)


@pytest.mark.parametrize("seed", [0, "7", LARGEST_SEED])
def test_a_seed_in_range_is_taken_as_number_or_text(seed):
    assert TrainingSpec.create("ridge", seed=seed).seed == int(seed)


@pytest.mark.parametrize(
    ("family", "values", "name"),
    [
        ("random_forest", {"n_estimators": 300}, "random_forest_300_trees"),
        ("extra_trees", {"n_estimators": 10}, "extra_trees_10_trees"),
        ("hist_gradient_boosting", {"max_iter": 600}, "hist_gradient_boosting_600_trees"),
        ("lightgbm", {"n_estimators": 1000}, "lightgbm_1000_trees"),
        ("ridge", {"alpha": 0.5}, "ridge_alpha_0.5"),
        ("blend", {"members": 3, "n_estimators": 2000}, "blend_9000_trees"),
    ],
)
def test_a_run_is_named_after_its_family_and_size(family, values, name):
    assert TrainingSpec.create(family, values).default_run_name == name


def test_a_run_on_location_features_says_so_in_its_name():
    assert TrainingSpec.create("ridge", {"alpha": 0.5}, features="location").default_run_name == (
        "ridge_alpha_0.5_location"
    )
    spec = TrainingSpec.create("lightgbm", {"n_estimators": 2000}, features=FeatureSet.LOCATION)
    assert spec.default_run_name == "lightgbm_2000_trees_location"
    assert spec != TrainingSpec.create("lightgbm", {"n_estimators": 2000})


def test_a_run_from_before_there_were_feature_sets_has_the_basic_one():
    params = TrainingSpec.create("ridge").as_params()
    assert params.pop("features") == "basic"
    assert TrainingSpec.from_params(params) == TrainingSpec.create("ridge")
    old = {name: str(value) for name, value in params.items()}
    assert whole_params(old) == {**old, "features": "basic"}
    assert whole_params({**old, "features": "location"})["features"] == "location"
    boosted = TrainingSpec.create("lightgbm")
    before_bins = {name: str(value) for name, value in boosted.as_params().items() if name != "max_bin"}
    assert TrainingSpec.from_params(whole_params(before_bins)) == boosted
    assert whole_params(before_bins)["max_bin"] == "255"
    assert whole_params({"family": "somebody's own", "depth": "3"}) == {"family": "somebody's own", "depth": "3"}


def test_an_unknown_feature_set_is_refused_with_those_there_are():
    with pytest.raises(InvalidSpec, match="everything") as refusal:
        TrainingSpec.create("ridge", features="everything")
    assert "basic, location" in refusal.value.remedy


def test_the_size_is_what_progress_counts():
    assert TrainingSpec.create("random_forest", {"n_estimators": 80}).size == 80
    assert TrainingSpec.create("hist_gradient_boosting", {"max_iter": 250}).size == 250
    assert TrainingSpec.create("ridge").size is None
    of_a_blend = {"members": 2, "n_estimators": 100}
    assert TrainingSpec.create("blend", of_a_blend).size == 2 * 100 + 100 + 50
