"""How probability is divided over arms, given a score for each: greedily, by gaps, or by odds."""

from collections.abc import Sequence
from math import erfc, fsum, sqrt


def greedy(scores: Sequence[float]) -> list[float]:
    """Return all probability on the greatest score, shared evenly where several are the greatest.

    >>> greedy([1.0, 3.0, 3.0])
    [0.0, 0.5, 0.5]
    """
    best = max(scores)
    share = 1.0 / scores.count(best)
    return [share if score == best else 0.0 for score in scores]


def inverse_gap_weights(scores: Sequence[float], gamma: float) -> list[float]:
    """Return 1 / (arms + gamma * gap to the best) for each arm but the best, which gets the rest.

    Abe, Long, 1999, "Associative Reinforcement Learning using Linear Probabilistic Concepts".

    >>> inverse_gap_weights([1.0, 2.0], gamma=2.0)
    [0.25, 0.75]
    """
    best, size = max(scores), len(scores)
    shares = [1.0 / (size + gamma * (best - score)) for score in scores]
    shares[scores.index(best)] += 1.0 - fsum(shares)
    return shares


def odds_against_leader(scores: Sequence[tuple[float, float]]) -> list[float]:
    """Return the odds that each normal score, given by mean and variance, beats the one with the best mean.

    Two arms that are chosen in proportion to them have the shares of Thompson sampling. With more arms, each
    keeps its odds against the leader whatever others there are (Bradley, Terry, 1952, "Rank Analysis of
    Incomplete Block Designs"): a closed form, where Thompson's share of one among many is an integral.
    """
    best, wide = max(scores)
    found = []
    for mean, variance in scores:
        both = 2.0 * (variance + wide)
        lose = erfc((best - mean) / sqrt(both)) if both > 0.0 else float(mean == best)
        found.append(lose / (2.0 - lose))
    return found
