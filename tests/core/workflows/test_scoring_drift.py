"""The drift of a file: what has moved is told, what has not is not, however the file is cut into parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.data.block_groups import BlockGroups
from core.domain.house import NUMERIC_COLUMNS, RAW_COLUMNS
from core.domain.scoring import FeatureShift
from core.domain.settings import Settings
from core.features.direct import HouseRows
from core.workflows.known_block_groups import block_groups
from core.workflows.scoring_drift import FileDrift


@pytest.fixture(scope="module")
def around(trained_settings: Settings) -> BlockGroups:
    return block_groups(trained_settings)


def shifts_of(around: BlockGroups, rows: pd.DataFrame, parts: int = 1) -> dict[str, FeatureShift]:
    drift = FileDrift(around)
    for places in np.array_split(np.arange(len(rows)), parts):
        drift.add(HouseRows.from_frame(rows.iloc[places]))
    return {shift.feature: shift for shift in drift.shifts()}


def test_held_out_rows_have_not_drifted(around: BlockGroups) -> None:
    found = shifts_of(around, around.rows[around.is_held_out])
    assert list(found) == list(RAW_COLUMNS)
    assert {shift.verdict for shift in found.values()} == {"like the training rows"}
    assert not any(shift.is_notable for shift in found.values())


def test_what_was_moved_is_told_and_nothing_else(around: BlockGroups) -> None:
    rows = around.rows[around.is_held_out].assign(
        median_income=lambda rows: (rows["median_income"] * 1.8).clip(upper=20)
    )
    found = shifts_of(around, rows)
    assert [name for name, shift in found.items() if shift.is_notable] == ["median_income"]
    assert found["median_income"].measure is not None
    assert found["median_income"].measure > 0.25
    assert "Median income" in found["median_income"].sentence


def test_the_parts_a_file_is_read_in_change_nothing(around: BlockGroups) -> None:
    rows = around.rows.head(1_000)
    assert shifts_of(around, rows, parts=7) == shifts_of(around, rows)


def test_the_steps_of_a_picture_hold_every_row_once(around: BlockGroups) -> None:
    rows = around.rows.tail(500)
    found = shifts_of(around, rows)
    trained = around.rows[~around.is_held_out]
    for name, shift in found.items():
        assert sum(step.here for step in shift.steps) == pytest.approx(1)
        assert sum(step.known for step in shift.steps) == pytest.approx(1)
        if name in NUMERIC_COLUMNS:
            low, high = (
                float(shift.steps[place].step.split()[-1].replace(",", "").replace("−", "-")) for place in (0, 1)
            )
            for table, shares in (
                (rows, [step.here for step in shift.steps]),
                (trained, [step.known for step in shift.steps]),
            ):
                values = table[name].dropna()
                slack = 0.06  # the names are rounded
                assert abs((values <= low).mean() - shares[0]) < slack
                assert abs(((values > low) & (values <= high)).mean() - shares[1]) < slack


def test_nothing_is_said_without_rows_or_without_block_groups(around: BlockGroups) -> None:
    assert FileDrift(None).shifts() == ()
    assert FileDrift(around).shifts() == ()
    everything = BlockGroups(around.rows, around.recorded, np.ones(len(around), dtype=bool), "", False)
    drift = FileDrift(everything)
    drift.add(HouseRows.from_frame(around.rows.head(3)))
    assert drift.shifts() == ()
