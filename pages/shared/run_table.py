"""The run table: a page of runs with the columns somebody wants, and the runs that are picked in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import streamlit as st

from core.domain.run_cells import cell_text, column_help, data_text, status_word, titles_of
from core.domain.run_query import Column, ColumnKind
from core.domain.runs import Run
from core.workflows.browsing import RunPage
from pages.shared.columns import columns_of, help_of, side_of
from pages.shared.frame import escape

MOST_PICKED: Final = 200
_TITLES: Final = ("Run", "Status", "Alias", "Duration", "Data", "Started")
_ADDRESS: Final = "picked"
_ROW_HEIGHT: Final = 35
_MOST_ROWS: Final = 18
_OPENED: Final = "opened_run"
_TABLE: Final = "run_table_"
_DEFAULT: Final = "run_table_default_"


def picked_runs() -> tuple[str, ...]:
    """The ids of the picked runs in the order of picking; they stand in the address, over all pages."""
    text = st.query_params.get(_ADDRESS, "")
    return tuple(dict.fromkeys(part for part in text.split(",") if part))[:MOST_PICKED]


def pick(run_ids: tuple[str, ...]) -> None:
    """Take these as the picked runs."""
    if run_ids:
        st.query_params[_ADDRESS] = ",".join(run_ids[:MOST_PICKED])
    else:
        st.query_params.pop(_ADDRESS, None)


def clear_picks() -> None:
    """No run is picked any more, and the table starts anew."""
    pick(())
    for name in [str(name) for name in st.session_state if str(name).startswith(_TABLE)]:
        del st.session_state[name]


def run_rows(found: RunPage, columns: tuple[Column, ...]) -> None:
    """The page's rows. Picking rows changes what is picked; a press on a name opens that run."""
    ids = tuple(run.run_id for run in found.runs)
    titles = titles_of(columns, taken=_TITLES)
    # Rows are picked by their place, so a table of other runs is another table.
    key = f"{_TABLE}{hash(ids)}"
    any_alias = any(run_id in found.aliases for run_id in ids)
    rows = [_row(run, titles, found, any_alias=any_alias) for run in found.runs]
    table = st.dataframe(
        rows,
        column_config={
            **columns_of(rows),
            "Run": st.column_config.ButtonColumn(
                pinned=True,
                type="tertiary",
                alignment="left",
                key=_OPENED,
                on_click=_open,
                args=(ids,),
                width=210,
                help=help_of("Run"),
            ),
            "Alias": st.column_config.MultiselectColumn(color="primary", width=110, help=help_of("Alias")),
            "Started": st.column_config.DatetimeColumn(format="distance"),
            **{
                title: st.column_config.TextColumn(
                    help=escape(column_help(column)), alignment=side_of(row[title] for row in rows)
                )
                for column, title in titles.items()
            },
        },
        hide_index=True,
        height=_ROW_HEIGHT * (min(len(ids), _MOST_ROWS) + 1) + 3,
        alt="The runs with their scores on the held-out rows",
        key=key,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": _places_at_first(key, ids), "columns": [], "cells": []}},
    )
    here = [ids[place] for place in table.selection.rows if place < len(ids)]
    before = picked_runs()
    kept = [run_id for run_id in before if run_id not in ids or run_id in here]
    after = tuple(kept + [run_id for run_id in here if run_id not in before])[:MOST_PICKED]
    if after != before:
        pick(after)
        st.rerun()


def _places_at_first(key: str, ids: tuple[str, ...]) -> list[int]:
    """The rows that were picked when this table was first drawn: a default that moved would be another widget."""
    kept = f"{_DEFAULT}{key}"
    if key not in st.session_state or kept not in st.session_state:
        for old in [name for name in st.session_state if str(name).startswith(_DEFAULT)]:
            del st.session_state[old]
        picked = picked_runs()
        st.session_state[kept] = [place for place, run_id in enumerate(ids) if run_id in picked]
    return list(st.session_state[kept])


def _open(ids: tuple[str, ...]) -> None:
    clicked = st.session_state.get(_OPENED)
    if clicked is not None and clicked["row"] < len(ids):
        st.query_params["run"] = ids[clicked["row"]]


def _row(run: Run, titles: Mapping[Column, str], found: RunPage, *, any_alias: bool) -> dict[str, object]:
    aliases = found.aliases.get(run.run_id, ())
    return {
        "Run": run.name,
        "Status": status_word(run),
        **({"Alias": list(aliases)} if any_alias else {}),
        **{title: cell_text(run, column) for column, title in titles.items()},
        "Duration": cell_text(run, Column(ColumnKind.ATTRIBUTE, "duration")),
        "Data": data_text(run),
        "Started": run.started,
    }
