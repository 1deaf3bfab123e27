"""A file of houses: every row priced or rejected, once, in its order, with the price the version gives that house."""

from __future__ import annotations

import io
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from core.domain.errors import InvalidData, InvalidHouse, RecordsError, ScoringCancelled
from core.domain.house import RAW_COLUMNS, House
from core.domain.house_columns import map_columns
from core.domain.jobs import Progress
from core.domain.money import CAP_NEARNESS, SURVEY_CAP
from core.domain.scoring import PRICE_COLUMNS, RANGE_COLUMNS
from core.domain.settings import Settings
from core.explanation.plausibility import judge_house
from core.features.direct import HouseRows
from core.workflows.scoring import ScoringFiles, score_file
from core.workflows.scoring_prices import AT_CAP
from core.workflows.scoring_rows import MISSING_MARKS
from core.workflows.served_model import ServedModel
from core.workflows.valuation import value
from tests.scored import BAD, HOUSE, csv_text, raw_rows, read_csv, scored, served, write_csv

if TYPE_CHECKING:
    from collections.abc import Mapping

SYNONYMS = {
    "longitude": ["longitude", "LNG", "Lon"],
    "latitude": ["latitude", "Lat"],
    "housing_median_age": ["housing_median_age", "Housing Median Age", "age"],
    "total_rooms": ["total_rooms", "Rooms", "TotalRooms"],
    "total_bedrooms": ["total_bedrooms", "bedrooms"],
    "population": ["population", "POP"],
    "households": ["households", "hh"],
    "median_income": ["median_income", "Median Income", "income"],
    "ocean_proximity": ["ocean_proximity", "Ocean Proximity"],
}
READABLE = ["-122.23", "37.88", "41", "880", "9", "0", "1", "2.5", "20", "1e3", "-118.0", "+3", ".5", " 7 ", "1_0", "٣"]
STRANGE = ["83252", "1e400", "inf", "-inf", "x", "8,3", "0x10", "=1+1", "true", "", "NA", "NaN", "null", "n/a", "-"]
NUMBER = st.sampled_from([*READABLE, *STRANGE])
PLACE = st.sampled_from(["NEAR BAY", "INLAND", "<1H OCEAN", " ISLAND ", "near bay", "LAKE", "", "NA", "7"])
USUAL = st.sampled_from(["-122.23", "37.88", "41", "880", "5"])


def cells() -> st.SearchStrategy[dict[str, str]]:
    """Rows that are good, nearly good, or nonsense."""
    nonsense = st.fixed_dictionaries(
        {name: PLACE if name == "ocean_proximity" else NUMBER | USUAL for name in RAW_COLUMNS}
    )
    spoilt = st.dictionaries(st.sampled_from(RAW_COLUMNS[:-1]), NUMBER, max_size=2).map(lambda some: {**HOUSE, **some})
    return st.just(dict(HOUSE)) | spoilt | nonsense


def house_of(row: Mapping[str, str]) -> House | None:
    """What the house form makes of a row; None where it refuses."""
    given = {
        name: None if text.strip().lower() in MISSING_MARKS else text.strip()
        for name, text in row.items()
        if name in RAW_COLUMNS
    }
    try:
        return House.from_mapping({**given, "ocean_proximity": given["ocean_proximity"] or ""})
    except InvalidHouse:
        return None


@pytest.fixture(scope="module")
def model(trained_settings: Settings) -> ServedModel:
    return served(trained_settings)


@pytest.fixture
def small_chunks(trained_settings: Settings) -> Settings:
    """Settings under which a part is three rows."""
    return trained_settings.model_copy(
        update={"scoring": trained_settings.scoring.model_copy(update={"chunk_rows": 3})}
    )


