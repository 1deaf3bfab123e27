"""What a sweep searches: which knobs vary over what range, and the questions often asked."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from core.domain.datasets import CONFIGURED
from core.domain.errors import InvalidSpec
from core.domain.hyperparameters import KNOBS, FeatureSet, Knob, KnobValue, ModelFamily, TrainingSpec

MOST_TRIALS: Final = 500
DEFAULT_TRIALS: Final = 20
MOST_WORKERS: Final = 64
LONGEST_MINUTES: Final = 7 * 24 * 60.0
FOLDS: Final = 3
"""Parts of the training rows a trial is judged on, each once by a model fitted on the others."""


class SearchMethod(StrEnum):
    """How a sweep chooses its next spec."""

    TPE = "tpe"
    GRID = "grid"


@dataclass(frozen=True, slots=True)
class Varied:
    """One knob that varies: from ``low`` to ``high``, or over the ``choices`` of a grid, smallest first."""

    name: str
    low: KnobValue
    high: KnobValue
    choices: tuple[KnobValue, ...] = ()

    @classmethod
    def between(cls, knob: Knob, low: object, high: object) -> Varied:
        """A range within the knob's own.

        Raises:
            InvalidSpec: an end is outside the knob's range, or the range is empty.
        """
        first, last = knob.parse(low), knob.parse(high)
        if not first < last:
            raise InvalidSpec(
                f"{knob.name} should vary from {first:g} to {last:g}, which leaves no choice.",
                remedy=f"Give two different values between {knob.low:g} and {knob.high:g}, the smaller one first.",
            )
        return cls(knob.name, first, last)

    @classmethod
    def over(cls, knob: Knob, choices: Iterable[object]) -> Varied:
        """The values to try, one by one.

        Raises:
            InvalidSpec: a value is outside the knob's range, or there are fewer than two.
        """
        values = sorted({knob.parse(choice) for choice in choices})
        if len(values) < 2:
            raise InvalidSpec(
                f"{knob.name} has fewer than two values to try.", remedy="Give at least two different values."
            )
        return cls(knob.name, values[0], values[-1], tuple(values))


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """What to search. ``base`` holds the family, the features, the seed and the knobs that stay as they are.

    A ``tpe`` sweep judges ``trials`` specs, each chosen in the light of those before it. A ``grid`` judges every
    combination of its choices under ``repeats`` seeds. At most ``workers`` trials are under way at a time;
    after ``minutes`` of work (None: no limit) no further one starts. ``data_sha256`` is the digest of the rows all
    trials are judged on; empty: the configured file.
    """

    base: TrainingSpec
    method: SearchMethod
    varied: tuple[Varied, ...]
    trials: int
    repeats: int = 1
    workers: int = 1
    minutes: float | None = None
    data_sha256: str = CONFIGURED

    @classmethod
    def search(
        cls,
        base: TrainingSpec,
        ranges: Mapping[str, tuple[object, object]] | None = None,
        *,
        trials: int,
        workers: int = 1,
        minutes: float | None = None,
    ) -> SweepPlan:
        """A guided search; without ``ranges`` over the knobs' own search ranges.

        Raises:
            InvalidSpec: an unknown knob, an empty range, or a count out of bounds.
        """
        knobs = KNOBS[base.family]
        usual = {name: knob.search for name, knob in knobs.items() if knob.search}
        wanted = usual if ranges is None else ranges
        varied = tuple(Varied.between(_knob(base.family, name), *ends) for name, ends in wanted.items())
        return cls(base, SearchMethod.TPE, varied, trials, workers=workers, minutes=minutes)

    @classmethod
    def grid(
        cls,
        base: TrainingSpec,
        choices: Mapping[str, Sequence[object]],
        *,
        repeats: int = 1,
        workers: int = 1,
        minutes: float | None = None,
    ) -> SweepPlan:
        """Every combination of the choices, each under ``repeats`` seeds that follow the base's.

        Raises:
            InvalidSpec: an unknown knob, fewer than two choices, or a count out of bounds.
        """
        varied = tuple(Varied.over(_knob(base.family, name), values) for name, values in choices.items())
        trials = math.prod(len(one.choices) for one in varied) * repeats
        return cls(base, SearchMethod.GRID, varied, trials, repeats, workers, minutes)

    @property
    def family(self) -> ModelFamily:
        return self.base.family

    @property
    def default_name(self) -> str:
        """``lightgbm_sweep_20_trials`` and the like; a feature set other than the basic one is named at the end."""
        features = "" if self.base.features is FeatureSet.BASIC else f"_{self.base.features.value}"
        return f"{self.family.value}_sweep_{self.trials}_trials{features}"

    @property
    def whole_fits(self) -> float:
        """The work of the sweep in fits on all training rows, one after the other: each fold leaves its part out."""
        return self.trials * (FOLDS - 1) / min(self.workers, self.trials)

    def grid_spec(self, number: int) -> TrainingSpec:
        """The spec of a grid's trial, from 0: all combinations under the first seed, then under the next."""
        combinations = list(itertools.product(*(one.choices for one in self.varied)))
        repeat, place = divmod(number, len(combinations))
        chosen = dict(zip((one.name for one in self.varied), combinations[place], strict=True))
        return self.with_values(chosen, seed=self.base.seed + repeat)

    def with_values(self, values: Mapping[str, object], *, seed: int | None = None) -> TrainingSpec:
        """The base with some knobs set otherwise."""
        return TrainingSpec.create(
            self.family,
            {**self.base.values, **values},
            seed=self.base.seed if seed is None else seed,
            features=self.base.features,
        )

    def as_payload(self) -> dict[str, object]:
        """JSON values only."""
        return {
            "base": self.base.as_params(),
            "method": self.method.value,
            "varied": [[one.name, one.low, one.high, list(one.choices)] for one in self.varied],
            "trials": self.trials,
            "repeats": self.repeats,
            "workers": self.workers,
            "minutes": self.minutes,
            "data_sha256": self.data_sha256,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> SweepPlan:
        """The plan back from :meth:`as_payload`."""
        return cls(
            base=TrainingSpec.from_params(payload["base"]),
            method=SearchMethod(payload["method"]),
            varied=tuple(Varied(name, low, high, tuple(choices)) for name, low, high, choices in payload["varied"]),
            trials=payload["trials"],
            repeats=payload["repeats"],
            workers=payload["workers"],
            minutes=payload["minutes"],
            data_sha256=str(payload.get("data_sha256", CONFIGURED)),
        )

    def __post_init__(self) -> None:
        for name, count, most in (
            ("repeats", self.repeats, MOST_TRIALS),  # before the trials of a grid, which follow from them
            ("trials", self.trials, MOST_TRIALS),
            ("workers", self.workers, MOST_WORKERS),
        ):
            if not 1 <= count <= most:
                raise InvalidSpec(f"{name} is {count}.", remedy=f"Give a whole number from 1 to {most}.")
        if self.minutes is not None and not 0 < self.minutes <= LONGEST_MINUTES:
            raise InvalidSpec(
                f"The time budget is {self.minutes:g} minutes.",
                remedy=f"Give more than 0 and at most {LONGEST_MINUTES:,.0f} minutes, or none.",
            )
        if not self.varied:
            raise InvalidSpec("No knob varies.", remedy=f"Choose from {', '.join(KNOBS[self.family])}.")


@dataclass(frozen=True, slots=True)
class Preset:
    """A question often asked, with the grid that answers it."""

    label: str
    family: ModelFamily
    choices: Mapping[str, tuple[KnobValue, ...]]
    repeats: int

    def plan(self, base: TrainingSpec, *, workers: int = 1, minutes: float | None = None) -> SweepPlan:
        """The grid over this base. Raises InvalidSpec when the base is of another family."""
        if base.family is not self.family:
            raise InvalidSpec(
                f"“{self.label}” is asked of {self.family.label}.", remedy=f"Choose the family {self.family.value}."
            )
        return SweepPlan.grid(base, self.choices, repeats=self.repeats, workers=workers, minutes=minutes)


PRESETS: Final[Mapping[str, Preset]] = {
    "number_of_trees": Preset(
        "Which number of trees is best?",
        ModelFamily.RANDOM_FOREST,
        {"n_estimators": (100, 150, 200, 300)},
        repeats=5,
    ),
}


def _knob(family: ModelFamily, name: str) -> Knob:
    knobs = KNOBS[family]
    if name not in knobs:
        raise InvalidSpec(f"{family.value} has no hyperparameter {name}.", remedy=f"It has {', '.join(knobs)}.")
    return knobs[name]
