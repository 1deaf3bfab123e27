"""Moving an alias: promotion through the gates, rollback through the load check, both enforced here for every door.

Nobody has to be trusted to have looked: a verdict says which ledger entries it was made after, and is worth nothing
once there is a newer one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.domain.access import Actor, Deed
from core.domain.errors import ChampionChanged, NotFound, PromotionRefused, RecordsError
from core.domain.house import House
from core.domain.promotion import LONGEST_REASON, Act, Claim, Gate, LedgerEntry, Policy, PromotionVerdict
from core.domain.runs import Alias, ModelVersion
from core.domain.stages import earlier_champions
from core.tracking.audit_lines import Move, clean
from core.tracking.registry import get_version
from core.tracking.store import Store
from core.workflows.promotion_gates import judge, load_gate
from core.workflows.promotion_gathering import Gathering, load_evidence
from core.workflows.promotion_records import PromotionRecords

__all__ = ["Moved", "RollbackPlan", "judge", "make_verdict", "plan_rollback", "promote", "roll_back"]

_BECAME_CHAMPION = "It became the champion."


@dataclass(frozen=True, slots=True)
class Moved:
    """An alias that has moved. ``notes`` say what is still to follow by itself."""

    entry: LedgerEntry
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """Where a rollback would lead: from which version to which, ``seen`` the champion's newest ledger entry."""

    current: str | None
    target: str
    seen: int


def make_verdict(
    records: PromotionRecords,
    version: str,
    alias: Alias,
    scenarios: Mapping[str, House] | None = None,
    *,
    scenarios_missing: str = "",
) -> PromotionVerdict:
    """Have a version judged against the champion. What was moved outside the lab is noticed first.

    Args:
        version: its number, or an alias. scenarios: saved houses by name, for the re-quote preview.
        scenarios_missing: a sentence why there are none, for the preview to tell.

    Raises:
        NotFound: there is no such version.
        PromotionRefused: it holds the alias already.
        StoreUnavailable, LedgerUnavailable: the records do not answer.
    """
    store = records.connect()
    candidate = get_version(store, version)
    records.reconcile()
    newest = records.ledger.newest()
    claim = _claim(newest, alias)
    holder = newest[Alias.CHAMPION].version_to if Alias.CHAMPION in newest else None
    _refuse_holders(candidate.version, {alias: claim.previous, Alias.CHAMPION: holder})
    gathering = Gathering(records.settings, store)
    evidence = gathering.candidate(candidate, claim)
    champion = None
    if holder is not None:
        champion = gathering.champion(get_version(store, holder), candidate, scenarios or {})
        if champion.requote is not None and scenarios_missing:
            champion = replace(champion, requote=replace(champion.requote, missing=scenarios_missing))
    return judge(evidence, champion, Policy.of(records.settings))


def promote(
    records: PromotionRecords,
    verdict: PromotionVerdict,
    *,
    actor: Actor,
    reason: str = "",
    override: bool = False,
) -> Moved:
    """Move the alias to the version the verdict is about.

    The old champion is archived. A challenger that becomes the champion is the challenger no longer.

    Args:
        actor: who wants it. override: let failed gates pass, for a reason; marked for ever.

    Raises:
        Forbidden: the actor may not.
        PromotionRefused: a gate failed and was not overridden, or one that cannot be.
        ChampionChanged: the alias or the champion is another one than the verdict was made against.
        StoreUnavailable, LedgerUnavailable, RecordsError: the records do not answer.
    """
    actor.require(Deed.PROMOTE)
    is_overridden = _check(verdict, reason, override)
    store = records.connect()
    with records.ledger.lock():
        records.agree(store)
        version = _same_version(store, verdict)
        claim = verdict.claim
        move = Move(
            who=actor.name,
            act=Act.PROMOTED,
            alias=claim.alias,
            version_from=claim.previous,
            version_to=version.version,
            reason=reason,
            override=is_overridden,
            gates=verdict.gates,
        )
        return _move(records, store, move, {claim.alias: claim.seen, Alias.CHAMPION: claim.champion_seen})


def plan_rollback(records: PromotionRecords) -> RollbackPlan:
    """Where a rollback leads now: to what served before the champion, past versions that are gone from MLflow.

    Raises:
        PromotionRefused: there was no champion before.
    """
    store = records.connect()
    records.reconcile()
    entries = records.ledger.entries()
    claim = _claim({entry.alias: entry for entry in entries}, Alias.CHAMPION)
    for version in earlier_champions(entries):
        if version != claim.previous and _is_there(store, version):
            return RollbackPlan(claim.previous, version, claim.seen)
    raise PromotionRefused(
        "There is no earlier champion to return to.", remedy="Promote another version, which goes through the gates."
    )


