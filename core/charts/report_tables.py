"""A comparison as tables of HTML: every text escaped, every missing figure a dash."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.domain.house import FEATURES
from core.domain.metrics import figure_text, metric_of
from core.domain.money import MISSING, dollars, duration, percent
from core.domain.provenance import CODE_TAG, SPLIT_TAG
from core.domain.run_cells import data_text, status_word
from core.domain.runs import Run
from core.evaluation.significance import Judgement, Verdict
from core.workflows.comparison_views import ComparedRun, Comparison, Disagreement
from core.workflows.comparison_words import change_text, interval_text, reason_of

MANY_RUNS: Final = 6
"""From so many runs on a table with a column a run needs a page on its side."""

_CLASSES: Final = {Verdict.BETTER: "better", Verdict.WORSE: "worse"}


@dataclass(frozen=True, slots=True)
class Cell:
    """Figures for a cell, one a line and never broken; ``verdict`` stands under them, coloured."""

    text: str
    verdict: Verdict | None = None


Row = tuple[str | Cell, ...]


def table(caption: str, head: Sequence[str], rows: Sequence[Row]) -> str:
    """A table whose first column names the rows; a wide one scrolls on its own."""
    titles = "".join(f'<th scope="col">{text(title)}</th>' for title in head)
    body = "".join(f"<tr>{_data(row[0], 'th')}{''.join(_data(one, 'td') for one in row[1:])}</tr>" for row in rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{text(caption)}"><table>'
        f"<caption>{text(caption)}</caption><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def text(words: str) -> str:
    """Words as HTML shows them letter by letter, in an attribute too."""
    return html.escape(words, quote=True)


def run_table(comparison: Comparison) -> str:
    """Which runs these are, and where each comes from."""
    head = ("Run", "Id", "State", "Started (UTC)", "Took", "Data", "Split", "Code")
    return table("The runs, the baseline first", head, [_run_row(one) for one in comparison.runs])


def metric_table(comparison: Comparison) -> str:
    """Every metric of every run; under it the difference to the baseline, its interval and the word."""
    head = ("Run", *(metric_of(name).title for name in comparison.metrics))
    rows: list[Row] = [
        (_named(comparison, one), *(_metric(one, name) for name in comparison.metrics)) for one in comparison.runs
    ]
    return table("Scores, each with its difference to the baseline and the 95 % interval", head, rows)


def param_table(comparison: Comparison) -> str:
    """The params in which the runs differ; those they share in a sentence."""
    differing = [line for line in comparison.params if line.differs]
    alike = [f"{line.label} {line.values[0] or MISSING}" for line in comparison.params if not line.differs]
    head = ("Run", *(line.label for line in differing))
    rows: list[Row] = [
        (one.label, *(line.values[place] or MISSING for line in differing)) for place, one in enumerate(comparison.runs)
    ]
    told = table("The params in which the runs differ", head, rows) if differing else "<p>All params agree.</p>"
    return told + (f"<p>The same in all runs: {text(', '.join(alike))}.</p>" if alike else "")


def group_table(comparison: Comparison) -> str:
    """Settings over seeds; empty where there are none."""
    rows: list[Row] = [
        (
            group.label,
            ", ".join(f"{seed}" for seed in group.seeds) or MISSING,
            dollars(group.rmse.mean),
            MISSING if group.rmse.low is None else f"{dollars(group.rmse.low)} to {dollars(group.rmse.high)}",
            _judged("rmse", group.against_baseline),
            group.note,
        )
        for group in comparison.groups
    ]
    head = ("Settings", "Seeds", "Mean RMSE (1990 $)", "95 % interval", "To the baseline's settings", "Note")
    return table("Settings over their seeds", head, rows) if rows else ""


def segment_table(comparison: Comparison) -> str:
    """RMSE of the comparable runs on every part of the held-out rows; empty where there is none."""
    runs = comparison.comparable
    rows: list[Row] = [
        (
            f"{line.name}\n{line.kind}",
            f"{line.rows:,}",
            *(_segment(line.rmse.get(one.run.run_id), line.differences.get(one.run.run_id)) for one in runs),
        )
        for line in comparison.segments
    ]
    head = ("Part", "Rows", *(one.label for one in runs))
    return table("RMSE (1990 $) on parts of the held-out rows", head, rows) if rows else ""


def disagreement_table(comparison: Comparison) -> str:
    """The rows on which the estimates lie farthest apart; empty where there is none.

    Of many runs only the lowest and the highest estimate are told, with whose they are.
    """
    labels = [one.label for one in comparison.comparable]
    titles = labels if len(labels) < MANY_RUNS else ["Lowest estimate", "Highest estimate"]
    rows: list[Row] = [
        (
            f"{line.row_id:,}",
            dollars(line.actual),
            *(_each(comparison, line) if titles is labels else _ends(comparison, line)),
            dollars(line.spread),
            Cell("\n".join(f"{_feature(name)} {_value(value)}" for name, value in line.house.items()) or MISSING),
        )
        for line in comparison.disagreements
    ]
    head = ("Row of the data file", "Recorded", *titles, "Apart", "Block group")
    return table("The held-out rows they disagree on most (1990 $)", head, rows) if rows else ""


def profile_table(comparison: Comparison) -> str:
    """Every run's scores from several sides."""
    rows: list[Row] = [
        (
            comparison.labels[one.run_id],
            *map(dollars, (one.rmse, one.without_capped, one.capped_only, one.spatial_rmse)),
            MISSING if one.coverage is None else percent(100 * one.coverage),
        )
        for one in comparison.profiles
    ]
    head = ("Run", "RMSE", "Without capped rows", "Capped rows alone", "Areas not seen", "Interval coverage")
    return table("RMSE (1990 $) from several sides, and interval coverage", head, rows)


