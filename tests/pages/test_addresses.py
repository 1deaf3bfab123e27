"""Any address gives a screen or a clear message: links are typed, cut, bent by mail programs, and made up."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

from core.domain.house import FEATURES, RAW_COLUMNS, OceanProximity
from core.domain.hyperparameters import KNOBS, ModelFamily
from core.domain.run_query import RunQuery
from core.domain.settings import PROJECT_ROOT, Settings
from core.tracking.runs import list_runs
from core.tracking.store import open_store

SEED = 20_261_130
ADDRESSES = 120
MANY_ADDRESSES = 5_000

SCREENS = {
    "home": (),
    "train": (
        *("family", "preset", "features", "seed", "job"),
        *(f"{family.value}.{name}" for family, knobs in KNOBS.items() for name in knobs),
    ),
    "tune": (
        *("sweep", "question", "trials", "workers", "minutes"),
        *(f"{family.value}.varied" for family in ModelFamily),
        *(f"{family.value}.{name}" for family, knobs in KNOBS.items() for name in knobs),
    ),
    "runs": (*RunQuery.__dataclass_fields__, "run", "show", "curve", "picked", "columns", "runs"),
    "compare": ("runs", "beside", "across", "upwards", "version"),
    "models": ("version", "ledger_page"),
    "what_if": (
        *RAW_COLUMNS,
        *(
            "version",
            "beside",
            "no_bedrooms",
            "map_view",
            "map_colour",
            "across",
            "up",
            "goal",
            "locked",
            "map",
            "rows",
        ),
    ),
    "score": ("job", "part", "feature", "version"),
    "data": ("data", "part", "finding", "rows", "column", "method", "map", "of", "days"),
}
"""Each screen with the keys of its address."""

GARBAGE = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1",
        "2",
        "1.5",
        "1e3",
        "1e400",
        "-1e400",
        "nan",
        "inf",
        "9" * 400,
        "9" * 5_000,
        "0x1F",
        "٣",
        "²",
    ),
    *("None", "null", "true", "false", "[]", "{}", "1,2,3", ",,,", "a,b", "a=b&c=d", "%00", "%2e%2e%2f", "+"),
    *("../../etc/passwd", "..\\..\\x", "/etc/passwd", "file:///etc/passwd", "CON", "a/b", ".", ".."),
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", "{{7*7}}", "${7*7}", "%s%n"),
    *("' OR 1=1 --", "'; DROP TABLE runs;--", '"; DELETE FROM runs', "params.`x` = 'y'", "metrics.rmse <", "a = 'b'"),
    *("**bold**", "[x](http://evil.example)", "![x](http://evil.example/x.png)", "$\\frac{1}{0}$", ":material/home:"),
    *(
        ":red[x]",
        "\u202eexe.gpj",
        "\u0000",
        "a\u0000b",
        "😀",
        "\ufeff",
        "\u2028",
        "\n",
        "\r\nX: y",
        "\x1b[31m",
    ),
    *("x" * 300, "x" * 100_000, "NEAR BAY", "near bay", "ISLAND,", "12345678", "latest", "champion", "@champion", "v_"),
)


@dataclass
class Visit:
    """A visitor who types addresses, and what came of them."""

    settings: Settings
    luck: random.Random
    known: tuple[str, ...]
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    def address(self, screen: str) -> dict[str, str]:
        """Up to five keys, mostly the screen's own, with values that nearly fit or do not fit at all."""
        keys = SCREENS[screen]
        others = [key for own in SCREENS.values() for key in own]
        chosen: dict[str, str] = {}
        for _ in range(self.luck.randint(1, 5)):
            own = bool(keys) and self.luck.random() < 0.85
            key = self.luck.choice(keys if own else [*others, *GARBAGE[30:]])
            chosen[key] = self._value(key)
        return chosen

    def _value(self, key: str) -> str:
        kind = self.luck.random()
        if kind < 0.35:
            return self.luck.choice(GARBAGE)
        if kind < 0.5:
            return ",".join(self.luck.choices([*self.known, *GARBAGE], k=self.luck.randint(1, 8)))
        fitting = self._fitting(key)
        if kind < 0.85:
            return fitting
        place = self.luck.randint(0, len(fitting))
        return fitting[:place] + chr(self.luck.choice([0, 9, 34, 39, 44, 60, 0x202E, 0x1F600])) + fitting[place:]

    def _fitting(self, key: str) -> str:
        """A value that the key could well have, of this home or of another."""
        if key == "ocean_proximity":
            return self.luck.choice(list(OceanProximity)).value
        if key in FEATURES:
            return f"{self.luck.uniform(FEATURES[key].low, FEATURES[key].high):g}"
        words = {
            "family": [family.label for family in ModelFamily] + [family.value for family in ModelFamily],
            "preset": ["quick", "best", "ensemble", "balanced"],
            "show": ["Fit", "Residuals", "Error map", "Importance", "Fairness", "Curves", "Lineage", "Files"],
            "order": ["metrics.rmse", "metrics.rmse DESC", "started", "params.max_depth asc", "name"],
            "filter_text": ["metrics.rmse < 50000", "params.max_depth = '20'", "tags.x LIKE '%a%'", "metrics.rmse < "],
            "kind": ["trainings", "sweeps and trials", "all"],
            "lifecycle": ["active", "deleted", "all"],
            "families": ["random_forest", "lightgbm,ridge", "Random forest"],
            "statuses": ["FINISHED", "FAILED,RUNNING"],
            "part": ["Prices", "Rejected rows", "Drift", "Quality", "Correlations", "Map", "Your data"],
            "finding": ["identical", "unusual_rooms_per_household", "capped"],
            "map": ["Prices", "Random split", "Spatial blocks"],
            "method": ["Spearman", "Pearson"],
            "columns": ["metrics.rmse,params.max_depth,tags.mlflow.user", "attributes.name", "metrics."],
            "job": ["train-0123456789ab", "score-0123456789ab"],
            "sweep": ["sweep-0123456789ab"],
            "locked": ["median_income", "longitude,latitude", "ocean_proximity"],
            "map_view": ["Whole state", "Around the house"],
            "upwards": ["rmse", "mae", "metrics.rmse"],
        }
        if key in words:
            return self.luck.choice(words[key])
        if key in {"run", "runs", "picked", "beside", "version"}:
            return ",".join(self.luck.sample(self.known, self.luck.randint(1, len(self.known))))
        return str(self.luck.choice([0, 1, 2, 7, 25, 100, 300, 1_000, 0.05, 250_000]))

    def go(self, screen: str, address: dict[str, str]) -> None:
        """Open it; a fault nobody foresaw fails the test and names the address."""
        app = AppTest.from_file(str(PROJECT_ROOT / "pages" / "main.py"), default_timeout=120)
        for name, value in address.items():
            app.query_params[name] = value
        if screen != "home":
            app.switch_page(f"{screen}.py")
        began = time.process_time()
        app.run()
        self.slowest = max(self.slowest, time.process_time() - began)
        faults = [f"{fault.message}\n{chr(10).join(fault.stack_trace)}" for fault in app.exception]
        assert not faults, f"/{screen}?{address}\n{faults[0]}"
        assert app.title or app.error, f"/{screen}?{address} shows nothing"
        self.outcomes["a clear message" if app.error else "a screen"] += 1
        self.outcomes[screen] += 1


