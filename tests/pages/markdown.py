"""What a screen sends as Markdown, and whether a text in it is shown letter by letter."""

from __future__ import annotations

import re

from streamlit.testing.v1 import AppTest

_PICTURE = re.compile(r":(material/\w+|streamlit):")
_SIGN = re.compile(r"\\.|[<>$*_`~\[\]:|#]", re.DOTALL)


def said(app: AppTest) -> list[str]:
    """Everything on the screen that a browser reads as Markdown."""
    bodies = []
    for area in (app.main, app.sidebar):
        for kind in ("markdown", "caption", "title", "subheader", "header", "error", "warning", "info", "success"):
            bodies += [element.proto.body for element in area.get(kind)]
        bodies += [element.proto.text for element in area.get("progress")]
    return bodies


def letters_of(markdown: str) -> str:
    """The letters of Markdown in which every sign is escaped.

    Raises:
        AssertionError: a sign is not, so that a browser would make something else of it.
    """
    bare = [sign for sign in _SIGN.findall(markdown) if not sign.startswith("\\")]
    assert not bare, f"{bare} of {markdown!r} are not escaped"
    signs = re.sub(r"\\(.)", r"\1", markdown, flags=re.DOTALL)
    assert not _PICTURE.search(signs), f"{markdown!r} names a picture, which Streamlit draws, escaped or not"
    return plain(markdown)


def plain(markdown: str) -> str:
    """Markdown without the backslashes and the signs without width that keep signs as they are."""
    return re.sub(r"\\(.)", r"\1", markdown, flags=re.DOTALL).replace("\u2060", "")
