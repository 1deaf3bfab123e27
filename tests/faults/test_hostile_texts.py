"""Hostile text is kept whole or refused with a remedy, stays a cell in a CSV, letters in a report, a line in a log, and
never leaves its folder."""

from __future__ import annotations

import csv
import functools
import io
import logging
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from core.charts.valuation_report import ModelOrigin, valuation_report
from core.domain.configuration import load_settings
from core.domain.errors import InvalidScenario, InvalidSpec, LabError, RecordsError
from core.domain.house import House
from core.domain.jobs import LONGEST_RUN_NAME, TrainingRequest
from core.domain.promotion import Act
from core.domain.runs import Alias
from core.domain.scenarios import LONGEST_NAME, LONGEST_NOTE
from core.domain.scoring import LONGEST_FILE_NAME, ScoredFile
from core.domain.settings import Settings
from core.domain.spreadsheet import DANGEROUS
from core.domain.sweep_plans import SweepPlan
from core.jobs.engine import JobQueue
from core.jobs.sweep_control import start_sweep
from core.tracking.audit import Ledger
from core.tracking.audit_lines import Move
from core.tracking.run_edits import check_tag, check_text
from core.tracking.runs import list_runs
from core.tracking.store import Store, open_store
from core.tracking.tracker import MLflowTracker
from core.workflows.lab import Lab
from core.workflows.ledger_export import ledger_csv
from core.workflows.run_export import columns_of, csv_lines
from tests.actors import TESTER
from tests.conftest import rows_in
from tests.core.workflows.conftest import home_at
from tests.faults.hostile import HOSTILE, MARK
from tests.scored import HOUSE as CELLS
from tests.scored import csv_text

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, data_file: Path, empty_store_file: Path) -> Settings:
    """A home with an empty store, whose worker nobody starts."""
    settings = home_at(tmp_path / "home", data_file, empty_store_file)
    return settings.model_copy(update={"jobs": settings.jobs.model_copy(update={"embedded_worker": False})})


@pytest.fixture
def store(home: Settings) -> Store:
    return open_store(home)


def outcomes(keep: Callable[[str], None], *refusals: type[LabError]) -> Counter[str]:
    """What became of each hostile text: kept, or refused by one of these with a remedy. Anything else is a fault."""
    seen: Counter[str] = Counter()
    for text in HOSTILE:
        refusal: LabError | None = None
        try:
            keep(text)
        except refusals as error:
            refusal = error
        seen["kept whole" if refusal is None else "refused"] += 1
        assert refusal is None or (refusal.what and refusal.remedy)
        assert len(str(refusal)) < 1_000, "the refusal repeats a megabyte"
    assert seen["kept whole"]
    return seen


def test_run_names_and_mlflow_s_tags(store: Store, home: Settings) -> None:
    spec = home.default_spec("ridge")
    tracker = MLflowTracker(home)

    def keep(text: str) -> None:
        name = TrainingRequest.create(spec, actor="tester", run_name=text).run_name
        assert name == " ".join(text.split())
        assert len(name) <= LONGEST_RUN_NAME
        run_id = tracker.start_run(name, {"said": name})
        kept = store.client.get_run(run_id)
        assert (kept.info.run_name, kept.data.tags["said"]) == (name, name)
        tracker.end_run()

    seen = outcomes(keep, InvalidSpec)
    print(f"\nrun names: {dict(seen)}")
    assert len(list_runs(store)) == seen["kept whole"]


def test_names_of_sweeps(home: Settings, store: Store) -> None:
    queue = JobQueue(home)
    plan = SweepPlan.search(home.default_spec("ridge"), trials=2)

    def keep(text: str) -> None:
        sweep = queue.sweeps.get(start_sweep(queue, lambda: store, plan, actor="tester", name=text))
        assert sweep.name == " ".join(text.split())

    print(f"\nnames of sweeps: {dict(outcomes(keep, InvalidSpec))}")


