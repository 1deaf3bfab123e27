"""Each gate with known answers, and that a worse candidate never passes where a better one failed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.configuration import load_settings
from core.domain.promotion import Claim, Gate, GateName, MovedPrice, Policy, PromotionVerdict, Requote
from core.domain.runs import Alias, Scores
from core.domain.settings import PromotionSettings
from core.workflows.promotion_evidence import (
    CandidateEvidence,
    ChampionEvidence,
    LineageEvidence,
    LoadEvidence,
    PairEvidence,
    SegmentEvidence,
    SpatialEvidence,
)
from core.workflows.promotion_gates import judge

THRESHOLDS = load_settings(environment={}).evaluation.thresholds
POLICY = Policy(THRESHOLDS, PromotionSettings())
LIMITED = Policy(THRESHOLDS, PromotionSettings(requote_limit=30, spatial_limit=10))
GOOD = CandidateEvidence(
    version="4",
    sha256="ab" * 32,
    claim=Claim(Alias.CHAMPION, previous="3", seen=7, champion_seen=7),
    scores=Scores(rmse=48_000.0, mae=31_000.0, r2_score=0.82, mape=17.0),
    lineage=LineageEvidence("run4", "8a" * 32, "random_0.2_42", has_signature=True),
    load=LoadEvidence(is_loaded=True, seconds=0.4, rows=200, lowest=50_000.0, highest=490_000.0),
)
SEGMENTS = (
    SegmentEvidence("INLAND", 1324, 40_000.0, 41_000.0),
    SegmentEvidence("NEAR BAY", 436, 60_000.0, 58_000.0),
    SegmentEvidence("ISLAND", 2, 50_000.0, 200_000.0),
)
REQUOTE = Requote(500, 0, 125, 5.0, (MovedPrice("block group of row 12", 100_000.0, 160_000.0),))
CHAMPION = ChampionEvidence("3", PairEvidence(4128, 48_500.0, -500.0, -20.0, SEGMENTS), requote=REQUOTE)
SCORED = replace(CHAMPION, spatial=SpatialEvidence(60_000.0, 5))


def gate(verdict: PromotionVerdict, name: GateName) -> Gate:
    (found,) = [one for one in verdict.gates if one.name == name]
    return found


def pair(**changes: object) -> ChampionEvidence:
    assert CHAMPION.pair is not None
    return replace(CHAMPION, pair=replace(CHAMPION.pair, **changes))  # type: ignore[arg-type]


def test_a_good_candidate_passes_all_seven_and_every_gate_tells_its_figures() -> None:
    verdict = judge(GOOD, CHAMPION, POLICY)
    assert verdict.passed
    assert [one.name for one in verdict.gates] == list(GateName)
    assert (verdict.version, verdict.champion, verdict.previous, verdict.alias) == ("4", "3", "3", "champion")
    told = {one.name: one.detail for one in verdict.gates}
    assert told[GateName.THRESHOLDS].startswith(
        "RMSE $48,000 (at most $55,000); MAE $31,000 (at most $37,000); R² 0.82"
    )
    assert "RMSE −$500 against version 3 on the same 4,128 held-out rows" in told[GateName.CHAMPION]
    assert "95 % confidence at most −$20, and +$970 (2.0 %) is allowed" in told[GateName.CHAMPION]
    assert "Of 2 regions and price bands" in told[GateName.NO_HARM]
    assert "INLAND (+2.5 % on 1,324 rows)" in told[GateName.NO_HARM]
    assert "The same data and split as version 3" in told[GateName.LINEAGE]
    assert "prices 200 block groups in 0.4 s: $50,000 to $490,000" in told[GateName.LOADS]
    assert "125 of 500 houses move by more than 5.0 %, that is 25.0 %" in told[GateName.REQUOTE]
    assert "block group of row 12, $100,000 → $160,000 (+60.0 %). No limit is set." in told[GateName.REQUOTE]


def test_without_a_champion_the_gates_that_compare_pass_and_say_so() -> None:
    verdict = judge(GOOD, None, LIMITED)
    assert verdict.passed
    assert verdict.champion is None
    for name in (GateName.CHAMPION, GateName.NO_HARM, GateName.REQUOTE):
        assert "no champion yet" in gate(verdict, name).detail


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        (Scores(55_000.01, 31_000.0, 0.82, 17.0), "RMSE $55,000 (more than the $55,000 allowed)"),
        (Scores(48_000.0, 37_001.0, 0.82, 17.0), "MAE $37,001 (more than the $37,000 allowed)"),
        (Scores(48_000.0, 31_000.0, 0.749, 17.0), "R² 0.7490 (less than the 0.7500 wanted)"),
        (Scores(48_000.0, 31_000.0, 0.82, 22.1), "MAPE 22.1 % (more than the 22.0 % allowed)"),
        (Scores(48_000.0, 31_000.0, math.nan, 17.0), "R² — (less than"),
        (None, "no scores"),
    ],
)
def test_a_missed_threshold_is_named_with_its_limit(scores: Scores | None, told: str) -> None:
    verdict = judge(replace(GOOD, scores=scores), CHAMPION, POLICY)
    assert [one.name for one in verdict.failed] == [GateName.THRESHOLDS]
    assert told in verdict.failed[0].detail
    assert verdict.overridable


@pytest.mark.parametrize(("highest", "passed"), [(970.0, True), (970.01, False), (math.nan, False), (-5.0, True)])
def test_the_candidate_may_be_worse_by_the_margin_and_no_more(highest: float, passed: bool) -> None:
    assert gate(judge(GOOD, pair(highest_delta=highest), POLICY), GateName.CHAMPION).passed is passed


@pytest.mark.parametrize(
    ("segment", "passed"),
    [
        (SegmentEvidence("INLAND", 100, 50_000.0, 55_000.0), True),
        (SegmentEvidence("INLAND", 100, 50_000.0, 55_001.0), False),
        (SegmentEvidence("INLAND", 99, 50_000.0, 99_000.0), True),
        (SegmentEvidence("INLAND", 100, 0.0, 1.0), False),
        (SegmentEvidence("INLAND", 100, 0.0, 0.0), True),
        (SegmentEvidence("INLAND", 100, 50_000.0, math.nan), False),
    ],
)
def test_no_segment_of_100_rows_may_be_harmed(segment: SegmentEvidence, passed: bool) -> None:
    found = gate(judge(GOOD, pair(segments=(segment,)), POLICY), GateName.NO_HARM)
    assert found.passed is passed
    assert passed or "INLAND" in found.detail


def test_a_gate_that_could_not_be_looked_at_has_not_passed() -> None:
    blind = judge(GOOD, pair(regions_missing="The data file is not here."), POLICY)
    assert [one.name for one in blind.failed] == [GateName.NO_HARM]
    assert "The data file is not here." in blind.failed[0].detail
    apart = judge(GOOD, replace(CHAMPION, pair=None, pair_missing="Nothing to compare."), POLICY)
    assert [one.name for one in apart.failed] == [GateName.CHAMPION, GateName.NO_HARM, GateName.LINEAGE]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"run_id": ""}, "lacks a run"),
        ({"data_sha256": "", "split": ""}, "lacks the SHA-256 of its data, its split"),
        ({"has_signature": False}, "lacks a signature"),
        ({"run_problem": "was deleted"}, "Its run was deleted."),
    ],
)
def test_a_version_of_unknown_origin_fails_the_lineage(changes: dict[str, object], told: str) -> None:
    verdict = judge(replace(GOOD, lineage=replace(GOOD.lineage, **changes)), CHAMPION, POLICY)  # type: ignore[arg-type]
    assert [one.name for one in verdict.failed] == [GateName.LINEAGE]
    assert told in verdict.failed[0].detail


def test_a_champion_that_was_scored_anew_is_told_with_the_reason() -> None:
    verdict = judge(
        GOOD, replace(CHAMPION, rescored="Version 3 was trained on other data, so it was scored anew."), POLICY
    )
    assert verdict.passed
    for name in (GateName.CHAMPION, GateName.LINEAGE):
        assert "scored anew" in gate(verdict, name).detail


@pytest.mark.parametrize(
    ("load", "told"),
    [
        ({"signature_problem": "Its signature lacks latitude."}, "lacks latitude"),
        ({"wrong_prices": 3}, "3 of 200 block groups get no price above zero"),
        ({"seconds": 30.5}, "It took 30.5 s, and 30 s are allowed"),
        ({"problem": "Version 4 gives no prices: ValueError.", "seconds": math.nan}, "ValueError"),
    ],
)
def test_a_model_unfit_to_serve_fails_and_may_be_overridden(load: dict[str, object], told: str) -> None:
    verdict = judge(replace(GOOD, load=replace(GOOD.load, **load)), CHAMPION, POLICY)  # type: ignore[arg-type]
    assert [one.name for one in verdict.failed] == [GateName.LOADS]
    assert told in verdict.failed[0].detail
    assert verdict.overridable


def test_a_model_that_does_not_load_holds_against_every_reason() -> None:
    verdict = judge(
        replace(GOOD, load=LoadEvidence(is_loaded=False, problem="Not the recorded file.")), CHAMPION, POLICY
    )
    assert [one.detail for one in verdict.failed] == ["Not the recorded file."]
    assert not verdict.overridable


@pytest.mark.parametrize(("rmse", "passed"), [(60_000.0, True), (66_000.0, True), (66_001.0, False)])
def test_the_spatial_score_is_a_gate_where_a_limit_is_set(rmse: float, passed: bool) -> None:
    mine = replace(GOOD, spatial=SpatialEvidence(rmse, 5))
    found = gate(judge(mine, SCORED, LIMITED), GateName.SPATIAL)
    assert found.passed is passed
    assert f"${rmse:,.0f}" in found.detail
    assert "$60,000 of version 3" in found.detail
    assert "10.0 % more is allowed" in found.detail
    shown = gate(judge(mine, SCORED, POLICY), GateName.SPATIAL)
    assert shown.passed
    assert "No limit is set" in shown.detail


@pytest.mark.parametrize(
    ("candidate", "champion", "word"),
    [
        (GOOD, replace(CHAMPION, spatial=SpatialEvidence(60_000.0, 5)), "this version"),
        (replace(GOOD, spatial=SpatialEvidence(60_000.0, 5)), CHAMPION, "version 3"),
        (
            replace(GOOD, spatial=SpatialEvidence(60_000.0, 3)),
            replace(CHAMPION, spatial=SpatialEvidence(60_000.0, 5)),
            "other blocks",
        ),
        (
            replace(GOOD, spatial=SpatialEvidence(60_000.0, 5)),
            replace(CHAMPION, spatial=SpatialEvidence(60_000.0, 5), rescored="Another split."),
            "other blocks",
        ),
    ],
)
def test_spatial_scores_that_cannot_be_compared_fail_only_where_a_limit_is_set(
    candidate: CandidateEvidence, champion: ChampionEvidence, word: str
) -> None:
    shown, judged = (gate(judge(candidate, champion, policy), GateName.SPATIAL) for policy in (POLICY, LIMITED))
    assert shown.passed
    assert not judged.passed
    assert word in judged.detail


@pytest.mark.parametrize(("moved", "passed"), [(150, True), (151, False)])
def test_the_preview_is_a_gate_where_a_limit_is_set(moved: int, passed: bool) -> None:
    changed = replace(CHAMPION, requote=replace(REQUOTE, moved=moved))
    assert gate(judge(GOOD, changed, LIMITED), GateName.REQUOTE).passed is passed
    assert gate(judge(GOOD, changed, POLICY), GateName.REQUOTE).passed
    assert judge(GOOD, changed, POLICY).preview == changed.requote


def test_a_preview_that_cannot_be_shown_fails_only_where_a_limit_is_set() -> None:
    blind = replace(CHAMPION, requote=None, requote_missing="It cannot be shown: the file is gone.")
    assert judge(GOOD, blind, POLICY).passed
    assert not gate(judge(GOOD, blind, LIMITED), GateName.REQUOTE).passed


def test_a_verdict_with_a_gate_left_out_has_not_passed() -> None:
    verdict = judge(GOOD, CHAMPION, POLICY)
    assert not replace(verdict, gates=()).passed
    assert not replace(verdict, gates=()).overridable
    assert not replace(verdict, gates=verdict.gates[1:]).passed


FIGURE = st.floats(0, 1e5)
MORE = st.floats(0, 1e5)


@given(
    st.tuples(FIGURE, FIGURE, st.floats(-1, 1), st.floats(0, 60)),
    st.tuples(MORE, MORE, st.floats(0, 1), st.floats(0, 60)),
    st.lists(st.tuples(st.integers(1, 300), FIGURE, FIGURE, MORE), max_size=4),
    st.tuples(st.floats(1, 1e5), st.floats(-1e4, 1e4), st.floats(0, 1e4), MORE),
    st.tuples(st.floats(0, 60), st.floats(0, 60), st.integers(0, 5), st.integers(0, 5)),
    st.tuples(st.integers(0, 500), st.integers(0, 500)),
    st.sampled_from([POLICY, LIMITED]),
)
def test_a_worse_candidate_never_passes_a_gate_that_a_better_one_failed(
    scores: tuple[float, float, float, float],
    worse_by: tuple[float, float, float, float],
    segments: list[tuple[int, float, float, float]],
    apart: tuple[float, float, float, float],
    load: tuple[float, float, int, int],
    moved: tuple[int, int],
    policy: Policy,
) -> None:
    champion_rmse, delta, reach, more = apart

    def verdict(bad: int) -> PromotionVerdict:
        """Of the better candidate with 0, of the worse one with 1."""
        rmse, mae, r2, mape = (
            one + bad * (-by if place == 2 else by)
            for place, (one, by) in enumerate(zip(scores, worse_by, strict=True))
        )
        parts = tuple(
            SegmentEvidence(f"part {place}", rows, before, after + bad * extra)
            for place, (rows, before, after, extra) in enumerate(segments)
        )
        seconds, longer, wrong, wronger = load
        candidate = replace(
            GOOD,
            scores=Scores(rmse, mae, r2, mape),
            load=replace(GOOD.load, seconds=seconds + bad * longer, wrong_prices=wrong + bad * wronger),
        )
        both = PairEvidence(4128, champion_rmse, delta + bad * more, delta + reach + bad * more, parts)
        prices = replace(REQUOTE, moved=min(500, moved[0] + bad * moved[1]))
        return judge(candidate, replace(CHAMPION, pair=both, requote=prices), policy)

    better, worse = verdict(0), verdict(1)
    for good, bad in zip(better.gates, worse.gates, strict=True):
        assert good.passed or not bad.passed, (good, bad)
    assert better.passed or not worse.passed


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_move_in_percent_has_the_sign_of_the_move(before: float, after: float) -> None:
    move = MovedPrice("a house", before, after)
    assert not math.isnan(move.percent)
    assert (move.percent >= 0) is (after >= before)
