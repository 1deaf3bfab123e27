"""What Runs shows of a store and of one run, what its address and its form ask for, and what its buttons do."""

from __future__ import annotations

import csv
import io
import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from core.domain.configuration import load_settings
from core.domain.metrics import METRICS, RATIO_NAMES, SCORE_NAMES, figure_text
from core.domain.money import MISSING
from core.domain.provenance import FAILURE_TAG, NOTE_TAG
from core.domain.run_cells import STATUS_WORDS
from core.domain.run_query import Column, Lifecycle, RunKind, RunQuery
from core.domain.runs import Run, RunStatus
from core.domain.settings import PREFIX, Settings
from core.evaluation.fairness import PARTS
from core.tracking.runs import get_run, list_runs
from core.tracking.store import Store, open_store
from core.workflows.lab import Lab
from core.workflows.run_pages import PageSource
from tests.conftest import DATA_VARIABLE
from tests.core.varied_runs import NAMES, client_of, write_run
from tests.core.workflows.conftest import home_at
from tests.pages.conftest import Downloads, OpenScreen
from tests.pages.markdown import letters_of, plain, said

if TYPE_CHECKING:
    import pandas as pd

RUNS = 41
HOSTILE = (
    "<script>alert(1)</script>",
    "# *bold* _it_ `code` ~~no~~",
    "costs $5 or $6",
    "[here](http://127.0.0.1:9) ![x](y)",
    ":material/delete: :red[x] :smile:",
    "\u202egnp.exe",
    "one\n\n- two\n| a | b |",
)


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory, data_file: Path, empty_store_file: Path) -> Settings:
    """A home with forty-one runs of every kind, all of them read already. Read only."""
    home = home_at(tmp_path_factory.mktemp("runs") / "home", data_file, empty_store_file)
    store = open_store(home)
    for number in range(RUNS):
        changes = {"status": "SCHEDULED"} if number == RUNS - 1 else {}
        write_run(store, number, name=f"{NAMES[number % len(NAMES)]} {number}", **changes)
    read(home)
    return home


@pytest.fixture
def home(tmp_path: Path, data_file: Path, empty_store_file: Path) -> Settings:
    """A home of this test's own, whose store holds nothing."""
    return home_at(tmp_path / "home", data_file, empty_store_file)


@pytest.fixture
def away(tmp_path: Path, data_file: Path) -> Settings:
    """Settings whose MLflow server does not answer."""
    environment = {DATA_VARIABLE: str(data_file), f"{PREFIX}TRACKING__URI": "http://127.0.0.1:9"}
    return load_settings(home=tmp_path, environment=environment)


@pytest.fixture
def store(home: Settings) -> Store:
    return open_store(home)


def read(home: Settings) -> None:
    """Let the lab read all runs of the store, so that no table is drawn anew only because it has."""
    runs = Lab(home).runs
    deadline = time.monotonic() + 20
    while runs.page(RunQuery()).source is not PageSource.INDEX:
        assert time.monotonic() < deadline, "the runs are not read"
        time.sleep(0.02)
    runs.close()


def opened(open_screen: OpenScreen, home: Settings, **address: str) -> AppTest:
    """The screen, which never ends in an exception."""
    runs = open_screen(home, "runs", **address)
    assert not runs.exception
    return runs


def press(app: AppTest, label: str) -> AppTest:
    app = next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def choose(app: AppTest, label: str, value: object) -> AppTest:
    """Give the widget of that label another value."""
    fields = (*app.text_input, *app.multiselect, *app.selectbox, *app.segmented_control, *app.toggle)
    app = next(field for field in fields if field.label == label).set_value(value).run()
    assert not app.exception
    return app


def table(app: AppTest) -> pd.DataFrame:
    found: pd.DataFrame = app.dataframe[0].value
    return found


def names(app: AppTest) -> list[str]:
    """The runs of the table in its order; none where there is no table."""
    return list(table(app)["Run"]) if app.dataframe else []


