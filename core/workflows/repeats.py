"""Whether training the same settings again gave the same model."""

from __future__ import annotations

import numpy as np

from core.domain.errors import NotFound
from core.domain.money import dollars
from core.domain.provenance import CODE_TAG
from core.domain.runs import Run
from core.tracking.runs import earlier_twin, read_predictions
from core.tracking.store import Store


def compare_with_twin(store: Store, run: Run, predicted: np.ndarray) -> str:
    """One sentence on the newest earlier run of the same settings, data and split; empty when there is none.

    Args:
        predicted: this run's prices of the held-out rows in 1990 USD, shape (n,).

    Raises:
        StoreUnavailable: the store does not answer.
    """
    twin = earlier_twin(store, run)
    if twin is None:
        return ""
    who = f"{twin.name} of {twin.started:%d %B %Y %H:%M} UTC had the same settings, rows and split"
    try:
        _, _, before = read_predictions(store, twin.run_id)
    except NotFound:
        return f"{who}; its predictions are gone, so the two cannot be compared."
    if before.shape == predicted.shape and np.array_equal(before, predicted):
        return f"{who}: both predict the very same price for all {len(predicted):,} held-out rows."
    if before.shape != predicted.shape:
        return f"{who}, and scored {len(before):,} rows, not {len(predicted):,}."
    apart = dollars(float(np.max(np.abs(before - predicted))))
    code = " The code has changed since." if twin.tags.get(CODE_TAG) != run.tags.get(CODE_TAG) else ""
    return f"{who}, and its predictions differ by up to {apart}.{code}"
