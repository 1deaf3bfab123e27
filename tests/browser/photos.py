"""Photographs every screen in light and dark, on a desk and on a phone: ``python -m tests.browser.photos [FOLDER]``.

It trains real models on the real rows in a home of its own, so every figure in a picture comes from a run. Without a
folder the pictures go to ``photos/`` in the project, which git does not see.
"""

from __future__ import annotations

import argparse
import functools
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote_plus, urlsplit

import pandas as pd
from playwright.sync_api import Page, sync_playwright

from core.domain.admission import local_actor
from core.domain.configuration import load_settings
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest
from core.domain.presets import TRAINING_PRESETS
from core.domain.settings import PROJECT_ROOT
from core.tracking.runs import list_runs
from core.tracking.store import open_store
from core.workflows.lab import Lab
from core.workflows.promoting import Promoting
from core.workflows.training import train_now
from tests.browser.chromium import ensure_chromium
from tests.browser.intents import button, click_button, rerun, set_slider, wait_until_idle
from tests.browser.oidc import running_provider
from tests.browser.server import RunningApp, running_app
from tests.browser.visits import LAUNCH_ARGUMENTS, Profiles, Visits

SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
WIDTHS: Final = {"desk": 1440, "phone": 390}
TALL: Final = {"desk": 1900, "phone": 3600}
"""Heights at which a whole screen stands in one picture."""

FOLDER: Final = PROJECT_ROOT / "photos"
PARTS: Final = ("Why", "What changes it", "Where", "Comparable areas", "Reach a price", "Versions", "Scenarios")
DATA_PARTS: Final = (
    *("Source", "Columns", "Quality", "Distributions", "Correlations"),
    *("Map", "Drift", "Your data"),
)
TRAINING_SECONDS: Final = 180
SWEEP_SECONDS: Final = 600


def main(folder: Path) -> None:
    """All pictures, into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, running_app(Path(scratch) / "home") as app, _visits() as visits:
        _everywhere(visits, app.url, folder, "home-empty")
        _everywhere(visits, f"{app.url}/train", folder, "train-empty")
        _everywhere(visits, f"{app.url}/tune", folder, "tune-empty")
        _everywhere(visits, f"{app.url}/what_if?median_income=4", folder, "what-if-no-model")
        for screen in ("runs", "compare", "models", "score"):
            _everywhere(visits, f"{app.url}/{screen}", folder, f"{screen}-no-model")

        page = visits.open(app.url)
        button(page, "Train a starter model").click()
        page.get_by_text("Registered as version 1").wait_for(timeout=TRAINING_SECONDS * 1000)

        # A forest as the old project trained it, photographed from four windows while it grows.
        page = visits.open(f"{app.url}/train")
        set_slider(page, "Depth", 20)
        button(page, "Train").click()
        page.get_by_text(re.compile(r"^Fitting: (7|8|9|1\d)\d of 150 trees")).wait_for(timeout=TRAINING_SECONDS * 1000)
        _shoot(page, folder / "train-live-light-desk.png")
        page.get_by_text("Registered as version 2").wait_for(timeout=TRAINING_SECONDS * 1000)
        wait_until_idle(page)
        done = page.url
        _everywhere(visits, done, folder, "train-done")
        for tab in ("Residuals", "Importance", "Learning curve"):
            page.get_by_role("tab", name=tab).click()
            page.wait_for_timeout(700)
            _shoot(page, folder / f"train-{tab.lower().replace(' ', '-')}-light-desk.png")

        _runs_and_compare(visits, app, folder)
        _everywhere(visits, app.url, folder, "home")
        _what_if(visits, app, folder)
        _score(visits, app, folder)
        _data(visits, app, folder)
        _everywhere(visits, f"{app.url}/what_if?total_rooms=200&total_bedrooms=1500", folder, "what-if-refused")
        _everywhere(visits, f"{app.url}/train?job=none", folder, "train-unknown-job")

        page = visits.open(f"{app.url}/tune?family=LightGBM&trials=8")
        _shoot(page, folder / "tune-form-light-desk.png")
        button(page, "Start the sweep").click()
        page.get_by_text(re.compile(r"^Under way: [5-7] of 8 trials ended")).wait_for(timeout=SWEEP_SECONDS * 1000)
        _everywhere(visits, page.url, folder, "tune-live")
        page.get_by_text("Finished: 8 of 8 trials ended").wait_for(timeout=SWEEP_SECONDS * 1000)
        _everywhere(visits, page.url, folder, "tune-done")

        page = visits.open(f"{app.url}/train?random_forest.n_estimators=500&random_forest.max_depth=40")
        button(page, "Train").click()
        page.get_by_text(re.compile(r"^Fitting: .* of 500 trees")).wait_for(timeout=TRAINING_SECONDS * 1000)
        for scheme in SCHEMES:
            for name, width in WIDTHS.items():
                live = visits.open(page.url, width=width, color_scheme=scheme)
                live.locator(".js-plotly-plot .scatterlayer .trace").first.wait_for(state="attached")
                _shoot(live, folder / f"train-live-{scheme}-{name}.png")
                live.close()
        click_button(page, "Cancel")
        page.get_by_text("This training was cancelled").wait_for()
        _shoot(page, folder / "train-cancelled-light-desk.png")
        _other_screens(visits, app, folder)
        _trouble(visits, app, folder, Path(scratch))


def _runs_and_compare(visits: Visits, app: RunningApp, folder: Path) -> None:
    """The table, a comparison of three settings under three seeds each beside the starter, and one run's own view."""
    given = load_settings(home=app.home)
    # Two parts in place of five: what is photographed are nine runs with their coverage, not the best of ranges.
    settings = given.model_copy(update={"evaluation": given.evaluation.model_copy(update={"range_folds": 2})})
    connect = functools.cache(lambda: open_store(settings))
    for trees in (100, 150, 200):
        for seed in (1, 2, 3):
            spec = TrainingSpec.create("random_forest", {"n_estimators": trees, "max_depth": 16}, seed=seed)
            train_now(
                settings, TrainingRequest.create(spec, actor=local_actor(), run_name=f"forest of {trees}"), connect
            )
    ids = [run.run_id for run in list_runs(connect(), limit=9)]
    _everywhere(visits, f"{app.url}/runs?order=metrics.rmse+ASC&picked={','.join(ids[:3])}", folder, "runs")
    _everywhere(visits, f"{app.url}/runs?filter_text=metrics.rmse+%3C%3C+5", folder, "runs-refused")
    _everywhere(visits, f"{app.url}/runs?run={ids[0]}", folder, "run")
    _everywhere(visits, f"{app.url}/compare", folder, "compare-empty")
    promotions = Promoting(settings, connect)
    promotions.promote(promotions.verdict("1"), actor=local_actor(), reason="the first one")
    promotions.close()
    _everywhere(visits, f"{app.url}/models?version=2", folder, "models-refused")
    _everywhere(visits, f"{app.url}/models?version=2&alias=challenger", folder, "models-challenger")
    _everywhere(visits, f"{app.url}/models?part=Ledger", folder, "models-ledger")
    _everywhere(visits, f"{app.url}/models?part=Service", folder, "models-service")
    _everywhere(visits, f"{app.url}/compare?runs={','.join(ids)}", folder, "compare")
    page = visits.open(f"{app.url}/compare?runs={','.join(ids)}")
    page.set_viewport_size({"width": WIDTHS["desk"], "height": 2600})
    for tab in ("Where they differ", "Over all runs", "Score profile"):
        page.get_by_role("tab", name=tab).click()
        wait_until_idle(page)
        _shoot(page, folder / f"compare-{tab.lower().replace(' ', '-')}-light-desk.png")


