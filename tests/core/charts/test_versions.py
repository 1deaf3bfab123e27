"""The versions in a picture: each at its number, those that serve ringed, none without a score drawn."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.charts.versions import metric_by_version
from core.domain.promotion import Stage
from core.domain.runs import Scores
from core.workflows.version_timeline import VersionLine


def line(version: str, rmse: float | None, *, family: str = "ridge", aliases: tuple[str, ...] = ()) -> VersionLine:
    return VersionLine(
        version=version,
        run_id=f"run{version}",
        created=datetime(2026, 3, 3, tzinfo=UTC),
        family=family,
        scores=None if rmse is None else Scores(rmse, 30_000.0, 0.8, 18.0),
        aliases=aliases,
        stage=Stage.PRODUCTION if aliases else Stage.DEVELOPMENT,
        moved=None,
    )


LINES = (
    line("10", None),
    line("9", 43_508.0, family="lightgbm", aliases=("champion",)),
    line("2", float("nan")),
    line("1", 69_614.0),
)


def test_each_version_stands_at_its_number_and_those_without_a_score_are_counted() -> None:
    figure = metric_by_version(LINES, "rmse")
    drawn = {trace.name: (list(trace.x), list(trace.y)) for trace in figure.data}
    assert drawn["LightGBM"] == ([9], [43_508.0])
    assert drawn["Ridge regression"] == ([1], [69_614.0])
    assert figure.layout.title.subtitle.text == "2 versions; 2 without a score left out"
    assert figure.layout.yaxis.title.text == "RMSE (1990 $)"


def test_who_serves_is_ringed_and_named() -> None:
    rings = metric_by_version(LINES, "rmse").data[-1]
    assert (list(rings.x), list(rings.text)) == ([9], ["champion"])


def test_the_hover_has_the_figure_the_stage_and_the_day() -> None:
    (hover,) = metric_by_version(LINES, "mape").data[0].customdata
    assert hover == "<b>Version 9</b>, LightGBM<br>MAPE 18.0 %<br>production, 03 March 2026"


@pytest.mark.parametrize("lines", [(), (line("1", None),)])
def test_without_scores_it_says_so(lines: tuple[VersionLine, ...]) -> None:
    figure = metric_by_version(lines, "rmse")
    assert not figure.data
    assert figure.layout.annotations[0].text == "No version has a score."


def test_a_family_the_lab_does_not_know_is_drawn_as_it_is_written() -> None:
    figure = metric_by_version([line("1", 50_000.0, family="<b>x</b>"), line("2", 50_000.0, family="")], "rmse")
    assert {trace.name for trace in figure.data} == {"&lt;b&gt;x&lt;/b&gt;", "unknown family"}


@pytest.mark.parametrize(("versions", "step"), [(2, 1), (5, 1), (40, None)])
def test_no_tick_stands_between_two_neighbouring_versions(versions: int, step: int | None) -> None:
    lines = [line(str(number), 50_000.0) for number in range(1, versions + 1)]
    assert metric_by_version(lines, "rmse").layout.xaxis.dtick == step
