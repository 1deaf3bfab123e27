"""Malformed tables at each door for a user's file: a clear refusal or a correct result, and nothing else."""

from __future__ import annotations

import asyncio
import csv
import functools
import io
import json
import math
import resource
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile

from core.data.ingest import DataIngestor
from core.data.schema import MINIMUM_ROWS
from core.domain.errors import InvalidData, InvalidHouse, LabError
from core.domain.house import RAW_COLUMNS, House
from core.domain.settings import Settings
from core.domain.spreadsheet import DANGEROUS
from core.serving.application import create_app
from core.serving.asgi import App, Message
from core.serving.following import Follower
from core.tracking.store import Connection
from core.workflows.loaded_models import LoadedModels
from core.workflows.scoring import ScoringFiles, score_file
from core.workflows.scoring_rows import MISSING_MARKS
from core.workflows.served_model import ServedModel
from tests.core.cli.terminal import run_here
from tests.faults.malformed import COLUMNS, Malformed, malformed
from tests.scored import read_csv, served

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLES = 150
MANY_TABLES = 1_000
FEW_TABLES = 40
MOST_SECONDS = 10.0
"""Of the processor: a busy machine gives them later, but not fewer."""
MOST_MEGABYTES = 400
LONGEST_MESSAGE = 2_000
"""Characters: what is wrong, where, and what to do can be read."""

Door = Callable[[Malformed], str]
"""What a door made of a table: ``refused: …`` or ``taken``; it raises nothing but an AssertionError."""


@dataclass
class Tally:
    """What became of the tables at one door."""

    began: int = field(default_factory=lambda: _peak_megabytes())
    outcomes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    def knock(self, door: Door, table: Malformed) -> None:
        began = time.process_time()
        outcome = door(table)
        seconds = time.process_time() - began
        assert seconds < MOST_SECONDS, table
        self.slowest = max(self.slowest, seconds)
        self.outcomes[outcome] += 1
        self.kinds.update(table.kind.split(", "))

    def close(self, name: str, least: int) -> None:
        grown = _peak_megabytes() - self.began
        print(f"\n{name}: {self.outcomes.total():,} tables: {dict(self.outcomes.most_common(12))}")
        print(f"  slowest {self.slowest:.2f} s, {grown} MB more memory at the peak; {dict(self.kinds)}")
        assert self.outcomes.total() >= least
        assert grown < MOST_MEGABYTES
        assert self.outcomes["taken"] >= least / 50, "hardly any table was good: the doors were not tried"
        assert self.outcomes.total() - self.outcomes["taken"] >= least / 4


def _peak_megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def storm(door: Door, name: str, tables: int, columns: int = len(COLUMNS)) -> None:
    """So many tables at one door; the usual number is the same every time, the thousand of the long form never is.

    Args:
        columns: the first so many of the file's ten.
    """
    tally = Tally()

    @profile(
        max_examples=tables,
        deadline=None,
        database=None,
        derandomize=tables <= TABLES,
        suppress_health_check=list(HealthCheck),
    )
    @given(malformed(columns))
    def knock(table: Malformed) -> None:
        tally.knock(door, table)

    knock()
    tally.close(name, tables)


def clear(error: LabError) -> str:
    """The refusal by its kind, once it is seen to say what is wrong, where, and what to do."""
    assert error.what.strip()
    assert error.where.strip(), error
    assert error.remedy.strip()
    assert len(f"{error}") < LONGEST_MESSAGE, str(error)[:5_000]
    assert f"{error}".isprintable() or "\0" not in f"{error}"
    return f"refused: {type(error).__name__}"


