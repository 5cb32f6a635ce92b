"""A log as the worker writes it, made up: enough of everything that the report looks at."""

import random
from datetime import UTC, datetime, timedelta

import orjson

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ARMS = ("no_offer", "ten_percent", "free_shipping")
VALUES = {"no_offer": 2.0, "ten_percent": 3.0, "free_shipping": 5.0}


def write(path, records):
    path.write_bytes(b"".join(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in records))


def log(
    directory,
    *,
    decisions=600,
    market="default",
    arms=ARMS,
    drifts=None,
    truth=False,
    holdout=0.2,
    every_s=60.0,
    summary=True,
    set_to=None,
):
    """Write a log of so many decisions into a directory; what is drawn settles while it learns."""
    rng = random.Random(7)
    share = (holdout if set_to is None else set_to) if summary else None
    files = {name: [] for name in ("decisions", "rewards", "outcomes", "truth")}
    held = False
    for n in range(decisions):
        at = T0 + timedelta(seconds=every_s * n)
        visitor = f"v{n // 2}"
        if n % 2 == 0:
            held = rng.random() < holdout
        told = {"market": market, "visitor_id": visitor, "decision_id": f"d{n}"}
        best = arms[-1]
        sure = 1 / len(arms) + 0.6 * (1 - 1 / len(arms)) * n / decisions
        chance = {arm: sure if arm == best else (1 - sure) / (len(arms) - 1) for arm in arms}
        if held:
            chance = {arms[0]: 1.0}
        arm = rng.choices(list(chance), list(chance.values()))[0]
        files["decisions"].append(
            {
                "type": "decision",
                "at": at,
                "features": {"cart_value": float(n % 9)},
                "eligible": list(chance),
                "probabilities": chance,
                "arm": arm,
                "propensity": chance[arm],
                "holdout": held,
                "is_trainable": not held,
                "reason": "holdout" if held else None,
                "offer_id": None if arm == arms[0] else f"d{n}",
                "window_ends_at": at + timedelta(minutes=30),
                "unit_id": visitor,
                "assignment": "holdout" if held else "policy",
                "assigned_at": at,
                "holdout_share": share,
                "conflict": False,
                **told,
            }
        )
        value = VALUES.get(arm, 4.0)
        ordered = rng.random() < value / 20
        files["rewards"].append(
            {
                "type": "reward",
                "at": at + timedelta(minutes=30),
                "arm": arm,
                "kind": "window",
                "profit": 20.0 * ordered,
                "orders": [f"o{n}"] * ordered,
                "ordered_at": [at] * ordered,
                "order_profits": [20.0] * ordered,
                "holdout": held,
                **told,
            }
        )
        predicted = rng.random()
        files["outcomes"].append(
            {
                "type": "outcome",
                "at": at + timedelta(minutes=40),
                "kind": "abandoned" if rng.random() < predicted else "purchased",
                "treated": arm != arms[0],
                "abandonment": predicted,
                "market": market,
            }
        )
        files["truth"].append(
            {"type": "truth", "at": at, "holdout": held, "value": value, "best": 5.0, "no_offer": 2.0, **told}
        )
    directory.mkdir(parents=True, exist_ok=True)
    for name, records in files.items():
        if name != "truth" or truth:
            write(directory / f"{name}.jsonl", records)
    if drifts is not None:
        write(
            directory / "drifts.jsonl",
            [{"type": "drift", "market": market, "at": T0 + timedelta(hours=n), "what": what, "before": 0.4,
              "after": 0.8, "triggered": "report"} for n, what in enumerate(drifts)],
        )  # fmt: skip
    if summary:
        (directory / "summary.json").write_bytes(orjson.dumps({"holdout": {market: holdout}}))
    return directory
