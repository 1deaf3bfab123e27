"""Three roles, every deed, every door: each is done or refused exactly as the one table says.

The doors are real: the screens run whole with a signed-in visitor, the terminal is given a token, and REST is asked
over HTTP (``tests/core/serving/test_admission.py``). What counts is whether the deed was done, not what was said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.domain.access import LEAST_ROLE, Actor, Deed, Role
from core.domain.admission import new_token
from core.domain.house import House
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import JobState, TrainingRequest
from core.domain.provenance import current_user
from core.domain.runs import Run
from core.domain.settings import AccessSettings, RoleLists, Settings
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import SweepState
from core.jobs.engine import JobQueue
from core.serving.service_control import stop_service
from core.tracking.local_registry import open_registry
from core.tracking.runs import get_run, list_runs
from core.tracking.store import Store, open_store
from core.workflows.lab import Lab
from core.workflows.promotion_records import PromotionRecords
from core.workflows.training import train_now
from pages.shared import scenario_shelf, visitor
from tests.actors import TESTER
from tests.browser.server import free_port
from tests.core.cli.terminal import run_here
from tests.core.old_store import OldStore
from tests.core.workflows.conftest import home_at
from tests.pages.conftest import OpenScreen
from tests.pages.markdown import plain, said
from tests.promotions import put_up
from tests.scored import HOUSE, csv_text

REST = {Deed.SEE, Deed.VALUE}
"""What the REST door does; tests/core/serving/test_admission.py asks it."""

TOKENS = {role: new_token(f"{role}'s script", role) for role in Role}
CELLS = [(deed, role) for deed in Deed for role in Role]


@dataclass(frozen=True, slots=True)
class Office:
    """A lab with two versions, an earlier champion, and people of all three roles.

    ``count`` gives names that no cell before used.
    """

    settings: Settings
    store: Store
    lab: Lab
    folder: Path
    names: Iterator[int] = field(default_factory=lambda: iter(range(10_000)))

    @property
    def queue(self) -> JobQueue:
        return self.lab.queue

    def name(self) -> str:
        return f"cell {next(self.names)}"

    def rows(self) -> str:
        """Seventy rows that no cell before brought, as CSV."""
        header, *lines = self.settings.data_path.read_text(encoding="utf-8").splitlines()
        first = next(self.names)
        return "\n".join([header, *lines[first : first + 70]]) + "\n"

    def run(self) -> Run:
        """A run that is nobody's champion."""
        (run,) = list_runs(self.store, limit=1, filter_text="attributes.run_name = 'spare'")
        return run

    def waiting(self) -> str:
        """A training of somebody else's on the queue."""
        return self.queue.submit(TrainingRequest.create(TrainingSpec.create("ridge"), actor="somebody"))

    def sweep(self) -> str:
        plan = SweepPlan.search(self.settings.default_spec("ridge"), trials=2)
        return self.lab.tuning.start(plan, actor=TESTER, name=self.name())

    def champion(self) -> str:
        return str(self.lab.promotions.versions().champion)

    def served(self) -> str:
        """Version 2 is the champion, and version 1 was it before; that version 1."""
        records = PromotionRecords(self.settings, lambda: self.store)
        for version in ("1", "2"):
            if version == "1" or self.champion() != "2":
                put_up(records, version)
        records.ledger.close()
        return "1"


@pytest.fixture(scope="module")
def office(
    tmp_path_factory: pytest.TempPathFactory, real_rows: pd.DataFrame, empty_store_file: Path
) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    file = folder / "housing.csv"
    real_rows.sample(800, random_state=1).to_csv(file, index=False)
    people = RoleLists(trainer=("trainer@lab.org",), approver=("approver@lab.org",))
    access = AccessSettings(sign_in=True, roles=people, tokens=tuple(kept for _, kept in TOKENS.values()))
    asked = {"access__sign_in": "true", "access__roles": people.model_dump_json(), "jobs__embedded_worker": "false"}
    asked["access__tokens"] = json.dumps([kept.model_dump(mode="json") for _, kept in TOKENS.values()])
    settings = home_at(folder / "home", file, empty_store_file, **asked)
    assert settings.access == access
    store = open_store(settings)
    for seed, name in enumerate(("first", "second", "spare")):
        spec = TrainingSpec.create("random_forest", {"n_estimators": 10, "max_depth": 6}, seed=seed)
        train_now(settings, TrainingRequest.create(spec, actor="somebody", run_name=name), lambda: store)
    measured = settings.model_copy(update={"evaluation": settings.evaluation.model_copy(update={"range_folds": 2})})
    lab = Lab(measured)
    yield Office(measured, store, lab, folder)
    stop_service(settings, actor=TESTER)
    lab.queue.close()
    lab.runs.close()
    lab.promotions.close()


