"""The bytes that leave the market are what the schemas promise."""

import msgspec
import pytest

from operators.decisions.cart_treatments import UNTREATED
from operators.decisions.ledger import NO_COST, DecisionTerms
from operators.decisions.open_decisions import OpenDecision
from operators.decisions.output_records import (
    Correction,
    OutcomeTraining,
    correction_record,
    outcome_record,
    score_record,
    window_record,
)
from operators.decisions.reward import Earnings, OrderReward
from operators.decisions.selection import Prediction
from operators.streaming.messages import CartOutcome
from schemas.decisions import read_decision_record
from schemas.offers import read_offer_record
from schemas.records import Timestamp
from tests.builders import SCORED, T0, Desk, line, moment, ordered, records, struct


def decision(group="policy"):
    terms = DecisionTerms(
        decision="d1",
        moment="m1",
        at_s=T0,
        visitor="ann",
        cart="cart",
        arm="ten_percent",
        group=group,
        treated=True,
        is_trainable=True,
        window_ends_s=T0 + 100,
        expires_s=T0 + 60,
        cost=NO_COST,
    )
    return OpenDecision(terms, Earnings(), offer_open=True, window_ended=False)


def test_a_score_says_whose_cart_how_likely_and_by_which_model():
    record = score_record(moment(1), Prediction(0.25, "logistic", 7))
    made = read_decision_record(record.value)
    assert (record.stream, record.type, record.key, record.id) == (
        "decisions",
        "score",
        "ann",
        f"{made.moment_id}-score",
    )
    assert (made.abandonment, made.model, made.model_version, made.cart_value) == (0.25, "logistic", 7, 50.0)
    assert made.at == Timestamp(T0 + 1)


@pytest.mark.parametrize("kind", ["purchased", "abandoned", "recovered"])
@pytest.mark.parametrize(("weight", "predicted"), [(None, None), (2.5, 0.5)])
def test_an_outcome_says_what_became_of_a_cart(kind, weight, predicted):
    outcome = CartOutcome(at_s=T0, visitor="ann", id="o1", market="default", kind=kind, cart="cart")
    record = outcome_record(outcome, UNTREATED, OutcomeTraining(weight, predicted, 7))
    made = read_decision_record(record.value)
    assert (record.id, made.kind, made.weight, made.abandonment) == ("o1", kind, weight, predicted)


def test_the_reward_of_a_window_and_of_a_late_order_have_their_own_names():
    order = struct(ordered(500, order_id="o7"))
    window = window_record(decision(), "default", 3.0, trained=-3.0)
    late = correction_record(
        decision().terms, "default", Correction(order, "order", 0), OrderReward(20.0, 5.0), trained=9.0
    )
    refund = correction_record(
        decision().terms, "default", Correction(order, "refund", 2), OrderReward(-8.0, 0.0), trained=-8.0
    )
    assert (window.id, late.id) == ("d1-window", "d1-correction-o7")
    assert refund.id == "d1-correction-o7-2"
    first, second, third = records([window, late, refund])
    assert [each["cause"] for each in (first, second, third)] == [None, "order", "refund"]
    assert (first["kind"], first["profit"], first["cost"]) == ("window", -3.0, 3.0)
    assert (second["kind"], second["profit"], second["orders"]) == ("correction", 15.0, ["o7"])
    assert (first["trained_profit"], second["trained_profit"]) == (-3.0, 9.0)


@pytest.mark.parametrize("group", ["policy", "holdout"])
def test_every_reward_keeps_its_contract(group):
    made = read_decision_record(window_record(decision(group), "default", 0.0, trained=None).value)
    assert made.holdout == (group == "holdout")


def test_an_offer_carries_what_marketing_needs():
    emitted = Desk().machine.process_moment(moment(0), SCORED)
    [offered] = [each for each in emitted if each.stream == "offers"]
    made = read_offer_record(offered.value)
    assert made.expirytime == made.data.expires_at == Timestamp(made.data.at.seconds + 1800)
    assert (made.subject, made.source) == ("ann", "offerstream/default")
    assert (made.correlationid, made.causationid) == (made.data.moment_id, made.data.decision_id)
    assert made.data.cart.value == 50.0
    assert made.data.cart.items[0].sku == "shoe"
    assert made.data.treatment.name == "ten_percent"


def test_an_offer_and_its_decision_say_what_is_not_known_of_the_cart():
    odd = msgspec.structs.replace(moment(0), lines=(line(sku=""),), lines_left_out=900, partial=True)
    emitted = Desk().machine.process_moment(odd, SCORED)
    [offered] = [read_offer_record(each.value) for each in emitted if each.stream == "offers"]
    [decided] = [each for each in records(emitted) if each["type"] == "decision"]
    cart = offered.data.cart
    assert (cart.items[0].sku, cart.lines_left_out, cart.partial) == (None, 900, True)
    assert (decided["lines_left_out"], decided["partial"]) == (900, True)
