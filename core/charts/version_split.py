"""What another version says beyond the first one's price, by group of features."""

from __future__ import annotations

import math
from typing import Any, Final

import plotly.graph_objects as go

from core.charts.frame import PRICE_TICKS, TEXT, empty, framed
from core.charts.lettering import shortened
from core.charts.palette import NEUTRAL
from core.charts.waterfall import LOWERS, RAISES
from core.domain.money import dollar_change, dollars
from core.explanation.version_difference import VersionDifference

_TITLE: Final = "Where the two versions differ"
_X_TITLE: Final = "Difference (1990 $)"
_HEIGHT: Final = 370
_NAME_WIDTH: Final = 28
_TEXT_ROOM: Final = 0.42


def version_split(difference: VersionDifference, *, first: str, other: str) -> go.Figure:
    """The dollar difference as bars: what every house shares, each group, and the whole.

    Args:
        first, other: the versions' names; a bar to the right is what ``other`` says more.
    """
    rows = [
        ("Every house", difference.base),
        *((part.group.label, part.dollars) for part in difference.parts),
        ("<b>Difference</b>", difference.total),
    ]
    amounts = [amount for _, amount in rows]
    if not all(map(math.isfinite, amounts)):
        reason = "The difference cannot be split."
        return empty(reason, title=_TITLE, x_title=_X_TITLE, y_title="", height=_HEIGHT)
    one, two = shortened(first, _NAME_WIDTH), shortened(other, _NAME_WIDTH)
    figure = framed(
        [_bars(rows)],
        title=_TITLE,
        subtitle=f"{two} minus {one}; orange: {two} says more, blue: less",
        x_title=_X_TITLE,
        y_title="",
        height=_HEIGHT,
    )
    low, high = min(0.0, *amounts), max(0.0, *amounts)
    air = _TEXT_ROOM * max(high - low, 1.0)
    figure.add_vline(x=0, line={"color": NEUTRAL, "width": 1.5})
    figure.update_xaxes(range=[low - (air if low < 0 else 0.03 * air), high + air], tickformat=PRICE_TICKS, nticks=5)
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[label for label, _ in rows],
        range=[len(rows) - 0.4, -0.6],
        showgrid=False,
    )
    return figure


def _bars(rows: list[tuple[str, float]]) -> dict[str, Any]:
    amounts = [amount for _, amount in rows]
    last = len(rows) - 1
    return {
        "type": "bar",
        "orientation": "h",
        "x": amounts,
        "y": list(range(len(rows))),
        "width": 0.62,
        "marker": {
            "color": [LOWERS if amount < 0 else RAISES for amount in amounts],
            "line": {"color": TEXT, "width": [0.0] * last + [2.0]},
        },
        "text": [dollar_change(amount) for amount in amounts[:-1]] + [f"<b>{dollar_change(amounts[-1])}</b>"],
        "textposition": "outside",
        "textfont": {"color": TEXT, "size": 13},
        "cliponaxis": False,
        "customdata": [_words(label, amount) for label, amount in rows],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _words(label: str, amount: float) -> str:
    if round(amount) == 0:
        return f"{label}: no difference"
    return f"{label}: {dollars(abs(amount))} {'more' if amount > 0 else 'less'}"
