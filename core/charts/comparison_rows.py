"""On which of the held-out rows compared runs are good: by segment, from several sides, and row by row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, empty, framed, plain
from core.charts.lettering import counted, note, short_labels, shortened, wrapped
from core.charts.palette import ACCENT, BAD, GOOD, NEUTRAL, Mark, run_marks
from core.charts.run_points import LEGEND_WIDTH, name_below
from core.domain.money import dollar_change, dollars, percent
from core.evaluation.segments import FEWEST_IN_CELL
from core.workflows.comparison_views import Comparison, Profile, SegmentLine
from core.workflows.comparison_words import change_text, interval_text

_ROW: Final = 46
_PROFILE_ROW: Final = 54
_DOT: Final = 6
_AROUND: Final = 130
_HEIGHT: Final = 460
_AXIS_NAME: Final = 22


def segment_bars(comparison: Comparison, kind: str) -> go.Figure:
    """The RMSE of every comparable run on each part of the held-out rows: dots of the runs' own marks.

    A part with a handful of rows is named below the title and not drawn: its figure means nothing, and would stretch
    the axis for all others.

    Args:
        kind: ``region``, ``price band`` or ``survey cap``.
    """
    title, x_title = f"RMSE by {kind}", "RMSE (1990 $)"
    there = [line for line in comparison.segments if line.kind == kind]
    lines = [line for line in there if line.rows >= FEWEST_IN_CELL]
    left_out = "".join(
        f"; {line.name} left out, with {counted(line.rows, 'row')}" for line in there if line not in lines
    )
    if not lines:
        reason = comparison.where_missing or f"No run has held-out rows to part by {kind}."
        return empty(note(reason), title=title, x_title=x_title, y_title="", height=_AROUND + 3 * _ROW)
    labels = comparison.labels
    marks, short = run_marks(labels), short_labels(labels, LEGEND_WIDTH)
    run_ids = [one.run.run_id for one in comparison.comparable]
    traces = [
        _segment_dots(lines, run_id, labels, short[run_id], marks[run_id], offset)
        for run_id, offset in zip(run_ids, _offsets(len(run_ids)), strict=True)
    ]
    figure = framed(
        traces,
        title=title,
        subtitle=f"against {shortened(labels[comparison.baseline.run.run_id], 40)}; intervals in the hover{left_out}",
        x_title=x_title,
        y_title="",
        height=_AROUND + len(lines) * max(_ROW, _DOT * len(run_ids)),
    )
    figure.update_xaxes(tickformat=PRICE_TICKS, nticks=6)
    figure.update_yaxes(
        tickvals=list(range(len(lines))),
        ticktext=[f"{wrapped(line.name)}<br>{line.rows:,} rows" for line in lines],
        range=[len(lines) - 0.45, -0.55],
        showgrid=False,
    )
    for place in range(1, len(lines)):
        figure.add_hline(y=place - 0.5, line={"color": NEUTRAL, "width": 0.5})
    name_below(figure)
    return figure


def profile_dots(comparison: Comparison) -> go.Figure:
    """Each run's RMSE on all held-out rows, without the capped ones, and on areas it has seen no neighbour of.

    What a run has not is said under its name, never drawn as zero.
    """
    title, x_title = "Score profile", "RMSE (1990 $)"
    sides = [
        ("all held-out rows", "all rows", ACCENT, "circle", [one.rmse for one in comparison.profiles]),
        ("without capped rows", "uncapped", GOOD, "square", [one.without_capped for one in comparison.profiles]),
        ("areas not seen", "spatial", BAD, "diamond", [one.spatial_rmse for one in comparison.profiles]),
    ]
    height = _AROUND + _PROFILE_ROW * max(3, len(comparison.profiles)) + 20
    if all(value is None for *_, values in sides for value in values):
        return empty(note("No run has an RMSE."), title=title, x_title=x_title, y_title="", height=height)
    labels = comparison.labels
    nobodys = "".join(
        f"; no run was scored on {name}" for name, _, _, _, values in sides if not any(map(_is_there, values))
    )
    sides = [side for side in sides if any(map(_is_there, side[-1]))]
    traces = [
        go.Scatter(
            x=[value for value in values if value is not None],
            # Not quite in one line: without capped rows a score may be the same.
            y=[place + offset for place, value in enumerate(values) if value is not None],
            mode="markers",
            name=name,
            marker={"color": colour, "symbol": symbol, "size": 11},
            customdata=[
                _profile_words(one, labels[one.run_id], f"{name}: {dollars(value)}")
                for one, value in zip(comparison.profiles, values, strict=True)
                if value is not None
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
        for (name, _, colour, symbol, values), offset in zip(sides, (-0.15, 0.0, 0.15), strict=False)
    ]
    figure = framed(
        traces,
        title=title,
        subtitle="capped rows have no true price; a random split scores areas whose neighbours were seen" + nobodys,
        x_title=x_title,
        y_title="",
        height=height,
    )
    figure.update_xaxes(tickformat=PRICE_TICKS, nticks=6)
    rows = []
    for place, one in enumerate(comparison.profiles):
        missing = [short for _, short, _, _, values in sides if values[place] is None]
        rows.append(wrapped(labels[one.run_id]) + _said_missing(missing, len(sides)))
    figure.update_yaxes(tickvals=list(range(len(rows))), ticktext=rows, range=[len(rows) - 0.4, -0.6], showgrid=False)
    name_below(figure)
    return figure


def residuals_against(comparison: Comparison, one: str, other: str) -> go.Figure:
    """The residuals (recorded − predicted) of two runs on the same rows, on axes of one scale with the diagonal.

    Each row has the colour of the run that is nearer to the recorded price. On the diagonal both are equally wrong.

    Args:
        one, other: run ids, across and upwards.
    """
    title, labels = "Residuals against each other", comparison.labels
    x_title, y_title = (f"{plain(shortened(labels.get(run, run), _AXIS_NAME))} (1990 $)" for run in (one, other))
    shared = comparison.shared
    if shared is None or one not in shared.predicted or other not in shared.predicted:
        reason = "These runs have no held-out rows in common."
        return empty(note(reason), title=title, x_title=x_title, y_title=y_title, height=_HEIGHT)
    across, up = (shared.actual - shared.predicted[run] for run in (one, other))
    known = np.flatnonzero(np.isfinite(across) & np.isfinite(up))
    if not known.size:
        reason = "No row has an estimate of both."
        return empty(note(reason), title=title, x_title=x_title, y_title=y_title, height=_HEIGHT)
    marks = run_marks(labels)
    first, second = marks[one].colour, marks[other].colour
    second = second if second != first else NEUTRAL
    nearer = np.abs(up) < np.abs(across)
    traces = []
    for run, colour, rows in (
        (one, first, known[~nearer[known]]),
        (other, second, known[nearer[known]]),
    ):
        words = [
            f"Row {row}, recorded {dollars(price)}<br>{plain(shortened(labels[one], 40))} {dollar_change(left)}<br>"
            f"{plain(shortened(labels[other], 40))} {dollar_change(right)}"
            for row, price, left, right in zip(
                shared.row_ids[rows].tolist(),
                shared.actual[rows].tolist(),
                across[rows].tolist(),
                up[rows].tolist(),
                strict=True,
            )
        ]
        traces.append(
            go.Scatter(
                x=across[rows],
                y=up[rows],
                mode="markers",
                name=f"nearer: {plain(shortened(labels[run], LEGEND_WIDTH - 8))}",
                marker={"color": colour, "size": 4, "opacity": 0.65},
                customdata=words,
                hovertemplate="%{customdata}<extra></extra>",
            )
        )
    reach = 1.04 * float(max(np.abs(across[known]).max(), np.abs(up[known]).max(), 1.0))
    diagonal = go.Scatter(
        x=[-reach, reach],
        y=[-reach, reach],
        mode="lines",
        line={"color": NEUTRAL, "width": 1.5},
        hoverinfo="skip",
        showlegend=False,
    )
    share = percent(100 * float(nearer[known].mean()))
    figure = framed(
        [*traces, diagonal],
        title=title,
        subtitle=f"recorded − predicted; {shortened(labels[other], 36)} is nearer on {share} of {known.size:,} rows",
        x_title=x_title,
        y_title=y_title,
        height=_HEIGHT,
        zoomable=True,
    )
    figure.update_xaxes(
        range=[-reach, reach], tickformat=PRICE_TICKS, nticks=6, constrain="domain", constraintoward="left"
    )
    figure.update_yaxes(
        range=[-reach, reach],
        tickformat=PRICE_TICKS,
        nticks=6,
        scaleanchor="x",
        scaleratio=1,
        constrain="domain",
        constraintoward="top",
    )
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1, "dash": "dot"})
    figure.add_vline(x=0, line={"color": NEUTRAL, "width": 1, "dash": "dot"})
    name_below(figure)
    return figure


def _segment_dots(
    lines: list[SegmentLine], run_id: str, labels: Mapping[str, str], name: str, mark: Mark, offset: float
) -> go.Scatter:
    known = [(place, line, line.rmse[run_id]) for place, line in enumerate(lines) if run_id in line.rmse]
    return go.Scatter(
        x=[rmse for _, _, rmse in known],
        y=[place + offset for place, _, _ in known],
        mode="markers",
        name=plain(name),
        marker={"color": mark.colour, "symbol": mark.symbol, "size": 9},
        customdata=[_segment_words(line, run_id, labels[run_id], rmse) for _, line, rmse in known],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _segment_words(line: SegmentLine, run_id: str, label: str, rmse: float) -> str:
    judged = line.differences.get(run_id)
    said = [f"<b>{plain(shortened(label, 60))}</b>", f"{plain(line.name)}, {line.rows:,} rows: RMSE {dollars(rmse)}"]
    if judged is not None:
        said.append(f"to the baseline {change_text('rmse', judged.delta)}: {judged.verdict.value}")
        said.append(f"95 % {interval_text('rmse', judged)}")
    return "<br>".join(said)


def _is_there(value: float | None) -> bool:
    return value is not None


def _said_missing(missing: list[str], sides: int) -> str:
    if not missing:
        return ""
    return "<br>no figures" if len(missing) == sides else f"<br>no {', '.join(missing)}"


def _profile_words(one: Profile, label: str, figure: str) -> str:
    lines = [f"<b>{plain(shortened(label, 60))}</b>", figure]
    lines += [f"capped rows alone: {dollars(one.capped_only)}"] if one.capped_only is not None else []
    lines += [f"coverage: {percent(100 * one.coverage)}"] if one.coverage is not None else []
    return "<br>".join(lines)


def _offsets(count: int) -> list[float]:
    """Places within a row, the first on top: dots side by side would hide each other."""
    return [0.0] if count == 1 else [0.6 * (place / (count - 1) - 0.5) for place in range(count)]
