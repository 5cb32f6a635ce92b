"""Specs of the policies that can be evaluated."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from operators.bandits import POLICIES, Policy, build
from operators.bandits.spec import parse_settings
from schemas.errors import SetupError
from schemas.shop import NO_OFFER

KINDS: Final = "none, always:ARM, uniform, columns:NAME, like:FILE, learning:POLICY or POLICY"


class TargetSpec(msgspec.Struct, frozen=True):
    """A policy to evaluate.

    Attributes
    ----------
    text
        The spec as it was given.
    kind
        ``always``, ``uniform``, ``columns``, ``like``, ``learning``, or ``frozen`` for a policy that is
        trained first.
    name
        The arm, the columns, the file or the policy that the spec names.
    settings
        The settings of a policy that learns.
    """

    text: str
    kind: str
    name: str = ""
    settings: Mapping[str, Any] = {}

    @property
    def trained(self) -> bool:
        """Whether it is trained on earlier rows and then frozen."""
        return self.kind == "frozen"


def parse_target(text: str) -> TargetSpec:
    """Return the policy that a spec names; SetupError where it names none.

    >>> parse_target("epsilon_greedy:floor=0.2").settings
    {'floor': 0.2}
    """
    kind, _, rest = text.partition(":")
    if text == "none":
        return TargetSpec(text, "always", NO_OFFER)
    if text == "uniform":
        return TargetSpec(text, "uniform")
    if kind in ("always", "columns", "like") and rest:
        return TargetSpec(text, kind, rest)
    if kind == "learning":
        name, _, rest = rest.partition(":")
        return _learner(text, "learning", name, rest)
    return _learner(text, "frozen", kind, rest)


def _learner(text: str, kind: str, name: str, rest: str) -> TargetSpec:
    if name not in POLICIES:
        known = ", ".join(POLICIES)
        raise SetupError(f"--policy must be {KINDS}, where POLICY is one of {known}; got {text!r}")
    found = TargetSpec(text, kind, name, parse_settings(name, rest))
    new_policy(found)
    return found


def new_policy(spec: TargetSpec) -> Policy:
    """Return the policy of a spec before any update; SetupError for a setting out of its range."""
    return build(spec.name, **{"seed": 0, **spec.settings})
