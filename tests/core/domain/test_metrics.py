"""A metric is written alike on every door: its label, its unit, and a dash where there is none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.metrics import METRICS, SCORE_NAMES, figure_text, metric_of
from core.domain.money import MISSING


@pytest.mark.parametrize(
    ("name", "figure", "text"),
    [
        ("rmse", 48_568.6, "$48,569"),
        ("r2_score", 0.81999, "0.8200"),
        ("mape", 17.96, "18.0 %"),
        ("coverage", 0.907, "90.7 %"),
        ("fit_seconds", 95.0, "1 min 35 s"),
        ("model_mb", 170.4, "170 MB"),
        ("train_rows", 16_512.0, "16,512"),
        ("somebody's own", 1234.5, "1,234.5"),
        ("rmse", math.inf, "∞"),
        ("mine", -math.inf, "−∞"),
        ("coverage", 1.7e308, "∞"),
    ],
)
def test_a_figure_is_written_in_its_unit(name: str, figure: float, text: str) -> None:
    assert figure_text(name, figure) == text


@given(st.sampled_from([*METRICS, "mine"]), st.none() | st.floats())
def test_any_figure_can_be_written_and_only_a_missing_one_is_a_dash(name: str, figure: float | None) -> None:
    assert (figure_text(name, figure) == MISSING) == (figure is None or math.isnan(figure))


def test_an_axis_names_the_unit_where_there_is_one() -> None:
    assert [metric_of(name).title for name in ("rmse", "r2_score", "coverage", "mine")] == [
        "RMSE (1990 $)",
        "R²",
        "Coverage",
        "mine",
    ]


def test_every_metric_has_a_label_of_its_own_and_a_sentence() -> None:
    assert len({metric.label for metric in METRICS.values()}) == len(METRICS)
    assert all(metric.help.endswith(".") for metric in METRICS.values())
    assert set(SCORE_NAMES) < set(METRICS)
