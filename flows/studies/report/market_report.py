"""One market's part of the report: each record goes to the plots that need it."""

from collections.abc import Sequence
from typing import Any, Final

from flows.studies.backtest.true_values import Truth
from flows.studies.lift.experiment_columns import ExperimentColumns
from flows.studies.lift.id_index import hashed
from flows.studies.lift.promotion import Promotion, promotion
from flows.studies.lift.run import lift_of
from flows.studies.report.arm_rewards import ArmRewards
from flows.studies.report.arm_shares import ArmShares
from flows.studies.report.calibration import CalibrationCurve
from flows.studies.report.drift_timeline import DriftTimeline
from flows.studies.report.learning_curve import LearningCurve, RegretCurve
from flows.studies.report.lift_over_time import lift_over_time, lift_sections
from flows.studies.report.model_quality import ModelQuality
from flows.studies.report.overlap import LogOverlap
from flows.studies.report.overview import KeyFigure, Overview
from flows.studies.report.parity import DEFAULT_FEATURES, Parity
from flows.studies.report.run_figures import RunFigures
from flows.studies.report.self_diagnosis import SelfDiagnosis
from flows.studies.report.style import Section
from operators.decisions.verdicts import Verdict
from schemas.decisions import Decision, Drift, Outcome, Reward
from schemas.offers import OfferDecided
from schemas.rollout import PromotionCriteria

NOT_TRAINED: Final = frozenset({"shadow", "rollout"})
"""Reasons of decisions that have rewards and train no policy, beside the holdout."""


class MarketReport:
    """Everything that is gathered for one market; records come in the order of their times.

    Bounded by its arms and by what the plots keep, but for the few numbers a decision of the lift, and one
    of each decision that the rollout took from the policy. ``criteria`` are those of the rollout, if it has
    some. ``parity`` names the features over whose values offers are compared; without any, those of
    ``DEFAULT_FEATURES`` that there are.
    """

    def __init__(
        self,
        name: str,
        of_run: RunFigures,
        *,
        is_monitored: bool,
        criteria: PromotionCriteria | None = None,
        parity: Sequence[str] = (),
    ) -> None:
        self.name = name
        self._criteria = criteria
        self._outside: set[int] = set()
        self._untrained: set[int] = set()
        self.overview = Overview()
        self.diagnosis = SelfDiagnosis(of_run.holdout.get(name), of_run.orders.get(name))
        self.learning, self.regret = LearningCurve(), RegretCurve()
        self.shares, self.arms = ArmShares(), ArmRewards()
        self.calibration, self.quality = CalibrationCurve(), ModelQuality()
        self.drifts = DriftTimeline(is_monitored=is_monitored)
        self.columns, self.overlap = ExperimentColumns(), LogOverlap()
        self._parity_is_asked_for = bool(parity)
        self._parity = [Parity(feature) for feature in parity or DEFAULT_FEATURES]

    @property
    def is_empty(self) -> bool:
        """Whether there is neither a decision nor an outcome."""
        return not (self.overview.decisions or self.quality.count)

    def observe_time(self, at_s: float) -> None:
        """Note that there is a record of this time."""
        self.overview.observe_time(at_s)
        self.columns.observe_time(at_s)

    def add_decision(self, decision: Decision) -> None:
        """Add a decision; one outside of the canary says nothing of what the policy chooses and earns."""
        self.overview.add_decision(decision)
        self.diagnosis.add_decision(decision)
        self.columns.add_decision(decision)
        self.overlap.add(decision)
        for each in self._parity:
            each.add_decision(decision)
        if decision.canary is False:
            self._outside.add(hashed(decision.decision_id))
        else:
            self.shares.add(decision)
        if decision.reason in NOT_TRAINED:
            self._untrained.add(hashed(decision.decision_id))

    def add_offer(self, offer: OfferDecided) -> None:
        """Add an offer, after the decision that made it."""
        for each in self._parity:
            each.add_offer(offer)

    def parity(self) -> list[Parity]:
        """Return how offers compare over the features that were asked for, or that there are."""
        return [each for each in self._parity if self._parity_is_asked_for or each.is_seen]

    def add_reward(self, reward: Reward) -> None:
        """Add a reward."""
        decision = hashed(reward.decision_id)
        self.columns.add_reward(reward)
        self.diagnosis.add_reward(reward, is_trainable=not reward.holdout and decision not in self._untrained)
        if decision not in self._outside:
            self.overview.add_reward(reward)
            self.learning.add(reward)
            self.arms.add(reward)

    def add_outcome(self, outcome: Outcome) -> None:
        """Add an outcome; one that was not predicted, or that ends no visit, says nothing of the model."""
        if outcome.abandonment is None or outcome.kind == "recovered":
            return
        abandoned, treated = outcome.kind == "abandoned", bool(outcome.treated)
        self.calibration.add(treated, outcome.abandonment, abandoned)
        if not treated:
            at_s = outcome.at.seconds
            self.quality.add(at_s, outcome.abandonment, abandoned)
            self.drifts.add_outcome(at_s, abandoned)

    def add_drift(self, drift: Drift) -> None:
        """Add a drift."""
        self.drifts.add(drift)

    def add_truth(self, truth: Truth) -> None:
        """Add the true values of a decision."""
        self.regret.add(truth)

    def verdicts(self) -> list[Verdict]:
        """Return the verdicts of the self-diagnosis at the end of the log."""
        return self.diagnosis.verdicts(self.overview.latest_s)

    def promotion(self) -> Promotion | None:
        """Return how far the market is from the criteria of its rollout; None where it has none."""
        if self._criteria is None:
            return None
        return promotion(self._criteria, lift_of(self.name, self.columns))

    def plain_figures(self) -> dict[str, Any]:
        """Return figures, verdicts, the criteria of the rollout and the parity of offers, for JSON."""
        found = self.promotion()
        return {
            "figures": {figure.name: figure.value for figure in self.figures()},
            "verdicts": [verdict._asdict() for verdict in self.verdicts()],
            "promotion": None if found is None else found.figures(),
            "parity": {each.feature: each.figures() for each in self.parity()},
        }

    def figures(self) -> list[KeyFigure]:
        """Return the key figures."""
        figures = self.overview.figures()
        if self.quality.auc is not None:
            figures.append(KeyFigure("AUC of the abandonment model", f"{self.quality.auc:.3f}"))
        return figures

    def sections(self) -> list[Section]:
        """Return all plots, in the order of the page."""
        regret = self.regret.section()
        return [
            *([regret] if regret is not None else []),
            self.learning.section(),
            *lift_sections(lift_over_time(self.name, self.columns)),
            self.shares.section(),
            self.arms.section(),
            self.calibration.section(),
            self.quality.section(),
            self.drifts.section(),
            *self.overlap.sections(self.arms.best()),
            *(each.section() for each in self.parity()),
        ]
