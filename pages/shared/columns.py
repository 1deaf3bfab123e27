"""What every table says and does alike: a word on each column the lab has a word for, and figures at the right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Literal

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from core.domain.glossary import meaning
from core.domain.money import MISSING, is_figure
from pages.shared.frame import escape


def columns_of(rows: Sequence[Mapping[str, object]]) -> dict[str, ColumnConfig]:
    """The configuration of a table of these rows, by title; a table's own wishes are put over it.

    Lists and times keep the column Streamlit makes of them.
    """
    titles = dict.fromkeys(title for row in rows for title in row)
    found = {title: _column(title, [row.get(title) for row in rows]) for title in titles}
    return {title: column for title, column in found.items() if column is not None}


def help_of(title: str) -> str | None:
    """What stands behind the question mark of a term; None where the lab has no word for it."""
    said = meaning(title)
    return escape(said) if said else None


def side_of(values: Iterable[object]) -> Literal["left", "right"]:
    """Where cells stand: at the right where every one that is not missing is a figure."""
    there = [str(value) for value in values if value not in (None, "", MISSING)]
    return "right" if there and all(map(is_figure, there)) else "left"


def _column(title: str, values: Sequence[object]) -> ColumnConfig | None:
    there = [value for value in values if value is not None]
    if all(isinstance(value, str) for value in there):
        return st.column_config.TextColumn(help=help_of(title), alignment=side_of(there))
    if all(isinstance(value, Real) for value in there):
        return st.column_config.NumberColumn(help=help_of(title))
    return None
