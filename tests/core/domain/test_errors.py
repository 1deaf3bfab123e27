"""Every error tells what, where and the remedy, crosses processes whole, and stands in the drawn tree."""

from __future__ import annotations

import pickle
import re

import pytest

from core.domain import errors
from core.domain.errors import LabError, TrainingCancelled


def family(kind: type[LabError]) -> list[type[LabError]]:
    return [kind, *(member for child in kind.__subclasses__() for member in family(child))]


def drawn() -> dict[str, str | None]:
    """Each name of the docstring's tree and the name it hangs from."""
    parents: dict[str, str | None] = {"LabError": None}
    above: dict[int, str] = {-1: "LabError"}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ([│ ]*)[├└]── (\w+)", line)
        if found:
            depth = len(found[1]) // 4
            parents[found[2]] = above[depth - 1]
            above[depth] = found[2]
    return parents


KINDS = [kind for kind in family(LabError) if kind.__module__ == errors.__name__]


def test_the_tree_in_the_docstring_is_the_tree_in_the_code():
    assert drawn() == {kind.__name__: None if kind is LabError else kind.__base__.__name__ for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_crosses_processes_with_its_kind_and_every_word(kind):
    before = kind("Row 3 has no price.", remedy="Fill it in.", where="houses.csv")

    after = pickle.loads(pickle.dumps(before))  # noqa: S301 - our own bytes

    assert type(after) is kind
    assert (after.what, after.remedy, after.where) == ("Row 3 has no price.", "Fill it in.", "houses.csv")


def test_an_error_reads_as_what_where_and_remedy():
    assert str(LabError("It broke.", remedy="Mend it.", where="shed")) == "It broke. (shed) Mend it."
    assert str(LabError("It broke.", remedy="Mend it.")) == "It broke. Mend it."


def test_an_error_without_a_remedy_cannot_be_made():
    with pytest.raises(TypeError, match="remedy"):
        LabError("It broke.")  # type: ignore[call-arg]


def test_a_cancelled_training_has_its_words_ready():
    cancelled = TrainingCancelled()
    assert "cancelled" in cancelled.what
    assert cancelled.remedy


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_it_is_for(kind):
    assert kind.__doc__