def _what_if(visits: Visits, app: RunningApp, folder: Path) -> None:
    """The best preset with its range, promoted: every part of What-if at its full length."""
    settings = load_settings(home=app.home)
    connect = functools.cache(lambda: open_store(settings))
    spec = TRAINING_PRESETS["best"].spec
    outcome = train_now(settings, TrainingRequest.create(spec, actor=local_actor(), run_name="best"), connect)
    promotions = Promoting(settings, connect)
    promotions.promote(promotions.verdict(str(outcome.version)), actor=local_actor(), reason="the lowest error")
    promotions.close()
    house = "median_income=6.2&ocean_proximity=NEAR+BAY&longitude=-122.23&latitude=37.84"
    for part in PARTS:
        name = f"what-if-{part.lower().replace(' ', '-')}"
        for place, width in WIDTHS.items():
            for scheme in SCHEMES:
                page = visits.open(
                    f"{app.url}/what_if?{house}&part={quote_plus(part)}", width=width, color_scheme=scheme
                )
                _shoot(page, folder / f"{name}-{scheme}-{place}.png")
                page.set_viewport_size({"width": width, "height": TALL[place]})
                _shoot(page, folder / f"{name}-{scheme}-{place}-whole.png")
                page.close()


def _score(visits: Visits, app: RunningApp, folder: Path) -> None:
    """The form with a file in it, and what came of the file."""
    rows = pd.read_csv(load_settings(home=app.home).data_path).drop(columns="median_house_value").head(500)
    rows.loc[7, "median_income"] = 83_252
    rows.loc[11, "latitude"] = None
    _everywhere(visits, f"{app.url}/score", folder, "score-empty")
    page = visits.open(f"{app.url}/score")
    content = rows.to_csv(index=False).encode()
    upload = page.get_by_test_id("stFileUploaderDropzoneInput")
    with rerun(page):
        upload.set_input_files({"name": "block groups.csv", "mimeType": "text/csv", "buffer": content})
    _shoot(page, folder / "score-form-light-desk.png")
    button(page, "Score this file").click()
    page.get_by_text("Rejected rows").first.wait_for(timeout=TRAINING_SECONDS * 1000)
    wait_until_idle(page)
    _everywhere(visits, page.url, folder, "score-done")


