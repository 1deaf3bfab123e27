"""Asking MLflow to take records it may refuse: what it refuses is told one by one, and the rest is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from core.tracking.store import Store, mlflow_errors

Entity = TypeVar("Entity")

_LONGEST_REASON: Final = 300


def each_or_noted(
    store: Store,
    entities: Sequence[Entity],
    write: Callable[[Sequence[Entity]], object],
    refused: Callable[[Entity, str], None],
) -> int:
    """Write as many as the store takes, in as few requests as that needs; how many it took.

    Args:
        write: writes several at once. It may be called again for some of them.
        refused: told each one that the store does not take, and why.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    if not entities:
        return 0
    reason = refusal(store, lambda: write(entities))
    if reason is None:
        return len(entities)
    if len(entities) == 1:
        refused(entities[0], reason)
        return 0
    half = len(entities) // 2
    return sum(each_or_noted(store, some, write, refused) for some in (entities[:half], entities[half:]))


def refusal(store: Store, write: Callable[[], object]) -> str | None:
    """Why the store does not take something, in its own words; None when it took it.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import BAD_REQUEST, INVALID_PARAMETER_VALUE, ErrorCode

    with mlflow_errors(store.uri):
        try:
            write()
        except MlflowException as error:
            if error.error_code not in (ErrorCode.Name(INVALID_PARAMETER_VALUE), ErrorCode.Name(BAD_REQUEST)):
                raise
            return f"MLflow refused it: {' '.join(error.message.split())[:_LONGEST_REASON]}"
    return None
