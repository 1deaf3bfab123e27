"""``sweep`` and ``sweeps``: search for hyperparameters, and look after the searches."""

from __future__ import annotations

import time
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from core.cli.caller import caller
from core.cli.output import parse_settings, print_json
from core.domain.access import Deed
from core.domain.configuration import load_settings
from core.domain.datasets import CONFIGURED_NAME
from core.domain.errors import InvalidSpec, JobFailed
from core.domain.hyperparameters import KNOBS, FeatureSet, ModelFamily, TrainingSpec
from core.domain.money import dollars
from core.domain.settings import Settings
from core.domain.sweep_plans import DEFAULT_TRIALS, PRESETS, SweepPlan
from core.domain.sweeps import Sweep, SweepState, Trial

if TYPE_CHECKING:
    from core.workflows.lab import Lab
    from core.workflows.sweep_findings import SweepFindings

_POLL_SECONDS: Final = 0.5
_WORKER_CHECK_SECONDS: Final = 5.0

_VARY_HELP: Final = (
    "A knob and its range as name=low:high, or the values to try as name=a,b,c (then all of them are); repeat it. "
    "By default every knob of the family varies over its usual search range."
)


class SweepsAction(StrEnum):
    """What ``sweeps`` can do."""

    LIST = "list"
    SHOW = "show"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


def sweep(
    family: Annotated[ModelFamily | None, typer.Option(help="The kind of model; by default model.family.")] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help=f"How many specs to judge (default {DEFAULT_TRIALS}).")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Most trials under way at a time.")] = 1,
    minutes: Annotated[float | None, typer.Option(help="No further trial starts after so much work.")] = None,
    vary: Annotated[list[str] | None, typer.Option("--vary", metavar="NAME=LOW:HIGH", help=_VARY_HELP)] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A knob that stays at a value; repeat it.")
    ] = None,
    features: Annotated[FeatureSet | None, typer.Option(help="Which columns are made of the nine features.")] = None,
    seed: Annotated[int | None, typer.Option(help="The estimator's seed, and the search's.")] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Seeds each combination of values to try is judged under (default 1).")
    ] = None,
    preset: Annotated[str | None, typer.Option(help=f"A question often asked: {', '.join(PRESETS)}.")] = None,
    data: Annotated[
        str, typer.Option(help="The dataset to judge on, by its name (see `data`); by default the configured file.")
    ] = CONFIGURED_NAME,
    name: Annotated[str, typer.Option(help="By default made from the family and the number of trials.")] = "",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the end, or answer with the sweep.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Search for the best hyperparameters by cross-validation of the training rows."""
    from core.workflows.chosen_data import find_dataset
    from core.workflows.lab import Lab

    settings = load_settings()
    plan = _plan(settings, family, trials, workers, minutes, vary or [], set_ or [], seed, seeds, preset, features)
    lab = Lab(settings)
    actor = caller(settings)
    plan = replace(plan, data_sha256=find_dataset(settings, data))
    sweep_id = lab.tuning.start(plan, actor=actor, name=name)
    if not wait:
        print_json({"sweep_id": sweep_id}) if json else typer.echo(sweep_id)
        return
    ended = _follow(lab, sweep_id)
    _show(ended, lab.tuning.findings(ended), json=json)
    if ended.state is SweepState.FAILED:
        raise JobFailed(ended.reason, where=sweep_id, remedy="Look at the last trial's reason, then sweep again.")


def sweeps(
    action: Annotated[SweepsAction, typer.Argument(help="What to do.")] = SweepsAction.LIST,
    sweep_id: Annotated[str | None, typer.Argument(help="The sweep to show, pause, resume or cancel.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the newest sweeps, or show, pause, resume or cancel one."""
    from core.workflows.lab import Lab

    settings = load_settings()
    actor = caller(settings)
    actor.require(Deed.SEE)
    lab = Lab(settings)
    if action is SweepsAction.LIST:
        listed = lab.tuning.newest()
        if json:
            print_json({"sweeps": [_report(one) for one in listed]})
            return
        for one in listed:
            typer.echo(_line(one))
        if not listed:
            typer.echo("Nothing was ever swept.")
        return
    if sweep_id is None:
        raise typer.BadParameter("name the sweep; `python -m core sweeps` lists them", param_hint="SWEEP_ID")
    if action is not SweepsAction.SHOW:
        act = {
            SweepsAction.PAUSE: lab.tuning.pause,
            SweepsAction.RESUME: lab.tuning.resume,
            SweepsAction.CANCEL: lab.tuning.cancel,
        }[action]
        act(sweep_id, actor=actor)
    found = lab.tuning.get(sweep_id)
    _show(found, lab.tuning.findings(found), json=json)


