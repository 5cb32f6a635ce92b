"""The small job that all engines do: parse, a session a visitor, 14 features, a score a cart addition.

It is about what tutorials of these engines show. It has no timers, no duplicates, no late events, no offers.
"""

import math
from datetime import datetime

import orjson
from river import compose, linear_model, preprocessing

GAP_S = 1800.0
FEATURES = 14


class Model:
    """One logistic regression for the whole stream."""

    def __init__(self):
        self._river = compose.Pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression())

    def score(self, features: dict) -> float:
        """The probability that the cart is bought."""
        return self._river.predict_proba_one(features).get(True, 0.5)

    def learn(self, features: dict, bought: bool):
        """Learn what became of a cart."""
        self._river.learn_one(features, bought)


class Job:
    """The job over plain dicts, which every engine can keep."""

    def __init__(self, events: int, done):
        self.model = Model()
        self.scores = 0
        self._left = events
        self._done = done

    def step(self, session: dict | None, event: dict) -> tuple[dict, bytes | None]:
        """The session after an event, and the score of a cart addition."""
        at_s = datetime.fromisoformat(event["time"]).timestamp()
        if session is None or at_s - session["last"] > GAP_S:
            if session is not None and session["asked"] is not None:
                self.model.learn(session["asked"], False)
            session = new_session(at_s)
        kind = event["type"]
        score = None
        session["events"] += 1
        if kind == "product_viewed":
            session["views"] += 1
            session["viewed"] += event["price"]
            if event["sku"] not in session["products"] and len(session["products"]) < 64:
                session["products"].append(event["sku"])
        elif kind == "cart_item_added":
            for item in event["items"]:
                session["adds"] += 1
                session["value"] += item["price"] * item["quantity"]
                session["dearest"] = max(session["dearest"], item["price"])
            session["asked"] = asked = features(session, at_s)
            score = orjson.dumps({"visitor": event["visitor_id"], "score": self.model.score(asked)})
            self.scores += 1
        elif kind == "order_completed":
            if session["asked"] is not None:
                self.model.learn(session["asked"], True)
            session["asked"] = None
            session["value"] = 0.0
        session["last"] = at_s
        self._left -= 1
        if not self._left:
            self._done()
        return session, score


def new_session(at_s: float) -> dict:
    """A session in which nothing has happened yet."""
    zeros = {"events": 0, "views": 0, "adds": 0, "viewed": 0.0, "value": 0.0, "dearest": 0.0}
    return {"began": at_s, "last": at_s, "products": [], "asked": None, **zeros}


def features(session: dict, at_s: float) -> dict[str, float]:
    """What is known of a session at this time."""
    length_s = at_s - session["began"]
    angle = 2 * math.pi * (at_s % 86_400) / 86_400
    views = session["views"]
    return {
        "events": session["events"],
        "views": views,
        "products": len(session["products"]),
        "adds": session["adds"],
        "value": session["value"],
        "dearest": session["dearest"],
        "mean_viewed": session["viewed"] / views if views else 0.0,
        "mean_item": session["value"] / session["adds"],
        "seconds": length_s,
        "since_last": at_s - session["last"],
        "per_minute": session["events"] / max(length_s / 60, 1.0),
        "hour_sin": math.sin(angle),
        "hour_cos": math.cos(angle),
        "adds_per_view": session["adds"] / max(views, 1),
    }
