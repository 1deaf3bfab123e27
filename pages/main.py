"""The main script: navigation, the banner every screen carries, and the strip of running jobs."""

from pathlib import Path

import streamlit as st

from pages.shared.frame import banner, job_strip
from pages.shared.visitor import is_anybody_here

SHARED = Path(__file__).parent / "shared"
ICON = SHARED / "icon.svg"

# A file of our own: Streamlit would fetch a named icon from the internet.
st.set_page_config(
    page_title="Housing Price Lab",
    page_icon=ICON,
    layout="wide",
    menu_items={"About": "Housing Price Lab: a lab notebook for house-price models. 1990 block groups, 1990 dollars."},
)

st.html(SHARED / "contrast.css")
somebody = is_anybody_here()
navigation = st.navigation(
    # Without a heading over them: Streamlit puts one into the list of links, where no screen reader expects it.
    [
        st.Page("home.py", title="Home", icon=":material/home_work:", default=True),
        st.Page("train.py", title="Train", icon=":material/model_training:", url_path="train"),
        st.Page("tune.py", title="Tune", icon=":material/tune:", url_path="tune"),
        st.Page("runs.py", title="Runs", icon=":material/table_rows:", url_path="runs"),
        st.Page("compare.py", title="Compare", icon=":material/compare_arrows:", url_path="compare"),
        st.Page("models.py", title="Models", icon=":material/workspace_premium:", url_path="models"),
        st.Page("what_if.py", title="What-if", icon=":material/real_estate_agent:", url_path="what_if"),
        st.Page("score.py", title="Score", icon=":material/price_check:", url_path="score"),
        st.Page("data.py", title="Data", icon=":material/dataset:", url_path="data"),
    ],
    position="sidebar" if somebody else "hidden",
)
if somebody:
    with st.sidebar:
        job_strip()
    banner()
    navigation.run()
