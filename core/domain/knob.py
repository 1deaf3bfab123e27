"""A knob: one hyperparameter's name, range, step, default, search range and help."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.domain.errors import InvalidSpec
from core.domain.money import step_digits

KnobValue = int | float


@dataclass(frozen=True, slots=True)
class Knob:
    """One hyperparameter under the name its library knows it by.

    ``low`` and ``high`` are caps as well as slider ends: what is above them could take the machine down.
    ``logarithmic`` knobs span decades and are offered as such. ``search`` is the range a sweep varies it over
    unless told otherwise; None: a sweep leaves it as it is. ``unrecorded`` is what was in force in runs from before the
    knob was there; None: it was always there.
    """

    name: str
    label: str
    low: KnobValue
    high: KnobValue
    step: KnobValue
    default: KnobValue
    help: str
    logarithmic: bool = False
    search: tuple[KnobValue, KnobValue] | None = None
    unrecorded: KnobValue | None = None

    @property
    def is_integer(self) -> bool:
        return isinstance(self.step, int)

    @property
    def shown_digits(self) -> int:
        """Digits after the point that one step of the slider needs."""
        return step_digits(self.step)

    @property
    def decades(self) -> tuple[float, ...]:
        """The stops of a logarithmic knob: 1, 2 and 5 times each power of ten in its range."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        stops = (float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5))
        return tuple(stop for stop in stops if self.low <= stop <= self.high)

    def stops(self, *others: object) -> tuple[float, ...]:
        """The stops of a logarithmic knob, with other values where these lie in its range."""
        values = set(self.decades)
        for other in others:
            try:
                values.add(float(self.parse(other)))
            except InvalidSpec:
                continue
        return tuple(sorted(values))

    def parse(self, value: object) -> KnobValue:
        """The value as this knob's type.

        Raises:
            InvalidSpec: it is no number, not whole where it must be, or outside the range.
        """
        try:
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise ValueError
            number = float(value)
            whole = self.is_integer and number.is_integer()
        except OverflowError:
            raise self._refusal(value, "not a finite number") from None
        except ValueError:
            raise self._refusal(value, "not a number") from None
        if not math.isfinite(number):
            raise self._refusal(value, "not a finite number")
        if self.is_integer and not whole:
            raise self._refusal(value, "not a whole number")
        if not self.low <= number <= self.high:
            raise self._refusal(value, f"outside {self.low:g} to {self.high:g}")
        return int(number) if self.is_integer else number

    def _refusal(self, value: object, why: str) -> InvalidSpec:
        kind = "a whole number" if self.is_integer else "a number"
        return InvalidSpec(
            f"{self.name} is {value!r}: {why}.",
            remedy=f"Give {kind} from {self.low:g} to {self.high:g}.",
        )
