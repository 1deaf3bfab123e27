"""Where a visitor's file of rows comes in, and how much of it is taken."""

from __future__ import annotations

from typing import Final

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

_KINDS: Final = ["csv", "parquet"]


def table_upload(what: str, *, max_rows: int, max_megabytes: int, key: str) -> UploadedFile | None:
    """The file somebody gave; None so long as nobody did.

    Args:
        what: ends "CSV or Parquet" in the label; may be empty.
        max_megabytes: what the settings take; Streamlit's own limit may be lower.
    """
    most = min(max_megabytes, int(st.get_option("server.maxUploadSize")))
    label = f"CSV or Parquet{what}, up to {max_rows:,} rows and {most:,} MB"
    return st.file_uploader(label, type=_KINDS, max_upload_size=most, key=key)
