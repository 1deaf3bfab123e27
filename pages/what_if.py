"""What-if: the nine features of a house, and the price the champion gives it."""

import streamlit as st

from core.domain.house import House
from pages.shared.frame import errors, escape, lab, page
from pages.shared.house_form import house_form

VALUED = "valued"


def show_price(house: House) -> None:
    """The price, which version says it, and what must be known beside it."""
    valuation = lab().value(house)
    st.metric(
        "Estimated median value (1990 $)",
        valuation.text,
        help="Median house value of a block group with these features, in 1990 dollars.",
    )
    st.caption(escape(valuation.source.sentence))
    for warning in valuation.warnings:
        st.warning(escape(warning), icon=":material/info:")


def ask(house: House) -> None:
    """The button and, once it was pressed, the price of whatever the sliders say."""
    answer = st.container()
    if st.button("Value this house", type="primary", icon=":material/real_estate_agent:", width="stretch"):
        st.session_state[VALUED] = True
    with answer:
        # A link that names a feature is a question already.
        if st.session_state.get(VALUED) or st.query_params:
            with errors():
                show_price(house)
        else:
            st.caption("Set the features, then press the button. After that every change is priced at once.")


with page(
    "What-if",
    "The price of a block group with these features, in 1990 dollars. Not an appraisal of a house sold today.",
):
    # The price stands first: on a phone it is above the form.
    price, form = st.columns([2, 3], gap="large")
    with price.container(border=True), errors():
        with form:
            house = house_form()
        ask(house)
