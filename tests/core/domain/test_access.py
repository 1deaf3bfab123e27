"""One table says which role a deed takes; a refusal says who, what, which role, and whom to ask."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.access import LEAST_ROLE, Actor, Deed, Role
from core.domain.errors import Forbidden, LabError

ROLES = tuple(Role)


def test_the_table_knows_every_deed():
    assert set(LEAST_ROLE) == set(Deed)


def test_every_role_is_the_least_for_something():
    assert set(LEAST_ROLE.values()) == set(Role)


@given(lower=st.integers(0, 2), higher=st.integers(0, 2), deed=st.sampled_from(Deed))
def test_whoever_is_trusted_with_more_may_do_all_that_the_others_may(lower: int, higher: int, deed: Deed):
    lower, higher = sorted((lower, higher))
    assert Actor("a", ROLES[lower]).may(deed) <= Actor("b", ROLES[higher]).may(deed)


@pytest.mark.parametrize("deed", Deed)
@pytest.mark.parametrize("role", Role)
def test_a_deed_is_refused_exactly_below_its_role(role: Role, deed: Deed):
    actor = Actor("ann@lab.org", role)
    if actor.may(deed):
        actor.require(deed)
        return
    with pytest.raises(Forbidden) as refused:
        actor.require(deed)
    said, needed = refused.value.what, LEAST_ROLE[deed]
    assert said == f"ann@lab.org is {role.phrase} here and may not {deed.value}: that takes {needed.phrase}."
    assert needed.phrase in refused.value.remedy


def test_approving_and_training_are_what_the_roles_are_called_for():
    assert LEAST_ROLE[Deed.PROMOTE] is LEAST_ROLE[Deed.ROLL_BACK] is Role.APPROVER
    assert LEAST_ROLE[Deed.TRAIN] is LEAST_ROLE[Deed.TUNE] is Role.TRAINER
    assert LEAST_ROLE[Deed.SEE] is LEAST_ROLE[Deed.VALUE] is Role.VIEWER


def test_an_actor_cannot_be_given_another_role_later():
    with pytest.raises(AttributeError):
        Actor("ann", Role.VIEWER).role = Role.APPROVER  # type: ignore[misc]


def test_a_refusal_is_one_of_the_lab_s_errors():
    assert issubclass(Forbidden, LabError)
