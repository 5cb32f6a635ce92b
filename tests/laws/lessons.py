"""Carts and what they earned, number by number, for the laws of those that learn."""

import random

from operators.streaming.messages import Line, Moment

ARMS = ["no_offer", "ten", "ship", "nudge"]


def cart(number: int) -> dict[str, float | str]:
    """The features of a cart; the same for the same number."""
    rng = random.Random(number)
    made = {
        "events": rng.randint(1, 40),
        "cart_value": round(rng.lognormvariate(3, 1), 2),
        "hour_sin": rng.uniform(-1, 1),
        "moment": rng.choice(["cart_idle", "cart_changed"]),
        "device": rng.choice(["phone", "desk", "tablet"]),
    }
    if rng.random() < 0.5:
        made["visits_before"] = rng.randint(0, 5)
    return made


def taught(policy, lessons: int):
    """The policy after so many lessons, in which the offer ten earns more from phones."""
    rng = random.Random(5)
    for number in range(lessons):
        context, arm = cart(number), rng.choice(ARMS)
        gain = 3.0 if arm == "ten" and context["device"] == "phone" else 1.0
        policy.update(arm, context, gain + rng.gauss(0, 1))
    return policy


def moment_of(number: int, kind: str = "cart_changed", at_s: float = 1_700_000_000.0) -> Moment:
    """A moment with the features of such a cart."""
    features = cart(number)
    value = features["cart_value"]
    name, visitor = f"m{number}", f"v{number}"
    lines = (Line("s1", 1, value),)
    return Moment(
        at_s=at_s,
        visitor=visitor,
        id=name,
        market="default",
        kind=kind,
        cart=f"c{number}",
        cart_value=value,
        lines=lines,
        features=features,
        user=None,
        session=None,
        read_s=None,
        sent_s=None,
    )
