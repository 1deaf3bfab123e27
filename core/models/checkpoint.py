"""What a forest keeps on disk while it grows, so that a fit that was cut off goes on from there.

A chunk holds finished trees and is written once; the trees before them lie in the chunks before it. A chunk
is a pickle, which runs code when it is read: a ledger outside the folder holds each one's SHA-256, and a
chunk is opened only when its bytes have that digest.
"""

from __future__ import annotations

import hashlib
import io
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import joblib
import numpy as np
import sklearn

from core.domain.errors import LabError
from core.domain.files import draft_of
from core.models.packaged import UNREADABLE, HashedFile

_NO_PART_OF_A_TREE: Final = frozenset({"n_estimators", "n_jobs", "verbose", "warm_start"})
"""What a forest is told about how, and how far, to grow: a tree once grown is the same under any of it."""

_log = logging.getLogger(__name__)


class Ledger(Protocol):
    """Where the digests are kept, out of reach of whoever can write to the folder."""

    def chunks(self) -> Sequence[tuple[str, str]]:
        """(name, SHA-256) in the order they were entered; of a name entered twice the later one counts."""

    def enter(self, name: str, sha256: str) -> None:
        """Add a chunk that is wholly written."""


class TreeCheckpoints:
    """The chunks of one fit: ``load`` once before it, ``offer`` after every step.

    Neither a full disk nor a ledger that is away ends a fit: it is logged, and the next chunk holds those trees too.

    Args:
        folder: where the chunks lie; made when the first is written.
        every: seconds of growth between two chunks.
    """

    def __init__(self, folder: Path, ledger: Ledger, every: float) -> None:
        self._folder = folder
        self._ledger = ledger
        self._every = every
        self._fit = ""
        self._kept = 0
        self._last = time.monotonic()

    def load(self, fit: str) -> list[Any]:
        """The trees an earlier attempt left, in their order, up to the first chunk that cannot be trusted.

        Args:
            fit: the :func:`fingerprint` of the fit that begins now. Chunks of any other are passed over.
        """
        self._fit = fit
        trees: list[Any] = []
        try:
            known = dict(self._ledger.chunks())
        except LabError as error:
            _log.warning("a forest starts from its first tree, for its checkpoints are not to be had: %s", error)
            known = {}
        while (name := self._name(len(trees))) in known:
            chunk = self._read(name, known[name])
            if not chunk:
                break
            trees += chunk
        self._kept = len(trees)
        self._last = time.monotonic()
        return trees

    def offer(self, trees: Sequence[Any]) -> None:
        """Keep the trees that are in no chunk yet, if the last one is ``every`` seconds old."""
        if time.monotonic() - self._last < self._every or len(trees) <= self._kept:
            return
        name = self._name(self._kept)
        try:
            with draft_of(self._folder / name) as draft, draft.open("wb") as file:
                hashed = HashedFile(file)
                joblib.dump(list(trees[self._kept :]), hashed)
            self._ledger.enter(name, hashed.sha256)
            self._kept = len(trees)
        except (OSError, LabError) as error:
            _log.warning("a forest grows on without a checkpoint at tree %d: %s", len(trees), error)
        self._last = time.monotonic()

    def _name(self, first: int) -> str:
        return f"trees_{self._fit[:16]}_{first:05d}.joblib"

    def _read(self, name: str, sha256: str) -> list[Any]:
        """The trees of one chunk; none when it is not the chunk that was entered."""
        try:
            # Read once: a file that is opened again after the check may be another one by then.
            content = (self._folder / name).read_bytes()
            if hashlib.sha256(content).hexdigest() != sha256:
                _log.warning("the checkpoint %s is not the one that was written, so it is not read", name)
                return []
            return list(joblib.load(io.BytesIO(content)))
        except (OSError, *UNREADABLE) as error:
            _log.warning("the checkpoint %s cannot be read: %s: %s", name, type(error).__name__, error)
            return []


def fingerprint(forest: Any, X: np.ndarray, y: np.ndarray) -> str:
    """What decides every tree of a fit: two fits with the same fingerprint grow the same trees.

    Args:
        forest: unfitted. X: shape (n, columns). y: shape (n,).
    """
    knobs = {name: value for name, value in forest.get_params().items() if name not in _NO_PART_OF_A_TREE}
    told = repr((type(forest).__name__, sorted(knobs.items()), sklearn.__version__, X.shape, X.dtype, y.dtype))
    digest = hashlib.sha256(told.encode())
    for part in (X, y):
        digest.update(np.ascontiguousarray(part).ravel().data)
    return digest.hexdigest()
