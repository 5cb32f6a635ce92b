"""What the policy was worth beside the holdout, from the files that a replay or an export writes."""

from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from flows.studies.lift.experiment_columns import DECISION_FIELDS, REWARD_FIELDS, ExperimentColumns
from flows.studies.record_lines import read_records
from operators.decisions.verdicts import UNBALANCED
from operators.experiments.lift import MetricLift, SampleRatioTest, Units, metric_lift, sample_ratio_test
from schemas.decisions import Decision, Outcome, Reward
from schemas.partial_records import partial_decoder
from schemas.rollout import Stage

HORIZON: Final = timedelta(days=7)
"""How long a unit's orders count from its first eligible moment; as long as an order corrects a decision."""

_decision: Final = partial_decoder(Decision, *DECISION_FIELDS)
_reward: Final = partial_decoder(Reward, *REWARD_FIELDS)
_outcome: Final = partial_decoder(Outcome, "market", "at")


class MarketLift(NamedTuple):
    """One market's experiment as far as it is known at ``until_s``, in seconds since 1970.

    ``units`` are those whose time was over by then, on which ``conversion`` and ``profit`` are measured;
    ``pending`` counts those whose time was not. Left out of both groups are units that could not have been in
    either (``not_randomised``), that were never decided upon outside of shadow (``in_shadow``), for whom the
    rollout let its rule or nobody choose when they began (``outside``), and that began before these records
    (``begun_before``). ``balance`` is of all others, pending ones included. ``lost`` counts decisions that
    will have no reward. ``stage`` is that of the latest decision.
    """

    market: str
    stage: Stage
    until_s: float
    horizon_s: float
    units: Units
    pending: int
    begun_before: int
    not_randomised: int
    in_shadow: int
    outside: int
    lost: int
    balance: SampleRatioTest
    conversion: MetricLift
    profit: MetricLift

    @property
    def is_doubtful(self) -> bool:
        """Whether the holdout differs so much from the configured share that no lift can be trusted."""
        return self.balance.p_value < UNBALANCED

    @property
    def conflicts(self) -> int:
        """How many units were found to be one person with a unit of the other group."""
        return int(self.units.conflict.sum())


def read_lift(directory: Path, horizon: timedelta = HORIZON, alpha: float = 0.05) -> dict[str, MarketLift]:
    """Return the lift of each market of a directory, by name; intervals hold with probability 1 - ``alpha``.

    Raises DataError where a file is missing, a line is no record of this version, or a record stands there
    twice.
    """
    markets: dict[str, ExperimentColumns] = {}

    def columns_of(market: str) -> ExperimentColumns:
        columns = markets.get(market)
        if columns is None:
            columns = markets[market] = ExperimentColumns()
        return columns

    for decision in read_records(directory / "decisions.jsonl", _decision):
        columns_of(decision.market).add_decision(decision)
    for reward in read_records(directory / "rewards.jsonl", _reward):
        columns_of(reward.market).add_reward(reward)
    for outcome in read_records(directory / "outcomes.jsonl", _outcome):
        columns_of(outcome.market).observe_time(outcome.at.seconds)
    names = sorted(name for name, columns in markets.items() if columns.has_decisions)
    return {name: lift_of(name, markets[name], horizon, alpha) for name in names}


def lift_of(
    market: str, columns: ExperimentColumns, horizon: timedelta = HORIZON, alpha: float = 0.05
) -> MarketLift:
    """Return the lift of one market."""
    horizon_s = horizon.total_seconds()
    logged = columns.units(horizon_s)
    units, until_s = logged.units, logged.until_s
    randomised = (units.share > 0) & (units.share < 1)
    spoken_to = randomised & ~logged.in_shadow
    tested = spoken_to & ~logged.outside
    begun = tested & ~logged.began_before
    is_over = begun & (units.at_s + horizon_s <= until_s)
    measured_units = units.select(is_over)
    return MarketLift(
        market=market,
        stage=columns.stage,
        until_s=until_s,
        horizon_s=horizon_s,
        units=measured_units,
        pending=int(begun.sum()) - measured_units.at_s.size,
        begun_before=int(tested.sum()) - int(begun.sum()),
        not_randomised=units.at_s.size - int(randomised.sum()),
        in_shadow=int(randomised.sum()) - int(spoken_to.sum()),
        outside=int(spoken_to.sum()) - int(tested.sum()),
        lost=logged.lost,
        balance=_balance(units.select(begun)),
        conversion=metric_lift(measured_units, measured_units.conversion, alpha),
        profit=metric_lift(measured_units, measured_units.profit, alpha),
    )


def _balance(units: Units) -> SampleRatioTest:
    shares, which, counts = np.unique(units.share, return_inverse=True, return_counts=True)
    return sample_ratio_test(np.bincount(which[units.held_out], minlength=shares.size), counts, shares)
