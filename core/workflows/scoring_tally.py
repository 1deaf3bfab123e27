"""What is counted while a file is priced: what the report says of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from core.domain.scoring import Counted, PriceBar, RejectedRow
from core.workflows.scoring_prices import BETWEEN, PricedRows

FIRST_REJECTED: Final = 100
"""So many rejected rows stand in the report; all of them are in their file."""

_BARS: Final = 40


class ScoringTally:
    """Sums over the parts of a file. Keeps eight bytes a priced row: the median needs every price."""

    def __init__(self) -> None:
        self.rejected = 0
        self.warned = 0
        self.first_rejected: list[RejectedRow] = []
        self._prices: list[npt.NDArray[np.float64]] = []
        self._kinds: Counter[str] = Counter()
        self._warnings: Counter[str] = Counter()

    def add_priced(self, priced: PricedRows) -> None:
        """Count priced rows and their warnings."""
        self._prices.append(priced.prices)
        told = Counter(text for text in priced.warnings.tolist() if text)
        self.warned += told.total()
        for text, rows in told.items():
            for key in text.split(BETWEEN):
                self._warnings[key] += rows

    def add_rejected(self, rows: Sequence[RejectedRow], kinds: Mapping[str, int]) -> None:
        """Count rejected rows, and in how many each kind of fault was found."""
        self.rejected += len(rows)
        self.first_rejected += rows[: FIRST_REJECTED - len(self.first_rejected)]
        self._kinds.update(kinds)

    @property
    def prices(self) -> npt.NDArray[np.float64]:
        """All prices so far, 1990 USD, in file order."""
        return np.concatenate(self._prices) if self._prices else np.empty(0)

    def reasons(self) -> tuple[Counted, ...]:
        """The kinds of faults, the commonest first."""
        return _counted(self._kinds)

    def warnings(self) -> tuple[Counted, ...]:
        """The keys of warnings, the commonest first."""
        return _counted(self._warnings)


def price_bars(prices: npt.NDArray[np.float64]) -> tuple[PriceBar, ...]:
    """The distribution of prices in bars of equal width; none without prices."""
    if not prices.size:
        return ()
    rows, edges = np.histogram(prices, bins=min(_BARS, max(1, prices.size)))
    return tuple(
        PriceBar(float(low), float(high), int(count))
        for low, high, count in zip(edges[:-1], edges[1:], rows, strict=True)
    )


def _counted(counts: Counter[str]) -> tuple[Counted, ...]:
    return tuple(Counted(what, rows) for what, rows in sorted(counts.items(), key=lambda one: (-one[1], one[0])))
