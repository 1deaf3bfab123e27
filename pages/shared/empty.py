"""What a screen says while there is nothing on it yet, and the way on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.domain.errors import NotFound
from pages.shared.frame import show_error


def no_model_yet(said: str = "No model has been trained yet.") -> None:
    """Why there is nothing to see, and the way to the first model."""
    st.info(said, icon=":material/model_training:")
    st.page_link("train.py", label="Train one", icon=":material/model_training:")


@contextmanager
def newest_instead(name: str, screen: str) -> Iterator[None]:
    """What the address calls ``name`` may be gone: the refusal, and the way to the newest on the same screen."""
    try:
        yield
    except NotFound as error:
        if name not in st.query_params:
            raise
        show_error(error)
        st.page_link(screen, label="Show the newest", icon=":material/update:", query_params={})
