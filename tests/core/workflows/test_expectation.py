"""How long a training should take and how large its model will be, told from the ones before it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.split import split_rows
from core.domain.hyperparameters import KNOBS, ModelFamily, TrainingSpec
from core.domain.runs import Run, RunStatus
from core.domain.settings import Settings
from core.models.footprint import most_megabytes
from core.workflows.expectation import expect, rows_to_fit


def _run(
    seconds: float | None,
    family: str = "random_forest",
    *,
    status: RunStatus = RunStatus.FINISHED,
    tags: dict[str, str] | None = None,
    metrics: dict[str, float] | None = None,
    **knobs: float,
) -> Run:
    params = {name: str(value) for name, value in TrainingSpec.create(family, knobs).as_params().items()}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    took = {} if seconds is None else {"fit_seconds": seconds}
    return Run("id", "name", status, now, now, params, {**took, **(metrics or {})}, tags or {})


def _forest(**knobs: float) -> TrainingSpec:
    return TrainingSpec.create("random_forest", knobs)


def test_nothing_is_expected_before_the_first_run() -> None:
    assert expect(_forest(), []) is None


@pytest.mark.parametrize(
    "run",
    [
        _run(9.0, "extra_trees"),
        _run(None),
        _run(9.0, status=RunStatus.FAILED),
        _run(9.0, status=RunStatus.RUNNING),
        _run(9.0, tags={"data.source": "demo"}),
        _run(math.nan),
        _run(math.inf),
        _run(-1.0),
        _run(1.0, metrics={"restored_trees": 100.0}),
    ],
    ids=[
        *("other family", "no duration", "failed", "running", "demo data", "no number", "endless", "negative"),
        "gone on from checkpoints",
    ],
)
def test_runs_that_tell_nothing_are_passed_over(run: Run) -> None:
    assert expect(_forest(), [run]) is None
    expected = expect(_forest(), [run, _run(4.0)])
    assert expected is not None
    assert (expected.seconds, expected.runs) == (4.0, 1)


def test_params_of_another_program_are_passed_over() -> None:
    params = {"family": "random_forest", "max_depth": "deep"}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    odd = Run("id", "odd", RunStatus.FINISHED, now, now, params, {"fit_seconds": 1.0}, {})
    assert expect(_forest(), [odd]) is None


def test_the_same_spec_takes_as_long_as_before() -> None:
    expected = expect(_forest(n_estimators=100), [_run(8.0, n_estimators=100)])
    assert expected is not None
    assert (expected.seconds, expected.runs) == (8.0, 1)


def test_twice_the_trees_take_twice_as_long() -> None:
    expected = expect(_forest(n_estimators=200), [_run(8.0, n_estimators=100)])
    assert expected is not None
    assert expected.seconds == pytest.approx(16.0)


def test_a_blend_of_more_members_takes_as_much_longer_as_it_has_more_trees() -> None:
    expected = expect(TrainingSpec.create("blend", {"members": 5}), [_run(45.0, "blend", members=3)])
    assert expected is not None
    assert expected.seconds == pytest.approx(65.0)


def test_the_runs_with_the_likest_knobs_tell() -> None:
    deep = [_run(seconds, max_depth=20) for seconds in (10.0, 11.0, 12.0)]
    flat = [_run(seconds, max_depth=4) for seconds in (1.0, 1.1, 1.2)]
    expected = expect(_forest(max_depth=19), [*flat, *deep])
    assert expected is not None
    assert (expected.seconds, expected.runs) == (11.0, 3)
    expected = expect(_forest(max_depth=5), [*flat, *deep])
    assert expected is not None
    assert expected.seconds == 1.1


def test_a_family_without_trees_is_compared_as_it_is() -> None:
    expected = expect(TrainingSpec.create("ridge", {"alpha": 5.0}), [_run(0.3, "ridge", alpha=1.0)])
    assert expected is not None
    assert expected.seconds == 0.3


def test_a_training_on_demo_data_learns_from_demo_runs_alone() -> None:
    demo, real = _run(1.0, tags={"data.source": "demo"}), _run(9.0, tags={"data.source": "file"})
    on_demo = expect(_forest(), [demo, real], on_demo=True)
    on_real = expect(_forest(), [demo, real])
    assert on_demo is not None
    assert on_real is not None
    assert (on_demo.seconds, on_real.seconds) == (1.0, 9.0)


def test_memory_is_learnt_as_time_is() -> None:
    past = [_run(8.0, metrics={"model_mb": mb}, n_estimators=100) for mb in (100.0, 110.0, 120.0)]
    expected = expect(_forest(n_estimators=200), past, rows=lambda: 16_512)
    assert expected is not None
    assert expected.megabytes == pytest.approx(220.0)
    assert expected.most_megabytes is None


def test_runs_from_before_memory_was_logged_still_tell_the_time() -> None:
    expected = expect(TrainingSpec.create("lightgbm"), [_run(8.0, "lightgbm")], rows=lambda: 16_512)
    assert expected is not None
    assert (expected.seconds, expected.megabytes, expected.most_megabytes) == (8.0, None, None)
    forest = expect(_forest(), [_run(8.0)], rows=lambda: 16_512)
    assert forest is not None
    assert forest.seconds == 8.0
    assert forest.most_megabytes == most_megabytes(_forest(), 16_512)


def test_a_run_that_went_on_from_checkpoints_tells_its_memory_alone() -> None:
    restored = _run(0.5, metrics={"restored_trees": 140.0, "model_mb": 170.0})
    expected = expect(_forest(), [restored])
    assert expected is not None
    assert (expected.seconds, expected.runs, expected.megabytes) == (None, 0, 170.0)


def test_before_the_first_run_a_forest_has_an_upper_bound() -> None:
    expected = expect(_forest(), [], rows=lambda: 16_512)
    assert expected is not None
    assert (expected.seconds, expected.runs, expected.megabytes) == (None, 0, None)
    assert expected.most_megabytes == most_megabytes(_forest(), 16_512)
    assert expect(TrainingSpec.create("ridge"), [], rows=lambda: 16_512) is None
    assert expect(_forest(), [], rows=lambda: None) is None


def test_the_rows_are_not_counted_while_a_run_tells_the_memory() -> None:
    asked: list[int] = []
    expect(_forest(), [_run(8.0, metrics={"model_mb": 170.0})], rows=lambda: asked.append(1))
    assert not asked


def test_a_training_fits_on_what_the_split_leaves(settings: Settings, real_rows: pd.DataFrame) -> None:
    assert rows_to_fit(settings) == len(split_rows(real_rows).X_train) == 16_512


@st.composite
def _specs(draw: st.DrawFn) -> TrainingSpec:
    family = draw(st.sampled_from(ModelFamily))
    values = {
        name: draw(st.integers(int(knob.low), int(knob.high)) if knob.is_integer else st.floats(knob.low, knob.high))
        for name, knob in KNOBS[family].items()
    }
    return TrainingSpec.create(family, values)


@given(
    spec=_specs(),
    past=st.lists(st.tuples(_specs(), st.floats() | st.none(), st.sampled_from(RunStatus)), max_size=8),
)
def test_an_expectation_is_a_length_of_time(
    spec: TrainingSpec, past: list[tuple[TrainingSpec, float | None, RunStatus]]
) -> None:
    runs = [_run(seconds, one.family.value, status=status, **one.values) for one, seconds, status in past]
    expected = expect(spec, runs)
    if expected is not None:
        assert expected.seconds is not None
        assert expected.seconds >= 0
        assert 1 <= expected.runs <= 3


def test_a_run_on_other_features_tells_nothing_of_the_time() -> None:
    spec = TrainingSpec.create("ridge", features="location")
    params = {name: str(value) for name, value in spec.as_params().items()}
    basic, located = _run(1.0, "ridge"), replace(_run(9.0, "ridge"), params=params)
    for wanted, seconds in ((spec, 9.0), (TrainingSpec.create("ridge"), 1.0)):
        expected = expect(wanted, [basic, located])
        assert expected is not None
        assert (expected.seconds, expected.runs) == (seconds, 1)
    assert expect(spec, [basic]) is None
