"""Static pictures for the records, and the arithmetic all pictures of a fit share."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from core.domain.settings import PROJECT_ROOT
from core.evaluation.figures import fit_png, paired, residual_band, residual_png

DRAWERS = [fit_png, residual_png]
ORANGE = (213, 94, 0)


def held_out(rows: int = 4_128) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(42)
    actual = np.minimum(random.lognormal(12, 0.5, rows), 500_001.0)
    return actual, actual + random.normal(0, 40_000, rows)


def picture(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=int)


def share_near(pixels: np.ndarray, colour: tuple[int, int, int]) -> float:
    return float((np.abs(pixels - colour).sum(axis=2) < 60).mean())


@pytest.mark.parametrize("draw", DRAWERS)
def test_the_held_out_rows_make_a_small_sharp_png(draw) -> None:
    png = draw(*held_out(), "LightGBM, 600 trees")
    assert png.startswith(b"\x89PNG")
    assert len(png) < 100_000
    height, width, _ = picture(png).shape
    assert (width, height) == (768, 672)


@pytest.mark.parametrize("draw", DRAWERS)
def test_points_and_trend_are_on_the_picture(draw) -> None:
    pixels = picture(draw(*held_out(), "t"))
    assert share_near(pixels, ORANGE) > 0.001
    blue = (pixels[..., 2] - pixels[..., 0] > 40).mean()
    assert blue > 0.01


def test_better_predictions_lie_nearer_the_diagonal() -> None:
    actual, predicted = held_out()
    spread = [
        (picture(fit_png(actual, actual + share * (predicted - actual), "t"))[..., 0] < 200).mean()
        for share in (0.1, 1.0)
    ]
    assert spread[0] < spread[1]


@pytest.mark.parametrize("draw", DRAWERS)
def test_the_same_rows_give_the_same_bytes(draw) -> None:
    assert draw(*held_out(300), "t") == draw(*held_out(300), "t")


@pytest.mark.parametrize("draw", DRAWERS)
@pytest.mark.parametrize("rows", [0, 1, 5])
def test_few_rows_or_none_are_drawn_without_a_fault(draw, rows: int) -> None:
    assert Image.open(io.BytesIO(draw(*held_out(rows), "t"))).size == (768, 672)


@pytest.mark.parametrize("draw", DRAWERS)
def test_rows_without_a_number_change_the_count_and_not_the_points(draw) -> None:
    actual, predicted = held_out(200)
    whole, gapped = (
        picture(draw(*pair, "t"))
        for pair in ((actual, predicted), (np.append(actual, np.nan), np.append(predicted, 1e5)))
    )
    # A few values apart is the palette's doing: it is chosen for each picture.
    header, changed = 70, np.abs(whole - gapped).sum(axis=2) > 90
    assert not changed[header:].any()
    assert changed[:header].any()


@pytest.mark.parametrize("draw", DRAWERS)
def test_arrays_of_different_length_are_refused(draw) -> None:
    with pytest.raises(ValueError, match=r"must be \(n,\)"):
        draw([1.0, 2.0], [1.0], "t")


def test_drawing_stays_under_a_quarter_second() -> None:
    rows = held_out()
    fit_png(*rows, "first use loads the fonts")
    for draw in DRAWERS:
        spent = []
        for _ in range(5):
            before = time.process_time()
            draw(*rows, "t")
            spent.append(time.process_time() - before)
        assert min(spent) < 0.25


def test_the_module_loads_no_matplotlib_and_drawing_no_pyplot() -> None:
    code = (
        "import sys, core.evaluation.figures as f\n"
        "assert 'matplotlib' not in sys.modules\n"
        "f.fit_png([1e5], [2e5], 't')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=True)


def test_drawing_leaves_matplotlibs_settings_alone() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    residual_png(*held_out(50), "t")
    assert dict(mpl.rcParams) == before


def test_pairs_keep_their_places_and_count_what_is_left_out() -> None:
    prices = paired([np.nan, 2.0, 3.0, np.inf], [1.0, 1.5, np.nan, 1.0])
    assert (prices.rows.tolist(), prices.omitted) == ([1], 3)
    assert prices.residual.tolist() == [0.5]


def test_too_few_rows_have_no_band() -> None:
    assert residual_band(paired(np.arange(19.0), np.arange(19.0))).median.size == 0


@given(arrays(float, st.integers(20, 300), elements=st.floats(0, 500_001)), st.integers(1, 25))
def test_the_band_holds_its_median_and_moves_along_the_prediction(actual: np.ndarray, bins: int) -> None:
    predicted = np.sqrt(actual) * 500
    band = residual_band(paired(actual, predicted), bins=bins)
    assert 1 <= band.median.size <= bins
    assert (band.low <= band.median).all()
    assert (band.median <= band.high).all()
    assert (np.diff(band.predicted) >= 0).all()


def test_the_band_is_numpys_percentiles_of_each_bin() -> None:
    actual, predicted = held_out(407)
    prices = paired(actual, predicted)
    band = residual_band(prices, bins=7)
    order = np.argsort(predicted, kind="stable")
    for place, rows in enumerate(np.split(order, np.flatnonzero(np.diff(np.arange(407) * 7 // 407)) + 1)):
        expected = np.percentile(prices.residual[rows], [10, 50, 90])
        np.testing.assert_allclose([band.low[place], band.median[place], band.high[place]], expected)


@pytest.mark.parametrize(
    "title", [r"$\frac{$", "$a_b$ and $", "line\x85break\x07", "<b>&amp;</b>", "مرحبا 🏠", "x" * 200]
)
def test_any_run_name_makes_a_title(title: str) -> None:
    """A name is text: no formula that fails to parse, and no sign that warns of a missing glyph."""
    actual = np.linspace(50_000, 500_001, 60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for picture in (fit_png(actual, actual * 0.9, title), residual_png(actual, actual * 0.9, title)):
            assert picture.startswith(b"\x89PNG")