@profile(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=st.lists(cells(), min_size=1, max_size=12), luck=st.randoms(use_true_random=False), data=st.data())
def test_every_row_is_priced_or_rejected_once_in_its_order_whatever_the_columns_are_called(
    tmp_path: Path,
    small_chunks: Settings,
    model: ServedModel,
    rows: list[dict[str, str]],
    luck: random.Random,
    data: st.DataObject,
) -> None:
    names = {feature: data.draw(st.sampled_from(known)) for feature, known in SYNONYMS.items()}
    order = [*names, "id"]
    luck.shuffle(order)
    separator = data.draw(st.sampled_from([",", ";", "\t"]))
    table = [{**row, "id": str(number)} for number, row in enumerate(rows)]
    frame = pd.DataFrame(table, columns=order).rename(columns=names)
    source = tmp_path / "houses.csv"
    if data.draw(st.booleans()):
        frame.to_parquet(source)
        first_number = 1
    else:
        text = io.StringIO()
        frame.to_csv(text, sep=separator, index=False)
        source.write_text(text.getvalue(), encoding="utf-8")
        first_number = 2

    report, files = scored(small_chunks, model, source)

    priced, rejected = read_csv(files.priced[0]), read_csv(files.rejected)
    expected = [house_of(row) for row in rows]
    good = [place for place, house in enumerate(expected) if house is not None]
    assert [int(row["id"]) for row in priced] == good
    assert [int(row["id"]) for row in rejected] == [place for place in range(len(rows)) if place not in good]
    assert [int(row["row"]) for row in rejected] == [int(row["id"]) + first_number for row in rejected]
    assert (report.rows, report.priced, report.rejected) == (len(rows), len(priced), len(rejected))
    assert all(row["reason"] for row in rejected)
    assert sum(one.rows for one in report.reasons) >= len(rejected)
    for row in priced:
        house = expected[int(row["id"])]
        assert house is not None
        assert float(row["price"]) == pytest.approx(value(model, house).price, abs=0.006)
    assert {path.name for path in tmp_path.iterdir()} == {source.name, "priced.csv", "priced.rejected.csv"}


@pytest.mark.parametrize(("reason", "change"), list(BAD.items()))
def test_a_bad_row_says_why_as_the_house_form_does_and_keeps_its_cells(
    tmp_path: Path, trained_settings: Settings, model: ServedModel, reason: str, change: dict[str, str]
) -> None:
    bad = {**HOUSE, **change}
    report, files = scored(trained_settings, model, write_csv(tmp_path / "houses.csv", [HOUSE, bad, HOUSE]))
    (rejected,) = read_csv(files.rejected)
    assert (rejected.pop("row"), rejected.pop("reason")) == ("3", reason)
    assert rejected == bad
    assert (report.priced, report.rejected) == (2, 1)
    assert (report.first_rejected[0].row, report.first_rejected[0].reason) == (3, reason)
    assert [one.rows for one in report.reasons] == [1]


def test_every_fault_of_a_row_is_told(tmp_path: Path, trained_settings: Settings, model: ServedModel) -> None:
    bad = {**HOUSE, "latitude": "", "median_income": "-1", "ocean_proximity": "null"}
    report, files = scored(trained_settings, model, write_csv(tmp_path / "houses.csv", [bad]))
    (rejected,) = read_csv(files.rejected)
    assert rejected["reason"] == (
        "latitude is missing; median_income is -1, outside 0 to 20; ocean_proximity is missing"
    )
    assert {one.what for one in report.reasons} == {
        "latitude is missing",
        "median_income is outside 0 to 20",
        "ocean_proximity is missing",
    }
    assert (report.mean_price, report.median_price, report.warned_share, report.bars) == (None, None, None, ())