# The screens


@dataclass(frozen=True, slots=True)
class Press:
    """A button of a screen, what is filled in before, and what tells whether the deed was done."""

    screen: str
    button: str
    done: Callable[[], bool]
    address: Mapping[str, str] = field(default_factory=dict)
    fill: Callable[[AppTest], object] = lambda screen: None
    redraws_a_part: bool = False
    """AppTest draws whole screens only, and stumbles where a screen asks for a part of it."""


def button_of(screen: AppTest, label: str) -> Any:
    return next(one for one in screen.button if one.label == label)


def _fill(**texts: str) -> Callable[[AppTest], object]:
    def fill(screen: AppTest) -> None:
        for label, text in texts.items():
            fields = (*screen.text_input, *screen.text_area, *screen.number_input)
            for one in fields:
                if one.label == label:
                    one.set_value(int(text) if text.isdecimal() else text)

    return fill


def _scored(office: Office, email: str) -> Press:
    file = office.name() + ".csv"

    def upload(screen: AppTest) -> None:
        screen.file_uploader[0].set_value((file, csv_text([HOUSE]).encode(), "text/csv"))
        screen.run()

    def done() -> bool:
        return any(file in job.request.title and job.request.actor == email for job in office.lab.scoring.newest())

    return Press("score", "Score this file", done, fill=upload)


def _saved(office: Office, email: str) -> Press:
    name = office.name()
    return Press(
        "what_if",
        "Save scenario",
        lambda: (name, email) in [(one.name, one.author) for one in office.lab.scenarios.all()],
        {"median_income": "3"},
        _fill(Name=name),
    )


def _scenario_deleted(office: Office, email: str) -> Press:
    saved = office.lab.scenarios.save(office.name(), "", House.typical(), actor=TESTER)
    return Press("what_if", "Delete now", lambda: saved not in office.lab.scenarios.all(), redraws_a_part=True)


def _trained(office: Office, email: str) -> Press:
    name = office.name()
    return Press(
        "train",
        "Train",
        lambda: (name, email) in [(job.request.title, job.request.actor) for job in office.lab.active_jobs()],
        fill=_fill(**{"Run name": name}),
    )


def _cancelled(office: Office, email: str) -> Press:
    job_id = office.waiting()
    return Press("train", "Cancel", lambda: office.queue.get(job_id).state is JobState.CANCELLED, {"job": job_id})


def _searched(office: Office, email: str) -> Press:
    name = office.name()
    return Press(
        "tune",
        "Start the sweep",
        lambda: (name, email) in [(one.name, one.actor) for one in office.lab.tuning.newest()],
        fill=_fill(**{"Sweep name": name}),
    )


def _paused(office: Office, email: str) -> Press:
    sweep_id = office.sweep()
    return Press(
        "tune", "Pause", lambda: office.lab.tuning.get(sweep_id).state is SweepState.PAUSED, {"sweep": sweep_id}
    )


def _measured(office: Office, email: str) -> Press:
    for job in office.lab.ranges.under_way():
        office.queue.cancel(job.job_id)
    return Press(
        "what_if",
        "Measure its range",
        lambda: email in [job.request.actor for job in office.lab.ranges.under_way()],
        {"median_income": "3", "version": "1"},
    )


def _data_added(office: Office, email: str) -> Press:
    name = office.name()
    content = office.rows().encode()

    def upload(screen: AppTest) -> None:
        screen.file_uploader[0].set_value((f"{name}.csv", content, "text/csv"))
        screen.run()

    return Press(
        "data",
        "Add this data",
        lambda: (name, email) in [(one.name, one.actor) for one in office.lab.data.versions()],
        {"part": "Your data"},
        upload,
    )


def _tagged(office: Office, email: str) -> Press:
    value, run_id = office.name(), office.run().run_id
    return Press(
        "runs",
        "Tag now",
        lambda: get_run(office.store, run_id).tags.get("cell") == value,
        {"picked": run_id},
        _fill(Tag="cell", Value=value),
    )


