"""The service follows the alias: soon, without losing a request, and never with half of one version."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.domain.errors import StoreUnavailable
from core.domain.house import House
from core.domain.settings import Settings
from core.serving.following import RETRY_SECONDS, Condition, Follower
from core.tracking.store import Store, open_store
from core.workflows.training import train_now
from tests.core.cli.terminal import run_here
from tests.core.serving.conftest import ServedHome
from tests.core.serving.service import JSON, Load, Service, encoded, load_on, request, running_service, split_of
from tests.core.workflows.conftest import MakeHome, ridge

FOLLOWS_WITHIN = 3.0
CLIENTS = 4


@pytest.fixture(autouse=True)
def _champion_is_two_again(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "service" in request.fixturenames:
        home: ServedHome = request.getfixturevalue("served_home")
        home.promote("2")
        wait_until(lambda: served(request.getfixturevalue("service"))["version"] == "2")


def served(service: Service) -> dict[str, object]:
    found: dict[str, object] = service.ask("GET", "/version").json
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> float:
    """How long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it did not come about in time"
        time.sleep(0.02)
    return time.monotonic() - began


def messages_of(houses: list[House]) -> list[bytes]:
    """Requests for one house and for all of them, in turn."""
    bodies = [split_of([houses[0]]), split_of(houses), split_of([houses[-1]])]
    return [request("POST", "/invocations", encoded(body), JSON) for body in bodies]


def whole_answers(load: Load, home: ServedHome, houses: list[House], versions: list[str]) -> set[str]:
    """The versions that answered, once every answer is known to be wholly the one it names."""
    prices = {version: home.prices(version, houses) for version in versions}
    seen = set()
    for status, version, body in set(load.answers):
        assert status == 200, body
        predictions = json.loads(body)["predictions"]
        known = prices[version]
        expected = known if len(predictions) > 1 else known[:1]
        is_last = len(predictions) == 1 and predictions[0] == pytest.approx(known[-1], rel=1e-9)
        assert is_last or predictions == pytest.approx(expected, rel=1e-9)
        seen.add(version)
    return seen


def moved_under_load(service: Service, home: ServedHome, houses: list[House], moves: int, seconds: float) -> Load:
    with load_on(service.port, messages_of(houses), CLIENTS) as load:
        for move in range(moves):
            home.promote("132"[move % 3])
            time.sleep(seconds / moves)
    return load


def test_a_moved_alias_is_served_within_three_seconds(
    service: Service, served_home: ServedHome, houses: list[House]
) -> None:
    for version in ("1", "3"):
        began = time.time()
        served_home.promote(version)
        took = wait_until(lambda version=version: served(service)["version"] == version)  # type: ignore[misc]
        assert took < FOLLOWS_WITHIN
        print(f"\nversion {version} answered {took:.2f} s after the alias moved")
        answer = service.invoke(split_of(houses))
        assert answer.json["predictions"] == pytest.approx(served_home.prices(version, houses), rel=1e-9)
        since = served(service)["since"]
        assert isinstance(since, str)
        assert since > time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began))


def test_no_request_is_lost_and_no_answer_is_mixed_while_the_alias_moves(
    service: Service, served_home: ServedHome, houses: list[House]
) -> None:
    load = moved_under_load(service, served_home, houses, moves=6, seconds=20)
    assert load.errors == []
    assert whole_answers(load, served_home, houses, ["1", "2", "3"]) == {"1", "2", "3"}
    assert len(load.answers) > 1_000


@pytest.mark.long
def test_a_minute_of_load_through_five_promotions_loses_nothing(
    service: Service, served_home: ServedHome, houses: list[House]
) -> None:
    load = moved_under_load(service, served_home, houses, moves=6, seconds=60)
    assert load.errors == []
    assert whole_answers(load, served_home, houses, ["1", "2", "3"]) == {"1", "2", "3"}
    print(
        f"\n{len(load.answers):,} requests, p50 {load.quantile_ms(0.5):.1f} ms, "
        f"p99 {load.quantile_ms(0.99):.1f} ms, slowest {load.quantile_ms(1):.1f} ms"
    )


def test_a_version_that_cannot_be_loaded_leaves_the_old_one_serving(
    service: Service, served_home: ServedHome, houses: list[House]
) -> None:
    before = service.invoke(split_of(houses)).json
    store = served_home.store
    broken = store.client.create_model_version(store.model_name, source=model_source(store, "1"), run_id="0" * 32)
    store.client.set_model_version_tag(store.model_name, broken.version, "model.sha256", "0" * 64)
    served_home.promote(broken.version)
    wait_until(lambda: service.ask("GET", "/health").json["status"] == "degraded")
    health = service.ask("GET", "/health")
    assert health.status == 200
    assert f"Version {broken.version} cannot be served: This model file is not the one" in health.json["reason"]
    assert health.json["served"]["version"] == "2"
    assert service.ask("GET", "/ping").status == 200
    assert service.invoke(split_of(houses)).json == before
    assert "housing_lab_healthy 0" in service.ask("GET", "/metrics").body.decode()
    served_home.promote("2")
    wait_until(lambda: service.ask("GET", "/health").json["status"] == "ok")
    store.client.delete_model_version(store.model_name, broken.version)


