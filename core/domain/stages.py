"""What follows from the ledger: stages, each version's history, earlier champions, and who held an alias when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta

from core.domain.promotion import Act, LedgerEntry, Stage, StageChange, Tenure
from core.domain.runs import Alias


def stages_of(entries: Iterable[LedgerEntry]) -> dict[str, Stage]:
    """The stage of every version the ledger names; of all others it is development."""
    return {version: Stage(changes[-1].stage) for version, changes in histories_of(entries).items()}


def histories_of(entries: Iterable[LedgerEntry]) -> dict[str, tuple[StageChange, ...]]:
    """By version the entries that concern it, oldest first, each with the stage it left the version in.

    A champion that was followed by another is archived; a challenger that was is back in development.
    """
    holders: dict[str, str | None] = {}
    were_champion: set[str] = set()
    found: dict[str, list[StageChange]] = {}
    for entry in entries:
        holders[entry.alias] = entry.version_to
        if entry.alias == Alias.CHAMPION and entry.version_to is not None:
            were_champion.add(entry.version_to)
        for version in dict.fromkeys((entry.version_from, entry.version_to)):
            if version is not None:
                stage = _stage(version, holders, were_champion)
                found.setdefault(version, []).append(_change(entry, stage))
    return {version: tuple(changes) for version, changes in found.items()}


def earlier_champions(entries: Iterable[LedgerEntry]) -> tuple[str, ...]:
    """Where rolling back leads, the next step first.

    Promotions pile up; a rollback takes the top one off, so a second rollback goes one further back, and after a new
    promotion the next rollback returns to what served before it, not to what was rolled back from.
    """
    pile: list[str] = []
    current: str | None = None
    for entry in entries:
        if entry.alias != Alias.CHAMPION:
            continue
        current = entry.version_to
        match entry.act:
            case Act.ROLLED_BACK:
                while pile and pile[-1] != current:
                    pile.pop()
            case Act.RECONCILED:
                # It says what came of the entry before it.
                if pile and pile[-1] != current:
                    pile.pop()
            case _:
                pass
        if current is not None and (not pile or pile[-1] != current):
            pile.append(current)
    return tuple(reversed(pile if current is None else pile[:-1]))


def tenures_of(entries: Iterable[LedgerEntry], alias: str) -> tuple[Tenure, ...]:
    """Who held the alias, oldest first."""
    own = [entry for entry in entries if entry.alias == alias]
    merged: list[Tenure] = []
    for place, entry in enumerate(own):
        until = own[place + 1].when if place + 1 < len(own) else None
        if merged and merged[-1].version == entry.version_to:
            merged[-1] = Tenure(entry.version_to, merged[-1].since, until, merged[-1].entry)
        else:
            merged.append(Tenure(entry.version_to, entry.when, until, entry))
    return tuple(merged)


def holder_at(tenures: Sequence[Tenure], when: datetime) -> Tenure | None:
    """Who held the alias at a moment; None before anybody ever did."""
    return next((one for one in reversed(tenures) if one.since <= when), None)


def holders_on(tenures: Sequence[Tenure], day: date) -> tuple[Tenure, ...]:
    """Who held the alias at any time of a day in UTC, oldest first."""
    begins = datetime.combine(day, time(), UTC)
    ends = begins + timedelta(days=1)
    return tuple(one for one in tenures if one.since < ends and (one.until is None or one.until > begins))


def _stage(version: str, holders: dict[str, str | None], were_champion: set[str]) -> Stage:
    if holders.get(Alias.CHAMPION) == version:
        return Stage.PRODUCTION
    if holders.get(Alias.CHALLENGER) == version:
        return Stage.STAGING
    return Stage.ARCHIVED if version in were_champion else Stage.DEVELOPMENT


def _change(entry: LedgerEntry, stage: Stage) -> StageChange:
    return StageChange(
        entry=entry.number,
        when=entry.when.isoformat(),
        who=entry.who,
        act=str(entry.act),
        alias=entry.alias,
        stage=stage.value,
        reason=entry.reason,
        override=entry.override,
        hash=entry.hash,
    )
