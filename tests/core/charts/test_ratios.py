"""Ratio studies drawn: every band and cell with its own figure, and nothing to draw is said."""

from __future__ import annotations

import numpy as np
import pytest

from core.charts.palette import ACCENT, BAD
from core.charts.ratios import ratio_bands, ratio_map
from core.domain.money import dollars
from core.evaluation.fairness import Fairness, judge_fairness

EAST = np.repeat(np.arange(-122.25, -118, 0.5), 20)
RECORDED = np.linspace(60_000.0, 400_000.0, len(EAST))


def study() -> Fairness:
    return judge_fairness(RECORDED, RECORDED * np.linspace(1.2, 0.9, len(EAST)), EAST, np.full(len(EAST), 37.25))


def test_each_band_is_a_point_with_its_words() -> None:
    found = study()
    trace = ratio_bands(found).data[0]
    assert list(trace.y) == pytest.approx([band.median for band in found.bands])
    assert "COD" in trace.customdata[0]
    assert dollars(found.bands[0].low) in trace.customdata[0]


def test_both_axes_of_the_bands_have_titles() -> None:
    layout = ratio_bands(study()).layout
    assert layout.xaxis.title.text
    assert "ratio" in layout.yaxis.title.text


def test_the_map_is_blue_where_estimates_are_too_high() -> None:
    found = study()
    assert found.cells is not None
    heat = ratio_map(found).data[0]
    assert heat.colorscale[0][1] == BAD
    assert heat.colorscale[-1][1] == ACCENT
    assert heat.zmin + heat.zmax == pytest.approx(2.0), "as recorded lies in the middle of the colours"
    drawn = np.asarray(heat.z, dtype=float)
    assert np.sort(drawn[np.isfinite(drawn)]) == pytest.approx(np.sort(found.cells.median))


def test_nothing_to_draw_is_said() -> None:
    few = judge_fairness(RECORDED[:5], RECORDED[:5])
    assert "Too few" in ratio_bands(few).layout.annotations[0].text
    assert "not here" in ratio_map(few, "The data file is not here.").layout.annotations[0].text
