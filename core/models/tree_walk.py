"""All trees of an ensemble as four flat arrays, walked level by level in NumPy.

scikit-learn asks one tree after the other, and for one row nearly all the time goes into asking. Here one step
moves every (tree, row) pair down one level, so a forest of 150 trees and depth 20 takes 20 steps. The
comparisons are the library's own, and the leaves are summed in its order: the prices are equal to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class FlatTrees:
    """The nodes of all trees behind one another.

    ``threshold`` of shape (nodes,) holds a leaf's value where the node is a leaf. ``child`` of shape
    (2 · nodes,) holds the left and the right child of each node; both of a leaf's are the leaf itself.
    """

    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    child: np.ndarray
    levels: int

    def leaf_values(self, matrix: np.ndarray) -> np.ndarray:
        """The value of the leaf each tree sends each row to: shape (trees, n) for a matrix of shape (n, columns)."""
        rows, columns = matrix.shape
        cells = np.ascontiguousarray(matrix).ravel()
        node = np.repeat(self.roots, rows)
        first_cell = np.tile(np.arange(rows, dtype=np.intp) * columns, len(self.roots))
        for _ in range(self.levels):
            cell = cells.take(self.feature.take(node) + first_cell)
            node = self.child.take(2 * node + (cell > self.threshold.take(node)))
        values: np.ndarray = self.threshold.take(node).reshape(len(self.roots), rows)
        return values


@dataclass(frozen=True, slots=True)
class _Tree:
    """One tree as its library keeps it; ``left`` and ``right`` count from the tree's own root."""

    is_leaf: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    levels: int


def flatten_forest(forest: Any) -> FlatTrees:
    """The trees of a fitted RandomForestRegressor or ExtraTreesRegressor. Ask them with a float32 matrix."""
    trees = []
    for estimator in forest.estimators_:
        tree = estimator.tree_
        trees.append(
            _Tree(
                is_leaf=tree.children_left == -1,
                feature=tree.feature,
                threshold=tree.threshold,
                left=tree.children_left,
                right=tree.children_right,
                value=tree.value[:, 0, 0],
                levels=int(tree.max_depth),
            )
        )
    return _flatten(trees)


def flatten_boosted(booster: Any) -> FlatTrees:
    """The trees of a fitted HistGradientBoostingRegressor without categories. Ask them with a float64 matrix."""
    trees = []
    for (predictor,) in booster._predictors:  # noqa: SLF001 - scikit-learn has no public word for them
        nodes = predictor.nodes
        trees.append(
            _Tree(
                is_leaf=nodes["is_leaf"] == 1,
                feature=nodes["feature_idx"],
                threshold=nodes["num_threshold"],
                left=nodes["left"],
                right=nodes["right"],
                value=nodes["value"],
                levels=int(nodes["depth"].max()),
            )
        )
    return _flatten(trees)


def _flatten(trees: Sequence[_Tree]) -> FlatTrees:
    sizes = [len(tree.feature) for tree in trees]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    nodes = sum(sizes)
    # A deep forest has millions of nodes: the smallest types that hold them, or this copy outgrows the model.
    feature = np.empty(nodes, dtype=np.int16)
    threshold = np.empty(nodes, dtype=np.float64)
    child = np.empty((nodes, 2), dtype=np.int32)
    for root, size, tree in zip(roots, sizes, trees, strict=True):
        own = slice(root, root + size)
        here = np.arange(root, root + size)
        feature[own] = np.where(tree.is_leaf, 0, tree.feature)
        threshold[own] = np.where(tree.is_leaf, tree.value, tree.threshold)
        child[own, 0] = np.where(tree.is_leaf, here, tree.left.astype(np.int64) + root)
        child[own, 1] = np.where(tree.is_leaf, here, tree.right.astype(np.int64) + root)
    return FlatTrees(roots, feature, threshold, child.ravel(), max(tree.levels for tree in trees))
