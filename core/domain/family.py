"""A model family as data: what it is called, which knobs it has, and the estimator behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.domain.knob import Knob


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of model. A file in ``core/domain/families`` holds one, and its name is the file's.

    Args:
        label: how people know it.
        knobs: what somebody may choose of it, in the order of the sliders. They are handed to the estimator.
        estimator: ``module:name`` of its class or function, with scikit-learn's ``fit`` and ``predict``. Empty where
            ``core/models/families.py`` builds it.
        seed: the argument that takes the seed; empty for an estimator without chance.
        threads: the argument that takes the number of threads; empty where it uses one.
        fixed: what the estimator is given beside the knobs.
        scaled: bring every number to a symmetric unit scale before, as linear models need it.
        packages: what a process needs to load such a model, beside scikit-learn.
        remedy: what to do where the estimator's library does not start.
    """

    label: str
    knobs: tuple[Knob, ...]
    estimator: str = ""
    seed: str = "random_state"
    threads: str = ""
    fixed: Mapping[str, object] = field(default_factory=dict)
    scaled: bool = False
    packages: tuple[str, ...] = ()
    remedy: str = ""
