"""What the app does beside drawing screens: warm slow imports, and keep a worker alive."""

from __future__ import annotations

import logging
import threading
from typing import Final, Self

from core.domain.errors import LabError
from core.domain.settings import Settings
from core.workflows.lab import Lab

CHECK_SECONDS: Final = 5.0
_log = logging.getLogger(__name__)


class BackgroundService:
    """A thread that lives as long as the server.

    It never ends the worker: that ends by itself, with its last job, once the app is gone.
    """

    def __init__(self, settings: Settings) -> None:
        self._lab = Lab(settings)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lab-service", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=CHECK_SECONDS)

    def _run(self) -> None:
        complaint = ""
        warm = False
        while True:
            try:
                self._lab.keep_worker()
                if not warm:
                    warm = True
                    self._lab.overview()
                complaint = ""
            except LabError as error:
                # Said once, not every five seconds; the screens say it too.
                if str(error) != complaint:
                    complaint = str(error)
                    _log.warning("%s", error)
            if self._stop.wait(CHECK_SECONDS):
                return
