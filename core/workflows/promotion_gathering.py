"""Gathering what a verdict is made from: predictions both models logged, or made anew, and both models themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.domain.errors import DataError, InvalidData, NotFound, RecordsError, StoreUnavailable
from core.domain.house import House
from core.domain.promotion import Claim
from core.domain.provenance import DATA_SHA256_TAG, SPLIT_TAG, why_not_compared
from core.domain.runs import ModelVersion, Run, RunStatus, Scores
from core.domain.settings import PromotionSettings, Settings
from core.evaluation.evaluate import score
from core.evaluation.segments import Segment, rmse_of, segments_by_price, segments_by_region
from core.evaluation.significance import resample
from core.tracking.registry import input_columns
from core.tracking.runs import get_run
from core.tracking.store import Store
from core.workflows.comparability import Predictions, held_out_predictions
from core.workflows.promotion_evidence import (
    CandidateEvidence,
    ChampionEvidence,
    LineageEvidence,
    PairEvidence,
    SegmentEvidence,
    SpatialEvidence,
)
from core.workflows.promotion_models import Models, look_at_loading, requote
from core.workflows.promotion_rows import KnownRows


@dataclass(frozen=True, slots=True, eq=False)
class _Records:
    """A version with its run and what it predicted; None where there is none, and why there are no predictions."""

    version: ModelVersion
    run: Run | None
    predictions: Predictions | None
    missing: str

    @property
    def tags(self) -> Mapping[str, str]:
        return {**self.version.tags, **(self.run.tags if self.run else {})}


class Gathering:
    """The evidence about a candidate and a champion; what both need is read once.

    Args:
        settings: whose policy and data file. store: whose versions.

    Raises:
        StoreUnavailable: by every method, when the store does not answer.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._rules = settings.promotion
        self._store = store
        self._models = Models(store)
        self._settings = settings
        self._rows: dict[str, KnownRows] = {}
        self._read: dict[str, _Records] = {}

    def candidate(self, version: ModelVersion, claim: Claim) -> CandidateEvidence:
        """What the candidate's own records and its model say."""
        records = self._records(version)
        return CandidateEvidence(
            version=version.version,
            sha256=version.sha256,
            claim=claim,
            scores=_scores(records),
            lineage=self._lineage(records),
            load=look_at_loading(self._store, version, self._models, self._known(records), self._rules),
            spatial=_spatial(records),
        )

    def champion(
        self, version: ModelVersion, candidate: ModelVersion, scenarios: Mapping[str, House]
    ) -> ChampionEvidence:
        """How the two fare on the same rows and the same houses."""
        mine, theirs = self._records(candidate), self._records(version)
        moved, why_not_moved = None, ""
        try:
            drawn = self._known(mine).draw(self._rules.sample, self._rules.seed)
            moved = requote(self._models, version, candidate, drawn, self._rules, scenarios)
        except StoreUnavailable:
            raise
        except RecordsError as error:
            why_not_moved = f"It cannot be shown: {error.what}"
        try:
            held, champions, rescored = self._same_rows(mine, theirs)
        except StoreUnavailable:
            raise
        except (RecordsError, DataError) as error:
            why = f"It cannot be compared with version {version.version}, the champion: {error.what}"
            return ChampionEvidence(
                version.version, None, why, requote=moved, requote_missing=why_not_moved, spatial=_spatial(theirs)
            )
        return ChampionEvidence(
            version.version,
            self._pair(mine, held, champions),
            rescored=rescored,
            requote=moved,
            requote_missing=why_not_moved,
            spatial=_spatial(theirs),
        )

    def _known(self, records: _Records) -> KnownRows:
        """The rows that version was trained on, read once."""
        sha256 = records.tags.get(DATA_SHA256_TAG, "")
        return self._rows.setdefault(sha256, KnownRows(self._settings, sha256))

    def _records(self, version: ModelVersion) -> _Records:
        if version.version not in self._read:
            self._read[version.version] = _read_records(self._store, version)
        return self._read[version.version]

    def _same_rows(self, mine: _Records, theirs: _Records) -> tuple[Predictions, np.ndarray, str]:
        """The candidate's predictions, the champion's on the same rows, and why those had to be made anew.

        Raises:
            RecordsError, DataError: they cannot be had.
        """
        held = mine.predictions
        if held is None:
            raise NotFound(mine.missing, remedy="Train it again.")
        name = f"version {theirs.version.version}"
        why = why_not_compared(mine.tags, theirs.tags, name) or theirs.missing
        other = theirs.predictions
        if not why and other is not None:
            if np.array_equal(other.row_ids, held.row_ids) and np.array_equal(other.actual, held.actual):
                return held, other.predicted, ""
            why = f"{name.capitalize()} logged predictions of other rows."
        rows = self._known(mine).held_out(mine.tags.get(DATA_SHA256_TAG, ""), held)
        prices = self._models.price(theirs.version, rows)
        if not np.isfinite(prices).all():
            raise InvalidData(f"{name.capitalize()} gives some of the rows no price.", remedy="Train it again.")
        reason = why.removesuffix(", so the scores are not compared.").rstrip(".")
        told = (
            f"{reason}, so it was scored anew on the candidate's held-out rows; it may have been fitted on some of "
            "them, which favours it."
        )
        return held, prices, told

    def _pair(self, mine: _Records, held: Predictions, champions: np.ndarray) -> PairEvidence:
        drawn = resample(held.actual, champions, [held.predicted])
        apart = drawn.rmse[:, 1] - drawn.rmse[:, 0]
        champion, candidate = (scores.rmse for scores in drawn.scores)
        regions: tuple[Segment, ...] = ()
        missing = ""
        try:
            rows = self._known(mine).held_out(mine.tags.get(DATA_SHA256_TAG, ""), held)
            regions = segments_by_region(rows["ocean_proximity"].tolist())
        except DataError as error:
            missing = f"Its regions cannot be looked at: {error.what}"
        both = np.vstack([champions, held.predicted])
        segments = []
        for segment in (*regions, *segments_by_price(held.actual)):
            before, after = rmse_of(held.actual[segment.positions], both[:, segment.positions]).tolist()
            segments.append(SegmentEvidence(segment.name, segment.rows, before, after))
        return PairEvidence(
            rows=drawn.rows,
            champion_rmse=champion,
            delta=candidate - champion,
            highest_delta=float(np.quantile(apart, self._rules.confidence)),
            segments=tuple(segments),
            regions_missing=missing,
        )

    def _lineage(self, records: _Records) -> LineageEvidence:
        version, run, tags = records.version, records.run, records.tags
        try:
            has_signature = input_columns(self._store, version) is not None
        except NotFound:
            has_signature = False
        return LineageEvidence(
            run_id=version.run_id,
            data_sha256=tags.get(DATA_SHA256_TAG, ""),
            split=tags.get(SPLIT_TAG, ""),
            has_signature=has_signature,
            run_problem=_run_problem(run) if version.run_id else "",
            is_demo=version.is_demo,
        )


