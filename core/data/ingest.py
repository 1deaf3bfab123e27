"""Where the rows come from: the configured file, else a checked download, else demo data."""

from __future__ import annotations

import filecmp
import hashlib
import io
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from core.data.atomic import atomic_file
from core.data.demo import demo_rows
from core.data.download import ProgressReport, download
from core.data.file_content import count_rows, is_there, read_content
from core.data.reading import parse_table
from core.data.schema import validate_rows
from core.domain.configuration import Config, settings_from
from core.domain.errors import DataUnavailable
from core.domain.provenance import DataSource
from core.domain.settings import DataSettings, Settings

RETRY_AFTER_SECONDS: Final = 600.0
"""After a download failed, the demo file is used this long before the network is tried again."""

_DEFAULT_PATH: Final[Path] = DataSettings.model_fields["path"].default
_DEMO_NAME: Final = "housing_demo.csv"


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Validated rows in file order with what identifies them.

    ``sha256`` is the digest of the file's content. ``is_reference`` is true for the very file the settings
    pin, the census data. ``note`` says why the rows are demo data; empty otherwise.
    """

    rows: pd.DataFrame
    sha256: str
    source: DataSource
    path: Path
    is_reference: bool = False
    note: str = ""

    @property
    def is_demo(self) -> bool:
        return self.source is DataSource.DEMO


class DataIngestor:
    """Finds the rows the settings ask for.

    1. The file at ``data.path``, whatever its SHA-256: an own file is as good as the pinned one.
    2. Else, when ``data.path`` is the default one, a download to it. A path somebody chose and that holds
       no file is an error: a slip of the pen should neither be filled with other data nor hidden by demo data.
    3. Else, when ``data.allow_demo``, demo data in ``housing_demo.csv`` beside the default path, never at
       ``data.path`` itself. A demo file younger than ten minutes saves the next try of the network.

    Several processes may ingest at once; none sees half a file, and a user's file is never overwritten.

    Args:
        config: settings or the content of a config.yaml; by default the project's.
        report: told what is being done, bytes done and bytes in all (0 when unknown).
    """

    def __init__(self, config: Config = None, *, report: ProgressReport | None = None) -> None:
        self._settings = settings_from(config)
        self._report = report

    def ingest(self) -> Dataset:
        """The rows, validated.

        Raises:
            DataUnavailable: there is no file, and it could not be had.
            InvalidData: the file is no usable table, or its rows break the schema.
        """
        settings = self._settings
        path = settings.data_path
        if is_there(path):
            return self._read(path, _source_of(path, settings))
        if not _is_default(settings):
            raise DataUnavailable(
                "There is no data file at the configured data.path.",
                where=str(path),
                remedy="Put the file there, correct data.path, or unset it to have the census data downloaded.",
            )
        if _recently_failed(settings):
            return self._read(_demo_path(settings), DataSource.DEMO, "The download failed less than ten minutes ago.")
        try:
            download(
                settings.data.url,
                settings.data.sha256,
                path,
                self._report,
                max_megabytes=settings.data.max_megabytes,
            )
        except DataUnavailable as failure:
            if is_there(path):  # another process, or the user, put it there meanwhile
                return self._read(path, _source_of(path, settings))
            if settings.data.allow_demo:
                return self._demo(str(failure))
            raise DataUnavailable(
                f"There is no data file at {path}, and demo data is not allowed. {failure.what}",
                where=failure.where,
                remedy=f"{failure.remedy} Or set data.path to a file you have, or data.allow_demo to true.",
            ) from failure
        return self._read(path, DataSource.DOWNLOAD)

    def _demo(self, note: str) -> Dataset:
        path = _demo_path(self._settings)
        text = io.StringIO()
        demo_rows().to_csv(text, index=False, lineterminator="\n")
        with atomic_file(path, overwrite=True) as file:
            file.write(text.getvalue().encode())
        return self._read(path, DataSource.DEMO, note)

    def _read(self, path: Path, source: DataSource, note: str = "") -> Dataset:
        return _read(self._settings, path, source, note)


def known_source(settings: Settings) -> DataSource | None:
    """What ``ingest`` would use without the network, by a look at the disk; None when that is nothing yet."""
    if is_there(settings.data_path):
        return _source_of(settings.data_path, settings)
    if _is_default(settings) and settings.data.allow_demo and is_there(_demo_path(settings)):
        return DataSource.DEMO
    return None


def read_known(settings: Settings) -> Dataset | None:
    """The rows ``ingest`` would use without the network; None when that is nothing yet. Writes and fetches nothing.

    Raises:
        DataUnavailable: the file cannot be read.
        InvalidData: it is no usable table, or its rows break the schema.
    """
    source = known_source(settings)
    if source is None:
        return None
    path = settings.data_path if is_there(settings.data_path) else _demo_path(settings)
    return _read(settings, path, source)


def known_rows(settings: Settings) -> int | None:
    """How many rows ``ingest`` would read, by the lines of the file it would use; None when that is nothing yet."""
    source = known_source(settings)
    if source is None:
        return None
    return count_rows(settings.data_path if is_there(settings.data_path) else _demo_path(settings))


def _read(settings: Settings, path: Path, source: DataSource, note: str = "") -> Dataset:
    # One read serves digest and rows, so that they cannot be of two different files.
    content = read_content(path, settings.data.max_megabytes)
    digest = hashlib.sha256(content).hexdigest()
    return Dataset(
        rows=validate_rows(parse_table(content, source=str(path), max_rows=settings.data.max_rows), source=str(path)),
        sha256=digest,
        source=source,
        path=path,
        is_reference=digest == settings.data.sha256,
        note=note,
    )


def _source_of(path: Path, settings: Settings) -> DataSource:
    """FILE, unless the file at ``path`` is the demo file itself or a copy of it."""
    try:
        # Contents are compared only when the sizes agree, and once for each state of the two files.
        is_demo = filecmp.cmp(path, _demo_path(settings), shallow=False)
    except OSError:
        is_demo = False  # one of them cannot be read; if it is the data file, reading it will say why
    return DataSource.DEMO if is_demo else DataSource.FILE


def _is_default(settings: Settings) -> bool:
    return settings.data_path == settings.home / _DEFAULT_PATH


def _demo_path(settings: Settings) -> Path:
    return settings.home / _DEFAULT_PATH.with_name(_DEMO_NAME)


def _recently_failed(settings: Settings) -> bool:
    """Whether the demo file, which every failed download writes anew, is younger than ten minutes."""
    if not settings.data.allow_demo:
        return False
    try:
        age = time.time() - _demo_path(settings).stat().st_mtime
    except OSError:
        return False
    return 0 <= age < RETRY_AFTER_SECONDS
