"""What somebody changes on a run afterwards: tags, the note, deletion. Through MLflow's client, and nothing else."""

from __future__ import annotations

import re
from typing import Final

from core.domain.errors import RecordsError
from core.domain.provenance import (
    CODE_TAG,
    DATA_ROWS_TAG,
    DATA_SHA256_TAG,
    DATA_SOURCE_TAG,
    FAILURE_TAG,
    JOB_TAG,
    NOTE_TAG,
    SPLIT_TAG,
    SWEEP_TAG,
    TRIAL_STATE_TAG,
    TRIAL_TAG,
)
from core.tracking.store import Store, mlflow_errors

LONGEST_KEY: Final = 250
LONGEST_VALUE: Final = 8_000
"""Characters MLflow keeps of a tag. It cuts off the rest and says so in its log alone, so more is refused here."""

_KEY: Final = re.compile(r"[\w.\-:/ ]+")
_OURS: Final = frozenset(
    {
        *(CODE_TAG, DATA_ROWS_TAG, DATA_SHA256_TAG, DATA_SOURCE_TAG, FAILURE_TAG, JOB_TAG),
        *(SPLIT_TAG, SWEEP_TAG, TRIAL_STATE_TAG, TRIAL_TAG),
    }
)
_MLFLOWS: Final = "mlflow."


def check_tag(key: str, value: str) -> None:
    """Whether a tag can be written by hand.

    Raises:
        RecordsError: the key is none, or is one that tells where a run comes from; or MLflow cannot keep the value.
    """
    if key in _OURS or key.startswith(_MLFLOWS):
        raise RecordsError(
            f"The tag {key} says where a run comes from, and is not written by hand.", remedy="Choose another name."
        )
    if not _KEY.fullmatch(key) or len(key) > LONGEST_KEY or key != key.strip():
        raise RecordsError(
            f"{key[:80]!r} is no name for a tag.",
            remedy=f"Use letters, digits, spaces and _ . - : /, at most {LONGEST_KEY} of them.",
        )
    check_text("tag", value)


def check_text(what: str, text: str) -> None:
    """Whether MLflow keeps a text whole.

    Raises:
        RecordsError: it is too long, or holds characters that databases cannot.
    """
    if len(text) > LONGEST_VALUE:
        raise RecordsError(
            f"The {what} has {len(text):,} characters; MLflow keeps {LONGEST_VALUE:,}.", remedy="Shorten it."
        )
    # PostgreSQL takes no NUL, and no encoding half a surrogate pair.
    if "\0" in text or text != text.encode("utf-8", "replace").decode():
        raise RecordsError(f"The {what} holds characters that no database can keep.", remedy="Type it anew.")


def set_tag(store: Store, run_id: str, key: str, value: str) -> None:
    """Set one tag of a run, checked by :func:`check_tag` before. Raises NotFound, StoreUnavailable."""
    with mlflow_errors(store.uri):
        store.client.set_tag(run_id, key, value)


def set_note(store: Store, run_id: str, text: str) -> None:
    """Write the run's description, which MLflow's own UI shows as well; an empty text takes it away.

    Raises:
        RecordsError: the text cannot be kept whole; NotFound, StoreUnavailable.
    """
    check_text("note", text)
    with mlflow_errors(store.uri):
        store.client.set_tag(run_id, NOTE_TAG, text)


def delete_run(store: Store, run_id: str) -> None:
    """Mark a run as deleted; it can be restored until MLflow's ``gc`` takes it. Raises NotFound, StoreUnavailable."""
    with mlflow_errors(store.uri):
        store.client.delete_run(run_id)


def restore_run(store: Store, run_id: str) -> None:
    """Bring a deleted run back. Raises NotFound, StoreUnavailable."""
    with mlflow_errors(store.uri):
        store.client.restore_run(run_id)
