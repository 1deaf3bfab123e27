"""A ratio study on a screen: whether cheap and dear areas are estimated alike."""

from __future__ import annotations

import streamlit as st

from core.charts.ratios import ratio_bands, ratio_map
from core.domain.metrics import METRICS, RATIO_NAMES, figure_text
from core.domain.money import dollars
from core.workflows.ratio_studies import RatioReport, level_text, verdict_of
from pages.shared.columns import columns_of
from pages.shared.figures import chart, metric_tiles
from pages.shared.frame import escape

YARDSTICK = (
    "Assessors' ratio study (IAAO, Standard on Ratio Studies, 2013) of the held-out rows. Its ranges are made for the "
    "sales of homes in one place; here a row is a block group of a whole state, so they are a yardstick."
)


def fairness_summary(report: RatioReport) -> None:
    """The three figures and what they say."""
    study = report.fairness.study
    metric_tiles(RATIO_NAMES, study.as_metrics())
    for sentence in report.findings:
        st.markdown(escape(sentence))


def fairness(report: RatioReport, colour: str) -> None:
    """Figures beside their ranges, the findings, and the ratio by value and on the map."""
    st.caption(YARDSTICK)
    fairness_summary(report)
    found = report.fairness
    figures, whole = ({"cod": one.cod, "prd": one.prd, "prb": one.prb} for one in (found.study, found.with_capped))
    left, right = st.columns(2)
    with left:
        figures_beside = [
            {
                "Figure": METRICS[name].label,
                "Without capped rows": figure_text(name, figures[name]),
                "Assessors want": verdict_of(name, figures[name]),
                "With capped rows": figure_text(name, whole[name]),
            }
            for name in RATIO_NAMES
        ]
        st.dataframe(
            figures_beside,
            column_config=columns_of(figures_beside),
            hide_index=True,
            alt="COD, PRD and PRB beside the ranges assessors want",
        )
        chart(ratio_bands(found, colour=colour), key="ratio_bands")
        bands = [
            {
                "From": dollars(band.low),
                "To": dollars(band.high),
                "Rows": f"{band.rows:,}",
                "Median ratio": level_text(band.median),
                "COD": figure_text("cod", band.cod),
            }
            for band in found.bands
        ]
        st.dataframe(
            bands,
            column_config=columns_of(bands),
            hide_index=True,
            alt="Median ratio and COD of each tenth of the block groups by value",
        )
    with right:
        chart(ratio_map(found, report.where_missing), key="ratio_map")
