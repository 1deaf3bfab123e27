"""The block groups of the data file, as every screen and the service look around in them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.data.split import split_rows
from core.domain.errors import DataUnavailable, InvalidData
from core.domain.settings import Settings
from core.workflows.known_block_groups import block_groups, file_state
from tests.core.workflows.conftest import MakeHome


def test_they_are_the_rows_of_the_file_with_those_a_training_holds_out(lab_home: Settings) -> None:
    rows = pd.read_csv(lab_home.data_path)
    found = block_groups(lab_home)
    split = split_rows(rows, test_size=lab_home.data.test_size, random_state=lab_home.data.random_state)
    assert len(found) == len(rows) == 800
    assert sorted(found.rows.index[found.is_held_out]) == sorted(split.X_test.index)
    assert np.array_equal(found.recorded, rows["median_house_value"])
    assert not found.is_demo


def test_without_a_file_there_are_none_and_nothing_is_fetched_or_written(make_home: MakeHome, tmp_path: Path) -> None:
    settings = make_home(data__path=str(tmp_path / "nothing.csv"))
    before = sorted(settings.home.rglob("*"))
    with pytest.raises(DataUnavailable) as raised:
        block_groups(settings)
    assert raised.value.where == str(tmp_path / "nothing.csv")
    assert "train once" in raised.value.remedy
    assert sorted(settings.home.rglob("*")) == before


def test_a_file_that_breaks_the_schema_is_refused(make_home: MakeHome, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("longitude,latitude\n1,2\n", encoding="utf-8")
    with pytest.raises(InvalidData):
        block_groups(make_home(data__path=str(file)))


def test_the_state_of_a_file_changes_with_it_and_is_empty_where_there_is_none(tmp_path: Path) -> None:
    file = tmp_path / "file"
    states = [file_state(file)]
    for content in (b"a", b"ab"):
        file.write_bytes(content)
        states.append(file_state(file))
    os.utime(file, ns=(1, 1))
    states.append(file_state(file))
    assert states[0] == ""
    assert len(set(states)) == 4
    assert file_state(file) == states[-1]
