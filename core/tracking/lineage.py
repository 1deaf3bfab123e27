"""Where a run comes from: which code and which rows, as tags and as an MLflow dataset."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.domain.house import TARGET
from core.domain.provenance import (
    CODE_TAG,
    DATA_NAME_TAG,
    DATA_ROWS_TAG,
    DATA_SHA256_TAG,
    DATA_SOURCE_TAG,
    DVC_CHANGES_TAG,
    DVC_REVISION_TAG,
    SPLIT_TAG,
    DataSource,
)

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

UNKNOWN_CODE: Final = "unversioned"

_CHANGED: Final = "+changes"
_LOCK: Final = ":(exclude,glob)**/dvc.lock"
"""DVC writes its lock file anew while it works: what it says of a run is no change to what the run is made of."""

_LONGEST_LIST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a run was made of. Runs whose ``data_sha256`` or ``split`` differ are never compared as equals.

    ``dvc_revision`` and ``dvc_changes`` are empty for a run that no DVC stage made, ``data_name`` for one on the
    configured file.
    """

    data_sha256: str
    data_source: str
    data_address: str
    rows: int
    split: str
    code_version: str
    dvc_revision: str = ""
    dvc_changes: str = ""
    data_name: str = ""

    def as_tags(self) -> dict[str, str]:
        known = {
            DVC_REVISION_TAG: self.dvc_revision,
            DVC_CHANGES_TAG: self.dvc_changes,
            DATA_NAME_TAG: self.data_name,
        }
        return {
            DATA_SHA256_TAG: self.data_sha256,
            DATA_SOURCE_TAG: self.data_source,
            DATA_ROWS_TAG: str(self.rows),
            SPLIT_TAG: self.split,
            CODE_TAG: self.code_version,
            **{tag: value for tag, value in known.items() if value},
        }

    @property
    def is_demo(self) -> bool:
        return self.data_source == DataSource.DEMO


def code_version(root: Path) -> str:
    """The commit of the checkout at ``root``, with ``+changes`` when files differ from it."""
    try:
        commit = _git(root, "rev-parse", "--short=12", "HEAD")
        changed = _changed_files(root)
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN_CODE
    return commit + (_CHANGED if changed else "")


def changed_files(root: Path) -> str:
    """The tracked files that differ from the commit, separated by commas; empty when none does, or nobody knows."""
    try:
        listed = ", ".join(_changed_files(root))
    except (OSError, subprocess.SubprocessError):
        return ""
    return listed if len(listed) <= _LONGEST_LIST else f"{listed[: _LONGEST_LIST - 1]}…"


def dataset_input(lineage: Lineage) -> DatasetInput:
    """The rows as MLflow's dataset input, so that its own screens show them beside the run."""
    import json

    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name=lineage.data_name or ("demo_block_groups" if lineage.is_demo else "california_block_groups_1990"),
        # MLflow keeps 36 characters; the whole digest is a tag of the run.
        digest=lineage.data_sha256[:32],
        source_type="local",
        source=json.dumps({"uri": lineage.data_address}),
        profile=json.dumps({"num_rows": lineage.rows, "target": TARGET}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training"), InputTag("split", lineage.split)])


def as_strings(values: Mapping[str, object]) -> dict[str, str]:
    """MLflow's params and tags are text."""
    return {key: str(value) for key, value in values.items()}


def _changed_files(root: Path) -> list[str]:
    listed = _git(root, "diff", "--name-only", "-z", "HEAD", "--", ":(top)", _LOCK)
    return [name for name in listed.split("\0") if name]


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True, timeout=10)  # noqa: S603, S607
    return done.stdout.strip()
