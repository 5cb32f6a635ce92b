"""Shops and carts with which the cost of a decision is measured."""

import random
from typing import Any

from operators.streaming.messages import Line, Moment
from schemas.shop import Shop

SKUS = 100_000

TIMES = {"expires_after": "30m", "reward_window": "12h"}
OFFERS: list[dict[str, Any]] = [
    {"name": "ten_percent", "kind": "percent_off", "value": 10, "channel": "on_site"},
    {"name": "pay_in_three", "kind": "pay_later", "value": 3.5, "channel": "on_site"},
    {"name": "double_points", "kind": "points", "value": 3, "channel": "app"},
    {"name": "hundred_points", "kind": "points", "value": 1, "channel": "on_site"},
    {"name": "mailed_points", "kind": "points", "value": 2, "channel": "email"},
    {"name": "cart_reminder", "kind": "reminder", "channel": "email"},
]
MARKET = {"currency": "EUR", "margin_rate": 0.35, "timezone": "Europe/Berlin", "holdout": 0.05}

ALSO: dict[str, dict[str, Any]] = {
    "ten_percent": {
        "max_discount": 20,
        "starts": "2026-01-01",
        "ends": "2027-12-31",
        "audience": {"when": "cart.value > 20 && session.minutes < 600.0"},
    },
    "pay_in_three": {"max_discount": 20, "audience": {"when": "visitor.visits < 100 || segment == 'vip'"}},
    "double_points": {"weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "starts": "2026-01-01"},
    "hundred_points": {"skus": ["sku-1", "sku-2"]},
    "mailed_points": {
        "audience": {"when": "cart.lines >= 2 && !('sku-0' in cart.skus)", "without_categories": ["toys"]}
    },
}
RULES: dict[str, Any] = {
    "audience": {"max_cart_value": 100_000},
    "margin": {"floor": 0.05},
    "quiet_hours": {"email": {"start": "21:00", "end": "07:00"}, "app": {"start": "22:00", "end": "06:00"}},
    "first_touch": "no_discount",
}
CAPS: dict[str, Any] = {
    "a_week": {"at_most": 50, "by": "week"},
    "discounts": {"at_most": 20, "by": "day", "offers": ["ten_percent", "pay_in_three"]},
    "in_total": {"per": "market", "at_most": 1_000_000, "by": "day"},
}
BUDGETS: dict[str, Any] = {
    "daily": {"amount": 8e3, "by": "day"},
    "campaign": {
        "amount": 1e7,
        "by": "campaign",
        "starts": "2026-02-01",
        "ends": "2027-06-30",
        "offers": ["ten_percent", "pay_in_three", "double_points"],
    },
}
ROLLOUT = {"stage": "canary", "share": 0.95, "rule": "always:hundred_points"}


def shop(*, every_rule: bool) -> Shop:
    """Return a shop with the default rules, or with all there are; they leave most offers as they are."""
    offers = [given | TIMES for given in OFFERS]
    if not every_rule:
        return Shop.model_validate({"markets": {"default": MARKET}, "offers": offers})
    given = {
        "markets": {"default": MARKET | {"rollout": ROLLOUT, "disclosure": "Chosen for you."}},
        "offers": [given | ALSO.get(given["name"], {}) for given in offers],
        "rules": RULES,
        "caps": CAPS,
        "budgets": BUDGETS,
    }
    return Shop.model_validate(given)


def moment(person: int, at_s: float, rng: random.Random) -> Moment:
    """Return the moment of a person with a cart; every fifth is known as a user."""
    lines = tuple(
        Line(f"sku-{int(SKUS ** rng.random()) + 2}", rng.randint(1, 3), round(rng.uniform(15, 60), 2))
        for _ in range(3)
    )
    prices = [line.price or 0.0 for line in lines]
    value = sum((line.price or 0.0) * line.quantity for line in lines)
    pieces = sum(line.quantity for line in lines)
    features: dict[str, float | str] = {
        "moment": "cart_idle",
        "events": rng.randint(5, 60),
        "page_views": rng.randint(1, 30),
        "product_views": rng.randint(1, 20),
        "searches": rng.randint(0, 5),
        "distinct_products": rng.randint(1, 12),
        "distinct_categories": rng.randint(1, 5),
        "category_focus": rng.random(),
        "cart_adds": 3 + rng.randint(0, 2),
        "cart_removes": rng.randint(0, 2),
        "cart_churn": rng.random(),
        "session_seconds": rng.uniform(60, 3000),
        "seconds_since_last_event": 600.0,
        "events_per_minute": rng.uniform(0.5, 5),
        "checkout_started": float(rng.random() < 0.2),
        "visits_before": rng.randint(0, 5),
        "known_user": float(person % 5 == 0),
        "hour_sin": rng.uniform(-1, 1),
        "hour_cos": rng.uniform(-1, 1),
        "weekend": float(rng.random() < 0.3),
        "device": rng.choice(("mobile", "desktop", "tablet")),
        "source": rng.choice(("search", "ads", "direct")),
        "cart_value": value,
        "cart_items": pieces,
        "cart_lines": 3,
        "max_item_price": max(prices),
        "mean_item_price": sum(prices) / 3,
        "value_vs_peak": rng.uniform(0.5, 1),
        "cart_price_position": rng.uniform(0.5, 1.5),
        "seconds_since_cart_change": rng.uniform(600, 2000),
        "seconds_since_first_cart": rng.uniform(2000, 4000),
    }
    return Moment(
        at_s=at_s,
        visitor=f"visitor-{person:08d}-5f0c",
        id=f"moment-{person}-{at_s:.2f}",
        market="default",
        kind="cart_idle",
        cart=f"cart-{person}-{at_s:.2f}",
        cart_value=value,
        lines=lines,
        features=features,
        user=f"user-{person}" if person % 5 == 0 else None,
        session=f"session-{person}-{at_s:.2f}",
        read_s=at_s + 0.05,
        sent_s=at_s + 0.01,
    )
