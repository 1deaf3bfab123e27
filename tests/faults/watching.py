"""What a process holds while it works: memory, handles, children; and what its logs say."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil

SAMPLE_SECONDS = 5.0
_COMPLAINT = re.compile(r"\b(ERROR|CRITICAL|Traceback|ResourceWarning|Exception)\b")


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a process: ``megabytes`` are its proportional share of memory (PSS)."""

    at: float
    megabytes: float
    handles: int
    zombies: int


@dataclass(slots=True)
class Watched:
    """All samples of one process. ``pids`` grows when another takes its place."""

    name: str
    pids: list[int] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def between(self, first: float, last: float) -> list[Sample]:
        """Samples taken between two moments, in seconds since the watch began."""
        return [sample for sample in self.samples if first <= sample.at < last]


@dataclass(frozen=True, slots=True)
class Change:
    """A process after its warm-up and at the end: median memory in megabytes, most open handles."""

    name: str
    megabytes: tuple[float, float]
    handles: tuple[int, int]
    zombies: int
    pids: int

    @property
    def growth(self) -> float:
        """Share by which the memory has grown; negative where it shrank."""
        return self.megabytes[1] / self.megabytes[0] - 1

    def __str__(self) -> str:
        memory = " → ".join(f"{part:,.0f}" for part in self.megabytes)
        handles = " → ".join(map(str, self.handles))
        return (
            f"{self.name}: {memory} MB ({self.growth:+.1%}), handles {handles}, "
            f"most zombies {self.zombies}, processes {self.pids}"
        )


@contextmanager
def watching(processes: Mapping[str, Callable[[], int | None]]) -> Iterator[Mapping[str, Watched]]:
    """Look at these processes every few seconds until the block ends.

    Args:
        processes: name → its process id now; None while there is none.
    """
    watched = {name: Watched(name) for name in processes}
    ending = threading.Event()
    began = time.monotonic()

    def look() -> None:
        while not ending.wait(SAMPLE_SECONDS):
            for name, pid_of in processes.items():
                _look_at(watched[name], pid_of(), time.monotonic() - began)

    thread = threading.Thread(target=look, name="watch", daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        ending.set()
        thread.join()


def _look_at(watched: Watched, pid: int | None, at: float) -> None:
    if pid is None:
        return
    try:
        process = psutil.Process(pid)
        children = process.children(recursive=True)
        sample = Sample(
            at=at,
            megabytes=process.memory_full_info().pss / 1e6,
            handles=process.num_fds(),
            zombies=sum(child.status() == psutil.STATUS_ZOMBIE for child in children),
        )
    except psutil.NoSuchProcess:
        return
    if pid not in watched.pids:
        watched.pids.append(pid)
    watched.samples.append(sample)


def change_of(watched: Watched, warm: float, ended: float) -> Change:
    """The first quarter after the warm-up against the last one.

    Args:
        warm: when the warm-up was over, ``ended`` when all was, in seconds since the watch began.
    """
    quarter = (ended - warm) / 4
    early, late = watched.between(warm, warm + quarter), watched.between(ended - quarter, ended + SAMPLE_SECONDS)
    assert early, f"{watched.name} was not seen after its warm-up"
    assert late, f"{watched.name} was not seen at the end"
    return Change(
        name=watched.name,
        megabytes=(median(one.megabytes for one in early), median(one.megabytes for one in late)),
        # The most: Python closes the event loop of an ended script run with its next collection, a saw-tooth.
        handles=(max(one.handles for one in early), max(one.handles for one in late)),
        zombies=max(one.zombies for one in watched.samples),
        pids=len(watched.pids),
    )


def held_files(pid: int) -> Counter[str]:
    """What a process holds open, counted by its name: regular files, sockets, pipes."""
    names: Counter[str] = Counter()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(handle.readlink())
        except FileNotFoundError:  # closed meanwhile
            continue
        names[target if target.startswith("/") else target.partition(":")[0]] += 1
    return names


def complaints(logs: Iterable[Path]) -> list[str]:
    """Lines that tell of an error, with the file they stand in."""
    return [
        f"{log.name}: {line[:300]}"
        for log in logs
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        if _COMPLAINT.search(line)
    ]
