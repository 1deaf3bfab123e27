"""Whether a version may have an alias: seven gates over figures. Nothing is read here, and nothing is written."""

from __future__ import annotations

import math
from typing import Final

from core.domain.metrics import METRICS, figure_text
from core.domain.money import dollar_change, dollars, percent
from core.domain.promotion import Gate, GateName, Policy, PromotionVerdict, Requote
from core.domain.runs import Scores
from core.evaluation.evaluate import check
from core.workflows.promotion_evidence import CandidateEvidence, ChampionEvidence, LineageEvidence, SegmentEvidence

FIRST: Final = "There is no champion yet, so there is nothing to compare with."
_SHOWN_DIGEST: Final = 12
_BOUNDS: Final = {
    True: ("at most {}", "more than the {} allowed"),
    False: ("at least {}", "less than the {} wanted"),
}
"""By whether lower is better: how a threshold is told that is reached, and one that is missed."""


def judge(candidate: CandidateEvidence, champion: ChampionEvidence | None, policy: Policy) -> PromotionVerdict:
    """The verdict of all gates. A gate that could not be looked at has not passed.

    Args:
        champion: None while there is none; the gates that compare pass then, and say so.
    """
    return PromotionVerdict(
        version=candidate.version,
        sha256=candidate.sha256,
        champion=champion.version if champion else None,
        claim=candidate.claim,
        gates=(
            _thresholds(candidate.scores, policy),
            _not_worse(champion, policy),
            _no_harm(champion, policy),
            _spatial(candidate, champion, policy),
            _lineage(candidate.lineage, champion),
            load_gate(candidate, policy),
            _requote(champion, policy),
        ),
        preview=champion.requote if champion else None,
    )


def load_gate(candidate: CandidateEvidence, policy: Policy) -> Gate:
    """Whether the version can serve at all: the one gate a rollback goes through as well.

    A file that does not load holds against every reason: nothing would be served.
    """
    load, rules = candidate.load, policy.rules
    if not load.is_loaded:
        return Gate(GateName.LOADS, passed=False, detail=load.problem, overridable=False)
    complaints = [text for text in (load.problem, load.signature_problem) if text]
    if not load.problem and load.wrong_prices:
        complaints.append(f"{load.wrong_prices:,} of {load.rows:,} block groups get no price above zero.")
    in_time = load.seconds <= rules.load_seconds
    if not in_time and not load.problem:
        complaints.append(f"It took {load.seconds:.1f} s, and {rules.load_seconds:g} s are allowed.")
    if complaints:
        return Gate(GateName.LOADS, passed=False, detail=" ".join(complaints))
    priced = "made-up block groups" if load.is_made_up else "block groups"
    return Gate(
        GateName.LOADS,
        passed=True,
        detail=f"Its file is the recorded one, takes the nine features, and loads and prices {load.rows:,} {priced} in "
        f"{load.seconds:.1f} s: {dollars(load.lowest)} to {dollars(load.highest)}.",
    )


def _thresholds(scores: Scores | None, policy: Policy) -> Gate:
    if scores is None:
        return Gate(GateName.THRESHOLDS, passed=False, detail="It has no scores on held-out rows.")
    reached, figures = check(scores, policy.thresholds), scores.as_metrics()
    told = []
    for name, is_reached in reached.items():
        limit = figure_text(name, getattr(policy.thresholds, name))
        reaching, missing = _BOUNDS[METRICS[name].lower_is_better is not False]
        bound = (reaching if is_reached else missing).format(limit)
        told.append(f"{METRICS[name].label} {figure_text(name, figures[name])} ({bound})")
    return Gate(GateName.THRESHOLDS, passed=all(reached.values()), detail="; ".join(told) + ".")


def _not_worse(champion: ChampionEvidence | None, policy: Policy) -> Gate:
    if champion is None:
        return Gate(GateName.CHAMPION, passed=True, detail=FIRST)
    pair, rules = champion.pair, policy.rules
    if pair is None:
        return Gate(GateName.CHAMPION, passed=False, detail=champion.pair_missing)
    allowed = rules.margin * pair.champion_rmse
    # Not a comparison that NaN would pass.
    passed = math.isfinite(pair.delta) and pair.highest_delta <= allowed
    detail = (
        f"RMSE {dollar_change(pair.delta)} against version {champion.version} on the same {pair.rows:,} held-out rows; "
        f"with {percent(100 * rules.confidence, 0)} confidence at most {dollar_change(pair.highest_delta)}, and "
        f"{dollar_change(allowed)} ({percent(100 * rules.margin)}) is allowed."
    )
    return Gate(GateName.CHAMPION, passed=passed, detail=_with(champion.rescored, detail))


