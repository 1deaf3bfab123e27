"""What is odd about the rows: each figure is that of the rows behind it, counted here in another way."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from core.data.quality import FENCE, SURVEY_ENDS, findings
from core.data.summary import NUMBERS, Correlation, correlations, summaries
from core.domain.census import CENSUS
from core.domain.configuration import load_settings
from core.domain.house import RAW_COLUMNS, TARGET


def counts(rows: pd.DataFrame) -> dict[str, int]:
    return {one.key: len(one.positions) for one in findings(rows)}


def test_the_census_file_has_what_its_description_says(real_rows: pd.DataFrame) -> None:
    found = counts(real_rows)
    assert found["missing_total_bedrooms"] == 207
    assert found["capped_median_house_value"] == 965
    assert found["identical"] == 0
    by_place = real_rows.groupby(["longitude", "latitude"]).size()
    assert found["shared_place"] == int(by_place[by_place > 1].sum())


@pytest.mark.parametrize("name", SURVEY_ENDS)
def test_a_row_at_the_survey_s_end_has_that_very_value_and_none_lies_above(real_rows: pd.DataFrame, name: str) -> None:
    (found,) = (one for one in findings(real_rows) if one.key == f"capped_{name}")
    assert set(real_rows[name].iloc[found.positions]) == {SURVEY_ENDS[name]}
    assert real_rows[name].max() == SURVEY_ENDS[name]


def test_rows_that_share_a_place_stand_together(real_rows: pd.DataFrame) -> None:
    (found,) = (one for one in findings(real_rows) if one.key == "shared_place")
    places = list(real_rows.iloc[found.positions][["longitude", "latitude"]].itertuples(index=False, name=None))
    changes = sum(one != other for one, other in pairwise(places))
    assert changes + 1 == len(set(places))


def test_an_outlier_lies_beyond_three_interquartile_ranges_of_the_logarithm(real_rows: pd.DataFrame) -> None:
    (found,) = (one for one in findings(real_rows) if one.key == "unusual_people_a_household")
    logs = np.log(real_rows["population"] / real_rows["households"])
    first, third = logs.quantile([0.25, 0.75])
    outside = (logs < first - FENCE * (third - first)) | (logs > third + FENCE * (third - first))
    assert sorted(found.positions) == list(np.flatnonzero(outside))
    assert found.ratio is not None
    assert found.ratio[0] == pytest.approx((real_rows["population"] / real_rows["households"]).max())


def test_a_row_entered_twice_is_found_and_missing_bedrooms_are_no_outliers(real_rows: pd.DataFrame) -> None:
    rows = real_rows.head(100).copy()
    rows.loc[3, "total_bedrooms"] = float("nan")
    before = counts(rows)
    twice = pd.concat([rows, rows.iloc[[3]]], ignore_index=True)
    after = counts(twice)
    assert (before["identical"], after["identical"]) == (0, 2)
    assert after["missing_total_bedrooms"] == 2
    assert after["unusual_bedrooms_a_room"] == before["unusual_bedrooms_a_room"]


def test_rows_that_never_change_have_no_outliers_and_no_correlation(real_rows: pd.DataFrame) -> None:
    rows = pd.concat([real_rows.head(1)] * 60, ignore_index=True)
    assert {key for key, count in counts(rows).items() if count and key.startswith("unusual")} == set()
    found = correlations(rows, Correlation.PEARSON)
    assert np.isnan(found.values).all()
    assert len(found.with_price()) == len(NUMBERS) - 1


def test_the_columns_are_summed_up_as_pandas_does(real_rows: pd.DataFrame) -> None:
    found = {one.name: one for one in summaries(real_rows)}
    assert list(found) == [*RAW_COLUMNS, TARGET]
    assert found["total_bedrooms"].missing == 207
    assert found["median_income"].median == pytest.approx(real_rows["median_income"].median())
    assert dict(found["ocean_proximity"].values)["ISLAND"] == 5


def test_income_goes_with_the_price_most_by_either_coefficient(real_rows: pd.DataFrame) -> None:
    for method, figure in ((Correlation.SPEARMAN, 0.677), (Correlation.PEARSON, 0.688)):
        first, *_ = correlations(real_rows, method).with_price()
        assert first == ("median_income", pytest.approx(figure, abs=0.001))


def test_what_is_said_of_the_census_is_said_of_the_file_the_settings_pin() -> None:
    assert load_settings(environment={}).data.sha256 == CENSUS.sha256
