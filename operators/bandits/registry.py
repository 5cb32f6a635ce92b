"""The policies by name."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from operators.bandits.ad_predictor_thompson import AdPredictorThompson
from operators.bandits.epsilon_greedy import EpsilonGreedy
from operators.bandits.fixed_policy import FixedPolicy, is_fixed
from operators.bandits.lin_ucb import LinUCB
from operators.bandits.linear_thompson import LinearThompson
from operators.bandits.policy import Policy
from operators.bandits.square_cb import SquareCB
from schemas.errors import SetupError

CLASSES: Final = (LinearThompson, LinUCB, SquareCB, EpsilonGreedy, AdPredictorThompson)
POLICIES: Final[dict[str, Callable[..., Policy]]] = {each.name: each for each in CLASSES}
"""The policies that learn, by name."""


def build(name: str, *, seed: int, **settings: Any) -> Policy:  # noqa: ANN401 - each policy types its own
    """Return a new policy of that name; SetupError for an unknown name or setting.

    Names are those of ``POLICIES`` and the fixed ones: ``none``, ``uniform`` and ``always:ARM``.
    """
    if is_fixed(name):
        return FixedPolicy(rule=name, seed=seed, **settings)
    if name not in POLICIES:
        raise SetupError(f"policy must be one of {', '.join(POLICIES)}; got {name!r}")
    try:
        return POLICIES[name](seed=seed, **settings)
    except TypeError as error:
        raise SetupError(f"policy {name} does not take such settings: {error}") from None


def loads(data: bytes) -> Policy:
    """Return the policy, of whichever class, that wrote these bytes with ``dumps``.

    Raises ValueError where the bytes are of no such policy.
    """
    name = msgspec.msgpack.decode(data)[1]
    kind = {each.name: each for each in (*CLASSES, FixedPolicy)}.get(name)
    if kind is None:
        raise ValueError(f"expected a snapshot of one of {', '.join(POLICIES)}; got one of {name!r}")
    return kind.loads(data)
