"""The versions of the price model in a table; the one that is chosen stands in the address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.domain.metrics import METRICS, SCORE_NAMES, figure_text
from core.domain.money import MISSING
from core.workflows.version_timeline import VersionLine
from pages.shared.columns import columns_of, help_of

_ADDRESS: Final = "version"
_ROW_HEIGHT: Final = 35
_MOST_ROWS: Final = 10


def version_table(lines: Sequence[VersionLine]) -> None:
    """All versions, newest first; a chosen row puts its version into the address."""
    names = tuple(line.version for line in lines)
    wanted = st.query_params.get(_ADDRESS)
    place = names.index(wanted) if wanted in names else None
    key = f"versions_{hash(names)}"
    any_alias = any(line.aliases for line in lines)
    rows = [_row(line, any_alias=any_alias) for line in lines]
    table = st.dataframe(
        rows,
        column_config={
            **columns_of(rows),
            "Alias": st.column_config.MultiselectColumn(color="primary", width=104, help=help_of("Alias")),
            "Trained": st.column_config.DatetimeColumn(format="distance"),
        },
        hide_index=True,
        height=_ROW_HEIGHT * (min(len(lines), _MOST_ROWS) + 1) + 3,
        alt="All versions with their scores, stages and last moves",
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": _at_first(key, place), "columns": [], "cells": []}},
    )
    picked = table.selection.rows
    chosen = names[picked[0]] if picked and picked[0] < len(names) else None
    if chosen != wanted and (chosen is not None or wanted in names):
        if chosen is None:
            del st.query_params[_ADDRESS]
        else:
            st.query_params[_ADDRESS] = chosen


def chosen_version(lines: Sequence[VersionLine]) -> VersionLine | None:
    """The version the address names."""
    return next((line for line in lines if line.version == st.query_params.get(_ADDRESS)), None)


def _at_first(key: str, place: int | None) -> list[int]:
    """The row that was chosen when this table was first drawn: a default that moved would be another widget."""
    kept = f"first_{key}"
    if key not in st.session_state or kept not in st.session_state:
        st.session_state[kept] = [] if place is None else [place]
    return list(st.session_state[kept])


def _row(line: VersionLine, *, any_alias: bool) -> dict[str, object]:
    """One version; its scores stand before its words, which may be scrolled to."""
    scores = line.scores.as_metrics() if line.scores else {}
    entry = line.moved
    return {
        "Version": line.version,
        **({"Alias": list(line.aliases)} if any_alias else {}),
        **{METRICS[name].label: figure_text(name, scores.get(name)) for name in SCORE_NAMES},
        "Family": line.family_label or MISSING,
        "Stage": line.stage.value,
        "Trained": line.created,
        "Moved": f"{entry.when:%Y-%m-%d %H:%M}" if entry else MISSING,
        "By": entry.who if entry else MISSING,
        "Why": (entry.reason or entry.act) if entry else MISSING,
    }
