"""What the app does beside drawing screens: warm slow imports, and keep a worker alive."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable
from typing import Final, Self

from core.domain.configuration import load_settings
from core.domain.errors import LabError
from core.domain.settings import Settings
from core.workflows.lab import Lab

CHECK_SECONDS: Final = 5.0
COLLECT_SECONDS: Final = 30.0
"""Between two looks for garbage. Streamlit would look after every run of a screen: a quarter of the server's time."""

_log = logging.getLogger(__name__)


class BackgroundService:
    """A thread that lives as long as the server.

    It never ends the worker: that ends by itself, with its last job, once the app is gone. Nor does it end
    the server: what is wrong with the settings or the records is said in the log and on the screens.

    Args:
        warm: imports what the screens will need; called once, in the thread.
        settings: reads the settings; called in the thread.
    """

    def __init__(self, warm: Callable[[], None], settings: Callable[[], Settings] = load_settings) -> None:
        self._warm = warm
        self._settings = settings
        self._lab: Lab | None = None
        self._is_warm = False
        self._collected = time.monotonic()
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
        while not self._stop.is_set():
            try:
                self._look_after()
                complaint = ""
            except LabError as error:
                # Said once, not every five seconds.
                if str(error) != complaint:
                    complaint = str(error)
                    _log.warning("%s", error)
            self._stop.wait(CHECK_SECONDS)

    def _look_after(self) -> None:
        if self._lab is None:
            self._lab = Lab(self._settings())
        self._lab.keep_worker()
        if not self._is_warm:
            # Imports MLflow while nobody waits for it yet.
            self._lab.overview()
            self._warm()
            # What the libraries made is there for good: what is frozen is not looked at again.
            gc.collect()
            gc.freeze()
            self._is_warm = True
        if time.monotonic() - self._collected > COLLECT_SECONDS:
            # Left to itself Python looks at what lives for long only once it has grown by a quarter.
            gc.collect()
            self._collected = time.monotonic()
        # Finishes what a crash cut off between ledger and alias, and notices aliases that were moved outside.
        self._lab.promotions.look()
