"""What a ratio study says in words, and the study of a run as its own view asks for it."""

from __future__ import annotations

import numpy as np
import pytest

from core.domain.errors import InvalidData, NotFound
from core.domain.money import SURVEY_CAP
from core.domain.settings import Settings
from core.evaluation.fairness import judge_fairness, uncapped_study
from core.tracking.runs import get_run, list_runs
from core.tracking.store import Store
from core.workflows.comparability import held_out_predictions
from core.workflows.lab import Lab
from core.workflows.ratio_studies import findings, study_ratios, verdict_of

RECORDED = np.linspace(60_000.0, 460_000.0, 200)


def said(estimated: np.ndarray, recorded: np.ndarray = RECORDED) -> str:
    return " ".join(findings(judge_fairness(recorded, estimated)))


def test_it_says_who_is_over_valued() -> None:
    towards = RECORDED + 0.4 * (RECORDED.mean() - RECORDED)
    apart = RECORDED - 0.2 * (RECORDED.mean() - RECORDED)
    assert "Cheap block groups are over-valued beside dear ones" in said(towards)
    assert "falls by" in said(towards)
    assert "more than the 5 % that assessors allow" in said(towards)
    assert "Cheap block groups are under-valued beside dear ones" in said(apart)
    assert "valued alike, within 5 %" in said(1.02 * RECORDED)
    assert "no more than the 5 % that assessors allow" in said(1.02 * RECORDED)


def test_it_says_what_became_of_capped_rows() -> None:
    recorded = np.append(RECORDED, [SURVEY_CAP] * 7)
    told = said(np.append(RECORDED, [400_000.0] * 7), recorded)
    assert "Left out: 7 rows recorded as $500,000 or more" in told
    assert "Left out" not in said(RECORDED)
    assert "no ratio is known" in said(np.array([4e5]), np.array([SURVEY_CAP]))


@pytest.mark.parametrize(
    ("name", "figure", "word"),
    [("cod", 12.0, "within 5 to 15"), ("prd", 1.05, "outside 0.98 to 1.03"), ("prb", float("nan"), "—")],
)
def test_a_figure_stands_beside_its_range(name: str, figure: float, word: str) -> None:
    assert verdict_of(name, figure) == word


def test_a_run_is_studied_on_its_held_out_rows(trained_settings: Settings, trained_store: Store) -> None:
    (run,) = list_runs(trained_store)
    report = Lab(trained_settings).comparing.ratios(run.run_id)
    held = held_out_predictions(trained_store, run)
    logged = {name: run.metrics[name] for name in ("cod", "prd", "prb")}
    assert logged == pytest.approx(uncapped_study(held.actual, held.predicted).as_metrics())
    assert report.fairness.study.as_metrics() == pytest.approx(logged)
    assert report.fairness.cells is not None
    assert sum(band.rows for band in report.fairness.bands) + report.fairness.capped == len(held.actual)
    assert report.where_missing == ""
    assert any(sentence.startswith("On the map") for sentence in report.findings)


def test_without_the_data_file_there_is_no_map_and_it_says_why(trained_store: Store) -> None:
    (run,) = list_runs(trained_store)

    def nowhere(_: object, __: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise InvalidData("The data file is another one.", remedy="Put it back.")

    report = study_ratios(run, held_out_predictions(trained_store, run), nowhere)
    assert (report.fairness.cells, report.where_missing) == (None, "The data file is another one.")
    assert report.fairness.bands


def test_a_run_that_is_none_is_not_studied(trained_settings: Settings, trained_store: Store) -> None:
    assert get_run(trained_store, list_runs(trained_store)[0].run_id)
    with pytest.raises(NotFound):
        Lab(trained_settings).comparing.ratios("0" * 32)
