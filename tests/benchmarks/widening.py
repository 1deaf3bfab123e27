"""By how much ranges must widen for houses unlike the data: the factors of ``core.explanation.plausibility``.

``python -m tests.benchmarks.widening`` leaves parts out of the 16,512 training rows, fits a model and calibrates its
intervals on the rest, and prices the part. What an interval must be multiplied with to hold a recorded price is a row's
need; the 90 % quantile of a kind's needs is that kind's factor. The held-out rows have no part in it. The parts:

- at random, five of them; the same rows are then priced in every other class of ``ocean_proximity``;
- whole map blocks of 0.25 to 2 degrees, five lots of each size;
- the lowest and the highest 0.5 and 2 % of each coordinate of ``core.data.likeness``.

Minutes a model; ``--model`` chooses.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
from sklearn.model_selection import KFold

from core.data.block_groups import BlockGroups
from core.data.likeness import COORDINATES, Likeness
from core.domain.configuration import load_settings
from core.domain.house import NUMERIC_COLUMNS, OceanProximity
from core.domain.hyperparameters import ModelFamily, TrainingSpec
from core.domain.presets import TRAINING_PRESETS
from core.evaluation.calibration import calibrate
from core.evaluation.price_errors import level_of, price_of, within_the_survey
from core.features.direct import PLACES, HouseRows
from core.models.families import build_pipeline
from core.workflows.known_block_groups import block_groups

LEVEL = 0.9
BLOCKS = (0.25, 0.5, 1.0, 2.0)
TAILS = (0.005, 0.02)
FOLDS = 5
STEPS = (0.0, 0.35, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, np.inf)
"""Ends of the bins of unlikeness in the table, in units of the 99 % bound."""

MODELS: Mapping[str, TrainingSpec] = {
    "lightgbm": TrainingSpec.create(ModelFamily.LIGHTGBM),
    "location": TRAINING_PRESETS["fast"].spec,
    "forest": TrainingSpec.create(ModelFamily.RANDOM_FOREST, {"n_estimators": 50, "max_depth": 20}),
}


@dataclass(frozen=True, slots=True)
class Needs:
    """What rows left out need: ``kind`` of part, ``unlikeness`` over the bound, and by what to widen; shape (n,)."""

    kind: str
    unlikeness: np.ndarray
    need: np.ndarray


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One model without a part of the training rows."""

    pipeline: object
    intervals: object
    likeness: Likeness

    def needs(self, kind: str, rows: HouseRows, recorded: np.ndarray) -> Needs:
        """The needs of some rows, with what the survey recorded of them in 1990 USD, shape (n,)."""
        intervals = self.intervals
        centre = within_the_survey(self.pipeline.predict(rows.frame()))  # type: ignore[attr-defined]
        reach = intervals.threshold_90 * intervals.scale.of(rows, centre)  # type: ignore[attr-defined]
        above = price_of(level_of(centre) + reach) - centre
        below = centre - price_of(level_of(centre) - reach)
        need = np.where(recorded > centre, (recorded - centre) / above, (centre - recorded) / below)
        return Needs(kind, self.likeness.nearest(rows.numbers)[0], need)


