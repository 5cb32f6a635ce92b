"""Whose offers a market publishes for a person: the policy's, a rule's, or nobody's."""

from typing import Literal, NamedTuple

from schemas.rollout import Rollout, Stage

ROLLOUT = "rollout"
"""Why a person outside the canary has no arm but no_offer."""


class Route(NamedTuple):
    """Who chooses for a person, and whether the person is in the canary, None where there is none.

    ``is_published``: what is chosen is published. ``nobody`` chooses where the rollout gives a person no
    offers.
    """

    stage: Stage
    chosen_by: Literal["policy", "rule", "nobody"]
    canary: bool | None = None

    @property
    def is_published(self) -> bool:
        """Whether an offer that is chosen reaches the person."""
        return self.stage != "shadow" and self.chosen_by != "nobody"

    def none_probability(self, holdout: float, no_offer: float) -> float:
        """Return the probability that no offer is made, where no_offer is drawn with ``no_offer``.

        It weights the carts without an offer by which the abandonment model is trained. A cart that is
        untreated with probability q, given all that is known of it, counts 1 / q times where it is untreated,
        so once on average: those without an offer stand for all. Two lots decide whether an offer is made:
        the holdout, with the share h that was in force when the unit was assigned, and the draw, in which
        no_offer has the probability p. So q = h + (1 - h) p, for those held out and for all others alike,
        whoever chooses. On which side of the canary a person is, is no third lot: each side is weighted by
        its own q, so each counts once on average, and so do both, whatever the share is or was. Where nothing
        is published, to those outside a canary without a rule and to all in shadow, q = 1: held out or not.

        >>> Route("online", "policy").none_probability(0.1, 0.5)
        0.55
        >>> Route("canary", "nobody", canary=False).none_probability(0.1, 0.5)
        1.0
        """
        return holdout + (1 - holdout) * no_offer if self.is_published else 1.0


def route(rollout: Rollout, place: float) -> Route:
    """Return who chooses for a person at a place between 0 and 1.

    Whoever is in the canary stays in while the share is not lowered: a greater share only adds others.
    """
    stage = rollout.stage
    if stage == "rule":
        return Route(stage, "rule")
    if stage != "canary":
        return Route(stage, "policy")
    if place < rollout.share:
        return Route(stage, "policy", canary=True)
    return Route(stage, "nobody" if rollout.rule is None else "rule", canary=False)
