"""How reliable the intervals of lift are, as tables on standard output.

First the share of seeded experiments without any effect in which an interval ever excludes zero, looked at
after every unit from the fiftieth order on. Then the number of units after which an effect is found in 80 %
of the experiments, and the number that an experiment of fixed size needs. Orders are drawn; profits are
lognormal with mean 25.
"""

import argparse
import math
import sys
from statistics import NormalDist

import numpy as np

from operators.experiments.lift import LiftIntervals, confidence_sequence, naive_intervals

RUNS, CHUNK = 400, 50
PROFIT = 25.0
WORLDS = [
    # share of the holdout, conversion, spread of the log of profits
    (0.05, 0.02, 1.0),
    (0.05, 0.02, 1.5),
    (0.05, 0.08, 2.0),
    (0.05, 0.15, 0.7),
    (0.10, 0.02, 1.5),
    (0.10, 0.08, 1.0),
    (0.10, 0.15, 0.7),
]
EFFECTS = [
    # share of the holdout, its conversion, conversion of the policy
    (0.05, 0.073, 0.12),
    (0.10, 0.073, 0.12),
    (0.10, 0.10, 0.12),
    (0.10, 0.10, 0.05),
]


def shopping(rng, share, chances, spread, units):
    """Return who is held out, and the values of both metrics."""
    held_out = rng.random((CHUNK, units)) < share
    ordered = rng.random((CHUNK, units)) < np.where(held_out, *chances)
    profit = PROFIT * np.exp(spread * rng.standard_normal((CHUNK, units)) - spread**2 / 2)
    return held_out, {"conversion": ordered.astype(float), "profit": ordered * profit}


def asymptotic(values, held_out, share, alpha=0.05, planned=10_000) -> LiftIntervals:
    """Return the asymptotic confidence sequence of the same scores, with the observed variance."""
    count = np.arange(1, values.shape[-1] + 1)
    before = (np.cumsum(values, axis=-1) - values) / np.maximum(count - 1, 1)
    score = (values - before) * np.where(held_out, -1 / share, 1 / (1 - share))
    mean = np.cumsum(score, axis=-1) / count
    variance = np.maximum(np.cumsum(score**2, axis=-1) / count - mean**2, 0.0)
    rho = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / planned
    bound = 2 * (count * rho + 1) / (count**2 * rho) * np.log(np.sqrt(count * rho + 1) / alpha)
    radius = np.sqrt(variance * bound)
    return LiftIntervals(mean, mean - radius, mean + radius)


def ever(intervals, looked_at, true=0.0):
    """Return in which experiments an interval that was looked at excludes the truth."""
    return (((intervals.lower > true) | (intervals.upper < true)) & looked_at).any(axis=-1)


def without_effect(units):
    write(f"share of {RUNS} experiments without an effect that ever exclude zero in {units} units each")
    write(
        f"{'holdout':>8}{'orders':>8}{'spread':>8}  {'metric':<11}{'naive':>8}{'asymptotic':>12}{'ours':>8}"
    )
    for share, chance, spread in WORLDS:
        rng = np.random.default_rng(1)
        wrong = {}
        for _ in range(RUNS // CHUNK):
            held_out, values = shopping(rng, share, (chance, chance), spread, units)
            for name, value in values.items():
                ours = confidence_sequence(value, held_out, share)
                begun = np.isfinite(ours.lower)
                all_three = naive_intervals(value, held_out), asymptotic(value, held_out, share), ours
                found = [ever(each, begun) for each in all_three]
                wrong[name] = wrong.get(name, 0) + np.array([each.sum() for each in found])
        for name, (naive, theirs, ours) in wrong.items():
            figures = [f"{100 * each / RUNS:.1f} %" for each in (naive, theirs, ours)]
            write(
                f"{share:8g}{chance:8g}{spread:8g}  {name:<11}{figures[0]:>8}{figures[1]:>12}{figures[2]:>8}"
            )


def with_effect(units):
    write(f"\nunits until 80 % of {RUNS} experiments find the effect (of {units}), and truth ever outside")
    write(
        f"{'holdout':>8}{'orders':>15}  {'metric':<11}{'fixed size':>12}{'anytime':>10}"
        f"{'ratio':>7}{'missed':>8}"
    )
    for share, before, after in EFFECTS:
        rng = np.random.default_rng(2)
        first, missed, fixed = {}, {}, {}
        for _ in range(RUNS // CHUNK):
            held_out, values = shopping(rng, share, (before, after), 1.0, units)
            for name, value in values.items():
                true = (after - before) * (1.0 if name == "conversion" else PROFIT)
                found = confidence_sequence(value, held_out, share)
                excludes = (found.lower > 0) | (found.upper < 0)
                when = np.where(excludes.any(axis=-1), excludes.argmax(axis=-1) + 1, math.inf)
                first.setdefault(name, []).extend(when)
                missed[name] = missed.get(name, 0) + ever(found, True, true).sum()
                deviation = np.var(value[held_out]) / share + np.var(value[~held_out]) / (1 - share)
                fixed[name] = needed(deviation, true)
        for name, when in first.items():
            anytime = float(np.quantile(when, 0.8, method="higher"))  # infinite where too few found it
            size, ratio = f"{fixed[name]:,.0f}", f"{anytime / fixed[name]:.1f}"
            outside = f"{100 * missed[name] / RUNS:.1f} %"
            orders = f"{before:g} to {after:g}"
            write(f"{share:8g}{orders:>15}  {name:<11}{size:>12}{anytime:>10,.0f}{ratio:>7}{outside:>8}")


def needed(variance, true):
    """Return the units that an experiment of fixed size needs for a power of 80 % at 5 %, two-sided."""
    normal = NormalDist()
    return (normal.inv_cdf(0.975) + normal.inv_cdf(0.8)) ** 2 * variance / true**2


def write(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=20_000, help="units of an experiment without an effect")
    parser.add_argument("--most", type=int, default=40_000, help="units of an experiment with an effect")
    args = parser.parse_args()
    without_effect(args.units)
    with_effect(args.most)
