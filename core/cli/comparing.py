"""``compare``: runs beside a baseline, with an interval and a word for every difference."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.cli.caller import caller
from core.cli.output import print_json
from core.domain.access import Deed
from core.domain.configuration import load_settings
from core.domain.metrics import figure_text
from core.evaluation.significance import Judgement, Verdict
from core.workflows.comparison_views import ComparedRun, Comparison, SettingsGroup
from core.workflows.comparison_words import change_text, interval_text


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN RUN…", help="Run ids, or enough of their beginnings; the baseline first."),
    ],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compare 2 to 20 runs on the same held-out rows; the first one is the baseline."""
    from core.tracking.store import Connection
    from core.workflows.chosen_runs import resolve_run_ids
    from core.workflows.comparing import Comparing

    settings = load_settings()
    caller(settings).require(Deed.SEE)
    connect = Connection(settings)
    compared = Comparing(settings, connect).compare(resolve_run_ids(connect(), runs))
    if json:
        print_json(comparison_report(compared))
    else:
        _print(compared)


def comparison_report(compared: Comparison) -> dict[str, Any]:
    """The terminal's JSON document: JSON values only, NaN aside."""
    return {
        "baseline": compared.baseline.run.run_id,
        "runs": [
            {
                "run_id": one.run.run_id,
                "metrics": dict(one.run.metrics),
                "difference": _differences(one),
            }
            for one in compared.runs
        ],
        "groups": [_group(group) for group in compared.groups],
    }


def _differences(one: ComparedRun) -> dict[str, Any]:
    if one.not_compared:
        nothing = dict.fromkeys(("delta", "low", "high"))
        return {"rmse": {**nothing, "verdict": Verdict.NOT_COMPARABLE.value, "reason": one.not_compared}}
    return {name: _judged(judgement) for name, judgement in one.differences.items()}


def _group(group: SettingsGroup) -> dict[str, Any]:
    return {
        "label": group.label,
        "run_ids": list(group.run_ids),
        "seeds": list(group.seeds),
        "rmse": group.rmse._asdict(),
        "difference": {"rmse": _judged(group.against_baseline)} if group.against_baseline else {},
        "note": group.note,
    }


def _judged(judgement: Judgement) -> dict[str, Any]:
    return {
        "delta": judgement.delta,
        "low": judgement.low,
        "high": judgement.high,
        "verdict": judgement.verdict.value,
    }


def _print(compared: Comparison) -> None:
    rows = f"{len(compared.shared.row_ids):,} held-out rows, " if compared.shared is not None else ""
    typer.echo(f"Beside {compared.baseline.label} ({rows}1990 dollars, 95 % intervals):")
    for one in compared.runs:
        typer.echo(f"  {one.label}: RMSE {figure_text('rmse', one.run.metrics.get('rmse'))}, {_words(compared, one)}")
        if one.note:
            typer.echo(f"    {one.note}")
    judged = [group for group in compared.groups if group.against_baseline is not None]
    if judged:
        typer.echo("Settings over their seeds (the noise of rows and seeds in one interval):")
    for group in judged:
        seeds = f"{len(group.seeds)} seeds, mean RMSE {figure_text('rmse', group.rmse.mean)}"
        typer.echo(f"  {group.label}: {seeds}, {_difference(group.against_baseline)}")


def _words(compared: Comparison, one: ComparedRun) -> str:
    if one.not_compared:
        return f"{Verdict.NOT_COMPARABLE.value}: {one.not_compared}"
    return "the baseline" if one is compared.baseline else _difference(one.differences["rmse"])


def _difference(judged: Judgement | None) -> str:
    if judged is None:
        return ""
    return f"{change_text('rmse', judged.delta)} ({interval_text('rmse', judged)}): {judged.verdict.value}"
