"""Tables as nobody should write them: what the doors for a user's file are knocked at with."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from core.domain.house import RAW_COLUMNS, TARGET

Grid = list[list[str]]

COLUMNS: Final = (*RAW_COLUMNS, TARGET)
ROWS: Final = 60
"""Enough to train on: fewer than fifty would be refused before anything else is looked at."""

_PLACES: Final = ("NEAR BAY", "<1H OCEAN", "INLAND", "NEAR OCEAN", "ISLAND")

NUMBERS: Final = (
    *("1e400", "-1e400", "9" * 400, "-" + "9" * 400, "9" * 5_000, "1" + "0" * 308, "1e-400", "0." + "0" * 400 + "1"),
    *("inf", "-Infinity", "NaN", "nan", "NULL", "None", "N/A", "", " ", "-", "+", ".", "1_000", "1,000", "1.000,5"),
    *("0x1F", "0b1", "1e", "e5", "1e5e5", "--5", "+5", "5.", ".5", "٣٤", "³", "½", "１２", "∞", "−5", "1 000", "true"),
)
FORMULAS: Final = (
    *("=cmd|' /C calc'!A0", '=HYPERLINK("http://evil.example","x")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1+1)"),
    *("=1+1", "\t=1+1", "\r=1+1", "=IMPORTXML(CONCAT(A1),B2)", "';=1+1", "＝1+1", "%0A=1+1"),
)
TEXTS: Final = (
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "'; DROP TABLE runs;--", "../../etc/passwd"),
    *(
        "\u202egnp.exe",
        "\u200b\u200f",
        "😀" * 50,
        "a\u0300" * 50,
        "\ufeff",
        "\u2028",
        "\x85",
        "\x1b[31m",
        "\x7f",
        "\ufffe",
    ),
    *("$x^2$", ":material/home:", "[x](javascript:alert(1))", "x" * 200_000, "NEAR BAY\n", "near bay", "\\N", "\\"),
)
QUOTES: Final = ('"', '""', '"""', 'a"b', '"a', 'a"', '"a"b', "'", '"a\nb"', '"a,b"', '"\r"', '\\"')


@dataclass(frozen=True, slots=True)
class Malformed:
    """A file's content, and what was done to it."""

    kind: str
    content: bytes

    def __repr__(self) -> str:
        # Hypothesis prints what it found: the whole of it, unless it is long.
        return f"Malformed({self.kind!r}, {self.content[:4_000]!r}{'…' if len(self.content) > 4_000 else ''})"


def good_grid(rows: int = ROWS) -> Grid:
    """A header and so many rows that break no rule."""
    grid = [list(COLUMNS)]
    for number in range(rows):
        place = ["-122.23", "37.88", "41", str(880 + number), "129", "322", "126", f"{1 + number % 8}.{number:04}"]
        grid.append([*place, _PLACES[number % len(_PLACES)], str(50_000 + 7_500 * number)])
    return grid


