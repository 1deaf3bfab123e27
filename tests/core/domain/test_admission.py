"""Emails and tokens become actors by the settings alone, and no door is left open to strangers by mistake."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.domain.access import Actor, Role
from core.domain.admission import (
    is_public,
    local_actor,
    new_token,
    refuse_open_door,
    role_of,
    signed_in,
    terminal_actor,
    token_holder,
    token_lines,
)
from core.domain.configuration import load_settings
from core.domain.errors import Forbidden, InvalidSettings, NotSignedIn
from core.domain.settings import AccessSettings, RoleLists

EVERYWHERE = "0.0.0.0"  # noqa: S104 - nobody listens there
LISTED = AccessSettings(
    roles=RoleLists(trainer=("Tom@lab.org", "both@lab.org"), approver=("ann@lab.org", "both@lab.org"))
)


@pytest.mark.parametrize(
    ("email", "role"),
    [
        ("ann@lab.org", Role.APPROVER),
        ("ANN@LAB.ORG", Role.APPROVER),
        ("tom@lab.org", Role.TRAINER),
        ("both@lab.org", Role.APPROVER),
        ("stranger@lab.org", Role.VIEWER),
        ("ann@lab.org.evil.com", Role.VIEWER),
    ],
)
def test_an_email_has_the_highest_role_that_lists_it(email: str, role: Role):
    assert role_of(LISTED, email) is role
    assert signed_in(LISTED, email) == Actor(email, role)


def test_a_star_is_everyone_who_signed_in():
    everyone = AccessSettings(roles=RoleLists(trainer=("*",), approver=("ann@lab.org",)))
    assert role_of(everyone, "stranger@lab.org") is Role.TRAINER
    assert role_of(everyone, "ann@lab.org") is Role.APPROVER


@pytest.mark.parametrize("email", [None, "", "ann", True, 7])
def test_a_visitor_without_an_email_is_nobody(email: object):
    with pytest.raises(NotSignedIn, match="email"):
        signed_in(LISTED, email)


@pytest.mark.parametrize("verified", [False, "false", "False", 0, ""])
def test_an_address_the_provider_has_not_verified_gets_no_role(verified: object):
    with pytest.raises(NotSignedIn, match="not verified"):
        signed_in(LISTED, "ann@lab.org", verified)
    assert signed_in(LISTED, "ann@lab.org", True).role is Role.APPROVER
    assert signed_in(LISTED, "ann@lab.org", "true").role is Role.APPROVER


def test_a_token_is_its_holder_and_nothing_near_it_is():
    token, kept = new_token("a script", Role.TRAINER)
    other, kept_too = new_token("another", Role.VIEWER)
    access = AccessSettings(tokens=(kept, kept_too))
    assert token_holder(access, token, remedy="") == Actor("a script", Role.TRAINER)
    assert token_holder(access, other, remedy="") == Actor("another", Role.VIEWER)
    for forged in (token[:-1], token + "x", token.upper(), kept.sha256, " " + token):
        with pytest.raises(NotSignedIn) as refused:
            token_holder(access, forged, remedy="Show one.")
        assert forged not in str(refused.value)


@given(st.text(max_size=80))
def test_whatever_is_shown_without_any_token_in_the_settings_is_refused(shown: str):
    with pytest.raises(NotSignedIn):
        token_holder(AccessSettings(), shown, remedy="Show one.")


def test_no_two_tokens_are_alike_and_none_is_kept():
    made = [new_token("a", Role.VIEWER) for _ in range(50)]
    assert len({token for token, _ in made}) == 50
    assert not any(token in json.dumps(kept.model_dump(mode="json")) for token, kept in made)


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 201])
def test_a_token_without_a_plain_name_is_not_made(name: str):
    with pytest.raises(InvalidSettings, match="name"):
        new_token(name, Role.VIEWER)


@given(st.text(min_size=1, max_size=40).filter(lambda name: name.strip() and name.isprintable()))
def test_the_printed_lines_are_what_config_yaml_reads(name: str):
    _, kept = new_token(name, Role.APPROVER)
    read = yaml.safe_load("access:\n  tokens:\n" + "\n".join(token_lines(kept)))
    assert AccessSettings.model_validate(read["access"]).tokens == (kept,)


def test_at_one_s_own_computer_the_terminal_asks_for_nothing():
    assert terminal_actor(AccessSettings(), "") == local_actor() == Actor(getpass.getuser(), Role.APPROVER)


def test_with_sign_in_the_terminal_asks_for_a_token():
    token, kept = new_token("a script", Role.VIEWER)
    asking = AccessSettings(sign_in=True, tokens=(kept,))
    assert terminal_actor(asking, token) == Actor("a script", Role.VIEWER)
    for shown in ("", "forged"):
        with pytest.raises(NotSignedIn) as refused:
            terminal_actor(asking, shown)
        assert "HOUSING_LAB_TOKEN" in refused.value.remedy


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("127.0.0.1", False),
        ("127.1.2.3", False),
        ("::1", False),
        ("[::1]", False),
        ("localhost", False),
        ("unix:///run/lab.sock", False),
        (EVERYWHERE, True),
        ("::", True),
        ("192.0.2.7", True),
        ("lab.example.org", True),
        ("", True),
        (None, True),
    ],
)
def test_an_address_is_public_unless_it_is_known_to_be_this_computer_s(host: str | None, public: bool):
    assert is_public(host) is public


@pytest.mark.parametrize("open_", ["sign_in", "allow_public"])
def test_a_public_address_takes_sign_in_or_the_word_that_it_is_meant(open_: str):
    with pytest.raises(Forbidden) as refused:
        refuse_open_door(AccessSettings(), EVERYWHERE, door="The app", key="sign_in", where="server.address")
    for way_out in ("127.0.0.1", "access.sign_in", "access.allow_public"):
        assert way_out in refused.value.remedy
    refuse_open_door(AccessSettings(**{open_: True}), EVERYWHERE, door="The app", key="sign_in", where="")
    refuse_open_door(AccessSettings(), "127.0.0.1", door="The app", key="sign_in", where="")


def test_a_door_that_cannot_ask_is_opened_by_that_word_alone():
    with pytest.raises(Forbidden) as refused:
        refuse_open_door(
            AccessSettings(sign_in=True, rest_tokens=True), EVERYWHERE, door="MLflow's UI", key=None, where="--host"
        )
    assert "rest_tokens" not in refused.value.remedy
    refuse_open_door(AccessSettings(allow_public=True), EVERYWHERE, door="MLflow's UI", key=None, where="--host")


SHA = "a" * 64
ONE = f'{{name: x, role: viewer, sha256: "{SHA}"}}'
TWIN = f'{{name: x, role: viewer, sha256: "{"b" * 64}"}}'


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"TOKENS": f"[{ONE}]".replace("viewer", "king")}, "access.tokens.0.role"),
        ({"TOKENS": "[{name: x, role: viewer, sha256: secret}]"}, "access.tokens.0.sha256"),
        ({"TOKENS": f"[{ONE}]".replace("}", ", token: t}")}, "access.tokens.0.token: is no setting"),
        ({"TOKENS": f"[{ONE}, {TWIN}]"}, "share a name"),
        ({"ROLES__TRAINER": "[ann]"}, "'ann' is no email address"),
        ({"ROLES__KING": "[ann@lab.org]"}, "ROLES__KING (environment): is no setting"),
        ({"SIGN_IN": "perhaps"}, "HOUSING_LAB_ACCESS__SIGN_IN (environment)"),
    ],
)
def test_what_is_wrong_with_the_section_is_named(tmp_path: Path, keys: dict[str, str], complaint: str):
    with pytest.raises(InvalidSettings) as refused:
        load_settings(home=tmp_path, environment={f"HOUSING_LAB_ACCESS__{key}": text for key, text in keys.items()})
    assert complaint in refused.value.what


def test_the_section_reaches_another_process_as_it_is_and_the_token_s_variable_is_no_setting(tmp_path: Path):
    _, kept = new_token("a script", Role.TRAINER)
    access = AccessSettings(sign_in=True, tokens=(kept,), roles=RoleLists(approver=("*",)))
    here = load_settings(home=tmp_path, environment={}).model_copy(update={"access": access})
    there = load_settings(environment={**here.as_environment(), "HOUSING_LAB_TOKEN": "hpl_x"})
    assert there.access == access
    assert "hpl_" not in str(there.as_environment())


def test_a_worker_or_service_is_not_handed_the_token_of_whoever_started_it(tmp_path: Path):
    settings = load_settings(home=tmp_path, environment={})
    handed = settings.for_child({"HOUSING_LAB_TOKEN": "hpl_x", "PATH": "/bin"})
    assert handed == {"PATH": "/bin", **settings.as_environment()}


def test_as_shipped_nobody_signs_in_and_no_door_is_public(tmp_path: Path):
    assert load_settings(home=tmp_path, environment={}).access == AccessSettings()
