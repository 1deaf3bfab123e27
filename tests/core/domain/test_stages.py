"""What follows from the ledger: where rolling back leads, what a version is used for, and who held an alias when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.promotion import Act, LedgerEntry, Stage
from core.domain.runs import Alias
from core.domain.stages import earlier_champions, histories_of, holder_at, holders_on, stages_of, tenures_of

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ledger(*acts: tuple[str, str | None] | tuple[str, str | None, Alias]) -> list[LedgerEntry]:
    """Entries a day apart: ``("promoted", "1")``."""
    entries: list[LedgerEntry] = []
    held: dict[Alias, str | None] = {}
    for number, (act, to, *rest) in enumerate(acts, 1):
        alias = rest[0] if rest else Alias.CHAMPION
        when = START + timedelta(days=number - 1)
        entries.append(
            LedgerEntry(number, when, "tester", act, alias, held.get(alias), to, "", False, (), 0, "", str(number))
        )
        held[alias] = to
    return entries


UP, BACK, OUTSIDE, MENDED = (str(act) for act in (Act.PROMOTED, Act.ROLLED_BACK, Act.CHANGED_OUTSIDE, Act.RECONCILED))


@pytest.mark.parametrize(
    ("acts", "ways_back"),
    [
        ([], ()),
        ([(UP, "1")], ()),
        ([(UP, "1"), (UP, "2"), (UP, "3")], ("2", "1")),
        ([(UP, "1"), (UP, "2"), (UP, "3"), (BACK, "2")], ("1",)),
        ([(UP, "1"), (UP, "2"), (UP, "3"), (BACK, "2"), (BACK, "1")], ()),
        ([(UP, "1"), (UP, "2"), (UP, "3"), (BACK, "2"), (UP, "4")], ("2", "1")),
        ([(UP, "1"), (UP, "2"), (UP, "1")], ("2", "1")),
        ([(UP, "1"), (UP, "2"), (OUTSIDE, "5")], ("2", "1")),
        ([(UP, "1"), (UP, "2"), (OUTSIDE, None)], ("2", "1")),
        ([(UP, "1"), (UP, "2"), (MENDED, "2")], ("1",)),
        ([(UP, "1"), (UP, "2"), (MENDED, "1")], ()),
        ([(UP, "1"), (UP, "2", Alias.CHALLENGER)], ()),
    ],
)
def test_rolling_back_walks_back_through_what_served(
    acts: list[tuple[str, str | None]], ways_back: tuple[str, ...]
) -> None:
    assert earlier_champions(ledger(*acts)) == ways_back


def test_stages_follow_who_holds_and_who_held() -> None:
    entries = ledger(
        (UP, "1"), (UP, "2", Alias.CHALLENGER), (UP, "3", Alias.CHALLENGER), (UP, "3"), (UP, None, Alias.CHALLENGER)
    )
    assert stages_of(entries) == {"1": Stage.ARCHIVED, "2": Stage.DEVELOPMENT, "3": Stage.PRODUCTION}
    assert stages_of(entries[:3]) == {"1": Stage.PRODUCTION, "2": Stage.DEVELOPMENT, "3": Stage.STAGING}
    assert [change.stage for change in histories_of(entries)["1"]] == ["production", "archived"]


@given(
    st.lists(
        st.tuples(st.sampled_from([UP, OUTSIDE]), st.none() | st.sampled_from("1234"), st.sampled_from(list(Alias)))
    )
)
def test_at_most_one_version_is_in_production_and_it_is_the_one_that_holds_the_alias(
    acts: list[tuple[str, str | None, Alias]],
) -> None:
    entries = ledger(*acts)
    holder = next((one.version_to for one in reversed(entries) if one.alias == Alias.CHAMPION), None)
    assert [one for one, stage in stages_of(entries).items() if stage is Stage.PRODUCTION] == [holder] * bool(holder)


def test_who_was_champion_on_3_march_is_answered() -> None:
    tenures = tenures_of(
        ledger((UP, "1"), (OUTSIDE, "2", Alias.CHALLENGER), (UP, "4"), (MENDED, "4"), (OUTSIDE, None)), "champion"
    )
    assert [(one.version, one.since.day, one.until and one.until.day) for one in tenures] == [
        ("1", 1, 3),
        ("4", 3, 5),
        (None, 5, None),
    ]
    assert [one.version for one in holders_on(tenures, date(2026, 3, 3))] == ["1", "4"]
    assert [one.version for one in holders_on(tenures, date(2026, 3, 4))] == ["4"]
    assert holders_on(tenures, date(2026, 2, 28)) == ()
    assert tenures_of([], "champion") == ()
    assert holder_at(tenures, START - timedelta(seconds=1)) is None
    at = holder_at(tenures, START + timedelta(days=2))
    assert at is not None
    assert at.version == "4"