def records_of(content: bytes) -> list[list[str]]:
    """The lines of a table as Python's own csv module reads them."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


# The data file.


def data_door(settings: Settings, file: Path) -> Door:
    lab = settings.model_copy(update={"data": settings.data.model_copy(update={"path": file})})

    def knock(table: Malformed) -> str:
        file.write_bytes(table.content)
        try:
            rows = DataIngestor(lab).ingest().rows
        except InvalidData as error:
            return clear(error)
        header, *lines = [record for record in records_of(table.content) if record]
        assert sorted(header) == sorted(COLUMNS)
        assert len(rows) == len(lines) >= MINIMUM_ROWS
        for name in COLUMNS[:-2]:
            told = [line[header.index(name)].strip() for line in lines]
            for text, number in zip(told, rows[name], strict=True):
                assert math.isnan(number) or float(text) == pytest.approx(number, rel=1e-12), (name, text, number)
                assert not math.isnan(number) or name == "total_bedrooms"
        return "taken"

    return knock


def test_150_malformed_data_files(settings: Settings, tmp_path: Path) -> None:
    storm(data_door(settings, tmp_path / "own.csv"), "the data file", TABLES)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_thousand_malformed_data_files(settings: Settings, tmp_path: Path) -> None:
    storm(data_door(settings, tmp_path / "own.csv"), "the data file", MANY_TABLES)


# Files of houses.


@pytest.fixture(scope="module")
def model(trained_settings: Settings) -> ServedModel:
    return served(trained_settings)


def score_door(settings: Settings, model: ServedModel, folder: Path) -> Door:
    source = folder / "houses.csv"

    def knock(table: Malformed) -> str:
        source.write_bytes(table.content)
        files = ScoringFiles.beside(source, folder / "priced.csv")
        for file in (*files.priced, files.rejected):
            file.unlink(missing_ok=True)
        try:
            report = score_file(settings, model, files)
        except InvalidData as error:
            assert sorted(file.name for file in folder.iterdir()) == ["houses.csv"]
            return clear(error)
        check_scored(files, report.rows, report.priced, report.rejected)
        return "taken"

    return knock


def check_scored(files: ScoringFiles, rows: int, priced: int, rejected: int) -> None:
    """Every row is in one of the two files; a priced one is a house, and has a price."""
    assert priced + rejected == rows >= 1
    good, bad = read_csv(files.priced[0]), read_csv(files.rejected)
    assert (len(good), len(bad)) == (priced, rejected)
    assert all(row["reason"] for row in bad)
    for row in good:
        assert 1_000 < float(row["price"]) < 1_000_000
        if set(RAW_COLUMNS) <= set(row):
            house_of(row)


def house_of(row: dict[str, str]) -> House:
    """The house a priced row is; a test fails where the house form would refuse it."""
    # What a spreadsheet would run has an apostrophe in front in our files.
    read = {name: row[name].removeprefix("'") if row[name][1:].startswith(DANGEROUS) else row[name] for name in row}
    given = {name: read[name].strip() for name in RAW_COLUMNS}
    known = {name: None if text.lower() in MISSING_MARKS else text for name, text in given.items()}
    try:
        return House.from_mapping(known)
    except InvalidHouse as error:
        raise AssertionError(f"priced, and no house: {row}") from error


def test_150_malformed_files_to_score(trained_settings: Settings, model: ServedModel, tmp_path: Path) -> None:
    storm(score_door(trained_settings, model, tmp_path), "a file to score", TABLES)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_thousand_malformed_files_to_score(trained_settings: Settings, model: ServedModel, tmp_path: Path) -> None:
    storm(score_door(trained_settings, model, tmp_path), "a file to score", MANY_TABLES)


# The terminal.


@pytest.fixture
def predict(
    trained_settings: Settings,
    model: ServedModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Door:
    """``python -m core predict`` in this process. The model is loaded once: the tables are what is tried here."""
    for name, value in trained_settings.as_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(LoadedModels, "served", lambda self, version=None: model)
    source, output = tmp_path / "houses.csv", tmp_path / "priced.csv"
    run = functools.partial(run_here, monkeypatch, capsys)

    def knock(table: Malformed) -> str:
        source.write_bytes(table.content)
        files = ScoringFiles.beside(source, output)
        for file in (*files.priced, files.rejected):
            file.unlink(missing_ok=True)
        code, out, err = run("predict", "--input", str(source), "--output", str(output), "--json")
        assert "Traceback" not in err
        document = json.loads(out, parse_constant=pytest.fail)
        if "error" in document:
            assert code == 1
            assert not output.exists()
            told = document["error"]
            return clear(LabError(told["what"], remedy=told["remedy"], where=told["where"]))
        assert code == (0 if document["priced"] else 1)
        check_scored(files, document["rows"], document["priced"], document["rejected"])
        return "taken"

    return knock


def test_malformed_files_at_the_terminal(predict: Door) -> None:
    storm(predict, "python -m core predict", FEW_TABLES)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_thousand_malformed_files_at_the_terminal(predict: Door) -> None:
    storm(predict, "python -m core predict", MANY_TABLES)


# REST.


async def posted(app: App, body: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to a table sent to ``/invocations``."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/invocations",
        "raw_path": b"/invocations",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"text/csv"), (b"content-length", str(len(body)).encode())],
        "server": ("127.0.0.1", 5001),
        "client": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.fixture
def rest(trained_settings: Settings) -> Iterator[Door]:
    """The application itself, asked within this process."""
    follower = Follower(trained_settings, Connection(trained_settings))
    follower.look()
    app = create_app(follower)
    with asyncio.Runner() as runner:

        def knock(table: Malformed) -> str:
            status, content = runner.run(posted(app, table.content))
            assert status in {200, 400, 413, 422}, content
            document = json.loads(content)
            if status != 200:
                assert len(content) < 20_000
                return clear(LabError(document["message"], remedy=document["remedy"], where="the body"))
            header, *lines = [record for record in records_of(table.content) if any(cell.strip() for cell in record)]
            assert sorted(header) == sorted(RAW_COLUMNS)
            assert len(document["predictions"]) == len(lines)
            assert all(1_000 < price < 1_000_000 for price in document["predictions"])
            for line in lines:
                house_of(dict(zip(header, line, strict=True)))
            return "taken"

        yield knock


def test_150_malformed_bodies_of_csv(rest: Door) -> None:
    """Without the price: the service takes the nine columns alone."""
    storm(rest, "/invocations", TABLES, len(RAW_COLUMNS))
