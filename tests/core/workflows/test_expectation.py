"""How long a training should take, told from the ones before it."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.hyperparameters import KNOBS, ModelFamily, TrainingSpec
from core.domain.runs import Run, RunStatus
from core.workflows.expectation import expected_duration


def _run(
    seconds: float | None,
    family: str = "random_forest",
    *,
    status: RunStatus = RunStatus.FINISHED,
    tags: dict[str, str] | None = None,
    **knobs: float,
) -> Run:
    params = {name: str(value) for name, value in TrainingSpec.create(family, knobs).as_params().items()}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Run("id", "name", status, now, now, params, {} if seconds is None else {"fit_seconds": seconds}, tags or {})


def _forest(**knobs: float) -> TrainingSpec:
    return TrainingSpec.create("random_forest", knobs)


def test_nothing_is_expected_before_the_first_run() -> None:
    assert expected_duration(_forest(), []) is None


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
    ],
    ids=["other family", "no duration", "failed", "running", "demo data", "no number", "endless", "negative"],
)
def test_runs_that_tell_nothing_are_passed_over(run: Run) -> None:
    assert expected_duration(_forest(), [run]) is None
    expected = expected_duration(_forest(), [run, _run(4.0)])
    assert expected is not None
    assert (expected.seconds, expected.runs) == (4.0, 1)


def test_params_of_another_program_are_passed_over() -> None:
    params = {"family": "random_forest", "max_depth": "deep"}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    odd = Run("id", "odd", RunStatus.FINISHED, now, now, params, {"fit_seconds": 1.0}, {})
    assert expected_duration(_forest(), [odd]) is None


def test_the_same_spec_takes_as_long_as_before() -> None:
    expected = expected_duration(_forest(n_estimators=100), [_run(8.0, n_estimators=100)])
    assert expected is not None
    assert (expected.seconds, expected.runs) == (8.0, 1)


def test_twice_the_trees_take_twice_as_long() -> None:
    expected = expected_duration(_forest(n_estimators=200), [_run(8.0, n_estimators=100)])
    assert expected is not None
    assert expected.seconds == pytest.approx(16.0)


def test_the_runs_with_the_likest_knobs_tell() -> None:
    deep = [_run(seconds, max_depth=20) for seconds in (10.0, 11.0, 12.0)]
    flat = [_run(seconds, max_depth=4) for seconds in (1.0, 1.1, 1.2)]
    expected = expected_duration(_forest(max_depth=19), [*flat, *deep])
    assert expected is not None
    assert (expected.seconds, expected.runs) == (11.0, 3)
    expected = expected_duration(_forest(max_depth=5), [*flat, *deep])
    assert expected is not None
    assert expected.seconds == 1.1


def test_a_family_without_trees_is_compared_as_it_is() -> None:
    expected = expected_duration(TrainingSpec.create("ridge", {"alpha": 5.0}), [_run(0.3, "ridge", alpha=1.0)])
    assert expected is not None
    assert expected.seconds == 0.3


def test_a_training_on_demo_data_learns_from_demo_runs_alone() -> None:
    demo, real = _run(1.0, tags={"data.source": "demo"}), _run(9.0, tags={"data.source": "file"})
    on_demo = expected_duration(_forest(), [demo, real], on_demo=True)
    on_real = expected_duration(_forest(), [demo, real])
    assert on_demo is not None
    assert on_real is not None
    assert (on_demo.seconds, on_real.seconds) == (1.0, 9.0)


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
    expected = expected_duration(spec, runs)
    if expected is not None:
        assert expected.seconds >= 0
        assert 1 <= expected.runs <= 3
