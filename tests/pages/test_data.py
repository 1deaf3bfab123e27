"""What Data shows of the rows, and that each figure leads to the rows behind it."""

from __future__ import annotations

import base64
import csv
import io
import json

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.data.demo import demo_rows
from core.data.quality import column_rule, findings
from core.data.schema import COLUMNS
from core.data.summary import Correlation
from core.domain.census import CENSUS
from core.domain.datasets import DatasetVersion
from core.domain.house import FEATURES, NUMERIC_COLUMNS, RAW_COLUMNS
from core.domain.jobs import TrainingRequest
from core.domain.money import MISSING
from core.domain.settings import Settings
from core.features.direct import HouseRows
from core.jobs.engine import JobQueue
from core.serving.request_sketch import RequestSketch
from core.workflows.data_view import LINE, PAGE_ROWS, RATIO
from core.workflows.known_block_groups import block_groups
from core.workflows.lab import Lab
from core.workflows.request_counts import today
from tests.actors import TESTER
from tests.pages.conftest import Downloads, OpenScreen
from tests.pages.markdown import letters_of, plain, said


def tiles(screen: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in screen.metric}


def spoken(screen: AppTest) -> str:
    """Everything that stands on the screen as text."""
    return "\n".join([*map(plain, said(screen)), *(text.value for text in screen.text)])


def test_the_source_of_the_census_rows_is_told_with_licence_year_and_digest(
    settings: Settings, open_screen: OpenScreen
) -> None:
    screen = open_screen(settings, "data")
    assert not screen.exception
    assert tiles(screen) == {"Rows": "20,640", "To fit on": "16,512", "Held out": "4,128", "SHA-256": CENSUS.sha256[:8]}
    told = spoken(screen)
    for text in (CENSUS.licence, CENSUS.year, CENSUS.origin, settings.data.url):
        assert text in told
    assert CENSUS.sha256 in [code.value for code in screen.code]


def test_demo_rows_are_called_demo_rows_and_nothing_is_claimed_of_a_census(
    settings: Settings, open_screen: OpenScreen
) -> None:
    demo = settings.home / "data" / "raw" / "housing_demo.csv"
    demo.parent.mkdir(parents=True)
    demo_rows().to_csv(demo, index=False)
    own = settings.model_copy(update={"data": settings.data.model_copy(update={"path": demo})})
    screen = open_screen(own, "data")
    assert any("demo data" in info.value for info in screen.info)
    assert CENSUS.licence not in spoken(screen)


def test_an_own_file_is_not_taken_for_the_census(
    settings: Settings, open_screen: OpenScreen, real_rows: pd.DataFrame
) -> None:
    file = settings.home / "mine.csv"
    real_rows.head(200).to_csv(file, index=False)
    own = settings.model_copy(update={"data": settings.data.model_copy(update={"path": file})})
    screen = open_screen(own, "data")
    assert tiles(screen)["Rows"] == "200"
    assert "A file of your own" in spoken(screen)
    assert CENSUS.licence not in spoken(screen)


def test_without_a_file_the_screen_says_what_to_do(settings: Settings, open_screen: OpenScreen) -> None:
    own = settings.model_copy(update={"data": settings.data.model_copy(update={"path": settings.home / "none.csv"})})
    screen = open_screen(own, "data")
    assert "not here yet. Put the file there, or train once" in plain(screen.info[0].value)
    assert len(screen.file_uploader) == 1


def test_every_column_is_told_in_the_domain_s_words(settings: Settings, open_screen: OpenScreen) -> None:
    screen = open_screen(settings, "data", part="Columns")
    table = screen.dataframe[0].value
    assert list(table["Column"]) == list(COLUMNS)
    units = dict(zip(table["Column"], table["Unit"], strict=True))
    told = spoken(screen)
    for name in RAW_COLUMNS:
        assert units[name] == FEATURES[name].unit
        assert f"**{FEATURES[name].label}** `{name}`" in told
        assert FEATURES[name].help in told
    assert "INLAND 6,551" in told
    missing = dict(zip(table["Column"], table["Missing"], strict=True))
    assert (missing["total_bedrooms"], missing["latitude"]) == ("207", "0")
    assert dict(zip(table["Column"], table["Lowest"], strict=True))["longitude"] == "−124.35"


def test_the_quality_table_has_every_finding_with_its_count(
    settings: Settings, open_screen: OpenScreen, real_rows: pd.DataFrame
) -> None:
    screen = open_screen(settings, "data", part="Quality")
    table = screen.dataframe[0].value
    assert list(table["Rows"]) == [f"{len(one.positions):,}" for one in findings(real_rows)]
    assert screen.query_params["finding"] == "missing_total_bedrooms"
    behind = screen.dataframe[1].value
    assert len(behind) == PAGE_ROWS
    assert behind["total_bedrooms"].isna().all()
    assert screen.dataframe[1].proto.placeholder == MISSING