def test_tags_and_notes_of_a_run(home: Settings) -> None:
    lab = Lab(home)
    tracker = MLflowTracker(home)
    run_id = tracker.start_run("a run")
    tracker.end_run()
    client = lab.connect().client

    def keep_note(text: str) -> None:
        lab.runs.note(run_id, text, actor=TESTER)
        assert client.get_run(run_id).data.tags["mlflow.note.content"] == text

    def keep_value(text: str) -> None:
        check_tag("said", text)
        lab.runs.tag([run_id], "said", text, actor=TESTER)
        assert client.get_run(run_id).data.tags["said"] == text

    def keep_key(text: str) -> None:
        check_tag(text, "said")

    print(f"\nnotes: {dict(outcomes(keep_note, RecordsError))}, tags: {dict(outcomes(keep_value, RecordsError))}")
    for text in HOSTILE:
        with pytest.raises(RecordsError):
            keep_key(f"<{text}>")
        if len(text) > 8_000:
            with pytest.raises(RecordsError):
                check_text("note", text)


def test_scenarios(home: Settings) -> None:
    shelf = Lab(home).scenarios

    def keep(text: str) -> None:
        # A half of a letter is what no file holds; a question mark tells that something stood there.
        whole = text.encode("utf-8", "replace").decode()
        saved = shelf.save(text[:LONGEST_NAME], text, House.typical(), actor=TESTER)
        found = shelf.get(saved.scenario_id)
        assert found.name == " ".join(whole[:LONGEST_NAME].split())
        assert found.note == whole
        assert len(found.note) <= LONGEST_NOTE

    print(f"\nscenarios: {dict(outcomes(keep, InvalidScenario))}")


def test_reasons_in_the_ledger_and_its_export(home: Settings, store: Store) -> None:
    ledger = Ledger(home)
    lines = []

    def keep(text: str) -> None:
        newest = ledger.newest().get(Alias.CHAMPION)
        seen = {Alias.CHAMPION: newest.number if newest else 0}
        (entry,) = ledger.append(
            [Move(text[:200], Act.PROMOTED, Alias.CHAMPION, None, "1", reason=text[:1_000])], seen=seen
        )
        ledger.settle([entry.number])
        kept = ledger.entries()
        assert MARK in next(one for one in kept if one.number == entry.number).reason or MARK not in text[:1_000]
        for said in (entry.reason, entry.who, entry.sentence):
            assert said.isprintable(), "a line of a log, and nothing that a terminal would act on"
        lines.append(entry.number)

    print(f"\nreasons: {dict(outcomes(keep, RecordsError))}")
    rows = list(csv.reader(io.StringIO("".join(ledger_csv(ledger.entries()))), strict=True))
    assert len(rows) == len(lines) + 1
    assert not [cell for row in rows for cell in row if is_formula(cell)]
    assert ledger.verify() == ()


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would run it; a plain negative number is none."""
    return cell.startswith(DANGEROUS) and not cell[1:].replace(".", "", 1).isdigit()


def test_a_csv_of_runs_holds_no_formula(store: Store) -> None:
    """The names come from any MLflow client, which keeps what this lab would refuse."""
    keepable = [text for text in HOSTILE if "\0" not in text and "\ud800" not in text and len(text) < 10_000]
    for text in keepable:
        run = store.client.create_run(store.experiment_id, run_name=text[:250])
        store.client.set_tag(run.info.run_id, "said", text)
        store.client.log_param(run.info.run_id, "said", text)
    runs = list_runs(store)
    rows = list(csv.reader(io.StringIO("".join(csv_lines(runs, columns_of(runs)))), strict=True))
    assert len(rows) == len(keepable) + 1
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if is_formula(cell)]
    print(f"\n{len(keepable)} hostile runs, {len(cells):,} cells, no formula")


def test_uploaded_files_stay_in_their_folder_whatever_they_are_called(
    trained_settings: Settings, home: Settings
) -> None:
    """The version that prices is another home's; the queue and the folders are this one's."""
    lab = Lab(home)
    lab.scoring._connect = functools.cache(lambda: open_store(trained_settings))
    before = {file for file in home.home.rglob("*") if file.is_file()}
    upload = csv_text([CELLS]).encode()

    def keep(text: str) -> None:
        job_id = lab.scoring.start(io.BytesIO(upload), f"{text}.csv", {}, actor=TESTER)
        job = lab.scoring.get(job_id)
        named = f"{text}.csv"[:LONGEST_FILE_NAME]
        acts = {"Cc", "Cs"}  # control characters and halves of letters; what turns the direction of reading is kept
        shown = "".join("?" if unicodedata.category(sign) in acts else sign for sign in named)
        assert job.request.title == f"scoring {shown}"
        for result in lab.scoring.results(job):
            stem = result.name.removesuffix(f".{result.kind}")
            assert result.kind in ScoredFile
            assert stem == Path(stem).name
            assert stem.isprintable()
            assert not set('<>:"/\\|?*') & set(stem)
            assert 0 < len(stem) <= 80

    seen = outcomes(keep, LabError)
    made = {file for file in home.home.rglob("*") if file.is_file()} - before
    uploads = [file for file in made if file.read_bytes() == upload]
    print(f"\nuploads: {dict(seen)}, {len(uploads)} files, each in a folder of its own")
    assert len(uploads) == seen["kept whole"]
    assert len({file.parent for file in uploads}) == len(uploads)
    assert not [file for file in made if MARK in file.name]
    assert not list(home.home.parent.glob(f"*{MARK}*"))


class Tags(HTMLParser):
    """The elements of a page, and its words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words += data


