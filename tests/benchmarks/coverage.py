"""How often prediction intervals hold on the held-out rows, and how wide they are: the README's table.

``python -m tests.benchmarks.coverage`` fits each preset and family as the lab does (once on all training rows, five
times for out-of-fold prices), calibrates its intervals, and sets them beside plain conformal intervals of one width for
all houses, calibrated on the same out-of-fold prices. Minutes for all of them; ``--family`` chooses.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from core.data.ingest import DataIngestor
from core.data.split import Split, split_rows
from core.domain.configuration import load_settings
from core.domain.house import OceanProximity
from core.domain.hyperparameters import ModelFamily, TrainingSpec
from core.domain.money import LOWEST_RECORDED, SURVEY_CAP
from core.domain.presets import TRAINING_PRESETS
from core.domain.settings import Settings
from core.evaluation.calibration import calibrate, conformal_threshold
from core.features.direct import HouseRows
from core.models.cross_validation import cross_validate
from core.models.trainer import ModelTrainer

FOLDS = 5
LEVEL = 0.9
FEWEST_ROWS = 200
"""Regions with fewer held-out rows are left out."""

ONE_WIDTH = "one width for all"
OUR_WAY = "following the house"


@dataclass(frozen=True, slots=True)
class Row:
    """One method for one model: coverage of the 90 % range on the held-out rows, and its mean width in 1990 USD.

    ``fifths`` go by the recorded price of the rows below the cap, cheapest first. ``seconds`` is what calibrating took.
    """

    model: str
    method: str
    rmse: float
    coverage: float
    regions: dict[str, float]
    fifths: tuple[float, ...]
    width: float
    seconds: float


def measured(name: str, spec: TrainingSpec, split: Split, settings: Settings) -> Iterator[Row]:
    """Both methods for one spec, from the same fits."""
    trainer = ModelTrainer(settings, spec)
    trainer.train(split.X_train, split.y_train)
    predicted = trainer.predict(split.X_test)
    out_of_fold = cross_validate(spec, split.X_train, split.y_train, config=settings, folds=FOLDS).predicted
    assert out_of_fold is not None

    def row(method: str, low: np.ndarray, high: np.ndarray, seconds: float) -> Row:
        recorded = split.y_test.to_numpy(dtype=float)
        inside = (low <= recorded) & (recorded <= high)
        region = split.X_test["ocean_proximity"].to_numpy()
        uncapped = recorded < SURVEY_CAP
        edges = np.quantile(recorded[uncapped], [0.2, 0.4, 0.6, 0.8])
        fifth = np.searchsorted(edges, recorded[uncapped])
        return Row(
            model=name,
            method=method,
            rmse=float(np.sqrt(np.mean((predicted - recorded) ** 2))),
            coverage=float(inside.mean()),
            regions={
                place.value: float(inside[region == place.value].mean())
                for place in OceanProximity
                if (region == place.value).sum() >= FEWEST_ROWS
            },
            fifths=tuple(float(inside[uncapped][fifth == number].mean()) for number in range(5)),
            width=float((high - low).mean()),
            seconds=seconds,
        )

    began = time.perf_counter()
    reach = conformal_threshold(np.abs(split.y_train.to_numpy(dtype=float) - out_of_fold), LEVEL)
    ends = (np.clip(predicted + side, LOWEST_RECORDED, SURVEY_CAP) for side in (-reach, reach))
    yield row(ONE_WIDTH, *ends, time.perf_counter() - began)

    began = time.perf_counter()
    model = calibrate(split.X_train, split.y_train, out_of_fold, split.X_test, split.y_test, predicted)
    seconds = time.perf_counter() - began
    found = model.ranges(HouseRows.from_frame(split.X_test), predicted)
    yield row(OUR_WAY, found.low_90, found.high_90, seconds)


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    regions = list(rows[0].regions)
    head = ["model", "90 % range", "coverage", *regions, *(f"fifth {number}" for number in range(1, 6)), "mean width"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        shares = [row.coverage, *(row.regions[name] for name in regions), *row.fifths]
        lines.append([row.model, row.method, *(f"{share:.3f}" for share in shares), f"${row.width:,.0f}"])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


SPECS = {
    **{name: preset.spec for name, preset in TRAINING_PRESETS.items()},
    **{family.value: TrainingSpec.create(family) for family in ModelFamily},
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.coverage", description=__doc__)
    parser.add_argument("--family", nargs="+", choices=list(SPECS), default=list(SPECS), help="families and presets")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    chosen = parser.parse_args()
    settings = load_settings()
    split = split_rows(DataIngestor(settings).ingest().rows)
    rows: list[Row] = []
    for name in chosen.family:
        print(f"{name} …", file=sys.stderr)
        rows += measured(name, SPECS[name], split, settings)
    print(json.dumps([asdict(row) for row in rows], indent=1) if chosen.json else table(rows))


if __name__ == "__main__":
    main()