def test_a_link_opens_the_rows_of_one_finding_on_one_page(
    settings: Settings, open_screen: OpenScreen, real_rows: pd.DataFrame
) -> None:
    screen = open_screen(settings, "data", part="Quality", finding="unusual_people_a_household", rows="2")
    behind = screen.dataframe[1].value
    (found,) = (one for one in findings(real_rows) if one.key == "unusual_people_a_household")
    assert list(behind[LINE] - 2) == list(found.positions[PAGE_ROWS : 2 * PAGE_ROWS])
    ratio = real_rows["population"] / real_rows["households"]
    assert list(behind[RATIO]) == [round(ratio[line - 2], 3) for line in behind[LINE]]


@pytest.mark.parametrize("rows", ["0", "999999", "-1", "two", "٣", "9" * 40])
def test_a_page_that_is_none_shows_a_page_that_is(settings: Settings, open_screen: OpenScreen, rows: str) -> None:
    screen = open_screen(settings, "data", part="Quality", finding="missing_total_bedrooms", rows=rows)
    assert not screen.exception
    assert len(screen.dataframe[1].value)


def test_a_finding_nobody_looks_for_is_refused_by_name(settings: Settings, open_screen: OpenScreen) -> None:
    screen = open_screen(settings, "data", part="Quality", finding="<b>ghosts</b>")
    assert "<b>ghosts</b>" in plain(screen.error[0].value)
    assert not screen.exception


def test_all_rows_of_a_finding_come_as_a_file_that_a_spreadsheet_may_open(
    settings: Settings, open_screen: OpenScreen, downloads: Downloads, real_rows: pd.DataFrame
) -> None:
    open_screen(settings, "data", part="Quality", finding="capped_median_house_value")
    content = downloads["capped_median_house_value.csv"]()
    assert isinstance(content, bytes)
    lines = list(csv.DictReader(io.StringIO(content.decode())))
    assert len(lines) == 965
    first = real_rows.iloc[int(lines[0][LINE]) - 2]
    assert (float(lines[0]["longitude"]), lines[0]["ocean_proximity"]) == (first["longitude"], first["ocean_proximity"])


@pytest.mark.parametrize("part", ["Distributions", "Correlations", "Map"])
def test_each_picture_is_drawn(settings: Settings, open_screen: OpenScreen, part: str) -> None:
    screen = open_screen(settings, "data", part=part)
    assert not screen.exception
    assert len(screen.get("plotly_chart")) == 1


@pytest.mark.parametrize("name", COLUMNS)
def test_the_column_drawn_stands_in_the_address(settings: Settings, open_screen: OpenScreen, name: str) -> None:
    screen = open_screen(settings, "data", part="Distributions", column=column_rule(name).label)
    assert screen.selectbox(key="column").value == name
    assert plain(screen.caption[-1].value) == column_rule(name).help


def test_the_correlations_say_which_coefficient_they_are(settings: Settings, open_screen: OpenScreen) -> None:
    for method in Correlation:
        table = open_screen(settings, "data", part="Correlations", method=method.value).dataframe[0].value
        assert method.value in table.columns
        assert table["Column"][0] == FEATURES["median_income"].label


@pytest.mark.parametrize(
    ("shown", "points"), [("Prices", 20_640), ("Random split", 20_640), ("Spatial blocks", 16_512)]
)
def test_each_map_draws_its_rows(settings: Settings, open_screen: OpenScreen, shown: str, points: int) -> None:
    folds = settings.evaluation.model_copy(update={"spatial_folds": 5})
    screen = open_screen(settings.model_copy(update={"evaluation": folds}), "data", part="Map", map=shown)
    spec = json.loads(screen.get("plotly_chart")[0].proto.spec)
    drawn = [trace for trace in spec["data"] if trace["type"] == "scattergl"]
    assert sum(_length(trace["x"]) for trace in drawn) == points


def test_without_spatial_folds_the_map_of_blocks_says_why_it_is_empty(
    settings: Settings, open_screen: OpenScreen
) -> None:
    screen = open_screen(settings, "data", part="Map", map="Spatial blocks")
    assert "spatial_folds" in screen.info[0].value


def _length(packed: object) -> int:
    """How many numbers a trace holds: plotly packs float32."""
    if isinstance(packed, dict):
        return len(base64.b64decode(packed["bdata"])) // 4
    assert isinstance(packed, list)
    return len(packed)


# Data of one's own


def upload(screen: AppTest, content: bytes, name: str = "my houses.csv") -> AppTest:
    screen.file_uploader[0].set_value((name, content, "text/csv"))
    screen.run()
    assert not screen.exception
    return screen


def press(screen: AppTest, label: str) -> AppTest:
    next(button for button in screen.button if button.label == label).click()
    screen.run()
    assert not screen.exception
    return screen


def brought(settings: Settings, rows: pd.DataFrame, name: str) -> DatasetVersion:
    lab = Lab(settings)
    added = lab.data.add(io.BytesIO(rows.to_csv(index=False).encode()), f"{name}.csv", name, actor=TESTER)
    lab.queue.close()
    return added


