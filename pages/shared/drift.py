"""Drift drawn: each feature beside the training rows, with a sentence for what has moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.charts.scoring import feature_shift
from core.domain.glossary import meaning
from core.domain.house import FEATURES
from core.domain.money import MISSING
from core.domain.scoring import FeatureShift
from core.evaluation.drift import DriftVerdict
from pages.shared.figures import chart
from pages.shared.frame import escape

_PSI: Final = st.column_config.TextColumn(alignment="right", width=70, help=meaning("PSI"))
_DRIFT_WORD: Final = st.column_config.TextColumn(help="What the PSI amounts to: like the training rows, or not.")


def drift_of(shifts: Sequence[FeatureShift], *, here: str) -> None:
    """Sentences, one feature drawn, and all in a table.

    Args:
        shifts: at least one. here: what is compared, as the picture's legend names it.
    """
    notable = [shift for shift in shifts if shift.is_notable]
    for shift in notable:
        st.warning(escape(shift.sentence), icon=":material/trending_up:")
    if all(shift.verdict == DriftVerdict.TOO_FEW for shift in shifts):
        st.markdown("There are too few rows to say whether any feature has moved away from the training rows.")
    elif not notable:
        st.markdown("No feature has moved away from the training rows.")
    picture, table = st.columns([3, 2], gap="large")
    with picture:
        # What moved most comes first.
        drawn = {shift.feature: shift for shift in sorted(shifts, key=lambda one: -(one.measure or 0.0))}
        feature = st.selectbox(
            "Feature", list(drawn), format_func=lambda name: FEATURES[name].label, key="feature", bind="query-params"
        )
        shown = drawn[feature or next(iter(drawn))]
        chart(feature_shift(shown, here=here), key="drift")
        st.caption(escape(shown.sentence))
    with table:
        st.dataframe(
            [
                {
                    "Feature": FEATURES[shift.feature].label,
                    "PSI": MISSING if shift.measure is None else f"{shift.measure:.2f}",
                    "Verdict": shift.verdict,
                }
                for shift in shifts
            ],
            column_config={"PSI": _PSI, "Verdict": _DRIFT_WORD},
            hide_index=True,
            alt="Each feature beside the training rows",
        )
