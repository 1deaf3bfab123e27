"""What is written runs nothing in a spreadsheet, and numbers stay numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from core.domain.errors import NotFound
from core.domain.scoring import PRICE_COLUMNS, ScoredFile
from core.domain.settings import Settings
from core.workflows.scored_files import ScoredFolder, outdated
from core.workflows.scoring_files import free_names
from core.workflows.served_model import ServedModel
from tests.scored import HOUSE, read_csv, scored, served, write_csv

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")']
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@pytest.fixture(scope="module")
def model(trained_settings: Settings) -> ServedModel:
    return served(trained_settings)


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_is_text_in_both_files_and_in_the_header(
    tmp_path: Path, trained_settings: Settings, model: ServedModel, formula: str
) -> None:
    rows = [{**HOUSE, formula: formula}, {**HOUSE, "ocean_proximity": formula, formula: formula}]
    _, files = scored(trained_settings, model, write_csv(tmp_path / "houses.csv", rows))
    for file in (*files.priced, files.rejected):
        content = read_csv(file)
        assert content[0][f"'{formula}"] == f"'{formula}"
    assert read_csv(files.rejected)[0]["ocean_proximity"] == f"'{formula}"


def test_negative_numbers_stay_numbers(tmp_path: Path, trained_settings: Settings, model: ServedModel) -> None:
    _, files = scored(trained_settings, model, write_csv(tmp_path / "houses.csv", [{**HOUSE, "offset": "-1.5e3"}]))
    (row,) = read_csv(files.priced[0])
    assert (row["longitude"], row["offset"]) == ("-122.23", "-1.5e3")
    assert pd.read_csv(files.priced[0])["longitude"].dtype == float


@profile(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
        | st.sampled_from(FORMULAS)
        | st.floats(allow_nan=False, allow_infinity=False).map(repr),
        min_size=1,
        max_size=8,
    )
)
def test_no_cell_of_any_file_begins_as_a_formula_and_what_was_text_is_still_there(
    tmp_path: Path, trained_settings: Settings, model: ServedModel, notes: list[str]
) -> None:
    rows = [{**HOUSE, "note": note} for note in notes]
    rows += [{**row, "latitude": "here"} for row in rows]
    _, files = scored(trained_settings, model, write_csv(tmp_path / "houses.csv", rows))
    for file in (files.priced[0], files.rejected):
        content = read_csv(file)
        for cell in (cell for row in content for cell in row.values()):
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")) or NUMBER.fullmatch(cell), cell
        assert [row["note"].removeprefix("'") for row in content] == [note.removeprefix("'") for note in notes]


def test_rejected_rows_that_are_sent_again_come_back_as_they_were(
    tmp_path: Path, trained_settings: Settings, model: ServedModel
) -> None:
    bad = {**HOUSE, "latitude": "", "note": "=1+1"}
    _, first = scored(trained_settings, model, write_csv(tmp_path / "houses.csv", [bad]))
    _, again = scored(trained_settings, model, first.rejected, "again.csv")
    (row,) = read_csv(again.rejected)
    assert (row["note"], row["row_input"], row["reason_input"]) == ("'=1+1", "2", "latitude is missing")


@given(st.lists(st.sampled_from([*PRICE_COLUMNS, "price_input", "price_input_2", "id"]), unique=True))
def test_no_two_columns_are_ever_called_the_same(names: list[str]) -> None:
    found = free_names(names, PRICE_COLUMNS)
    together = [*found, *PRICE_COLUMNS]
    assert len(set(together)) == len(together)
    assert all(
        after in (before, *found) and after.startswith(before) for before, after in zip(names, found, strict=True)
    )


def test_an_empty_result_has_its_columns_in_either_form(
    tmp_path: Path, trained_settings: Settings, model: ServedModel
) -> None:
    source = write_csv(tmp_path / "houses.csv", [{**HOUSE, "latitude": ""}])
    for output, read in (("priced.csv", pd.read_csv), ("priced.parquet", pd.read_parquet)):
        _, files = scored(trained_settings, model, source, output)
        found = read(files.priced[0])
        assert (len(found), list(found.columns)) == (0, [*HOUSE, *PRICE_COLUMNS])


@pytest.mark.parametrize(
    "job_id", ["../../etc", "score-", "score-0123456789ab/..", "train-0123456789ab", "score-" + "x" * 12]
)
def test_no_address_leads_out_of_the_folder_of_scorings(trained_settings: Settings, job_id: str) -> None:
    with pytest.raises(NotFound):
        ScoredFolder(trained_settings, job_id)


def test_a_file_that_is_not_kept_any_more_says_so(settings: Settings) -> None:
    folder = ScoredFolder(settings, "score-0123456789ab")
    assert folder.size(ScoredFile.CSV) is None
    with pytest.raises(NotFound, match="kept for 7 days"):
        folder.read(ScoredFile.CSV)
    assert list(outdated(settings)) == []
