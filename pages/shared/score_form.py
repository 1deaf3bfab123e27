"""Sending a file to be priced: the upload, which column is which, the version, and the button."""

from __future__ import annotations

from typing import Final

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.domain.access import Deed
from core.domain.house import FEATURES, RAW_COLUMNS
from core.domain.house_columns import ColumnGuess, guess_columns
from core.workflows.scoring_desk import FileLook
from pages.shared.empty import no_model_yet
from pages.shared.frame import errors, escape, lab
from pages.shared.upload import table_upload
from pages.shared.visitor import barred, visitor
from pages.shared.what_if_start import version_choice, version_labels

_NOT_THERE: Final = "(not in the file)"
_COLUMNS: Final = 3


def score_form() -> None:
    """The form; a started scoring takes its place."""
    limits = lab().settings.scoring
    file = table_upload("", max_rows=limits.max_rows, max_megabytes=limits.max_megabytes, key="houses")
    if file is None:
        if not version_labels() and lab().overview().is_empty:
            no_model_yet("No model has been trained yet, so no file can be priced.")
        st.caption(
            f"A row for each block group, a column for each of the nine features: {', '.join(RAW_COLUMNS)}. Columns "
            "may be called otherwise and stand in any order; others are kept as they are."
        )
        return
    with errors():
        look = lab().scoring.look(file, file.name)
        # Above the nine boxes: on a phone they fill the screen, and mostly they are guessed right.
        start = st.container()
        chosen = _columns(look, file.file_id)
        with start:
            _start(file, chosen)
        _first_rows(look)


def _columns(look: FileLook, file_id: str) -> dict[str, str | None]:
    """The nine features with a box for the column of each."""
    guess = guess_columns(look.names)
    st.markdown("**Which column is which?** Guessed by the names; units are as shown and are never converted.")
    rows = [RAW_COLUMNS[place : place + _COLUMNS] for place in range(0, len(RAW_COLUMNS), _COLUMNS)]
    chosen: dict[str, str | None] = {}
    for row in rows:
        for place, feature in zip(st.columns(_COLUMNS), row, strict=True):
            with place:
                chosen[feature] = _column(feature, look, guess, file_id)
    return chosen


def _column(feature: str, look: FileLook, guess: ColumnGuess, file_id: str) -> str | None:
    rule = FEATURES[feature]
    options = [_NOT_THERE, *look.names] if rule.may_be_missing else list(look.names)
    found = guess.columns[feature]
    doubt = guess.candidates.get(feature, ())
    box = st.selectbox(
        f"{rule.label} ({rule.unit})" if rule.unit else rule.label,
        options,
        index=options.index(found) if found is not None else None,
        placeholder=f"{len(doubt)} may be it" if doubt else "Choose its column",
        help=rule.help,
        key=f"{feature}_of_{file_id}",
    )
    return None if box == _NOT_THERE else box


def _start(file: UploadedFile, chosen: dict[str, str | None]) -> None:
    """The version and the button; what is not clear yet is said where the button would be pressed."""
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    with left:
        version = version_choice()
    open_ones = [
        feature
        for feature, column in chosen.items()
        if column is None and st.session_state.get(f"{feature}_of_{file.file_id}") != _NOT_THERE
    ]
    pressed = right.button(
        "Score this file",
        type="primary",
        icon=":material/price_check:",
        width="stretch",
        **barred(Deed.SCORE, disabled=bool(open_ones)),
    )
    if open_ones:
        names = ", ".join(FEATURES[feature].label for feature in open_ones)
        st.warning(escape(f"Choose the column of: {names}."), icon=":material/rule:")
    if pressed:
        with st.spinner("Keeping the file"):
            job_id = lab().scoring.start(file, file.name, chosen, actor=visitor(), version=version)
        st.query_params["job"] = job_id
        st.rerun()


def _first_rows(look: FileLook) -> None:
    st.caption(f"The first rows of {len(look.names):,} columns")
    st.dataframe(
        [dict(zip(look.names, row, strict=True)) for row in look.rows],
        hide_index=True,
        alt="The first rows of the file as they were read",
    )
