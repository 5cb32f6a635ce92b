"""What the policy was worth beside the holdout, from the files that a replay or an export writes."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from flows.lift_records import ReadMarket, ReadUnit, read_markets
from operators.lift import Balance, Measure, Units, balance, measured

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
    balance: Balance
    conversion: Measure
    profit: Measure

    @property
    def conflicts(self) -> int:
        """How many units were found to be one person with a unit of the other group."""
        return int(self.units.conflict.sum())


def read(directory: Path, horizon: timedelta = HORIZON, alpha: float = 0.05) -> dict[str, Lift]:
    """Return the lift of each market of a directory, by name; intervals hold with probability 1 - ``alpha``.

    Raises SetupError where a file is missing or a line is none of this version.
    """
    horizon_s = horizon.total_seconds()
    markets = read_markets(directory, horizon_s)
    return {name: _lift(name, markets[name], horizon_s, alpha) for name in sorted(markets)}


def _lift(name: str, market: ReadMarket, horizon_s: float, alpha: float) -> Lift:
    until_s = market.until_s()
    randomised = {each: unit for each, unit in market.units.items() if 0 < unit.share < 1}
    begun = {each: unit for each, unit in randomised.items() if not unit.began_before}
    complete = sorted((unit.at_s, each) for each, unit in begun.items() if unit.at_s + horizon_s <= until_s)
    units = _arrays([begun[each] for _, each in complete])
    return Lift(
        market=name,
        until_s=until_s,
        horizon_s=horizon_s,
        units=units,
        pending=len(begun) - len(complete),
        begun_before=len(randomised) - len(begun),
        not_randomised=len(market.units) - len(randomised),
        lost=market.lost,
        balance=_balance(begun.values()),
        conversion=measured(units, units.conversion, alpha),
        profit=measured(units, units.profit, alpha),
    )


def _arrays(units: Sequence[ReadUnit]) -> Units:
    return Units(
        at_s=np.array([unit.at_s for unit in units], dtype=np.float64),
        held_out=np.array([unit.held_out for unit in units], dtype=np.bool_),
        share=np.array([unit.share for unit in units], dtype=np.float64),
        conversion=np.array([unit.ordered for unit in units], dtype=np.float64),
        profit=np.array([unit.profit for unit in units], dtype=np.float64),
        conflict=np.array([unit.conflict for unit in units], dtype=np.bool_),
    )


def _balance(units: Iterable[ReadUnit]) -> Balance:
    counts: dict[float, list[int]] = {}
    for unit in units:
        count = counts.setdefault(unit.share, [0, 0])
        count[0] += unit.held_out
        count[1] += 1
    return balance([held for held, _ in counts.values()], [n for _, n in counts.values()], list(counts))
