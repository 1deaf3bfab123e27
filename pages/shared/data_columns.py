"""The columns of a data file: what each means, how it is spread, and how they go together."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.charts.dataset import correlation_heat, distribution
from core.data.quality import column_rule
from core.data.schema import COLUMNS
from core.data.summary import ColumnSummary, Correlation
from core.domain.house import TARGET
from core.domain.money import decimal, dollars
from core.workflows.data_view import DataView
from pages.shared.figures import chart
from pages.shared.frame import escape

_FIGURE: Final = st.column_config.TextColumn(alignment="right", width=110)
_METHOD_HELP: Final = (
    "Spearman goes by ranks: 1 means that one always rises with the other, by however much. Pearson goes by the values "
    "themselves: 1 means that they lie on a straight line."
)
_METHODS: Final = tuple(method.value for method in Correlation)


def columns(view: DataView) -> None:
    """Every column with its meaning, unit, range in this file, and how many rows lack it."""
    st.caption("Ranges are those of this file. What is possible at all is checked when a file is read.")
    st.dataframe(
        [_column(one) for one in view.columns],
        column_config={
            "Lowest": _FIGURE,
            "Median": _FIGURE,
            "Highest": _FIGURE,
            "Missing": _FIGURE,
        },
        hide_index=True,
        height="content",
        alt="The ten columns with unit, range and missing values",
    )
    for one in view.columns:
        rule = column_rule(one.name)
        counted = ", ".join(f"{value} {count:,}" for value, count in one.values)
        found = f" In this file: {counted}." if counted else ""
        st.markdown(f"**{escape(rule.label)}** `{one.name}`  \n{escape(rule.help + found)}")


def distributions(view: DataView) -> None:
    """How one column is spread."""
    name = st.selectbox(
        "Column", COLUMNS, format_func=lambda name: column_rule(name).label, key="column", bind="query-params"
    )
    shown = name or COLUMNS[0]
    chart(distribution(view.dataset.rows, shown), key="distribution")
    st.caption(escape(column_rule(shown).help))


def correlations(view: DataView) -> None:
    """How the number columns go together, and each with the price."""
    chosen = st.segmented_control(
        "Coefficient",
        _METHODS,
        default=_METHODS[0],
        required=True,
        key="method",
        bind="query-params",
        help=_METHOD_HELP,
    )
    found = view.correlations(Correlation(chosen or _METHODS[0]))
    picture, table = st.columns([3, 2], gap="large")
    with picture:
        chart(correlation_heat(found), key="correlations")
    with table:
        st.markdown("**With the price**")
        st.dataframe(
            [
                {"Column": column_rule(name).label, found.method.value: decimal(value, 2)}
                for name, value in found.with_price()
            ],
            column_config={found.method.value: _FIGURE},
            hide_index=True,
            alt="Each column's correlation with the price, the strongest first",
        )
        st.caption("A coefficient says that two columns go together, not that one makes the other.")


def _column(one: ColumnSummary) -> dict[str, object]:
    rule = column_rule(one.name)
    return {
        "Column": one.name,
        "Unit": rule.unit,
        "Lowest": _written(one.name, one.low),
        "Median": _written(one.name, one.median),
        "Highest": _written(one.name, one.high),
        "Missing": f"{one.missing:,}",
    }


def _written(name: str, value: float | None) -> str:
    return dollars(value) if name == TARGET else decimal(value, column_rule(name).shown_digits)
