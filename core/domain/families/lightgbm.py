"""LightGBM: leaf-wise boosted trees, the quickest family for its error."""

from __future__ import annotations

from typing import Final

from core.domain.family import Family
from core.domain.knob import Knob
from core.domain.shared_knobs import LEAF_ROWS, LEARNING_RATE, LEAVES, PENALTY, trees

FAMILY: Final = Family(
    label="LightGBM",
    knobs=(
        trees(default=1000, high=5000, step=50, search=(300, 1500)),
        LEARNING_RATE,
        Knob("num_leaves", "Leaves", 4, 255, 1, 31, LEAVES, search=(15, 95)),
        Knob("min_child_samples", "Rows in a leaf", 1, 200, 1, 20, LEAF_ROWS, search=(5, 60)),
        Knob("subsample", "Row share", 0.3, 1.0, 0.05, 0.8, "Share of the rows each tree sees.", search=(0.5, 1.0)),
        Knob(
            "colsample_bytree",
            "Columns per tree",
            0.1,
            1.0,
            0.05,
            0.5,
            "Share of the columns each tree may use. Less makes the trees differ more.",
            search=(0.2, 1.0),
        ),
        Knob(
            "max_bin",
            "Bins",
            15,
            255,
            1,
            255,
            "Into how many steps each column is cut before trees look for their questions. Fewer fit faster.",
            unrecorded=255,
        ),
        Knob("reg_lambda", "L2 penalty", 0.0, 20.0, 0.5, 0.0, PENALTY, search=(0.0, 10.0)),
    ),
    estimator="lightgbm:LGBMRegressor",
    # One thread: two were slower than one on a busy machine, and the sums then have one order.
    fixed={"subsample_freq": 1, "n_jobs": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1},
    packages=("lightgbm",),
    remedy="Install the OpenMP library (Debian: apt-get install libgomp1, macOS: brew install libomp), or choose "
    "another family.",
)