def roll_back(records: PromotionRecords, *, actor: Actor, reason: str, plan: RollbackPlan | None = None) -> Moved:
    """Return to the previous champion, through the load check alone.

    Args:
        plan: what was agreed to; by default as things stand now.

    Raises:
        Forbidden: the actor may not.
        PromotionRefused: no reason is given, there is no earlier champion, or it does not load.
        ChampionChanged: the champion moved since the plan was made.
        StoreUnavailable, LedgerUnavailable, RecordsError: the records do not answer.
    """
    actor.require(Deed.ROLL_BACK)
    _check_reason(reason, "A rollback")
    agreed = plan or plan_rollback(records)
    store = records.connect()
    target = get_version(store, agreed.target)
    gate = _load_gate(records, store, target, agreed)
    with records.ledger.lock():
        records.agree(store)
        move = Move(
            who=actor.name,
            act=Act.ROLLED_BACK,
            alias=Alias.CHAMPION,
            version_from=agreed.current,
            version_to=target.version,
            reason=reason,
            gates=(gate,),
        )
        return _move(records, store, move, {Alias.CHAMPION: agreed.seen})


def _move(records: PromotionRecords, store: Store, move: Move, seen: Mapping[str, int]) -> Moved:
    """Write the entry and carry it out. The caller holds the lock."""
    newest = records.ledger.newest()
    moves = [move]
    challenger = newest.get(Alias.CHALLENGER)
    if move.alias == Alias.CHAMPION and challenger is not None and challenger.version_to == move.version_to:
        moves.append(
            replace(
                move,
                alias=Alias.CHALLENGER,
                version_from=move.version_to,
                version_to=None,
                gates=(),
                override=False,
                reason=_BECAME_CHAMPION,
            )
        )
    entries = records.ledger.append(moves, seen=seen)
    return Moved(entries[0], _carried_out(records, store, entries))


def _carried_out(records: PromotionRecords, store: Store, entries: Sequence[LedgerEntry]) -> tuple[str, ...]:
    """Let MLflow and registry.json follow; what could not be done is done by the next look."""
    try:
        records.carry_out(store, entries)
    except RecordsError as error:
        return (f"It is entered in the ledger, and is carried out as soon as the records answer again: {error.what}",)
    return ()


def _check(verdict: PromotionVerdict, reason: str, override: bool) -> bool:
    """Whether gates are overridden. Raises PromotionRefused."""
    _check_length(reason)
    if verdict.passed:
        return False
    failed = ", ".join(gate.name for gate in verdict.failed) or "some gates were not looked at"
    if not verdict.overridable:
        raise PromotionRefused(
            f"Version {verdict.version} cannot become {verdict.alias}: {failed}. No reason overrides that.",
            remedy="Promote a version that loads.",
        )
    if not override:
        raise PromotionRefused(
            f"Version {verdict.version} does not become {verdict.alias}: {failed}.",
            remedy="Promote a better version, or override the gates with a reason.",
        )
    _check_reason(reason, "An override")
    return True


def _check_reason(reason: str, what: str) -> None:
    _check_length(reason)
    if not clean(reason):
        raise PromotionRefused(f"{what} needs a reason.", remedy="Say why; the ledger keeps it for ever.")


def _check_length(reason: str) -> None:
    if len(reason) > LONGEST_REASON:
        raise PromotionRefused(
            f"The reason has {len(reason):,} characters, and {LONGEST_REASON:,} are kept.", remedy="Say it shorter."
        )


def _same_version(store: Store, verdict: PromotionVerdict) -> ModelVersion:
    version = get_version(store, verdict.version)
    if version.sha256 != verdict.sha256:
        raise ChampionChanged(
            f"Version {verdict.version} has another model file than the one that was judged.",
            remedy="Have a new verdict made.",
        )
    return version


def _refuse_holders(version: str, holders: Mapping[str, str | None]) -> None:
    """The champion can become neither again, and the challenger not the challenger."""
    for alias, holder in holders.items():
        if version == holder:
            raise PromotionRefused(f"Version {version} is the {alias} already.", remedy="Choose another version.")


def _claim(newest: Mapping[str, LedgerEntry], alias: Alias) -> Claim:
    entry, of_champion = newest.get(alias), newest.get(Alias.CHAMPION)
    return Claim(
        alias=alias,
        previous=entry.version_to if entry else None,
        seen=entry.number if entry else 0,
        champion_seen=of_champion.number if of_champion else 0,
    )


def _is_there(store: Store, version: str) -> bool:
    try:
        get_version(store, version)
    except NotFound:
        return False
    return True


def _load_gate(records: PromotionRecords, store: Store, target: ModelVersion, plan: RollbackPlan) -> Gate:
    claim = Claim(Alias.CHAMPION, plan.current, plan.seen, plan.seen)
    gate = load_gate(load_evidence(records.settings, store, target, claim), Policy.of(records.settings))
    if not gate.passed:
        raise PromotionRefused(
            f"Version {target.version}, the previous champion, is not fit to serve: {gate.detail}",
            remedy="Restore its file with `python -m core doctor`, or promote another version.",
        )
    return gate
