"""Ledgers to test with: what is moved in them, and how somebody with the database's password would change them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from core.domain.promotion import Act, LedgerEntry
from core.domain.runs import Alias
from core.domain.settings import Settings
from core.tracking.audit import Ledger
from core.tracking.audit_lines import Move


def move(to: str | None, *, before: str | None = None, alias: Alias = Alias.CHAMPION, act: Act = Act.PROMOTED) -> Move:
    return Move("tester", act, alias, before, to, reason=f"because of {to}")


def write(ledger: Ledger, versions: Sequence[str | None]) -> list[LedgerEntry]:
    """One settled promotion after the other."""
    before = None
    for version in versions:
        newest = ledger.newest().get(Alias.CHAMPION)
        entries = ledger.append([move(version, before=before)], seen={Alias.CHAMPION: newest.number if newest else 0})
        ledger.settle([entry.number for entry in entries])
        before = version
    return ledger.entries()


def tamper(settings: Settings, *statements: str, **values: str) -> None:
    """Change rows behind the ledger's back; ``:name`` in a statement stands for a value."""
    engine = sa.create_engine(settings.database_url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement), values)
    engine.dispose()
