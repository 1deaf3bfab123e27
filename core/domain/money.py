"""How figures are written for people: one place, so that every screen writes them alike."""

from __future__ import annotations

import math
import re
from typing import Final

MISSING: Final = "—"
"""What stands where a figure is missing. Never 0: a missing metric is not a good metric."""

SURVEY_CAP: Final = 500_001.0
"""The 1990 census wrote every median price above $500,000 as 500,001."""

CAP_TEXT: Final = "$500,000 or more"

LOWEST_RECORDED: Final = 14_999.0
"""The lowest median the survey recorded: below it a model runs on beyond its data."""

CAP_NEARNESS: Final = 0.97
"""From this share of the cap on, an estimate says "or more": the model never saw a higher price."""

_AMOUNT: Final = r"[+−-]?\$?[\d,.]+(?: (?:%|B|kB|MB|GB|ms|s|min|h|km|points))?"
_FIGURE: Final = re.compile(rf"(?:under )?{_AMOUNT}(?: {_AMOUNT})?(?: to {_AMOUNT})?(?: or more)?|[+−-]?∞")


def dollars(amount: float | None) -> str:
    """``412300.4`` → ``$412,300``; None, NaN and infinity → ``—``."""
    if amount is None or not math.isfinite(amount):
        return MISSING
    sign = "−" if round(amount) < 0 else ""
    return f"{sign}${abs(amount):,.0f}"


def dollar_change(amount: float | None) -> str:
    """A difference with its sign: ``+$1,200``, ``−$350``, ``$0``; missing → ``—``."""
    text = dollars(amount)
    return f"+{text}" if amount is not None and math.isfinite(amount) and round(amount) > 0 else text


def true_minus(text: str) -> str:
    """A written figure with the minus of print for a leading hyphen: ``-0.1200`` → ``−0.1200``."""
    return f"−{text[1:]}" if text.startswith("-") else text


def decimal(figure: float | None, digits: int = 4) -> str:
    """``0.81921`` → ``0.8192``, ``-1200`` → ``−1,200.0000``; missing → ``—``."""
    return MISSING if figure is None or not math.isfinite(figure) else true_minus(f"{figure:z,.{digits}f}")


def signed(figure: float | None, digits: int) -> str:
    """A difference with its sign: ``+0.40``, ``−0.12``, ``0.00`` for what rounds to nothing; missing → ``—``."""
    text = decimal(figure, digits)
    return f"+{text}" if figure is not None and math.isfinite(figure) and round(figure, digits) > 0 else text


def percent(figure: float | None, digits: int = 1) -> str:
    """``17.304`` → ``17.3 %``, ``-2`` → ``−2.0 %``; missing → ``—``."""
    return MISSING if figure is None or not math.isfinite(figure) else true_minus(f"{figure:.{digits}f} %")


def step_digits(step: float) -> int:
    """Digits after the point that a value moved in such steps needs: 0.005 → 3, 10 → 0."""
    return max(0, -math.floor(math.log10(step)))


def is_capped(price: float) -> bool:
    """Whether an estimate is so near the survey's cap that it only means "$500,000 or more"."""
    return price >= SURVEY_CAP * CAP_NEARNESS


def price_text(price: float) -> str:
    """An estimate as an analyst should read it aloud, the cap's wording included."""
    return CAP_TEXT if is_capped(price) else dollars(price)


def recorded_text(recorded: float) -> str:
    """A recorded median as it should be read aloud: only the survey's cap itself reads ``$500,000 or more``."""
    return CAP_TEXT if recorded >= SURVEY_CAP else dollars(recorded)


def memory(megabytes: float | None) -> str:
    """``170.4`` → ``170 MB``, ``2300`` → ``2.3 GB``, ``0.2`` → ``under 1 MB``; missing → ``—``."""
    if megabytes is None or not math.isfinite(megabytes):
        return MISSING
    if megabytes < 1:
        return "under 1 MB"
    return f"{megabytes:,.0f} MB" if megabytes < 999.5 else f"{megabytes / 1000:,.1f} GB"


def file_size(size: int | None) -> str:
    """Bytes as people read them: ``512`` → ``512 B``, ``38_400_000`` → ``38.4 MB``; missing → ``—``."""
    if size is None:
        return MISSING
    if size < 1000:
        return f"{size:,} B"
    if size < 999_500:
        return f"{size / 1e3:,.0f} kB"
    return f"{size / 1e6:,.1f} MB" if size < 999_500_000 else f"{size / 1e9:,.1f} GB"


def duration(seconds: float | None) -> str:
    """``7.4`` → ``7 s``, ``95`` → ``1 min 35 s``; missing → ``—``."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def milliseconds(figure: float | None) -> str:
    """``4.26`` → ``4.3 ms``, ``212`` → ``212 ms``; missing → ``—``."""
    if figure is None or not math.isfinite(figure):
        return MISSING
    return f"{figure:,.1f} ms" if figure < 100 else f"{figure:,.0f} ms"


def is_figure(text: str) -> bool:
    """Whether a text is an amount as they are written here, or a range: ``−$350``, ``1 min 35 s``, ``4 to 9``."""
    return _FIGURE.fullmatch(text) is not None
