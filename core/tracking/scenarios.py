"""Where saved scenarios lie: one table in the job database, SQLite or PostgreSQL."""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from core.domain.errors import InvalidHouse, NotFound, ScenariosUnavailable
from core.domain.house import House
from core.domain.scenarios import Scenario, scenario_name, scenario_note
from core.domain.settings import Settings
from core.tracking.audit_tables import database_file, open_engine

SCHEMA: Final = sa.MetaData()

SCENARIOS: Final = sa.Table(
    "lab_scenarios",
    SCHEMA,
    sa.Column("scenario_id", sa.Text, primary_key=True),
    # What people write is kept as JSON in ASCII: PostgreSQL's text holds no zero byte.
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("house", sa.Text, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("changed", sa.Text, nullable=False),
)

_NOBODY: Final = "unknown"
_REMEDY: Final = "Check jobs.database_url and free disk space, and run `python -m core doctor`."
_log = logging.getLogger(__name__)


def _nothing() -> None:
    """The database is made where it is first written."""


class ScenarioShelf:
    """The saved scenarios of these settings. Safe to share between threads; processes may write at once.

    Args:
        settings: whose job database.
        make_database: makes the job database whole where there is none yet; called before the first save alone.

    Raises:
        ScenariosUnavailable: by every method, when the database does not answer.
    """

    def __init__(self, settings: Settings, make_database: Callable[[], None] = _nothing) -> None:
        self._settings = settings
        self._make_database = make_database
        self._opening = threading.Lock()
        self._engine: sa.Engine | None = None
        self._has_table = False

    def save(self, name: str, note: str, house: House, author: str) -> Scenario:
        """Keep a house under a name; names may repeat.

        Raises:
            InvalidScenario: the name is empty, or a text is longer than is kept.
        """
        now = datetime.now(UTC)
        scenario = Scenario(
            uuid.uuid4().hex,
            scenario_name(name),
            scenario_note(note),
            house,
            scenario_name(author.strip() or _NOBODY),
            now,
            now,
        )
        line = {
            "scenario_id": scenario.scenario_id,
            "name": json.dumps(scenario.name),
            "note": json.dumps(scenario.note),
            "author": json.dumps(scenario.author),
            "house": json.dumps(house.as_dict()),
            "created": _stamp(now),
            "changed": _stamp(now),
        }
        self._prepare()
        with self._writing() as connection:
            connection.execute(sa.insert(SCENARIOS), [line])
        return scenario

    def edit(
        self, scenario_id: str, *, name: str | None = None, note: str | None = None, house: House | None = None
    ) -> Scenario:
        """Change what is given and leave the rest, also what somebody else changes at the same moment.

        Raises:
            NotFound: there is no such scenario. InvalidScenario: as :meth:`save`.
        """
        changes: dict[str, str] = {"changed": _stamp(datetime.now(UTC))}
        if name is not None:
            changes["name"] = json.dumps(scenario_name(name))
        if note is not None:
            changes["note"] = json.dumps(scenario_note(note))
        if house is not None:
            changes["house"] = json.dumps(house.as_dict())
        self._change(scenario_id, sa.update(SCENARIOS).values(**changes))
        return self.get(scenario_id)

    def delete(self, scenario_id: str) -> None:
        """Forget a scenario; one that cannot be read as well. Raises NotFound."""
        self._change(scenario_id, sa.delete(SCENARIOS))

    def get(self, scenario_id: str) -> Scenario:
        """One scenario. Raises NotFound; ScenariosUnavailable also where somebody edited its row into none."""
        found = self._read(sa.select(SCENARIOS).where(SCENARIOS.c.scenario_id == _key(scenario_id)))
        if not found:
            raise _unknown(scenario_id)
        return _scenario_of(found[0])

    def all(self) -> tuple[Scenario, ...]:
        """Every scenario, the newest first. One that cannot be read is left out, and named in the log."""
        order = (SCENARIOS.c.created.desc(), SCENARIOS.c.scenario_id)
        scenarios = []
        for line in self._read(sa.select(SCENARIOS).order_by(*order)):
            try:
                scenarios.append(_scenario_of(line))
            except ScenariosUnavailable as error:
                _log.warning("left out: %s", error.what)
        return tuple(scenarios)

    def close(self) -> None:
        """Give the connections back; a later question opens them again."""
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
                self._engine, self._has_table = None, False

    def _open(self) -> sa.Engine:
        with self._opening:
            if self._engine is None:
                with scenario_errors():
                    self._engine = open_engine(self._settings)
            return self._engine

    def _is_there(self) -> bool:
        """Whether there is anything to read. Reading makes no database."""
        if self._has_table:
            return True
        file = database_file(self._settings)
        if file is not None and not file.exists():
            return False
        with scenario_errors():
            self._has_table = sa.inspect(self._open()).has_table(SCENARIOS.name)
        return self._has_table

    def _prepare(self) -> None:
        if self._is_there():
            return
        file = database_file(self._settings)
        if file is None or not file.exists():
            self._make_database()
        with scenario_errors():
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
            try:
                with self._open().begin() as connection:
                    connection.execute(sa.schema.CreateTable(SCENARIOS, if_not_exists=True))
            except sa.exc.DBAPIError:
                # PostgreSQL says so when two make it at the same moment.
                if not sa.inspect(self._open()).has_table(SCENARIOS.name):
                    raise
        self._has_table = True

    def _read(self, wanted: sa.Select[Any]) -> list[Mapping[str, Any]]:
        if not self._is_there():
            return []
        with scenario_errors(), self._open().connect() as connection:
            return [dict(row) for row in connection.execute(wanted).mappings()]

    def _change(self, scenario_id: str, change: sa.Update | sa.Delete) -> None:
        if not self._is_there():
            raise _unknown(scenario_id)
        with self._writing() as connection:
            changed = connection.execute(change.where(SCENARIOS.c.scenario_id == _key(scenario_id))).rowcount
        if not changed:
            raise _unknown(scenario_id)

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with scenario_errors(), self._open().begin() as connection:
            yield connection


@contextmanager
def scenario_errors() -> Iterator[None]:
    """Translate what the database driver and the disk raise.

    Raises:
        ScenariosUnavailable: saved scenarios cannot be read or written.
    """
    try:
        yield
    except (sa.exc.SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).split("\n", 1)[0]
        raise ScenariosUnavailable(
            f"The saved scenarios do not answer: {reason}.", where="jobs.database_url", remedy=_REMEDY
        ) from error


def _scenario_of(line: Mapping[str, Any]) -> Scenario:
    try:
        return Scenario(
            scenario_id=line["scenario_id"],
            name=str(json.loads(line["name"])),
            note=str(json.loads(line["note"])),
            house=House.from_mapping({**json.loads(line["house"])}),
            author=str(json.loads(line["author"])),
            created=datetime.fromisoformat(line["created"]),
            changed=datetime.fromisoformat(line["changed"]),
        )
    except (ValueError, TypeError, InvalidHouse) as error:
        raise ScenariosUnavailable(
            f"Scenario {line['scenario_id']} was edited in the database and cannot be read.",
            where="jobs.database_url",
            remedy="Delete it, or restore the job database from a backup.",
        ) from error


def _key(scenario_id: str) -> str:
    """An id as a database can look for it: ids come from addresses, and PostgreSQL takes no zero byte."""
    return scenario_id.encode("utf-8", "replace").decode().replace("\x00", "")


def _unknown(scenario_id: str) -> NotFound:
    return NotFound(
        f"There is no scenario {scenario_id[:64]!r}.",
        remedy="Look at the list of scenarios; somebody may have deleted it.",
    )


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
