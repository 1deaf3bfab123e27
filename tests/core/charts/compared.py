"""Runs and comparisons to draw, as they come out of the records and the workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from core.domain.runs import Run, RunStatus
from core.evaluation.significance import Judgement, MeanInterval, Verdict
from core.workflows.comparison_views import (
    ComparedRun,
    Comparison,
    Disagreement,
    MapCells,
    ParamLine,
    Profile,
    SegmentLine,
    SettingsGroup,
    SharedRows,
)

START = datetime(2025, 3, 1, 9, tzinfo=UTC)
LINEAGE = {"data.sha256": "a1b2c3d4e5f6" + "0" * 52, "split": "random, test size 0.2, seed 42", "code.version": "0.1.0"}
HOSTILE = "</script><script>alert(1)</script><b>&amp; %{x}"


def run(
    number: int,
    family: str = "random_forest",
    *,
    name: str | None = None,
    metrics: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
    minutes: float | None = 1.0,
    **params: object,
) -> Run:
    """A finished training. ``minutes`` is how long it took, None for one under way."""
    started = START + timedelta(hours=number)
    return Run(
        run_id=f"id{number}",
        name=f"run {number}" if name is None else name,
        status=RunStatus.FINISHED if minutes is not None else RunStatus.RUNNING,
        started=started,
        ended=None if minutes is None else started + timedelta(minutes=minutes),
        params={"family": family, **{key: str(value) for key, value in params.items()}},
        metrics={"rmse": 48_000.0 + number} if metrics is None else metrics,
        tags=LINEAGE if tags is None else tags,
    )


def judged(delta: float, reach: float, verdict: Verdict) -> Judgement:
    return Judgement(delta, delta - reach, delta + reach, verdict)


BASELINE = run(
    0,
    name="forest 150",
    metrics={"rmse": 48_677.0, "mae": 31_500.0, "r2_score": 0.8190, "mape": 17.60},
    n_estimators=150,
    max_depth=20,
    seed=42,
)
BETTER = run(
    1,
    "lightgbm",
    name="boosted",
    metrics={"rmse": 44_100.0, "mae": 29_100.0, "r2_score": 0.8514, "mape": 16.10, "spatial_rmse": 66_000.0},
    n_estimators=900,
    seed=42,
)
EQUAL = run(
    2,
    name="forest 200",
    metrics={"rmse": 48_558.0, "mae": 31_450.0, "r2_score": 0.8199, "mape": 17.50},
    n_estimators=200,
    max_depth=20,
    seed=42,
)
ELSEWHERE = run(
    3,
    "ridge",
    name=HOSTILE,
    metrics={"rmse": 68_900.0, "mae": float("nan")},
    tags={**LINEAGE, "data.sha256": "f" * 64},
    alpha=1.0,
)
REASON = "Trained on other data, so the scores are not compared."


def compared(rows: int = 60, others: Sequence[ComparedRun] | None = None) -> Comparison:
    """Three runs on the same held-out rows, and one on other data whose name is an attack."""
    random = np.random.default_rng(7)
    actual = random.uniform(50_000, 450_000, rows)
    shared = SharedRows(
        row_ids=np.arange(rows) * 5,
        actual=actual,
        predicted={
            one.run_id: actual + random.normal(0, error, rows)
            for one, error in ((BASELINE, 48_000), (BETTER, 44_000), (EQUAL, 48_000))
        },
    )
    unknown = (None,) * len(others or ())
    runs = [
        ComparedRun(BASELINE, "forest 150", {}),
        ComparedRun(
            BETTER,
            "boosted",
            {
                "rmse": judged(-4_577.0, 900.0, Verdict.BETTER),
                "mae": judged(-2_400.0, 500.0, Verdict.BETTER),
                "mape": judged(-1.5, 0.3, Verdict.BETTER),
                "r2_score": judged(0.0324, 0.01, Verdict.BETTER),
            },
        ),
        ComparedRun(
            EQUAL,
            "forest 200",
            {
                "rmse": judged(-119.0, 93.0, Verdict.NO_REAL_DIFFERENCE),
                "mae": judged(-50.0, 60.0, Verdict.NO_REAL_DIFFERENCE),
                "mape": judged(-0.1, 0.2, Verdict.NO_REAL_DIFFERENCE),
                "r2_score": judged(0.0009, 0.001, Verdict.NO_REAL_DIFFERENCE),
            },
        ),
        ComparedRun(ELSEWHERE, HOSTILE, {}, REASON),
        *(others or ()),
    ]
    return Comparison(
        runs=tuple(runs),
        params=(
            ParamLine(
                "family", "Family", ("Random forest", "LightGBM", "Random forest", "Ridge regression", *unknown), True
            ),
            ParamLine("n_estimators", "Trees", ("150", "900", "200", None, *unknown), True),
            ParamLine("max_depth", "Depth", ("20", None, "20", None, *unknown), True),
            ParamLine("seed", "Seed", ("42", "42", "42", "42", *unknown), False),
        ),
        metrics=("rmse", "mae", "r2_score", "mape", "spatial_rmse"),
        groups=(
            SettingsGroup(
                "Random forest, Trees 150", ("id0", "id2"), (42, 43), MeanInterval(48_617.5, 47_900.0, 49_335.0), None
            ),
            SettingsGroup(
                "LightGBM, Trees 900",
                ("id1",),
                (42,),
                MeanInterval(44_100.0, None, None),
                None,
                "One seed only: a difference is a claim about two fitted models, not about settings.",
            ),
        ),
        segments=(
            _segment("region", "<1H OCEAN", 1_804, {"id0": 50_100.0, "id1": 46_000.0, "id2": 50_050.0}),
            _segment("region", "INLAND", 1_310, {"id0": 38_400.0, "id1": 36_100.0, "id2": 38_500.0}),
            SegmentLine("region", "ISLAND", 2, {"id0": 90_000.0, "id1": 70_000.0, "id2": 88_000.0}, {}),
            _segment("price band", "under $100,000", 700, {"id0": 25_000.0, "id1": 24_000.0, "id2": 25_100.0}),
            _segment("survey cap", "capped rows only", 190, {"id0": 99_000.0, "id1": 91_000.0, "id2": 98_000.0}),
        ),
        cells=MapCells(
            longitude=np.array([-122.25, -121.75, -118.25]),
            latitude=np.array([37.75, 37.25, 34.25]),
            rows=np.array([120, 40, 900]),
            rmse={
                "id0": np.array([52_000.0, 48_000.0, 50_000.0]),
                "id1": np.array([47_000.0, 50_000.0, 45_000.0]),
                "id2": np.array([52_000.0, 48_100.0, np.nan]),
            },
            degrees=0.5,
        ),
        disagreements=(
            Disagreement(
                row_id=4_861,
                actual=350_000.0,
                predicted={"id0": 180_000.0, "id1": 320_000.0, "id2": 182_000.0},
                house={"median_income": 1.25, "ocean_proximity": "<1H OCEAN", "total_bedrooms": None},
            ),
        ),
        profiles=(
            Profile("id0", 48_677.0, 44_000.0, 99_000.0, None, None),
            Profile("id1", 44_100.0, 40_000.0, 91_000.0, 66_000.0, 0.894),
            Profile("id2", 48_558.0, 43_900.0, 98_000.0, None, None),
            Profile("id3", None, None, None, None, None),
        ),
        shared=shared,
        margin=0.01,
    )


def _segment(kind: str, name: str, rows: int, rmse: dict[str, float]) -> SegmentLine:
    differences = {
        run_id: judged(
            value - rmse["id0"], 700.0, Verdict.BETTER if value - rmse["id0"] < -700 else Verdict.NO_REAL_DIFFERENCE
        )
        for run_id, value in rmse.items()
        if run_id != "id0"
    }
    return SegmentLine(kind, name, rows, rmse, differences)
