"""Numbers without end in an address."""

from __future__ import annotations

import math
from typing import Literal

import streamlit as st


def bind_of(key: str) -> Literal["query-params"] | None:
    """How that key's widget of whole numbers stands in the address: not at all while ``1e400`` or ``inf`` is there.

    Streamlit makes an integer of what the address says, and no integer has no end.
    """
    try:
        number = float(st.query_params.get(key, ""))
    except ValueError:
        return "query-params"
    return None if math.isinf(number) else "query-params"