@pytest.mark.parametrize("output", ["priced.csv", "priced.parquet"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_prices_are_those_of_the_pipeline_and_other_columns_stay(
    tmp_path: Path,
    trained_settings: Settings,
    model: ServedModel,
    real_rows: pd.DataFrame,
    suffix: str,
    output: str,
) -> None:
    rows = raw_rows(real_rows, 2_500)
    rows["when"] = pd.Timestamp("2026-03-01")
    source = tmp_path / f"houses.{suffix}"
    rows.to_csv(source, index=False) if suffix == "csv" else rows.to_parquet(source, index=False)

    report, files = scored(trained_settings, model, source, output)

    file = files.priced[0]
    found = pd.read_csv(file) if output.endswith("csv") else pd.read_parquet(file)
    assert list(found.columns) == [*rows.columns, *PRICE_COLUMNS]
    assert list(found["id"]) == list(rows["id"])
    expected = model.pipeline.predict(rows[list(RAW_COLUMNS)])
    np.testing.assert_allclose(found["price"], expected, atol=0.006 if output.endswith("csv") else 1e-6, rtol=1e-9)
    for name in RAW_COLUMNS[:-1]:
        np.testing.assert_array_equal(found[name].astype(float), rows[name])
    if (suffix, output) == ("parquet", "priced.parquet"):
        kept = pq.read_schema(file)
        assert [kept.field(name).type for name in rows.columns] == pq.read_schema(source).types
    assert report.mean_price == pytest.approx(expected.mean())
    assert report.median_price == pytest.approx(np.median(expected))
    assert sum(bar.rows for bar in report.bars) == 2_500


def test_ranges_and_warnings_are_those_of_each_house(
    tmp_path: Path, trained_settings: Settings, model: ServedModel, real_rows: pd.DataFrame
) -> None:
    assert model.around is not None
    rows = raw_rows(real_rows, 300)
    rows.loc[:20, "ocean_proximity"] = "ISLAND"
    rows.to_csv(tmp_path / "houses.csv", index=False)
    report, files = scored(trained_settings, model, tmp_path / "houses.csv")
    keys = {}
    for row in read_csv(files.priced[0]):
        house = House.from_mapping({name: row[name] for name in RAW_COLUMNS})
        told = [concern.key for concern in judge_house(house, model.around).concerns]
        told += [AT_CAP] if value(model, house).price >= SURVEY_CAP * CAP_NEARNESS else []
        assert row["warnings"] == "; ".join(told)
        keys[row["id"]] = told
        if model.intervals is None:
            assert [row[name] for name in RANGE_COLUMNS] == [""] * 4, "a range nobody measured is not 0"
    assert report.warned == sum(map(bool, keys.values())) > 0
    assert {one.what: one.rows for one in report.warnings} == {
        key: sum(key in told for told in keys.values()) for told in keys.values() for key in told
    }


def test_prices_do_not_depend_on_parts_and_threads(
    tmp_path: Path, trained_settings: Settings, model: ServedModel, real_rows: pd.DataFrame
) -> None:
    source = tmp_path / "houses.parquet"
    raw_rows(real_rows, 9_000).to_parquet(source)
    found = []
    for chunk, threads in ((20_000, 4), (20_000, 1), (701, 2)):
        settings = trained_settings.model_copy(
            update={
                "scoring": trained_settings.scoring.model_copy(update={"chunk_rows": chunk}),
                "training": trained_settings.training.model_copy(update={"n_jobs": threads}),
            }
        )
        _, files = scored(settings, model, source, "priced.parquet")
        found.append(pd.read_parquet(files.priced[0])["price"].to_numpy())
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_allclose(found[0], found[2], rtol=1e-12)


def test_a_cancel_and_a_fault_leave_nothing(
    tmp_path: Path, small_chunks: Settings, model: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_csv(tmp_path / "houses.csv", [HOUSE] * 10)
    before = write_csv(tmp_path / "priced.csv", [HOUSE]).read_bytes()
    files = ScoringFiles.beside(source, tmp_path / "priced.csv")
    seen: list[Progress] = []
    with pytest.raises(ScoringCancelled):
        score_file(
            small_chunks, model, files, report=seen.append, should_stop=lambda: bool(seen) and seen[-1].done >= 6
        )
    assert [progress.done for progress in seen if progress.phase == "pricing"] == [0, 3, 6]
    assert {path.name for path in tmp_path.iterdir()} == {"houses.csv", "priced.csv"}
    assert files.priced[0].read_bytes() == before, "what was there stays until the new one is whole"

    source.write_text(source.read_text() + '"open', encoding="utf-8")
    with pytest.raises(InvalidData, match="cannot be parsed"):
        score_file(small_chunks, model, files)
    assert {path.name for path in tmp_path.iterdir()} == {"houses.csv", "priced.csv"}


def test_progress_counts_rows_and_rejected_ones_and_says_how_long(
    tmp_path: Path, small_chunks: Settings, model: ServedModel
) -> None:
    seen: list[Progress] = []
    source = write_csv(tmp_path / "houses.csv", [HOUSE, {**HOUSE, "latitude": "x"}, *[HOUSE] * 5])
    score_file(small_chunks, model, ScoringFiles.beside(source, tmp_path / "out.csv"), report=seen.append)
    assert [progress.phase for progress in seen] == ["checking the file", *["pricing"] * 4]
    assert [(one.done, one.total, one.said) for one in seen[1:]] == [
        (0, 7, ""),
        (3, 7, "1 rejected"),
        (6, 7, "1 rejected"),
        (7, 7, "1 rejected"),
    ]
    assert seen[1].remaining is None
    assert seen[-1].remaining == 0


def test_a_column_called_like_ours_is_kept_under_another_name_and_said(
    tmp_path: Path, trained_settings: Settings, model: ServedModel
) -> None:
    row = {**HOUSE, "price": "7", "price_input": "8", "row": "9"}
    report, files = scored(trained_settings, model, write_csv(tmp_path / "houses.csv", [row, {**row, "latitude": ""}]))
    (priced,) = read_csv(files.priced[0])
    assert (priced["price_input_2"], priced["price_input"], priced["row"]) == ("7", "8", "9")
    assert float(priced["price"]) > 10_000
    (rejected,) = read_csv(files.rejected)
    assert (rejected["row"], rejected["row_input"], rejected["price"]) == ("3", "9", "7")
    assert [note for note in report.notes if "'price'" in note]
    assert [note for note in report.notes if "'row'" in note]


def test_a_file_without_bedrooms_is_priced_only_when_that_is_said(
    tmp_path: Path, trained_settings: Settings, model: ServedModel
) -> None:
    row = {name: text for name, text in HOUSE.items() if name != "total_bedrooms"}
    source = write_csv(tmp_path / "houses.csv", [row])
    with pytest.raises(InvalidData, match="no column for total_bedrooms"):
        scored(trained_settings, model, source)
    report, files = scored(trained_settings, model, source, total_bedrooms=None)
    house = House.from_mapping({**row, "total_bedrooms": None})
    assert float(read_csv(files.priced[0])[0]["price"]) == pytest.approx(value(model, house).price, abs=0.006)
    assert [note for note in report.notes if "no bedrooms" in note]


def test_columns_chosen_for_another_file_are_refused(
    tmp_path: Path, trained_settings: Settings, model: ServedModel
) -> None:
    mapping = map_columns(["lat", *[name for name in RAW_COLUMNS if name != "latitude"]])
    files = ScoringFiles.beside(write_csv(tmp_path / "houses.csv", [HOUSE]), tmp_path / "out.csv")
    with pytest.raises(InvalidData, match="no column 'lat'"):
        score_file(trained_settings, model, files, mapping)


def test_too_many_rows_are_refused_before_any_is_priced(
    tmp_path: Path, trained_settings: Settings, model: ServedModel
) -> None:
    few = trained_settings.model_copy(
        update={"scoring": trained_settings.scoring.model_copy(update={"max_rows": 2, "chunk_rows": 1})}
    )
    seen: list[Progress] = []
    files = ScoringFiles.beside(write_csv(tmp_path / "houses.csv", [HOUSE] * 3), tmp_path / "out.csv")
    with pytest.raises(InvalidData, match="more than 2 rows") as refusal:
        score_file(few, model, files, report=seen.append)
    assert "scoring.max_rows" in refusal.value.remedy
    assert not any(progress.phase == "pricing" for progress in seen)


def test_the_file_itself_is_never_written_over(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "priced.rejected.csv", [HOUSE])
    (tmp_path / "linked.csv").symlink_to(source)
    for output in (source, tmp_path / "linked.csv", tmp_path / "priced.csv"):
        with pytest.raises(InvalidData, match="would take the place"):
            ScoringFiles.beside(source, output)
    with pytest.raises(InvalidData, match="neither CSV nor Parquet"):
        ScoringFiles.beside(source, tmp_path / "priced.xlsx")


def test_what_cannot_be_written_is_said_and_leaves_nothing(
    tmp_path: Path, trained_settings: Settings, model: ServedModel
) -> None:
    source = write_csv(tmp_path / "houses.csv", [HOUSE])
    files = ScoringFiles.beside(source, source / "below" / "priced.csv")
    with pytest.raises(RecordsError, match="cannot be written"):
        score_file(trained_settings, model, files)
    assert [path.name for path in tmp_path.iterdir()] == ["houses.csv"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux's device that is always full")
def test_a_full_disk_is_said(trained_settings: Settings, model: ServedModel, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "houses.csv", [HOUSE] * 1_000)
    files = ScoringFiles(source, (Path("/dev/full/priced.csv"),), tmp_path / "rejected.csv")
    with pytest.raises(RecordsError, match="cannot be written"):
        score_file(trained_settings, model, files)
    assert [path.name for path in tmp_path.iterdir()] == ["houses.csv"]


def test_a_model_that_gives_no_price_is_said(tmp_path: Path, trained_settings: Settings, model: ServedModel) -> None:
    class Broken:
        def prices(self, rows: HouseRows) -> np.ndarray:
            return np.full(len(rows), np.nan)

    broken = ServedModel(model.pipeline, model.source, Broken(), around=model.around)  # type: ignore[arg-type]
    with pytest.raises(RecordsError, match="does not price every row"):
        scored(trained_settings, broken, write_csv(tmp_path / "houses.csv", [HOUSE]))


def test_without_the_data_file_prices_stand_and_the_rest_is_said(
    tmp_path: Path, trained_settings: Settings, model: ServedModel
) -> None:
    alone = ServedModel(model.pipeline, model.source, model.route)
    report, _ = scored(trained_settings, alone, write_csv(tmp_path / "houses.csv", [HOUSE]))
    assert (report.priced, report.drift, report.warned) == (1, (), 0)
    assert any("data file is not here" in note for note in report.notes)


def test_a_killed_process_leaves_only_a_draft_that_the_doctor_knows(tmp_path: Path) -> None:
    from core.domain.files import draft_of
    from core.workflows.leftover_files import is_dead_draft

    with draft_of(tmp_path / "priced.csv") as draft:
        draft.touch()
        left = tmp_path / draft.name.replace(str(os.getpid()), "999999999")
    left.touch()
    os.utime(left, (1, 1))
    assert is_dead_draft(left)


def test_cells_of_any_type_are_kept_as_text_in_csv_and_as_they_are_in_parquet(
    tmp_path: Path, trained_settings: Settings, model: ServedModel
) -> None:
    others = {
        "when": pa.array([0, 10**14], pa.timestamp("s")),
        "day": pa.array([0, 1], pa.date32()),
        "tags": pa.array([["=1"], None], pa.list_(pa.string())),
        "shape": pa.array([b"\x01\xff", None], pa.binary()),
        "money": pa.array(["-1.50", None]).cast(pa.decimal128(5, 2)),
        "flag": pa.array([True, None]),
        "count": pa.array([2**60, None], pa.int64()),
        "kind": pa.array(["-x", None]).dictionary_encode(),
        "share": pa.array([float("nan"), float("-inf")]),
    }
    numbers = {name: pa.array([float(text)] * 2) for name, text in HOUSE.items() if name != "ocean_proximity"}
    place = {"ocean_proximity": pa.array(["NEAR BAY", "LAKE"]).dictionary_encode()}
    source = tmp_path / "houses.parquet"
    pq.write_table(pa.table({**numbers, **place, **others}), source)
    _, files = scored(trained_settings, model, source)
    (row,), (bad,) = read_csv(files.priced[0]), read_csv(files.rejected)
    assert (row["when"][:10], row["day"], row["tags"], row["shape"]) == ("1970-01-01", "1970-01-01", "['=1']", "01ff")
    assert (row["money"], row["flag"], row["count"], row["kind"]) == ("-1.50", "True", str(2**60), "'-x")
    assert (row["share"], bad["share"], bad["money"]) == ("", "'-Infinity", "")
    _, files = scored(trained_settings, model, source, "priced.parquet")
    kept = pq.read_table(files.priced[0])
    assert kept.select(list(others)).to_pylist()[0]["tags"] == ["=1"]
    sent = pq.read_schema(source)
    assert [kept.schema.field(name).type for name in others] == [sent.field(name).type for name in others]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (pa.array([True]), "total_rooms is True, not a number"),
        (pa.array([0], pa.date32()), "total_rooms is '1970-01-01', not a number"),
        (pa.array([None], pa.null()), "total_rooms is missing"),
        (pa.array([float("nan")]), "total_rooms is missing"),
        (pa.array([10**18], pa.uint64()), "total_rooms is 1e+18, outside 1 to 100000"),
        (pa.array([["1"]]), "total_rooms is \"['1']\", not a number"),
    ],
)
def test_a_typed_column_that_holds_no_number_is_refused_row_by_row(
    tmp_path: Path, trained_settings: Settings, model: ServedModel, cells: pa.Array, reason: str
) -> None:
    source = tmp_path / "houses.parquet"
    columns = {name: pa.array([text]) for name, text in HOUSE.items()}
    pq.write_table(pa.table({**columns, "total_bedrooms": pa.nulls(1), "total_rooms": cells}), source)
    report, _ = scored(trained_settings, model, source)
    assert [row.reason for row in report.first_rejected] == [reason]


def test_the_csv_reader_of_the_field_reads_what_was_written(
    tmp_path: Path, trained_settings: Settings, model: ServedModel
) -> None:
    rows = [{**HOUSE, "note": note} for note in ('a "quoted" one', "two\nlines", "comma, semicolon;", "", "  ")]
    source = tmp_path / "houses.csv"
    source.write_text(csv_text(rows), encoding="utf-8", newline="")
    _, files = scored(trained_settings, model, source)
    assert [row["note"] for row in read_csv(files.priced[0])] == [row["note"] for row in rows]
    assert list(pd.read_csv(files.priced[0], keep_default_na=False)["note"]) == [row["note"] for row in rows]
