"""How many requests came, how they ended and how long they took: for Prometheus, and for the Models screen."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency histogram, in seconds."""

PRICING: Final = frozenset({"/invocations", "/valuations"})
"""What counts as traffic on the screen: nobody waits for a health check."""

RECENT_SECONDS: Final = 60.0
_MOST_RECENT: Final = 20_000
_FEWEST_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Recent:
    """Priced requests of the last minute. ``p50_ms`` and ``p95_ms`` are None while there were none."""

    total: int
    per_second: float
    p50_ms: float | None
    p95_ms: float | None


class Traffic:
    """Counts what the service does. Not for several threads: the event loop alone calls it.

    Args:
        clock: seconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets: dict[str, list[int]] = {}
        self._seconds: Counter[str] = Counter()
        self._recent: deque[tuple[float, float]] = deque(maxlen=_MOST_RECENT)

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """One finished request."""
        self._requests[method, route, status] += 1
        counts = self._buckets.setdefault(route, [0] * (len(BUCKETS) + 1))
        counts[bisect_left(BUCKETS, seconds)] += 1
        self._seconds[route] += seconds  # type: ignore[assignment]
        if route in PRICING:
            self._recent.append((self._clock(), seconds))

    def recent(self) -> Recent:
        """The last minute, or as long as the service has run."""
        now = self._clock()
        while self._recent and now - self._recent[0][0] > RECENT_SECONDS:
            self._recent.popleft()
        took = sorted(seconds for _, seconds in self._recent)
        total = sum(count for (_, route, _), count in self._requests.items() if route in PRICING)
        # A full deque reaches back less than a minute.
        whole = len(took) == _MOST_RECENT
        span = now - self._recent[0][0] if whole else min(RECENT_SECONDS, now - self._began)
        return Recent(
            total=total,
            per_second=len(took) / max(span, _FEWEST_SECONDS),
            p50_ms=_quantile_ms(took, 0.5),
            p95_ms=_quantile_ms(took, 0.95),
        )

    def prometheus(self, *, version: str | None, family: str | None, healthy: bool, since: float | None) -> str:
        """The counters in Prometheus' text format (version 0.0.4)."""
        lines = [
            "# HELP housing_lab_requests_total Requests by route, method and status.",
            "# TYPE housing_lab_requests_total counter",
        ]
        lines += [
            f'housing_lab_requests_total{{route="{route}",method="{method}",status="{status}"}} {count}'
            for (method, route, status), count in sorted(self._requests.items())
        ]
        lines += [
            "# HELP housing_lab_request_seconds Time from a request's head to its answer's end.",
            "# TYPE housing_lab_request_seconds histogram",
        ]
        for route, counts in sorted(self._buckets.items()):
            below = 0
            for bound, count in zip([*map(str, BUCKETS), "+Inf"], counts, strict=True):
                below += count
                lines.append(f'housing_lab_request_seconds_bucket{{route="{route}",le="{bound}"}} {below}')
            lines.append(f'housing_lab_request_seconds_sum{{route="{route}"}} {self._seconds[route]:.6f}')
            lines.append(f'housing_lab_request_seconds_count{{route="{route}"}} {below}')
        lines += [
            "# HELP housing_lab_healthy 1 while what should be served is served.",
            "# TYPE housing_lab_healthy gauge",
            f"housing_lab_healthy {int(healthy)}",
        ]
        if version is not None:
            lines += [
                "# HELP housing_lab_served_version The model version that answers.",
                "# TYPE housing_lab_served_version gauge",
                f'housing_lab_served_version{{version="{_label(version)}",family="{_label(family or "")}"}} 1',
            ]
        if since is not None:
            lines += [
                "# HELP housing_lab_served_since_seconds When that version began to answer, Unix time.",
                "# TYPE housing_lab_served_since_seconds gauge",
                f"housing_lab_served_since_seconds {since:.3f}",
            ]
        return "\n".join(lines) + "\n"


def _quantile_ms(took: list[float], share: float) -> float | None:
    return None if not took else 1000 * took[min(len(took) - 1, int(share * len(took)))]


def _label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
