"""What the policy was worth beside the holdout, from the files that a replay or an export writes."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import numpy as np

from flows.studies.lift.columns import Columns
from flows.studies.lift.records import Decided, Record, Rewarded
from flows.studies.record_lines import logged_lines
from operators.decisions.verdicts import UNBALANCED
from operators.experiments.lift import MetricLift, SampleRatioTest, Units, metric_lift, sample_ratio_test

R = TypeVar("R")

HORIZON: Final = timedelta(days=7)
"""A unit's orders count so long from its first eligible moment; as long as an order corrects a decision."""


class Lift(NamedTuple):
    """One market's experiment as far as it is known at ``until_s``, in seconds since 1970.

    ``units`` are those whose time was over by then, on which ``conversion`` and ``profit`` are measured;
    ``pending`` counts those whose time was not. Left out are units that began before these records
    (``begun_before``) and those that could not have been in either group (``not_randomised``). ``balance`` is
    of all that could, pending ones included. ``lost`` counts decisions that will have no reward.
    """

    market: str
    until_s: float
    horizon_s: float
    units: Units
    pending: int
    begun_before: int
    not_randomised: int
    lost: int
    balance: SampleRatioTest
    conversion: MetricLift
    profit: MetricLift

    @property
    def is_doubtful(self) -> bool:
        """Whether the holdout is so far from what it was set to that no lift can be trusted."""
        return self.balance.p_value < UNBALANCED

    @property
    def conflicts(self) -> int:
        """How many units were found to be one person with a unit of the other group."""
        return int(self.units.conflict.sum())


def read(directory: Path, horizon: timedelta = HORIZON, alpha: float = 0.05) -> dict[str, Lift]:
    """Return the lift of each market of a directory, by name; intervals hold with probability 1 - ``alpha``.

    Raises SetupError where a file is missing, a line is none of this version, or a record stands there twice.
    """
    markets: dict[str, Columns] = {}
    for name, kind in (("decisions", Decided), ("rewards", Rewarded), ("outcomes", Record)):
        for record in _lines(directory / f"{name}.jsonl", kind):
            markets.setdefault(record.market, Columns()).take(record)
    decided = sorted(name for name, columns in markets.items() if columns.decided)
    return {name: lift_of(name, markets[name], horizon, alpha) for name in decided}


def lift_of(market: str, columns: Columns, horizon: timedelta = HORIZON, alpha: float = 0.05) -> Lift:
    """Return the lift of one market."""
    horizon_s = horizon.total_seconds()
    units, began_before, until_s, lost = columns.begun(horizon_s)
    randomised = (units.share > 0) & (units.share < 1)
    begun = randomised & ~began_before
    complete = begun & (units.at_s + horizon_s <= until_s)
    judged = units.select(complete)
    return Lift(
        market=market,
        until_s=until_s,
        horizon_s=horizon_s,
        units=judged,
        pending=int(begun.sum()) - judged.at_s.size,
        begun_before=int(randomised.sum()) - int(begun.sum()),
        not_randomised=units.at_s.size - int(randomised.sum()),
        lost=lost,
        balance=_balance(units.select(begun)),
        conversion=metric_lift(judged, judged.conversion, alpha),
        profit=metric_lift(judged, judged.profit, alpha),
    )


def _balance(units: Units) -> SampleRatioTest:
    shares, which, counts = np.unique(units.share, return_inverse=True, return_counts=True)
    return sample_ratio_test(np.bincount(which[units.held_out], minlength=shares.size), counts, shares)


def _lines(path: Path, kind: type[R]) -> Iterator[R]:
    return logged_lines(
        path,
        kind,
        lambda number, error: f"{path}, line {number}: must be a record of this version; got: {error}",
    )
