"""Comparing runs of a real store: what has a difference, what has none and why, and that the figures are true."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.entities import Metric, Param, RunTag

from core.domain.configuration import load_settings
from core.domain.errors import InvalidFilter, NotFound
from core.domain.house import RAW_COLUMNS
from core.domain.metrics import SCORE_NAMES
from core.evaluation.evaluate import score
from core.evaluation.significance import Verdict, error_differences
from core.tracking.runs import PREDICTIONS_FILE, get_run, read_predictions
from core.tracking.store import Connection
from core.workflows.chosen_runs import resolve_run_ids
from core.workflows.comparing import Comparing
from core.workflows.comparison import MOST_RUNS
from core.workflows.comparison_views import Comparison
from core.workflows.lab import Lab
from tests.conftest import DATA_VARIABLE, ComparedHome

ALL = ("steady 1", "steady 2", "steady 3", "ridge", "shallow 1", "shallow 2")


@pytest.fixture(scope="module")
def desk(compared_home: ComparedHome) -> Comparing:
    return Comparing(compared_home.settings, lambda: compared_home.store)


@pytest.fixture(scope="module")
def six(desk: Comparing, compared_home: ComparedHome) -> Comparison:
    return desk.compare(compared_home.ids(*ALL))


@pytest.fixture(scope="module")
def base_rows(compared_home: ComparedHome) -> pd.DataFrame:
    columns = ("row_id", "actual", "predicted")
    found = read_predictions(compared_home.store, compared_home.run_ids["steady 1"])
    return pd.DataFrame(dict(zip(columns, found, strict=True)))


def logged(
    home: ComparedHome,
    rows: pd.DataFrame | bytes | None,
    name: str = "odd",
    *,
    tags: Mapping[str, str | None] | None = None,
    status: str = "FINISHED",
    metrics: Mapping[str, float] | None = None,
    params: Mapping[str, str] | None = None,
) -> str:
    """A run as any MLflow client logs one, with the data and split of the trained ones unless told otherwise."""
    client = home.store.client
    trained = get_run(home.store, home.run_ids["steady 1"]).tags
    marks = {"data.sha256": trained["data.sha256"], "split": trained["split"], **(tags or {})}
    run_id = client.create_run(home.store.experiment_id, run_name=name).info.run_id
    client.log_batch(
        run_id,
        metrics=[Metric(key, value, 1, 0) for key, value in (metrics or {"rmse": 5e4}).items()],
        params=[Param(key, value) for key, value in (params or {}).items()],
        tags=[RunTag(key, value) for key, value in marks.items() if value is not None],
    )
    if rows is not None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, PREDICTIONS_FILE)
            file.write_bytes(rows) if isinstance(rows, bytes) else rows.to_parquet(file, index=False)
            client.log_artifact(run_id, str(file))
    if status != "RUNNING":
        client.set_terminated(run_id, status)
    return str(run_id)


def test_each_difference_is_that_of_the_two_runs_predictions(six: Comparison, compared_home: ComparedHome) -> None:
    assert [one.run.run_id for one in six.runs] == compared_home.ids(*ALL)
    assert six.baseline.differences == {}
    _, actual, base = read_predictions(compared_home.store, six.baseline.run.run_id)
    for one in six.runs[1:]:
        order, _, predicted = read_predictions(compared_home.store, one.run.run_id)
        assert set(one.differences) == set(SCORE_NAMES)
        for name, alone in error_differences(actual, predicted, base).items():
            judged = one.differences[name]
            assert judged.delta == pytest.approx(alone.delta)
            # The rows are drawn in the order of their ids, not of the file.
            width = alone.high - alone.low
            assert [judged.low, judged.high] == pytest.approx([alone.low, alone.high], abs=0.15 * width)
        own, theirs = (run.metrics for run in (one.run, six.baseline.run))
        for name in SCORE_NAMES:
            assert one.differences[name].delta == pytest.approx(own[name] - theirs[name])
        assert len(order) == 4_128


def test_seeds_of_one_spec_do_not_really_differ_and_a_ridge_is_worse(six: Comparison) -> None:
    words = [one.differences["rmse"].verdict for one in six.runs[1:]]
    assert words[:2] == [Verdict.NO_REAL_DIFFERENCE] * 2
    assert words[2:] == [Verdict.WORSE] * 3
    assert [bool(one.note) for one in six.runs] == [False, True, True, False, False, False]
    assert all(one.is_compared and not one.not_compared for one in six.runs[1:])
    assert six.comparable == six.runs


def test_what_differs_stands_on_top_and_has_the_knobs_names(six: Comparison) -> None:
    differ = [line.differs for line in six.params]
    assert differ == sorted(differ, reverse=True)
    lines = {line.name: line for line in six.params}
    assert lines["family"].values[2:4] == ("Random forest", "Ridge regression")
    assert (lines["n_estimators"].label, lines["n_estimators"].values) == (
        "Trees",
        ("60", "60", "60", None, "10", "10"),
    )
    assert lines["seed"].values == ("1", "2", "3", "1", "1", "2")
    assert len({line.label for line in six.params}) == len(six.params)


def test_params_that_agree_are_told_apart_from_those_that_differ(desk: Comparing, compared_home: ComparedHome) -> None:
    compared = desk.compare(compared_home.ids("steady 1", "steady 2"))
    assert [line.name for line in compared.params if line.differs] == ["seed"]


def test_settings_are_compared_over_their_seeds(six: Comparison, compared_home: ComparedHome) -> None:
    steady, ridge, shallow = six.groups
    assert (steady.run_ids, steady.seeds) == (tuple(compared_home.ids(*ALL[:3])), (1, 2, 3))
    assert (steady.against_baseline, steady.note) == (None, "")
    assert steady.rmse.mean == pytest.approx(np.mean([one.run.metrics["rmse"] for one in six.runs[:3]]))
    assert (ridge.label, ridge.against_baseline) == ("Ridge regression", None)
    assert "two fitted models, not about settings" in ridge.note
    assert shallow.against_baseline is not None
    assert shallow.against_baseline.verdict is Verdict.WORSE
    assert shallow.against_baseline.delta == pytest.approx(shallow.rmse.mean - steady.rmse.mean)
    assert len({group.label for group in six.groups}) == 3


def test_a_baseline_of_one_seed_makes_no_claim_about_settings(desk: Comparing, compared_home: ComparedHome) -> None:
    groups = desk.compare(compared_home.ids("ridge", "steady 1", "steady 2")).groups
    assert [group.against_baseline for group in groups] == [None, None]
    assert "baseline's settings have one seed" in groups[1].note


def test_a_seed_trained_twice_counts_once(
    desk: Comparing, compared_home: ComparedHome, base_rows: pd.DataFrame
) -> None:
    params = get_run(compared_home.store, compared_home.run_ids["steady 1"]).params
    twin = logged(compared_home, base_rows, "twin", params=params)
    compared = desk.compare([*compared_home.ids("steady 1", "steady 2"), twin])
    (group,) = compared.groups
    assert (len(group.run_ids), group.seeds) == (3, (1, 2))
    assert compared.runs[2].differences["rmse"].delta == 0
    assert compared.runs[2].note == ""


def test_segments_cells_and_houses_are_those_of_the_data_file(six: Comparison, real_rows: pd.DataFrame) -> None:
    assert six.where_missing == ""
    assert six.shared is not None
    for kind in ("region", "price band", "survey cap"):
        lines = [line for line in six.segments if line.kind == kind]
        assert sum(line.rows for line in lines) == len(six.shared.row_ids)
        for line in lines:
            assert set(line.rmse) == set(six.labels)
            assert set(line.differences) == (set(six.labels) - {six.baseline.run.run_id} if line.rows >= 100 else set())
    island = next(line for line in six.segments if line.name == "ISLAND")
    assert (island.rows, island.differences) == (1, {})
    assert six.cells is not None
    assert six.cells.rows.sum() <= len(six.shared.row_ids)
    inland = next(line for line in six.segments if line.name == "INLAND")
    run_id, place = six.runs[3].run.run_id, real_rows["ocean_proximity"].iloc[six.shared.row_ids] == "INLAND"
    expected = score(six.shared.actual[place], six.shared.predicted[run_id][place]).rmse
    assert inland.rmse[run_id] == pytest.approx(expected)


def test_the_ten_rows_the_runs_disagree_on_most_are_shown_with_their_houses(
    six: Comparison, real_rows: pd.DataFrame
) -> None:
    assert six.shared is not None
    spreads = [one.spread for one in six.disagreements]
    apart = np.ptp(np.vstack(list(six.shared.predicted.values())), axis=0)
    assert spreads == sorted(apart.tolist(), reverse=True)[:10]
    for one in six.disagreements:
        row = real_rows.iloc[one.row_id]
        assert one.actual == row["median_house_value"]
        assert tuple(one.house) == RAW_COLUMNS
        assert one.house["ocean_proximity"] == row["ocean_proximity"]
        assert one.house["latitude"] == row["latitude"]


def test_profiles_leave_the_capped_rows_out_and_invent_nothing(
    desk: Comparing, compared_home: ComparedHome, base_rows: pd.DataFrame
) -> None:
    more = {"rmse": 5e4, "spatial_rmse": 61_234.0, "coverage": math.nan}
    odd = logged(compared_home, base_rows, "with more", metrics=more)
    first, second = desk.compare([compared_home.run_ids["steady 1"], odd]).profiles
    capped = base_rows["actual"] >= 500_001
    for rows, found in ((capped, first.capped_only), (~capped, first.without_capped)):
        part = base_rows[rows]
        assert found == pytest.approx(score(part["actual"], part["predicted"]).rmse)
    assert (first.spatial_rmse, first.coverage) == (None, None)
    assert (second.spatial_rmse, second.coverage) == (61_234.0, None)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "failed": ({"status": "FAILED"}, "odd failed, so it has no scores"),
    "cancelled": ({"status": "KILLED"}, "odd was cancelled, so it has no scores"),
    "running": ({"status": "RUNNING"}, "odd is still running"),
    "a trial": ({"tags": {"sweep.id": "s", "sweep.trial": "3"}}, "odd is a trial of a sweep"),
    "a sweep": ({"tags": {"sweep.id": "s"}}, "odd is a sweep, not a model"),
    "on other data": ({"tags": {"data.sha256": "0" * 64}}, "odd was trained on other data than"),
    "under another split": ({"tags": {"split": "random_0.2_7"}}, "odd was scored under another split than"),
    "silent about its data": ({"tags": {"data.sha256": None}}, "odd is not compared with"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_run_that_cannot_be_compared_has_no_difference_and_says_why(
    kind: str, desk: Comparing, compared_home: ComparedHome, base_rows: pd.DataFrame
) -> None:
    given, why = REFUSED[kind]
    odd = logged(compared_home, base_rows, **given)
    compared = desk.compare([*compared_home.ids("steady 1", "ridge"), odd])
    _, ridge, found = compared.runs
    assert found.not_compared.startswith(why)
    assert not found.is_compared
    assert ridge.is_compared
    assert compared.shared is not None
    assert odd not in compared.shared.predicted
    assert all(odd not in line.rmse for line in compared.segments)
    group = next(group for group in compared.groups if odd in group.run_ids)
    assert (group.against_baseline, group.note) == (None, found.not_compared)


def spoiled(rows: pd.DataFrame, kind: str) -> pd.DataFrame | bytes | None:
    """The rows with something wrong with them."""
    match kind:
        case "none":
            return None
        case "no parquet":
            return b"PAR1 and no more"
        case "no column":
            return rows.drop(columns="predicted")
        case "other rows":
            return rows.iloc[:-1]
        case "other row ids":
            return rows.assign(row_id=rows["row_id"] + 1)
        case "other prices":
            return rows.assign(actual=rows["actual"] + 1.0)
        case "no number":
            return rows.assign(predicted=rows["predicted"].where(rows.index > 3))
        case "twice the same row":
            return pd.concat([rows.iloc[1:], rows.iloc[[5]]])
        case _:
            return rows.assign(predicted="dear")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("none", "odd logged no predictions"),
        ("no parquet", "odd logged predictions that cannot be read"),
        ("no column", "odd logged predictions that cannot be read"),
        ("no number", "odd logged predictions that cannot be read"),
        ("twice the same row", "odd logged predictions that cannot be read"),
        ("words", "odd logged predictions that cannot be read"),
        ("other rows", "odd was scored on other held-out rows than"),
        ("other row ids", "odd was scored on other held-out rows than"),
        ("other prices", "odd was scored against other recorded prices than"),
    ],
)
def test_predictions_that_are_not_of_the_same_rows_are_never_subtracted(
    kind: str, why: str, desk: Comparing, compared_home: ComparedHome, base_rows: pd.DataFrame
) -> None:
    odd = logged(compared_home, spoiled(base_rows, kind))
    for ids in ([compared_home.run_ids["ridge"], odd], [odd, compared_home.run_ids["ridge"]]):
        compared = desk.compare(ids)
        assert not any(one.is_compared for one in compared.runs)
    found = desk.compare([compared_home.run_ids["ridge"], odd]).runs[1]
    assert found.not_compared.startswith(why)


def test_rows_in_another_order_are_the_same_rows(
    desk: Comparing, compared_home: ComparedHome, base_rows: pd.DataFrame
) -> None:
    shuffled = logged(compared_home, base_rows.sample(frac=1, random_state=1), "shuffled")
    found = desk.compare([compared_home.run_ids["steady 1"], shuffled]).runs[1]
    judged = found.differences["rmse"]
    assert (judged.delta, judged.low, judged.high) == (pytest.approx(0, abs=1e-9), 0.0, 0.0)
    assert judged.verdict is Verdict.NO_REAL_DIFFERENCE


def test_beside_a_baseline_without_predictions_nothing_has_a_difference(
    desk: Comparing, compared_home: ComparedHome
) -> None:
    failed = logged(compared_home, None, "broken", status="FAILED", metrics={"train_rows": 3.0})
    compared = desk.compare([failed, *compared_home.ids("steady 1", "steady 2")])
    assert compared.comparable == (compared.baseline,)
    assert (compared.shared, compared.cells, compared.segments, compared.disagreements) == (None, None, (), ())
    assert compared.baseline.not_compared == "broken failed, so it has no scores to compare."
    assert all(one.not_compared.endswith("broken failed, so it has no scores to compare.") for one in compared.runs[1:])
    assert all(one.not_compared.startswith(one.label) for one in compared.runs)
    (group,) = compared.groups
    assert (group.seeds, group.against_baseline) == ((1, 2), None)
    assert group.note
    assert compared.profiles[0].rmse is None
    assert compared.profiles[1].rmse == pytest.approx(compared.runs[1].run.metrics["rmse"])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_metrics_that_are_no_numbers_change_no_difference(
    value: float, desk: Comparing, compared_home: ComparedHome, base_rows: pd.DataFrame
) -> None:
    odd = logged(compared_home, base_rows, "wild", metrics={"rmse": value, "mine": value, "coverage": value})
    compared = desk.compare([compared_home.run_ids["ridge"], odd])
    assert compared.runs[1].differences["rmse"].verdict is Verdict.BETTER
    assert compared.profiles[1].coverage is None
    assert compared.metrics[: len(SCORE_NAMES)] == SCORE_NAMES
    assert "mine" in compared.metrics
    alone = desk.compare([compared_home.run_ids["ridge"], logged(compared_home, None, metrics={"rmse": value})])
    assert len(alone.groups) == 1, "a run without an RMSE is in no group"


def test_hostile_names_stay_labels(desk: Comparing, compared_home: ComparedHome, base_rows: pd.DataFrame) -> None:
    names = ["<script>alert(1)</script>", "a\x1b[31mred\nline", "\u202egnp.exe", "steady", "=1+1", "'; DROP TABLE runs"]
    ids = [logged(compared_home, base_rows, name) for name in [*names, names[0]]]
    compared = desk.compare([compared_home.run_ids["ridge"], *ids])
    labels = list(compared.labels.values())
    assert len(set(labels)) == len(labels)
    assert all(label.isprintable() for label in labels)
    assert all(one.is_compared for one in compared.runs[1:])


@pytest.mark.parametrize("count", [0, 1, MOST_RUNS + 1])
def test_too_few_and_too_many_runs_are_refused_with_their_number(count: int, desk: Comparing) -> None:
    with pytest.raises(InvalidFilter, match=f"^{count} run"):
        desk.compare([f"{number:032x}" for number in range(count)])


def test_a_run_named_twice_is_refused(desk: Comparing, compared_home: ComparedHome) -> None:
    ridge, steady = compared_home.ids("ridge", "steady 1")
    with pytest.raises(InvalidFilter, match=f"{ridge} is named more than once"):
        desk.compare([ridge, steady, ridge])


@pytest.mark.parametrize("unknown", ["0" * 32, "../../etc/passwd", "' OR 1=1", "", "x" * 5_000, "é\n"])
def test_runs_that_are_not_there_are_named_and_counted(
    unknown: str, desk: Comparing, compared_home: ComparedHome
) -> None:
    with pytest.raises(NotFound, match="1 of the 2 runs is not there") as caught:
        desk.compare([compared_home.run_ids["ridge"], unknown])
    assert len(caught.value.what) < 200


def test_the_beginning_of_an_id_is_enough_where_it_is_one_runs_alone(compared_home: ComparedHome) -> None:
    store, ridge = compared_home.store, compared_home.run_ids["ridge"]
    assert resolve_run_ids(store, [ridge[:12], ridge, "none", "0000", " _%"]) == (ridge, ridge, "none", "0000", "_%")


def test_the_beginning_of_several_ids_is_refused(compared_home: ComparedHome, base_rows: pd.DataFrame) -> None:
    import sqlite3

    ids = [logged(compared_home, None) for _ in range(2)]
    with sqlite3.connect(compared_home.store.uri.removeprefix("sqlite:///")) as database:
        database.execute("PRAGMA foreign_keys=OFF")
        for number, run_id in enumerate(ids):
            database.execute("UPDATE runs SET run_uuid = ? WHERE run_uuid = ?", (f"abcd{number}{'0' * 27}", run_id))
    database.close()
    with pytest.raises(InvalidFilter, match="several runs begin with abcd"):
        resolve_run_ids(compared_home.store, ["abcd"])


def other_file(home: ComparedHome, folder: Path, content: bytes | None) -> Comparing:
    """A desk whose settings name another data file, or one that is not there."""
    file = folder / "housing.csv"
    if content is not None:
        file.write_bytes(content)
    environment = {DATA_VARIABLE: str(file), "HOUSING_LAB_DATA__URL": "http://127.0.0.1:9/housing.csv"}
    return Comparing(load_settings(home=home.settings.home, environment=environment), lambda: home.store)


def test_a_data_file_that_is_gone_or_another_takes_only_the_places_away(
    compared_home: ComparedHome, data_file: Path, tmp_path: Path, six: Comparison
) -> None:
    ids = compared_home.ids("steady 1", "ridge")
    there = data_file.read_bytes()
    desk = other_file(compared_home, tmp_path, None)
    gone = desk.compare(ids)
    assert "is not here" in gone.where_missing
    for content, why in ((b"\n".join(there.splitlines()[:2_000]), "no longer the one"), (b"\x00", "binary")):
        changed = other_file(compared_home, tmp_path, content).compare(ids)
        assert why in changed.where_missing
        assert changed.cells is None
        assert {line.kind for line in changed.segments} == {"price band", "survey cap"}
        assert [one.house for one in changed.disagreements] == [{}] * 10
        assert changed.runs[1].differences == six_of(compared_home, ids)
    (tmp_path / "housing.csv").write_bytes(there)
    assert desk.compare(ids).where_missing == "", "the file is back, so the places are too"


def six_of(home: ComparedHome, ids: list[str]) -> Mapping[str, Any]:
    return Comparing(home.settings, lambda: home.store).compare(ids).runs[1].differences


def test_a_comparison_downloads_and_writes_nothing(compared_home: ComparedHome, tmp_path: Path) -> None:
    environment = {"HOUSING_LAB_DATA__URL": "http://127.0.0.1:9/housing.csv"}
    away = load_settings(home=tmp_path, environment=environment)
    compared = Comparing(away, lambda: compared_home.store).compare(compared_home.ids("steady 1", "ridge"))
    assert "is not here" in compared.where_missing
    assert list(tmp_path.rglob("*")) == []


def test_a_comparison_is_kept_until_one_of_its_runs_changes(
    compared_home: ComparedHome, base_rows: pd.DataFrame
) -> None:
    desk = Comparing(compared_home.settings, lambda: compared_home.store)
    growing = logged(compared_home, base_rows, "growing", status="RUNNING")
    ids = [compared_home.run_ids["ridge"], growing]
    first = desk.compare(ids)
    assert "is still running" in first.runs[1].not_compared
    assert desk.compare(ids) is first
    assert desk.compare(ids[::-1]) is not first
    compared_home.store.client.set_terminated(growing, "FINISHED")
    assert desk.compare(ids).runs[1].is_compared
    compared_home.store.client.set_tag(growing, "mlflow.runName", "grown")
    assert desk.compare(ids).runs[1].label == "grown"


def test_the_lab_has_the_comparisons(compared_home: ComparedHome, six: Comparison) -> None:
    compared = Lab(compared_home.settings).comparing.compare(compared_home.ids(*ALL))
    assert compared.runs == six.runs
    assert compared.groups == six.groups
    assert compared.margin == compared_home.settings.evaluation.practical_margin == 0.01


def test_the_margin_is_a_setting(compared_home: ComparedHome) -> None:
    environment = {**compared_home.settings.as_environment(), "HOUSING_LAB_EVALUATION__PRACTICAL_MARGIN": "0.9"}
    settings = load_settings(home=compared_home.settings.home, environment=environment)
    compared = Comparing(settings, Connection(settings)).compare(compared_home.ids("steady 1", "ridge"))
    assert compared.runs[1].differences["rmse"].verdict is Verdict.NO_REAL_DIFFERENCE


def test_figures_are_plain_numbers(six: Comparison) -> None:
    """JSON and reports take no NumPy numbers."""
    judged = [one for run in six.runs for one in run.differences.values()]
    lines = [figure for line in six.segments for figure in line.rmse.values()]
    json.dumps([[one.delta, one.low, one.high] for one in judged] + [lines, [group.rmse for group in six.groups]])
