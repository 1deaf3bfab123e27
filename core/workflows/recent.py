"""The last few of what is dear to make, shared by threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Keeps the ``most`` values that were asked for last.

    Two threads that ask for the same key at once make it once; others do not wait for them. A value whose
    making raised is not kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._making: dict[Key, tuple[threading.Lock, int]] = {}

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value of that key, made by ``make`` when it is not kept."""
        with self._lock:
            making, askers = self._making.get(key, (threading.Lock(), 0))
            self._making[key] = (making, askers + 1)
        try:
            with making:
                with self._lock:
                    if key in self._values:
                        self._values.move_to_end(key)
                        return self._values[key]
                made = make()
                with self._lock:
                    self._values[key] = made
                    while len(self._values) > self._most:
                        self._values.popitem(last=False)
                return made
        finally:
            with self._lock:
                making, askers = self._making.pop(key)
                if askers > 1:
                    self._making[key] = (making, askers - 1)
