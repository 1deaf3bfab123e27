"""What to train: a family and a value for each of its knobs, complete and valid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.domain.errors import InvalidSpec
from core.domain.knobs import KNOBS, Knob, KnobValue, ModelFamily

__all__ = ["KNOBS", "LARGEST_SEED", "Knob", "KnobValue", "ModelFamily", "TrainingSpec", "family_label", "parse_family"]

LARGEST_SEED: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class TrainingSpec:
    """What to train: a family, a value for each of its knobs, and the estimator's seed.

    Make one with :meth:`create`, which fills in defaults and refuses what is out of range. Two equal specs
    on the same rows train the same model, bit for bit.
    """

    family: ModelFamily
    hyperparameters: tuple[tuple[str, KnobValue], ...]
    seed: int

    @classmethod
    def create(cls, family: str, values: Mapping[str, object] | None = None, *, seed: object = 42) -> TrainingSpec:
        """A complete, valid spec.

        Raises:
            InvalidSpec: unknown family or knob, a value outside its range, or a seed that is none.
        """
        kind = parse_family(family)
        given = dict(values or {})
        knobs = KNOBS[kind]
        unknown = sorted(set(given) - set(knobs))
        if unknown:
            raise InvalidSpec(
                f"{kind.value} has no hyperparameter {', '.join(unknown)}.",
                remedy=f"It has {', '.join(knobs)}.",
            )
        chosen = tuple((name, knob.parse(given.get(name, knob.default))) for name, knob in knobs.items())
        return cls(kind, chosen, _parse_seed(seed))

    @property
    def values(self) -> dict[str, KnobValue]:
        return dict(self.hyperparameters)

    @property
    def size(self) -> int | None:
        """Trees or iterations to grow; None for a family that fits in one go."""
        values = self.values
        count = values.get("n_estimators", values.get("max_iter"))
        return None if count is None else int(count)

    @property
    def default_run_name(self) -> str:
        """``random_forest_300_trees`` and the like: the old project's way of naming a run."""
        if self.size is not None:
            return f"{self.family.value}_{self.size}_trees"
        return f"{self.family.value}_" + "_".join(f"{name}_{value:g}" for name, value in self.hyperparameters)

    def as_params(self) -> dict[str, str | KnobValue]:
        """The flat form that is logged as MLflow params."""
        return {"family": self.family.value, **self.values, "seed": self.seed}

    @classmethod
    def from_params(cls, params: Mapping[str, object]) -> TrainingSpec:
        """The spec back from :meth:`as_params`, values as text or numbers; other params are passed over.

        Raises:
            InvalidSpec: the params name no family or hold a value outside its range.
        """
        family = parse_family(str(params.get("family", "")))
        known = {name: params[name] for name in KNOBS[family] if name in params}
        return cls.create(family, known, seed=params.get("seed", 42))


def family_label(name: str) -> str:
    """The family's name as people read it; an unknown one as it is written."""
    return ModelFamily(name).label if name in set(ModelFamily) else name


def parse_family(name: str) -> ModelFamily:
    """The family of that name.

    Raises:
        InvalidSpec: there is none.
    """
    try:
        return ModelFamily(name)
    except ValueError:
        raise InvalidSpec(
            f"There is no model family {name!r}.",
            remedy=f"The families are {', '.join(family.value for family in ModelFamily)}.",
        ) from None


def _parse_seed(seed: object) -> int:
    try:
        if isinstance(seed, bool) or not isinstance(seed, int | str):
            raise ValueError
        number = int(seed)
    except ValueError:
        number = -1
    if not 0 <= number <= LARGEST_SEED:
        raise InvalidSpec(f"seed is {seed!r}.", remedy=f"Give a whole number from 0 to {LARGEST_SEED}.")
    return number