def text_of(grid: Grid, *, separator: str = ",", end: str = "\n") -> str:
    """The grid as Python's csv module writes it."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=end).writerows(grid)
    return text.getvalue()


@st.composite
def malformed(draw: st.DrawFn, columns: int = len(COLUMNS)) -> Malformed:
    """A table that is spoilt in up to three ways, or in none, of the first so many columns: the price is the last."""
    grid = good_grid(draw(st.sampled_from([ROWS] * 6 + [0, 1, 49])))
    grid = [row[:columns] for row in grid]
    several = draw(st.sampled_from([0, 1, 1, 2]))
    kinds = [draw(st.sampled_from(sorted(SPOILT))) for _ in range(several)]
    for kind in kinds:
        SPOILT[kind](draw, grid)
    written = draw(st.sampled_from([*sorted(WRITTEN), *USUAL]))
    content = WRITTEN[written](draw, grid)
    return Malformed(", ".join([*kinds, written]), content)


def _any_cell(draw: st.DrawFn, grid: Grid) -> tuple[int, int]:
    row = draw(st.integers(0, len(grid) - 1))
    return row, draw(st.integers(0, max(0, len(grid[row]) - 1)))


def _cell_from(texts: tuple[str, ...]) -> Callable[[st.DrawFn, Grid], None]:
    def spoil(draw: st.DrawFn, grid: Grid) -> None:
        for _ in range(draw(st.integers(1, 3))):
            row, column = _any_cell(draw, grid)
            if grid[row]:
                grid[row][column] = draw(st.sampled_from(texts))

    return spoil


def _ragged(draw: st.DrawFn, grid: Grid) -> None:
    for _ in range(draw(st.integers(1, 3))):
        row, _ = _any_cell(draw, grid)
        grid[row] = draw(st.sampled_from([grid[row][:-1], [*grid[row], "7"], [], [""], [*grid[row], *["7"] * 2_000]]))


def _columns(draw: st.DrawFn, grid: Grid) -> None:
    """Twice, none, strange, shuffled, or far too many."""
    change = draw(st.sampled_from(["twice", "gone", "empty", "renamed", "case", "shuffled", "index", "many", "none"]))
    column = draw(st.integers(0, len(COLUMNS) - 1))
    match change:
        case "twice":
            for row in grid:
                row.append(row[column] if column < len(row) else "")
        case "gone":
            for row in grid:
                del row[column : column + 1]
        case "empty" | "renamed" | "case":
            named = {
                "empty": "",
                "renamed": draw(st.sampled_from([*TEXTS, *FORMULAS])),
                "case": COLUMNS[column].upper(),
            }
            grid[0][column : column + 1] = [named[change]]
        case "shuffled":
            order = draw(st.permutations(range(len(grid[0]))))
            grid[:] = [[row[place] for place in order] if len(row) == len(order) else row for row in grid]
        case "index":
            grid[:] = [[str(number - 1) if number else "", *row] for number, row in enumerate(grid)]
        case "many":
            grid[:] = [[*row, *(f"c{place}" for place in range(5_000))] for row in grid[:3]]
        case _:
            grid[:] = grid[1:] or [[]]


def _any_text(draw: st.DrawFn, grid: Grid) -> None:
    row, column = _any_cell(draw, grid)
    if grid[row]:
        grid[row][column] = draw(st.text(max_size=30))


SPOILT: Final[dict[str, Callable[[st.DrawFn, Grid], None]]] = {
    "strange numbers": _cell_from(NUMBERS),
    "formulas": _cell_from(FORMULAS),
    "texts": _cell_from(TEXTS),
    "zero bytes": _cell_from(("\0", "a\0b", "NEAR BAY\0")),
    "any text": _any_text,
    "ragged": _ragged,
    "columns": _columns,
}
"""What is done to cells, rows and columns."""


def _plain(draw: st.DrawFn, grid: Grid) -> bytes:
    return _encoded(text_of(grid), "utf-8")


def _spreadsheet(draw: st.DrawFn, grid: Grid) -> bytes:
    return codecs.BOM_UTF8 + _encoded(text_of(grid, end="\r\n"))


def _styled(draw: st.DrawFn, grid: Grid) -> bytes:
    separator = draw(st.sampled_from([",", ";", "\t", "|", " "]))
    return _encoded(text_of(grid, separator=separator, end=draw(st.sampled_from(["\n", "\r\n", "\r", "\n\r", "\n\n"]))))


def _other_encoding(draw: st.DrawFn, grid: Grid) -> bytes:
    text = text_of(grid).replace("INLAND", draw(st.sampled_from(["INLAND", "INLÄND", "内陸"])))
    name = draw(
        st.sampled_from(["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "cp500"])
    )
    marks = {"utf-16-be": draw(st.sampled_from([b"", codecs.BOM_UTF16_BE]))}
    return marks.get(name, b"") + text.encode(name, errors="replace")


def _mixed_encodings(draw: st.DrawFn, grid: Grid) -> bytes:
    lines = text_of(grid).replace("INLAND", "INLÄND").splitlines(keepends=True)
    names = draw(st.lists(st.sampled_from(["utf-8", "latin-1", "utf-16-le", "utf-8-sig"]), min_size=2, max_size=4))
    return b"".join(line.encode(names[place % len(names)], "replace") for place, line in enumerate(lines))


def _loose_quotes(draw: st.DrawFn, grid: Grid) -> bytes:
    """Cells joined without any quoting, a few of them with quotation marks that nobody closes."""
    for _ in range(draw(st.integers(1, 3))):
        row, column = _any_cell(draw, grid)
        if grid[row]:
            grid[row][column] = draw(st.sampled_from(QUOTES))
    return _encoded("\n".join(",".join(row) for row in grid) + draw(st.sampled_from(["", "\n", '"', "\n\n\n"])))


def _spoilt_bytes(draw: st.DrawFn, grid: Grid) -> bytes:
    content = bytearray(_encoded(text_of(grid)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        content[at : at + draw(st.integers(0, 3))] = draw(
            st.binary(max_size=4) | st.sampled_from([b"\0", b"\xff", b"\n"])
        )
    return bytes(content)


def _cut_off(draw: st.DrawFn, grid: Grid) -> bytes:
    content = _encoded(text_of(grid))
    return content[: draw(st.integers(0, len(content)))]


def _packed(draw: st.DrawFn, grid: Grid) -> bytes:
    """A zip, a gzip or a Parquet file under a CSV file's name, whole or damaged."""
    content = _encoded(text_of(grid))
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("housing.csv", content)
    packed = draw(st.sampled_from([gzip.compress(content, mtime=0), zipped.getvalue(), _parquet_of(grid)]))
    damage = draw(st.sampled_from(["none", "cut", "flip"]))
    if damage == "cut":
        return packed[: draw(st.integers(1, len(packed)))]
    if damage == "flip":
        at = draw(st.integers(0, len(packed) - 1))
        return packed[:at] + bytes([packed[at] ^ draw(st.integers(1, 255))]) + packed[at + 1 :]
    return packed


