"""A log as the worker writes it, made up: enough of everything that the report shows."""

import random
from datetime import UTC, datetime
from itertools import starmap

import orjson

from flows.studies.backtest.true_values import Truth
from schemas.decisions import Decision, Drift, Outcome, Reward
from schemas.records import Timestamp, encode

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ARMS = ("no_offer", "ten_percent", "free_shipping")
VALUES = {"no_offer": 2.0, "ten_percent": 3.0, "free_shipping": 5.0}
MINUTE_S, HOUR_S = 60.0, 3600.0


def write(path, records):
    """Write records that may be anything, one a line."""
    path.write_bytes(b"".join(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in records))


def moment(after_s):
    return Timestamp(T0.timestamp() + after_s)


def decision(n, at_s, probabilities, arm, *, held, no_offer, share, market="default", **more):
    visitor = f"v{n // 2}"
    fields = {
        "decision_id": f"d{n}",
        "moment_id": f"m{n}",
        "visitor_id": visitor,
        "user_id": None,
        "market": market,
        "at": moment(at_s),
        "cart_id": f"c{n}",
        "cart_value": 80.0,
        "trigger": "cart_idle",
        "features": {"cart_value": float(n % 9), "device": "mobile" if n % 3 else "desktop"},
        "abandonment": 0.5,
        "eligible": tuple(probabilities),
        "removed": {},
        "probabilities": probabilities,
        "arm": arm,
        "propensity": probabilities[arm],
        "holdout": held,
        "unit_id": f"visitor:{visitor}",
        "assignment": "holdout" if held else "policy",
        "assigned_at": moment(at_s),
        "holdout_share": share,
        "conflict": False,
        "shadow": False,
        "is_trainable": not held,
        "reason": "holdout" if held else None,
        "offer_id": None if arm == no_offer else f"d{n}",
        "policy": "linear_thompson",
        "policy_version": n,
        "model": "logistic",
        "model_version": n,
        "expires_at": None,
        "window_ends_at": moment(at_s + 30 * MINUTE_S),
    }
    return Decision(**fields | more)


def reward(of, *, ordered):
    orders = (f"o{of.decision_id}",) * ordered
    return Reward(
        reward_id=f"{of.decision_id}.window",
        decision_id=of.decision_id,
        moment_id=of.moment_id,
        visitor_id=of.visitor_id,
        market=of.market,
        at=of.window_ends_at,
        arm=of.arm,
        kind="window",
        profit=20.0 * ordered,
        margin=20.0 * ordered,
        cost=0.0,
        orders=orders,
        ordered_at=(of.at,) * ordered,
        order_profits=(20.0,) * ordered,
        holdout=of.holdout,
        shown=False,
        clicked=False,
        redeemed=False,
    )


def outcome(of, predicted, *, abandoned, treated):
    return Outcome(
        outcome_id=f"{of.cart_id}.outcome",
        moment_id=of.moment_id,
        decision_id=of.decision_id,
        visitor_id=of.visitor_id,
        market=of.market,
        at=Timestamp(of.at.seconds + 40 * MINUTE_S),
        cart_id=of.cart_id,
        kind="abandoned" if abandoned else "purchased",
        treated=treated,
        weight=None,
        abandonment=predicted,
    )


def truth(of, value):
    return Truth(
        decision_id=of.decision_id, market=of.market, at=of.at, arm=of.arm, holdout=of.holdout, value=value,
        best=5.0, no_offer=2.0,
    )  # fmt: skip


def drift(n, what, market="default"):
    return Drift(
        drift_id=f"drift{n}", outcome_id=f"c{n}.outcome", market=market, at=moment(HOUR_S * n), what=what,
        before=0.4, after=0.8, triggered="report", model="logistic", model_version=n,
    )  # fmt: skip


def log(
    directory,
    *,
    decisions=600,
    market="default",
    arms=ARMS,
    drifts=None,
    truths=False,
    holdout=0.2,
    every_s=60.0,
    summary=True,
    set_to=None,
):
    """Write a log of so many decisions into a directory; its policy settles on the last arm over time."""
    rng = random.Random(7)
    share = (holdout if set_to is None else set_to) if summary else None
    files = {name: [] for name in ("decisions", "rewards", "outcomes", "truth")}
    held = False
    for n in range(decisions):
        if n % 2 == 0:
            held = rng.random() < holdout
        best = 1 / len(arms) + 0.6 * (1 - 1 / len(arms)) * n / decisions
        chance = {arm: best if arm == arms[-1] else (1 - best) / (len(arms) - 1) for arm in arms}
        if held:
            chance = {arms[0]: 1.0}
        arm = rng.choices(list(chance), list(chance.values()))[0]
        one = decision(n, every_s * n, chance, arm, held=held, no_offer=arms[0], share=share, market=market)
        value = VALUES.get(arm, 4.0)
        files["decisions"].append(one)
        files["rewards"].append(reward(one, ordered=rng.random() < value / 20))
        predicted = rng.random()
        files["outcomes"].append(
            outcome(one, predicted, abandoned=rng.random() < predicted, treated=arm != arms[0])
        )
        files["truth"].append(truth(one, value))
    if not truths:
        del files["truth"]
    if drifts is not None:
        files["drifts"] = list(starmap(drift, ((n, what, market) for n, what in enumerate(drifts))))
    directory.mkdir(parents=True, exist_ok=True)
    for name, records in files.items():
        (directory / f"{name}.jsonl").write_bytes(b"".join(encode(each) + b"\n" for each in records))
    if summary:
        (directory / "summary.json").write_bytes(orjson.dumps({"holdout": {market: holdout}}))
    return directory
