"""How much memory a forest may take, told before it is grown."""

from __future__ import annotations

import math
from typing import Final

from core.domain.hyperparameters import FeatureSet, ModelFamily, TrainingSpec

_NODE_BYTES: Final = 72
"""One node of scikit-learn's trees: 64 bytes of structure (``NODE_DTYPE``) and its value, a double."""

_TREE_BYTES: Final = 1_000
_LOCATION_BYTES: Final = 72
"""What the location features keep of a row: eight numbers and its price, all doubles."""

_PIPELINE_BYTES: Final = 50_000
"""What a tree and a Pipeline take beside the nodes, rounded up."""


def most_megabytes(spec: TrainingSpec, rows: int) -> float | None:
    """The most a fitted forest of this spec can take in memory; None for families whose trees are small.

    A tree of depth d has at most 2^d leaves, each of its own rows, and one node fewer above them. The bound is
    near where the depth or the rows alone decide, and up to six times too high where both do (about the depth
    at which 2^d reaches the rows): real trees are not balanced.

    Args:
        rows: block groups to fit on.
    """
    match spec.family:
        case ModelFamily.RANDOM_FOREST:
            seen = _bootstrapped(rows)
        case ModelFamily.EXTRA_TREES:
            seen = rows
        case _:
            return None
    knobs = spec.values
    leaves = max(1, min(1 << int(knobs["max_depth"]), seen // int(knobs["min_samples_leaf"])))
    tree = (2 * leaves - 1) * _NODE_BYTES + _TREE_BYTES
    located = rows * _LOCATION_BYTES if spec.features is FeatureSet.LOCATION else 0
    return (int(knobs["n_estimators"]) * tree + located + _PIPELINE_BYTES) / 1_000_000


def _bootstrapped(rows: int) -> int:
    """The most different rows a bootstrap sample can be expected to hold: 63 % of them, and six deviations more."""
    mean = rows * (1 - math.exp(-1))
    deviation = math.sqrt(rows * (math.exp(-1) - 2 * math.exp(-2)))
    return min(rows, math.ceil(mean + 6 * deviation + 1))