def _deleted(office: Office, email: str) -> Press:
    run_id = office.run().run_id

    def done() -> bool:
        if not get_run(office.store, run_id).deleted:
            return False
        office.lab.runs.restore([run_id], actor=TESTER)
        return True

    return Press("runs", "Delete now", done, {"picked": run_id})


def _promoted(office: Office, email: str) -> Press:
    office.served()

    def done() -> bool:
        newest = office.lab.promotions.history(limit=1).entries[0]
        return (newest.version_to, newest.who, newest.override) == ("3", email, True)

    return Press("models", "Promote against the gates", done, {"version": "3"}, _fill(Reason="for the test"))


def _rolled_back(office: Office, email: str) -> Press:
    back = office.served()

    def done() -> bool:
        newest = office.lab.promotions.history(limit=1).entries[0]
        return (office.champion(), newest.who) == (back, email)

    return Press("models", f"Roll back to version {back}", done, fill=_fill(Reason="for the test"))


def _served(office: Office, email: str) -> Press:
    def done() -> bool:
        return stop_service(office.settings, actor=TESTER)

    return Press(
        "models", "Start the service", done, {"part": "Service"}, _fill(Port=str(free_port())), redraws_a_part=True
    )


PRESSED: Mapping[Deed, Callable[[Office, str], Press]] = {
    Deed.SCORE: _scored,
    Deed.SAVE_SCENARIO: _saved,
    Deed.CHANGE_SCENARIO: _scenario_deleted,
    Deed.TRAIN: _trained,
    Deed.CANCEL_JOB: _cancelled,
    Deed.TUNE: _searched,
    Deed.STEER_SWEEP: _paused,
    Deed.MEASURE_RANGE: _measured,
    Deed.CHANGE_DATA: _data_added,
    Deed.EDIT_RUN: _tagged,
    Deed.DELETE_RUN: _deleted,
    Deed.PROMOTE: _promoted,
    Deed.ROLL_BACK: _rolled_back,
    Deed.RUN_SERVICE: _served,
}
LOOKED: Mapping[Deed, tuple[str, Mapping[str, str]]] = {
    Deed.SEE: ("runs", {}),
    Deed.VALUE: ("what_if", {"median_income": "3"}),
}
"""Deeds of the screens that take no button."""


