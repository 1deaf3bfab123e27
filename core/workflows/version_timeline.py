"""The versions as a timeline: what each scored, what it is used for, and who moved it last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.domain.hyperparameters import family_label
from core.domain.promotion import LedgerEntry, Stage
from core.domain.provenance import DATA_NAME_TAG
from core.domain.runs import ModelVersion, Run, Scores
from core.domain.stages import stages_of


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version. ``scores`` is None where its run is gone; ``moved`` is the newest ledger entry that names it.

    ``data_name`` is the dataset it was trained on; empty for the configured file.
    """

    version: str
    run_id: str
    created: datetime
    family: str
    scores: Scores | None
    aliases: tuple[str, ...]
    stage: Stage
    moved: LedgerEntry | None
    is_demo: bool = False
    data_name: str = ""

    @property
    def title(self) -> str:
        return f"version {self.version}"

    @property
    def family_label(self) -> str:
        return family_label(self.family) if self.family else ""


def timeline(
    versions: Sequence[ModelVersion],
    holders: Mapping[str, str],
    entries: Sequence[LedgerEntry],
    scores: Mapping[str, Scores],
) -> tuple[VersionLine, ...]:
    """The lines in the order of the versions.

    Args:
        holders: version by alias. entries: the ledger, oldest first. scores: by run id.
    """
    stages = stages_of(entries)
    moved: dict[str, LedgerEntry] = {}
    for entry in entries:
        for version in (entry.version_from, entry.version_to):
            if version is not None:
                moved[version] = entry
    return tuple(
        VersionLine(
            version=one.version,
            run_id=one.run_id,
            created=one.created,
            family=one.family,
            scores=scores.get(one.run_id),
            aliases=tuple(alias for alias, version in holders.items() if version == one.version),
            stage=stages.get(one.version, Stage.DEVELOPMENT),
            moved=moved.get(one.version),
            is_demo=one.is_demo,
            data_name=one.tags.get(DATA_NAME_TAG, ""),
        )
        for one in versions
    )


def scores_of(runs: Iterable[Run]) -> dict[str, Scores]:
    """By run id the scores of those runs that have all four."""
    return {run.run_id: run.scores for run in runs if run.scores is not None}
