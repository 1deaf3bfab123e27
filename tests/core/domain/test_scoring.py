"""What crosses the queue about a scored file is the same on the other side."""

from __future__ import annotations

import json

from core.domain.house import RAW_COLUMNS
from core.domain.house_columns import map_columns
from core.domain.scoring import (
    Counted,
    FeatureShift,
    PriceBar,
    RejectedRow,
    ScoringReport,
    ScoringRequest,
    ShareOfRows,
)


def test_a_request_is_the_same_after_its_payload() -> None:
    request = ScoringRequest("a <b> .csv", map_columns(RAW_COLUMNS), "3", "Priced by version 3.", "tester")
    assert ScoringRequest.from_payload(json.loads(json.dumps(request.as_payload()))) == request
    assert request.title == "scoring a <b> .csv"


def test_a_report_is_the_same_after_the_queue() -> None:
    report = ScoringReport(
        version="3",
        source="Priced by version 3.",
        rows=3,
        priced=2,
        rejected=1,
        reasons=(Counted("latitude is missing", 1),),
        warned=1,
        warnings=(Counted("far_away", 1),),
        mean_price=1.5,
        median_price=1.5,
        bars=(PriceBar(1.0, 2.0, 2),),
        first_rejected=(RejectedRow(4, "latitude is missing"),),
        drift=(
            FeatureShift(
                "latitude", 0.3, "very different", True, "It lies farther north.", (ShareOfRows("32 to 34", 0.1, 0.9),)
            ),
        ),
        files=("priced.csv",),
        seconds=0.1,
        notes=("a note",),
    )
    assert ScoringReport.from_report(json.loads(json.dumps(report.as_report()))) == report
    assert report.warned_share == 0.5
