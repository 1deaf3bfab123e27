"""Which rows: the configured file, or a dataset somebody brought. The choice stands in the address by its name."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.domain.datasets import CONFIGURED
from pages.shared.frame import lab

DATA: Final = "data"
"""In the address: the name of a dataset; without it the configured file."""

_CONFIGURED_LABEL: Final = "The configured file"


def data_choice() -> str:
    """The digest of the rows that are chosen; empty for the configured file. Nothing is drawn while that is all.

    Raises:
        NotFound: the address names a dataset that is not here; it is not silently taken for another.
    """
    named = st.query_params.get(DATA, "")
    versions = lab().data.versions()
    wanted = lab().data.find(named).sha256 if named else CONFIGURED
    if not versions:
        return wanted
    labels = {CONFIGURED: _CONFIGURED_LABEL, **{one.sha256: f"{one.name} ({one.rows:,} rows)" for one in versions}}
    # One that is deleted this very moment stays named, and whoever reads its rows says so.
    offered = list(dict.fromkeys([*labels, wanted]))
    # A widget of its own for each choice named, as the version box of What-if has it.
    key = f"data_{wanted}"
    chosen = st.selectbox(
        "Data",
        offered,
        offered.index(wanted),
        format_func=lambda sha256: labels.get(sha256, sha256[:12]),
        key=key,
        on_change=_name_data,
        args=(key,),
        help="Which rows a model is fitted on and scored on. Runs on different rows are never compared.",
    )
    return chosen or CONFIGURED


def name_in_address(sha256: str) -> dict[str, str]:
    """What an address names these rows by; nothing for the configured file and for rows that are not kept."""
    name = lab().data.name_of(sha256) if sha256 else ""
    return {DATA: name} if name else {}


def _name_data(key: str) -> None:
    name = lab().data.name_of(st.session_state[key])
    if name:
        st.query_params[DATA] = name
    else:
        st.query_params.pop(DATA, None)