def address(app: AppTest, name: str) -> str | None:
    """What the address holds under that name."""
    found = app.query_params.get(name)
    return found[0] if isinstance(found, list) else found


def told(app: AppTest) -> str:
    """The one refusal on the screen, which comes with its remedy; without the signs that only keep it as it is."""
    (error,) = app.error
    assert any("What to do" in text.value for text in app.markdown)
    return plain(error.value)


def trainings(home: Settings, lifecycle: Lifecycle = Lifecycle.ACTIVE) -> dict[str, Run]:
    """The runs that are no sweeps and no trials, by name, as MLflow has them."""
    runs = list_runs(open_store(home), limit=1_000, filter_text="tags.`sweep.id` IS NULL", lifecycle=lifecycle)
    return {run.name: run for run in runs}


def logged(store: Store, name: str = "mine", **changes: object) -> str:
    """A finished run without a note."""
    return write_run(store, 0, **{"name": name, "family": "ridge", "rmse": 50_000.0, **changes})


def test_every_training_is_shown_with_its_status_in_a_word(varied: Settings, open_screen: OpenScreen) -> None:
    runs = opened(open_screen, varied, lifecycle="all", kind="all")
    held = {run.name: run for run in list_runs(open_store(varied), limit=1_000, lifecycle=Lifecycle.ALL)}
    shown = dict(zip(names(runs), table(runs)["Status"], strict=True))
    assert shown == {name: "deleted" if run.deleted else STATUS_WORDS[run.status] for name, run in held.items()}
    assert set(shown.values()) == {"deleted", *STATUS_WORDS.values()}
    assert any(f"**{RUNS} runs.**" in caption.value for caption in runs.caption)
    assert set(names(opened(open_screen, varied))) == set(trainings(varied)), "sweeps and deleted runs when asked for"


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_what_is_missing_or_no_number_is_a_dash_and_comes_last_in_both_orders(
    varied: Settings, open_screen: OpenScreen, direction: str
) -> None:
    runs = opened(open_screen, varied, order=f"metrics.rmse {direction}")
    values = [run.metrics.get("rmse") for run in trainings(varied).values()]
    there = sorted((one for one in values if one is not None and not math.isnan(one)), reverse=direction == "DESC")
    dashes = [MISSING] * (len(values) - len(there))
    assert list(table(runs)["RMSE"]) == [figure_text("rmse", value) for value in there] + dashes
    assert len(dashes) > 1
    assert {"∞", "−∞"} <= set(table(runs)["RMSE"])
    assert MISSING in set(table(runs)["Duration"]), "a run under way has not ended"


def test_the_order_can_be_changed_in_the_form_and_stands_in_the_address(
    varied: Settings, open_screen: OpenScreen
) -> None:
    runs = choose(opened(open_screen, varied), "Sort by", Column.parse("metrics.mae"))
    assert address(runs, "order") == "metrics.mae DESC"
    by_mae = names(runs)
    assert names(opened(open_screen, varied, order="metrics.mae DESC")) == by_mae
    upwards = choose(runs, "Order", False)
    assert address(upwards, "order") == "metrics.mae ASC"
    figures = [float(text.strip("$")) for text in table(upwards)["MAE"] if text != MISSING]
    assert figures == sorted(figures)


def test_only_columns_that_vary_are_shown_until_somebody_chooses(varied: Settings, open_screen: OpenScreen) -> None:
    shown = list(table(opened(open_screen, varied)).columns)
    assert shown == ["Run", "Status", "Family", "RMSE", "MAE", "Depth", "Duration", "Data", "Started"]
    one = opened(open_screen, varied, name="FOREST of 150 13")
    assert list(table(one).columns) == ["Run", "Status", "RMSE", "MAE", "Duration", "Data", "Started"], "scores always"


