"""Which runs are shown, in which order: the form over the run table. All of it is in the address."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.domain.hyperparameters import ModelFamily, family_label
from core.domain.run_cells import STATUS_WORDS, ordered, titles_of
from core.domain.run_query import (
    LONGEST_FILTER,
    PAGE_SIZES,
    SORTABLE_ATTRIBUTES,
    Column,
    ColumnKind,
    Lifecycle,
    Order,
    RunKind,
    RunQuery,
)
from core.domain.runs import RunStatus
from pages.shared.frame import escape

_NAMES: Final = tuple(field.name for field in fields(RunQuery))
_WRITTEN: Final = "runs_address"
_FORM: Final = "runs_form"
_ORDER_WIDTH: Final = 110  # leaves no room beside two fields, so that a phone has the same lines at all times
_FIELD_WIDTH: Final = 160
_FIELD_HEIGHT: Final = 68
"""Of a label and its box. One field in each row has it from the start, and so has the row: until the browser has what
draws the others, something lower stands in their place, and the table would jump."""

_EXAMPLE: Final = "metrics.rmse < 50000 and params.max_depth = '20'"


@dataclass(frozen=True, slots=True)
class _Form:
    """One filling of the form: where its widgets began.

    A query from elsewhere gets new widgets that begin with it. Setting the old ones would need a message to the
    browser, and one that the next script run overtakes is lost: the form would show, and then ask, something else.
    """

    number: int
    start: RunQuery

    def key(self, name: str) -> str:
        return f"runs_{name}_{self.number}"


def wanted_query() -> RunQuery:
    """What the address asks for. A link, or the browser's way back, sets the form anew.

    Raises:
        InvalidFilter: the address asks for something that runs do not have.
    """
    address = {name: st.query_params[name] for name in _NAMES if name in st.query_params}
    query = RunQuery.from_address(address)
    form: _Form | None = st.session_state.get(_FORM)
    if form is None or st.session_state.get(_WRITTEN) != address or form.key("order") not in st.session_state:
        st.session_state[_WRITTEN] = address
        st.session_state[_FORM] = _Form(form.number + 1 if form else 1, query)
    return query


def write_query(query: RunQuery) -> None:
    """Put the query into the address, beside what else stands there."""
    address = query.as_address()
    st.session_state[_WRITTEN] = address
    for name in _NAMES:
        if name not in address:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != address[name]:
            st.query_params[name] = address[name]


def forget_form() -> None:
    """All runs again: the address without any filter."""
    st.session_state.pop(_WRITTEN, None)
    for name in _NAMES:
        if name in st.query_params:
            del st.query_params[name]


def _field(row: DeltaGenerator, width: int = _FIELD_WIDTH) -> DeltaGenerator:
    return row.container(width=width, height=_FIELD_HEIGHT, border=False)


def filter_form(query: RunQuery, columns: tuple[Column, ...]) -> RunQuery:
    """The query as the form stands. Any other filter or order starts at the first page again.

    Args:
        query: what the address asked for. columns: what rows can be sorted by, beside the attributes.
    """
    form: _Form = st.session_state[_FORM]
    start, key = form.start, form.key
    row = st.container(horizontal=True, gap="small", vertical_alignment="bottom")
    name = _field(row).text_input("Name contains", start.name, key=key("name"), max_chars=200)
    families = row.multiselect(
        "Family",
        list(ModelFamily),
        start.families,
        key=key("families"),
        format_func=family_label,
        placeholder="All",
        width=170,
    )
    statuses = row.multiselect(
        "Status",
        list(RunStatus),
        start.statuses,
        key=key("statuses"),
        format_func=STATUS_WORDS.__getitem__,
        placeholder="All",
        width=_FIELD_WIDTH,
    )
    sortable = [Column(ColumnKind.ATTRIBUTE, one) for one in SORTABLE_ATTRIBUTES]
    sortable += ordered([column for column in columns if column.kind in (ColumnKind.METRIC, ColumnKind.PARAM)])
    sortable += [one for one in dict.fromkeys((query.order.column, start.order.column)) if one not in sortable]
    titles = titles_of(sortable)
    column = _field(row).selectbox(
        "Sort by",
        sortable,
        sortable.index(start.order.column),
        key=key("order"),
        format_func=titles.__getitem__,
    )
    # As high as its neighbours: its box is lower than theirs, and at the bottom of the row its label would be too.
    descending = _field(row, _ORDER_WIDTH).segmented_control(
        "Order",
        [False, True],
        default=start.order.descending,
        key=key("descending"),
        format_func=lambda down: ":material/arrow_downward:" if down else ":material/arrow_upward:",
        help="Upwards or downwards. What is missing comes last either way.",
        required=True,
        width="stretch",
    )
    with row.popover("More", icon=":material/filter_list:"):
        text = st.text_input(
            "MLflow filter",
            start.filter_text,
            key=key("filter_text"),
            max_chars=LONGEST_FILTER,
            placeholder=_EXAMPLE,
            help="MLflow's own filter language, on top of the choices above.",
        )
        kinds, lifecycles = list(RunKind), list(Lifecycle)
        kind = st.selectbox("Kind", kinds, kinds.index(start.kind), key=key("kind"), format_func=str.capitalize)
        lifecycle = st.selectbox(
            "Shown",
            lifecycles,
            lifecycles.index(start.lifecycle),
            key=key("lifecycle"),
            format_func=str.capitalize,
        )
        data = st.text_input(
            "Data",
            start.data,
            key=key("data"),
            max_chars=64,
            help="The start of the rows' SHA-256, as the run's lineage has it.",
        )
        sizes = sorted({*PAGE_SIZES, start.size})
        size = st.selectbox("Rows a page", sizes, sizes.index(start.size), key=key("size"))
    if text.strip():
        st.caption(f":material/filter_alt: {escape(text.strip())}")
    asked = replace(
        query,
        name=name,
        families=tuple(families),
        statuses=tuple(statuses),
        order=Order(column, bool(descending)),
        kind=kind or query.kind,
        lifecycle=lifecycle or query.lifecycle,
        data=data.strip().lower(),
        size=size,
        filter_text=text.strip(),
    )
    return asked if asked == query else replace(asked, page=1)
