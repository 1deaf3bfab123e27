"""Records of the old project as they are brought in: what was asked, what came of it, and the tags that tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

IMPORT_PREFIX: Final = "import."
IMPORT_RUN_TAG: Final = "import.run_id"
"""On a run that was brought in: the id it had. MLflow gives a run that its client creates a new one."""

IMPORT_STATE_TAG: Final = "import.state"
UNDER_WAY: Final = "under way"
DONE: Final = "done"

IMPORT_LEFT_OUT_TAG: Final = "import.left_out"
"""On a run: how many of its files were left out because nobody said that they are trusted."""

IMPORT_VERSION_TAG: Final = "import.version"
"""On a version that was brought in: which one it was, e.g. ``mlruns housing_price_predictor/3``."""

IMPORT_CREATED_TAG: Final = "import.created"
"""When it was created, in ISO form: MLflow dates a version by the moment it is registered."""

IMPORT_STAGE_TAG: Final = "import.stage"
IMPORT_ALIASES_TAG: Final = "import.aliases"


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to bring in.

    Attributes:
        mlruns: a folder of MLflow's old file store; None for none.
        registry: an old registry.json; None for none.
        experiment: all runs come into this experiment; empty: each keeps its own experiment's name.
        trust: model files may come in as well: reading one runs the code in it.
    """

    mlruns: Path | None
    registry: Path | None
    experiment: str = ""
    trust: bool = False


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """What could not be brought in, or not as it was, and why."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class LeftOutModel:
    """A model file that was left out. ``belongs_to`` is the run or version it is of; ``sha256`` may be looked up."""

    path: str
    sha256: str
    belongs_to: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. ``stopped`` says that it was asked to stop before the end: the same again goes on there.

    ``runs`` and ``versions`` came in now, ``known_runs`` and ``known_versions`` with an earlier import; ``completed``
    of the runs had been begun by one that was cut off, or got their model files now. Counts of params, metric values,
    tags and files are of this import.
    """

    runs: int = 0
    completed: int = 0
    known_runs: int = 0
    params: int = 0
    metrics: int = 0
    tags: int = 0
    files: int = 0
    versions: int = 0
    known_versions: int = 0
    experiments: tuple[str, ...] = ()
    left_out: tuple[LeftOutModel, ...] = ()
    problems: tuple[ImportProblem, ...] = ()
    stopped: bool = False

    def as_report(self) -> dict[str, object]:
        """The terminal's JSON document."""
        return {
            "runs": {"imported": self.runs, "completed": self.completed, "known": self.known_runs},
            "params": self.params,
            "metrics": self.metrics,
            "tags": self.tags,
            "files": self.files,
            "versions": {"imported": self.versions, "known": self.known_versions},
            "experiments": list(self.experiments),
            "left_out": [
                {"path": one.path, "sha256": one.sha256, "belongs_to": one.belongs_to} for one in self.left_out
            ],
            "problems": [{"where": one.where, "reason": one.reason} for one in self.problems],
            "stopped": self.stopped,
        }
