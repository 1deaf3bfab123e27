"""MLflow's scoring protocol and the other routes, asked over HTTP of the real service."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable

import pytest

from core.domain.feature_groups import FeatureGroup
from core.domain.house import RAW_COLUMNS, House
from core.serving.arrival import Limits
from tests.core.cli.terminal import run_here
from tests.core.serving.conftest import ServedHome
from tests.core.serving.service import JSON, Service, split_of

Shape = Callable[[list[House]], object]


def columns_of(houses: list[House]) -> dict[str, list[object]]:
    return {name: [house.as_dict()[name] for house in houses] for name in RAW_COLUMNS}


def records_of(houses: list[House]) -> list[dict[str, object]]:
    return [dict(house.as_dict()) for house in houses]


def csv_of(houses: list[House], *, newline: str = "\n") -> str:
    rows = [["" if value is None else str(value) for value in record.values()] for record in records_of(houses)]
    return "".join(",".join(cells) + newline for cells in [list(RAW_COLUMNS), *rows])


SHAPES: dict[str, Shape] = {
    "split": split_of,
    "split with an index": lambda houses: {
        "dataframe_split": {**split_of(houses)["dataframe_split"], "index": list(range(7, 7 + len(houses)))}  # type: ignore[dict-item]
    },
    "split, columns in another order": lambda houses: {
        "dataframe_split": {
            "columns": list(reversed(RAW_COLUMNS)),
            "data": [[house.as_dict()[name] for name in reversed(RAW_COLUMNS)] for house in houses],
        }
    },
    "records": lambda houses: {"dataframe_records": records_of(houses)},
    "instances by row": lambda houses: {"instances": records_of(houses)},
    "instances by column": lambda houses: {"instances": columns_of(houses)},
    "inputs by row": lambda houses: {"inputs": records_of(houses)},
    "inputs by column": lambda houses: {"inputs": columns_of(houses)},
    "with empty params": lambda houses: {"dataframe_records": records_of(houses), "params": {}},
}
"""Every JSON shape of the protocol, as bodies."""

SINGLE: dict[str, Shape] = {
    "inputs, nine single values": lambda houses: {"inputs": records_of(houses)[0]},
    "instances, nine single values": lambda houses: {"instances": records_of(houses)[0]},
}


@pytest.fixture(scope="module")
def expected(served_home: ServedHome, houses: list[House]) -> list[float]:
    return served_home.prices("2", houses)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_json_shape_has_the_pipeline_s_prices(
    service: Service, houses: list[House], expected: list[float], shape: Shape
) -> None:
    answer = service.invoke(shape(houses))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json == {"predictions": pytest.approx(expected, rel=1e-9)}
    assert answer.headers["x-model-version"] == "2"
    assert service.invoke(shape(houses[:1])).json == {"predictions": pytest.approx(expected[:1], rel=1e-9)}


@pytest.mark.parametrize("shape", SINGLE.values(), ids=SINGLE)
def test_nine_single_values_are_one_row(
    service: Service, houses: list[House], expected: list[float], shape: Shape
) -> None:
    assert service.invoke(shape(houses)).json == {"predictions": pytest.approx(expected[:1], rel=1e-9)}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\n\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv_has_the_pipeline_s_prices(
    service: Service, houses: list[House], expected: list[float], newline: str, mark: str
) -> None:
    answer = service.invoke(mark + csv_of(houses, newline=newline), {"Content-Type": "text/csv"})
    assert answer.json == {"predictions": pytest.approx(expected, rel=1e-9)}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'Application/JSON; charset="utf-8"',
        "application/x-www-form-urlencoded",
    ],
)
def test_json_is_read_under_every_name_it_goes_by(
    service: Service, houses: list[House], expected: list[float], content_type: str
) -> None:
    answer = service.invoke(split_of(houses), {"Content-Type": content_type})
    assert answer.json == {"predictions": pytest.approx(expected, rel=1e-9)}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": ""},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json; version=2"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_what_the_service_cannot_read_is_415_with_a_remedy(
    service: Service, houses: list[House], headers: dict[str, str]
) -> None:
    answer = service.invoke(split_of(houses), headers)
    assert answer.status == 415
    assert answer.json["remedy"]


def test_curl_without_a_header_is_priced(service: Service, houses: list[House], expected: list[float]) -> None:
    address = f"http://localhost:{service.port}/invocations"
    words = ["curl", "-sS", "-X", "POST", address, "-d", json.dumps(split_of(houses[:2]))]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True)
    assert json.loads(done.stdout) == {"predictions": pytest.approx(expected[:2], rel=1e-9)}


def test_a_large_batch_has_the_same_prices_as_its_rows(
    service: Service, houses: list[House], expected: list[float]
) -> None:
    many = (houses * 200)[:4_000]
    answer = service.invoke(split_of(many))
    assert answer.json["predictions"] == pytest.approx((expected * 200)[:4_000], rel=1e-9)


def test_a_valuation_is_what_the_terminal_prints(
    service: Service,
    served_home: ServedHome,
    houses: list[House],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    house = houses[0]
    answer = service.value(house.as_dict())
    assert answer.status == 200
    sets = [word for name, value in house.as_dict().items() for word in ("--set", f"{name}={value}")]
    for name, value in served_home.settings.as_environment().items():
        monkeypatch.setenv(name, value)
    code, output, told = run_here(monkeypatch, capsys, "value", *sets, "--json")
    assert code == 0, told
    printed = json.loads(output)
    assert set(answer.json) == set(printed)
    assert answer.json == {**printed, "price": pytest.approx(printed["price"], rel=1e-9)}
    assert answer.json["version"] == "2"


def test_a_valuation_tells_reasons_that_add_up_and_what_makes_it_doubtful(
    service: Service, houses: list[House]
) -> None:
    told = service.value(records_of(houses[:1])[0]).json
    assert sum(told["contributions"].values()) == pytest.approx(told["price"], abs=1.0)
    assert set(told["contributions"]) == {"base", *FeatureGroup}
    assert "Shapley" in told["method"]
    at_sea = service.value({**records_of(houses[:1])[0], "latitude": 35.0, "longitude": -123.5}).json
    assert any("longitude" in warning.lower() or "land" in warning.lower() for warning in at_sea["warnings"])


def test_a_long_list_is_priced_without_reasons(service: Service, houses: list[House]) -> None:
    many = service.value(records_of([houses[0]] * (Limits().explained + 1))).json["valuations"]
    assert [one["contributions"] for one in many] == [None] * len(many)
    assert {one["price"] for one in many} == {service.value(records_of(houses[:1])[0]).json["price"]}


def test_a_list_of_houses_is_a_list_of_valuations(service: Service, houses: list[House], expected: list[float]) -> None:
    answer = service.value(records_of(houses))
    valuations = answer.json["valuations"]
    assert [one["price"] for one in valuations] == pytest.approx(expected, rel=1e-9)
    assert [one["house"] for one in valuations] == records_of(houses)
    assert service.ask("POST", "/valuations", "a,b", {"Content-Type": "text/csv"}).status == 415


def test_the_other_routes_say_how_the_service_stands(service: Service, houses: list[House]) -> None:
    ping = service.ask("GET", "/ping")
    assert (ping.status, ping.body) == (200, b"\n")
    version = service.ask("GET", "/version").json
    assert (version["version"], version["alias"], version["family"]) == ("2", "champion", "random_forest")
    assert version["run_id"]
    before = service.ask("GET", "/health").json
    assert (before["status"], before["reason"], before["served"]["version"]) == ("ok", "", "2")
    service.invoke(split_of(houses))
    after = service.ask("GET", "/health").json["requests"]
    assert after["total"] == before["requests"]["total"] + 1
    assert 0 < after["p50_ms"] <= after["p95_ms"]


def test_the_metrics_count_requests_by_route_and_status(service: Service, houses: list[House]) -> None:
    def counted(status: int) -> int:
        text = service.ask("GET", "/metrics").body.decode()
        found = re.search(rf'requests_total{{route="/invocations",method="POST",status="{status}"}} (\d+)', text)
        return int(found[1]) if found else 0

    before = counted(200), counted(422)
    service.invoke(split_of(houses))
    service.invoke({})
    assert (counted(200), counted(422)) == (before[0] + 1, before[1] + 1)
    text = service.ask("GET", "/metrics").body.decode()
    assert 'housing_lab_served_version{version="2",family="random_forest"} 1' in text
    assert "housing_lab_healthy 1" in text
    buckets = [int(count) for count in re.findall(r'seconds_bucket{route="/invocations",le="[^"]+"} (\d+)', text)]
    assert buckets == sorted(buckets)
    assert f'seconds_count{{route="/invocations"}} {buckets[-1]}' in text


def test_the_docs_need_no_internet_and_name_every_route(service: Service) -> None:
    page = service.ask("GET", "/docs")
    assert page.status == 200
    html = page.body.decode()
    own_host = {"Host": "localhost:77"}
    elsewhere = [link for link in re.findall(r"""(?:src|href)=["']([^"']+)""", html) if not link.startswith("/")]
    assert elsewhere == []
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "curl -X POST http://localhost:77/invocations" in service.ask("GET", "/docs", headers=own_host).body.decode()
    document = service.ask("GET", "/openapi.json").json
    for path in ("/invocations", "/valuations", "/ping", "/health", "/version", "/metrics"):
        assert path in html
        assert path in document["paths"]
    example = document["paths"]["/invocations"]["post"]["requestBody"]["content"]
    assert service.invoke(example["application/json"]["example"]).status == 200
    assert service.invoke(example["text/csv"]["example"], {"Content-Type": "text/csv"}).status == 200


def test_no_other_site_is_let_in(service: Service) -> None:
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    for method in ("OPTIONS", "GET"):
        answer = service.ask(method, "/version", headers=asked)
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/invocations", 405), ("PUT", "/invocations", 405), ("POST", "/ping", 405), ("GET", "/nothing", 404)],
)
def test_a_wrong_route_or_method_is_told_as_json(service: Service, method: str, path: str, status: int) -> None:
    answer = service.ask(method, path, b"{}", JSON)
    assert answer.status == status
    assert answer.json["message"]
    assert answer.json["remedy"]
