"""A fitted Pipeline as one file, and back. MLflow calls :func:`_load_pyfunc` by this module's name.

The file is a compressed joblib pickle. A pickle runs code when it is read, so the records keep its SHA-256
and every load of ours goes through :func:`read_model` with that digest.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import joblib
import numpy as np
import pandas as pd

from core.domain.errors import RecordsError, UntrustedModel
from core.domain.files import draft_of
from core.domain.freed_memory import give_back_freed_memory
from core.features.engineer import raw_features

COMPRESSION_LEVEL: Final = 1
"""170 MB of forest become 41 MB in 0.35 s. zlib's own level 1 needed 1.6 s for 40 MB; any zlib reads either."""

_MEGABYTE: Final = 1_000_000
_ZLIB: Final = b"\x78"
"""How a file in zlib's format begins; a bare pickle begins otherwise."""


UNREADABLE: Final = (
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


@dataclass(frozen=True, slots=True)
class WrittenModel:
    """A model file's SHA-256, and the model's size before it was compressed: what it takes in memory."""

    sha256: str
    megabytes: float


def write_model(pipeline: Any, target: Path) -> WrittenModel:
    """Write the Pipeline whole or not at all.

    Raises:
        RecordsError: the file cannot be written (disk full, no permission).
    """
    try:
        with draft_of(target) as draft, draft.open("wb") as file:
            hashed = HashedFile(file)
            packed = _PackedStream(hashed)
            joblib.dump(pipeline, packed)
            packed.finish()
    except OSError as error:
        raise RecordsError(
            f"The model could not be written: {error.strerror or error}.",
            where=str(target),
            remedy="Free some disk space or correct the folder's permissions, then train again.",
        ) from error
    return WrittenModel(hashed.sha256, packed.tell() / _MEGABYTE)


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
        model = joblib.load(io.BytesIO(_unpacked(content)))
    except UNREADABLE as error:
        raise RecordsError(
            f"The model file is the recorded one and cannot be opened: {type(error).__name__}: {error}.",
            where=str(file),
            remedy="Install the library versions of requirements.txt it was trained with, or train the model again.",
        ) from error
    give_back_freed_memory()
    return model


def _unpacked(content: bytes) -> bytes:
    """The pickle itself, unpacked at once.

    joblib unpacks in steps of 8 kB and waits for Python's lock at each: beside busy threads that doubles the time.
    """
    return zlib.decompress(content) if content.startswith(_ZLIB) else content


class HashedFile:
    """A file open for writing that knows the SHA-256 of what went into it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, content: bytes) -> int:
        self._digest.update(content)
        return self._file.write(content)

    def tell(self) -> int:
        return self._file.tell()


class _PackedStream:
    """What joblib writes a model into; it leaves compressed."""

    def __init__(self, file: HashedFile) -> None:
        # Only who writes needs the library: MLflow clients without it read the file with Python's own zlib.
        from isal import isal_zlib

        self._file = file
        self._taken = 0
        self._compressor = isal_zlib.compressobj(COMPRESSION_LEVEL)

    def write(self, content: bytes) -> int:
        size = memoryview(content).nbytes
        self._taken += size
        self._file.write(self._compressor.compress(content))
        return size

    def tell(self) -> int:
        """Bytes taken before they were compressed; joblib aligns arrays by it."""
        return self._taken

    def finish(self) -> None:
        self._file.write(self._compressor.flush())


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
