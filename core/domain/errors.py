"""Every error a user can meet, each with a remedy.

::

    LabError
    ├── InvalidSettings       config.yaml or a HOUSING_LAB_… variable is wrong
    ├── InvalidHouse          a house outside what the model can be asked
    ├── InvalidSpec           a hyperparameter outside its range
    ├── InvalidFilter         a filter, order or page that runs do not have
    ├── InvalidScenario       a scenario without a name, or with too long a text
    ├── Forbidden             a role too low for the deed
    │   └── NotSignedIn       nobody knows who asks
    ├── DataError
    │   ├── DataUnavailable   no file, and it could not be downloaded
    │   └── InvalidData       the rows break the schema
    ├── RecordsError
    │   ├── StoreUnavailable  MLflow's store cannot be reached
    │   ├── CorruptRegistry   registry.json is there and is no registry
    │   ├── LedgerUnavailable the audit ledger cannot be read or written
    │   ├── ScenariosUnavailable  saved scenarios cannot be read or written
    │   ├── NotFound          no such run, version, job or scenario
    │   ├── UntrustedModel    a model file is not the one that was recorded
    │   └── UnreadableRecord  a part of an old store that cannot be brought in
    ├── NoModel               nothing is trained yet
    ├── UnsoundModel          a fitted model breaks a rule that every price model keeps
    ├── PromotionError
    │   ├── PromotionRefused  a gate failed, or there is nothing to move
    │   └── ChampionChanged   somebody else moved the alias meanwhile
    ├── JobsError
    │   ├── QueueUnavailable  the job database cannot be reached
    │   ├── QueueFull         too many jobs wait already
    │   └── JobFailed         a job ended without a model
    ├── TrainingCancelled     somebody asked the training to stop
    ├── ScoringCancelled      somebody asked the pricing of a file to stop
    └── AssessmentCancelled   somebody asked the measuring of a range to stop

Foreign errors (MLflow, SQLAlchemy, pandera, …) are translated where they enter, never further in.
"""

from __future__ import annotations

from core.domain.addresses import without_passwords


class LabError(Exception):
    """A refusal or failure the user can act on.

    Args:
        what: one sentence that says what is wrong, with the figures.
        remedy: one sentence that says what to do about it.
        where: the file, key, row or address it is about; empty when the sentence says it already.
    """

    def __init__(self, what: str, *, remedy: str, where: str = "") -> None:
        # Here once for all doors: what a driver says of a failure often repeats the address it was given.
        what, where = without_passwords(what), without_passwords(where)
        super().__init__(what, remedy, where)
        self.what = what
        self.remedy = remedy
        self.where = where

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive the default pickling, and errors cross processes here.
        return (_rebuild, (type(self), self.what, self.remedy, self.where))

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{self.what}{place} {self.remedy}"


def _rebuild(kind: type[LabError], what: str, remedy: str, where: str) -> LabError:
    return kind(what, remedy=remedy, where=where)


class InvalidSettings(LabError):
    """A key of ``config.yaml`` or a ``HOUSING_LAB_…`` variable is unknown or holds a wrong value."""


class InvalidHouse(LabError):
    """A house has a missing, unknown or impossible feature."""


class InvalidSpec(LabError):
    """A training specification names an unknown knob or a value outside its range."""


class InvalidFilter(LabError):
    """A filter text, a sort order or an address asks for something that runs do not have."""


class InvalidScenario(LabError):
    """A scenario has no name, or a text longer than is kept."""


class Forbidden(LabError):
    """Whoever asks has a role too low for the deed, or the lab would stand open to strangers."""


class NotSignedIn(Forbidden):
    """Nobody signed in, or what was shown as proof is forged or worn out."""


class DataError(LabError):
    """The rows cannot be used."""


class DataUnavailable(DataError):
    """There is no data file and none could be downloaded."""


class InvalidData(DataError):
    """The file was read and breaks the schema, or is no table at all."""


class RecordsError(LabError):
    """The records (MLflow store, local registry, model files) cannot serve the request."""


class StoreUnavailable(RecordsError):
    """MLflow's store cannot be reached or answers with an error."""


class CorruptRegistry(RecordsError):
    """registry.json is there and is no registry."""


class LedgerUnavailable(RecordsError):
    """The audit ledger cannot be read or written."""


class ScenariosUnavailable(RecordsError):
    """Saved scenarios cannot be read or written."""


class NotFound(RecordsError):
    """There is no such run, version, job or scenario."""


class UntrustedModel(RecordsError):
    """A model file differs from the SHA-256 in the records, or has none."""


class UnreadableRecord(RecordsError):
    """A file of an old store is no record, or lies where nothing is read."""


class NoModel(LabError):
    """A price was asked for before any model was trained."""


class UnsoundModel(LabError):
    """A fitted model breaks a rule that every price model keeps, so it is not registered."""


class PromotionError(LabError):
    """An alias was not moved."""


class PromotionRefused(PromotionError):
    """A gate failed and was not overridden, or there is nothing to move."""


class ChampionChanged(PromotionError):
    """The alias was moved after the verdict was made: the verdict is about a champion that is none any more."""


class JobsError(LabError):
    """The job queue cannot do what was asked."""


class QueueUnavailable(JobsError):
    """The job database cannot be reached."""


class QueueFull(JobsError):
    """As many jobs wait as the settings allow."""


class JobFailed(JobsError):
    """A job ended without a model."""


class TrainingCancelled(LabError):
    """The training was asked to stop and did, between two steps."""

    def __init__(self, what: str = "The training was cancelled.", *, remedy: str = "", where: str = "") -> None:
        super().__init__(what, remedy=remedy or "Train again when you are ready.", where=where)


class ScoringCancelled(LabError):
    """The pricing of a file was asked to stop and did, between two chunks; it leaves no file."""

    def __init__(self, what: str = "The scoring was cancelled.", *, remedy: str = "", where: str = "") -> None:
        super().__init__(what, remedy=remedy or "Score the file again when you are ready.", where=where)


class AssessmentCancelled(LabError):
    """The measuring of a version's range was asked to stop and did, between two steps; the version stays as it was."""

    def __init__(
        self, what: str = "The measuring of the range was cancelled.", *, remedy: str = "", where: str = ""
    ) -> None:
        super().__init__(what, remedy=remedy or "Measure it again when you are ready.", where=where)
