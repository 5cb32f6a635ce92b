"""The price of a unit of a budget: the least at which what is left lasts until the end of the period.

The dual of the budget in the linear programme that spreads it over the choices to come, solved anew every few
choices over a sample of the latest ones with what is really left (resolving: Jasin, Kumar, 2012, "A
Re-Solving Heuristic with Bounded Revenue Loss for Network Revenue Management"; Agrawal, Devanur, 2014,
"Bandits with Concave Rewards and Convex Knapsacks"; for learned rewards, Badanidiyuru, Kleinberg, Slivkins,
2013, "Bandits with Knapsacks"). A step along the dual gradient after each choice (Balseiro, Gur, 2019,
"Learning in Repeated Auctions with Budgets: Regret Minimization and Equilibrium") needs no sample, but a step
size, and hundreds of choices more to arrive.
"""

from typing import Final

import numpy as np

from operators.decisions.budgets.choices import Floats

STEPS: Final = 24
"""Bisections: the price is exact to ten millionths of the greatest one."""


def price(gains: Floats, uses: Floats, each: float) -> float:
    """Return the least price per unit at which a choice uses at most ``each`` units on average.

    ``gains`` and ``uses``, (choices, arms), are what arms are worth beside no offer and how many units they
    use; the best arm at the price is chosen, none where no gain is left.

    >>> gains, uses = np.array([[4.0], [2.0], [1.0], [3.0]]), np.ones((4, 1))
    >>> round(price(gains, uses, 0.5), 4), price(gains, uses, 1.0), round(price(gains, uses, 0.0), 4)
    (2.0, 0.0, 4.0)
    """
    total = each * len(gains)
    wanted = (gains > 0.0).any(axis=1)  # the others choose nothing at any price
    gains, uses = gains[wanted], uses[wanted]
    if not len(gains) or _used(gains, uses, 0.0) <= total:
        return 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = np.where((gains > 0.0) & (uses > 0.0), gains / uses, 0.0)
    low, high = 0.0, float(worth.max()) * (1.0 + 1e-9)
    for _ in range(STEPS):
        middle = (low + high) / 2.0
        if _used(gains, uses, middle) <= total:
            high = middle
        else:
            low = middle
    return high


def _used(gains: Floats, uses: Floats, at: float) -> float:
    left = gains - at * uses
    best = left.argmax(axis=1)
    rows = np.arange(len(gains))
    return float(uses[rows, best][left[rows, best] > 0.0].sum())
