"""A fitted Pipeline as one file, and back. MLflow calls :func:`_load_pyfunc` by this module's name.

The file is a compressed joblib pickle. A pickle runs code when it is read, so the records keep its SHA-256
and every load of ours goes through :func:`read_model` with that digest.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import joblib
import numpy as np
import pandas as pd

from core.domain.errors import RecordsError, UntrustedModel
from core.domain.files import draft_of
from core.features.engineer import raw_features

COMPRESSION: Final = ("zlib", 1)
"""170 MB of forest become 39 MB in 1.6 s; level 3 saves 3 MB more for half a second."""

_UNREADABLE: Final = (
    AttributeError,
    EOFError,
    ImportError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    zlib.error,
)
"""What unpickling a damaged file, or one of other library versions, is known to raise."""


def model_file_name(family: str) -> str:
    """``model_<family>_<time>.joblib``; the time in UTC, to the microsecond."""
    return f"model_{family}_{datetime.now(UTC):%Y%m%d_%H%M%S_%f}.joblib"


def write_model(pipeline: Any, target: Path) -> str:
    """Write the Pipeline whole or not at all, and return the file's SHA-256.

    Raises:
        RecordsError: the file cannot be written (disk full, no permission).
    """
    try:
        with draft_of(target) as draft:
            joblib.dump(pipeline, draft, compress=COMPRESSION)
            digest = file_sha256(draft)
    except OSError as error:
        raise RecordsError(
            f"The model could not be written: {error.strerror or error}.",
            where=str(target),
            remedy="Free some disk space or correct the folder's permissions, then train again.",
        ) from error
    return digest


def read_model(file: Path, sha256: str) -> Any:
    """The fitted Pipeline in ``file``, if it is the file that was recorded.

    Raises:
        UntrustedModel: the records hold no digest, or another one.
        RecordsError: the file is gone, cannot be read, or these library versions cannot open it.
    """
    # Read once: a file that is opened again after the check may be another one by then.
    try:
        content = file.read_bytes()
    except OSError as error:
        raise RecordsError(
            f"The model file cannot be read: {error.strerror or error}.",
            where=str(file),
            remedy="Restore the file from a backup, or train the model again.",
        ) from error
    actual = hashlib.sha256(content).hexdigest()
    if not sha256 or actual != sha256:
        recorded = f"the records say {sha256[:12]}…" if sha256 else "the records hold none"
        raise UntrustedModel(
            f"This model file is not the one that was recorded: its SHA-256 is {actual[:12]}…, {recorded}.",
            where=str(file),
            remedy="Restore the file from a backup, or train the model again.",
        )
    try:
        return joblib.load(io.BytesIO(content))
    except _UNREADABLE as error:
        raise RecordsError(
            f"The model file is the recorded one and cannot be opened: {type(error).__name__}: {error}.",
            where=str(file),
            remedy="Install the library versions of requirements.txt it was trained with, or train the model again.",
        ) from error


def file_sha256(file: Path) -> str:
    """The hexadecimal SHA-256 of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class PriceModel:
    """What ``mlflow.pyfunc.load_model`` hands out: the nine raw columns in, prices in 1990 USD out."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def predict(self, rows: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        """Prices of shape (n,) for rows of shape (n, ≥ 9).

        Raises:
            InvalidData: a raw column is missing, or an ``ocean_proximity`` is unknown.
        """
        return np.asarray(self._pipeline.predict(raw_features(rows)))

    def get_raw_model(self) -> Any:
        """The scikit-learn Pipeline itself."""
        return self._pipeline


def _load_pyfunc(path: str) -> PriceModel:
    """MLflow's entry point: ``path`` is the model file. MLflow clients without our records come in here."""
    return PriceModel(joblib.load(path))
