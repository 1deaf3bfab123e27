"""Every word of the lab is said once, in one plain sentence."""

from __future__ import annotations

import pytest

from core.domain.glossary import meaning
from core.domain.house import FEATURES
from core.domain.knobs import KNOBS
from core.domain.metrics import METRICS


@pytest.mark.parametrize(
    "term",
    [
        *("RMSE", "MAE", "R²", "MAPE", "Coverage", "Spatial RMSE", "COD", "PRD", "PRB"),
        *("Champion", "Challenger", "Held-out rows", "Verdict", "Baseline", "Alias", "Gates", "Override", "Trial"),
        *("RMSE difference", "MAPE 95 % interval", "80 % range", "90 % range", "PSI", "Unlikeness"),
        *(metric.label for metric in METRICS.values()),
        *(feature.label for feature in FEATURES.values()),
        *(knob.label for knobs in KNOBS.values() for knob in knobs.values()),
    ],
)
def test_a_word_of_the_lab_has_a_plain_sentence(term: str) -> None:
    said = meaning(term)
    assert said is not None
    assert said[0].isupper() or said[0].isdigit()
    assert said.endswith(".")
    assert said != term


@pytest.mark.parametrize("term", ["RMSE", "MAE", "Mean RMSE", "Median price", "Recorded"])
def test_an_amount_says_that_it_is_in_1990_dollars(term: str) -> None:
    assert "1990 dollars" in str(meaning(term))


def test_a_word_the_lab_does_not_know_has_no_meaning() -> None:
    assert meaning("somebody's own") is None
    assert meaning("somebody's own difference") is None