class Measurement:
    """The needs of all parts for one spec."""

    def __init__(self, spec: TrainingSpec, around: BlockGroups) -> None:
        self._spec = spec
        kept = around.fitted_on
        self._rows = HouseRows(around.numbers[kept], around.place_numbers[kept])
        self._recorded = around.recorded[kept]
        self._bound = around.likeness.usual
        self._scaled = around.likeness.scaled[kept]
        self._parts = [part for _, part in KFold(FOLDS, shuffle=True, random_state=42).split(self._recorded)]
        self._out_of_fold = np.empty(len(kept))
        for part in self._parts:
            fitted = self._fit(np.setdiff1d(np.arange(len(kept)), part))
            self._out_of_fold[part] = fitted.predict(self._those(part).frame())  # type: ignore[attr-defined]
        self.needs: list[Needs] = []
        self.classes: dict[tuple[int, int], list[np.ndarray]] = {}
        self.ends: list[tuple[str, float]] = []

    def run(self) -> None:
        for part in self._parts:
            left_out = self._without(part)
            self._add(left_out, "at random", part)
            self._ask_in_other_classes(left_out, part)
        for size in BLOCKS:
            for part in self._blocks(size):
                self._add(self._without(part), "map blocks", part)
        for name, tail, part in self._tails():
            self._add(self._without(part), "one end", part)
            if tail == TAILS[0]:
                self.ends.append((name, float(np.quantile(self.needs[-1].need, LEVEL))))

    def _those(self, positions: np.ndarray) -> HouseRows:
        return HouseRows(self._rows.numbers[positions], self._rows.places[positions])

    def _fit(self, positions: np.ndarray) -> object:
        import pandas as pd

        return build_pipeline(self._spec).fit(self._those(positions).frame(), pd.Series(self._recorded[positions]))

    def _without(self, part: np.ndarray) -> LeftOut:
        rest = np.setdiff1d(np.arange(len(self._recorded)), part)
        frame, nothing = self._those(rest).frame(), self._those(rest[:0]).frame()
        recorded, empty = self._recorded[rest], np.empty(0)
        intervals = calibrate(frame, recorded, self._out_of_fold[rest], nothing, empty, empty)
        return LeftOut(self._fit(rest), intervals, Likeness.of(self._rows.numbers, rest))

    def _add(self, left_out: LeftOut, kind: str, part: np.ndarray) -> None:
        found = left_out.needs(kind, self._those(part), self._recorded[part])
        # The spreads of the rest differ a little from those of all rows; the bound is that of all rows.
        self.needs.append(replace(found, unlikeness=found.unlikeness / self._bound))

    def _ask_in_other_classes(self, left_out: LeftOut, part: np.ndarray) -> None:
        for given in range(len(PLACES) - 1):
            rows = replace(self._those(part), places=np.full(len(part), given))
            found = left_out.needs("", rows, self._recorded[part])
            for own in range(len(PLACES) - 1):
                self.classes.setdefault((own, given), []).append(found.need[self._rows.places[part] == own])

    def _blocks(self, size: float) -> Iterator[np.ndarray]:
        places = self._rows.numbers[:, [NUMERIC_COLUMNS.index(name) for name in ("longitude", "latitude")]]
        _, block = np.unique(np.floor(places / size + 0.37), axis=0, return_inverse=True)
        lots = np.random.default_rng(0).permutation(block.max() + 1) % FOLDS
        for lot in range(FOLDS):
            yield np.flatnonzero(lots[block.ravel()] == lot)

    def _tails(self) -> Iterator[tuple[str, float, np.ndarray]]:
        for (column, coordinate), tail in product(enumerate(COORDINATES), TAILS):
            low, high = np.quantile(self._scaled[:, column], [tail, 1 - tail])
            for end, part in (("low", self._scaled[:, column] < low), ("high", self._scaled[:, column] > high)):
                if part.sum() >= 20:
                    yield f"{coordinate.words}, {end}", tail, np.flatnonzero(part)


def growth(needs: list[Needs]) -> float:
    """The c of 1 + c (1 − (bound / distance)²) by quantile regression beyond the bound, the kinds counted alike."""
    candidates = np.linspace(0, 3, 301)
    loss = np.zeros(len(candidates))
    for kind in {one.kind for one in needs}:
        far, need = _beyond([one for one in needs if one.kind == kind])
        for number, c in enumerate(candidates):
            short = need - (1 + c * (1 - far**-2.0))
            loss[number] += np.where(short > 0, LEVEL * short, (LEVEL - 1) * short).mean()
    return float(candidates[loss.argmin()])


def _beyond(needs: list[Needs]) -> tuple[np.ndarray, np.ndarray]:
    far, need = (np.concatenate([getattr(one, name) for one in needs]) for name in ("unlikeness", "need"))
    return far[far > 1], need[far > 1]


def told(measurement: Measurement) -> Iterator[str]:
    """The figures of one model, line by line."""
    yield f"unlikeness over the bound, from: {', '.join(f'{step:g}' for step in STEPS[:-1])}"
    for kind in dict.fromkeys(one.kind for one in measurement.needs):
        those = [one for one in measurement.needs if one.kind == kind]
        far, need = (np.concatenate([getattr(one, name) for one in those]) for name in ("unlikeness", "need"))
        cells = [need[(far >= low) & (far < high)] for low, high in pairwise(STEPS)]
        shown = [f"{np.quantile(one, LEVEL):.2f} ({len(one):,})" if len(one) >= 20 else "—" for one in cells]
        yield f"{kind:>10}: {'  '.join(shown)}; c {growth(those):.2f}"
    yield f"c, the kinds counted alike: {growth(measurement.needs):.2f}"
    names = [place.value for place in OceanProximity]
    inland = names.index("INLAND")
    factors = {pair: float(np.quantile(np.concatenate(one), LEVEL)) for pair, one in measurement.classes.items()}
    own = [factor for (one, other), factor in factors.items() if one == other]
    yield f"own class: {_spread(own)}"
    yield f"across the INLAND line: {_spread([f for (a, b), f in factors.items() if a != b and inland in (a, b)])}"
    yield f"between coast classes: {_spread([f for (a, b), f in factors.items() if a != b and inland not in (a, b)])}"
    ends = ", ".join(f"{name} {factor:.2f}" for name, factor in measurement.ends)
    yield f"beyond all data: {_spread([factor for _, factor in measurement.ends])}: {ends}"


def _spread(factors: list[float]) -> str:
    return f"{min(factors):.2f} to {max(factors):.2f}, middle {np.median(factors):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.widening", description=__doc__)
    parser.add_argument("--model", nargs="+", choices=list(MODELS), default=list(MODELS))
    chosen = parser.parse_args().model
    around = block_groups(load_settings())
    for name in chosen:
        measurement = Measurement(MODELS[name], around)
        measurement.run()
        sys.stdout.write("\n".join([name, *told(measurement), ""]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
