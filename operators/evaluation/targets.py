"""The policies that can be evaluated: what each would do in a row, frozen before it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import msgspec
import numpy as np

from operators.bandits import POLICIES, Policy, build
from operators.bandits.spec import parse_settings
from operators.evaluation.log import Floats
from operators.evaluation.rows import Row
from operators.evaluation.shares import Shares
from schemas.errors import SetupError
from schemas.shop import NO_OFFER

KINDS: Final = "none, always:ARM, uniform, columns:NAME, like:FILE, learning:POLICY or POLICY"


class Spec(msgspec.Struct, frozen=True):
    """A policy as asked for: ``text`` are the words, ``kind`` and ``name`` what they mean.

    ``settings`` are those of a policy that learns.
    """

    text: str
    kind: str
    name: str = ""
    settings: Mapping[str, Any] = {}

    @property
    def trained(self) -> bool:
        """Whether it learns from earlier rows and is then frozen."""
        return self.kind == "frozen"


def spec_of(text: str) -> Spec:
    """Return the policy that is asked for; raises SetupError for words that name none.

    >>> spec_of("epsilon_greedy:floor=0.2").settings
    {'floor': 0.2}
    """
    kind, _, rest = text.partition(":")
    if text == "none":
        return Spec(text, "always", NO_OFFER)
    if text == "uniform":
        return Spec(text, "uniform")
    if kind in ("always", "columns", "like") and rest:
        return Spec(text, kind, rest)
    if kind == "learning":
        name, _, rest = rest.partition(":")
        return _learner(text, "learning", name, rest)
    return _learner(text, "frozen", kind, rest)


def _learner(text: str, kind: str, name: str, rest: str) -> Spec:
    if name not in POLICIES:
        known = ", ".join(POLICIES)
        raise SetupError(f"--policy must be {KINDS}, where POLICY is one of {known}; got {text!r}")
    found = Spec(text, kind, name, parse_settings(name, rest))
    built(found)
    return found


def built(spec: Spec) -> Policy:
    """Return the policy of a spec, new, as it would be before any lesson."""
    return build(spec.name, **{"seed": 0, **spec.settings})


def taught(spec: Spec, rows: Sequence[Row]) -> Policy:
    """Return the policy after the lessons of these rows, in their order; nobody teaches it any more."""
    policy = built(spec)
    for row in rows:
        policy.update(row.arm, row.context, row.reward)
    return policy


def target_of(
    spec: Spec, rows: Sequence[Row], arms: Sequence[str], before: Sequence[Row], like: Shares | None = None
) -> Floats:
    """Return what a policy would do in each row, rows by arms; only eligible arms have a probability.

    ``before`` are the rows a policy that learns is trained on; ``like`` the shares that ``like:FILE`` names.
    Where the one arm of ``always`` is not eligible, `no_offer` is chosen. Raises SetupError where the rows
    do not tell.
    """
    return _matrix(_choices(spec, rows, arms, before, like), len(rows), arms)


def _matrix(distributions: Iterable[Mapping[str, float]], size: int, arms: Sequence[str]) -> Floats:
    """Return ``size`` distributions as rows by arms, 0 where an arm is not named."""
    place = {arm: at for at, arm in enumerate(arms)}
    found = np.zeros((size, len(arms)))
    for row, each in zip(found, distributions, strict=True):
        for arm, probability in each.items():
            row[place[arm]] = probability
    return found


def _choices(
    spec: Spec, rows: Sequence[Row], arms: Sequence[str], before: Sequence[Row], like: Shares | None
) -> Iterator[Mapping[str, float]]:
    if spec.kind == "always":
        return ({_always(spec, row, arms): 1.0} for row in rows)
    if spec.kind == "uniform":
        return (dict.fromkeys(row.eligible, 1.0 / len(row.eligible)) for row in rows)
    if spec.kind == "columns":
        return (_given(spec, row) for row in rows)
    if spec.kind == "like" and like is not None:
        return (like.of(row) for row in rows)
    policy = taught(spec, before)
    return (cast("Mapping[str, float]", policy.probabilities(row.eligible, row.context)) for row in rows)


def _always(spec: Spec, row: Row, arms: Sequence[str]) -> str:
    if spec.name not in arms:
        raise SetupError(
            f"--policy {spec.text} must name an arm of the log: {_listed(arms)}; got {spec.name!r}"
        )
    if spec.name in row.eligible:
        return spec.name
    if NO_OFFER in row.eligible:
        return NO_OFFER
    raise SetupError(f"--policy {spec.text} must be eligible in every row; it is not at {row.at}")


def _given(spec: Spec, row: Row) -> Mapping[str, float]:
    found = row.given.get(spec.name)
    if found is None:
        raise SetupError(
            f"--policy {spec.text} needs columns {spec.name}:ARM with its probabilities; there are none"
        )
    return found


def _listed(arms: Sequence[str], most: int = 8) -> str:
    return ", ".join(arms[:most]) + (f" and {len(arms) - most} more" if len(arms) > most else "")
