"""The newcomer's way through the README's "Ten minutes", on an empty home, with what the README says is pressed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from core.domain.configuration import load_settings
from core.domain.house import RAW_COLUMNS
from core.domain.settings import PROJECT_ROOT
from core.tracking.registry import alias_holders
from core.tracking.store import open_store
from core.workflows.lab import Lab
from tests.browser.intents import button, choose_option, click_button, follow_navigation, read_metric, set_slider
from tests.browser.server import RunningApp, free_port, running_app
from tests.browser.tables import pick_row, read_column
from tests.browser.visits import Visits
from tests.conftest import DATA_VARIABLE, RANGE_VARIABLE, SPATIAL_VARIABLE

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(900)]

WORK_SECONDS: Final = 240
"""For one training with its range, or one start of the service."""

README: Final = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
TEN_MINUTES: Final = README.partition("## Ten minutes")[2].partition("\n## ")[0]
PRICE: Final = "Estimated median value (1990 $)"
PORT: Final = 5001


def as_told(label: str) -> str:
    """A label to press, which the README must name."""
    assert f"`{label}`" in " ".join(TEN_MINUTES.split()), f"the README tells nobody to press {label}"
    return label


def go_to(page: Page, screen: str) -> None:
    """To a screen that the README tells of."""
    assert f"**{screen}**" in TEN_MINUTES, f"the README does not lead to {screen}"
    follow_navigation(page, screen)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Iterator[RunningApp]:
    """As it is configured for everybody: ranges and spatial scores are measured, and a worker is started."""
    home = tmp_path_factory.mktemp("newcomer") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(RANGE_VARIABLE)
        patch.delenv(SPATIAL_VARIABLE)
        with running_app(home, {DATA_VARIABLE: str(data_file)}) as server:
            yield server


def test_a_newcomer_goes_the_whole_way(
    app: RunningApp, visits: Visits, real_rows: pd.DataFrame, tmp_path: Path, data_file: Path
) -> None:
    page = visits.open(app.url)
    button(page, as_told("Train a starter model")).click()
    expect(page.get_by_text("Registered as version 1")).to_be_visible(timeout=WORK_SECONDS * 1000)

    go_to(page, "Train")
    choose_option(page, "Model family", "Random forest")
    set_slider(page, "Trees", 60)
    button(page, as_told("Train")).click()
    expect(page.get_by_text("Registered as version 2")).to_be_visible(timeout=WORK_SECONDS * 1000)
    expect(page.get_by_text("Differences are to version 1")).to_be_visible()

    go_to(page, "Runs")
    assert len(read_column(page, "Run")) == 2
    pick_row(page, 1)
    pick_row(page, 0)
    click_button(page, as_told("Compare"))
    assert read_column(page, "Verdict") == ["baseline", "worse"]

    go_to(page, "Models")
    assert read_column(page, "Version") == ["2", "1"]
    pick_row(page, 1)
    click_button(page, as_told("Promote"))
    expect(page.get_by_role("heading", name="Champion: version 1")).to_be_visible()

    settings = load_settings(home=app.home, environment={DATA_VARIABLE: str(data_file)})
    lab = Lab(settings)
    deadline = time.monotonic() + WORK_SECONDS
    while not lab.ranges.standing("1").has_spatial_score:
        assert time.monotonic() < deadline, "how wide prices are is measured in a minute or so"
        time.sleep(1)
    go_to(page, "What-if")
    click_button(page, as_told("Value this house"))
    first = read_metric(page, PRICE)
    expect(page.get_by_text("90 % range").first).to_be_visible()
    set_slider(page, "Median income (× $10,000 a year)", 6.0)
    assert read_metric(page, PRICE) != first

    go_to(page, "Score")
    file = real_rows[list(RAW_COLUMNS)].head(50).to_csv(index=False).encode()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": "houses.csv", "mimeType": "text/csv", "buffer": file}
    )
    button(page, as_told("Score this file")).click()
    expect(page.get_by_text("Priced rows, CSV")).to_be_visible(timeout=WORK_SECONDS * 1000)
    assert (read_metric(page, "Priced"), read_metric(page, "Rejected")) == ("50", "0")

    go_to(page, "Data")
    expect(page.get_by_role("tab", name="Source")).to_be_visible()

    assert alias_holders(open_store(settings)) == {"champion": "1"}
    answer = asked_as_the_readme_writes_it(page)
    assert len(answer["predictions"]) == 1
    assert 100_000 < answer["predictions"][0] <= 500_001


def asked_as_the_readme_writes_it(page: Page) -> dict[str, list[float]]:
    """Start the service on Models, type the README's curl, stop it; only the port is one that is free here."""
    assert shutil.which("curl"), "the README's command needs curl"
    port = free_port()
    follow_navigation(page, "Models")
    page.get_by_role("tab", name="Service").click()
    field = page.get_by_test_id("stNumberInput").locator("input")
    expect(field).to_have_value(str(PORT))
    field.fill(str(port))
    field.press("Tab")
    page.get_by_role("button", name=as_told("Start the service")).click()
    expect(page.get_by_text(f"http://127.0.0.1:{port}", exact=True)).to_be_visible(timeout=WORK_SECONDS * 1000)
    (command,) = re.findall(r"^curl .*?'$", README, re.MULTILINE | re.DOTALL)
    assert f"localhost:{PORT}/" in command
    typed = command.replace(f"localhost:{PORT}/", f"localhost:{port}/")
    done = subprocess.run(["bash", "-c", f"{typed} --silent --fail"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    page.get_by_role("button", name="Stop the service").click()
    expect(page.get_by_text("No service runs.")).to_be_visible(timeout=WORK_SECONDS * 1000)
    answer: dict[str, list[float]] = json.loads(done.stdout)
    return answer
