"""A policy in words, its name and then its settings: ``linear_thompson:half_life=1000,floor=0.02``."""

import inspect
import re
from typing import Any, Final

import msgspec

from operators import bandits as policies
from operators.bandits import POLICIES, Policy
from operators.bandits.fixed import Fixed, is_fixed
from schemas.errors import SetupError

NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
WORDS: Final = {"none": None, "true": True, "false": False}
LIGHT: Final = ("seed", "floor")
"""Settings that shape nothing of what is learned: they may change while a policy goes on."""


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
            raise SetupError(f"policy {name} takes settings like floor=0.05; got {pair!r}")
        if key not in takes:
            raise SetupError(f"policy {name} takes the settings {', '.join(takes)}; got {key!r}")
        if key in found:
            raise SetupError(f"policy {name} must be given {key} once; got {pair!r} too")
        try:
            found[key] = msgspec.convert(_value(value), takes[key].annotation)
        except msgspec.ValidationError as error:
            raise SetupError(f"policy {name}: {key}={value} cannot be: {error}") from None
    return found


def taken_up(words: str, snapshot: bytes, was: str, *, seed: int) -> Policy | None:
    """Return the policy of these words with all that a snapshot learned, whose words were ``was``.

    Its seed and floor are what the words say now. None where the policy or another of its settings is not
    the same; what nobody set stays as it was learned with.
    """
    fresh = built(words, seed=seed)
    if _kind(was) != fresh.name:
        return None
    kept = fresh.loads(snapshot)
    shaping = [name for name in _names(fresh) if name not in LIGHT]
    if words != was and any(getattr(kept, name) != getattr(fresh, name) for name in shaping):
        return None
    for name in LIGHT:
        setattr(kept, name, getattr(fresh, name))
    return kept


def words_of(policy: Policy) -> str:
    """Return the words of a policy with all its settings, whether they were given or not.

    >>> words_of(built("adpredictor_thompson:floor=0.05", seed=1))
    'adpredictor_thompson:seed=1,floor=0.05,drift=0.0,most=256'
    """
    if isinstance(policy, Fixed):
        return policy.rule
    return f"{policy.name}:" + ",".join(f"{name}={_said(getattr(policy, name))}" for name in _names(policy))


def _kind(words: str) -> str:
    return Fixed.name if is_fixed(words) else words.partition(":")[0]


def _names(policy: Policy) -> tuple[str, ...]:
    return tuple(inspect.signature(type(policy)).parameters)


def _said(value: object) -> str:
    return next((word for word, meant in WORDS.items() if meant is value), str(value))


def _value(text: str) -> float | int | str | None:
    if text in WORDS:
        return WORDS[text]
    if not NUMBER.fullmatch(text):
        return text
    return int(text) if text.lstrip("+-").isdigit() else float(text)
