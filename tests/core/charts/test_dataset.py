"""Every row is drawn, the tail that is not is counted, and every point can be told apart without colour."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.charts.dataset import correlation_heat, distribution
from core.charts.dataset_map import block_split_map, price_map, random_split_map
from core.data.ingest import Dataset
from core.data.schema import COLUMNS
from core.data.summary import Correlation, correlations
from core.domain.configuration import load_settings
from core.domain.provenance import DataSource
from core.workflows.data_view import DataView


@pytest.fixture(scope="module")
def view(real_rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> DataView:
    settings = load_settings(home=tmp_path_factory.mktemp("home"), environment={})
    return DataView.of(Dataset(real_rows, "0" * 64, DataSource.FILE, settings.data_path), settings)


@pytest.mark.parametrize("name", COLUMNS)
def test_each_row_is_in_a_bar_or_counted_beyond_the_last(real_rows: pd.DataFrame, name: str) -> None:
    figure = distribution(real_rows, name)
    drawn = int(np.sum(figure.data[0].y))
    said = figure.layout.title.subtitle.text.replace("<br>", " ")
    beyond = int(said.split("; ")[-1].split(" above")[0].replace(",", "")) if "are not drawn" in said else 0
    assert drawn + beyond == real_rows[name].notna().sum()


def test_the_price_map_draws_every_row_by_webgl_and_needs_no_tiles(real_rows: pd.DataFrame) -> None:
    figure = price_map(real_rows)
    points, *shores = figure.data
    assert (points.type, len(points.x)) == ("scattergl", 20_640)
    assert all(shore.type == "scatter" for shore in shores)
    assert not any(name.startswith(("map", "geo")) for name in figure.to_dict()["layout"])


def test_the_split_map_parts_the_rows_as_the_training_does(view: DataView) -> None:
    figure = random_split_map(view.dataset.rows, view.is_held_out)
    fitted, held = figure.data[:2]
    assert (len(fitted.x), len(held.x)) == (16_512, 4_128)
    assert fitted.marker.symbol != held.marker.symbol


def test_the_blocks_map_draws_each_training_row_once(view: DataView) -> None:
    figure = block_split_map(view.dataset.rows, view.block_parts, view.block_kilometres)
    parts = [trace for trace in figure.data if trace.type == "scattergl"]
    assert len(parts) == 5
    lines = np.concatenate([trace.customdata for trace in parts])
    assert sorted(lines - 2) == list(np.flatnonzero(~view.is_held_out))
    assert len({trace.marker.symbol for trace in parts}) == 5


def test_the_correlation_of_a_column_with_itself_is_one(real_rows: pd.DataFrame) -> None:
    figure = correlation_heat(correlations(real_rows, Correlation.SPEARMAN))
    assert np.diag(figure.data[0].z) == pytest.approx(1.0)
