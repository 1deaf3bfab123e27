"""Words that fit a chart: names are given by people, and a phone is 390 pixels wide."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Final

from core.charts.frame import plain

ROW_WIDTH: Final = 20
"""Characters of a line beside a chart's rows: on a phone more than half of the width is left for the chart."""

_NOTE_WIDTH: Final = 40
_IN_BRACKETS: Final = re.compile(r"\([^()]{1,14}\)")


def counted(count: int, noun: str) -> str:
    """``1 trial``, ``2 trials``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def shortened(text: str, width: int) -> str:
    """The text in at most so many characters. What is left out is in the middle: names differ at their ends."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail].rstrip()}…{text[-tail:].lstrip() if tail else ''}"


def short_labels(labels: Mapping[str, str], width: int) -> dict[str, str]:
    """Each label :func:`shortened`, still no two alike: those that would be end with their place."""
    short = {key: shortened(label, width) for key, label in labels.items()}
    seen = list(short.values())
    return {
        key: label if seen.count(label) == 1 else f"{shortened(label, width - 3)} {place}"
        for place, (key, label) in enumerate(short.items(), start=1)
    }


def wrapped(text: str, width: int = ROW_WIDTH, lines: int = 2) -> str:
    """The text in at most so many lines, letter by letter as plotly shows it; a longer one is :func:`shortened`."""
    # ``(seed 3)`` stays on one line: a no-break space is none to textwrap, and looks like any other.
    text = _IN_BRACKETS.sub(lambda match: match[0].replace(" ", "\N{NO-BREAK SPACE}"), text)
    found = _wrap(text, width)
    if len(found) > lines:
        # Broken at spaces the lines are seldom full, so what fits has to be found.
        fitting = (_wrap(shortened(text, size), width) for size in range(width * lines, 0, -1))
        found = next(tried for tried in fitting if len(tried) <= lines)
    return "<br>".join(plain(line) for line in found)


def note(reason: str) -> str:
    """A reason in the middle of an empty chart, in lines a phone has room for."""
    return wrapped(reason, _NOTE_WIDTH, lines=6)


def _wrap(text: str, width: int) -> list[str]:
    return _Names(width, break_on_hyphens=False).wrap(text)


class _Names(textwrap.TextWrapper):
    """Breaks ``random_forest_100_trees`` after an underscore rather than within a word."""

    wordsep_simple_re = re.compile(r"([\t\n\r ]+|(?<=_)(?=[^\s_]))")