def _parquet_of(grid: Grid) -> bytes:
    width = len(COLUMNS)
    rows = [row for row in grid[1:] if len(row) == width]
    columns = [pa.array([_encoded(row[place]).decode() for row in rows], pa.string()) for place in range(width)]
    file = io.BytesIO()
    pq.write_table(pa.table(columns, names=list(COLUMNS)), file)
    return file.getvalue()


def _noise(draw: st.DrawFn, grid: Grid) -> bytes:
    starts = [b"", b"PAR1", b"PK\x03\x04", b"\x1f\x8b", b"\xff\xfe", b"\xef\xbb\xbf", b"{", b"<html>", b'"', b","]
    return draw(st.sampled_from(starts)) + draw(st.binary(max_size=300))


WRITTEN: Final[dict[str, Callable[[st.DrawFn, Grid], bytes]]] = {
    "as UTF-8": _plain,
    "as a spreadsheet writes it": _spreadsheet,
    "with other separators and line ends": _styled,
    "in another encoding": _other_encoding,
    "in mixed encodings": _mixed_encodings,
    "with loose quotes": _loose_quotes,
    "with spoilt bytes": _spoilt_bytes,
    "cut off": _cut_off,
    "packed": _packed,
    "as noise": _noise,
}
"""How the table becomes bytes."""

USUAL: Final = ("as UTF-8",) * 4 + ("as a spreadsheet writes it",) * 2
"""What comes oftener than the rest: most faults are faults of a cell."""


def _encoded(text: str, name: str = "utf-8") -> bytes:
    """Half a character becomes the three bytes that no UTF-8 has."""
    return text.encode(name, errors="surrogatepass")