def test_chosen_columns_stand_in_the_address_and_are_there_for_the_next_visitor(
    home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    logged(store)
    linked = opened(open_screen, home, columns="metrics.mae,params.all alike,tags.Colour of it")
    assert list(table(linked).columns)[2:5] == ["MAE", "all alike", "Colour of it"]
    assert list(table(opened(open_screen, home)).columns)[2:-3] == ["RMSE"], "a link changes nobody else's table"
    chosen = choose(opened(open_screen, home), "Columns", [Column.parse("params.max_depth")])
    assert address(chosen, "columns") == "params.max_depth"
    assert list(table(chosen).columns)[2:-3] == ["Depth"]
    later = opened(open_screen, home)
    assert list(table(later).columns)[2:-3] == ["Depth"]
    assert list(table(press(later, "Only what varies")).columns)[2:-3] == ["RMSE"]
    assert list(table(opened(open_screen, home)).columns)[2:-3] == ["RMSE"]


def test_params_of_two_families_that_share_a_title_are_two_columns_to_choose_and_to_sort_by(
    home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    client = client_of(store)
    for family, key, trees in (("random_forest", "n_estimators", "150"), ("hist_gradient_boosting", "max_iter", "300")):
        client.log_param(logged(store, family, family=family), key, trees)
    runs = opened(open_screen, home)
    before = set(table(runs).columns)
    again = runs.run()
    assert not again.exception
    assert set(table(again).columns) == before
    assert address(again, "columns") is None, "nobody chose any"
    for label in ("Sort by", "Columns"):
        (field,) = (box for box in (*again.selectbox, *again.multiselect) if box.label == label)
        assert len(set(field.options)) == len(field.options)
    assert address(choose(again, "Sort by", Column.parse("params.n_estimators")), "order") == "params.n_estimators DESC"


def test_the_form_filters_and_the_link_it_leaves_shows_the_same_rows(varied: Settings, open_screen: OpenScreen) -> None:
    held = trainings(varied)
    runs = choose(opened(open_screen, varied, page="1"), "Name contains", "forest")
    assert sorted(names(runs)) == sorted(name for name in held if "forest" in name.lower())
    runs = choose(runs, "Status", [RunStatus.FINISHED, RunStatus.RUNNING])
    expected = [
        name for name, run in held.items() if "forest" in name.lower() and run.status in ("FINISHED", "RUNNING")
    ]
    assert sorted(names(runs)) == sorted(expected)
    assert (address(runs, "name"), address(runs, "statuses")) == ("forest", "FINISHED,RUNNING")
    assert names(opened(open_screen, varied, name="forest", statuses="FINISHED,RUNNING")) == names(runs)
    by_family = choose(opened(open_screen, varied), "Family", ["ridge", "lightgbm"])
    assert sorted(names(by_family)) == sorted(n for n, run in held.items() if run.family in ("ridge", "lightgbm"))
    searches = choose(opened(open_screen, varied), "Kind", RunKind.SEARCHES)
    assert names(searches)
    assert not set(names(searches)) & set(held)
    data = choose(opened(open_screen, varied), "Data", " ABAB ")
    assert set(table(data)["Data"]) == {"ab" * 6}


def test_mlflows_own_filter_text_comes_on_top_of_the_form(varied: Settings, open_screen: OpenScreen) -> None:
    text = "metrics.rmse > 49000 and params.max_depth != '10'"
    runs = choose(opened(open_screen, varied, statuses="FINISHED"), "MLflow filter", f" {text} ")
    expected = list_runs(open_store(varied), filter_text=f"{text} and attributes.status = 'FINISHED'")
    held = trainings(varied)
    assert sorted(names(runs)) == sorted(run.name for run in expected if run.name in held)
    assert names(runs)
    assert address(runs, "filter_text") == text


def test_a_filter_that_is_none_is_refused_with_its_remedy_and_the_form_stays(
    varied: Settings, open_screen: OpenScreen
) -> None:
    runs = choose(opened(open_screen, varied), "MLflow filter", "rmse <")
    assert "rmse" in told(runs)
    assert not runs.dataframe
    mended = choose(runs, "MLflow filter", "metrics.rmse > 0")
    assert not mended.error
    assert names(mended)
    everything = press(choose(mended, "MLflow filter", "rmse <"), "Show all runs")
    assert not everything.error
    assert len(names(everything)) == len(trainings(varied))


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"page": "0"}, "There is no page 0"),
        ({"page": "-1"}, "page '-1' is no whole number"),
        ({"size": "100000"}, "100,000 rows"),
        ({"order": "foo"}, "'foo' names no column"),
        ({"order": "attributes.colour"}, "no attribute 'colour'"),
        ({"kind": "x"}, "'x' is none of trainings, sweeps and trials, all"),
        ({"lifecycle": "x"}, "'x' is none of active, deleted, all"),
        ({"families": "oak"}, "'oak' is none of random_forest"),
        ({"statuses": "DONE"}, "'DONE' is none of SCHEDULED"),
        ({"data": "xyz"}, "not the start of a SHA-256"),
        ({"filter_text": "rmse <"}, "MLflow refuses the filter"),
        ({"filter_text": "metrics.rmse << 5"}, "not one of '!=', '<', '<=', '=', '>', '>='."),
        ({"columns": "x"}, "'x' names no column"),
        ({"run": "nobody"}, "There is no run 'nobody'"),
        ({"run": "../../etc/passwd"}, "Invalid value"),
    ],
    ids=str,
)
def test_an_address_that_asks_for_what_is_not_there_is_refused_with_its_remedy(
    varied: Settings, open_screen: OpenScreen, wrong: dict[str, str], what: str
) -> None:
    assert what in told(opened(open_screen, varied, **wrong))


