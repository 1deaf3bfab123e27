"""Models: the versions of the price model, promotion through gates, one-step rollback, and the ledger of both."""

from collections.abc import Sequence

import streamlit as st

from core.charts.versions import metric_by_version
from core.domain.access import Deed
from core.domain.errors import NotFound
from core.domain.metrics import METRICS, SCORE_NAMES
from core.domain.promotion import LONGEST_REASON
from core.domain.runs import Alias
from core.workflows.promoting import Versions
from core.workflows.version_timeline import VersionLine
from pages.shared.columns import help_of
from pages.shared.empty import no_model_yet
from pages.shared.fairness import fairness_summary
from pages.shared.figures import chart
from pages.shared.frame import errors, escape, lab, page
from pages.shared.ledger import ledger
from pages.shared.promotion import moved, promotion, say_moved
from pages.shared.service import service
from pages.shared.spatial import spatial_score
from pages.shared.version_table import chosen_version, version_table
from pages.shared.visitor import barred, visitor


def in_use(versions: Versions) -> None:
    """Who serves, since when and why, and the way back."""
    champion = next((one for one in versions.lines if one.version == versions.champion), None)
    if champion is None:
        st.info(
            "No version is promoted yet, so the newest sets the prices. Choose a version below.",
            icon=":material/workspace_premium:",
        )
        return
    st.subheader(f"Champion: version {champion.version}", anchor=False, help=help_of("Champion"))
    st.caption(why(champion))
    if versions.rollback_to is not None:
        may = barred(Deed.ROLL_BACK)
        with st.popover("Roll back", icon=":material/undo:", **may), st.form("roll_back", border=False):
            st.markdown(f"Version {versions.rollback_to} serves again as soon as its file is found to load.")
            reason = st.text_input("Reason", max_chars=LONGEST_REASON)
            if st.form_submit_button(f"Roll back to version {versions.rollback_to}", type="primary", **may):
                with errors(), st.spinner("Loading the version before"):
                    moved(lab().promotions.rollback(actor=visitor(), reason=reason))


def why(line: VersionLine) -> str:
    """Who moved it last, when and why."""
    if line.moved is None:
        return "It was never moved."
    entry = line.moved
    reason = f": {entry.reason}" if entry.reason else "."
    override = ", against its gates" if entry.override else ""
    return escape(f"{entry.act.capitalize()} by {entry.who} on {entry.when:%d %B %Y %H:%M} UTC{override}{reason}")


def card(line: VersionLine) -> None:
    """One version: its scores, its run, and what the gates say of it."""
    st.subheader(f"Version {line.version}", anchor=False, help=help_of("Version"))
    st.caption(f"{line.stage.capitalize()}. {why(line)}")
    if line.run_id:
        st.page_link("runs.py", label="Its run", icon=":material/table_rows:", query_params={"run": line.run_id})
        with errors(), st.expander("Are cheap and dear areas valued alike?", icon=":material/balance:"):
            fairness_of(line.run_id)
    standing = lab().ranges.standing(line.version)
    if standing.has_spatial_score:
        with st.expander("How far off is it where it knows no neighbours?", icon=":material/grid_on:"):
            spatial_score(standing.figures, held_out_rmse=line.scores.rmse if line.scores else None)
    alias = st.segmented_control(
        "Promote to",
        list(Alias),
        default=Alias.CHAMPION,
        required=True,
        help="The champion prices every house; the challenger is meant to serve next.",
        key="alias",
        bind="query-params",
    )
    promotion(line.version, Alias(alias or Alias.CHAMPION))


def fairness_of(run_id: str) -> None:
    """The version's ratio study, in figures and sentences."""
    try:
        report = lab().comparing.ratios(run_id)
    except NotFound:
        st.caption("Its run logged no predictions of held-out rows, so it has no ratio study.")
        return
    fairness_summary(report)
    st.page_link(
        "runs.py",
        label="By value and on the map",
        icon=":material/map:",
        query_params={"run": run_id, "show": "Fairness"},
    )


def all_versions(lines: Sequence[VersionLine]) -> None:
    """The table and the picture of all, and beside them the version that is chosen."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        version_table(lines)
        metric = st.selectbox(
            "Metric",
            SCORE_NAMES,
            format_func=lambda name: METRICS[name].label,
            key="metric",
            bind="query-params",
            width=200,
        )
        chart(metric_by_version(lines, metric or SCORE_NAMES[0]), key="timeline")
    with right:
        line = chosen_version(lines)
        if line is None:
            st.caption("Choose a version to see what the gates say of it.")
        else:
            card(line)


with page("Models", "Every registered version. What serves is moved through gates, and every move is written down."):
    say_moved()
    versions = lab().promotions.versions()
    if not versions.lines:
        no_model_yet()
    else:
        in_use(versions)
        table, history, rest = st.tabs(
            ["Versions", "Ledger", "Service"], on_change="rerun", key="part", bind="query-params"
        )
        if table.open:
            with table:
                all_versions(versions.lines)
        if history.open:
            with history, errors():
                ledger()
        if rest.open:
            with rest, errors():
                service()
