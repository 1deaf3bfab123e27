"""The tables of Compare: metrics with their differences, params that differ, settings over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import streamlit as st

from core.domain.metrics import METRICS, SCORE_NAMES, Unit, figure_text, metric_of
from core.domain.money import MISSING, dollars
from core.workflows.comparison_views import ComparedRun, Comparison, SettingsGroup
from core.workflows.comparison_words import change_text, interval_text, method
from pages.shared.columns import columns_of, help_of
from pages.shared.frame import escape

_PARAM_WIDTH: Final = 150
"""Leaves room for one run beside it on a phone."""

_IN_DOLLARS: Final = tuple(name for name in SCORE_NAMES if METRICS[name].unit is Unit.DOLLARS)
_WITHOUT: Final = tuple(name for name in SCORE_NAMES if name not in _IN_DOLLARS)


def metric_table(compared: Comparison) -> None:
    """Each score of each run, its difference to the baseline, its interval, and the word; then the other metrics.

    In three tables, because one of them all would be cut on a desk. The RMSE's columns come first: a phone shows them.
    """
    _run_rows(
        [_scores(one, _IN_DOLLARS, compared.word_of(one)) for one in compared.runs],
        alt="Each run's scores with the difference to the baseline and its 95 % interval",
    )
    if compared.others:
        st.caption(escape(method(compared)))
    _notes((one.label, one.note) for one in compared.runs)
    _run_rows(
        [_scores(one, _WITHOUT) for one in compared.runs],
        alt="Each run's scores without a unit, with the difference to the baseline and its 95 % interval",
    )
    others = [name for name in compared.metrics if name not in SCORE_NAMES]
    if others:
        _run_rows([_figures(one, others) for one in compared.runs], alt="The other metrics of each run")


def _scores(one: ComparedRun, names: Sequence[str], verdict: str = "") -> dict[str, object]:
    """A run's line; the verdict, which is about the RMSE, stands behind the first score."""
    row: dict[str, object] = {"Run": one.label}
    for name in names:
        judged = one.differences.get(name)
        label = METRICS[name].label
        row[label] = figure_text(name, one.run.metrics.get(name))
        row[f"{label} difference"] = change_text(name, judged.delta) if judged else MISSING
        row[f"{label} 95 % interval"] = interval_text(name, judged)
        if verdict:
            row.setdefault("Verdict", verdict)
    return row


def _figures(one: ComparedRun, names: Sequence[str]) -> dict[str, str]:
    return {"Run": one.label} | {metric_of(name).label: figure_text(name, one.run.metrics.get(name)) for name in names}


def _run_rows(rows: Sequence[Mapping[str, object]], *, alt: str) -> None:
    st.dataframe(
        rows,
        column_config={**columns_of(rows), "Run": st.column_config.TextColumn(help=help_of("Run"), pinned=True)},
        hide_index=True,
        alt=alt,
    )


def _notes(noted: Iterable[tuple[str, str]]) -> None:
    """What is to be said of some lines, each note once: a sentence in a column would be cut."""
    labels: dict[str, list[str]] = {}
    for label, note in noted:
        if note:
            labels.setdefault(note, []).append(label)
    for note, those in labels.items():
        st.caption(escape(f"{', '.join(those)}: {note}"))


def param_table(compared: Comparison) -> None:
    """What differs between the runs; the rest behind a switch."""
    differing = [line for line in compared.params if line.differs]
    alike = [line for line in compared.params if not line.differs]
    shown = differing
    if not differing:
        st.caption("All params agree.")
    if alike and st.toggle(f"Show the {len(alike):,} that agree too", key="all_params"):
        shown = [*differing, *alike]
    if shown:
        labels = [one.label for one in compared.runs]
        rows = [
            {
                "Param": line.label,
                **{label: value or MISSING for label, value in zip(labels, line.values, strict=True)},
            }
            for line in shown
        ]
        st.dataframe(
            rows,
            column_config={**columns_of(rows), "Param": st.column_config.TextColumn(pinned=True, width=_PARAM_WIDTH)},
            hide_index=True,
            alt="The params in which the runs differ",
        )


def settings_table(compared: Comparison) -> None:
    """Settings over their seeds: a claim about settings needs more than one."""
    if len(compared.groups) < 2:
        return
    rows = [_group_row(group) for group in compared.groups]
    st.dataframe(
        rows,
        column_config={
            **columns_of(rows),
            "Settings": st.column_config.TextColumn(help=help_of("Settings"), pinned=True),
            "Verdict": st.column_config.TextColumn(
                help="About the settings, not about single models: the interval holds the noise of the rows and of the "
                "seeds."
            ),
        },
        hide_index=True,
        alt="Mean RMSE of each settings over its seeds",
    )
    told = {one.not_compared for one in compared.runs}  # stands above the tables
    _notes((group.label, group.note) for group in compared.groups if group.note not in told)


def _group_row(group: SettingsGroup) -> dict[str, object]:
    judged = group.against_baseline
    return {
        "Settings": group.label,
        "Mean RMSE": dollars(group.rmse.mean),
        "Difference": change_text("rmse", judged.delta) if judged else MISSING,
        "95 % interval": interval_text("rmse", judged),
        "Verdict": judged.verdict.value if judged else MISSING,
        "Seeds": ", ".join(str(seed) for seed in group.seeds),
    }
