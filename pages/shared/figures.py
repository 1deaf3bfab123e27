"""Drawing what several screens draw the same way: score tiles, run tables, charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.domain.hyperparameters import KNOBS, family_label
from core.domain.metrics import METRICS, SCORE_NAMES, figure_text
from core.domain.money import MISSING, dollar_change, dollars, duration, true_minus
from core.domain.provenance import DATA_NAME_TAG, DATA_SOURCE_TAG
from core.domain.run_cells import STATUS_WORDS
from core.domain.run_query import Column, ColumnKind
from core.domain.runs import Run, Scores
from core.domain.sweeps import Sweep, TrialState
from core.workflows.views import ScoreLine
from pages.shared.columns import columns_of, help_of

if TYPE_CHECKING:
    from core.charts.frame import Figure

_TRIAL_STATE: Final = {
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "given up",
    TrialState.FAILED: "failed",
    TrialState.CANCELLED: "cancelled",
}


TILE_WIDTH: Final = 138
"""Two stand side by side on a phone, four on a desk."""

TILE_HEIGHT: Final = 65
_CHANGED_TILE_HEIGHT: Final = 92
"""As high as a tile is, without a difference and with one. Said beforehand: until the browser has what draws tiles,
something lower stands in their place, and all below would jump."""


def tile(
    place: DeltaGenerator,
    label: str,
    figure: str,
    *,
    help: str | None = None,
    width: int | Literal["stretch"] = TILE_WIDTH,
) -> None:
    """One figure; without other help it is explained as the lab explains its label."""
    place.metric(label, figure, help=help or help_of(label), width=width, height=TILE_HEIGHT)


def score_tiles(scores: Scores | None) -> None:
    """RMSE, MAE, R² and MAPE side by side; a missing figure shows as a dash."""
    figures = scores.as_metrics() if scores else {}
    tiles([ScoreLine(name, figure, None) for name, figure in figures.items()])


def is_metric(column: Column) -> bool:
    """Whether means and boxes can be drawn of it; said where they cannot."""
    if column.kind is ColumnKind.METRIC:
        return True
    st.caption("Choose a metric upwards: means and boxes are drawn of metrics alone.")
    return False


def tiles(lines: Sequence[ScoreLine]) -> None:
    """Score tiles with the difference to a reference where there is one."""
    known = {line.name: line for line in lines}
    row = st.container(horizontal=True, gap="small")
    for name in SCORE_NAMES:
        line = known.get(name)
        change = _change(name, line.difference) if line and line.difference is not None else None
        # Colour and arrow are said here: Streamlit reads them off a hyphen, and here stands a minus.
        is_lower = change is not None and change.startswith("−")
        is_better = is_lower is bool(METRICS[name].lower_is_better)
        is_same = change in _NO_CHANGE
        row.metric(
            METRICS[name].label,
            figure_text(name, line.value) if line else MISSING,
            delta=change,
            delta_color="off" if is_same else "green" if is_better else "red",
            delta_arrow="off" if is_same else "down" if is_lower else "up",
            help=METRICS[name].help,
            width=TILE_WIDTH,
            height=TILE_HEIGHT if change is None else _CHANGED_TILE_HEIGHT,
        )


def metric_tiles(names: Sequence[str], metrics: Mapping[str, float]) -> None:
    """These metrics side by side, each with its help; a missing one shows as a dash."""
    row = st.container(horizontal=True, gap="small")
    for name in names:
        tile(row, METRICS[name].label, figure_text(name, metrics.get(name)), help=METRICS[name].help)


def run_table(runs: Sequence[Run], key: str) -> Run | None:
    """The runs with their scores, newest first; the one whose row is chosen, if any is."""
    rows = [
        {
            "Run": run.name,
            **{METRICS[name].label: figure_text(name, run.metrics.get(name)) for name in SCORE_NAMES},
            "Family": family_label(run.family) or MISSING,
            "Status": STATUS_WORDS[run.status],
            "Fit": duration(run.fit_seconds),
            "Data": "demo" if run.is_demo else run.tags.get(DATA_NAME_TAG) or run.tags.get(DATA_SOURCE_TAG, MISSING),
            "Started": run.started,
        }
        for run in runs
    ]
    table = st.dataframe(
        rows,
        column_config={**columns_of(rows), "Started": st.column_config.DatetimeColumn(format="distance")},
        hide_index=True,
        alt="The newest runs with their scores on the held-out rows",
        key=key,
        on_select="rerun",
        selection_mode="single-row",
    )
    chosen = table.selection.rows
    return runs[chosen[0]] if chosen and chosen[0] < len(runs) else None


def trial_table(sweep: Sweep) -> None:
    """The trials of a sweep, the best first, then those without a score."""
    knobs = KNOBS[sweep.plan.family]
    unscored = [trial for trial in sweep.trials if trial.cv_rmse is None]
    rows = [
        {
            "Trial": trial.number + 1,
            "RMSE": dollars(trial.cv_rmse),
            "State": _TRIAL_STATE[trial.state],
            **{knobs[one.name].label: f"{trial.spec.values[one.name]:g}" for one in sweep.plan.varied},
            "Seed": trial.spec.seed,
            "Fits": duration(trial.seconds),
            "Reason": trial.reason,
        }
        for trial in (*sweep.complete, *unscored)
    ]
    known = columns_of(rows)
    st.dataframe(
        rows,
        column_config={
            **known,
            "RMSE": st.column_config.TextColumn(help="In cross-validation, 1990 dollars.", alignment="right"),
            **{
                knobs[one.name].label: st.column_config.TextColumn(help=knobs[one.name].help, alignment="right")
                for one in sweep.plan.varied
            },
        },
        hide_index=True,
        alt="The trials of this sweep, best first",
    )


def chart(figure: Figure, key: str) -> None:
    """A figure in the app's theme."""
    from core.charts.frame import CONFIG

    st.plotly_chart(figure, key=key, config=dict(CONFIG))


_NO_CHANGE: Final = {"$0", "+0.0000", "−0.0000", "+0.0 points", "−0.0 points"}


def _change(name: str, difference: float) -> str:
    if name in ("rmse", "mae"):
        return dollar_change(difference)
    text = f"{difference:+.1f} points" if name == "mape" else f"{difference:+.4f}"
    return true_minus(text)
