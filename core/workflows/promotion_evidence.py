"""What a verdict is made from, as figures: the candidate's own, and those beside the champion. Values only."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.domain.promotion import Claim, Requote
from core.domain.runs import Scores


@dataclass(frozen=True, slots=True)
class LineageEvidence:
    """What the records say the candidate was made from; empty texts where they are silent.

    ``run_problem`` is a clause that says why its run is no ground to stand on.
    """

    run_id: str
    data_sha256: str
    split: str
    has_signature: bool
    run_problem: str = ""
    is_demo: bool = False


@dataclass(frozen=True, slots=True)
class LoadEvidence:
    """How the candidate's file fared: loaded, asked for the prices of ``rows`` block groups, and timed.

    ``problem`` says in a sentence what went wrong on the way; ``wrong_prices`` of the rows got none, or none above
    zero. ``signature_problem`` says why its signature does not take the nine features.
    """

    is_loaded: bool
    problem: str = ""
    signature_problem: str = ""
    seconds: float = math.nan
    rows: int = 0
    wrong_prices: int = 0
    lowest: float = math.nan
    highest: float = math.nan
    is_made_up: bool = False


@dataclass(frozen=True, slots=True)
class SpatialEvidence:
    """A version's RMSE on whole blocks of the map, in 1990 USD, and in how many parts it was measured."""

    rmse: float
    folds: int


@dataclass(frozen=True, slots=True)
class CandidateEvidence:
    """A version that wants an alias.

    ``scores`` are those of the predictions it logged, ``spatial`` what was measured afterwards; None where it has none.
    """

    version: str
    sha256: str
    claim: Claim
    scores: Scores | None
    lineage: LineageEvidence
    load: LoadEvidence
    spatial: SpatialEvidence | None = None


@dataclass(frozen=True, slots=True)
class SegmentEvidence:
    """A region or price band: RMSE of both models on its held-out rows, in 1990 USD."""

    name: str
    rows: int
    champion_rmse: float
    candidate_rmse: float

    @property
    def worse_percent(self) -> float:
        """By how much the candidate is worse, in percent of the champion's RMSE; negative where it is better."""
        apart = self.candidate_rmse - self.champion_rmse
        if self.champion_rmse == 0:
            return math.copysign(math.inf, apart) if apart else 0.0
        return 100.0 * apart / self.champion_rmse


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """Both models on the same held-out rows: RMSE of the candidate minus the champion's, in 1990 USD.

    ``highest_delta`` is its one-sided upper bound at the policy's confidence. ``regions_missing`` says why there are
    no regions among the segments.
    """

    rows: int
    champion_rmse: float
    delta: float
    highest_delta: float
    segments: tuple[SegmentEvidence, ...]
    regions_missing: str = ""


@dataclass(frozen=True, slots=True)
class ChampionEvidence:
    """The champion beside the candidate.

    ``pair`` is None where the two could not be scored on the same rows, and ``pair_missing`` says why. ``rescored``
    says why the champion was priced anew on the candidate's rows, empty where both logged the same rows. The same
    holds of ``requote`` and ``requote_missing``.
    """

    version: str
    pair: PairEvidence | None
    pair_missing: str = ""
    rescored: str = ""
    requote: Requote | None = None
    requote_missing: str = ""
    spatial: SpatialEvidence | None = None
