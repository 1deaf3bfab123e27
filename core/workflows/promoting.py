"""Promotion as the screens and the terminal see it: one call a question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from core.domain.access import Actor
from core.domain.errors import ScenariosUnavailable, StoreUnavailable
from core.domain.house import House
from core.domain.promotion import LedgerEntry, PromotionVerdict, Tenure
from core.domain.runs import Alias, Scores
from core.domain.settings import Settings
from core.domain.stages import earlier_champions, holder_at, holders_on, tenures_of
from core.tracking.audit_chain import ChainBreak
from core.tracking.registry import alias_holders, all_versions
from core.tracking.run_index import IndexLost, RunIndex, identity_of
from core.tracking.runs import runs_by_id
from core.tracking.store import Store
from core.workflows.ledger_export import ledger_csv
from core.workflows.promotion import Moved, RollbackPlan, make_verdict, plan_rollback, promote, roll_back
from core.workflows.promotion_records import PromotionRecords
from core.workflows.scenarios import Scenarios
from core.workflows.training_state import Connect
from core.workflows.version_timeline import VersionLine, scores_of, timeline

HISTORY_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Entries of the ledger, newest first, and how many there are in all."""

    entries: tuple[LedgerEntry, ...]
    total: int

    @property
    def pages(self) -> int:
        """How many pages of the usual size there are, at least one."""
        return max(1, -(-self.total // HISTORY_PAGE))


@dataclass(frozen=True, slots=True)
class Versions:
    """All versions, newest first. ``rollback_to`` is where a rollback would lead, None where there is no way back."""

    lines: tuple[VersionLine, ...]
    champion: str | None
    challenger: str | None
    rollback_to: str | None


class Promoting:
    """Everything the doors ask about versions, promotion and the ledger.

    Args:
        settings: whose policy and records. connect: opens MLflow's store.

    Raises:
        LabError: by every method, when the records cannot answer.
    """

    def __init__(self, settings: Settings, connect: Connect) -> None:
        self._settings = settings
        self._connect = connect
        self._records = PromotionRecords(settings, connect)
        self._scenarios = Scenarios(settings)
        self._index = RunIndex(
            settings.paths.run_index, identity_of(settings.tracking_uri, settings.tracking.experiment_name)
        )

    def verdict(
        self, version: str, alias: Alias = Alias.CHAMPION, scenarios: Mapping[str, House] | None = None
    ) -> PromotionVerdict:
        """Have a version judged; it takes some seconds. See ``promotion.make_verdict``.

        Args:
            scenarios: houses by name for the re-quote preview; by default the saved ones. Where those cannot be
                read the preview says so and goes on without them.
        """
        missing = ""
        if scenarios is None:
            try:
                scenarios = self._scenarios.as_mapping()
            except ScenariosUnavailable as error:
                missing = f"Saved scenarios are not among them: {error.what}"
        return make_verdict(self._records, version, alias, scenarios, scenarios_missing=missing)

    def promote(self, verdict: PromotionVerdict, *, actor: Actor, reason: str = "", override: bool = False) -> Moved:
        """Move the alias. Raises Forbidden, PromotionRefused, ChampionChanged; see ``promotion.promote``."""
        return promote(self._records, verdict, actor=actor, reason=reason, override=override)

    def rollback_plan(self) -> RollbackPlan:
        """Where a rollback leads now. Raises PromotionRefused where there was no champion before."""
        return plan_rollback(self._records)

    def rollback(self, *, actor: Actor, reason: str, plan: RollbackPlan | None = None) -> Moved:
        """Return to the previous champion. Raises as ``promotion.roll_back``."""
        return roll_back(self._records, actor=actor, reason=reason, plan=plan)

    def versions(self) -> Versions:
        """Every version with its scores, stage and last move. What was moved outside is noticed first."""
        store = self._connect()
        self._records.look()
        found = all_versions(store)
        holders = alias_holders(store)
        entries = self._records.ledger.entries()
        there = {one.version for one in found}
        scores = self._scores(store, [one.run_id for one in found if one.run_id])
        champion = holders.get(Alias.CHAMPION)
        back = (one for one in earlier_champions(entries) if one in there and one != champion)
        return Versions(
            timeline(found, holders, entries, scores), champion, holders.get(Alias.CHALLENGER), next(back, None)
        )

    def history(self, limit: int = HISTORY_PAGE, offset: int = 0) -> HistoryPage:
        """A page of the ledger, newest first; without MLflow as well."""
        self.look()
        ledger = self._records.ledger
        return HistoryPage(tuple(ledger.entries(limit=limit, offset=offset, newest_first=True)), ledger.count())

    def history_page(self, number: int) -> HistoryPage:
        """One page of the ledger of the usual size, counted from 1."""
        return self.history(HISTORY_PAGE, (number - 1) * HISTORY_PAGE)

    def who_was(self, alias: Alias, when: datetime) -> Tenure | None:
        """Who held the alias at that moment; None before anybody ever did."""
        return holder_at(self._tenures(alias), when)

    def holders_on(self, alias: Alias, day: date) -> tuple[Tenure, ...]:
        """Who held the alias at any time of that day in UTC, oldest first."""
        return holders_on(self._tenures(alias), day)

    def export(self) -> Iterator[str]:
        """The whole ledger as CSV text, line by line, oldest first."""
        self.look()
        return ledger_csv(self._records.ledger.entries())

    def check(self) -> tuple[ChainBreak, ...]:
        """What is wrong with the ledger's chain; nothing while it is whole."""
        return self._records.ledger.verify()

    def look(self) -> None:
        """Carry out what a crash cut off and notice what was moved outside, if MLflow answers. Cheap."""
        with suppress(StoreUnavailable):  # the ledger can be read without it
            self._records.look()

    def close(self) -> None:
        """Give the connections back."""
        self._records.ledger.close()
        self._scenarios.close()
        self._index.close()

    def _tenures(self, alias: Alias) -> tuple[Tenure, ...]:
        self.look()
        return tenures_of(self._records.ledger.entries(), alias)

    def _scores(self, store: Store, run_ids: list[str]) -> dict[str, Scores]:
        """Scores by run id: from registry.json, then the run index, and only what neither knows from MLflow."""
        local = {
            entry.run_id: scores
            for entry in self._records.registry.list_models()
            if entry.run_id and (scores := Scores.from_metrics(entry.metrics)) is not None
        }
        found = {run_id: local[run_id] for run_id in run_ids if run_id in local}
        left = [run_id for run_id in run_ids if run_id not in found]
        if left:
            with suppress(IndexLost):  # it is made anew by whoever lists runs
                found |= scores_of(self._index.get(left).values())
            left = [run_id for run_id in left if run_id not in found]
        return found | (scores_of(runs_by_id(store, left).values()) if left else {})
