"""What Score shows of a file before and after it is priced, and what its buttons do."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from core.domain.house import FEATURES, RAW_COLUMNS
from core.domain.house_columns import map_columns
from core.domain.jobs import JobState
from core.domain.money import MISSING
from core.domain.scoring import ScoredFile, ScoringRequest
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.tracking.store import open_store
from core.workflows.scored_files import ScoredFolder
from core.workflows.scoring_desk import Scoring
from tests.actors import TESTER
from tests.core.jobs.conftest import is_final, request_of, wait_for
from tests.forked import working
from tests.pages.conftest import Downloads, OpenScreen
from tests.pages.markdown import letters_of, plain, said
from tests.scored import BAD, HOUSE, Row, csv_text

HOSTILE = "<b>$5</b> [x](y) :material/delete: \u202e.csv"


@pytest.fixture
def home(trained_settings: Settings, tmp_path: Path) -> Settings:
    """The home of the shared training over again, its artifacts shared."""
    copied = tmp_path / "home"
    shutil.copytree(trained_settings.home, copied, ignore=shutil.ignore_patterns("artifacts"))
    return trained_settings.model_copy(update={"home": copied})


@pytest.fixture
def queue(home: Settings) -> Iterator[JobQueue]:
    queue = JobQueue(home)
    yield queue
    queue.close()


@pytest.fixture(scope="module")
def done(trained_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, str]:
    """A home in which a file under a hostile name was priced: a good row, one of each bad kind, sixty good rows."""
    copied = tmp_path_factory.mktemp("scored") / "home"
    shutil.copytree(trained_settings.home, copied, ignore=shutil.ignore_patterns("artifacts"))
    settings = trained_settings.model_copy(update={"home": copied})
    queue = JobQueue(settings)
    desk = Scoring(settings, lambda: queue, lambda: open_store(settings), lambda: None)
    rows = [HOUSE, *({**HOUSE, **change} for change in BAD.values()), *[HOUSE] * 60]
    job_id = desk.start(io.BytesIO(csv_text(rows).encode()), HOSTILE, {}, actor=TESTER)
    with working(settings):
        assert wait_for(queue, job_id, is_final).state is JobState.SUCCEEDED
    queue.close()
    return settings, job_id


@pytest.fixture
def done_copy(done: tuple[Settings, str], tmp_path: Path) -> tuple[Settings, str]:
    """That home over again, to break things in."""
    settings, job_id = done
    copied = tmp_path / "done"
    shutil.copytree(settings.home, copied)
    return settings.model_copy(update={"home": copied}), job_id


def upload(screen: AppTest, rows: list[Row], name: str = "houses.csv") -> AppTest:
    """The screen after that file was put into it."""
    screen.file_uploader[0].set_value((name, csv_text(rows).encode(), "text/csv"))
    screen.run()
    assert not screen.exception
    return screen


def boxes(screen: AppTest) -> dict[str, str | None]:
    """Feature → the column its box says."""
    labels = {f"{rule.label} ({rule.unit})": name for name, rule in FEATURES.items()}
    return {labels[box.label]: box.value for box in screen.selectbox if box.label in labels}


def test_an_empty_screen_asks_for_a_file_and_says_its_limits(home: Settings, open_screen: OpenScreen) -> None:
    score = open_screen(home, "score")
    assert [field.label for field in score.file_uploader] == ["CSV or Parquet, up to 1,000,000 rows and 200 MB"]
    assert not score.button
    assert any("ocean_proximity" in text for text in said(score))


def test_the_guess_is_shown_with_the_first_rows_and_can_be_changed(
    home: Settings, queue: JobQueue, open_screen: OpenScreen
) -> None:
    rows = [{"Lat": "", **{("MedInc" if k == "median_income" else k): v for k, v in HOUSE.items()}}] * 7
    score = upload(open_screen(home, "score"), rows)
    assert boxes(score) == {name: "MedInc" if name == "median_income" else name for name in FEATURES}
    assert len(score.dataframe[0].value) == 5
    assert list(score.dataframe[0].value.columns) == list(rows[0])
    next(box for box in score.selectbox if box.label.startswith("Latitude")).select("Lat")
    next(box for box in score.selectbox if box.label.startswith("Bedrooms")).select("(not in the file)")
    score.run()
    next(button for button in score.button if button.label == "Score this file").click().run()
    assert not score.exception
    (job,) = queue.list_scorings()
    assert isinstance(job.request, ScoringRequest)
    expected = {"median_income": "MedInc", "latitude": "Lat", "total_bedrooms": None}
    assert job.request.columns == map_columns(list(rows[0]), expected)
    assert (job.request.file_name, job.request.version) == ("houses.csv", "1")
    assert score.query_params["job"] in (job.job_id, [job.job_id])
    assert (home.paths.scored / job.job_id / "input").read_bytes() == csv_text(rows).encode()


def test_the_button_waits_until_every_column_is_clear(home: Settings, open_screen: OpenScreen) -> None:
    rows = [{**{k: v for k, v in HOUSE.items() if k != "households"}, "latitude ": "1", "Latitude": "2"}]
    rows = [{k: v for k, v in row.items() if k != "latitude"} for row in rows]
    score = upload(open_screen(home, "score"), rows)
    button = next(button for button in score.button if button.label == "Score this file")
    assert button.disabled
    assert any("Households, Latitude" in plain(text) or "Latitude, Households" in plain(text) for text in said(score))
    for label, column in (("Households", "population"), ("Latitude", "Latitude")):
        next(box for box in score.selectbox if box.label.startswith(label)).select(column)
    score.run()
    next(button for button in score.button if button.label == "Score this file").click().run()
    assert "more than one feature" in score.error[0].value
    assert not score.exception


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"<html>", b"a,a\n1,2\n", b"a\x00b\n", b"PAR1PAR1"])
def test_what_is_no_table_is_refused_with_a_remedy(home: Settings, open_screen: OpenScreen, content: bytes) -> None:
    score = open_screen(home, "score")
    score.file_uploader[0].set_value(("houses.csv", content, "text/csv"))
    score.run()
    assert not score.exception
    assert len(score.error) == 1
    assert any(text.startswith("**What to do:**") for text in said(score))


def test_a_waiting_file_says_its_place_and_can_be_cancelled_from_any_session(
    home: Settings, queue: JobQueue, open_screen: OpenScreen
) -> None:
    score = upload(open_screen(home, "score"), [HOUSE])
    next(button for button in score.button if button.label == "Score this file").click().run()
    (job,) = queue.list_scorings()
    waiting = open_screen(home, "score", job=job.job_id)
    assert "Number 1 in the queue" in said(waiting)
    next(button for button in waiting.button if button.label == "Cancel").click().run()
    assert queue.get(job.job_id).state is JobState.CANCELLED
    assert any(
        "was cancelled. Nothing of it is kept." in text for text in said(open_screen(home, "score", job=job.job_id))
    )


def test_a_priced_file_shows_its_figures_its_bad_rows_and_its_files(
    done: tuple[Settings, str], open_screen: OpenScreen, downloads: Downloads
) -> None:
    settings, job_id = done
    score = open_screen(settings, "score", job=job_id, part="Rejected rows")
    assert not score.exception
    shown = {metric.label: metric.value for metric in score.metric}
    assert (shown["Priced"], shown["Rejected"]) == ("61", "5")
    assert shown["Median price"] == shown["Mean price"] != MISSING
    rejected = score.dataframe[-1].value
    assert list(rejected["Row"]) == ["3", "4", "5", "6", "7"]
    assert list(rejected["Why"]) == list(BAD)
    assert len(downloads) == 3
    found = {name.split(".", 1)[1]: make() for name, make in downloads.items()}
    folder = settings.paths.scored / job_id
    assert {kind: found[kind] for kind in ScoredFile} == {kind: (folder / kind).read_bytes() for kind in ScoredFile}
    assert any("Priced by version 1, the newest" in plain(text) for text in said(score))


def test_a_hostile_file_name_is_shown_letter_by_letter(done: tuple[Settings, str], open_screen: OpenScreen) -> None:
    settings, job_id = done
    score = open_screen(settings, "score", job=job_id)
    (heading,) = [element.value for element in score.subheader if "$5" in plain(element.value)]
    assert letters_of(heading) == HOSTILE
    past = open_screen(settings, "score")
    assert list(past.dataframe[0].value["File"]) == [HOSTILE]
    assert list(past.dataframe[0].value["State"]) == ["done"]


def test_files_that_are_gone_are_said_and_the_figures_stay(
    done_copy: tuple[Settings, str], open_screen: OpenScreen, downloads: Downloads
) -> None:
    settings, job_id = done_copy
    ScoredFolder(settings, job_id).remove()
    score = open_screen(settings, "score", job=job_id)
    assert any("The files are gone: they are kept for 7 days." in text for text in said(score))
    assert not downloads
    assert score.metric[0].value == "61"


def test_a_result_too_large_for_a_browser_stays_on_disk_and_says_where(
    done_copy: tuple[Settings, str], open_screen: OpenScreen, downloads: Downloads
) -> None:
    settings, job_id = done_copy
    scoring = settings.scoring.model_copy(update={"max_download_megabytes": 1})
    (settings.paths.scored / job_id / ScoredFile.CSV).write_bytes(b"1" * 1_000_001)
    score = open_screen(settings.model_copy(update={"scoring": scoring}), "score", job=job_id)
    assert [name.split(".", 1)[1] for name in downloads] == [ScoredFile.PARQUET, ScoredFile.REJECTED]
    assert any(
        "Files over 1 MB are not sent to a browser" in plain(text) and job_id in plain(text) for text in said(score)
    )


def test_drift_is_sentences_a_table_and_a_picture(done: tuple[Settings, str], open_screen: OpenScreen) -> None:
    settings, job_id = done
    score = open_screen(settings, "score", job=job_id, part="Drift", feature="Median income")
    assert not score.exception
    told = [plain(warning.value) for warning in score.warning]
    assert any(text.startswith("Median income: very different") for text in told)
    table = score.dataframe[0].value
    assert list(table["Feature"]) == [FEATURES[name].label for name in RAW_COLUMNS]
    assert set(table["Verdict"]) == {"very different"}, "sixty-one houses of one kind"
    assert any("Median income: very different" in plain(caption.value) for caption in score.caption)
    assert [box.value for box in score.selectbox] == ["median_income"]


@pytest.mark.parametrize("job_id", ["score-000000000000", "../../etc/passwd", "<script>", "x" * 2_000])
def test_an_unknown_job_in_the_address_is_refused(home: Settings, open_screen: OpenScreen, job_id: str) -> None:
    score = open_screen(home, "score", job=job_id)
    assert not score.exception
    assert len(score.error) == 1


def test_a_training_is_no_scoring(home: Settings, queue: JobQueue, open_screen: OpenScreen) -> None:
    training = queue.submit(request_of())
    score = open_screen(home, "score", job=training)
    assert not score.exception
    assert "prices no file" in score.error[0].value


@profile(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=1, max_size=300).filter(lambda text: text.strip() and "\x00" not in text))
def test_any_column_name_is_offered_as_it_is(home: Settings, open_screen: OpenScreen, name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return  # half a surrogate pair is no text a file can hold
    if name in HOUSE:
        return
    score = upload(open_screen(home, "score"), [{**HOUSE, name: "=1"}])
    assert not score.error
    assert name in next(box for box in score.selectbox if box.label.startswith("Latitude")).options