def test_from_a_wrong_address_one_click_leads_to_all_runs(varied: Settings, open_screen: OpenScreen) -> None:
    for wrong, label in (({"order": "foo"}, "Show all runs"), ({"run": "nobody"}, "All runs")):
        runs = press(opened(open_screen, varied, **wrong), label)
        assert not runs.error
        assert len(names(runs)) == len(trainings(varied))


def test_an_empty_store_says_what_to_do_next(home: Settings, open_screen: OpenScreen) -> None:
    runs = opened(open_screen, home)
    assert any("No model has been trained yet" in info.value for info in runs.info)
    assert "Train one" in [link.label for link in runs.page_link]
    assert not runs.dataframe
    assert not runs.error


def test_a_filter_that_no_run_passes_says_so_and_leads_back(varied: Settings, open_screen: OpenScreen) -> None:
    runs = opened(open_screen, varied, name="nobody is called so")
    assert [info.value for info in runs.info] == ["No run is like that."]
    assert len(names(press(runs, "Show all runs"))) == len(trainings(varied))


def test_a_store_that_does_not_answer_is_named_with_a_remedy_on_every_view(
    away: Settings, open_screen: OpenScreen
) -> None:
    runs = opened(open_screen, away)
    assert "127.0.0.1:9" in plain(" ".join(said(runs)))
    assert told(runs)
    runs.query_params["run"] = "0" * 32
    assert told(runs.run())
    assert not runs.exception
    compare = runs.switch_page("compare.py").run()
    assert told(compare)
    compare.query_params["runs"] = f"{'0' * 32},{'1' * 32}"
    assert told(compare.run())
    assert not compare.exception


def test_the_pages_of_the_address_show_each_run_once(varied: Settings, open_screen: OpenScreen) -> None:
    held = trainings(varied)
    shown: list[str] = []
    for page in range(1, math.ceil(len(held) / 7) + 1):
        shown += names(opened(open_screen, varied, size="7", page=str(page), order="metrics.rmse"))
    assert len(shown) == len(held)
    assert set(shown) == set(held)
    beyond = opened(open_screen, varied, size="7", page="999", order="metrics.rmse")
    assert names(beyond) == shown[-len(names(beyond)) :], "after the last page comes the last page"


