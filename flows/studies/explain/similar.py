"""Which other decision was most like one, by its features."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from schemas.decisions import Decision, Feature
from schemas.explanation import FeatureDifference, SimilarDecision

OTHER_WORD: Final = 1.0
"""Two different words, or a feature that only one has, are as far apart as one standard deviation."""
MOST_NAMED: Final = 3
LEAST_NAMED: Final = 0.5
"""In standard deviations; features that are nearer than this are taken to be alike."""


class _Scales(NamedTuple):
    deviations: Mapping[str, float]

    def apart(self, one: Feature | None, other: Feature | None, name: str) -> float:
        if isinstance(one, str) or isinstance(other, str) or one is None or other is None:
            return 0.0 if one == other else OTHER_WORD
        deviation = self.deviations.get(name, 0.0)
        return 0.0 if one == other else (one - other) / deviation if deviation > 0.0 else OTHER_WORD


def most_similar(decision: Decision, others: Sequence[Decision]) -> SimilarDecision | None:
    """Return the decision for another visitor, drawn between the same arms, with the nearest features.

    Each number is compared in its standard deviations over all of them. None where there is no such decision.
    """
    comparable = [
        each
        for each in others
        if each.market == decision.market
        and each.visitor_id != decision.visitor_id
        and (each.user_id is None or each.user_id != decision.user_id)
        and set(each.eligible) == set(decision.eligible)
    ]
    if not comparable:
        return None
    scales = _scales([decision, *comparable])
    nearest = min(comparable, key=lambda each: (_distance(decision, each, scales), each.decision_id))
    apart = {name: abs(value) for name, value in _differences(decision, nearest, scales).items()}
    named = sorted((name for name in apart if apart[name] >= LEAST_NAMED), key=lambda name: -apart[name])
    return SimilarDecision(
        decision_id=nearest.decision_id,
        arm=nearest.arm,
        at=nearest.at,
        cart_value=nearest.cart_value,
        distance=_distance(decision, nearest, scales),
        of=len(comparable),
        differs=tuple(
            FeatureDifference(name=name, here=decision.features.get(name), there=nearest.features.get(name))
            for name in named[:MOST_NAMED]
        ),
    )


def _scales(decisions: Sequence[Decision]) -> _Scales:
    numbers: dict[str, list[float]] = {}
    for each in decisions:
        for name, value in each.features.items():
            if not isinstance(value, str):
                numbers.setdefault(name, []).append(value)
    return _Scales({name: float(np.std(values)) for name, values in numbers.items()})


def _differences(one: Decision, other: Decision, scales: _Scales) -> dict[str, float]:
    names = dict.fromkeys((*one.features, *other.features))
    return {name: scales.apart(one.features.get(name), other.features.get(name), name) for name in names}


def _distance(one: Decision, other: Decision, scales: _Scales) -> float:
    apart = _differences(one, other, scales).values()
    return math.sqrt(sum(each * each for each in apart) / max(len(apart), 1))
