"""Bringing data of one's own: the upload, its name, and what is kept so far."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.data.schema import COLUMNS
from core.domain.access import Deed
from core.domain.datasets import LONGEST_DATASET_NAME, DatasetVersion
from core.domain.errors import DataError
from core.domain.money import file_size
from pages.shared.data_choice import DATA
from pages.shared.frame import errors, escape, lab, show_error
from pages.shared.upload import table_upload
from pages.shared.visitor import barred, visitor

_FIGURE: Final = st.column_config.TextColumn(alignment="right", width=90)
_ADDED: Final = "data_added"
_STEM: Final = 40


def own_data(chosen: str) -> None:
    """The form, and the datasets that are here.

    Args:
        chosen: the digest of the rows the screen shows; empty for the configured file.
    """
    _say_added()
    _form()
    with errors():
        versions = lab().data.versions()
        if not versions:
            st.caption("No dataset has been added yet. The configured file is what models are trained on.")
            return
        st.subheader("Datasets so far", anchor=False)
        _table(versions)
        current = next((one for one in versions if one.sha256 == chosen), None)
        if current is not None:
            _remove(current)
        else:
            st.caption("Choose one above to look at its rows or to delete it.")


def _form() -> None:
    limits = lab().settings.data
    file = table_upload(
        " with the same ten columns", max_rows=limits.max_rows, max_megabytes=limits.max_megabytes, key="own_data"
    )
    if file is None:
        st.caption(
            f"The columns must be called {', '.join(COLUMNS)}. Every row is checked; the first that break a rule are "
            "named. What is added stands beside the configured file and changes nothing of it."
        )
        return
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    name = left.text_input(
        "Name",
        value=file.name.rpartition(".")[0][:_STEM],
        max_chars=LONGEST_DATASET_NAME,
        key=f"own_name_{file.file_id}",
        help="How Train, Tune and the terminal call these rows.",
    )
    if right.button(
        "Add this data", type="primary", icon=":material/add_circle:", width="stretch", **barred(Deed.CHANGE_DATA)
    ):
        try:
            with st.spinner("Checking every row"):
                added = lab().data.add(file, file.name, name, actor=visitor())
        except DataError as error:
            show_error(error)
            return
        st.session_state[_ADDED] = f"{added.name}: {added.rows:,} rows were added."
        st.query_params[DATA] = added.name
        st.rerun()


def _say_added() -> None:
    said = st.session_state.pop(_ADDED, None)
    if said:
        st.success(escape(said), icon=":material/check_circle:")
        st.page_link(
            "train.py",
            label="Train on it",
            icon=":material/model_training:",
            query_params={DATA: st.query_params.get(DATA, "")},
        )


def _table(versions: tuple[DatasetVersion, ...]) -> None:
    st.dataframe(
        [
            {
                "Name": one.name,
                "Rows": f"{one.rows:,}",
                "Size": file_size(one.size),
                "Added": one.added,
                "By": one.actor,
                "File": one.file_name,
                "SHA-256": one.sha256[:12],
            }
            for one in versions
        ],
        column_config={
            "Rows": _FIGURE,
            "Size": _FIGURE,
            "Added": st.column_config.DatetimeColumn(format="distance"),
        },
        hide_index=True,
        alt="The datasets beside the configured file",
    )


def _remove(current: DatasetVersion) -> None:
    """Delete the dataset that is looked at, once it is said twice."""
    may = barred(Deed.CHANGE_DATA)
    with st.popover("Delete this dataset", icon=":material/delete:", **may):
        st.markdown(f"{escape(current.name)} and its {current.rows:,} rows are gone for ever then.")
        st.caption("A dataset that runs were trained on is not deleted.")
        if st.button("Delete it now", type="primary", icon=":material/delete:", **may):
            with errors():
                lab().data.remove(current.sha256, actor=visitor())
                st.query_params.pop(DATA, None)
                st.rerun()