def model_source(store: Store, version: str) -> str:
    return str(store.client.get_model_version_download_uri(store.model_name, version))


def test_a_request_under_way_is_answered_before_the_service_ends(
    served_home: ServedHome, houses: list[House], tmp_path: Path
) -> None:
    message = request("POST", "/invocations", encoded(split_of(houses)), JSON)
    with running_service(served_home.settings, tmp_path / "serve.log", ends_itself=True) as other:
        with socket.create_connection(("127.0.0.1", other.port), timeout=30) as caller:
            caller.sendall(message[:-10])
            time.sleep(0.3)  # its head has been read, so it is under way
            other.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            caller.sendall(message[-10:])
            answer = b"".join(iter(lambda: caller.recv(65_536), b""))
        assert answer.startswith(b"HTTP/1.1 200 OK")
        predictions = json.loads(answer.partition(b"\r\n\r\n")[2])["predictions"]
        assert predictions == pytest.approx(served_home.prices("2", houses), rel=1e-9)
        assert other.process.wait(30) == 0


class Away:
    """A store that can go away and come back."""

    def __init__(self, settings: Settings) -> None:
        self._store = open_store(settings)
        self.is_away = False

    def __call__(self) -> Store:
        if self.is_away:
            raise StoreUnavailable("MLflow went away.", remedy="Start it.")
        return self._store


def test_mlflow_away_changes_nothing_but_what_health_says(lab_home: Settings) -> None:
    connect = Away(lab_home)
    train_now(lab_home, ridge(), connect)
    follower = Follower(lab_home, connect)
    assert follower.standing.condition is Condition.WAITING
    follower.look()
    before = follower.standing
    assert before.condition is Condition.OK
    connect.is_away = True
    follower.look()
    assert follower.standing.served is before.served
    assert follower.standing.condition is Condition.DEGRADED
    assert "MLflow" in follower.standing.reason
    connect.is_away = False
    follower.look()
    assert follower.standing == before


def test_a_service_that_starts_while_mlflow_is_away_serves_the_newest_local_version(lab_home: Settings) -> None:
    connect = Away(lab_home)
    outcome = train_now(lab_home, ridge(), connect)
    connect.is_away = True
    follower = Follower(lab_home, connect)
    follower.look()
    first = follower.standing.served
    assert first is not None
    assert first.source.version == outcome.local_version
    connect.is_away = False
    follower.look()
    second = follower.standing.served
    assert second is not None
    assert second.source.version == outcome.version
    assert second.route is first.route  # the same file: nothing is loaded twice


def test_without_mlflow_the_newest_local_version_is_followed(make_home: MakeHome) -> None:
    settings = make_home(training__enable_mlflow="false")
    follower = Follower(settings, lambda: open_store(settings))
    follower.look()
    assert follower.standing.condition is Condition.WAITING
    assert "No model has been trained yet" in follower.standing.reason
    for alpha in (1.0, 500.0):
        outcome = train_now(settings, ridge(alpha=alpha), lambda: open_store(settings))
        follower.look()
        served_now = follower.standing.served
        assert served_now is not None
        assert served_now.source.version == outcome.local_version
        assert follower.standing.condition is Condition.OK


def test_a_version_that_failed_is_tried_again_after_a_while(lab_home: Settings) -> None:
    connect, now = Away(lab_home), [0.0]
    train_now(lab_home, ridge(), connect)
    follower = Follower(lab_home, connect, clock=lambda: now[0])
    file = next(lab_home.paths.mlflow_artifacts.rglob("*.joblib"))
    kept = file.read_bytes()
    file.write_bytes(b"something else")
    follower.look()
    assert "cannot be served" in follower.standing.reason
    file.write_bytes(kept)
    follower.look()
    assert follower.standing.condition is Condition.WAITING
    now[0] += RETRY_SECONDS
    follower.look()
    assert follower.standing.condition is Condition.OK


def test_a_new_version_is_served_before_anything_was_promoted(lab_home: Settings) -> None:
    connect = Away(lab_home)
    follower = Follower(lab_home, connect)
    for number, alpha in enumerate((1.0, 500.0), start=1):
        train_now(lab_home, ridge(alpha=alpha), connect)
        follower.look()
        found = follower.standing.served
        assert found is not None
        assert (found.source.version, found.alias) == (str(number), None)
    connect().client.set_registered_model_alias("housing_price_predictor", "champion", "2")
    follower.look()
    promoted = follower.standing.served
    assert promoted is not None
    assert promoted.alias == "champion"
    assert promoted.since == found.since  # it answers on another ground, and has answered since then


def test_a_taken_port_is_told_with_a_remedy(
    service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # serving sets it, and this process goes on
    code, _, told = run_here(monkeypatch, capsys, "serve", "--port", str(service.port))
    assert code == 1
    assert f"cannot listen on 127.0.0.1, port {service.port}" in told
    assert "--port" in told
