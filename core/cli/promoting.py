"""``promote``, ``rollback`` and ``history``: who serves, and who decided it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from core.cli.caller import caller
from core.cli.output import print_json
from core.domain.access import Actor, Deed
from core.domain.configuration import load_settings
from core.domain.errors import RecordsError
from core.domain.files import draft_of
from core.domain.money import dollars, percent
from core.domain.promotion import PromotionVerdict
from core.domain.runs import Alias

if TYPE_CHECKING:
    from core.domain.promotion import LedgerEntry, Tenure
    from core.workflows.promoting import Promoting

_MOST_LISTED: Final = 100_000


def promote(
    version: Annotated[str, typer.Argument(help="The version's number, or an alias.")],
    alias: Annotated[Alias, typer.Option(help="The alias it is to get.")] = Alias.CHAMPION,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger for ever.")] = "",
    override: Annotated[bool, typer.Option("--override", help="Let failed gates pass. Needs a reason.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Judge a version against the champion and, if every gate passes, let it take the alias."""
    desk, actor = _desk()
    actor.require(Deed.PROMOTE)  # and not only after some seconds of judging
    verdict = desk.verdict(version, alias)
    is_promoted = verdict.passed or override
    notes: tuple[str, ...] = ()
    if is_promoted:
        notes = desk.promote(verdict, actor=actor, reason=reason, override=override).notes
    if json:
        print_json(verdict.as_report(promoted=is_promoted))
    else:
        _print_verdict(verdict, promoted=is_promoted)
    for note in notes:
        typer.echo(note, err=True)
    if not is_promoted:
        raise typer.Exit(1)


def rollback(
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger for ever.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Return to the previous champion."""
    desk, actor = _desk()
    moved = desk.rollback(actor=actor, reason=reason)
    entry = moved.entry
    if json:
        print_json(
            {
                "rolled_back": True,
                "version": entry.version_to,
                "alias": entry.alias,
                "previous": entry.version_from,
                "reason": entry.reason,
            }
        )
    else:
        typer.echo(f"Rolled back. {entry.sentence}")
    for note in moved.notes:
        typer.echo(note, err=True)


def history(
    on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Say who held the alias on that day (UTC)."),
    ] = None,
    alias: Annotated[Alias, typer.Option(help="The alias asked about by --on.")] = Alias.CHAMPION,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the whole ledger to that file.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST_LISTED, help="How many entries, newest first.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Who moved which alias when and why; who was champion on a given day."""
    desk, actor = _desk()
    actor.require(Deed.SEE)
    if csv is not None:
        _write(csv, desk)
    if on is not None:
        tenures = desk.holders_on(alias, on.date())
        if json:
            print_json(
                {"on": f"{on:%Y-%m-%d}", "alias": alias.value, "holders": [_tenure_report(one) for one in tenures]}
            )
            return
        for tenure in tenures:
            typer.echo(_tenure_text(tenure, alias))
        if not tenures:
            typer.echo(f"Nobody had been {alias.value} by the end of that day.")
        return
    page = desk.history(limit)
    if json:
        print_json({"entries": [entry.as_report() for entry in page.entries], "total": page.total})
        return
    for entry in page.entries:
        typer.echo(_entry_text(entry))
    if not page.total:
        typer.echo("No alias ever moved.")


def _desk() -> tuple[Promoting, Actor]:
    from core.tracking.store import Connection
    from core.workflows.promoting import Promoting

    settings = load_settings()
    return Promoting(settings, Connection(settings)), caller(settings)


def _print_verdict(verdict: PromotionVerdict, *, promoted: bool) -> None:
    for gate in verdict.gates:
        typer.echo(f"{'ok   ' if gate.passed else 'FAIL '} {gate.name}: {gate.detail}")
    for move in verdict.preview.saved if verdict.preview else ():
        typer.echo(f"      {move.house}: {dollars(move.before)} → {dollars(move.after)} ({percent(move.percent)})")
    before = f" (before: version {verdict.previous})" if verdict.previous else ""
    if promoted:
        typer.echo(f"Version {verdict.version} is the {verdict.alias} now{before}.")
    else:
        typer.echo(f"Version {verdict.version} is not promoted: {', '.join(gate.name for gate in verdict.failed)}.")


def _entry_text(entry: LedgerEntry) -> str:
    marks = " OVERRIDDEN" if entry.override else ""
    reason = f"  {entry.reason}" if entry.reason else ""
    return f"{entry.number:>4}  {_moment(entry.when)}  {entry.who}  {entry.act}{marks}  {entry.sentence}{reason}"


def _tenure_text(tenure: Tenure, alias: Alias) -> str:
    holder = f"version {tenure.version}" if tenure.version else "nobody"
    until = f"until {_moment(tenure.until)}" if tenure.until else "and still is"
    return f"{alias.value}: {holder}, since {_moment(tenure.since)}, {until} ({tenure.entry.act} by {tenure.entry.who})"


def _tenure_report(tenure: Tenure) -> dict[str, object]:
    return {
        "version": tenure.version,
        "since": tenure.since.isoformat(),
        "until": tenure.until.isoformat() if tenure.until else None,
        "act": tenure.entry.act,
        "who": tenure.entry.who,
    }


def _moment(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _write(file: Path, desk: Promoting) -> None:
    try:
        with draft_of(file) as draft, draft.open("w", encoding="utf-8", newline="") as target:
            target.writelines(desk.export())
    except OSError as error:
        raise RecordsError(
            f"The file cannot be written: {error.strerror or error}.",
            where=str(file),
            remedy="Name a file in a folder you may write to.",
        ) from error
