"""The tables of Compare: metrics with their differences, params that differ, settings over seeds."""

from __future__ import annotations

import streamlit as st

from core.domain.metrics import METRICS, SCORE_NAMES, figure_text, metric_of
from core.domain.money import MISSING, dollars
from core.workflows.comparison_views import Comparison, SettingsGroup
from core.workflows.comparison_words import change_text, interval_text, method
from pages.shared.columns import columns_of, help_of
from pages.shared.frame import escape


def metric_table(compared: Comparison) -> None:
    """One row a run: each score, its difference to the baseline, its interval, and the word."""
    others = [name for name in compared.metrics if name not in SCORE_NAMES]
    rows = []
    for one in compared.runs:
        row: dict[str, object] = {"Run": one.label, "Verdict": compared.word_of(one)}
        for name in SCORE_NAMES:
            judged = one.differences.get(name)
            label = METRICS[name].label
            row[label] = figure_text(name, one.run.metrics.get(name))
            row[f"{label} difference"] = change_text(name, judged.delta) if judged else MISSING
            row[f"{label} 95 % interval"] = interval_text(name, judged)
        if any(other.note for other in compared.runs):
            row["Note"] = one.note
        rows.append(row | {metric_of(name).label: figure_text(name, one.run.metrics.get(name)) for name in others})
    st.dataframe(
        rows,
        column_config={**columns_of(rows), "Run": st.column_config.TextColumn(help=help_of("Run"), pinned=True)},
        hide_index=True,
        alt="Each run's scores with the difference to the baseline and its 95 % interval",
    )
    if compared.others:
        st.caption(escape(method(compared)))


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
        st.dataframe(rows, column_config=columns_of(rows), hide_index=True, alt="The params in which the runs differ")


def settings_table(compared: Comparison) -> None:
    """Settings over their seeds: a claim about settings needs more than one."""
    if len(compared.groups) < 2:
        return
    rows = [_group_row(group) for group in compared.groups]
    st.dataframe(
        rows,
        column_config={
            **columns_of(rows),
            "Verdict": st.column_config.TextColumn(
                help="About the settings, not about single models: the interval holds the noise of the rows and of the "
                "seeds."
            ),
        },
        hide_index=True,
        alt="Mean RMSE of each settings over its seeds",
    )


def _group_row(group: SettingsGroup) -> dict[str, object]:
    judged = group.against_baseline
    return {
        "Settings": group.label,
        "Seeds": ", ".join(str(seed) for seed in group.seeds),
        "Mean RMSE": dollars(group.rmse.mean),
        "Difference": change_text("rmse", judged.delta) if judged else MISSING,
        "95 % interval": interval_text("rmse", judged),
        "Verdict": judged.verdict.value if judged else MISSING,
        "Note": group.note,
    }
