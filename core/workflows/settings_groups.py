"""Runs of the same settings under several seeds, and whether two settings differ."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.domain.hyperparameters import whole_params
from core.domain.provenance import DATA_SHA256_TAG, SPLIT_TAG
from core.domain.runs import Run
from core.evaluation.seeds import difference_of_settings
from core.evaluation.significance import Judgement, Resampled, judge_difference, mean_interval
from core.workflows.comparability import Field
from core.workflows.comparison_views import SettingsGroup
from core.workflows.run_labels import settings_labels

_SEED: Final = "seed"
_FEWEST_SEEDS: Final = 2
_TWO_MODELS: Final = "a difference is a claim about two fitted models, not about settings."


@dataclass(frozen=True, slots=True)
class _Members:
    """The runs of one group; ``by_seed`` has one of them a seed, ascending: a seed trained twice is one draw."""

    key: str
    runs: tuple[Run, ...]
    by_seed: tuple[tuple[int | None, Run], ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(seed for seed, _ in self.by_seed if seed is not None)


def settings_groups(
    field: Field, labels: Mapping[str, str], resampled: Resampled | None, margin: float
) -> tuple[SettingsGroup, ...]:
    """The groups in the order of their first runs, that of the baseline first; runs without an RMSE are in none.

    Args:
        labels: of the runs, by id. resampled: the comparable runs in their order; None where there are none.
        margin: the practical margin as a share.
    """
    places = {run.run_id: place for place, run in enumerate(field.comparable)}
    rmse = {run.run_id: run.metrics.get("rmse", math.nan) for run in field.runs}
    if resampled is not None:
        rmse |= {run_id: resampled.scores[place].rmse for run_id, place in places.items()}
    groups = _grouped([run for run in field.runs if math.isfinite(rmse[run.run_id])], places)
    names = _names(groups, labels)
    base = groups[0] if groups and field.runs[0].run_id in places else None
    made = []
    for group in groups:
        interval = mean_interval([rmse[run.run_id] for _, run in group.by_seed])
        note = _why_no_difference(group, base, field.reasons)
        judged = None
        if not note and base is not None and resampled is not None and group is not base:
            reference = mean_interval([rmse[run.run_id] for _, run in base.by_seed]).mean
            judged = _judge(group, base, places, resampled, margin * reference)
        ids = tuple(run.run_id for run in group.runs)
        made.append(SettingsGroup(names[group.key], ids, group.seeds, interval, judged, note))
    return tuple(made)


def differ_in_seed_alone(run: Run, other: Run) -> bool:
    """Whether two runs were trained with the same settings under two seeds."""
    seeds = _seed_of(run), _seed_of(other)
    return None not in seeds and seeds[0] != seeds[1] and _settings_of(run) == _settings_of(other)


def _grouped(runs: Sequence[Run], places: Mapping[str, int]) -> list[_Members]:
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(_key(run, run.run_id in places), []).append(run)
    groups = []
    for key, members in found.items():
        by_seed: dict[int | None, Run] = {}
        for run in members:
            by_seed.setdefault(_seed_of(run), run)
        ordered = sorted(by_seed.items(), key=lambda pair: -1 if pair[0] is None else pair[0])
        groups.append(_Members(key, tuple(members), tuple(ordered)))
    return groups


def _key(run: Run, is_comparable: bool) -> str:
    """Equal for runs that differ in nothing but their seed; a run without a seed stands for itself."""
    settings = sorted(_settings_of(run).items())
    alone = run.run_id if _seed_of(run) is None else ""
    return repr((settings, run.tags.get(DATA_SHA256_TAG), run.tags.get(SPLIT_TAG), is_comparable, alone))


def _names(groups: Sequence[_Members], labels: Mapping[str, str]) -> dict[str, str]:
    names = settings_labels({group.key: _settings_of(group.runs[0]) for group in groups})
    taken = Counter(names.values())
    return {
        group.key: names[group.key]
        if taken[names[group.key]] == 1
        else f"{names[group.key]}, as {labels[group.runs[0].run_id]}"
        for group in groups
    }


def _why_no_difference(group: _Members, base: _Members | None, reasons: Mapping[str, str]) -> str:
    """Why a group has no difference to the baseline's; empty where it has one, and for the baseline's own."""
    reason = reasons.get(group.runs[0].run_id, "")
    if reason:
        return reason
    if group is base or base is None:
        return ""
    if len(group.seeds) < _FEWEST_SEEDS:
        return f"One seed only: {_TWO_MODELS}"
    if len(base.seeds) < _FEWEST_SEEDS:
        return f"The baseline's settings have one seed only: {_TWO_MODELS}"
    return ""


def _judge(
    group: _Members, base: _Members, places: Mapping[str, int], resampled: Resampled, margin: float
) -> Judgement:
    ours, others = ([places[run.run_id] for _, run in members.by_seed] for members in (group, base))
    difference = difference_of_settings(resampled, ours, others, paired=group.seeds == base.seeds)
    return judge_difference(difference, margin)


def _settings_of(run: Run) -> dict[str, str]:
    return {name: value for name, value in whole_params(run.params).items() if name != _SEED}


def _seed_of(run: Run) -> int | None:
    try:
        return int(run.params.get(_SEED, ""))
    except ValueError:
        return None