def test_the_page_buttons_turn_the_page_and_another_filter_begins_at_the_first(
    varied: Settings, open_screen: OpenScreen
) -> None:
    runs = opened(open_screen, varied, size="7")
    first = names(runs)
    second = runs.pagination[0].set_value(2).run()
    assert not second.exception
    assert address(second, "page") == "2"
    assert not set(names(second)) & set(first)
    assert names(opened(open_screen, varied, size="7", page="2")) == names(second)
    filtered = choose(second, "Status", [RunStatus.FINISHED])
    assert address(filtered, "page") is None
    assert set(table(filtered)["Status"]) == {"finished"}


def test_picked_runs_stand_in_the_address_over_all_pages(varied: Settings, open_screen: OpenScreen) -> None:
    held = trainings(varied)
    some = [run.run_id for run in held.values()][:3]
    runs = opened(open_screen, varied, picked=",".join(some), size="2")
    assert any("3 picked, 1 of them not on this page" in text.value for text in runs.caption)
    assert not next(button for button in runs.button if button.label == "Compare").disabled
    cleared = press(runs, "Clear")
    assert address(cleared, "picked") is None
    assert next(button for button in cleared.button if button.label == "Compare").disabled


def test_compare_takes_the_picked_runs_along(varied: Settings, open_screen: OpenScreen) -> None:
    some = [run.run_id for run in trainings(varied).values()][:2]
    compare = press(opened(open_screen, varied, picked=",".join(some)), "Compare")
    assert [title.value for title in compare.title] == ["Compare"]
    assert address(compare, "runs") == ",".join(some)


