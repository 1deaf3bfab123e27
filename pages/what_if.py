"""What-if: a price with its range at once, then why, what would change it, and what is known around it."""

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.domain.errors import LabError, NoModel
from core.workflows.valuation import Valuation
from pages.shared.columns import help_of
from pages.shared.empty import no_model_yet
from pages.shared.frame import errors, lab, page, show_error
from pages.shared.house_form import house_form, house_of_sliders, take_up
from pages.shared.scenario_shelf import keep_and_share, shelf
from pages.shared.valuation_card import range_picture, valuation_card
from pages.shared.what_if_goal import reach
from pages.shared.what_if_place import comparable_areas, where
from pages.shared.what_if_reasons import what_changes_it, why
from pages.shared.what_if_start import (
    ASKED,
    named_version,
    say_start,
    start_from_real,
    version_choice,
    version_labels,
)
from pages.shared.what_if_versions import side_by_side

PAINT_SECONDS = 0.05
"""What follows the price lets it go ahead so long: a browser paints what comes in one go only once all is drawn."""

PARTS = ["Why", "What changes it", "Where", "Comparable areas", "Reach a price", "Versions", "Scenarios"]


def answered() -> Valuation | LabError | None:
    """The price of whatever the sliders say, or why there is none; None while nobody asked."""
    # A link that names a feature is a question already.
    if not st.session_state.get(ASKED) and not st.query_params:
        return None
    try:
        return lab().what_if.value(house_of_sliders(), named_version())
    except LabError as error:
        return error


def asked() -> None:
    """The button was pressed: from now on every change is priced at once."""
    st.session_state[ASKED] = True
    if not st.query_params:
        # The typical house names no feature, and its link must be answered as well.
        st.query_params[ASKED] = "yes"


def answer(found: Valuation | LabError | None) -> tuple[Valuation, DeltaGenerator] | None:
    """What was answered, the figure first of all, and the button; the price comes with the place of its picture."""
    priced = None
    with errors():
        if isinstance(found, NoModel) or (found is None and not version_labels() and lab().overview().is_empty):
            no_model_yet("No model has been trained yet, so there is no price.")
        elif isinstance(found, LabError):
            show_error(found)
        elif found is not None:
            priced = found, valuation_card(found)
            keep_and_share(found.house, named_version())
        else:
            st.caption("Set the features, then press the button. After that every change is priced at once.")
    st.button("Value this house", type="primary", icon=":material/real_estate_agent:", width="stretch", on_click=asked)
    return priced


def form() -> None:
    """Who prices, what to start from, and the nine features."""
    with errors():
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            version_choice()
            start_from_real()
        house_form()


def follow(valuation: Valuation, version: str | None) -> None:
    """All that follows the price. What is not looked at is not worked out."""
    house = valuation.house
    reasons, changes, place, areas, goal, versions, scenarios = st.tabs(
        PARTS, on_change="rerun", key="part", bind="query-params"
    )
    if reasons.open:
        with reasons:
            why(house, version)
    if changes.open:
        with changes:
            what_changes_it(house, version)
    if place.open:
        with place, errors():
            where(house, version)
    if areas.open:
        with areas:
            comparable_areas(valuation, version)
    if goal.open:
        with goal:
            reach(house, valuation.price, version)
    if versions.open:
        with versions:
            side_by_side(house, version)
    if scenarios.open:
        with scenarios:
            shelf(house, version)


@st.fragment
def questions(card: DeltaGenerator, features: DeltaGenerator) -> None:
    """The form, the price and what follows it. A moved slider runs this alone: the frame around it stands.

    The places of card and form are made outside: the first that a moved slider sends is then the price, and no box
    around it, which the browser would draw the whole screen for.
    """
    with errors():
        take_up()
        # Before anything is drawn: what comes to the browser before the price is drawn there before it.
        found = answered()
        with card:
            priced = answer(found)
        if found is not None:
            time.sleep(PAINT_SECONDS)
        with features:
            form()
        if priced is not None:
            valuation, picture = priced
            with features:
                say_start(valuation.house)
            if valuation.range is not None:
                with picture:
                    range_picture(valuation)
            follow(valuation, named_version())
        else:
            st.subheader("Saved scenarios", anchor=False, help=help_of("Saved scenarios"))
            shelf(None, None)


with page(
    "What-if",
    "The price of a block group with these features, in 1990 dollars. Not an appraisal of a house sold today.",
):
    # The price stands first: on a phone it is above the form.
    price, form_side = st.columns([2, 3], gap="large")
    questions(price.container(border=True), form_side)
