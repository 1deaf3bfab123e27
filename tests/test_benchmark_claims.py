"""What the benchmarks say of themselves: a missed bound is written as missed, and everything is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.settings import PREFIX
from tests.benchmarks import __main__ as commands
from tests.benchmarks.__main__ import claims_table, growth_tables, main, names
from tests.benchmarks.claims import KEPT_IN, Claim, Growth, Measured, claim, grown, kept
from tests.benchmarks.pictures import draw, panels_of, share_of_bound
from tests.benchmarks.report import read_report, write_report

WITHIN = Claim("price of one house, against a plain predict", 0.12, 0.25)
MISSED = Claim("held-out RMSE of `--preset best`", 39_000, 38_500, "$")
TOO_FEW = Claim("requests a second", 9.5, 10, at_least=True)
LINES = (Growth("runs", 10_000, {"page, ms": 21.7}), Growth("runs", 1_000, {"page, ms": 3.4, "index, s": 2.0}))


def test_a_missed_bound_fails_and_is_written_as_missed(capsys: pytest.CaptureFixture[str]) -> None:
    claim(WITHIN)
    for missed in (MISSED, TOO_FEW):
        with pytest.raises(AssertionError, match="MISSED"):
            claim(missed)
    assert "0.12× (at most 0.25×): holds" in capsys.readouterr().out
    table = list(claims_table([WITHIN, MISSED, TOO_FEW]))[2:]
    assert table == [
        "| price of one house, against a plain predict | 0.12× | ≤ 0.25× | yes |",
        "| held-out RMSE of `--preset best` | $39,000 | ≤ $38,500 | **missed** |",
        "| requests a second | 9.5× | ≥ 10× | **missed** |",
    ]


def test_what_was_found_is_kept_even_when_it_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "found.jsonl"
    monkeypatch.setenv(KEPT_IN, str(file))
    with pytest.raises(AssertionError):
        claim(MISSED)
    grown(LINES[0])
    assert list(kept(file)) == [MISSED, LINES[0]]


def test_what_a_benchmark_says_reaches_the_command_that_started_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a process of pytest, and by no variable of the lab's: ``tests/conftest.py`` takes those away."""
    assert not KEPT_IN.startswith(PREFIX)
    (tmp_path / "test_one.py").write_text(
        "from tests.benchmarks.claims import Claim, claim\n\n\n"
        "import pytest\n\n\n"
        "@pytest.mark.long\ndef test_it():\n    claim(Claim('one', 1.0, 2.0))\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(commands, "_FOLDER", tmp_path)
    found = commands.measure("one")
    assert (found.ended_well, found.claims) == (True, (Claim("one", 1.0, 2.0),))


def test_growth_stands_by_size_and_a_cost_nobody_measured_shows_a_dash() -> None:
    assert list(growth_tables(LINES)) == [
        "",
        "| runs | page, ms | index, s |",
        "|---:|---:|---:|",
        "| 1,000 | 3.4 | 2 |",
        "| 10,000 | 21.7 | — |",
    ]


def test_the_command_names_every_benchmark_and_refuses_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert capsys.readouterr().out.split() == names()
    assert {"accuracy", "first_paint", "sessions", "serving", "what_if"} <= set(names())
    with pytest.raises(SystemExit) as ended:
        main(["--only", "nothing"])
    assert ended.value.code == 2


def test_the_report_gives_back_what_was_measured(tmp_path: Path) -> None:
    found = (
        Measured("accuracy", (MISSED,), (), ended_well=False, machine="2 cores"),
        Measured("runs_page", (WITHIN, TOO_FEW), LINES, ended_well=True, machine="2 cores"),
    )
    write_report(tmp_path / "report.json", reversed(found))
    assert read_report(tmp_path / "report.json") == found


@pytest.mark.parametrize(
    ("found", "share"),
    [
        (WITHIN, 0.48),
        (Claim("requests a second", 40, 10, at_least=True), 0.25),
        (Claim("requests lost", 0, 0), 0.01),
        (Claim("requests lost", 2, 0), float("inf")),
    ],
)
def test_a_figure_within_its_bound_lies_left_of_the_line(found: Claim, share: float) -> None:
    assert share_of_bound(found) == pytest.approx(share)
    assert (share_of_bound(found) <= 1) is found.holds


def test_costs_of_one_unit_share_a_panel_and_counts_have_none() -> None:
    lines = [
        Growth("visitors", size, {"p50, ms": 1.0, "p95, ms": 2.0, "errors": 0.0, "peak, MB": 9.0}) for size in (1, 9)
    ]
    assert [(table, unit, len(own)) for table, unit, own in panels_of(lines)] == [
        ("visitors", "ms", 2),
        ("visitors", "MB", 2),
    ]
    assert not list(panels_of(lines[:1]))


def test_pictures_are_drawn_of_what_there_is(tmp_path: Path) -> None:
    measured = Measured("runs_page", (WITHIN, MISSED, TOO_FEW), LINES, ended_well=True, machine="2 cores")
    assert [file.name for file in draw([measured], tmp_path)] == ["benchmarks.png", "growth.png"]
    assert all(file.stat().st_size > 1_000 for file in tmp_path.iterdir())
    assert draw([Measured("none", (), (), ended_well=True, machine="")], tmp_path / "none") == ()