def test_a_tag_is_set_on_all_picked_runs_and_shows_in_the_next_table(
    home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    first, second, third = (logged(store, name) for name in ("first", "second", "third"))
    read(home)
    runs = opened(open_screen, home, picked=f"{first},{second}", columns="tags.team/of it")
    choose_in_form(runs, "Tag", " team/of it ")
    choose_in_form(runs, "Value", "<b>us</b>")
    runs = press(runs, "Tag now")
    assert not runs.error
    assert [toast.value for toast in runs.toast] == ["Tagged 2 runs\\."]
    tags = [get_run(store, run_id).tags.get("team/of it") for run_id in (first, second, third)]
    assert tags == ["<b>us</b>", "<b>us</b>", None]
    shown = dict(zip(names(runs), table(runs)["team/of it"], strict=True))
    assert shown == {"first": "<b>us</b>", "second": "<b>us</b>", "third": MISSING}
    choose_in_form(runs, "Tag", "mlflow.user")
    refused = press(runs, "Tag now")
    assert "where a run comes from" in told(refused)


def choose_in_form(app: AppTest, label: str, value: str) -> None:
    next(field for field in (*app.text_input, *app.text_area) if field.label == label).set_value(value)


def test_a_note_is_written_from_the_table_and_stands_in_the_runs_own_view(
    home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    run_id = logged(store)
    read(home)
    runs = opened(open_screen, home, picked=run_id)
    choose_in_form(runs, "Note", "the best so far")
    runs = press(runs, "Save the note")
    assert [toast.value for toast in runs.toast] == ["The note is saved\\."]
    assert get_run(store, run_id).note == "the best so far"
    assert [area.value for area in opened(open_screen, home, picked=run_id).text_area] == ["the best so far"]
    assert "the best so far" in [text.value for text in opened(open_screen, home, run=run_id).markdown]


def test_a_deleted_run_leaves_the_table_and_comes_back_when_it_is_restored(
    home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    gone = logged(store, "goes")
    logged(store, "stays")
    read(home)
    runs = press(opened(open_screen, home, picked=gone), "Delete now")
    assert [toast.value for toast in runs.toast] == ["Deleted 1 run\\."]
    assert names(runs) == ["stays"]
    assert address(runs, "picked") is None, "nothing is picked any more"
    assert get_run(store, gone).deleted
    assert ":gray-badge[deleted]" in [text.value for text in opened(open_screen, home, run=gone).markdown]
    bin_ = opened(open_screen, home, lifecycle="deleted", picked=gone)
    assert (names(bin_), list(table(bin_)["Status"])) == (["goes"], ["deleted"])
    assert "Delete now" not in [button.label for button in bin_.button]
    emptied = press(bin_, "Restore")
    assert not emptied.error
    assert not get_run(store, gone).deleted
    assert sorted(names(opened(open_screen, home))) == ["goes", "stays"]


def test_the_champions_run_cannot_be_deleted_and_the_others_are(
    home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    serving, other = logged(store, "serves"), logged(store, "other")
    client = client_of(store)
    client.create_model_version(store.model_name, "file:///nowhere", run_id=serving)
    client.set_registered_model_alias(store.model_name, "champion", "1")
    read(home)
    runs = press(opened(open_screen, home, picked=f"{serving},{other}"), "Delete now")
    why = "1 of 2 runs are deleted. Not deleted: serves: Its version is the champion."
    assert why in told(runs)
    assert names(runs) == ["serves"], "the table is true at once"
    assert why in told(runs.run()), "the refusal outlives the table that is drawn anew"
    assert not press(runs, "Clear").error
    assert not get_run(store, serving).deleted
    assert get_run(store, other).deleted
    left = opened(open_screen, home)
    assert names(left) == ["serves"]
    assert list(table(left)["Alias"]) == [["champion"]]


def test_runs_that_are_gone_can_stay_picked_and_do_no_harm(
    home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    logged(store)
    read(home)
    runs = opened(open_screen, home, picked=f"nobody,{'0' * 32}")
    assert "there is no such run" in told(press(runs, "Delete now"))
    alone = opened(open_screen, home, picked="nobody")
    assert "There is no run 'nobody'" in told(alone)
    assert names(alone) == ["mine"], "the table is there all the same"


def test_the_export_holds_what_the_filter_leaves_or_what_is_picked(
    varied: Settings, open_screen: OpenScreen, downloads: Downloads
) -> None:
    def exported(**asked: str) -> list[dict[str, str]]:
        opened(open_screen, varied, **asked)
        (made,) = (make for name, make in downloads.items() if name.endswith(".csv"))
        return list(csv.DictReader(io.StringIO(str(made()), newline="")))

    held = trainings(varied)
    finished = [run for run in held.values() if run.status is RunStatus.FINISHED]
    assert {row["run_id"] for row in exported(statuses="FINISHED")} == {run.run_id for run in finished}
    (row,) = exported(picked=finished[0].run_id)
    assert row["params.`all alike`"] == "yes"
    formulas = [row["name"] for row in exported(lifecycle="deleted") if "=1+1" in row["name"]]
    assert formulas
    assert not [name for name in formulas if name.startswith("=")], "no spreadsheet takes it for a formula"


def test_the_charts_are_drawn_when_asked_for_and_of_what_the_filter_leaves(
    varied: Settings, open_screen: OpenScreen
) -> None:
    runs = opened(open_screen, varied, statuses="FINISHED")
    assert not runs.main.get("plotly_chart")
    drawn = choose(runs, "Charts", True)
    assert len(drawn.main.get("plotly_chart")) == 1, "the picture that is looked at, and no other"
    for picture in ("Mean by param", "Boxes", "Lines"):
        linked = opened(open_screen, varied, charts="true", picture=picture)
        assert len(linked.main.get("plotly_chart")) == 1
    fewer = choose(choose(drawn, "Across", Column.parse("metrics.mae")), "Name contains", "forest 36")
    assert len(fewer.main.get("plotly_chart")) == 1, "this run has no MAE to draw across"
    nothing = choose(fewer, "Name contains", "nobody is called so")
    assert not nothing.main.get("plotly_chart")


def test_any_two_columns_are_drawn_against_each_other_and_means_only_of_metrics(
    varied: Settings, open_screen: OpenScreen
) -> None:
    runs = opened(open_screen, varied, charts="true")
    family = Column.parse("params.family")
    params = choose(choose(runs, "Across", Column.parse("params.max_depth")), "Upwards", family)
    assert len(params.main.get("plotly_chart")) == 1
    for picture, drawn in (("Boxes", 0), ("Mean by param", 0), ("Lines", 1)):
        other = choose(opened(open_screen, varied, charts="true", picture=picture), "Upwards", family)
        assert len(other.main.get("plotly_chart")) == drawn
        assert ("Choose a metric upwards" in "".join(said(other))) is not bool(drawn)


def test_a_runs_own_view_shows_its_scores_lineage_params_and_files(
    trained_settings: Settings, open_screen: OpenScreen, downloads: Downloads
) -> None:
    (run,) = list_runs(open_store(trained_settings))
    run_id = run.run_id
    view = opened(open_screen, trained_settings, run=run_id)
    assert letters_of(view.title[0].value) == run.name
    assert [metric.value for metric in view.metric] == [figure_text(name, run.metrics[name]) for name in SCORE_NAMES]
    assert any(run_id in caption.value for caption in view.caption)
    assert ":green-badge[finished]" in [text.value for text in view.markdown]
    assert len(view.main.get("plotly_chart")) == 1, "the tab that is open, and no other"

    def show(tab: str) -> AppTest:
        return opened(open_screen, trained_settings, run=run_id, show=tab)

    lineage = dict(zip(*(table(show("Lineage"))[title] for title in ("What", "Value")), strict=True))
    assert lineage["Data SHA-256"] == run.tags["data.sha256"]
    assert lineage["Split"] == run.tags["split"]
    assert lineage["Code"] == run.tags["code.version"]
    params, metrics, tags = (frame.value for frame in show("Params and metrics").dataframe)
    assert dict(zip(params["Param"], params["Value"], strict=True))["Depth"] == "12"
    assert figure_text("mae", run.metrics["mae"]) in set(metrics["Figure"])
    assert set(tags["Tag"]) == set(run.tags)
    files = show("Files")
    (file,) = (box for box in files.selectbox if box.label == "File")
    assert any("predictions.parquet" in option for option in file.options)
    kept = Lab(trained_settings).runs
    assert downloads[Path(file.value).name]() == kept.artifact(run_id, file.value)
    for name in ("Residuals", "Error map", "Importance"):
        picture = show(name)
        assert len(picture.main.get("plotly_chart")) == 1
        assert not picture.error
    fair = show("Fairness")
    assert len(fair.main.get("plotly_chart")) == 2
    ranges, bands = (frame.value for frame in fair.dataframe)
    shown = dict(zip(ranges["Figure"], ranges["Without capped rows"], strict=True))
    assert shown == {METRICS[name].label: figure_text(name, run.metrics[name]) for name in RATIO_NAMES}
    assert len(bands) == PARTS
    back = press(view, "All runs")
    assert address(back, "run") is None
    assert names(back)


def test_a_step_curve_can_be_chosen_where_a_run_logged_any(
    home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    run_id = logged(store)
    none = opened(open_screen, home, run=run_id, show="Curves")
    assert any("no metric step by step" in text.value for text in none.caption)
    for step in range(3):
        client_of(store).log_metric(run_id, "held_out_rmse", 50_000.0 - step, step=step)
    view = opened(open_screen, home, run=run_id, show="Curves")
    (metric,) = (box for box in view.selectbox if box.label == "Metric")
    assert metric.options == ["RMSE while growing"]
    assert len(view.main.get("plotly_chart")) == 1


def test_a_failed_run_shows_its_failure_and_no_figure_it_never_had(
    home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    run_id = logged(store, "broken", rmse=math.nan, status="FAILED")
    client_of(store).set_tag(run_id, FAILURE_TAG, "The disk is full: 0 bytes *left* in $HOME.")
    view = opened(open_screen, home, run=run_id)
    assert letters_of(view.error[0].value) == "The disk is full: 0 bytes *left* in $HOME."
    assert ":red-badge[failed]" in [text.value for text in view.markdown]
    assert {metric.value for metric in view.metric} == {MISSING}


def test_the_score_of_a_run_that_logged_no_other_is_shown(
    home: Settings, store: Store, open_screen: OpenScreen
) -> None:
    client = client_of(store)
    run_id = client.create_run(store.experiment_id, run_name="another program's").info.run_id
    client.log_metric(run_id, "rmse", 50_123.0)
    shown = {metric.label: metric.value for metric in opened(open_screen, home, run=run_id).metric}
    assert shown == {"RMSE": "$50,123", "MAE": MISSING, "R²": MISSING, "MAPE": MISSING}


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_hostile_names_notes_and_tags_are_shown_letter_by_letter(
    home: Settings, store: Store, open_screen: OpenScreen, text: str
) -> None:
    run_id = logged(store, text)
    client = client_of(store)
    for tag in (NOTE_TAG, FAILURE_TAG, "colour"):
        client.set_tag(run_id, tag, text)
    runs = opened(open_screen, home, columns="tags.colour", name=text.split("\n")[0], picked=run_id)
    assert names(runs) == [text]
    assert list(table(runs)["colour"]) == [text]
    view = opened(open_screen, home, run=run_id)
    assert letters_of(view.title[0].value) == text
    assert letters_of(view.error[0].value) == text
    (note,) = (body.value for body in view.markdown if plain(body.value) == text)
    assert letters_of(note) == text
    refused = choose(runs, "MLflow filter", f"tags.x = {text}")
    assert "What to do" in " ".join(said(refused))
    assert not [body for screen in (runs, view, refused) for body in said(screen) if text in body]


def test_the_help_of_a_column_is_shown_letter_by_letter(home: Settings, store: Store, open_screen: OpenScreen) -> None:
    client_of(store).log_metric(logged(store), "a:material/delete: _x_", 1.0)
    runs = opened(open_screen, home, columns="metrics.`a:material/delete: _x_`")
    helped = json.loads(runs.dataframe[0].proto.columns)["a:material/delete: _x_"]["help"]
    assert letters_of(helped) == "The metric a:material/delete: _x_, as its run logged it."


NAMES_OF_ADDRESS = [
    *RunQuery.__dataclass_fields__,
    "picked",
    "columns",
    "run",
    "runs",
    "charts",
    "picture",
    "chart_x",
    "show",
    "x",
]
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(
        [
            *(
                "true",
                "Lines",
                "Files",
                "RMSE",
                "0",
                "1",
                "2",
                "999999999",
                "1e3",
                "٣",
                ",",
                ",,",
                "asc",
                "all",
                "deleted",
                "ridge",
                "FAILED,RUNNING",
            ),
            *("metrics.rmse", "metrics.`rmse` desc", "params.", "tags.a b ASC", "attributes.status", "' OR 1=1", "ab"),
            *(
                "metrics.rmse < 1",
                "tags.x LIKE '%'",
                "status = 'FINISHED'",
                "run_id IN ('x')",
                "metrics.`",
                "\0",
                "%27",
            ),
        ]
    ),
)


@given(asked=st.dictionaries(st.sampled_from(NAMES_OF_ADDRESS), TEXTS, max_size=4))
@profile(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_address_gives_a_screen_or_a_refusal_with_its_remedy(
    varied: Settings, open_screen: OpenScreen, asked: dict[str, str]
) -> None:
    runs = opened(open_screen, varied, **asked)
    if runs.error:
        assert any("What to do" in text.value for text in runs.markdown)
    else:
        assert runs.dataframe or runs.info
