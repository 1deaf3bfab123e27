"""What the benchmarks say of themselves: a missed bound is written as missed, and everything is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.__main__ import claims_table, growth_tables, main, names
from tests.benchmarks.claims import KEPT_IN, Claim, Growth, claim, grown, kept

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
