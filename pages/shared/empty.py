"""What a screen says while there is nothing on it yet, and the way on."""

from __future__ import annotations

import streamlit as st


def no_model_yet(said: str = "No model was trained yet.") -> None:
    """Why there is nothing to see, and the way to the first model."""
    st.info(said, icon=":material/model_training:")
    st.page_link("train.py", label="Train one", icon=":material/model_training:")
