"""What Compare says of runs side by side, and how it refuses what cannot be compared."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from core.domain.metrics import METRICS, SCORE_NAMES, figure_text
from core.domain.money import MISSING, dollars
from core.domain.run_query import Column
from core.domain.settings import Settings
from core.evaluation.significance import Verdict
from core.tracking.runs import get_run
from core.workflows.comparing import Comparing
from core.workflows.comparison_views import Comparison
from core.workflows.comparison_words import change_text, interval_text
from tests.conftest import ComparedHome
from tests.core.varied_runs import client_of
from tests.core.workflows.conftest import home_at
from tests.pages.conftest import Downloads, OpenScreen
from tests.pages.markdown import plain, said

if TYPE_CHECKING:
    import pandas as pd

RUNS = ("steady 1", "steady 2", "ridge", "shallow 1", "shallow 2")
WHERE = "Where they differ"
HOSTILE = "<b>$5</b> [x](y) :material/delete:\u202e"


@pytest.fixture(scope="module")
def compared(compared_home: ComparedHome) -> Comparison:
    """What the screen is to show of the five runs."""
    return Comparing(compared_home.settings, lambda: compared_home.store).compare(compared_home.ids(*RUNS))


@pytest.fixture(scope="module")
def broken(compared_home: ComparedHome) -> str:
    """A run that failed, under a hostile name."""
    client = client_of(compared_home.store)
    run_id = client.create_run(compared_home.store.experiment_id, run_name=HOSTILE).info.run_id
    client.log_metric(run_id, "rmse", float("nan"))
    client.log_param(run_id, "max_depth", HOSTILE)
    client.set_terminated(run_id, "FAILED")
    return str(run_id)


def opened(open_screen: OpenScreen, settings: Settings, *run_ids: str, **address: str) -> AppTest:
    """The screen over these runs, which never ends in an exception."""
    named = {"runs": ",".join(run_ids)} if run_ids else {}
    compare = open_screen(settings, "compare", **named, **address)
    assert not compare.exception
    return compare


def tables(app: AppTest) -> list[pd.DataFrame]:
    """The scores in dollars, those without a unit, then the other tables; that of further metrics left out."""
    found = [frame.value for frame in app.dataframe]
    return [table for table in found if "Run" not in table or {*table} & {"RMSE", "R²"}]


def told(app: AppTest) -> str:
    """The one refusal on the screen, which comes with its remedy."""
    (error,) = app.error
    assert any("What to do" in text.value for text in app.markdown)
    return plain(error.value)


def test_each_run_has_its_scores_differences_intervals_and_a_word(
    compared_home: ComparedHome, compared: Comparison, open_screen: OpenScreen
) -> None:
    compare = opened(open_screen, compared_home.settings, *compared_home.ids(*RUNS))
    in_dollars, without = tables(compare)[:2]
    assert list(in_dollars)[1:5] == ["RMSE", "RMSE difference", "RMSE 95 % interval", "Verdict"], "first on a phone"
    assert list(in_dollars["Run"]) == list(without["Run"]) == [one.label for one in compared.runs]
    metrics = in_dollars.join(without.drop(columns="Run"))
    assert list(metrics["Verdict"]) == ["baseline", "no real difference", "worse", "worse", "worse"]
    for place, one in enumerate(compared.runs):
        row = metrics.iloc[place]
        for name in SCORE_NAMES:
            label, judged = METRICS[name].label, one.differences.get(name)
            assert row[label] == figure_text(name, one.run.metrics[name])
            assert row[f"{label} difference"] == (change_text(name, judged.delta) if judged else MISSING)
            assert row[f"{label} 95 % interval"] == interval_text(name, judged)
    (answer,) = (plain(info.value) for info in compare.info)
    assert "Worse than" in answer
    assert "No real difference to" in answer
    assert any("4,128 held-out rows" in plain(caption.value) for caption in compare.caption)
    assert not compare.warning
    assert not compare.error


def test_another_baseline_turns_the_words_around_and_stands_first_in_the_address(
    compared_home: ComparedHome, open_screen: OpenScreen
) -> None:
    steady, ridge = compared_home.ids("steady 1", "ridge")
    compare = opened(open_screen, compared_home.settings, steady, ridge)
    assert list(tables(compare)[0]["Verdict"]) == ["baseline", "worse"]
    (baseline,) = (box for box in compare.selectbox if box.label == "Baseline")
    baseline.set_value(ridge).run()
    assert not compare.exception
    assert compare.query_params["runs"] in (f"{ridge},{steady}", [f"{ridge},{steady}"])
    assert list(tables(compare)[0]["Verdict"]) == ["baseline", "better"]


def test_a_run_that_cannot_be_compared_gets_no_figure_and_the_reason(
    compared_home: ComparedHome, broken: str, open_screen: OpenScreen
) -> None:
    compare = opened(open_screen, compared_home.settings, *compared_home.ids("steady 1", "ridge"), broken)
    row = tables(compare)[0].iloc[2]
    assert row["Verdict"] == Verdict.NOT_COMPARABLE
    assert {row["RMSE"], row["RMSE difference"], row["RMSE 95 % interval"]} == {MISSING}
    (warning,) = (plain(warning.value) for warning in compare.warning)
    assert "failed, so it has no scores to compare" in warning
    alone = opened(open_screen, compared_home.settings, broken, compared_home.run_ids["ridge"], part=WHERE)
    assert list(tables(alone)[0]["Verdict"]) == ["baseline", Verdict.NOT_COMPARABLE]
    assert not alone.info, "there is no answer"
    assert not any("bootstrap" in caption.value for caption in alone.caption), "nothing was compared"
    assert not alone.error
    assert any("No run has a difference" in caption.value for caption in alone.caption)


def test_hostile_names_and_params_are_shown_letter_by_letter(
    compared_home: ComparedHome, broken: str, open_screen: OpenScreen
) -> None:
    compare = opened(open_screen, compared_home.settings, broken, compared_home.run_ids["shallow 1"])
    label = HOSTILE.replace("\u202e", "�")
    assert label in tables(compare)[0]["Run"].to_list()
    assert any(label in plain(body) for body in said(compare))
    assert not [body for body in said(compare) if "<b>" in body or "$5" in body.replace("\\$", "") or "[x]" in body]
    assert not [body for body in said(compare) if "\u202e" in body]


def test_the_params_that_differ_are_shown_and_the_others_when_asked_for(
    compared_home: ComparedHome, open_screen: OpenScreen
) -> None:
    compare = opened(open_screen, compared_home.settings, *compared_home.ids("steady 1", "steady 2"))
    params = tables(compare)[2]
    assert params.to_numpy().tolist() == [["Seed", "1", "2"]]
    (toggle,) = compare.toggle
    toggle.set_value(True).run()
    assert not compare.exception
    every = tables(compare)[2]
    assert len(every) > 1
    assert every["Param"].iloc[0] == "Seed"
    depth = every[every["Param"] == "Depth"]
    assert depth.to_numpy().tolist() == [["Depth", "10", "10"]]


def test_settings_are_judged_over_their_seeds(
    compared_home: ComparedHome, compared: Comparison, open_screen: OpenScreen
) -> None:
    compare = opened(open_screen, compared_home.settings, *compared_home.ids(*RUNS))
    groups = tables(compare)[3]
    assert list(groups["Seeds"]) == ["1, 2", "1", "1, 2"]
    assert list(groups["Mean RMSE"]) == [dollars(group.rmse.mean) for group in compared.groups]
    assert list(groups["Verdict"]) == [MISSING, MISSING, "worse"]
    (alone,) = (group for group in compared.groups if len(group.seeds) == 1)
    said_below = [plain(caption.value) for caption in compare.caption]
    assert f"{alone.label}: {alone.note}" in said_below, "one seed alone is no claim about settings"
    two = opened(open_screen, compared_home.settings, *compared_home.ids("steady 1", "steady 2"))
    assert len(two.dataframe) < len(compare.dataframe), "one spec alone has nothing to be judged against"


def test_the_parts_show_where_runs_differ_their_pictures_and_their_profile(
    compared_home: ComparedHome, compared: Comparison, open_screen: OpenScreen
) -> None:
    ids = compared_home.ids(*RUNS)
    compare = opened(open_screen, compared_home.settings, *ids)
    assert len(compare.main.get("plotly_chart")) == 5
    rows = tables(compare)[-1]
    assert list(rows["Row"]) == [f"{line.row_id:,}" for line in compared.disagreements]
    assert list(rows["Apart"]) == [dollars(line.spread) for line in compared.disagreements]
    over = opened(open_screen, compared_home.settings, *ids, part="Over all runs")
    assert len(over.main.get("plotly_chart")) == 6
    (across,) = (box for box in over.selectbox if box.label == "Across")
    assert len(set(across.options)) == len(across.options)
    (up,) = (box for box in over.selectbox if box.label == "Upwards")
    two_params = up.set_value(Column.parse("params.max_depth")).run()
    assert not two_params.exception
    assert "Choose a metric upwards" in "".join(said(two_params))
    assert len(two_params.main.get("plotly_chart")) == 4, "two params against each other, without means and boxes"
    profiles = tables(opened(open_screen, compared_home.settings, *ids, part="Score profile"))[-1]
    assert list(profiles["Without capped rows"]) == [dollars(one.without_capped) for one in compared.profiles]
    assert set(profiles["Spatial RMSE"]) == {MISSING}, "nobody logged one, and nobody invents one"


def test_the_report_holds_the_figures_of_the_screen(
    compared_home: ComparedHome, open_screen: OpenScreen, downloads: Downloads
) -> None:
    compare = opened(open_screen, compared_home.settings, *compared_home.ids(*RUNS))
    ((name, make),) = downloads.items()
    assert re.fullmatch(r"comparison-\d{8}-\d{4}\.html", name)
    report = str(make())
    body = html.unescape(re.sub(r"<script.*?</script>|<[^>]+>", "\n", report, flags=re.DOTALL))
    in_dollars, without, params, groups, *_ = tables(compare)
    for metrics in (in_dollars, without):
        for title in metrics.columns:
            if title.startswith(("RMSE", "MAE", "R²", "MAPE")):
                assert not [figure for figure in metrics[title] if figure not in body], title
    for verdict in {*in_dollars["Verdict"], *groups["Verdict"]}:
        assert verdict in body
    for figure in (*groups["Mean RMSE"], *groups["Difference"], *groups["95 % interval"], *params.iloc[0]):
        assert figure in body
    for sentence in plain(compare.info[0].value).split("  \n"):
        assert sentence in body
    assert "http://" not in re.sub(r"<script.*?</script>", "", report, flags=re.DOTALL).replace("http://www.w3.org", "")


def test_without_runs_in_the_address_two_can_be_chosen_and_compared(
    compared_home: ComparedHome, open_screen: OpenScreen
) -> None:
    ridge, steady = compared_home.ids("ridge", "steady 3")
    for named in ((), (ridge,), (ridge, ridge)):
        compare = opened(open_screen, compared_home.settings, *named)
        assert any("Choose two runs or more" in info.value for info in compare.info)
        (chosen,) = compare.multiselect
        assert chosen.value == list(dict.fromkeys(named))
        assert len(set(chosen.options)) == len(chosen.options), "no two runs are offered under one name"
        (button,) = (button for button in compare.button if button.label == "Compare")
        assert button.disabled
    chosen.set_value([ridge, steady]).run()
    next(button for button in compare.button if button.label == "Compare").click().run()
    assert not compare.exception
    assert compare.query_params["runs"] in (f"{ridge},{steady}", [f"{ridge},{steady}"])
    assert list(tables(compare)[0]["Verdict"]) == ["baseline", "better"]


def test_an_empty_store_leads_to_a_training(
    tmp_path: Path, data_file: Path, empty_store_file: Path, open_screen: OpenScreen
) -> None:
    compare = opened(open_screen, home_at(tmp_path / "home", data_file, empty_store_file))
    assert any("Two trained models are needed" in info.value for info in compare.info)
    assert [link.label for link in compare.page_link] == ["Train one"]


def test_an_address_that_names_no_comparison_is_refused_with_its_remedy(
    compared_home: ComparedHome, open_screen: OpenScreen
) -> None:
    ridge, steady = compared_home.ids("ridge", "steady 1")
    unknown = "0" * 32
    for named, what in (
        ((ridge, unknown), f"1 of the 2 runs is not there: {unknown}."),
        ((unknown, "' OR 1=1"), f'2 of the 2 runs are not there: {unknown}, "\' OR 1=1".'),
        (tuple(f"{number:032x}" for number in range(21)), "21 runs cannot be compared: it takes 2 to 20."),
    ):
        compare = opened(open_screen, compared_home.settings, *named)
        assert told(compare) == what
        assert not compare.dataframe
    twice = opened(open_screen, compared_home.settings, ridge, steady, ridge)
    assert len(tables(twice)[0]) == 2, "a run named twice is one run"


def test_a_deleted_run_in_a_copied_link_is_still_compared(compared_home: ComparedHome, open_screen: OpenScreen) -> None:
    ridge, steady = compared_home.ids("ridge", "shallow 2")
    client_of(compared_home.store).delete_run(steady)
    try:
        compare = opened(open_screen, compared_home.settings, ridge, steady)
        assert len(tables(compare)[0]) == 2
        assert not compare.error
    finally:
        client_of(compared_home.store).restore_run(steady)
    assert not get_run(compared_home.store, steady).deleted


WORDS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(["ridge", "steady 1", "shallow 1", "0" * 32, "", " ", "\0", "' OR 1=1", "%"]),
)


@given(
    words=st.lists(WORDS, max_size=5),
    more=st.dictionaries(
        st.sampled_from(["part", "beside", "across", "upwards", "all_params", "run"]), WORDS, max_size=2
    ),
)
@profile(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_address_gives_a_comparison_a_choice_or_a_refusal(
    compared_home: ComparedHome, open_screen: OpenScreen, words: list[str], more: dict[str, str]
) -> None:
    run_ids = [compared_home.run_ids.get(word, word) for word in words]
    compare = opened(open_screen, compared_home.settings, *run_ids, **more)
    if compare.error:
        assert told(compare)
    else:
        assert compare.dataframe or compare.multiselect
