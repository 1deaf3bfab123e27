"""From a spec of any family to an unfitted Pipeline that takes the nine raw features."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from sklearn.pipeline import Pipeline

from core.domain.errors import InvalidSpec
from core.domain.families import FAMILIES
from core.domain.hyperparameters import HIST_STRIDE, KNOBS, KnobValue, ModelFamily, TrainingSpec
from core.features.preprocessing import preprocessing_steps

Knobs = Mapping[str, KnobValue]


def build_pipeline(spec: TrainingSpec, *, n_jobs: int = 1) -> Pipeline:
    """An unfitted Pipeline: nine raw columns of shape (n, 9) in, price in 1990 USD out.

    Args:
        n_jobs: threads of the fit. The fitted model does not depend on it.

    Raises:
        InvalidSpec: the family's library does not start on this machine.
    """
    family = FAMILIES[spec.family]
    estimator = (
        _blend(spec.values, spec.seed, n_jobs)
        if spec.family is ModelFamily.BLEND
        else _estimator(spec.family, spec.values, spec.seed, n_jobs)
    )
    return Pipeline([*preprocessing_steps(scaled=family.scaled, features=spec.features), ("model", estimator)])


def _estimator(name: ModelFamily, knobs: Knobs, seed: int, n_jobs: int = 1) -> Any:
    family = FAMILIES[name]
    module, _, kind = family.estimator.partition(":")
    try:
        make = getattr(import_module(module), kind)
    except (ImportError, OSError) as error:
        raise InvalidSpec(
            f"{family.label} cannot start on this machine: {error}.",
            where=module,
            remedy=family.remedy or f"Install {', '.join(family.packages) or module}, or choose another family.",
        ) from error
    chance = {family.seed: seed} if family.seed else {}
    threads = {family.threads: n_jobs} if family.threads else {}
    return make(**family.fixed, **knobs, **chance, **threads)


def _blend(knobs: Knobs, seed: int, n_jobs: int) -> Any:
    """LightGBMs under seeds of their own, one of them on the log of the price, and histogram gradient boosting."""
    import numpy as np
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.ensemble import VotingRegressor

    boosting = {name: value for name, value in knobs.items() if name != "members"}
    members = int(knobs["members"])
    # Of seeds in a row, a blend and that of the next seed would share all members but one.
    *seeds, of_log, of_hist = (np.random.SeedSequence(seed).generate_state(members + 2) >> 1).tolist()
    hist = {
        **{name: knob.default for name, knob in KNOBS[ModelFamily.HIST_GRADIENT_BOOSTING].items()},
        "max_iter": int(knobs["n_estimators"]) // HIST_STRIDE,
        "learning_rate": knobs["learning_rate"] * HIST_STRIDE,
    }
    on_log = TransformedTargetRegressor(
        _estimator(ModelFamily.LIGHTGBM, boosting, of_log), func=np.log, inverse_func=np.exp
    )
    return VotingRegressor(
        [
            *(
                (f"lightgbm_{number}", _estimator(ModelFamily.LIGHTGBM, boosting, own))
                for number, own in enumerate(seeds, start=1)
            ),
            ("lightgbm_on_log_price", on_log),
            ("hist_gradient_boosting", _estimator(ModelFamily.HIST_GRADIENT_BOOSTING, hist, of_hist)),
        ],
        n_jobs=n_jobs,
    )
