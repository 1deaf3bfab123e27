"""A spatial score on a screen: beside the score of random parts, with the reason why the two differ."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.domain.feature_sets import FeatureSet
from core.workflows.spatial_words import spatial_words
from pages.shared.figures import metric_tiles
from pages.shared.frame import escape

SPATIAL_TILES = ("spatial_rmse", "out_of_fold_rmse")


def spatial_score(
    figures: Mapping[str, float], *, features: FeatureSet | None = None, held_out_rmse: float | None = None
) -> None:
    """Both figures and two lines about them; see :func:`core.workflows.spatial_words.spatial_words`."""
    metric_tiles(SPATIAL_TILES, figures)
    st.caption("  \n".join(map(escape, spatial_words(figures, features=features, held_out_rmse=held_out_rmse))))
