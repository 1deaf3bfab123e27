"""Who looks at this screen: the card that asks, the line that says it, and buttons barred to whoever may not."""

from __future__ import annotations

from typing import TypedDict

import streamlit as st
from streamlit.errors import StreamlitAuthError

from core.domain.access import LEAST_ROLE, Actor, Deed
from core.domain.admission import local_actor, signed_in
from core.domain.errors import NotSignedIn
from pages.shared.frame import errors, lab, tell_refusal


class Barred(TypedDict):
    """What a button is told: whether it can be pressed, and what it says of itself."""

    disabled: bool
    help: str | None


def visitor() -> Actor:
    """Whoever looks at this screen: this computer's user or, with ``access.sign_in`` on, who signed in.

    Raises:
        NotSignedIn: nobody did, or the identity provider told no email that it has verified.
    """
    access = lab().settings.access
    if not access.sign_in:
        return local_actor()
    if not _is_known():
        raise NotSignedIn("Nobody is signed in.", remedy="Press Sign in.")
    told = st.user.to_dict()
    return signed_in(access, told.get("email"), told.get("email_verified"))


def is_anybody_here() -> bool:
    """Whether the screen has somebody to be drawn for. Where it has not, the card that asks is drawn instead."""
    with errors():
        access = lab().settings.access
        try:
            here = visitor()
        except NotSignedIn as error:
            _card(error if _is_known() else None)
            return False
        if access.sign_in:
            with st.sidebar:
                _line(here)
        return True
    return False


def barred(deed: Deed, *, disabled: bool = False, help: str | None = None) -> Barred:
    """What a button of this deed is told: its own words for whoever may, which role it takes for whoever may not.

    It only saves a click: what refuses is the lab itself.
    """
    needed = LEAST_ROLE[deed]
    if visitor().role.reaches(needed):
        return Barred(disabled=disabled, help=help)
    return Barred(disabled=True, help=f"This takes {needed.phrase}.")


def _is_known() -> bool:
    # Streamlit fills this from its signed cookie, and from nothing a browser could write.
    return st.user.to_dict().get("is_logged_in") is True


def _card(refusal: NotSignedIn | None) -> None:
    with st.container(border=True):
        st.subheader("Housing Price Lab", anchor=False)
        if refusal is not None:
            tell_refusal(refusal.what, refusal.remedy)
            st.button("Sign out", icon=":material/logout:", on_click=st.logout)
            return
        st.markdown("Sign in to see what is in this lab.")
        if st.button("Sign in", type="primary", icon=":material/login:"):
            try:
                st.login()
            except StreamlitAuthError as error:
                tell_refusal(
                    f"Nobody can sign in yet: {error}",
                    "Write the section `[auth]` of `.streamlit/secrets.toml` as the README shows it, and start the app "
                    "again.",
                )


def _line(here: Actor) -> None:
    row = st.container(horizontal=True, gap="small", vertical_alignment="center")
    row.text(f"{here.name}, {here.role.value}")  # as text: Markdown would make a link of the address
    row.button("Sign out", icon=":material/logout:", type="tertiary", on_click=st.logout)
