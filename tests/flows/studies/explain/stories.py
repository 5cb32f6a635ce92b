"""A decision with all that followed from it, as the records have it."""

from msgspec.structs import replace

from flows.studies.explain.decision_story import DecisionStory
from schemas.decisions import Contributions, Decision, Expectation, Outcome, Reward
from schemas.offers import EndedOfferData, OfferCart, OfferData, OfferDecided, OfferRedeemed, Treatment
from schemas.records import Timestamp
from schemas.shop import Market, Offer, Shop

AT_S = 1_764_000_000.0
OFFER = {
    "kind": "percent_off",
    "value": 10,
    "channel": "on_site",
    "expires_after": "30m",
    "reward_window": "1h",
}
SHOP = Shop(
    markets={"uk": Market(name="uk", currency="GBP", timezone="Europe/London")},
    offers=tuple(
        Offer.model_validate(OFFER | {"name": name})
        for name in ("ten_percent", "free_shipping", "five_off", "gift")
    ),
)


def at(after_s):
    return Timestamp(AT_S + after_s)


def decision(**more):
    given = {
        "decision_id": "dda7873c0e884161b23b5c63",
        "moment_id": "m-1",
        "visitor_id": "v-1",
        "user_id": "u-1",
        "market": "uk",
        "at": at(0),
        "cart_id": "c-1",
        "cart_value": 118.2,
        "trigger": "cart_idle",
        "features": {"cart_value": 118.2, "device": "mobile", "session_seconds": 600.0, "abandonment": 0.71},
        "abandonment": 0.71,
        "eligible": ("no_offer", "ten_percent", "free_shipping"),
        "removed": {"five_off": "min_cart_value", "gift": "cooldown"},
        "probabilities": {"no_offer": 0.26, "ten_percent": 0.12, "free_shipping": 0.62},
        "arm": "ten_percent",
        "propensity": 0.12,
        "holdout": False,
        "unit_id": "user:u-1",
        "assignment": "policy",
        "assigned_at": at(0),
        "holdout_share": 0.05,
        "conflict": False,
        "shadow": False,
        "is_trainable": True,
        "reason": None,
        "offer_id": "dda7873c0e884161b23b5c63",
        "policy": "linear_thompson",
        "policy_version": 1234,
        "model": "logistic",
        "model_version": 5678,
        "expires_at": at(1800),
        "window_ends_at": at(3600),
        "surcharges": {"free_shipping": 0.4},
        "publish_at": at(0),
        "score_contributions": Contributions(
            unit="log_odds", constant=0.25, features={"device": -0.25, "session_seconds": 0.75}, rest=0.125
        ),
        "expected": {
            "no_offer": Expectation(mean=2.0, deviation=0.25),
            "ten_percent": Expectation(mean=3.5, deviation=0.5),
            "free_shipping": Expectation(mean=4.0, deviation=0.5),
        },
        "uplift_of": "ten_percent",
        "uplift_contributions": Contributions(
            unit="money", constant=0.5, features={"cart_value": 1.25, "device": -0.5}, rest=0.25
        ),
    }
    return Decision(**given | more)


def reward(**more):
    given = {
        "reward_id": "dda7873c0e884161b23b5c63-window",
        "decision_id": "dda7873c0e884161b23b5c63",
        "moment_id": "m-1",
        "visitor_id": "v-1",
        "market": "uk",
        "at": at(3600),
        "arm": "ten_percent",
        "kind": "window",
        "profit": 35.46,
        "trained_profit": 30.0,
        "margin": 47.28,
        "cost": 11.82,
        "orders": ("o-1",),
        "ordered_at": (at(600),),
        "order_profits": (35.46,),
        "holdout": False,
        "shown": True,
        "clicked": True,
        "redeemed": True,
    }
    return Reward(**given | more)


def _ids():
    return {
        "offer_id": "dda7873c0e884161b23b5c63",
        "decision_id": "dda7873c0e884161b23b5c63",
        "moment_id": "m-1",
        "visitor_id": "v-1",
        "user_id": "u-1",
        "market": "uk",
    }


def _envelope(suffix, after_s):
    return {
        "id": f"dda7873c0e884161b23b5c63-{suffix}",
        "source": "offerstream/uk",
        "subject": "v-1",
        "time": at(after_s),
        "correlationid": "m-1",
        "causationid": "e-1",
    }


def made():
    data = OfferData(
        **_ids(),
        at=at(0),
        expires_at=at(1800),
        trigger="cart_idle",
        abandonment=0.71,
        propensity=0.12,
        policy="linear_thompson",
        policy_version=1234,
        model="logistic",
        model_version=5678,
        session_id=None,
        cart=OfferCart(id="c-1", value=118.2, currency="GBP", items=()),
        treatment=Treatment(name="ten_percent", kind="percent_off", value=10.0, channel="on_site"),
    )
    return OfferDecided(**_envelope("decided", 0), data=data, expirytime=at(1800))


def redeemed():
    data = EndedOfferData(**_ids(), at=at(600), reason="redeemed", order_id="o-1")
    return OfferRedeemed(**_envelope("ended", 600), data=data)


def outcome():
    return Outcome(
        outcome_id="c-1-outcome",
        moment_id="m-1",
        decision_id="dda7873c0e884161b23b5c63",
        visitor_id="v-1",
        market="uk",
        at=at(600),
        cart_id="c-1",
        kind="purchased",
        treated=True,
        weight=None,
        abandonment=0.71,
    )


def other(number, **more):
    features = {
        "cart_value": 100.0 + number,
        "device": "mobile",
        "session_seconds": 500.0,
        "abandonment": 0.7,
    }
    given = {
        "decision_id": f"other-{number}",
        "visitor_id": f"o-{number}",
        "user_id": None,
        "arm": "no_offer",
        "offer_id": None,
    }
    return decision(**given | {"features": features, "cart_value": 100.0 + number} | more)


def story(**more):
    given = DecisionStory(
        decision(),
        made(),
        redeemed(),
        (reward(),),
        outcome(),
        [other(number) for number in range(0, 60, 6)],
    )
    return given._replace(**more)


def told(**fields):
    """The story of a decision that differs in these fields, of which nothing else is known."""
    return DecisionStory(replace(decision(), **fields))