def reason_table(comparison: Comparison) -> str:
    """The runs that have no difference to the baseline, and why; empty where all have one."""
    rows: list[Row] = [(one.label, one.not_compared) for one in comparison.runs if one.not_compared]
    return table("Runs without a difference to the baseline", ("Run", "Why"), rows) if rows else ""


def _data(cell: str | Cell, tag: str) -> str:
    scope = ' scope="row"' if tag == "th" else ""
    if isinstance(cell, str):
        return f"<{tag}{scope}>{text(cell)}</{tag}>"
    word = (
        "" if cell.verdict is None else f'\n<span class="{_CLASSES.get(cell.verdict, "")}">{cell.verdict.value}</span>'
    )
    return f'<{tag}{scope} class="figures">{text(cell.text)}{word}</{tag}>'


def _named(comparison: Comparison, one: ComparedRun) -> str:
    if one is comparison.baseline:
        return f"{one.label}\nbaseline"
    return one.label if one.is_compared else f"{one.label}\n{Verdict.NOT_COMPARABLE.value}"


def _run_row(one: ComparedRun) -> Row:
    run: Run = one.run
    return (
        one.label,
        run.run_id,
        status_word(run),
        f"{run.started:%Y-%m-%d %H:%M:%S}",
        duration(run.seconds),
        data_text(run),
        run.tags.get(SPLIT_TAG, MISSING),
        run.tags.get(CODE_TAG, MISSING),
    )


def _metric(one: ComparedRun, name: str) -> Cell:
    figure, judged = figure_text(name, one.run.metrics.get(name)), one.differences.get(name)
    if judged is None:
        return Cell(figure)
    return Cell(f"{figure}\n{_difference(name, judged)}", judged.verdict)


def _segment(rmse: float | None, judged: Judgement | None) -> Cell:
    if judged is None:
        return Cell(dollars(rmse))
    return Cell(f"{dollars(rmse)}\n{_difference('rmse', judged)}", judged.verdict)


def _each(comparison: Comparison, line: Disagreement) -> list[str]:
    return [dollars(line.predicted.get(one.run.run_id)) for one in comparison.comparable]


def _ends(comparison: Comparison, line: Disagreement) -> list[str]:
    ordered = sorted(line.predicted, key=line.predicted.__getitem__)
    return [f"{dollars(line.predicted[end])}\n{comparison.labels[end]}" for end in (ordered[0], ordered[-1])]


def _judged(name: str, judged: Judgement | None) -> Cell:
    return (
        Cell(MISSING) if judged is None else Cell(f"{_difference(name, judged)}\n{reason_of(judged)}", judged.verdict)
    )


def _difference(name: str, judged: Judgement) -> str:
    return f"{change_text(name, judged.delta)}\n{interval_text(name, judged)}"


def _feature(name: str) -> str:
    return FEATURES[name].label if name in FEATURES else name


def _value(value: object) -> str:
    return MISSING if value is None else f"{value:,.10g}" if isinstance(value, int | float) else str(value)
