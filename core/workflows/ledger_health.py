"""Whether the audit ledger is whole, and whether MLflow's aliases and registry.json say what it says."""

from __future__ import annotations

from contextlib import suppress

from core.domain.errors import CorruptRegistry, StoreUnavailable
from core.workflows.evidence import Evidence
from core.workflows.findings import RUN_DOCTOR, Finding, ReconcileAliases, listed

ALIASES = "aliases"
LEDGER = "audit ledger"


def look_at_aliases(evidence: Evidence) -> Finding:
    """Promotions that were cut off, aliases that were moved outside the lab, stages that were not mirrored."""
    try:
        apart = evidence.promotions.apart()
    except (StoreUnavailable, CorruptRegistry) as error:
        return Finding(ALIASES, ok=True, detail=f"Not looked at: {error.what}")
    if apart:
        detail = f"They disagree: {listed(apart)}."
        return Finding(ALIASES, ok=False, detail=detail, remedy=RUN_DOCTOR, mends=(ReconcileAliases(apart),))
    held = {alias: entry.version_to for alias, entry in evidence.promotions.ledger.newest().items() if entry.version_to}
    told = ", ".join(f"{alias} is version {version}" for alias, version in sorted(held.items())) or "no alias is given"
    return Finding(ALIASES, ok=True, detail=f"Ledger, MLflow and registry.json agree: {told}.")


def look_at_ledger(evidence: Evidence) -> Finding:
    """Lines of the ledger that were edited, that are missing, or that stand elsewhere.

    Nothing here can be mended: a ledger that could be put right afterwards would prove nothing.
    """
    ledger = evidence.promotions.ledger
    broken = [one.what for one in ledger.verify()]
    with suppress(CorruptRegistry):  # told by the look at the registries
        broken += evidence.promotions.forgotten()
    count = ledger.count()
    if not broken:
        return Finding(LEDGER, ok=True, detail=f"The chain of {count:,} entries is whole.")
    return Finding(
        LEDGER,
        ok=False,
        detail=f"{listed(broken)}.".capitalize(),
        remedy="Find out who can write to the job database, and restore it from a backup; promotions go on meanwhile.",
    )
