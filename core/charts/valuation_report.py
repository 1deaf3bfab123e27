"""A valuation as one page of HTML: it opens without internet, has no script, and prints on A4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from core.charts.report_drawings import range_drawing, waterfall_drawing
from core.charts.report_style import STYLE
from core.charts.report_tables import Row, table, text
from core.domain.house import FEATURES, House
from core.domain.money import MISSING, decimal, dollar_change, is_capped, percent, price_text
from core.domain.price_range import CoverageShare, PriceRange
from core.domain.reasons import Reasons
from core.explanation.comparables import Comparable

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_LIGHT: Final = """
:root { color-scheme: light; --ink: #14181B; --paper: #FFF; --raised: #F5F3EE; --line: #D8D3C8; --faint: #565E65; }
main { max-width: 52rem; }
.price { font-size: 2.4rem; font-weight: 600; margin: .25rem 0 0; line-height: 1.2; }
p { max-width: none; }
h2 { margin-top: 1.2rem; }
th { min-width: 0; }
td:last-child { min-width: 0; }
table { width: 100%; }
svg { width: 100%; height: auto; display: block; margin: .4rem 0; }
svg text { font-size: 12px; fill: var(--ink); }
svg text.faint { fill: var(--faint); }
svg text.strong { font-weight: 600; }
svg .mark { fill: var(--ink); stroke: var(--paper); }
.concern { border-left: 4px solid #D55E00; padding-left: .7rem; }
.note { white-space: pre-wrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; font-size: .875rem; }
dl.house { grid-template-columns: repeat(3, 1fr); gap: .5rem 1rem; }
dd { margin: 0; }
.house dt { font-weight: 400; color: var(--faint); }
.house dd { font-weight: 600; }
@media (max-width: 40rem) {
  dl, dl.house { grid-template-columns: 1fr; }
  svg { min-width: 32rem; }
}
@media print {
  @page { size: A4 portrait; margin: 11mm; }
  body { font-size: 9pt; line-height: 1.35; }
  h1 { font-size: 14pt; margin: 0; }
  h2 { font-size: 10.5pt; margin: 2mm 0 .5mm; padding-top: 1mm; }
  p { margin: .6mm 0; }
  .price { font-size: 20pt; }
  .scroll { margin: 1mm 0; }
  dl.house { gap: .7mm 4mm; }
  svg { width: 140mm; margin: 0; }
  tbody th { min-width: 0; }
  th, td, td:last-child { padding: .35mm 1.5mm; }
  dl { font-size: 8pt; margin: 0; }
}
"""


@dataclass(frozen=True, slots=True)
class ModelOrigin:
    """Which model priced, in words for a reader who wants to find it again.

    Attributes:
        version: its number in the registry, or a local ``v_…``. family: as a screen names it.
        sentence: on what ground it prices (``Priced by version 3, the champion.``).
        run_id: the run it comes from; None where there is none. data_sha256: of the rows it was fitted on.
    """

    version: str
    family: str
    sentence: str
    run_id: str | None
    data_sha256: str


def valuation_report(
    house: House,
    price: float,
    price_words: str,
    *,
    made: datetime,
    origin: ModelOrigin,
    price_range: PriceRange | None,
    reasons: Reasons | None,
    comparables: Sequence[Comparable] = (),
    warnings: Sequence[str] = (),
    is_compared: bool = False,
    title: str = "Valuation",
    note: str = "",
) -> str:
    """The valuation as the text of one HTML file of some 20 kB, on one printed page with up to eight comparables.

    Args:
        price: 1990 USD. price_words: as it is read aloud.
        made: when; written in UTC. origin: which model says so.
        warnings: what must be known beside the price, sentences.
        is_compared: whether anybody looked if the house is unlike the data. title, note: as people wrote them.
    """
    when = f"{made.astimezone(UTC):%d %B %Y %H:%M} UTC"
    body = [
        f"<header><h1>{text(title)}</h1><p class='faint'>Made on {when} by Housing Price Lab. Prices are 1990 US "
        "dollars for a census block group of California, a few hundred households: not an appraisal of a house sold "
        "today.</p></header>",
        f"<section><p class='price'>{text(price_words)}</p>{_range(price, price_range)}</section>",
        _section("The house", _house(house)),
        _section("Why this price", _reasons(reasons)),
        _section("What to know", _warnings(warnings, is_compared=is_compared)),
        _section("Comparable areas", _comparables(comparables, price)),
        _section("Note", f"<p class='note'>{text(note)}</p>" if note.strip() else ""),
        _section("Where it comes from", _origin(origin)),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title><style>{STYLE}{_LIGHT}</style></head><body><main>{''.join(body)}</main></body></html>\n"
    )


def coverage_sentence(price_range: PriceRange) -> str:
    """How often such ranges held: for this house's region and price band where that is known, and for all."""
    known = [share for share in (price_range.region, price_range.band) if share is not None]
    told = [f"{_held(share)} in {share.name} ({share.rows:,} rows)" for share in known]
    told.append(f"{_held(price_range.overall)} of all {price_range.overall.rows:,}")
    widened = (
        f" Here it is {price_range.widened:.2g} times as wide, because the house is unlike the data."
        if price_range.widened > 1
        else ""
    )
    return (
        f"On rows the model never saw, the 90 % range held this share of recorded prices: {', '.join(told)}.{widened}"
    )


def _held(share: CoverageShare) -> str:
    return percent(100 * share.share_90)


def _section(heading: str, body: str) -> str:
    return f"<section><h2>{text(heading)}</h2>{body}</section>" if body else ""


def _range(price: float, price_range: PriceRange | None) -> str:
    if price_range is None:
        return "<p>This version of the model has no range for its prices.</p>"
    return f"{_scrolling(range_drawing(price, price_range))}<p>{text(coverage_sentence(price_range))}</p>"


def _reasons(reasons: Reasons | None) -> str:
    if reasons is None:
        return "<p>The price was not taken apart.</p>"
    told = f"Starting point: {reasons.base_text.rstrip('.')}. {reasons.method.rstrip('.')}. {reasons.caveat}"
    return f"{_scrolling(waterfall_drawing(reasons))}<p class='faint'>{text(told)}</p>"


def _scrolling(drawing: str) -> str:
    """A drawing is read on a phone only as large as on paper."""
    return f'<div class="scroll">{drawing}</div>'


def _house(house: House) -> str:
    values = house.as_dict()
    told = (
        f"<div><dt>{text(feature.label)} ({text(feature.unit)})</dt>"
        f"<dd>{text(_value(values[name], feature.shown_digits))}</dd></div>"
        for name, feature in FEATURES.items()
    )
    return f"<dl class='house'>{''.join(told)}</dl>"


def _value(value: float | str | None, digits: int) -> str:
    if value is None:
        return f"{MISSING} (estimated)"
    return value if isinstance(value, str) else decimal(value, digits)


def _warnings(warnings: Sequence[str], *, is_compared: bool) -> str:
    if warnings:
        return "".join(f"<p class='concern'>{text(sentence)}</p>" for sentence in warnings)
    return "<p>Nothing about this house is unlike the data.</p>" if is_compared else ""


def _comparables(comparables: Sequence[Comparable], price: float) -> str:
    if not comparables:
        return ""
    rows: list[Row] = [
        (
            f"{place}",
            f"{one.row_id:,}",
            f"{one.kilometres:,.1f} km",
            price_text(one.recorded),
            price_text(one.estimate),
            MISSING if is_capped(one.recorded) else dollar_change(price - one.recorded),
            "no" if one.is_held_out else "yes",
        )
        for place, one in enumerate(comparables, start=1)
    ]
    head = ("", "Row", "Away", "Recorded", "Estimated", "This house", "Model fitted on it")
    caption = "The block groups most like this house, with what the survey recorded there (1990 $); none is a sale"
    return table(caption, head, rows)


def _origin(origin: ModelOrigin) -> str:
    lines = (
        ("Model", f"{origin.sentence} {origin.family}."),
        ("Run", origin.run_id or MISSING),
        ("Data", f"SHA-256 {origin.data_sha256 or MISSING}"),
    )
    return f"<dl>{''.join(f'<dt>{text(term)}</dt><dd>{text(said)}</dd>' for term, said in lines)}</dl>"
