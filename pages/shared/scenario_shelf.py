"""Saved scenarios: save this house, open, compare, duplicate, edit, delete, share, take away."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from functools import partial
from typing import Final
from urllib.parse import urlencode

import streamlit as st

from core.charts.scenarios import MOST_COMPARED, scenario_prices
from core.charts.valuation_report import ModelOrigin, valuation_report
from core.domain.access import Deed
from core.domain.house import FEATURES, House
from core.domain.hyperparameters import family_label
from core.domain.money import MISSING, price_text
from core.domain.scenarios import LONGEST_NAME, LONGEST_NOTE, Scenario
from core.workflows.scenarios import WHAT_IF, link
from pages.shared.columns import columns_of
from pages.shared.figures import chart
from pages.shared.frame import errors, escape, lab
from pages.shared.house_form import TAKEN
from pages.shared.visitor import barred, visitor
from pages.shared.what_if_place import area_choice
from pages.shared.what_if_start import ASKED, VERSION

SAVE: Final = "save"
_SAVED: Final = "scenario_saved"
"""Said by what saved to the next run, which closes the popover: one that is drawn already cannot be closed."""

SHARE: Final = "share"
"""Whether it is open: what nobody sees is not sent at every move of a slider."""


def keep_and_share(house: House, version: str | None) -> None:
    """Save under a name, the link to this very house, and the page for the client."""
    row = st.container(horizontal=True, gap="xsmall")
    if st.session_state.pop(_SAVED, False):
        st.session_state[SAVE] = False
    # Drawn while closed: what comes into an open popover may lie below the window.
    with row.popover("Save", icon=":material/bookmark_add:", key=SAVE, on_change="rerun"):
        _save(house)
    share = row.popover("Share", icon=":material/link:", key=SHARE, on_change="rerun")
    if share.open:
        by = f"version {version}" if version else "what serves then"
        share.caption(escape(f"The whole house is in the address. Whoever opens it sees this house priced by {by}."))
        share.code(_address(house, version), language=None, wrap_lines=True)
    row.download_button(
        "One-pager",
        data=partial(_one_pager, house, version, "Valuation", "", *area_choice()),
        file_name=f"valuation-{datetime.now(UTC):%Y%m%d-%H%M}.html",
        mime="text/html",
        icon=":material/description:",
        on_click="ignore",
        help="Price, range, reasons and comparable areas on one page that opens anywhere and prints as PDF.",
    )


def _save(house: House) -> None:
    with st.form("save_scenario", border=False, clear_on_submit=True):
        name = st.text_input("Name", max_chars=LONGEST_NAME)
        note = st.text_area("Note", max_chars=LONGEST_NOTE)
        if st.form_submit_button("Save scenario", type="primary", **barred(Deed.SAVE_SCENARIO)):
            with errors():
                saved = lab().scenarios.save(name, note, house, actor=visitor())
                st.toast(f"Saved as {escape(saved.name)}.", icon=":material/bookmark_added:")
                st.session_state[_SAVED] = True
                st.rerun()


def _address(house: House, version: str | None) -> str:
    """The address of this very view, with host and path as this visitor has them."""
    here, query = (st.context.url or WHAT_IF).partition("?")[0], link(house).partition("?")[2]
    return f"{here}?{query}" + (f"&{urlencode({VERSION: version})}" if version else "")


@st.fragment
def shelf(house: House | None, version: str | None) -> None:
    """All saved scenarios; up to five side by side.

    Args:
        house: what the form says, to be put in a scenario's place; None while it is not priced.
    """
    with errors():
        saved = lab().scenarios.all()
        if not saved:
            st.info(
                "Nothing is saved yet. Save keeps a house under a name; it comes back here.",
                icon=":material/bookmarks:",
            )
            return
        picked = _table(saved)
        row = st.container(horizontal=True, gap="small")
        with row:
            _acts_on_one(picked[0] if len(picked) == 1 else None, house, version)
            if picked:
                _offer_delete(picked, len(saved))
        if len(picked) > MOST_COMPARED:
            st.caption(f"Up to {MOST_COMPARED} are compared; {len(picked)} are picked.")
        elif picked:
            _compare(picked, version)
        else:
            st.caption("Pick up to five to see them side by side.")


def _acts_on_one(one: Scenario | None, house: House | None, version: str | None) -> None:
    if st.button("Open", icon=":material/open_in_full:", disabled=one is None, type="primary") and one:
        st.session_state[TAKEN] = one.house
        st.session_state[ASKED] = True
        st.rerun()
    may_save = barred(Deed.SAVE_SCENARIO, disabled=one is None)
    if st.button("Duplicate", icon=":material/content_copy:", **may_save) and one:
        copy = lab().scenarios.duplicate(one.scenario_id, actor=visitor())
        st.toast(f"Saved as {escape(copy.name)}.", icon=":material/bookmark_added:")
        st.rerun(scope="fragment")
    if one is None:
        return
    may = barred(Deed.CHANGE_SCENARIO)
    with st.popover("Edit", icon=":material/edit:", **may), st.form(f"edit_{one.scenario_id}", border=False):
        name = st.text_input("Name", one.name, max_chars=LONGEST_NAME)
        note = st.text_area("Note", one.note, max_chars=LONGEST_NOTE)
        is_replaced = st.checkbox(
            "Put the house above in its place",
            disabled=house is None or house == one.house,
            help="Open it, move the sliders, and then keep it here as it is now.",
        )
        if st.form_submit_button("Keep", type="primary", **may):
            with errors():
                own = house if is_replaced else None
                lab().scenarios.edit(one.scenario_id, actor=visitor(), name=name, note=note, house=own)
                st.rerun(scope="fragment")
    st.download_button(
        "One-pager",
        data=partial(_one_pager, one.house, version, one.name, one.note),
        file_name=f"scenario-{one.scenario_id}.html",
        mime="text/html",
        icon=":material/description:",
        on_click="ignore",
        key="scenario_page",
    )


def _offer_delete(picked: list[Scenario], total: int) -> None:
    may = barred(Deed.CHANGE_SCENARIO)
    with st.popover("Delete", icon=":material/delete:", **may):
        st.markdown(f"Delete {len(picked)} of {total} scenarios? They cannot be brought back.")
        if st.button("Delete now", type="primary", **may):
            for scenario in picked:
                lab().scenarios.delete(scenario.scenario_id, actor=visitor())
            st.rerun(scope="fragment")


def _table(saved: tuple[Scenario, ...]) -> list[Scenario]:
    rows = [
        {
            "Name": one.name,
            "Note": one.note,
            "Income": one.house.median_income,
            "Ocean proximity": one.house.ocean_proximity,
            "By": one.author,
            "Saved": one.created,
        }
        for one in saved
    ]
    table = st.dataframe(
        rows,
        column_config={**columns_of(rows), "Saved": st.column_config.DatetimeColumn(format="distance")},
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        key=f"scenarios_{hash(tuple(one.scenario_id for one in saved))}",
        alt="Saved scenarios, the newest first",
    )
    return [saved[place] for place in table.selection.rows if place < len(saved)]


def _compare(picked: list[Scenario], version: str | None) -> None:
    priced = lab().what_if.priced(picked, version)
    chart(scenario_prices(priced), key="scenario_prices")
    columns = {
        price.name: {
            "Price": price_text(price.price),
            "90 % range": price.price_range.outer.text if price.price_range else MISSING,
            **{
                FEATURES[name].label: MISSING if value is None else f"{value:g}" if isinstance(value, float) else value
                for name, value in one.house.as_dict().items()
            },
        }
        for one, price in zip(picked, priced, strict=True)
    }
    names = list(next(iter(columns.values())))
    st.dataframe(
        [{"": name, **{title: lines[name] for title, lines in columns.items()}} for name in names],
        hide_index=True,
        alt="The picked scenarios side by side",
    )


def _one_pager(
    house: House,
    version: str | None,
    title: str,
    note: str,
    dropped: Collection[int] = (),
    pinned: Collection[int] = (),
) -> str:
    found = lab().what_if.explained(house, version)
    return valuation_report(
        house,
        found.price,
        found.text,
        made=datetime.now(UTC),
        origin=ModelOrigin(
            version=found.source.version,
            family=family_label(found.source.family),
            sentence=found.source.sentence,
            run_id=found.source.run_id,
            data_sha256=found.source.data_sha256,
        ),
        price_range=found.range,
        reasons=found.reasons,
        comparables=lab().what_if.comparables_if_known(house, version, dropped=dropped, pinned=pinned),
        warnings=found.warnings,
        is_compared=found.plausibility is not None,
        title=title,
        note=note,
    )