def load_evidence(settings: Settings, store: Store, version: ModelVersion, claim: Claim) -> CandidateEvidence:
    """The candidate as far as a rollback looks at it: whether it loads."""
    rules: PromotionSettings = settings.promotion
    load = look_at_loading(
        store, version, Models(store), KnownRows(settings, version.tags.get(DATA_SHA256_TAG, "")), rules
    )
    lineage = LineageEvidence(version.run_id, "", "", has_signature=False)
    return CandidateEvidence(version.version, version.sha256, claim, None, lineage, load)


def _read_records(store: Store, version: ModelVersion) -> _Records:
    name = f"version {version.version}"
    try:
        run = get_run(store, version.run_id) if version.run_id else None
    except NotFound:
        run = None
    if run is None:
        return _Records(version, None, None, f"{name.capitalize()} has no run that logged predictions.")
    try:
        return _Records(version, run, held_out_predictions(store, run), "")
    except NotFound:
        missing = f"{name.capitalize()} logged no predictions of held-out rows."
    except InvalidData:
        missing = f"{name.capitalize()} logged predictions that cannot be read."
    return _Records(version, run, None, missing)


def _scores(records: _Records) -> Scores | None:
    """The scores of what it predicted; those it logged where it kept no predictions."""
    held = records.predictions
    if held is None:
        return records.run.scores if records.run else None
    return score(held.actual, held.predicted)


def _spatial(records: _Records) -> SpatialEvidence | None:
    metrics = records.run.metrics if records.run else {}
    rmse, folds = (metrics.get(name, math.nan) for name in ("spatial_rmse", "spatial_folds"))
    return SpatialEvidence(rmse, int(folds)) if math.isfinite(rmse) and math.isfinite(folds) else None


def _run_problem(run: Run | None) -> str:
    if run is None:
        return "is gone"
    if run.deleted:
        return "was deleted"
    return "" if run.status is RunStatus.FINISHED else f"says {run.status}"
