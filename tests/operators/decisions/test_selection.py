"""What is chosen for a moment, and the entry that is written of it."""

import pytest

from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.decision_record import decide
from operators.decisions.offer_record import OfferDetails
from operators.decisions.rules import RuleBook, build_rules
from operators.decisions.selection import Choosers, DecisionPoint, Options, select
from operators.experiments.assignment import Assignments
from operators.state.rows import StateRows
from schemas.rollout import Rollout
from tests.builders import SCORED, Wish, moment, offer, shop, situation

SHOP = shop(offer(), offer("big", min_cart_value=1e6))
MARKET = SHOP.markets["default"]
OFFERS = {each.name: each for each in SHOP.arms("default")}
WINDOW_S = OFFERS["ten_percent"].reward_window.total_seconds()


def point(**more):
    at = moment(0, **more)
    return DecisionPoint("0123456789abcdef01234567", at, SCORED, {**at.features, "abandonment": 0.7})


def chosen(share=0.0, on=None, shadow=False, rule=None, **rollout):
    market = MARKET.model_copy(update={"rollout": Rollout(**rollout)})
    rules = RuleBook(build_rules(MemoryLedger(), StateRows()))
    rules.configure(SHOP, market)
    on = point() if on is None else on
    options = Options(
        market=market,
        offers=OFFERS,
        windows_s={name: offer.reward_window.total_seconds() for name, offer in OFFERS.items()},
        rules=rules,
        choosers=Choosers(Wish(), "wish", rule, rollout.get("rule")),
        assignments=Assignments("default", share, MemoryLedger()),
        seed=0,
        shadow=shadow,
    )
    return select(on, situation(on.moment, market), options)


def test_an_ordinary_draw_is_of_the_eligible_arms_and_trains_the_policy():
    found = chosen()
    assert (found.arm, found.offer, found.reason) == ("ten_percent", OFFERS["ten_percent"], None)
    assert found.probabilities == {"no_offer": pytest.approx(0.2), "ten_percent": 0.8}
    assert (found.eligible, found.removed) == (["no_offer", "ten_percent"], {"big": "min_cart_value"})
    assert (found.none_probability, found.window_s) == (pytest.approx(0.2), WINDOW_S)


def test_who_is_held_out_has_no_choice_but_is_awaited_as_long():
    found = chosen(share=1.0)
    assert (found.arm, found.offer, found.reason) == ("no_offer", None, "holdout")
    assert (found.eligible, found.probabilities) == (["no_offer"], {"no_offer": 1.0})
    assert found.removed == {"big": "min_cart_value", "ten_percent": "holdout"}
    assert (found.none_probability, found.window_s) == (1.0, WINDOW_S)


def test_who_has_no_eligible_arm_is_not_assigned_and_not_awaited():
    found = chosen(on=point(value=0.0, read=1e6))
    assert (found.arm, found.reason, found.unit, found.window_s) == ("no_offer", "stale", None, 0.0)
    assert (found.eligible, found.none_probability) == (["no_offer"], 1.0)


def test_a_shadow_writes_down_what_it_chose_and_makes_no_offer():
    shadow, open_ = (
        decide(1, point(), chosen(shadow=each), MARKET, OfferDetails())[0] for each in (True, False)
    )
    assert (shadow.terms.arm, shadow.terms.treated, shadow.terms.expires_s) == ("ten_percent", False, None)
    assert shadow.offered is None
    assert (open_.terms.arm, open_.terms.treated, open_.terms.is_trainable) == ("ten_percent", True, True)
    assert open_.offered is not None
    assert not shadow.terms.is_trainable