def test_reports_show_it_letter_by_letter() -> None:
    origin = ModelOrigin("1", "Ridge", "Priced by version 1.", "0" * 32, "1" * 64)

    def page(text: str) -> Tags:
        told = {"made": NOW, "origin": origin, "price_range": None, "reasons": None}
        return Tags(valuation_report(House.typical(), 200_000.0, "$200,000", **told, title=text, note=f"note {text}"))

    plain = page("plain")
    for text in HOSTILE:
        whole = text.encode("utf-8", "replace").decode()
        told = page(whole)
        assert told.elements == plain.elements, text[:80]
        assert not [name for name, _ in told.attributes if name.startswith("on")]
        assert MARK in told.words
    print(f"\n{len(HOSTILE)} reports with the elements of a plain one")


def test_a_refusal_is_one_line_of_a_log(home: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """What an error repeats of a text comes quoted, so that no line of a log is of somebody else's making."""
    house = {"latitude": "", "population": ""}
    for text in HOSTILE:
        with caplog.at_level(logging.WARNING), pytest.raises(LabError) as refusal:
            House.from_mapping({**house, "population": f"x{text}"})
        assert "\n" not in refusal.value.what
        assert "\x1b" not in refusal.value.what
        assert len(refusal.value.what) < 500
        with pytest.raises(LabError) as refusal:
            House.from_mapping({f"x{text}": 1})
        assert refusal.value.what.isprintable() or "\u202e" not in refusal.value.what
        assert "\n" not in refusal.value.what


def test_settings_name_a_hostile_key_on_one_line(tmp_path: Path, data_file: Path) -> None:
    for text in HOSTILE:
        if "\0" in text or "\ud800" in text or len(text) > 100_000:
            continue  # no environment holds it
        with pytest.raises(LabError) as refusal:
            load_settings(home=tmp_path, environment={**rows_in(data_file), "HOUSING_LAB_DATA__MAX_ROWS": text})
        assert len(str(refusal.value)) < 3_000


@pytest.fixture(autouse=True)
def _no_file_is_made_beside_the_home(tmp_path: Path) -> Iterator[None]:
    yield
    assert not [file for file in tmp_path.rglob("*") if MARK in file.name]
