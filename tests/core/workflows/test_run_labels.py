"""What runs are called side by side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.runs import Run, RunStatus
from core.workflows.run_labels import param_titles, settings_labels, unique_labels

NOON = datetime(2026, 3, 4, 12, 0, 30, tzinfo=UTC)


def run(run_id: str, name: str = "forest", *, seed: str = "", after: float = 0.0) -> Run:
    params = {"seed": seed} if seed else {}
    started = NOON + timedelta(seconds=after)
    return Run(run_id, name, RunStatus.FINISHED, started, started, params, {}, {})


def test_names_that_differ_stay_as_they_are() -> None:
    assert unique_labels([run("a", "one"), run("b", "two")]) == {"a": "one", "b": "two"}


@pytest.mark.parametrize(
    ("runs", "labels"),
    [
        ([run("a", seed="1"), run("b", seed="2")], ["forest (seed 1)", "forest (seed 2)"]),
        (
            [run("a", seed="1"), run("b", seed="1", after=60)],
            ["forest (04 March 2026 12:00 UTC)", "forest (04 March 2026 12:01 UTC)"],
        ),
        (
            [run("a", seed="1"), run("b", after=2)],
            ["forest (04 March 2026 12:00:30 UTC)", "forest (04 March 2026 12:00:32 UTC)"],
        ),
        ([run("1" * 32), run("2" * 32)], ["forest (11111111)", "forest (22222222)"]),
        ([run("1" * 31 + "a"), run("1" * 31 + "b")], [f"forest ({'1' * 31}a)", f"forest ({'1' * 31}b)"]),
        ([run("a" * 32, " "), run("b" * 32, "")], ["aaaaaaaa", "bbbbbbbb"]),
        ([run("a", "forest (seed 2)"), run("b", seed="2"), run("c", seed="3")], None),
    ],
)
def test_runs_of_one_name_are_told_apart_by_what_differs_first(runs: list[Run], labels: list[str] | None) -> None:
    found = list(unique_labels(runs).values())
    assert len(set(found)) == len(runs)
    assert labels is None or found == labels


@given(st.lists(st.tuples(st.text(max_size=8), st.sampled_from(["", "1", "2"]), st.integers(0, 3)), max_size=8))
def test_no_two_labels_are_alike_and_none_harms_a_terminal(parts: list[tuple[str, str, int]]) -> None:
    runs = [run(f"{number:032x}", name, seed=seed, after=after) for number, (name, seed, after) in enumerate(parts)]
    labels = unique_labels(runs)
    assert list(labels) == [one.run_id for one in runs]
    assert len(set(labels.values())) == len(runs)
    assert all(label and label.isprintable() for label in labels.values())


def test_params_of_one_title_have_their_own_name_beside_it() -> None:
    assert param_titles(["min_samples_leaf", "min_child_samples", "max_depth", "mine"]) == {
        "min_samples_leaf": "Rows in a leaf (min_samples_leaf)",
        "min_child_samples": "Rows in a leaf (min_child_samples)",
        "max_depth": "Depth",
        "mine": "mine",
    }


def test_settings_are_called_by_what_differs_within_their_family() -> None:
    found = settings_labels(
        {
            "a": {"family": "random_forest", "n_estimators": "150", "max_depth": "20"},
            "b": {"family": "random_forest", "n_estimators": "200", "max_depth": "20"},
            "c": {"family": "ridge", "alpha": "1.0"},
            "d": {},
        }
    )
    assert found == {
        "a": "Random forest, Trees 150",
        "b": "Random forest, Trees 200",
        "c": "Ridge regression",
        "d": "no params",
    }
