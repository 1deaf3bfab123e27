"""One house under several model versions, and what makes their prices differ."""

from __future__ import annotations

import streamlit as st

from core.charts.version_split import version_split
from core.domain.house import House
from core.domain.hyperparameters import family_label
from core.domain.money import MISSING, dollar_change
from core.workflows.what_if import MOST_VERSIONS
from pages.shared.figures import chart
from pages.shared.frame import errors, escape, lab


@st.fragment(parallel=True)
def side_by_side(house: House, version: str | None) -> None:
    """A line a version; the first one is what the others are compared with."""
    with errors():
        first = lab().price_source(version).version
        labels = {one.version: one.label for one in lab().what_if.offered() if one.version != first}
        if not labels:
            st.info("There is one version. Train another and both price this house here.", icon=":material/compare:")
            return
        others = st.multiselect(
            "Beside it",
            list(labels),
            default=lab().what_if.suggested(first),
            format_func=lambda name: labels[name],
            max_selections=MOST_VERSIONS - 1,
            key="beside",
            bind="query-params",
        )
        prices = lab().what_if.beside(house, [version, *others])
        st.dataframe(
            [
                {
                    "Version": one.valuation.source.version,
                    "Family": family_label(one.valuation.source.family),
                    "Price": one.valuation.text,
                    "Difference": dollar_change(one.difference.total) if one.difference else MISSING,
                    "80 % range": one.valuation.range.inner.text if one.valuation.range else MISSING,
                    "90 % range": one.valuation.range.outer.text if one.valuation.range else MISSING,
                }
                for one in prices
            ],
            hide_index=True,
            alt="The price of this house by version",
        )
        for one in prices[1:]:
            if one.difference is not None:
                other = one.valuation.source.version
                chart(
                    version_split(one.difference, first=f"version {first}", other=f"version {other}"),
                    key=f"split_{other}",
                )
        differences = [one.difference for one in prices if one.difference is not None]
        if differences:
            st.caption(escape(differences[0].method))