def _plan(
    settings: Settings,
    family: ModelFamily | None,
    trials: int | None,
    workers: int,
    minutes: float | None,
    vary: list[str],
    fixed: list[str],
    seed: int | None,
    seeds: int | None,
    preset: str | None,
    features: FeatureSet | None,
) -> SweepPlan:
    if preset is not None and preset not in PRESETS:
        raise InvalidSpec(f"There is no preset {preset!r}.", remedy=f"There is {', '.join(PRESETS)}.")
    chosen = PRESETS[preset] if preset is not None else None
    configured = settings.default_spec(family or (chosen.family if chosen else None))
    base = TrainingSpec.create(
        configured.family,
        {**configured.values, **parse_settings(fixed)},
        seed=configured.seed if seed is None else seed,
        features=configured.features if features is None else features,
    )
    if chosen is not None:
        if vary or trials is not None or seeds is not None:
            raise InvalidSpec(
                f"The preset {preset} says itself what varies and how often.",
                remedy="Leave out --vary, --trials and --seeds, or the preset.",
            )
        return chosen.plan(base, workers=workers, minutes=minutes)
    given = {knob: str(text) for knob, text in parse_settings(vary, "--vary").items()}
    choices = {knob: text.split(",") for knob, text in given.items() if ":" not in text}
    ranges = {knob: _ends(knob, text) for knob, text in given.items() if ":" in text}
    if not choices:
        if seeds is not None:
            raise InvalidSpec(
                "A search over ranges judges each spec under one seed.",
                remedy="Leave out --seeds, or give the values to try as --vary name=a,b,c.",
            )
        return SweepPlan.search(base, ranges or None, trials=trials or DEFAULT_TRIALS, workers=workers, minutes=minutes)
    if ranges or trials is not None:
        raise InvalidSpec(
            "Values to try one by one leave no number of trials and no ranges to choose.",
            remedy="Give every --vary as name=a,b,c and no --trials, or every one as name=low:high.",
        )
    return SweepPlan.grid(base, choices, repeats=seeds or 1, workers=workers, minutes=minutes)


def _ends(knob: str, text: str) -> tuple[str, str]:
    low, _, high = text.partition(":")
    if not low or not high or ":" in high:
        raise InvalidSpec(f"--vary {knob}={text} names no range.", remedy="Write it as --vary name=low:high.")
    return low, high


def _follow(lab: Lab, sweep_id: str) -> Sweep:
    """A line for each trial that ends; a worker that dies meanwhile is started again."""
    told: set[int] = set()
    looked = time.monotonic()
    while True:
        current = lab.tuning.get(sweep_id)
        for trial in current.trials:
            if trial.is_final and trial.number not in told:
                told.add(trial.number)
                typer.echo(_trial_line(current, trial), err=True)
        if current.state.is_final and not current.under_way:
            return current
        if time.monotonic() - looked > _WORKER_CHECK_SECONDS:
            looked = time.monotonic()
            lab.keep_worker()
        time.sleep(_POLL_SECONDS)


def _show(sweep: Sweep, findings: SweepFindings, *, json: bool) -> None:
    if json:
        print_json(_report(sweep, findings))
        return
    typer.echo(_line(sweep))
    best = sweep.best
    if best is not None:
        typer.echo(f"  best: {_trial_line(sweep, best)}")
    if findings.best is not None:
        # Over seeds the best combination need not be that of the single best trial.
        values = " ".join(f"--set {knob}={value}" for knob, value in findings.best.values.items())
        words = f"--family {sweep.plan.family} {values} --seed {findings.best.seed}"
        typer.echo(f"  train the best in full: python -m core train {words}")
    for knob, share in findings.importance:
        typer.echo(f"  {KNOBS[sweep.plan.family][knob].label}: {share:.0%} of the differences between trials")
    typer.echo(f"  {findings.answer}")


def _line(sweep: Sweep) -> str:
    best = f"best {dollars(sweep.best.cv_rmse)}" if sweep.best else ""
    return (
        f"{sweep.sweep_id}  {sweep.state.value:<9}  {sweep.name}  {sweep.ended} of {sweep.plan.trials}  {best}".rstrip()
    )


def _trial_line(sweep: Sweep, trial: Trial) -> str:
    values = ", ".join(f"{one.name}={trial.spec.values[one.name]:g}" for one in sweep.plan.varied)
    seed = f", seed={trial.spec.seed}" if sweep.plan.repeats > 1 else ""
    score = dollars(trial.cv_rmse) if trial.cv_rmse is not None else trial.state.value
    return f"trial {trial.number + 1}: {score}  {values}{seed}  {trial.reason}".rstrip()


def _report(sweep: Sweep, findings: SweepFindings | None = None) -> dict[str, object]:
    report: dict[str, object] = {
        "sweep_id": sweep.sweep_id,
        "name": sweep.name,
        "family": sweep.plan.family.value,
        "method": sweep.plan.method.value,
        "state": sweep.state.value,
        "reason": sweep.reason,
        "run_id": sweep.run_id,
        "planned": sweep.plan.trials,
        "best": _trial_report(sweep.best) if sweep.best else None,
        "trials": [_trial_report(trial) for trial in sweep.trials],
    }
    if findings is not None:
        difference = findings.difference
        report |= {
            "importance": dict(findings.importance),
            "answer": findings.answer,
            "difference": None
            if difference is None
            else {
                "delta": difference.delta,
                "low": difference.low,
                "high": difference.high,
                "verdict": difference.verdict.value,
            },
        }
    return report


def _trial_report(trial: Trial) -> dict[str, object]:
    return {
        "number": trial.number + 1,
        "state": trial.state.value,
        "params": trial.spec.as_params(),
        "cv_rmse": trial.cv_rmse,
        "fold_rmse": list(trial.fold_rmse),
        "seconds": trial.seconds,
        "run_id": trial.run_id,
        "job_id": trial.job_id,
        "reason": trial.reason,
    }
