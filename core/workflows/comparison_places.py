"""Where compared runs differ: on which parts of the held-out rows, on the map, and on which single rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from core.domain.errors import DataError
from core.domain.house import RAW_COLUMNS, TARGET
from core.domain.provenance import DATA_SHA256_TAG
from core.domain.runs import Run
from core.evaluation.segments import (
    Segment,
    map_cells,
    rmse_by_cell,
    rmse_of,
    segment_differences,
    segments_by_cap,
    segments_by_price,
    segments_by_region,
)
from core.evaluation.significance import judge_difference
from core.workflows.comparison_views import Disagreement, MapCells, SegmentLine, SharedRows

if TYPE_CHECKING:
    import pandas as pd

ReadRows = Callable[[str], "pd.DataFrame"]
"""The rows of the data file with that SHA-256, in file order; raises DataError where it is not here."""

MOST_DISAGREEMENTS: Final = 10


def held_out_rows(baseline: Run, shared: SharedRows, read_rows: ReadRows) -> tuple[pd.DataFrame | None, str]:
    """The data file's rows behind the predictions, in their order, or None and why they are not here."""
    sha256 = baseline.tags.get(DATA_SHA256_TAG)
    if sha256 is None:
        return None, "The baseline does not say which data file it was trained on, so its rows have no place."
    try:
        rows = read_rows(sha256)
    except DataError as error:
        return None, error.what
    ids = shared.row_ids
    if ids.min() < 0 or ids.max() >= len(rows):
        return None, "The runs' row ids lie outside the data file, so their rows have no place."
    held_out = rows.iloc[ids]
    if not np.array_equal(held_out[TARGET].to_numpy(dtype=float), shared.actual):
        return None, "The runs' row ids are not those of the data file, so their rows have no place."
    return held_out, ""


def segment_lines(shared: SharedRows, held_out: pd.DataFrame | None, margin: float) -> tuple[SegmentLine, ...]:
    """RMSE and differences by region (where the rows are known), price band and survey cap.

    Args:
        shared: the baseline first. margin: the practical margin as a share of the baseline's RMSE on the segment.
    """
    regions = segments_by_region(held_out["ocean_proximity"].tolist()) if held_out is not None else ()
    segments = (*regions, *segments_by_price(shared.actual), *segments_by_cap(shared.actual))
    run_ids, predicted = list(shared.predicted), np.vstack(list(shared.predicted.values()))
    return tuple(_line(segment, shared.actual, run_ids, predicted, margin) for segment in segments)


def cells_of(shared: SharedRows, held_out: pd.DataFrame) -> MapCells:
    """RMSE of every comparable run in cells of half a degree."""
    cells = map_cells(held_out["longitude"].to_numpy(), held_out["latitude"].to_numpy())
    rmse = rmse_by_cell(cells, shared.actual, shared.predicted)
    return MapCells(cells.longitude, cells.latitude, cells.rows, rmse, cells.degrees)


def disagreements_of(shared: SharedRows, held_out: pd.DataFrame | None) -> tuple[Disagreement, ...]:
    """The ten rows on which the estimates lie farthest apart, the farthest first; rows all agree on are none."""
    predicted = np.vstack(list(shared.predicted.values()))
    apart = np.ptp(predicted, axis=0)
    farthest = np.argsort(-apart, kind="stable")[:MOST_DISAGREEMENTS]
    return tuple(_disagreement(int(place), shared, held_out) for place in farthest if apart[place] > 0)


def _line(
    segment: Segment, actual: np.ndarray, run_ids: Sequence[str], predicted: np.ndarray, margin: float
) -> SegmentLine:
    rmse = rmse_of(actual[segment.positions], predicted[:, segment.positions])
    found = segment_differences(segment, actual, predicted[0], predicted[1:])
    judged = (judge_difference(difference, margin * float(rmse[0])) for difference in found)
    return SegmentLine(
        kind=str(segment.kind),
        name=segment.name,
        rows=segment.rows,
        rmse=dict(zip(run_ids, rmse.tolist(), strict=True)),
        differences=dict(zip(run_ids[1:], judged, strict=False)),
    )


def _disagreement(place: int, shared: SharedRows, held_out: pd.DataFrame | None) -> Disagreement:
    return Disagreement(
        row_id=int(shared.row_ids[place]),
        actual=float(shared.actual[place]),
        predicted={run_id: float(one[place]) for run_id, one in shared.predicted.items()},
        house=_house(held_out, place) if held_out is not None else {},
    )


def _house(held_out: pd.DataFrame, place: int) -> Mapping[str, object]:
    """The nine features of a row; None for missing bedrooms."""
    row = held_out.iloc[place]
    values = {name: row[name] for name in RAW_COLUMNS}
    return {
        name: value if isinstance(value, str) else None if np.isnan(value) else float(value)
        for name, value in values.items()
    }
