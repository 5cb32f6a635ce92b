"""A policy in words, its name and then its settings: ``linear_thompson:half_life=1000,floor=0.02``."""

import inspect
import re
from typing import Any, Final

import msgspec

from operators import policies
from operators.policies import POLICIES, Policy
from operators.policies.fixed import is_fixed
from schemas.errors import SetupError

NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
WORDS: Final = {"none": None, "true": True, "false": False}


def built(text: str, *, seed: int) -> Policy:
    """Return the policy of these words, new; SetupError for a policy or a setting there is not.

    The fixed ones, ``none``, ``uniform`` and ``always:ARM``, have no settings.

    >>> built("linear_thompson:half_life=1000", seed=1).half_life
    1000.0
    """
    name, _, rest = text.partition(":")
    if is_fixed(text) or not rest:
        return policies.build(text, seed=seed)
    return policies.build(name, **{"seed": seed, **settings_in(name, rest)})


def settings_in(name: str, text: str) -> dict[str, Any]:
    """Return the settings of a policy that learns; SetupError for what it does not take.

    >>> settings_in("linucb", "half_life=none,floor=5e-2,seed=3")
    {'half_life': None, 'floor': 0.05, 'seed': 3}
    """
    if name not in POLICIES:
        raise SetupError(f"policy must be one of {', '.join(POLICIES)}; got {name!r}")
    takes = inspect.signature(POLICIES[name]).parameters
    found: dict[str, Any] = {}
    for pair in filter(None, text.split(",")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise SetupError(f"--policy {name} takes settings like floor=0.05; got {pair!r}")
        if key not in takes:
            raise SetupError(f"--policy {name} takes the settings {', '.join(takes)}; got {key!r}")
        if key in found:
            raise SetupError(f"--policy {name} must be given {key} once; got {pair!r} too")
        try:
            found[key] = msgspec.convert(_value(value), takes[key].annotation)
        except msgspec.ValidationError as error:
            raise SetupError(f"--policy {name}: {key}={value} cannot be: {error}") from None
    return found


def _value(text: str) -> float | int | str | None:
    if text in WORDS:
        return WORDS[text]
    if not NUMBER.fullmatch(text):
        return text
    return int(text) if text.lstrip("+-").isdigit() else float(text)
