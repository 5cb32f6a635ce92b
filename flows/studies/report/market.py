"""One market's part of the report: each record goes to the plots that need it."""

import math
from datetime import UTC, datetime
from typing import Final, NamedTuple

from flows.studies.lift.columns import Columns
from flows.studies.lift.records import Record
from flows.studies.report.arms import Arms, Shares
from flows.studies.report.drift import Drifts
from flows.studies.report.learning import Learning, Regret
from flows.studies.report.lift import lift_in
from flows.studies.report.lift import sections as lift_sections
from flows.studies.report.model_quality import Calibration, Quality
from flows.studies.report.overlap import Overlap
from flows.studies.report.records import Decision, Drift, Outcome, Reward, Truth
from flows.studies.report.style import Section
from operators.decisions.diagnosis import Diagnosis
from operators.decisions.verdicts import Verdict, verdicts
from operators.experiments.clustered_ratio import Interval, Ratio
from operators.experiments.unit_sketch import Balance

UNITS: Final = 5_000
"""How many units the check of the holdout samples."""
FEW_POLICIES: Final = 5


class KeyFigure(NamedTuple):
    """One number of the summary and what it is."""

    name: str
    value: str


class Market:
    """Everything that is gathered for one market.

    Bounded by its arms and by what the plots keep, but for the few numbers a decision of the lift.
    """

    def __init__(self, name: str, holdout: float | None, *, watched: bool) -> None:
        self.name = name
        self.holdout = holdout
        self.decisions = self.offers = self.held_out = self.no_choice = 0
        self.learning, self.regret = Learning(), Regret()
        self.shares, self.arms = Shares(), Arms()
        self.calibration, self.quality = Calibration(), Quality()
        self.drifts = Drifts(watched=watched)
        self.columns, self.overlap = Columns(), Overlap()
        self.profit = {False: Ratio(), True: Ratio()}
        self.conversion = {False: Ratio(), True: Ratio()}
        self.diagnosis = Diagnosis(balance=Balance(UNITS))
        self.policies: set[str] = set()
        self._first_s, self._latest_s = math.inf, 0.0

    def take(self, record: Record) -> None:
        """Add a record; they come in the order of their times."""
        at_s = record.at_s
        self._first_s, self._latest_s = min(self._first_s, at_s), max(self._latest_s, at_s)
        self.columns.take(record)
        if isinstance(record, Decision):
            self._decided(record)
        elif isinstance(record, Reward):
            self._rewarded(record)
        elif isinstance(record, Outcome):
            self._ended(record)
        elif isinstance(record, Truth):
            self.regret.take(record)
        elif isinstance(record, Drift):
            self.drifts.take(record)

    def _decided(self, decision: Decision) -> None:
        offered, holdout = decision.offer_id is not None, decision.holdout
        had_choice = holdout or decision.reason in (None, "shadow")
        self.decisions += 1
        if len(self.policies) < FEW_POLICIES:
            self.policies.add(decision.policy)
        self.offers += offered
        self.held_out += holdout
        self.no_choice += not had_choice
        self.diagnosis.decided(decision.at_s, offered=offered)
        self.diagnosis.choices.add(
            decision.arm, decision.probabilities, holdout=holdout, no_arm=not had_choice
        )
        if had_choice:
            self._assigned(decision)
        self.shares.take(decision)
        self.overlap.take(decision)

    def _assigned(self, decision: Decision) -> None:
        unit, held = decision.unit_id, decision.holdout
        if decision.assignment is not None:
            held = decision.assignment == "holdout"
        if decision.holdout_share is not None:
            self.holdout = decision.holdout_share
        self.diagnosis.balance.saw(decision.visitor_id if unit is None else unit, holdout=held)

    def _rewarded(self, reward: Reward) -> None:
        ended, ordered = reward.kind == "window", bool(reward.orders)
        if ended:
            self.diagnosis.window_ended(is_trainable=not reward.holdout, ordered=ordered)
        if ordered:
            self.diagnosis.attributed(reward.at_s)
        self.profit[reward.holdout].add(reward.visitor_id, reward.profit, int(ended))
        self.conversion[reward.holdout].add(reward.visitor_id, float(ended and ordered), int(ended))
        self.learning.take(reward)
        self.arms.take(reward)

    def _ended(self, outcome: Outcome) -> None:
        if outcome.abandonment is None or outcome.kind == "recovered":
            return
        abandoned, treated = outcome.kind == "abandoned", bool(outcome.treated)
        self.calibration.take(treated, outcome.abandonment, abandoned)
        if not treated:
            self.quality.take(outcome.at_s, outcome.abandonment, abandoned)
            self.drifts.ended(outcome.at_s, abandoned)

    def verdicts(self) -> list[Verdict]:
        """Return what the market's self-diagnosis says at the end of the log."""
        return verdicts(self.diagnosis.figures(self._latest_s, self.holdout), self.holdout)

    def about(self) -> str:
        """Return what was gathered: from when to when, and whose decisions."""
        if math.isinf(self._first_s):
            return "Nothing was said of this market."
        first, latest = (datetime.fromtimestamp(each, UTC) for each in (self._first_s, self._latest_s))
        said = f"{first:%Y-%m-%d %H:%M} to {latest:%Y-%m-%d %H:%M} UTC"
        named = ", ".join(sorted(self.policies - {""}))
        return f"{said}; decided by {named}." if named else f"{said}."

    def figures(self) -> list[KeyFigure]:
        """Return the numbers of the summary."""
        said = [
            KeyFigure("decisions", f"{self.decisions:,}"),
            KeyFigure("offers made", f"{self.offers:,}"),
            KeyFigure("held out", f"{self.held_out:,}"),
        ]
        for holdout, who in ((False, "policy"), (True, "holdout")):
            if self.profit[holdout].count:
                said.append(
                    KeyFigure(f"profit per decision, {who} (95 %)", _words(self.profit[holdout].interval()))
                )
                share = f"{self.conversion[holdout].mean:.1%}"
                said.append(KeyFigure(f"decisions with an order, {who}", share))
        if self.quality.auc is not None:
            said.append(KeyFigure("AUC of the abandonment model", f"{self.quality.auc:.3f}"))
        return said

    def sections(self) -> list[Section]:
        """Return all plots, in the order of the page."""
        regret = self.regret.section()
        return [
            *([regret] if regret is not None else []),
            self.learning.section(),
            *lift_sections(lift_in(self.name, self.columns)),
            self.shares.section(),
            self.arms.section(),
            self.calibration.section(),
            self.quality.section(),
            self.drifts.section(),
            *self.overlap.sections(self.arms.best()),
        ]


def _words(found: Interval) -> str:
    low, high = (f"{end:.2f}" for end in (found.low, found.high))
    return f"{found.mean:.2f} ({low} to {high})" if abs(found.low) < float("inf") else f"{found.mean:.2f}"
