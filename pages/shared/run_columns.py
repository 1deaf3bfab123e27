"""Which columns the run table has: those that vary, or those somebody chose. The choice is remembered."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.domain.errors import InvalidFilter
from core.domain.run_cells import ordered, titles_of, worth_showing
from core.domain.run_query import Column
from core.workflows.browsing import RunPage
from pages.shared.frame import lab, show_error

_ADDRESS = "columns"
_KEY = "runs_columns"


def chosen_columns(found: RunPage, toolbar: DeltaGenerator) -> tuple[Column, ...]:
    """The columns of the table, beside the run's name and state: from the address, else as they were last chosen.

    Args:
        toolbar: where the choice is drawn.
    """
    named = _named()
    chosen = named if named is not None else lab().runs.column_choice.read()
    shown = worth_showing(found.columns, found.varying) if chosen is None else chosen
    with toolbar.popover("Columns", icon=":material/view_column:"):
        options = ordered(list({*found.columns, *shown}))
        # The popover's own widget starts from what is shown, and anew when that comes from elsewhere.
        titles = titles_of(options)
        wanted = st.multiselect(
            "Columns",
            options,
            default=shown,
            # A key alone does not tell a param from a tag.
            format_func=lambda column: titles[column] if titles[column] != column.key else str(column),
            key=f"{_KEY}_{hash(shown)}_{hash(options)}",
        )
        if chosen is not None and st.button("Only what varies", icon=":material/restart_alt:"):
            lab().runs.column_choice.write(None)
            st.query_params.pop(_ADDRESS, None)
            st.rerun()
    if tuple(wanted) != shown:
        lab().runs.column_choice.write(wanted)
        st.query_params[_ADDRESS] = ",".join(str(column) for column in wanted)
        st.rerun()
    return shown


def _named() -> tuple[Column, ...] | None:
    text = st.query_params.get(_ADDRESS)
    if text is None:
        return None
    try:
        return tuple(dict.fromkeys(Column.parse(name) for name in text.split(",") if name))
    except InvalidFilter as error:
        show_error(error)
        return None
