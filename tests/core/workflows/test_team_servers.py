"""The lab on a team's servers: PostgreSQL, an object store, and an MLflow server that asks who one is.

Only settings differ from a home of one's own. Each home here stands for a host: nothing but the servers is shared.
The servers take a minute to start beside other work; what needs the object store alone is in
:mod:`tests.core.tracking.test_object_store`, which is always run.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.domain.configuration import load_settings
from core.domain.errors import NotFound, StoreUnavailable
from core.domain.house import House
from core.domain.run_query import RunQuery
from core.domain.runs import Alias, TrainingOutcome
from core.domain.settings import Settings
from core.serving.following import Condition, Follower
from core.tracking.leftovers import fail_model, pending_models
from core.tracking.registry import alias_holders, get_version, input_columns, model_file_of
from core.tracking.run_files import list_files, read_file
from core.tracking.run_index import RunIndex
from core.tracking.runs import list_runs, read_importance, read_predictions
from core.tracking.scenarios import ScenarioShelf
from core.tracking.store import Store, open_store
from core.tracking.tracker import MLflowTracker
from core.workflows.comparing import Comparing
from core.workflows.doctor import examine
from core.workflows.lab import Lab
from core.workflows.promotion_records import PromotionRecords
from core.workflows.training import train_now
from tests.conftest import RANGE_VARIABLE, rows_in
from tests.core.tracking.conftest import feed_all
from tests.core.workflows.conftest import ridge
from tests.postgres import MissingPostgresError, cluster
from tests.promotions import put_up
from tests.team_servers import PASSWORD, ObjectStore, Team, object_store, team_of

pytestmark = pytest.mark.long

UNREACHABLE = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Host:
    """A host of the team: settings, the store as it reaches it, and what was trained there."""

    settings: Settings
    store: Store
    outcomes: tuple[TrainingOutcome, ...]


@pytest.fixture(scope="module")
def objects() -> Iterator[ObjectStore]:
    with object_store() as running:
        yield running


@pytest.fixture(scope="module")
def team(objects: ObjectStore) -> Iterator[Team]:
    try:
        running = cluster()
        postgres, why = running.__enter__(), ""
    except MissingPostgresError as missing:
        why = str(missing)
    if why:
        pytest.fail(why, pytrace=False)
    with team_of(postgres, objects, "tests", accounts=True) as servers:
        yield servers
    running.__exit__(None, None, None)


@pytest.fixture(scope="module")
def _signed_in(team: Team) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in team.credentials.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def remote(team: Team, small_file: Path, tmp_path_factory: pytest.TempPathFactory, _signed_in: None) -> Host:
    """The host that trains: two versions, the first with a range, through the MLflow server alone."""
    environment = {**rows_in(small_file), **team.settings}
    home = tmp_path_factory.mktemp("remote")
    settings = load_settings(home=home, environment={**environment, RANGE_VARIABLE: "2"})
    connect = functools.cache(lambda: open_store(settings))
    first = train_now(settings, ridge("with a range"), connect)
    plain = load_settings(home=home, environment=environment)
    return Host(plain, connect(), (first, train_now(plain, ridge("stiffer", alpha=100.0), connect)))


@pytest.fixture(scope="module")
def direct(
    team: Team, objects: ObjectStore, small_file: Path, tmp_path_factory: pytest.TempPathFactory, remote: Host
) -> Iterator[Host]:
    """A host without an MLflow server: PostgreSQL and the object store itself, in an experiment of their own."""
    values = {
        "uri": team.mlflow_database,
        "artifact_location": f"s3://{team.bucket}/direct",
        "experiment_name": "direct",
        "registered_model_name": "direct",
    }
    environment = {**rows_in(small_file), "HOUSING_LAB_JOBS__DATABASE_URL": team.jobs_url}
    home = tmp_path_factory.mktemp("direct")
    settings = load_settings(home=home, environment=environment, values={"tracking": values})
    connect = functools.cache(lambda: open_store(settings))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in objects.environment.items():
            patch.setenv(name, value)
        yield Host(settings, connect(), (train_now(settings, ridge(), connect),))


@pytest.fixture(params=["through the MLflow server", "straight from the object store"])
def host(request: pytest.FixtureRequest) -> Host:
    is_remote = request.param == "through the MLflow server"
    found: Host = request.getfixturevalue("remote" if is_remote else "direct")
    return found


@pytest.fixture
def elsewhere(remote: Host, tmp_path: Path) -> Settings:
    """Another host: the same servers and the same rows, an empty home."""
    return remote.settings.model_copy(update={"home": tmp_path / "elsewhere"})


def test_a_training_is_recorded_whole(host: Host) -> None:
    assert [outcome.version for outcome in host.outcomes] == [str(n + 1) for n in range(len(host.outcomes))]
    assert not [note for outcome in host.outcomes for note in outcome.notes]
    assert {run.status for run in list_runs(host.store)} == {"FINISHED"}


def test_no_file_of_a_run_lies_on_the_host_that_trained_it(host: Host, team: Team) -> None:
    assert not host.settings.paths.mlflow_artifacts.exists()
    kept = team.objects.keys(team.bucket)
    assert sum(key.endswith("predictions.parquet") for key in kept) >= len(host.outcomes)


def test_another_host_gives_the_same_price_and_range(remote: Host, elsewhere: Settings) -> None:
    here, there = (Lab(settings).value(House.typical(), "1") for settings in (remote.settings, elsewhere))
    assert there.price == here.price
    assert here.range is not None
    assert there.range == here.range
    assert not there.range_trouble


def test_a_promotion_here_is_followed_by_the_service_there(remote: Host, elsewhere: Settings) -> None:
    records = PromotionRecords(remote.settings, lambda: remote.store)
    follower = Follower(elsewhere, lambda: remote.store)
    for version in ("1", "2"):
        put_up(records, version)
        follower.look()
        assert follower.standing.condition is Condition.OK
        assert follower.standing.served is not None
        assert follower.standing.served.source.version == version
        assert follower.standing.served.alias == "champion"
    assert alias_holders(remote.store) == {Alias.CHAMPION: "2"}
    history = Lab(elsewhere).promotions.history()
    assert [entry.version_to for entry in history.entries] == ["2", "1"]
    assert not Lab(elsewhere).promotions.check()


def test_a_scenario_saved_here_is_read_there(remote: Host, elsewhere: Settings) -> None:
    saved = ScenarioShelf(remote.settings).save("Bay house", "née 🏠", House.typical(), "zoë")
    assert ScenarioShelf(elsewhere).get(saved.scenario_id) == saved


def test_runs_trained_elsewhere_are_compared(remote: Host, elsewhere: Settings) -> None:
    first, second = (str(outcome.run_id) for outcome in remote.outcomes)
    compared = Comparing(elsewhere, lambda: remote.store).compare([first, second])
    assert compared.runs[1].is_compared, compared.runs[1].not_compared


def test_the_run_table_is_fed_from_a_server(host: Host, tmp_path: Path) -> None:
    index = RunIndex(tmp_path / "index.db", "team")
    feed = feed_all(host.store, index)
    assert {run.name for run in index.page(RunQuery()).runs} == {outcome.run_name for outcome in host.outcomes}
    with MLflowTracker(store=host.store) as passing:
        passing_id = passing.run_id
    feed.advance(runs=10)
    assert passing_id in {run.run_id for run in index.page(RunQuery()).runs}
    host.store.client.delete_run(passing_id)
    feed.verify([RunQuery()])
    assert passing_id not in {run.run_id for run in index.page(RunQuery()).runs}
    index.close()


def test_of_a_model_only_the_model_file_is_fetched(host: Host) -> None:
    with model_file_of(host.store, get_version(host.store, "1")) as file:
        fetched = [found for found in file.parents[1].rglob("*") if found.is_file()]
        assert fetched == [file]
    assert not file.exists()
    assert input_columns(host.store, get_version(host.store, "1"))


def test_files_of_a_run_are_listed_and_read(host: Host) -> None:
    run_id = str(host.outcomes[0].run_id)
    listed = {file.path: file.size for file in list_files(host.store, run_id)}
    assert len(read_file(host.store, run_id, "predictions.parquet")) == listed["predictions.parquet"]
    assert read_importance(host.store, run_id)[1]


def test_a_file_a_run_does_not_have_is_told_apart_from_a_store_that_is_away(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = str(host.outcomes[0].run_id)
    with pytest.raises(NotFound):
        read_predictions(host.store, run_id, "nobody_wrote_this.parquet")
    if host.store.uri.startswith("http"):
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "another")
    else:
        monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", UNREACHABLE)
    with pytest.raises(StoreUnavailable):
        read_predictions(host.store, run_id, "nobody_wrote_this.parquet")


def test_a_model_that_nobody_finished_is_found_and_failed(host: Host) -> None:
    begun = host.store.client.create_logged_model(
        host.store.experiment_id, name="model", source_run_id=host.outcomes[0].run_id
    )
    assert [model.model_id for model in pending_models(host.store)] == [begun.model_id]
    assert fail_model(host.store, begun.model_id)
    assert not pending_models(host.store)


def test_an_object_store_that_is_away_keeps_no_model_from_being_registered_here(
    direct: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", UNREACHABLE)
    outcome = train_now(direct.settings, ridge("offline", alpha=3.0), lambda: direct.store)
    assert outcome.version is None
    assert outcome.local_version
    assert "Recorded in the local registry only." in outcome.notes[0]
    assert UNREACHABLE in outcome.notes[0]
    with pytest.raises(StoreUnavailable):
        Lab(direct.settings).value(House.typical(), "1")


def test_a_wrong_password_is_named_as_the_reason_and_shown_nowhere(
    remote: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "guessed-wrong")
    with pytest.raises(StoreUnavailable, match="does not know who asks") as refused:
        open_store(remote.settings)
    assert "MLFLOW_TRACKING_PASSWORD" in refused.value.remedy
    assert "guessed-wrong" not in str(refused.value)
    assert Lab(remote.settings).overview().unreachable


def test_nothing_is_printed_beside_what_was_asked_for(
    remote: Host, elsewhere: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    with MLflowTracker(store=remote.store) as passing:
        passing_id = passing.run_id
    Lab(elsewhere).value(House.typical(), "2")
    remote.store.client.delete_run(passing_id)
    assert capfd.readouterr() == ("", "")


def test_the_doctor_finds_nothing_wrong_and_shows_no_password(direct: Host, remote: Host) -> None:
    address = team_address(direct.settings)
    direct_with_password = direct.settings.model_copy(
        update={"tracking": direct.settings.tracking.model_copy(update={"uri": address})}
    )
    for settings in (remote.settings, direct_with_password):
        connect = functools.cache(functools.partial(open_store, settings))
        findings = {finding.name: finding for finding in examine(settings, connect)}
        assert PASSWORD not in str(findings)
        assert "Not looked at" not in str(findings)
        sound = {"state folder", "data", "MLflow", "job queue", "open runs", "logged models", "audit ledger"}
        assert [finding for name, finding in findings.items() if name in sound and not finding.ok] == []


def team_address(settings: Settings) -> str:
    """The records' address with a password in it, which this server does not ask for."""
    return str(settings.tracking.uri).replace("lab@", f"lab:{PASSWORD}@")
