"""What the lab's words mean: one plain sentence a term, for the help of headings, tiles, columns and fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.domain.house import FEATURES
from core.domain.knobs import KNOBS
from core.domain.metrics import METRICS

VERDICT: Final = (
    "Better or worse where the 95 % interval lies on one side of zero and the difference is large enough to matter; "
    "else no real difference."
)
_INTERVAL: Final = "With the held-out rows drawn anew, the difference would lie between these two 95 times in 100."

_TERMS: Final[Mapping[str, str]] = {
    "Run": "One training as MLflow keeps it: its settings, its scores and its files.",
    "Latest runs": "A run is one training as MLflow keeps it: its settings, its scores and its files.",
    "Version": "A fitted model that is registered under a number; a price always comes from one version.",
    "Champion": "The version that prices every house, until another one is promoted.",
    "Challenger": "The version that is meant to serve next; it prices nothing by itself.",
    "In use": "The newest version sets the prices as long as nobody has promoted a champion.",
    "Alias": "What a version serves as: the champion prices every house, the challenger is meant to serve next.",
    "Stage": "What a version is used for: development, staging (the challenger), production (the champion), archived.",
    "Held-out rows": "The 20 % of the block groups that no fit and no choice ever sees: they only score a model.",
    "Block group": "The smallest area the census reports, some hundred households; a row of the data is one.",
    "Baseline": "The run that every difference is to.",
    "Verdict": VERDICT,
    "Difference": "The figure of this one minus that of the first; an error is better when it falls.",
    "95 % interval": _INTERVAL,
    "80 % range": "The true price lies in here for 80 of 100 areas like it, if the future is like the held-out rows.",
    "90 % range": "The true price lies in here for 90 of 100 areas like it, if the future is like the held-out rows.",
    "Gates": "What a version is asked before it serves: thresholds, the champion's scores, lineage, whether it loads.",
    "Override": "Promoted although a gate failed, with the reason that stands beside it.",
    "Ledger": "Every move of an alias with who, when and why; no line can be changed without breaking the chain.",
    "Family": "The kind of model: a forest, boosted trees, or a straight line.",
    "Status": "Whether the run is under way, has finished, failed or was cancelled.",
    "State": "Whether it waits, is under way, has ended, failed or was cancelled.",
    "Data": "Which rows it was trained on: the start of their SHA-256, so equal means the same rows.",
    "Fit": METRICS["fit_seconds"].help,
    "Seed": "The random seed: the same settings, rows and seed make the same model, bit for bit.",
    "Seeds": "The random seeds the settings were trained under: what agrees over several is no luck.",
    "Settings": "Family and hyperparameters together, whatever the seed.",
    "Mean RMSE": "The RMSE of these settings, averaged over their seeds, in 1990 dollars.",
    "Trial": "One setting that a sweep tries, judged by cross-validation of the training rows.",
    "Sweep": "A search: many settings tried, each judged by cross-validation of the training rows.",
    "Lowest RMSE": (
        "In cross-validation of the training rows, in 1990 dollars. The held-out rows are not looked at, so this is "
        "not the score of a finished model."
    ),
    "Complete": "Trials that were judged in full.",
    "Given up": "Trials that did worse than half of the others at the same point, and were not finished.",
    "Work": "The time of all trials together, as if one had followed the other.",
    "Fitting for": "How long the fit has been going on.",
    "Pricing for": "How long the file has been priced.",
    "Time left": "How long it should still take, at the pace so far.",
    "RMSE so far": "On the held-out rows, which are only watched: nothing stops or chooses on it.",
    "Estimated median value (1990 $)": "Median house value of a block group with these features, in 1990 dollars.",
    "Price": "The estimated median value of a block group with these features, in 1990 dollars.",
    "Without capped rows": "Without the rows recorded at the survey's cap, whose true price nobody knows.",
    "With capped rows": "All held-out rows, those recorded at the survey's cap included.",
    "Capped rows alone": "Only the rows recorded at the survey's cap, whose true price nobody knows.",
    "Assessors want": "The range that assessors ask of a ratio study (IAAO, 2013), and whether the figure lies in it.",
    "Median ratio": "Estimate over recorded price, the middle one: above 1 the estimates are too high there.",
    "From": "Value: half recorded price, half estimate.",
    "Recorded": "The median value the 1990 survey recorded for the block group, in 1990 dollars.",
    "Apart": "How far the highest estimate for this row lies from the lowest.",
    "Row": "Its place in the data file, from 0.",
    "Against the estimate": "The recorded median minus the estimate for your house, in 1990 dollars.",
    "Model says": "What the model estimates there, in 1990 dollars.",
    "Unlikeness": "Distance in features and place together; 0 is a twin.",
    "Away (km)": "Distance from your house as the crow flies.",
    "Income": FEATURES["median_income"].help,
    "Age": FEATURES["housing_median_age"].help,
    "Ocean proximity": FEATURES["ocean_proximity"].help,
    "Fitted on": "Whether the model was fitted on it: then its estimate there has seen what was recorded.",
    "PSI": (
        "Population stability index over the training rows' deciles: from 0.1 on a shift, from 0.25 on a great one."
    ),
    "Drift": "How far the rows of a file lie from the rows the model was trained on.",
    "Priced": "Rows that got a price and a range.",
    "Rejected": "Rows that break a rule of the house form.",
    "Median price": "The middle one of all prices in the file, in 1990 dollars.",
    "Mean price": "The average of all prices in the file, in 1990 dollars.",
    "With a warning": "Priced rows that are unlike the data, or whose price lies at its ends.",
    "Version served": "It follows the champion.",
    "Requests a second": "Over the last minute.",
    "p95": "95 % of the answers came within this.",
    "Requests so far": "Since the service was started.",
    "This version": "The price under the version that is judged here, in 1990 dollars.",
    "Moves by": "By how much the price would change with this version, in percent.",
    "Saved scenarios": "Houses somebody kept under a name; they are priced anew whenever they are opened.",
    "Duration": "How long the run took, from its start to its end.",
}

_METRICS: Final = {metric.label: metric.help for metric in METRICS.values()}
_KNOWN: Final[Mapping[str, str]] = {
    **{knob.label: knob.help for knobs in KNOBS.values() for knob in knobs.values()},
    **{feature.label: feature.help for feature in FEATURES.values()},
    **_METRICS,
    **_TERMS,
}


def meaning(term: str) -> str | None:
    """What a term means, in a plain sentence; None for one the lab does not know.

    Knows the words above, every metric, feature and hyperparameter by its label, a metric's difference and interval.
    """
    of_difference, of_interval = term.removesuffix(" difference"), term.removesuffix(" 95 % interval")
    if of_difference != term and of_difference in _METRICS:
        return f"{of_difference} of this run minus that of the baseline. {_METRICS[of_difference]}"
    if of_interval != term and of_interval in _METRICS:
        return _INTERVAL
    return _KNOWN.get(term)
