"""The rows of a data file as the Data screen shows them: where they come from, and what is to be known of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from core.data.blocks import BLOCK_KILOMETRES, block_parts, spatial_blocks
from core.data.ingest import Dataset
from core.data.quality import Finding, findings
from core.data.schema import COLUMNS
from core.data.split import split_rows
from core.data.summary import ColumnSummary, Correlation, Correlations, correlations, summaries
from core.domain.census import CENSUS
from core.domain.errors import NotFound
from core.domain.settings import Settings
from core.domain.spreadsheet import cell
from core.features.direct import HouseRows

PAGE_ROWS: Final = 25
LINE: Final = "line"
RATIO: Final = "ratio"

_INVENTED: Final = (
    "Invented by the lab, because the census file is not here and could not be downloaded. No figure made from these "
    "rows says anything about California."
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of where the rows come from. ``is_code``: for a digest or a path, to be copied."""

    label: str
    text: str
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class RowsPage:
    """Some of the rows behind a figure: ``lines`` by column name, each with its line in the file (the header is 1)."""

    lines: tuple[Mapping[str, object], ...]
    number: int
    pages: int
    rows: int


@dataclass(frozen=True, eq=False)
class DataView:
    """A data file with all that the screen shows of it; the dear parts are made when first asked for.

    Attributes:
        dataset: the rows. is_held_out: which are only ever scored, shape (n,).
        spatial_parts: how many parts of whole blocks the settings ask for; 0 leaves them out.
        facts: where the rows come from.
    """

    dataset: Dataset
    is_held_out: npt.NDArray[np.bool_]
    split_name: str
    seed: int
    spatial_parts: int
    facts: tuple[Fact, ...]

    @classmethod
    def of(cls, dataset: Dataset, settings: Settings, facts: Sequence[Fact] = ()) -> DataView:
        """The view of rows under the settings' split.

        Args:
            facts: what else is known of where they come from.
        """
        split = split_rows(dataset.rows, test_size=settings.data.test_size, random_state=settings.data.random_state)
        return cls(
            dataset=dataset,
            is_held_out=np.asarray(dataset.rows.index.isin(split.X_test.index)),
            split_name=split.name,
            seed=settings.data.random_state,
            spatial_parts=settings.evaluation.spatial_folds,
            facts=(*facts, *_origin(dataset, settings), *_what(dataset, split.name)),
        )

    @cached_property
    def columns(self) -> tuple[ColumnSummary, ...]:
        """Every column in figures."""
        return summaries(self.dataset.rows)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is odd about the rows."""
        return findings(self.dataset.rows)

    def finding(self, key: str) -> Finding:
        """The finding of that key. Raises NotFound."""
        for one in self.findings:
            if one.key == key:
                return one
        raise NotFound(
            f"Nothing called {key[:40]!r} is looked for in the rows.",
            remedy="Take `finding` out of the address to see all of them.",
        )

    def correlations(self, method: Correlation) -> Correlations:
        """How the number columns go together."""
        return correlations(self.dataset.rows, method)

    @cached_property
    def block_parts(self) -> tuple[npt.NDArray[np.intp], ...]:
        """Positions of the rows of each part of whole blocks, as the spatial score takes them: training rows alone.

        Raises:
            InvalidData: there are fewer blocks than parts.
        """
        # In file order: which blocks make a part does not depend on the order of the rows.
        fitted = np.flatnonzero(~self.is_held_out)
        places = self.dataset.rows.iloc[fitted]
        blocks = spatial_blocks(places["longitude"], places["latitude"])
        return tuple(np.sort(fitted[scored]) for _, scored in block_parts(blocks, self.spatial_parts, self.seed))

    def training_rows(self) -> HouseRows:
        """The rows models are fitted on."""
        return HouseRows.from_frame(self.dataset.rows.loc[~self.is_held_out])

    @property
    def block_kilometres(self) -> float:
        return BLOCK_KILOMETRES

    def page(self, key: str, number: int = 1) -> RowsPage:
        """The rows behind a finding, a page of them; a number beyond the last page shows the last. Raises NotFound."""
        found = self.finding(key)
        count = len(found.positions)
        pages = max(1, -(-count // PAGE_ROWS))
        number = min(max(1, number), pages)
        places = slice((number - 1) * PAGE_ROWS, number * PAGE_ROWS)
        return RowsPage(tuple(self._lines(found, places)), number, pages, count)

    def csv_of(self, key: str) -> bytes:
        """All rows behind a finding as a CSV file in which a spreadsheet runs nothing. Raises NotFound."""
        found = self.finding(key)
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow([LINE, *COLUMNS, *([RATIO] if found.ratio is not None else [])])
        for line in self._lines(found, slice(None)):
            writer.writerow([cell(value) for value in line.values()])  # type: ignore[arg-type]
        return text.getvalue().encode()

    def _lines(self, found: Finding, places: slice) -> list[dict[str, object]]:
        positions = found.positions[places]
        table = self.dataset.rows.iloc[positions]
        columns: dict[str, list[object]] = {LINE: (positions + 2).tolist()}
        columns |= {name: table[name].tolist() for name in COLUMNS}
        if found.ratio is not None:
            columns[RATIO] = found.ratio[places].round(3).tolist()
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _origin(dataset: Dataset, settings: Settings) -> tuple[Fact, ...]:
    if dataset.is_demo:
        return (Fact("Whose", _INVENTED),)
    if dataset.sha256 != CENSUS.sha256:
        return (Fact("Whose", "A file of your own: the lab knows no more of it than what stands in it."),)
    return (
        Fact("What", CENSUS.title),
        Fact("Published by", CENSUS.origin),
        Fact("Published at", CENSUS.address),
        Fact("To download at", settings.data.url),
        Fact("Licence", CENSUS.licence),
        Fact("Year", CENSUS.year),
    )


def _what(dataset: Dataset, split: str) -> tuple[Fact, ...]:
    return (
        Fact("File", str(dataset.path), is_code=True),
        Fact("SHA-256", dataset.sha256, is_code=True),
        Fact("Split", split, is_code=True),
    )
