"""The six families: from a spec to an unfitted Pipeline that takes the nine raw features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sklearn.pipeline import Pipeline

from core.domain.errors import InvalidSpec
from core.domain.hyperparameters import HIST_STRIDE, KNOBS, KnobValue, ModelFamily, TrainingSpec
from core.features.preprocessing import preprocessing_steps

Knobs = Mapping[str, KnobValue]


def build_pipeline(spec: TrainingSpec, *, n_jobs: int = 1) -> Pipeline:
    """An unfitted Pipeline: nine raw columns of shape (n, 9) in, price in 1990 USD out.

    Args:
        n_jobs: threads of the fit. The fitted model does not depend on it.
    """
    estimator = _ESTIMATORS[spec.family](spec.values, spec.seed, n_jobs)
    scaled = spec.family is ModelFamily.RIDGE
    return Pipeline([*preprocessing_steps(scaled=scaled, features=spec.features), ("model", estimator)])


def _random_forest(knobs: Knobs, seed: int, n_jobs: int) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(**knobs, random_state=seed, n_jobs=n_jobs)


def _extra_trees(knobs: Knobs, seed: int, n_jobs: int) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(**knobs, random_state=seed, n_jobs=n_jobs)


def _hist_gradient_boosting(knobs: Knobs, seed: int, n_jobs: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    # "auto" would stop early above 10,000 rows, on a share of the rows it then never fits.
    return HistGradientBoostingRegressor(**knobs, random_state=seed, early_stopping=False)


def _lightgbm(knobs: Knobs, seed: int, n_jobs: int) -> Any:
    try:
        from lightgbm import LGBMRegressor
    except OSError as error:
        raise InvalidSpec(
            f"LightGBM cannot start on this machine: {error}.",
            where="lightgbm",
            remedy="Install the OpenMP library (Debian: apt-get install libgomp1, macOS: brew install libomp), "
            "or choose another family.",
        ) from error

    # One thread: two were slower than one on a busy machine, and the sums then have one order.
    options: Mapping[str, Any] = knobs
    return LGBMRegressor(
        **options, subsample_freq=1, random_state=seed, n_jobs=1, deterministic=True, force_row_wise=True, verbosity=-1
    )


def _ridge(knobs: Knobs, seed: int, n_jobs: int) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(**knobs, random_state=seed)


def _blend(knobs: Knobs, seed: int, n_jobs: int) -> Any:
    """The plain mean of boosted trees: equal weights are the ones that cannot be fitted too closely."""
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
    on_log = TransformedTargetRegressor(_lightgbm(boosting, of_log, n_jobs), func=np.log, inverse_func=np.exp)
    return VotingRegressor(
        [
            *((f"lightgbm_{number}", _lightgbm(boosting, own, n_jobs)) for number, own in enumerate(seeds, start=1)),
            ("lightgbm_on_log_price", on_log),
            ("hist_gradient_boosting", _hist_gradient_boosting(hist, of_hist, n_jobs)),
        ],
        n_jobs=1,
    )


_ESTIMATORS: Final[Mapping[ModelFamily, Callable[[Knobs, int, int], Any]]] = {
    ModelFamily.RANDOM_FOREST: _random_forest,
    ModelFamily.EXTRA_TREES: _extra_trees,
    ModelFamily.HIST_GRADIENT_BOOSTING: _hist_gradient_boosting,
    ModelFamily.LIGHTGBM: _lightgbm,
    ModelFamily.RIDGE: _ridge,
    ModelFamily.BLEND: _blend,
}
