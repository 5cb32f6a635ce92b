"""Whose offers a market publishes for a person: the policy's, a rule's, or nobody's."""

from typing import Literal, NamedTuple

from operators.streaming.ids import share_of
from schemas.rollout import Rollout

ROLLOUT = "rollout"
"""Why a person outside the canary has no arm but no_offer."""


class Route(NamedTuple):
    """Who chooses for a person, and whether the person is in the canary, None where there is none."""

    chosen_by: Literal["policy", "rule", "nobody"]
    canary: bool | None = None


def route(rollout: Rollout, market: str, unit: str) -> Route:
    """Return who chooses for a unit of the experiment.

    Who is in the canary follows from the unit alone: it stays in, and a greater share only adds others.
    """
    if rollout.stage == "rule":
        return Route("rule")
    if rollout.stage != "canary":
        return Route("policy")
    if share_of("canary", market, unit) < rollout.share:
        return Route("policy", canary=True)
    return Route("nobody" if rollout.rule is None else "rule", canary=False)
