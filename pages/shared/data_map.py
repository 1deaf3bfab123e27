"""The rows of a data file on the map: prices, the held-out rows, and the parts of whole blocks."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.charts.dataset_map import block_split_map, price_map, random_split_map
from core.workflows.data_view import DataView
from pages.shared.figures import chart

_PRICES, _RANDOM, _BLOCKS = "Prices", "Random split", "Spatial blocks"
_SHOWN: Final = (_PRICES, _RANDOM, _BLOCKS)


def maps(view: DataView) -> None:
    """One of three maps, which one stands in the address."""
    shown = st.segmented_control("Show", _SHOWN, default=_PRICES, required=True, key="map", bind="query-params")
    rows = view.dataset.rows
    if shown == _RANDOM:
        chart(random_split_map(rows, view.is_held_out), key="random_split")
        st.caption(
            "Every version's scores are of the held-out rows. They lie among the fitted ones, so the scores are those "
            "of houses in known areas."
        )
    elif shown == _BLOCKS and not view.spatial_parts:
        st.info(
            "Spatial scores are not measured here: `evaluation.spatial_folds` is 0 in `config/config.yaml`.",
            icon=":material/grid_on:",
        )
    elif shown == _BLOCKS:
        chart(block_split_map(rows, view.block_parts, view.block_kilometres), key="blocks")
        st.caption(
            "The spatial score of a version: each part of the training rows is priced by a fit on all other parts, so "
            "it is the score of houses in areas without a known neighbour. Held-out rows take no part in it."
        )
    else:
        chart(price_map(rows), key="prices")
        st.caption("A drag zooms, a double click shows the whole state again. Nothing is fetched from the internet.")