def _no_harm(champion: ChampionEvidence | None, policy: Policy) -> Gate:
    if champion is None:
        return Gate(GateName.NO_HARM, passed=True, detail=FIRST)
    if champion.pair is None:
        return Gate(GateName.NO_HARM, passed=False, detail=champion.pair_missing)
    rules, missing = policy.rules, champion.pair.regions_missing
    judged = [segment for segment in champion.pair.segments if segment.rows >= rules.segment_rows]
    harmed = [one for one in judged if not one.worse_percent <= rules.segment_worse_percent]
    allowed = f"{percent(rules.segment_worse_percent)} is allowed"
    if harmed:
        told = "; ".join(_segment(one) for one in sorted(harmed, key=lambda one: -one.worse_percent))
        detail = f"Worse by too much: {told}; {allowed}."
    elif judged:
        worst = max(judged, key=lambda one: one.worse_percent)
        detail = f"Of {len(judged)} regions and price bands the one that fares worst is {_segment(worst)}; {allowed}."
    else:
        detail = f"No region or price band has {rules.segment_rows:,} held-out rows."
    return Gate(GateName.NO_HARM, passed=not harmed and not missing, detail=_with(missing, detail))


def _spatial(candidate: CandidateEvidence, champion: ChampionEvidence | None, policy: Policy) -> Gate:
    """Shown always; a gate only where the policy has a limit."""
    limit = policy.rules.spatial_limit
    if champion is None:
        return Gate(GateName.SPATIAL, passed=True, detail=FIRST)
    allowed = "No limit is set." if limit is None else f"{percent(limit)} more is allowed."
    mine, theirs = candidate.spatial, champion.spatial
    apart = ""
    if mine is None or theirs is None:
        whose = "this version" if mine is None else f"version {champion.version}, the champion,"
        apart = f"The score of {whose} on whole blocks of the map was not measured."
    elif champion.pair is None or champion.rescored or mine.folds != theirs.folds:
        apart = "The two were scored on other blocks of the map, so the scores are not compared."
    elif not theirs.rmse > 0:
        apart = "The champion's score is zero, so nothing is a share of it."
    if apart or mine is None or theirs is None:
        return Gate(GateName.SPATIAL, passed=limit is None, detail=f"{apart} {allowed}")
    worse = 100.0 * (mine.rmse / theirs.rmse - 1.0)
    detail = (
        f"RMSE {dollars(mine.rmse)} on whole blocks of the map, {dollars(theirs.rmse)} of version {champion.version} "
        f"({_signed(worse)}). {allowed}"
    )
    passed = limit is None or mine.rmse <= theirs.rmse * (1.0 + limit / 100.0)
    return Gate(GateName.SPATIAL, passed=passed, detail=detail)


def _lineage(lineage: LineageEvidence, champion: ChampionEvidence | None) -> Gate:
    lacking = [
        name
        for name, is_there in (
            ("a run", lineage.run_id),
            ("the SHA-256 of its data", lineage.data_sha256),
            ("its split", lineage.split),
            ("a signature", lineage.has_signature),
        )
        if not is_there
    ]
    complaints = [f"It lacks {', '.join(lacking)}."] if lacking else []
    if lineage.run_problem:
        complaints.append(f"Its run {lineage.run_problem}.")
    told = []
    if not complaints:
        demo = " (invented demo data)" if lineage.is_demo else ""
        told.append(
            f"Run {lineage.run_id[:_SHOWN_DIGEST]}, data {lineage.data_sha256[:_SHOWN_DIGEST]}…{demo}, "
            f"split {lineage.split}, and a signature."
        )
    if champion is not None:
        if champion.rescored:
            told.append(champion.rescored)
        elif champion.pair is not None:
            told.append(f"The same data and split as version {champion.version}, the champion.")
        else:
            complaints.append(champion.pair_missing)
    return Gate(GateName.LINEAGE, passed=not complaints, detail=" ".join([*complaints, *told]))


def _requote(champion: ChampionEvidence | None, policy: Policy) -> Gate:
    limit = policy.rules.requote_limit
    if champion is None:
        return Gate(GateName.REQUOTE, passed=True, detail=FIRST)
    allowed = "No limit is set." if limit is None else f"{percent(limit)} may move."
    if champion.requote is None:
        return Gate(GateName.REQUOTE, passed=limit is None, detail=f"{champion.requote_missing} {allowed}")
    moved = champion.requote.moved_percent
    passed = limit is None or moved <= limit
    return Gate(GateName.REQUOTE, passed=passed, detail=f"{_requoted(champion.requote)} {allowed}")


def _requoted(requote: Requote) -> str:
    scenarios = "scenario" if requote.scenarios == 1 else "scenarios"
    saved = f" ({requote.scenarios:,} saved {scenarios} among them)" if requote.scenarios else ""
    text = (
        f"{requote.moved:,} of {requote.houses:,} houses{saved} move by more than {percent(requote.percent)}, "
        f"that is {percent(requote.moved_percent)}."
    )
    if requote.most:
        most = requote.most[0]
        text += f" The most: {most.house}, {dollars(most.before)} → {dollars(most.after)} ({_signed(most.percent)})."
    return f"{text} {requote.missing}" if requote.missing else text


def _segment(segment: SegmentEvidence) -> str:
    return f"{segment.name} ({_signed(segment.worse_percent)} on {segment.rows:,} rows)"


def _signed(figure: float) -> str:
    return percent(figure) if figure <= 0 else f"+{percent(figure)}"


def _with(note: str, detail: str) -> str:
    return f"{note} {detail}" if note else detail
