"""Tables of houses to be priced, and the rows that came of them."""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.scoring import ScoringReport
from core.domain.settings import Settings
from core.tracking.store import open_store
from core.workflows.loaded_models import LoadedModels
from core.workflows.scoring import ScoringFiles, score_file
from core.workflows.served_model import ServedModel

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, str]

HOUSE: Row = {
    "longitude": "-122.23",
    "latitude": "37.88",
    "housing_median_age": "41.0",
    "total_rooms": "880.0",
    "total_bedrooms": "129.0",
    "population": "322.0",
    "households": "126.0",
    "median_income": "8.3252",
    "ocean_proximity": "NEAR BAY",
}
"""The census file's first row, as it writes it."""

BAD: Mapping[str, Row] = {
    "median_income is 83252, outside 0 to 20": {"median_income": "83252"},
    "latitude is missing": {"latitude": ""},
    "total_rooms is 'many', not a number": {"total_rooms": "many"},
    "total_bedrooms is 900, more than the 880 of total_rooms": {"total_bedrooms": "900"},
    "ocean_proximity is 'LAKE', not one of NEAR BAY, <1H OCEAN, INLAND, NEAR OCEAN, ISLAND": {
        "ocean_proximity": "LAKE"
    },
}
"""What each changed cell is told."""


def csv_text(rows: Sequence[Row], names: Sequence[str] | None = None) -> str:
    """The rows under their names as a CSV file has them."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(names or rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_csv(file: Path, rows: Sequence[Row]) -> Path:
    file.write_text(csv_text(rows), encoding="utf-8", newline="")
    return file


def read_csv(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, every cell text."""
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text, strict=True))


def served(settings: Settings) -> ServedModel:
    """The version that prices there now."""
    return LoadedModels(settings, functools.cache(lambda: open_store(settings))).served()


def scored(
    settings: Settings, model: ServedModel, source: Path, output: str = "priced.csv", **columns: str | None
) -> tuple[ScoringReport, ScoringFiles]:
    """The file priced beside itself."""
    files = ScoringFiles.beside(source, source.with_name(output))
    return score_file(settings, model, files, columns), files


def raw_rows(real_rows: pd.DataFrame, count: int, *, seed: int = 1) -> pd.DataFrame:
    """Some of the real rows without their price, and an id in front."""
    rows = real_rows.sample(count, random_state=seed).drop(columns="median_house_value").reset_index(drop=True)
    rows.insert(0, "id", [f"H-{number:04}" for number in range(count)])
    return rows
