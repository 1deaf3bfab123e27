"""The ledger of promotions: who served when, every move with its verdict, and whether the chain is whole."""

from __future__ import annotations

from datetime import UTC, date, datetime

import streamlit as st

from core.domain.money import MISSING
from core.domain.promotion import LedgerEntry
from core.domain.runs import Alias
from pages.shared.columns import columns_of
from pages.shared.frame import escape, lab


def ledger() -> None:
    """The query by day, the entries, and the export."""
    row = st.container(horizontal=True, gap="small", vertical_alignment="bottom")
    today = datetime.now(UTC).date()  # the ledger's days, wherever the server stands
    day = row.date_input(
        "Who was champion on (UTC)", value=today, max_value=today, width=200, key="day", bind="query-params"
    )
    row.download_button(
        "Export CSV",
        data=_csv,
        file_name=f"promotions-{datetime.now(UTC):%Y%m%d-%H%M}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    if day is not None:
        _holders(day)
    breaks = lab().promotions.check()
    for one in breaks:
        st.error(escape(f"Line {one.number}: {one.what}"), icon=":material/link_off:")
    if not breaks:
        st.caption(":material/link: The chain is whole: no line was edited, added or taken away.")
    _entries()


def _holders(day: date) -> None:
    held = lab().promotions.holders_on(Alias.CHAMPION, day)
    if not held:
        st.markdown("Nobody was.")
    for one in held:
        who = f"version {one.version}" if one.version else "nobody"
        until = f" until {one.until:%d %B %Y %H:%M} UTC" if one.until else ""
        st.markdown(escape(f"{who.capitalize()}, since {one.since:%d %B %Y %H:%M} UTC{until}."))


def _entries() -> None:
    found = lab().promotions.history_page(1)
    if not found.entries:
        st.caption("Nothing has been promoted yet. Choose a version under **Versions** and press **Promote**.")
        return
    if found.pages > 1:
        found = lab().promotions.history_page(st.pagination(found.pages, key="ledger_page", bind="query-params"))
    any_override = any(entry.override for entry in found.entries)
    rows = [_row(entry, any_override=any_override) for entry in found.entries]
    st.dataframe(
        rows,
        column_config={**columns_of(rows), "When": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss")},
        hide_index=True,
        alt="Every move of an alias, newest first",
    )


def _row(entry: LedgerEntry, *, any_override: bool) -> dict[str, object]:
    failed = [gate.name for gate in entry.gates if not gate.passed]
    verdict = ("failed: " + ", ".join(failed)) if failed else "passed" if entry.gates else MISSING
    return {
        "Number": entry.number,
        "When": entry.when,
        "Who": entry.who,
        "What": entry.act,
        "Alias": entry.alias,
        "From": entry.version_from or MISSING,
        "To": entry.version_to or MISSING,
        **({"Override": "yes" if entry.override else ""} if any_override else {}),
        "Reason": entry.reason or MISSING,
        "Gates": verdict,
    }


def _csv() -> str:
    return "".join(lab().promotions.export())
