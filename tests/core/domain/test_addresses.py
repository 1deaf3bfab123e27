"""Addresses of servers: every wait has an end, what they say themselves stays, and no password is shown."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.addresses import patient, refuse_unreadable, shown, without_passwords
from core.domain.configuration import load_settings
from core.domain.errors import InvalidSettings, LabError

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789_.-", min_size=1, max_size=12)


@pytest.mark.parametrize(
    "address", ["http://mlflow.example:5000", "sqlite:////tmp/lab.db", "https://lab:secret@mlflow.example"]
)
def test_what_is_no_postgresql_is_left_alone(address: str) -> None:
    assert patient(address) == address


@given(user=NAMES, host=NAMES, database=NAMES, scheme=st.sampled_from(["postgresql", "postgresql+psycopg"]))
def test_every_database_is_waited_for_so_long_and_no_longer(user: str, host: str, database: str, scheme: str) -> None:
    address = f"{scheme}://{user}:pass%2Fword@{host}/{database}"
    made = patient(address)
    assert made.startswith(f"{address}?")
    assert set(parse_qs(urlsplit(made).query)) >= {"connect_timeout", "keepalives_idle", "tcp_user_timeout"}
    assert patient(made) == made


def test_what_the_address_says_itself_is_kept() -> None:
    made = patient("postgresql://lab@db.example/lab?sslmode=require&connect_timeout=60")
    given_there = parse_qs(urlsplit(made).query)
    assert given_there["sslmode"] == ["require"]
    assert given_there["connect_timeout"] == ["60"]
    assert given_there["tcp_user_timeout"] == ["10000"]


def test_the_driver_knows_every_one_of_these_words() -> None:
    understood = psycopg.conninfo.conninfo_to_dict(patient("postgresql://lab@db.example/lab"))
    assert {"connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count"} <= set(understood)
    assert str(understood["options"]).startswith("-c tcp_keepalives_idle=5 -c ")


def test_a_pooler_that_takes_no_options_is_sent_none() -> None:
    made = patient("postgresql://lab@pooler.example/lab?options=")
    assert made.count("options") == 1
    assert "tcp_keepalives" not in made


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("postgresql://lab:s3cret@db.example/lab?sslmode=require", "postgresql://lab:***@db.example/lab"),
        ("postgresql://lab@db.example/lab", "postgresql://lab@db.example/lab"),
        ("https://lab:s3cret@mlflow.example:5000", "https://lab:***@mlflow.example:5000"),
        ("sqlite:////home/me/lab.db", "sqlite:////home/me/lab.db"),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, words: str) -> None:
    assert shown(address) == words


def test_a_text_loses_the_password_of_every_address_in_it() -> None:
    said = "API request to http://lab:s3cret@one:9/api failed; postgresql://a:p%40ss@two/x?password=s3cret&y=1 as well"
    assert without_passwords(said) == (
        "API request to http://lab:***@one:9/api failed; postgresql://a:***@two/x?password=***&y=1 as well"
    )
    plain = "At 10:30 ann@example.org saw sqlite:////home/me/lab.db and http://one:5000/runs."
    assert without_passwords(plain) == plain


def test_no_error_shows_a_password() -> None:
    error = LabError("No answer from http://lab:s3cret@one:9.", remedy="Wait.", where="http://lab:s3cret@one:9")
    assert "s3cret" not in f"{error} {error!r} {error.args} {error.what} {error.where}"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://lab:s3cret@db:port/jobs",
        "postgresql://lab:s3/cret@db/jobs",
        "postgresql://lab:123/cret@db/jobs",
        "http://lab:s3cret@records:99999",
        "http://[lab:s3cret@records",
    ],
)
def test_an_address_whose_password_cannot_be_told_from_the_rest_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="%2F for /") as refused:
        refuse_unreadable(address)
    assert "cret" not in str(refused.value)
    with pytest.raises(InvalidSettings, match="HOUSING_LAB_JOBS__DATABASE_URL"):
        load_settings(environment={"HOUSING_LAB_JOBS__DATABASE_URL": address})


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://lab:s3%2Fcret@db.example:5432/jobs?sslmode=require",
        "postgresql+psycopg://lab@/jobs?host=/run/postgresql",
        "sqlite:////home/ann@example/a:b/lab.db",
        "sqlite:///logs/lab.db",
        "https://mlflow.example:5000/under/here",
    ],
)
def test_any_address_that_can_be_taken_apart_is_taken(address: str) -> None:
    refuse_unreadable(address)
