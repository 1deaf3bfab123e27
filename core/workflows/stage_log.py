"""A log file a stage: ``logs/stage_<stage>.log``, as the old project wrote them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum

from core.domain.configuration import Config, settings_from
from core.domain.errors import RecordsError


class Stage(StrEnum):
    """The old project's stages, under the names the terminal gives them."""

    INGEST = "ingest"
    FEATURES = "features"
    TRAIN = "train"


class PipelineLogger:
    """Appends what one stage does to its log file, a line at a time.

    Args:
        stage: the stage's name, e.g. ``train_model``; it names the file.
        config: settings or the content of a config.yaml; by default the project's.
        echo: told each line too, but no metrics and no time.
    """

    def __init__(self, stage: str, config: Config = None, echo: Callable[[str], None] | None = None) -> None:
        self.stage = stage
        self._echo = echo
        self.path = settings_from(config).paths.stage_log(stage)
        self._began: float | None = None

    def stage_start(self) -> None:
        """The stage begins; its duration counts from here."""
        self._began = time.monotonic()
        self._write("START", self.stage)

    def info(self, message: str) -> None:
        """One line of what happens."""
        self._write("INFO", message)

    def metric(self, name: str, value: float) -> None:
        """One figure."""
        self._write("METRIC", f"{name} = {value:.10g}")

    def stage_end(self, status: str = "success") -> None:
        """The stage ends, with its duration when it was started here."""
        took = "" if self._began is None else f" after {time.monotonic() - self._began:.1f} s"
        self._write("END", f"{self.stage}: {status}{took}")

    def _write(self, kind: str, message: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        # One line an entry: a message with line breaks must not be able to forge entries.
        text = " ".join(message.splitlines())
        if self._echo is not None and kind != "METRIC":
            self._echo(text)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(f"{stamp} {kind:<6} {text}\n")
        except OSError as error:
            raise RecordsError(
                f"The stage's log cannot be written: {error.strerror or error}.",
                where=str(self.path),
                remedy="Free some disk space or correct the folder's permissions.",
            ) from error
