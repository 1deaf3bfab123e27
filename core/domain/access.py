"""Who may do what: three roles, every deed of the lab with the least role it takes, and whoever does it.

The table stands once. What checks it are the workflows, so that a screen, the terminal and REST cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.domain.errors import Forbidden


class Role(StrEnum):
    """What somebody is trusted with; each role may do all that the one before it may."""

    VIEWER = "viewer"
    TRAINER = "trainer"
    APPROVER = "approver"

    def reaches(self, other: Role) -> bool:
        """Whether this role may do what the other may."""
        ranks = tuple(Role)
        return ranks.index(self) >= ranks.index(other)

    @property
    def phrase(self) -> str:
        """``a trainer``, ``an approver``."""
        return f"{'an' if self is Role.APPROVER else 'a'} {self.value}"


class Deed(StrEnum):
    """Everything that can be asked of the lab, as words that follow ``may not``."""

    SEE = "look at and export records"
    VALUE = "price houses"
    SCORE = "have a file priced, or stop that"
    SAVE_SCENARIO = "save a scenario"
    CHANGE_SCENARIO = "edit or delete a scenario"
    TRAIN = "train a model"
    CANCEL_JOB = "cancel a job"
    TUNE = "start a sweep"
    STEER_SWEEP = "pause, resume or cancel a sweep"
    MEASURE_RANGE = "measure a range"
    CHANGE_DATA = "add or delete a dataset"
    EDIT_RUN = "tag a run or write its note"
    DELETE_RUN = "delete or restore a run"
    PROMOTE = "promote a version"
    ROLL_BACK = "roll back"
    RUN_SERVICE = "start or stop the REST service"
    IMPORT = "import records"
    MEND = "mend or restore records"


LEAST_ROLE: Final[Mapping[Deed, Role]] = {
    Deed.SEE: Role.VIEWER,
    Deed.VALUE: Role.VIEWER,
    Deed.SCORE: Role.VIEWER,
    Deed.SAVE_SCENARIO: Role.VIEWER,
    Deed.CHANGE_SCENARIO: Role.TRAINER,
    Deed.TRAIN: Role.TRAINER,
    Deed.CANCEL_JOB: Role.TRAINER,
    Deed.TUNE: Role.TRAINER,
    Deed.STEER_SWEEP: Role.TRAINER,
    Deed.MEASURE_RANGE: Role.TRAINER,
    Deed.CHANGE_DATA: Role.TRAINER,
    Deed.EDIT_RUN: Role.TRAINER,
    Deed.DELETE_RUN: Role.TRAINER,
    Deed.PROMOTE: Role.APPROVER,
    Deed.ROLL_BACK: Role.APPROVER,
    Deed.RUN_SERVICE: Role.APPROVER,
    Deed.IMPORT: Role.APPROVER,
    Deed.MEND: Role.APPROVER,
}
"""A viewer changes nothing that others rely on; an approver decides what others are served and what the records say."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever asks. ``name`` is what runs, ledger lines and scenarios are signed with."""

    name: str
    role: Role

    def may(self, deed: Deed) -> bool:
        """Whether the role is enough."""
        return self.role.reaches(LEAST_ROLE[deed])

    def require(self, deed: Deed) -> None:
        """Nothing, for whoever may.

        Raises:
            Forbidden: the role is too low; it says which one is needed and whom to ask.
        """
        if not self.may(deed):
            needed = LEAST_ROLE[deed]
            raise Forbidden(
                f"{self.name} is {self.role.phrase} here and may not {deed.value}: that takes {needed.phrase}.",
                remedy=f"Ask {needed.phrase} to do it, or whoever keeps `config/config.yaml` for that role.",
            )