def _other_screens(visits: Visits, app: RunningApp, folder: Path) -> None:
    """Every screen of the navigation that has no picture of its own yet, with each of its tabs."""
    links = visits.open(app.url).get_by_test_id("stSidebarNavLink").all()
    names = [urlsplit(link.get_attribute("href") or "").path.strip("/").replace("_", "-") for link in links]
    for name in names:
        if any(folder.glob(f"{name or 'home'}*.png")):
            continue
        url = f"{app.url}/{name.replace('-', '_')}"
        _everywhere(visits, url, folder, name)
        page = visits.open(url)
        page.set_viewport_size({"width": WIDTHS["desk"], "height": TALL["desk"]})
        for tab in page.get_by_role("tab").all():
            title = tab.inner_text()
            tab.click()
            wait_until_idle(page)
            _shoot(page, folder / f"{name}-{title.lower().replace(' ', '-')}-light-desk.png")
        page.close()


def _trouble(visits: Visits, app: RunningApp, folder: Path, scratch: Path) -> None:
    """What a visitor sees when something is wrong: the records away, bad rows, nobody or a stranger at the door."""
    away = {"HOUSING_LAB_TRACKING__URI": "http://127.0.0.1:9", "HOUSING_LAB_JOBS__EMBEDDED_WORKER": "false"}
    with running_app(app.home, away) as cut_off:
        for screen in ("", "runs", "compare", "models", "what_if?median_income=4"):
            name = screen.partition("?")[0].replace("_", "-") or "home"
            _everywhere(visits, f"{cut_off.url}/{screen}", folder, f"{name}-records-away")
    bad = scratch / "bad.csv"
    rows = pd.read_csv(load_settings(home=app.home).data_path)
    rows.loc[7, "median_income"] = -3.0
    rows.to_csv(bad, index=False)
    with running_app(scratch / "failing", {"HOUSING_LAB_DATA__PATH": str(bad)}) as failing:
        page = visits.open(f"{failing.url}/train?family=Ridge+regression")
        button(page, "Train").click()
        page.get_by_text("This training failed.").wait_for(timeout=TRAINING_SECONDS * 1000)
        _everywhere(visits, page.url, folder, "train-failed")
    with running_provider() as provider:
        asking = {
            "HOUSING_LAB_ACCESS__SIGN_IN": "true",
            "HOUSING_LAB_JOBS__EMBEDDED_WORKER": "false",
            "STREAMLIT_SECRETS_FILES": str(provider.secrets_file(scratch)),
        }
        with running_app(app.home, asking) as guarded:
            _everywhere(visits, guarded.url, folder, "sign-in")
            for name, told in {"refused": {"email_verified": False}, "viewer": {"email_verified": True}}.items():
                provider.claims = {"email": "stranger@lab.org", **told}
                page = visits.open(f"{guarded.url}/train", apart=True)
                button(page, "Sign in").click()
                button(page, "Sign out").wait_for()
                wait_until_idle(page)
                _shoot(page, folder / f"sign-in-{name}-light-desk.png")
        visits.close()


def _data(visits: Visits, app: RunningApp, folder: Path) -> None:
    """Every part of Data at its full length, with a dataset beside the configured file."""
    settings = load_settings(home=app.home)
    rows = pd.read_csv(settings.data_path)
    lab = Lab(settings)
    inland = rows[rows["ocean_proximity"] == "INLAND"].to_csv(index=False).encode()
    lab.data.add(io.BytesIO(inland), "inland.csv", "Inland only", actor=local_actor())
    lab.queue.close()
    for part in (*DATA_PARTS, "Map&map=Random+split", "Map&map=Spatial+blocks"):
        name = f"data-{part.partition('map=')[2] or part}".lower().replace(" ", "-").replace("+", "-")
        for place, width in WIDTHS.items():
            for scheme in SCHEMES:
                page = visits.open(f"{app.url}/data?part={part.replace(' ', '+')}", width=width, color_scheme=scheme)
                _shoot(page, folder / f"{name}-{scheme}-{place}.png")
                page.set_viewport_size({"width": width, "height": TALL[place]})
                _shoot(page, folder / f"{name}-{scheme}-{place}-whole.png")
                page.close()


@contextmanager
def _visits() -> Iterator[Visits]:
    with sync_playwright() as playwright:
        path = ensure_chromium(os.environ, Path(playwright.chromium.executable_path))
        browser = playwright.chromium.launch(executable_path=path, args=list(LAUNCH_ARGUMENTS))
        visits = Visits(Profiles(browser))
        yield visits
        for complaint in visits.complaints():
            sys.stderr.write(f"{complaint}\n")
        browser.close()


def _everywhere(visits: Visits, url: str, folder: Path, name: str) -> None:
    for scheme in SCHEMES:
        for place, width in WIDTHS.items():
            page = visits.open(url, width=width, color_scheme=scheme)
            _shoot(page, folder / f"{name}-{scheme}-{place}.png")
            page.close()


def _shoot(page: Page, file: Path) -> None:
    page.wait_for_function("document.querySelectorAll('[data-testid=stSkeleton]').length === 0")
    page.wait_for_timeout(600)  # charts fade in
    page.screenshot(path=file)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(prog="python -m tests.browser.photos", description=__doc__)
    asked.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="where the pictures go")
    main(asked.parse_args().folder)