@pytest.fixture
def picks_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest cannot choose a row of a table."""
    monkeypatch.setattr(scenario_shelf, "_table", lambda saved: [saved[0]])


SLOW = {(Deed.RUN_SERVICE, Role.APPROVER)}
"""It starts a real service."""


@pytest.mark.parametrize(
    ("deed", "role"),
    [pytest.param(*cell, marks=[pytest.mark.long] * (cell in SLOW)) for cell in CELLS if cell[0] in PRESSED],
)
def test_a_screen_does_what_the_visitor_s_role_allows_and_nothing_else(
    deed: Deed,
    role: Role,
    office: Office,
    open_screen: OpenScreen,
    picks_the_newest: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    email = f"{role}@lab.org"
    press = PRESSED[deed](office, email)
    screen = open_screen(office.settings, press.screen, user={"is_logged_in": True, "email": email}, **press.address)
    press.fill(screen)
    may = Actor(email, role).may(deed)
    button = button_of(screen, press.button)
    assert button.proto.disabled is not may
    if not may:
        assert button.help == f"This takes {LEAST_ROLE[deed].phrase}."
        # A screen that bars nobody: what refuses then is the lab.
        monkeypatch.setattr(visitor, "LEAST_ROLE", dict.fromkeys(Deed, Role.VIEWER))
        press.fill(screen.run())
    screen = button_of(screen, press.button).click().run()
    assert press.redraws_a_part or not screen.exception
    assert press.done() is may, [plain(text) for text in said(screen)]
    refusals = [plain(error.value) for error in screen.error]
    assert any(f"may not {deed.value}" in text for text in refusals) is not may, refusals


@pytest.mark.parametrize(("deed", "role"), [cell for cell in CELLS if cell[0] in LOOKED])
def test_whoever_signed_in_may_look_and_ask_for_prices(
    deed: Deed, role: Role, office: Office, open_screen: OpenScreen
) -> None:
    screen, address = LOOKED[deed]
    email = f"{role}@lab.org"
    seen = open_screen(office.settings, screen, user={"is_logged_in": True, "email": email}, **address)
    assert not seen.error
    assert seen.dataframe if deed is Deed.SEE else seen.metric[0].value.startswith("$")
    assert seen.sidebar.text[0].value == f"{email}, {role}"
    assert "Sign out" in [button.label for button in seen.sidebar.button]


@pytest.mark.parametrize(
    ("screen", "user"),
    [
        *((screen, {}) for screen in ("", "train", "tune", "runs", "compare", "models", "what_if", "score")),
        ("runs", {"is_logged_in": False, "email": "approver@lab.org"}),
        ("runs", {"email": "approver@lab.org"}),
        ("runs", {"is_logged_in": "true", "email": "approver@lab.org"}),
    ],
)
def test_whoever_is_not_signed_in_sees_a_card_and_nothing_of_the_lab(
    screen: str, user: Mapping[str, object], office: Office, open_screen: OpenScreen
) -> None:
    seen = open_screen(office.settings, screen, user=user)
    assert [button.label for button in seen.button] == ["Sign in"]
    drawn = [*seen.dataframe, *seen.metric, *seen.title, *seen.error, *seen.sidebar.caption, *seen.sidebar.text]
    assert not drawn


def test_where_sign_in_is_not_set_up_the_card_says_what_is_missing(office: Office, open_screen: OpenScreen) -> None:
    pressed = open_screen(office.settings, user={}).button[0].click().run()
    assert not pressed.exception
    assert ["Nobody can sign in yet" in plain(error.value) for error in pressed.error] == [True]
    assert any("secrets.toml" in plain(text.value) for text in pressed.markdown)


def test_an_unverified_address_gets_no_further_than_the_card(office: Office, open_screen: OpenScreen) -> None:
    claimed = {"is_logged_in": True, "email": "approver@lab.org", "email_verified": False}
    seen = open_screen(office.settings, "models", user=claimed)
    assert ["has not verified" in plain(error.value) for error in seen.error] == [True]
    assert [button.label for button in seen.button] == ["Sign out"]
    assert not seen.dataframe


def test_without_sign_in_the_screens_are_this_computer_s_user_s(office: Office, open_screen: OpenScreen) -> None:
    alone = office.settings.model_copy(update={"access": AccessSettings()})
    seen = open_screen(alone, "train")
    assert not next(one for one in seen.button if one.label == "Train").proto.disabled
    assert "Sign out" not in [button.label for button in seen.button]
    next(one for one in seen.button if one.label == "Train").click().run()
    assert current_user() in [job.request.actor for job in office.lab.active_jobs()]


# The terminal


@dataclass(frozen=True, slots=True)
class Command:
    """Words for the terminal, and what tells whether the deed was done."""

    words: tuple[str, ...]
    done: Callable[[str], bool]


def _listed(office: Office, holder: str) -> Command:
    return Command(("runs", "--json"), lambda out: len(json.loads(out)["runs"]) >= 1)


def _valued(office: Office, holder: str) -> Command:
    return Command(("value", "--set", "median_income=3", "--version", "1"), lambda out: out.startswith("$"))


def _file_priced(office: Office, holder: str) -> Command:
    source = office.folder / f"{office.name()}.csv"
    source.write_text(csv_text([HOUSE]), encoding="utf-8")
    priced = source.with_suffix(".priced.csv")
    words = ("predict", "--input", str(source), "--output", str(priced), "--version", "1")
    return Command(words, lambda out: priced.is_file())


def _queued(office: Office, holder: str) -> Command:
    name = office.name()

    def done(out: str) -> bool:
        return (name, holder) in [(job.request.title, job.request.actor) for job in office.lab.active_jobs()]

    return Command(("train", "--family", "ridge", "--run-name", name, "--no-wait"), done)


def _job_cancelled(office: Office, holder: str) -> Command:
    job_id = office.waiting()
    return Command(("jobs", "cancel", job_id), lambda out: office.queue.get(job_id).state is JobState.CANCELLED)


def _swept(office: Office, holder: str) -> Command:
    name = office.name()
    return Command(
        ("sweep", "--family", "ridge", "--trials", "1", "--name", name, "--no-wait"),
        lambda out: (name, holder) in [(one.name, one.actor) for one in office.lab.tuning.newest()],
    )


def _sweep_paused(office: Office, holder: str) -> Command:
    sweep_id = office.sweep()
    return Command(
        ("sweeps", "pause", sweep_id), lambda out: office.lab.tuning.get(sweep_id).state is SweepState.PAUSED
    )


def _assessed(office: Office, holder: str) -> Command:
    version = "3"
    return Command(("assess", version, "--json"), lambda out: json.loads(out).get("version") == version)


def _command_added(office: Office, holder: str) -> Command:
    name = office.name()
    file = office.folder / f"{name}.csv"
    file.write_text(office.rows(), encoding="utf-8")
    return Command(
        ("data", "add", str(file), "--name", name),
        lambda out: (name, holder) in [(one.name, one.actor) for one in office.lab.data.versions()],
    )


def _command_promoted(office: Office, holder: str) -> Command:
    office.served()

    def done(out: str) -> bool:
        newest = office.lab.promotions.history(limit=1).entries[0]
        return (newest.version_to, newest.who) == ("3", holder)

    return Command(("promote", "3", "--override", "--reason", "for the test"), done)


def _command_rolled_back(office: Office, holder: str) -> Command:
    back = office.served()

    def done(out: str) -> bool:
        return (office.champion(), office.lab.promotions.history(limit=1).entries[0].who) == (back, holder)

    return Command(("rollback", "--reason", "for the test"), done)


def _imported(office: Office, holder: str) -> Command:
    name = office.name()
    old = OldStore(office.folder / name / "mlruns")
    experiment = old.experiment("0", name)
    old.run(experiment, "a1" * 16, run_name=name, params={"n_estimators": "150"})
    return Command(
        ("import", "--mlruns", str(old.root)),
        lambda out: office.store.client.get_experiment_by_name(name) is not None,
    )


def _mended(office: Office, holder: str) -> Command:
    """A model file that went missing comes back out of MLflow."""
    registry = open_registry(office.settings, lambda: office.store)
    file = registry.model_file(registry.list_models()[-1])
    file.unlink(missing_ok=True)
    return Command(("doctor",), lambda out: file.is_file())


TYPED: Mapping[Deed, Callable[[Office, str], Command]] = {
    Deed.SEE: _listed,
    Deed.VALUE: _valued,
    Deed.SCORE: _file_priced,
    Deed.TRAIN: _queued,
    Deed.CANCEL_JOB: _job_cancelled,
    Deed.TUNE: _swept,
    Deed.STEER_SWEEP: _sweep_paused,
    Deed.MEASURE_RANGE: _assessed,
    Deed.CHANGE_DATA: _command_added,
    Deed.PROMOTE: _command_promoted,
    Deed.ROLL_BACK: _command_rolled_back,
    Deed.IMPORT: _imported,
    Deed.MEND: _mended,
}

Terminal = Callable[..., tuple[int, str, str]]


@pytest.fixture
def terminal(office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """One command in this process with that token in the environment: exit code, output, errors."""
    for name, value in office.settings.as_environment().items():
        monkeypatch.setenv(name, value)

    def run(token: str | None, *words: str) -> tuple[int, str, str]:
        if token is None:
            monkeypatch.delenv("HOUSING_LAB_TOKEN", raising=False)
        else:
            monkeypatch.setenv("HOUSING_LAB_TOKEN", token)
        return run_here(monkeypatch, capsys, *words)

    return run


@pytest.mark.parametrize(("deed", "role"), [cell for cell in CELLS if cell[0] in TYPED])
def test_the_terminal_does_what_the_token_s_role_allows_and_nothing_else(
    deed: Deed, role: Role, office: Office, terminal: Terminal
) -> None:
    token, kept = TOKENS[role]
    command = TYPED[deed](office, kept.name)
    code, out, err = terminal(token, *command.words)
    may = Actor(kept.name, role).may(deed)
    assert token not in out + err
    if may:
        assert command.done(out), out + err
        return
    assert code == 1
    assert f"{kept.name} is a {role} here and may not {deed.value}" in out + err
    assert not command.done(out)


@pytest.mark.parametrize("token", [None, "hpl_forged"])
@pytest.mark.parametrize("deed", TYPED)
def test_without_a_token_of_the_lab_s_the_terminal_does_nothing(
    deed: Deed, token: str | None, office: Office, terminal: Terminal
) -> None:
    command = TYPED[deed](office, "nobody")
    code, out, err = terminal(token, *command.words)
    assert code == 1
    assert "token" in out + err
    assert "HOUSING_LAB_TOKEN" in out + err
    assert not token or token not in out + err
    assert deed in (Deed.SEE, Deed.VALUE) or not command.done(out)


def test_every_deed_has_a_door_that_is_tried():
    assert set(PRESSED) | set(LOOKED) | set(TYPED) | REST == set(Deed)