def test_an_own_file_becomes_a_dataset_and_the_screen_shows_it(
    settings: Settings, open_screen: OpenScreen, real_rows: pd.DataFrame
) -> None:
    content = real_rows.head(300).to_csv(index=False).encode()
    screen = upload(open_screen(settings, "data", part="Your data"), content)
    assert screen.text_input[0].value == "my houses"
    press(screen, "Add this data")
    assert screen.query_params["data"] == "my houses"
    assert tiles(screen)["Rows"] == "300"
    assert "my houses: 300 rows were added" in spoken(screen)
    (version,) = Lab(settings).data.versions()
    assert (version.rows, version.file_name) == (300, "my houses.csv")
    assert list(screen.dataframe[0].value["Name"]) == ["my houses"]


def test_a_file_with_bad_rows_is_refused_with_line_column_and_rule(
    settings: Settings, open_screen: OpenScreen, real_rows: pd.DataFrame
) -> None:
    rows = real_rows.head(60).copy()
    rows.loc[9, "median_income"] = 83_252
    screen = upload(open_screen(settings, "data", part="Your data"), rows.to_csv(index=False).encode())
    press(screen, "Add this data")
    assert "line 11: median_income is 83252, outside 0 to 20" in plain(screen.error[0].value)
    assert Lab(settings).data.versions() == ()


def test_a_hostile_name_is_shown_as_text(settings: Settings, open_screen: OpenScreen, real_rows: pd.DataFrame) -> None:
    hostile = "<b>$5</b> [x](y) :material/delete: ../../etc"
    added = brought(settings, real_rows.head(90), hostile)
    screen = open_screen(settings, "data", part="Your data", data=hostile)
    assert tiles(screen)["Rows"] == "90"
    for text in said(screen):
        if "5" in text and "etc" in text:
            letters_of(text)
    assert settings.paths.datasets / added.sha256 in list(settings.paths.datasets.iterdir())


def test_an_address_that_names_no_dataset_is_refused_and_not_taken_for_another(
    settings: Settings, open_screen: OpenScreen
) -> None:
    for screen in ("data", "train", "tune"):
        seen = open_screen(settings, screen, data="gone")
        assert "no dataset 'gone'" in plain(seen.error[0].value)
        assert not [button for button in seen.button if button.label in {"Train", "Start the sweep"}]


def test_train_and_tune_offer_the_datasets_and_queue_the_one_that_is_chosen(
    settings: Settings, open_screen: OpenScreen, real_rows: pd.DataFrame
) -> None:
    added = brought(settings, real_rows.head(200), "North")
    train = open_screen(settings, "train", data="North", family="Ridge regression")
    assert train.selectbox(key=f"data_{added.sha256}").value == added.sha256
    press(train, "Train")
    tune = open_screen(settings, "tune", data="North")
    press(tune, "Start the sweep")
    queue = JobQueue(settings)
    (job,) = queue.list_jobs()
    assert isinstance(job.request, TrainingRequest)
    assert job.request.data_sha256 == added.sha256
    (sweep,) = queue.sweeps.newest()
    assert sweep.plan.data_sha256 == added.sha256
    queue.close()


def test_a_dataset_is_deleted_once_it_is_said_twice(
    settings: Settings, open_screen: OpenScreen, real_rows: pd.DataFrame
) -> None:
    brought(settings, real_rows.head(100), "North")
    screen = open_screen(settings, "data", part="Your data", data="North")
    press(screen, "Delete it now")
    assert Lab(settings).data.versions() == ()
    assert "data" not in screen.query_params


# Drift


def test_without_any_requests_the_screen_says_how_there_come_to_be_some(
    settings: Settings, open_screen: OpenScreen
) -> None:
    screen = open_screen(settings, "data", part="Drift")
    assert "No house was priced over REST in the last 7 days" in plain(screen.info[0].value)


def test_what_rest_was_asked_stands_beside_the_training_rows(settings: Settings, open_screen: OpenScreen) -> None:
    around = block_groups(settings)
    sketch = RequestSketch(settings.paths, "random_0.2_42")
    rich = around.numbers[:600].copy()
    rich[:, NUMERIC_COLUMNS.index("median_income")] = 14.5
    sketch.note(around, HouseRows(rich, around.place_numbers[:600]))
    sketch.count()
    screen = open_screen(settings, "data", part="Drift", days="1")
    assert "600 houses priced over REST today" in spoken(screen)
    assert any("Median income: very different" in plain(warning.value) for warning in screen.warning)
    table = screen.dataframe[0].value
    assert dict(zip(table["Feature"], table["Verdict"], strict=True))["Median income"] == "very different"


def test_files_that_are_no_counts_are_named(settings: Settings, open_screen: OpenScreen) -> None:
    settings.paths.request_counts.mkdir(parents=True)
    (settings.paths.request_counts / f"{today()}.ab.npz").write_bytes(b"damaged")
    screen = open_screen(settings, "data", part="Drift")
    assert "cannot be read" in plain(screen.warning[0].value)
    assert not screen.exception
