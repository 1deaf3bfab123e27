"""One house under several model versions, and what makes their prices differ."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import streamlit as st

from core.charts.version_split import version_split
from core.domain.house import House
from core.domain.hyperparameters import family_label
from core.domain.money import MISSING, dollar_change
from core.workflows.what_if import MOST_VERSIONS
from pages.shared.columns import columns_of
from pages.shared.figures import chart
from pages.shared.frame import errors, escape, lab
from pages.shared.what_if_start import version_labels

_ADDRESS: Final = "beside"
_PICKED: Final = "versions_beside"


@st.fragment(parallel=True)
def side_by_side(house: House, version: str | None) -> None:
    """A line a version; the first one is what the others are compared with."""
    with errors():
        first = lab().price_source(version).version
        labels = {version: label for version, label in version_labels().items() if version != first}
        if not labels:
            st.info("There is one version. Train another and both price this house here.", icon=":material/compare:")
            return
        st.session_state[_PICKED] = _chosen(labels, first)
        others = st.multiselect(
            "Beside it",
            list(labels),
            format_func=lambda name: labels[name],
            max_selections=MOST_VERSIONS - 1,
            key=_PICKED,
            on_change=_remember,
        )
        prices = lab().what_if.beside(house, [version, *others])
        rows = [
            {
                "Version": one.valuation.source.version,
                "Family": family_label(one.valuation.source.family),
                "Price": one.valuation.text,
                "Difference": dollar_change(one.difference.total) if one.difference else MISSING,
                "80 % range": one.valuation.range.inner.text if one.valuation.range else MISSING,
                "90 % range": one.valuation.range.outer.text if one.valuation.range else MISSING,
            }
            for one in prices
        ]
        st.dataframe(rows, column_config=columns_of(rows), hide_index=True, alt="The price of this house by version")
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


def _chosen(known: Collection[str], first: str) -> list[str]:
    """The versions the address names, without those that are not there; what is suggested where it names none."""
    named = st.query_params.get(_ADDRESS)
    if named is None:
        return lab().what_if.suggested(first)
    return [version for version in dict.fromkeys(named.split(",")) if version in known][: MOST_VERSIONS - 1]


def _remember() -> None:
    st.query_params[_ADDRESS] = ",".join(st.session_state[_PICKED])
