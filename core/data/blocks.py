"""Blocks of the map that stay whole when rows are parted, so that no row is scored beside a neighbour it was fitted on.

Block cross-validation: Roberts and others (Ecography 40, 2017), "Cross-validation strategies for data with temporal,
spatial, hierarchical, or phylogenetic structure". Six in ten block groups share their very coordinates with another.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.data.flat_map import flat_kilometres
from core.domain.errors import InvalidData

BLOCK_KILOMETRES: Final = 25.0
"""On each side: wider than a town, so that the nearest fitted row is seldom of the same one."""

Places = npt.NDArray[np.intp]


def spatial_blocks(longitude: Any, latitude: Any, kilometres: float = BLOCK_KILOMETRES) -> Places:
    """The number of the square block each of n places in degrees lies in, shape (n,), from 0.

    Rows of identical coordinates lie in one block.
    """
    corners = np.floor(flat_kilometres(longitude, latitude) / kilometres)
    _, blocks = np.unique(corners, axis=0, return_inverse=True)
    return np.asarray(blocks.reshape(-1), dtype=np.intp)


def block_parts(blocks: Places, parts: int, seed: int) -> list[tuple[Places, Places]]:
    """Rows to fit and rows to score for each part, as positions; no block is on both sides.

    Blocks are drawn, not rows, so parts differ in size; every row is scored once.

    Raises:
        InvalidData: there are fewer blocks than parts.
    """
    from sklearn.model_selection import GroupKFold

    found = len(np.unique(blocks))
    if found < parts:
        raise InvalidData(
            f"The rows lie in {found} blocks of {BLOCK_KILOMETRES:g} km, and {parts} parts need as many.",
            remedy="Give rows from more places, or set evaluation.spatial_folds lower.",
        )
    drawn = GroupKFold(parts, shuffle=True, random_state=seed).split(np.zeros(len(blocks)), groups=blocks)
    return [(np.asarray(fitted), np.asarray(scored)) for fitted, scored in drawn]
