"""What the bytes of a file are: UTF-8 text that may be a table, or something else, which is called by its name."""

from __future__ import annotations

import codecs
import io
from typing import Final

from core.domain.errors import InvalidData

MEGABYTE: Final = 1_000_000

SAVE_AS_CSV: Final = "Give a CSV file: values separated by commas, text in UTF-8, the column names in line 1."

_SIGNATURES: Final = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite database"),
)


def foreign_kind(beginning: bytes) -> str | None:
    """What a file that is no text is, by its first bytes: ``a PNG picture``. None when they do not say."""
    return next((name for signature, name in _SIGNATURES if beginning.startswith(signature)), None)


def refuse_markup(text: str, source: str) -> None:
    """Call a text by its name that is no table.

    Raises:
        InvalidData: it begins as JSON, as a web page or as XML does.
    """
    beginning = text.lstrip()[:1]
    if beginning in {"{", "["}:
        raise InvalidData("The file is no CSV but JSON.", where=source, remedy=SAVE_AS_CSV)
    if beginning == "<":
        raise InvalidData(
            "The file is no CSV but a web page or XML.",
            where=source,
            remedy="Download the raw file, not the page that shows it.",
        )


def check_text(content: bytes, source: str) -> None:
    """Hold a file to UTF-8, with or without a byte order mark.

    Raises:
        InvalidData: it is something else, which is called by its name.
    """
    kind = foreign_kind(content)
    if kind is None and content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InvalidData("The file is written in UTF-16.", where=source, remedy="Save it again in UTF-8.")
    if kind is None and b"\0" in content:
        kind = "binary (it holds zero bytes)"
    if kind is not None:
        raise InvalidData(f"The file is no CSV but {kind}.", where=source, remedy=SAVE_AS_CSV)
    wrong = _undecodable(content)
    if wrong is not None:
        line = content.count(b"\n", 0, wrong) + 1
        raise InvalidData(
            f"The file is not UTF-8: byte 0x{content[wrong]:02x} in line {line:,} is none of its characters.",
            where=source,
            remedy="Save it again in UTF-8; spreadsheets offer it as “CSV UTF-8”.",
        )
    refuse_markup(content[:MEGABYTE].decode("utf-8-sig", errors="ignore"), source)


def text_of(content: bytes) -> io.TextIOWrapper:
    """The content as text that is decoded as it is read: whole, it could take four times the file's memory."""
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")


def _undecodable(content: bytes) -> int | None:
    """The place of the first byte that is no UTF-8; a piece at a time, for the text itself is not kept."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(content), MEGABYTE):
        begun = len(decoder.getstate()[0])
        try:
            decoder.decode(content[start : start + MEGABYTE], final=start + MEGABYTE >= len(content))
        except UnicodeDecodeError as error:
            return start - begun + error.start
    return None
