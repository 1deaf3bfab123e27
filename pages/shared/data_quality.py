"""What is odd about the rows of a data file, with the rows behind each figure."""

from __future__ import annotations

from functools import partial
from typing import Final

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from core.data.quality import column_rule
from core.data.schema import COLUMNS
from core.domain.errors import NotFound
from core.domain.house import RAW_COLUMNS, TARGET
from core.domain.money import MISSING, percent
from core.workflows.data_view import LINE, RATIO, DataView
from pages.shared.frame import escape, show_error

_FIGURE: Final = st.column_config.TextColumn(alignment="right", width=62)
_WHAT: Final = st.column_config.TextColumn(width=190)
"""With a box for the choice all three stand side by side on a phone."""

_ADDRESS: Final = "finding"
_PAGE: Final = "rows"


def quality(view: DataView) -> None:
    """The counts, and the rows behind the one that is chosen."""
    found = view.findings
    rows = len(view.dataset.rows)
    st.caption("Nothing is left out or changed: these rows are fitted on and scored like all others. Choose a line.")
    wanted = st.query_params.get(_ADDRESS, "")
    keys = [one.key for one in found]
    table = st.dataframe(
        [
            {
                "What": one.label,
                "Rows": f"{len(one.positions):,}",
                "Share": percent(100 * len(one.positions) / rows),
            }
            for one in found
        ],
        column_config={"What": _WHAT, "Rows": _FIGURE, "Share": _FIGURE},
        hide_index=True,
        alt="What is odd about the rows, with counts",
        key="findings",
        on_select="rerun",
        selection_mode="single-row-required",
        selection_default={
            "selection": {"rows": [keys.index(wanted) if wanted in keys else 0], "columns": [], "cells": []}
        },
    )
    if wanted and wanted not in keys:
        try:
            view.finding(wanted)
        except NotFound as error:
            show_error(error)
            return
    chosen = table.selection.rows
    key = keys[chosen[0]] if chosen else keys[0]
    if key != wanted:
        st.query_params[_ADDRESS] = key
        st.query_params.pop(_PAGE, None)
    _behind(view, key)


def _behind(view: DataView, key: str) -> None:
    """The rows of one finding, a page of them, and all as a file."""
    finding = view.finding(key)
    st.subheader(escape(finding.label), anchor=False)
    st.caption(escape(finding.rule))
    asked = st.query_params.get(_PAGE, "1")
    shown = view.page(key, int(asked) if asked.isdecimal() and len(asked) < 8 else 1)
    if not shown.rows:
        st.markdown("No row of this file.")
        return
    st.dataframe(
        list(shown.lines),
        column_config={
            # By their labels, which are shorter than the file's names: so the price is on the screen.
            **{name: _column(name) for name in COLUMNS},
            LINE: st.column_config.NumberColumn(
                "Line", help="The row's line in the file; the header is line 1.", pinned=True
            ),
            RATIO: st.column_config.NumberColumn("Ratio", format="%.3g"),
        },
        column_order=[LINE, RATIO, TARGET, *RAW_COLUMNS],
        placeholder=MISSING,
        hide_index=True,
        alt="The rows behind this figure",
    )
    row = st.container(horizontal=True, gap="small", vertical_alignment="center")
    row.download_button(
        f"All {shown.rows:,} rows, CSV" if shown.rows > 1 else "The row, CSV",
        data=partial(view.csv_of, key),
        file_name=f"{key}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    if shown.pages > 1:
        with row:
            number = st.pagination(shown.pages, default=shown.number, key=f"page_{key}_{shown.number}_{shown.pages}")
        if number != shown.number:
            st.query_params[_PAGE] = str(number)
            st.rerun()


def _column(name: str) -> ColumnConfig:
    """A column of the file by its label; the name it has in the file is behind the heading."""
    rule = column_rule(name)
    said = f"`{name}` in the file. {escape(rule.help)}"
    if name == TARGET:
        return st.column_config.NumberColumn("Recorded", help=said, format="$%,.0f")
    if rule.choices:
        return st.column_config.TextColumn(rule.label, help=said)
    return st.column_config.NumberColumn(rule.label, help=said, format=None if rule.shown_digits else "%,.0f")
