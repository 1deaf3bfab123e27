"""Knobs that several families have in common."""

from __future__ import annotations

from typing import Final

from core.domain.knob import Knob, KnobValue


def trees(
    default: int,
    high: int,
    step: int,
    name: str = "n_estimators",
    search: tuple[KnobValue, KnobValue] | None = None,
) -> Knob:
    return Knob(
        name,
        "Trees",
        low=step,
        high=high,
        step=step,
        default=default,
        help="How many trees are grown. More trees take longer; in a forest they only steady the estimate.",
        search=search,
    )


MAX_FEATURES: Final = "Share of the columns a split may choose from. Less makes the trees differ more."

LEAVES: Final = "Most leaves of one tree: how fine a correction can be."
LEAF_ROWS: Final = "Fewest block groups a leaf may hold."
PENALTY: Final = "Pulls the leaves' corrections towards zero."

LEARNING_RATE: Final = Knob(
    "learning_rate",
    "Learning rate",
    low=0.005,
    high=0.5,
    step=0.005,
    default=0.04,
    help="How much each tree corrects. Smaller wants more trees and usually ends lower.",
    search=(0.02, 0.15),
)


def forest(*, max_depth: int, max_features: float) -> tuple[Knob, ...]:
    return (
        trees(default=150, high=500, step=10),
        Knob(
            "max_depth",
            "Depth",
            low=2,
            high=40,
            step=1,
            default=max_depth,
            help="How many questions a tree may ask in a row. Deeper fits closer and takes more memory.",
            search=(8, 30),
        ),
        Knob(
            "min_samples_leaf",
            "Rows in a leaf",
            low=1,
            high=50,
            step=1,
            default=1,
            help="Fewest block groups a leaf may hold. More smooths the estimate and shrinks the model.",
            search=(1, 10),
        ),
        Knob("max_features", "Columns per split", 0.1, 1.0, 0.05, max_features, MAX_FEATURES, search=(0.2, 1.0)),
    )
