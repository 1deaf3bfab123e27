"""``predict`` in the terminal: the contract's files, JSON and exit codes."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.domain.house import RAW_COLUMNS
from core.domain.scoring import PRICE_COLUMNS
from core.domain.settings import Settings
from tests.core.cli.terminal import lab, run_here
from tests.scored import HOUSE, raw_rows, read_csv, served, write_csv

Run = Any


@pytest.fixture
def run(trained_settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """One command in this process, over the home of the shared training: exit code, standard output and error."""
    for name, value in trained_settings.as_environment().items():
        monkeypatch.setenv(name, value)
    return functools.partial(run_here, monkeypatch, capsys)


def document(out: str) -> dict[str, Any]:
    return dict(json.loads(out, parse_constant=pytest.fail))


def test_a_file_is_priced_in_a_process_of_its_own(
    trained_settings: Settings, real_rows: pd.DataFrame, tmp_path: Path
) -> None:
    rows = raw_rows(real_rows, 200)
    rows["median_income"] = rows["median_income"].astype(object)
    rows.loc[7, "median_income"] = "rich"
    source, output = tmp_path / "houses.csv", tmp_path / "priced.csv"
    rows.to_csv(source, index=False)
    done = lab(trained_settings, "predict", "--input", str(source), "--output", str(output), "--json")
    assert done.returncode == 0, done.stderr
    answer = document(done.stdout)
    assert (answer["version"], answer["rows"], answer["priced"], answer["rejected"]) == ("1", 200, 199, 1)
    assert (answer["output"], answer["rejected_output"]) == (str(output), str(tmp_path / "priced.rejected.csv"))
    assert answer["reasons"] == {"median_income is not a number": 1}
    priced = pd.read_csv(output)
    assert list(priced.columns) == [*rows.columns, *PRICE_COLUMNS]
    assert list(priced["id"]) == [name for name in rows["id"] if name != "H-0007"]
    good = rows.drop(index=7)[list(RAW_COLUMNS)].astype({"median_income": float})
    np.testing.assert_allclose(priced["price"], served(trained_settings).pipeline.predict(good), atol=0.006)
    (rejected,) = read_csv(tmp_path / "priced.rejected.csv")
    assert (rejected["row"], rejected["reason"], rejected["id"]) == (
        "9",
        "median_income is 'rich', not a number",
        "H-0007",
    )
    assert "pricing: 200 of 200 rows · 1 rejected" in done.stderr
    assert {file.name for file in tmp_path.iterdir()} == {"houses.csv", "priced.csv", "priced.rejected.csv"}


def test_people_read_what_came_of_it(run: Run, tmp_path: Path) -> None:
    bad = {**HOUSE, "latitude": ""}
    source = write_csv(tmp_path / "houses.csv", [HOUSE, bad])
    code, out, _ = run("predict", "--input", str(source), "--output", str(tmp_path / "out.parquet"))
    assert code == 0
    assert "1 of 2 rows priced" in out
    assert "Priced by version 1" in out
    assert "1 row rejected: latitude is missing (1)" in out
    assert str(tmp_path / "out.rejected.csv") in out
    assert len(pd.read_parquet(tmp_path / "out.parquet")) == 1


def test_columns_are_chosen_by_map(run: Run, tmp_path: Path) -> None:
    row = {("INC" if name == "median_income" else name): text for name, text in HOUSE.items()}
    del row["total_bedrooms"]
    source = write_csv(tmp_path / "houses.csv", [row])
    words = ("predict", "--input", str(source), "--output", str(tmp_path / "out.csv"), "--json")
    code, out, _ = run(*words)
    assert code == 1
    error = document(out)["error"]
    assert "no column for total_bedrooms, median_income" in error["what"]
    assert "--map" in error["remedy"]
    code, out, _ = run(*words, "--map", "median_income=INC", "--map", "total_bedrooms=")
    assert (code, document(out)["priced"]) == (0, 1)
    for wrong in ("median_income", "median_income=", "median_income=MISSING", "rooms=INC"):
        code, out, _ = run(*words, "--map", wrong)
        assert code == 1, wrong
        assert set(document(out)["error"]) == {"what", "where", "remedy"}


@pytest.mark.parametrize(
    "words",
    [
        ("predict",),
        ("predict", "--input", "houses.csv"),
        ("predict", "--output", "priced.csv"),
        ("predict", "--input", "houses.csv", "--output", "priced.csv", "--maps", "a=b"),
    ],
)
def test_wrong_usage_is_exit_code_2(run: Run, words: tuple[str, ...]) -> None:
    assert run(*words)[0] == 2


def test_what_is_not_there_is_refused_with_a_remedy_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "houses.csv", [HOUSE])
    output = str(tmp_path / "out.csv")
    for words in (
        ("--input", str(tmp_path / "none.csv"), "--output", output),
        ("--input", str(source), "--output", str(tmp_path / "out.xlsx")),
        ("--input", str(source), "--output", str(source)),
        ("--input", str(source), "--output", output, "--version", "99"),
    ):
        code, out, _ = run("predict", *words, "--json")
        assert code == 1, words
        assert document(out)["error"]["remedy"]
    assert [file.name for file in tmp_path.iterdir()] == ["houses.csv"]


def test_a_file_of_which_nothing_can_be_priced_is_a_failure_that_says_where_to_look(run: Run, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "houses.csv", [{**HOUSE, "median_income": "83252"}] * 3)
    code, out, err = run("predict", "--input", str(source), "--output", str(tmp_path / "out.csv"))
    assert code == 1
    assert "0 of 3 rows priced" in out
    assert "median_income is outside 0 to 20 (3)" in out
    assert "--map" in err
    assert len(read_csv(tmp_path / "out.rejected.csv")) == 3


def test_a_file_name_that_is_no_text_is_told_and_ends_in_no_stack_trace(
    trained_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:strict")
    name = str(tmp_path / os.fsdecode(b"houses \xff.csv"))
    done = lab(trained_settings, "predict", "--input", name, "--output", str(tmp_path / "out.csv"), "--json")
    assert (done.returncode, done.stderr.count("Traceback")) == (1, 0), done.stderr
    assert "houses \\udcff.csv" in done.stdout
    assert document(done.stdout)["error"]["remedy"]
