"""The theme of ``.streamlit/config.toml``: readable in light and dark, one with the palette, and offline."""

from __future__ import annotations

import itertools
import re
import tomllib
from typing import Any

import numpy as np
import pytest
from streamlit import config as streamlit_config
from streamlit.elements.lib import streamlit_plotly_theme

from core.charts import frame, palette
from core.domain.hyperparameters import ModelFamily
from core.domain.settings import PROJECT_ROOT

CONFIG = tomllib.loads((PROJECT_ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
THEME = CONFIG["theme"]
SCHEMES = ("light", "dark")
AA_TEXT = 4.5
AA_MARK = 3.0
CAPTION_OPACITY = 0.6
"""Streamlit fades captions and table headers to this share of the text colour."""

CHOSEN_OPACITY = 0.2
"""The ground of a chosen segment is at most this share of the accent."""

CONTRAST = (PROJECT_ROOT / "pages" / "shared" / "contrast.css").read_text(encoding="utf-8")

# Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB.
SEEN_BY = {
    "trichromats": np.eye(3),
    "protanopes": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopes": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)], dtype=float)


def linear(values: np.ndarray) -> np.ndarray:
    share = values / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    """WCAG 2.2's contrast ratio of two sRGB colours, 0 to 255."""
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def difference(one: str, other: str, seen: np.ndarray) -> float:
    """Distance in Oklab (Ottosson 2020), 0 to 100: a trained eye sees about 2."""

    def oklab(colour: str) -> np.ndarray:
        light = np.clip(seen @ linear(rgb(colour)), 0, 1)
        cones = np.cbrt(
            np.array(
                [
                    [0.4122214708, 0.5363325363, 0.0514459929],
                    [0.2119034982, 0.6806995451, 0.1073969566],
                    [0.0883024619, 0.2817188376, 0.6299787005],
                ]
            )
            @ light
        )
        return 100 * (
            np.array(
                [
                    [0.2104542553, 0.7936177850, -0.0040720468],
                    [1.9779984951, -2.4285922050, 0.4505937099],
                    [0.0259040371, 0.7827717662, -0.8086757660],
                ]
            )
            @ cones
        )

    return float(np.linalg.norm(oklab(one) - oklab(other)))


def place(scheme: str, where: str) -> dict[str, Any]:
    """A theme's options as Streamlit resolves them: the sidebar's own over the scheme's over the common."""
    options = {**THEME, **THEME[scheme]}
    return {**options, **THEME["sidebar"], **THEME[scheme]["sidebar"]} if where == "sidebar" else options


def background_names(scheme: str) -> list[tuple[str, str]]:
    return [(where, name) for where in ("page", "sidebar") for name in ("backgroundColor", "secondaryBackgroundColor")]


PLACES = [(scheme, where, name) for scheme in SCHEMES for where, name in background_names(scheme)]


@pytest.mark.parametrize(("scheme", "where", "background"), PLACES)
@pytest.mark.parametrize("text", ["textColor", "linkColor"])
def test_text_and_links_reach_aa_on_every_background(scheme: str, where: str, background: str, text: str) -> None:
    options = place(scheme, where)
    assert contrast(rgb(options[text]), rgb(options[background])) >= AA_TEXT


@pytest.mark.parametrize(("scheme", "where", "background"), PLACES)
def test_captions_reach_aa_though_streamlit_fades_them(scheme: str, where: str, background: str) -> None:
    options = place(scheme, where)
    paper = rgb(options[background])
    faded = CAPTION_OPACITY * rgb(options["textColor"]) + (1 - CAPTION_OPACITY) * paper
    assert contrast(faded, paper) >= AA_TEXT


@pytest.mark.parametrize(("scheme", "where", "background"), PLACES)
def test_code_in_a_caption_reaches_aa_though_it_is_faded_with_it(scheme: str, where: str, background: str) -> None:
    options = place(scheme, where)
    paper = rgb(options[background])
    faded = CAPTION_OPACITY * rgb(options["codeTextColor"]) + (1 - CAPTION_OPACITY) * paper
    assert contrast(faded, paper) >= AA_TEXT


def test_words_streamlit_writes_in_the_accent_take_the_colour_of_links_and_reach_aa() -> None:
    light, dark = re.findall(r"light-dark\((#\w+), (#\w+)\)", CONTRAST)[0]
    assert len(re.findall(r"#[0-9A-Fa-f]{6}", CONTRAST)) == 2, "one colour a scheme"
    for scheme, colour in (("light", light), ("dark", dark)):
        options = THEME[scheme]
        assert colour == options["linkColor"]
        paper = rgb(options["backgroundColor"])
        chosen = CHOSEN_OPACITY * rgb(options["primaryColor"]) + (1 - CHOSEN_OPACITY) * paper
        assert min(contrast(rgb(colour), paper), contrast(rgb(colour), chosen)) >= AA_TEXT


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_white_text_of_a_main_button_reaches_aa_on_the_accent(scheme: str) -> None:
    assert contrast(rgb("#FFFFFF"), rgb(THEME[scheme]["primaryColor"])) >= AA_TEXT


@pytest.mark.parametrize(("scheme", "where", "background"), PLACES)
def test_the_accent_stands_out_as_a_control_on_every_background(scheme: str, where: str, background: str) -> None:
    options = place(scheme, where)
    assert contrast(rgb(options["primaryColor"]), rgb(options[background])) >= AA_MARK


def test_the_text_of_a_warning_reaches_aa() -> None:
    light = THEME["light"]
    assert contrast(rgb(light["yellowTextColor"]), rgb(light["yellowBackgroundColor"])) >= AA_TEXT


def test_there_is_one_accent_of_one_hue() -> None:
    shades = [THEME[scheme]["primaryColor"] for scheme in SCHEMES]
    angles = []
    for shade in [*shades, palette.ACCENT]:
        red, green, blue = rgb(shade)
        angles.append(np.degrees(np.arctan2(3**0.5 * (green - blue), 2 * red - green - blue)) % 360)
    assert max(angles) - min(angles) < 10
    assert all("primaryColor" not in THEME[scheme]["sidebar"] for scheme in SCHEMES)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("colour", sorted({*palette.CATEGORICAL, palette.NEUTRAL, palette.GOOD, palette.BAD}))
def test_every_colour_of_a_mark_stands_out_from_paper_and_from_night(scheme: str, colour: str) -> None:
    assert contrast(rgb(colour), rgb(THEME[scheme]["backgroundColor"])) >= AA_MARK


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_families_differ_for_colour_blind_eyes_too(eyes: str) -> None:
    colours = [palette.family_colour(family) for family in ModelFamily]
    assert min(difference(*pair, SEEN_BY[eyes]) for pair in itertools.combinations(colours, 2)) > 10


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_good_and_bad_differ_for_colour_blind_eyes_too(eyes: str) -> None:
    assert difference(palette.GOOD, palette.BAD, SEEN_BY[eyes]) > 10


def test_the_theme_repeats_the_palette() -> None:
    assert tuple(THEME["chartCategoricalColors"]) == palette.CATEGORICAL
    assert tuple(THEME["light"]["chartSequentialColors"]) == palette.SEQUENTIAL
    assert tuple(THEME["dark"]["chartSequentialColors"]) == palette.SEQUENTIAL[::-1]


def test_the_sequential_colours_are_ten_and_darken_step_by_step() -> None:
    lightness = [float(linear(rgb(colour)) @ [0.2126, 0.7152, 0.0722]) for colour in palette.SEQUENTIAL]
    assert len(lightness) == 10
    assert lightness == sorted(lightness, reverse=True)


def test_nothing_comes_from_the_internet_and_nothing_is_sent_there() -> None:
    text = (PROJECT_ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    assert not re.search(r"https?:|//", text)
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["server"]["address"] == "127.0.0.1"


def test_users_never_see_a_stack_trace() -> None:
    assert CONFIG["client"]["showErrorDetails"] == streamlit_config.ShowErrorDetailsConfigOptions.NONE.value
    assert CONFIG["client"]["showErrorLinks"] is False


def test_streamlit_knows_every_option() -> None:
    known = set(streamlit_config.get_config_options(force_reparse=False))

    def names(table: dict[str, Any], prefix: str) -> list[str]:
        return [
            name
            for key, value in table.items()
            for name in (names(value, f"{prefix}{key}.") if isinstance(value, dict) else [f"{prefix}{key}"])
        ]

    assert [name for name in names(CONFIG, "") if name not in known] == []


def test_the_colours_of_text_and_background_are_still_streamlits_stand_ins() -> None:
    assert frame.TEXT == streamlit_plotly_theme.GRAY_90
    assert frame.PAPER == streamlit_plotly_theme.BG_COLOR
