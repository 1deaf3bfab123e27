"""What is done with picked runs: compare, open, tag, note, delete, restore, export."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.domain.access import Deed
from core.domain.errors import LabError
from core.domain.run_query import Lifecycle, RunQuery
from core.tracking.run_edits import LONGEST_KEY, LONGEST_VALUE
from core.workflows.browsing import RunPage
from core.workflows.comparison import FEWEST_RUNS, MOST_RUNS
from pages.shared.frame import errors, escape, lab, show_error
from pages.shared.run_table import clear_picks
from pages.shared.visitor import barred, visitor

_SAID: Final = "runs_said"
_REFUSED: Final = "runs_refused"
_LEFT: Final = "runs_left"
_COMPARED: Final = "runs"
_PICKS_HEIGHT: Final = 40
_ACT_WIDTH: Final = 130
"""Of the buttons that the browser draws last: known beforehand, they change no other's line on a phone."""


def come_back() -> None:
    """On the browser's way back from Compare, show the table as it was left.

    Streamlit gives the address of Compare to this screen for a moment before it changes the screen, so that is
    what the browser goes back to.
    """
    if _COMPARED not in st.query_params:
        return
    left = st.session_state.get(_LEFT, {"picked": st.query_params[_COMPARED]})
    del st.query_params[_COMPARED]
    st.query_params.update(left)


def acts(row: DeltaGenerator, picked: tuple[str, ...], query: RunQuery, found: RunPage) -> None:
    """The buttons over the table, for the picked runs; export takes all the filter leaves where none is picked."""
    _say(picked)
    if row.button(
        "Compare",
        type="primary",
        icon=":material/compare_arrows:",
        width=_ACT_WIDTH,
        disabled=not FEWEST_RUNS <= len(picked) <= MOST_RUNS,
    ):
        st.session_state[_LEFT] = st.query_params.to_dict()
        st.switch_page("compare.py", query_params={_COMPARED: ",".join(picked)})
    with row.popover("Tag", icon=":material/sell:", **barred(Deed.EDIT_RUN, disabled=not picked)):
        _tag(picked)
    with row.popover("Note", icon=":material/edit_note:", **barred(Deed.EDIT_RUN, disabled=len(picked) != 1)):
        _note(picked)
    if query.lifecycle is not Lifecycle.DELETED:
        with row.popover("Delete", icon=":material/delete:", **barred(Deed.DELETE_RUN, disabled=not picked)):
            st.markdown(f"Delete {_counted(picked)}? They can be restored under **More**, **Shown: Deleted**.")
            if st.button("Delete now", type="primary", **barred(Deed.DELETE_RUN)):
                delete = functools.partial(lab().runs.delete, picked, actor=visitor())
                _do(picked, delete, f"Deleted {_counted(picked)}.", clears=True)
    if query.lifecycle is not Lifecycle.ACTIVE and row.button(
        "Restore", icon=":material/restore_from_trash:", **barred(Deed.DELETE_RUN, disabled=not picked)
    ):
        restore = functools.partial(lab().runs.restore, picked, actor=visitor())
        _do(picked, restore, f"Restored {_counted(picked)}.", clears=True)
    row.download_button(
        "Export CSV",
        data=functools.partial(_csv, query, picked),
        file_name=f"runs-{datetime.now(UTC):%Y%m%d-%H%M}.csv",
        mime="text/csv",
        icon=":material/download:",
        width=_ACT_WIDTH,
        on_click="ignore",
        disabled=not found.total,
    )


def picks(picked: tuple[str, ...], found: RunPage) -> None:
    """How many runs there are, and how many of them are picked."""
    # A row of its own from the start, so that the table does not move when the first run is picked.
    row = st.container(horizontal=True, gap="small", vertical_alignment="center", height=_PICKS_HEIGHT, border=False)
    more = "more than " if found.at_least else ""
    runs = "1 run" if found.total == 1 and not more else f"{more}{found.total:,} runs"
    if not picked:
        wanted = f" Pick {FEWEST_RUNS} to {MOST_RUNS} to compare them; press a name to open it." if found.total else ""
        row.caption(f"**{runs}.**{wanted}")
        return
    here = {run.run_id for run in found.runs}
    others = sum(run_id not in here for run_id in picked)
    elsewhere = f", {others:,} of them not on this page" if others else ""
    row.caption(f"**{runs}**, {len(picked):,} picked{elsewhere}.", width="content")
    if row.button("Clear", icon=":material/deselect:", type="tertiary"):
        clear_picks()
        st.rerun()


def _tag(picked: tuple[str, ...]) -> None:
    with st.form("tag", border=False):
        key = st.text_input("Tag", max_chars=LONGEST_KEY)
        value = st.text_input("Value", max_chars=LONGEST_VALUE)
        if st.form_submit_button("Tag now", type="primary", **barred(Deed.EDIT_RUN)):
            tag = functools.partial(lab().runs.tag, picked, key, value, actor=visitor())
            _do(picked, tag, f"Tagged {_counted(picked)}.")


def _note(picked: tuple[str, ...]) -> None:
    if len(picked) != 1:
        return
    with errors():
        before = lab().runs.note_of(picked[0])
        with st.form("note", border=False):
            text = st.text_area("Note", value=before, height=160, max_chars=LONGEST_VALUE)
            if st.form_submit_button("Save the note", type="primary", **barred(Deed.EDIT_RUN)):
                note = functools.partial(lab().runs.note, picked[0], text, actor=visitor())
                _do(picked, note, "The note is saved.")


def _do(picked: tuple[str, ...], act: Callable[[], object], said: str, *, clears: bool = False) -> None:
    try:
        act()
    except LabError as error:
        # Some runs may have changed all the same, so the table is drawn anew: the refusal must outlive that.
        st.session_state[_REFUSED] = (picked, error)
    else:
        st.session_state.pop(_REFUSED, None)
        st.session_state[_SAID] = said
        if clears:
            clear_picks()
    st.rerun()


def _say(picked: tuple[str, ...]) -> None:
    """What came of the last act; a refusal stands as long as the runs it is about are picked."""
    said = st.session_state.pop(_SAID, None)
    if said:
        st.toast(escape(said), icon=":material/check:")
    about, refusal = st.session_state.get(_REFUSED, ((), None))
    if refusal is not None and about == picked:
        show_error(refusal)


def _csv(query: RunQuery, picked: tuple[str, ...]) -> str:
    return "".join(lab().runs.export(query, picked))


def _counted(picked: tuple[str, ...]) -> str:
    return "1 run" if len(picked) == 1 else f"{len(picked):,} runs"
