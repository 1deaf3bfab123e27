"""A verdict with its gates, and the one click that follows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.domain.access import Deed
from core.domain.money import dollars, percent
from core.domain.promotion import LONGEST_REASON, MovedPrice, PromotionVerdict, Requote
from core.domain.runs import Alias
from core.workflows.promotion import Moved
from pages.shared.columns import columns_of
from pages.shared.frame import errors, escape, lab
from pages.shared.visitor import barred, visitor

_SAID: Final = "models_said"
_VERDICT: Final = "models_verdict"


def promotion(version: str, alias: Alias) -> None:
    """What the gates say of this version, and the way on."""
    with errors():
        verdict = _verdict(version, alias)
        _answer(verdict)
        _way_on(verdict)
        _figures(verdict)
        if verdict.preview is not None:
            _preview(verdict.preview)


def moved(what: Moved) -> None:
    """Tell what was moved once the screen is drawn anew."""
    st.session_state[_SAID] = (what.entry.sentence, *what.notes)
    st.session_state.pop(_VERDICT, None)
    st.rerun()


def say_moved() -> None:
    """What was moved by the last click."""
    for place, sentence in enumerate(st.session_state.pop(_SAID, ())):
        (st.success if place == 0 else st.warning)(escape(sentence))


def _verdict(version: str, alias: Alias) -> PromotionVerdict:
    """The verdict of this version, made once while nothing moves: it takes some seconds."""
    key = (version, alias, lab().promotions.history(limit=1).total)
    kept = st.session_state.get(_VERDICT)
    if kept is None or kept[0] != key:
        with st.spinner("Judging it on the held-out rows"):
            kept = (key, lab().promotions.verdict(version, alias))
        st.session_state[_VERDICT] = kept
    verdict: PromotionVerdict = kept[1]
    return verdict


def _answer(verdict: PromotionVerdict) -> None:
    against = f"against version {verdict.champion}" if verdict.champion else "with no champion to judge it against"
    if verdict.passed:
        st.success(f"It passes every gate, {against}.", icon=":material/check_circle:")
    else:
        failed = ", ".join(f"“{gate.name}”" for gate in verdict.failed)
        st.error(escape(f"It does not pass, {against}. Failed: {failed}."), icon=":material/block:")


def _figures(verdict: PromotionVerdict) -> None:
    for gate in verdict.gates:
        icon = ":green[:material/check:]" if gate.passed else ":red[:material/close:]"
        word = "passed" if gate.passed else "failed"
        st.markdown(f"{icon} **{escape(gate.name.capitalize())}**: {word}.  \n{escape(gate.detail)}")


def _way_on(verdict: PromotionVerdict) -> None:
    may = barred(Deed.PROMOTE)
    if verdict.passed:
        with st.form("promote", border=False):
            reason = st.text_input("Reason", max_chars=LONGEST_REASON, placeholder="not needed")
            if st.form_submit_button("Promote", type="primary", icon=":material/workspace_premium:", **may):
                with errors(), st.spinner("Promoting"):
                    moved(lab().promotions.promote(verdict, actor=visitor(), reason=reason))
        return
    if not verdict.overridable:
        st.caption("A failed gate of this kind holds against every reason.")
        return
    with st.popover("Override the gates", icon=":material/gavel:", **may), st.form("override", border=False):
        st.markdown("The override and its reason stay in the ledger for ever.")
        reason = st.text_input("Reason", max_chars=LONGEST_REASON)
        if st.form_submit_button("Promote against the gates", type="primary", **may):
            with errors(), st.spinner("Promoting"):
                moved(lab().promotions.promote(verdict, actor=visitor(), reason=reason, override=True))


def _preview(preview: Requote) -> None:
    st.markdown(
        f"**Re-quote preview.** {preview.moved:,} of {preview.houses:,} houses "
        f"({percent(preview.moved_percent)}) move by more than {percent(preview.percent)}."
    )
    if preview.missing:
        st.warning(escape(preview.missing), icon=":material/info:")
    if preview.saved:
        st.markdown("**Saved scenarios**, the newest first")
        _moves(preview.saved, "The prices of saved scenarios under both versions")
    if preview.most:
        st.markdown("**Farthest moved**")
        _moves(preview.most, "The houses whose price moves most")


def _moves(moves: Sequence[MovedPrice], alt: str) -> None:
    rows = [
        {
            "House": one.house,
            "Moves by": percent(one.percent),
            "Champion": dollars(one.before),
            "This version": dollars(one.after),
        }
        for one in moves
    ]
    st.dataframe(rows, column_config=columns_of(rows), hide_index=True, alt=alt)
