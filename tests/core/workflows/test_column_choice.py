"""The columns somebody chose for the run table are there again tomorrow."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.run_query import Column
from core.workflows.column_choice import ColumnChoice

CHOSEN = (Column.parse("metrics.mape"), Column.parse("params.max_depth"), Column.parse("tags.who, what.ever"))


def test_nobody_chose_at_first(tmp_path: Path) -> None:
    assert ColumnChoice(tmp_path / "columns.json").read() is None


def test_a_choice_is_there_for_the_next_process(tmp_path: Path) -> None:
    ColumnChoice(tmp_path / "logs" / "columns.json").write(CHOSEN)
    assert ColumnChoice(tmp_path / "logs" / "columns.json").read() == CHOSEN


def test_an_empty_choice_is_a_choice(tmp_path: Path) -> None:
    choice = ColumnChoice(tmp_path / "columns.json")
    choice.write(())
    assert choice.read() == ()


def test_a_choice_can_be_forgotten(tmp_path: Path) -> None:
    choice = ColumnChoice(tmp_path / "columns.json")
    choice.write(CHOSEN)
    choice.write(None)
    choice.write(None)
    assert choice.read() is None


@pytest.mark.parametrize("content", ["", "{", "7", '["metrics"]', "[null]", "\x00"])
def test_a_spoilt_file_counts_as_no_choice(tmp_path: Path, content: str) -> None:
    (tmp_path / "columns.json").write_text(content, encoding="utf-8")
    choice = ColumnChoice(tmp_path / "columns.json")
    assert choice.read() is None
    choice.write(CHOSEN)
    assert choice.read() == CHOSEN


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be", encoding="utf-8")
    choice = ColumnChoice(tmp_path / "logs" / "columns.json")
    choice.write(CHOSEN)
    assert choice.read() is None
