"""Policy specs, a name and then settings: ``linear_thompson:half_life=1000,floor=0.02``."""

import inspect
import re
from typing import Any, Final

import msgspec

from operators.bandits.fixed_policy import FixedPolicy, is_fixed
from operators.bandits.policy import Policy
from operators.bandits.registry import POLICIES, build
from schemas.errors import SetupError

NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
WORDS: Final = {"none": None, "true": True, "false": False}
CHANGEABLE: Final = ("seed", "floor")
"""Settings that do not affect what is learned: they may change while a policy keeps what it knows."""


def policy_from_spec(spec: str, *, seed: int) -> Policy:
    """Return a new policy; SetupError for an unknown policy or setting.

    ``seed`` holds unless the spec has one. The fixed policies ``none``, ``uniform`` and ``always:ARM`` have
    no settings.

    >>> policy_from_spec("linear_thompson:half_life=1000", seed=1).half_life
    1000.0
    """
    name, _, rest = spec.partition(":")
    if is_fixed(spec) or not rest:
        return build(spec, seed=seed)
    return build(name, **{"seed": seed, **parse_settings(name, rest)})


def parse_settings(name: str, text: str) -> dict[str, Any]:
    """Return the settings of a policy that learns; SetupError for what it does not take.

    >>> parse_settings("linucb", "half_life=none,floor=5e-2,seed=3")
    {'half_life': None, 'floor': 0.05, 'seed': 3}
    """
    if name not in POLICIES:
        raise SetupError(f"policy must be one of {', '.join(POLICIES)}; got {name!r}")
    parameters = inspect.signature(POLICIES[name]).parameters
    found: dict[str, Any] = {}
    for pair in filter(None, text.split(",")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise SetupError(f"policy {name} takes settings like floor=0.05; got {pair!r}")
        if key not in parameters:
            raise SetupError(f"policy {name} takes the settings {', '.join(parameters)}; got {key!r}")
        if key in found:
            raise SetupError(f"policy {name} must be given {key} once; got {pair!r} too")
        try:
            found[key] = msgspec.convert(_value(value), parameters[key].annotation)
        except msgspec.ValidationError as error:
            raise SetupError(f"policy {name}: {key}={value} cannot be: {error}") from None
    return found


def restored_policy(spec: str, snapshot: bytes, snapshot_spec: str, *, seed: int) -> Policy | None:
    """Return the policy of a spec with what a snapshot learned; ``snapshot_spec`` is the spec at that time.

    Seed and floor are those of the spec. None where the policy or another of its settings has changed; a
    setting that neither spec names stays as in the snapshot, even where the default has changed.
    """
    fresh = policy_from_spec(spec, seed=seed)
    if _name(snapshot_spec) != fresh.name:
        return None
    restored = fresh.loads(snapshot)
    shaping = [name for name in _parameters(fresh) if name not in CHANGEABLE]
    if spec != snapshot_spec and any(getattr(restored, name) != getattr(fresh, name) for name in shaping):
        return None
    for name in CHANGEABLE:
        setattr(restored, name, getattr(fresh, name))
    return restored


def spec_string(policy: Policy) -> str:
    """Return the spec of a policy with all its settings, given or not.

    >>> spec_string(policy_from_spec("adpredictor_thompson:floor=0.05", seed=1))[:44]
    'adpredictor_thompson:seed=1,floor=0.05,drift'
    """
    if isinstance(policy, FixedPolicy):
        return policy.rule
    settings = (f"{name}={_text(getattr(policy, name))}" for name in _parameters(policy))
    return f"{policy.name}:" + ",".join(settings)


def _name(spec: str) -> str:
    return FixedPolicy.name if is_fixed(spec) else spec.partition(":")[0]


def _parameters(policy: Policy) -> tuple[str, ...]:
    return tuple(inspect.signature(type(policy)).parameters)


def _text(value: object) -> str:
    return next((word for word, meant in WORDS.items() if meant is value), str(value))


def _value(text: str) -> float | int | str | None:
    if text in WORDS:
        return WORDS[text]
    if not NUMBER.fullmatch(text):
        return text
    return int(text) if text.lstrip("+-").isdigit() else float(text)
