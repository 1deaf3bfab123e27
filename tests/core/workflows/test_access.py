"""Whoever may not is refused by the workflows themselves, before anything is opened, asked or written."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.domain.access import LEAST_ROLE, Actor, Deed, Role
from core.domain.configuration import load_settings
from core.domain.errors import Forbidden, NotFound
from core.domain.hyperparameters import TrainingSpec
from core.domain.imports import ImportRequest
from core.domain.jobs import JobState, TrainingRequest
from core.domain.settings import Settings
from core.domain.sweep_plans import SweepPlan
from core.serving.service_control import start_service, stop_service
from core.tracking.store import Store
from core.workflows.importing import import_records
from core.workflows.lab import Lab
from core.workflows.mending import treat
from core.workflows.pipeline import engineer_features, ingest_data, train_model
from core.workflows.restoring import restore

RIDGE = TrainingSpec.create("ridge")
Call = Callable[[Lab, Actor], object]


def away() -> Store:
    pytest.fail("the records were opened for somebody who may not")


CALLS: dict[str, tuple[Deed, Call]] = {
    "submit": (Deed.TRAIN, lambda lab, who: lab.submit(RIDGE, actor=who)),
    "ingest": (Deed.TRAIN, lambda lab, who: ingest_data(lab.settings, actor=who)),
    "engineer": (Deed.TRAIN, lambda lab, who: engineer_features(lab.settings, actor=who)),
    "train": (Deed.TRAIN, lambda lab, who: train_model(lab.settings, RIDGE, away, actor=who)),
    "cancel": (Deed.CANCEL_JOB, lambda lab, who: lab.cancel("job", actor=who)),
    "sweep": (Deed.TUNE, lambda lab, who: lab.tuning.start(SweepPlan.search(RIDGE, trials=1), actor=who)),
    "pause": (Deed.STEER_SWEEP, lambda lab, who: lab.tuning.pause("sweep", actor=who)),
    "resume": (Deed.STEER_SWEEP, lambda lab, who: lab.tuning.resume("sweep", actor=who)),
    "cancel the sweep": (Deed.STEER_SWEEP, lambda lab, who: lab.tuning.cancel("sweep", actor=who)),
    "assess": (Deed.MEASURE_RANGE, lambda lab, who: lab.assess("1", actor=who)),
    "assess here": (Deed.MEASURE_RANGE, lambda lab, who: lab.ranges.measure_here("1", actor=who)),
    "add data": (Deed.CHANGE_DATA, lambda lab, who: lab.data.add(io.BytesIO(), "a.csv", "a", actor=who)),
    "delete data": (Deed.CHANGE_DATA, lambda lab, who: lab.data.remove("a" * 64, actor=who)),
    "tag": (Deed.EDIT_RUN, lambda lab, who: lab.runs.tag(["run"], "key", "value", actor=who)),
    "note": (Deed.EDIT_RUN, lambda lab, who: lab.runs.note("run", "text", actor=who)),
    "delete": (Deed.DELETE_RUN, lambda lab, who: lab.runs.delete(["run"], actor=who)),
    "restore": (Deed.DELETE_RUN, lambda lab, who: lab.runs.restore(["run"], actor=who)),
    "edit a scenario": (Deed.CHANGE_SCENARIO, lambda lab, who: lab.scenarios.edit("one", actor=who, name="two")),
    "delete a scenario": (Deed.CHANGE_SCENARIO, lambda lab, who: lab.scenarios.delete("one", actor=who)),
    "promote": (Deed.PROMOTE, lambda lab, who: lab.promotions.promote(_verdict(), actor=who)),
    "override": (
        Deed.PROMOTE,
        lambda lab, who: lab.promotions.promote(_verdict(), actor=who, reason="I insist", override=True),
    ),
    "roll back": (Deed.ROLL_BACK, lambda lab, who: lab.promotions.rollback(actor=who, reason="it is bad")),
    "start the service": (Deed.RUN_SERVICE, lambda lab, who: start_service(lab.settings, actor=who, port=1)),
    "stop the service": (Deed.RUN_SERVICE, lambda lab, who: stop_service(lab.settings, actor=who)),
    "import": (
        Deed.IMPORT,
        lambda lab, who: import_records(lab.settings, ImportRequest(Path("mlruns"), None), away, actor=who),
    ),
    "mend": (Deed.MEND, lambda lab, who: treat(lab.settings, away, [], actor=who)),
    "bring back": (Deed.MEND, lambda lab, who: restore(lab.settings, away, actor=who)),
}
"""Every call of the workflows that changes something a viewer may not, by what it does."""


def _verdict() -> Any:
    """Nothing in it is looked at before the actor is."""
    return None


@pytest.fixture
def empty(tmp_path: Path) -> Settings:
    """A home that is not even a folder yet."""
    return load_settings(home=tmp_path / "home", environment={})


@pytest.mark.parametrize(
    ("call", "role"),
    [(call, role) for call, (deed, _) in CALLS.items() for role in Role if not role.reaches(LEAST_ROLE[deed])],
)
def test_a_role_too_low_is_refused_before_anything_happens(call: str, role: Role, empty: Settings) -> None:
    _, ask = CALLS[call]
    lab = Lab(empty)
    with pytest.raises(Forbidden, match="may not"):
        ask(lab, Actor("somebody", role))
    assert not empty.home.exists()


def test_every_deed_that_a_viewer_may_not_is_among_the_calls() -> None:
    refused = {deed for deed, least in LEAST_ROLE.items() if least is not Role.VIEWER}
    assert {deed for deed, _ in CALLS.values()} == refused


@pytest.mark.parametrize(
    "ask",
    [
        lambda lab, who: lab.scoring.start(io.BytesIO(b"a"), "a.csv", {}, actor=who),
        lambda lab, who: lab.scoring.cancel("job", actor=who),
        lambda lab, who: lab.scenarios.save("a", "", None, actor=who),
        lambda lab, who: lab.scenarios.duplicate("a", actor=who),
    ],
)
def test_what_a_viewer_may_is_asked_of_the_table_too(
    ask: Call, empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for deed in (Deed.SCORE, Deed.SAVE_SCENARIO):
        monkeypatch.setitem(LEAST_ROLE, deed, Role.TRAINER)  # type: ignore[arg-type]
    with pytest.raises(Forbidden, match="may not"):
        ask(Lab(empty), Actor("somebody", Role.VIEWER))
    assert not empty.home.exists()


def test_a_viewer_cannot_cancel_a_training_as_if_it_were_a_file(settings: Settings) -> None:
    quiet = settings.model_copy(update={"jobs": settings.jobs.model_copy(update={"embedded_worker": False})})
    lab = Lab(quiet)
    job_id = lab.queue.submit(TrainingRequest.create(RIDGE, actor="somebody"))
    with pytest.raises(NotFound, match="prices no file"):
        lab.scoring.cancel(job_id, actor=Actor("somebody else", Role.VIEWER))
    assert lab.job(job_id).state is JobState.QUEUED
    lab.queue.close()