@pytest.fixture
def visit(_quick_screens: None, trained_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    """A visitor of a home with a version, who knows its run."""
    for name, value in trained_settings.as_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOUSING_LAB_JOBS__EMBEDDED_WORKER", "false")
    collects = config.get_option("runner.postScriptGC")
    config.set_option("runner.postScriptGC", False)
    st.cache_resource.clear()
    known = (*(run.run_id for run in list_runs(open_store(trained_settings))), "1", "2")
    yield Visit(trained_settings, random.Random(SEED), known)  # noqa: S311 - addresses, no secrets
    config.set_option("runner.postScriptGC", collects)
    st.cache_resource.clear()


@pytest.mark.parametrize("endless", ["1e400", "-1e400", "inf", "-Infinity", "9" * 400])
def test_a_number_without_end_is_none_that_a_widget_takes(endless: str, visit: Visit) -> None:
    visit.go("train", {"seed": endless, "family": "LightGBM", "lightgbm.n_estimators": endless})
    visit.go("tune", {"workers": endless, "minutes": endless, "trials": endless})
    visit.go("what_if", {"goal": endless, "part": "Reach a price", "total_rooms": endless})
    assert visit.outcomes["a screen"] == 3


def test_120_random_addresses_each_give_a_screen_or_a_clear_message(visit: Visit) -> None:
    _wander(visit, ADDRESSES)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_5000_random_addresses_each_give_a_screen_or_a_clear_message(visit: Visit) -> None:
    _wander(visit, MANY_ADDRESSES)


def _wander(visit: Visit, addresses: int) -> None:
    screens = list(SCREENS)
    for number in range(addresses):
        screen = screens[number % len(screens)]
        visit.go(screen, visit.address(screen))
    print(f"\n{addresses:,} addresses: {dict(visit.outcomes)}; slowest {visit.slowest:.2f} s of the processor")
    assert visit.outcomes["a screen"] + visit.outcomes["a clear message"] == addresses
    assert visit.outcomes["a screen"] > addresses / 10
    assert visit.outcomes["a clear message"] > addresses / 50
