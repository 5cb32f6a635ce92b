"""The bytes that leave the market are what the schemas promise."""

from datetime import UTC, datetime, timedelta

import pytest

from operators.decisions.ledger import Charge
from operators.decisions.output_records import (
    Lesson,
    correction_said,
    expired_said,
    outcome_said,
    revoked_said,
    rfc3339,
    score_said,
    window_said,
)
from operators.decisions.reward import OpenDecision
from operators.streaming.messages import RANK, Outcome
from schemas.decisions import DECISIONS
from schemas.offers import OFFERS
from tests.builders import SCORED, T0, Desk, fact, moment, ordered, records


def decision(group="policy"):
    return OpenDecision(
        decision="default.d1",
        moment="m1",
        at_s=T0,
        visitor="ann",
        cart="cart",
        arm="ten_percent",
        group=group,
        treated=True,
        teaches=True,
        window_ends_s=T0 + 100,
        expires_s=T0 + 60,
        charge=Charge(),
        live=True,
    )


def test_times_are_utc_with_microseconds():
    assert rfc3339(T0) == "2023-11-14T22:13:20.000000Z"
    assert rfc3339(T0 + 0.123456).endswith(".123456Z")


def test_a_score_says_whose_cart_how_likely_and_by_which_model():
    said = score_said(moment(1), 0.25, "logistic", 7)
    made = DECISIONS.validate_json(said.value)
    assert (said.stream, said.type, said.key, said.id) == (
        "decisions",
        "score",
        "ann",
        f"{made.moment_id}.score",
    )
    assert (made.abandonment, made.model, made.model_version, made.cart_value) == (0.25, "logistic", 7, 50.0)
    assert made.at == datetime.fromtimestamp(T0 + 1, UTC)


@pytest.mark.parametrize("kind", ["purchased", "abandoned", "recovered"])
@pytest.mark.parametrize(("weight", "predicted"), [(None, None), (2.5, 0.5)])
def test_an_outcome_says_what_became_of_a_cart(kind, weight, predicted):
    row = Outcome(T0, RANK["outcome"], "ann", "o1", "default", kind, "cart")
    said = outcome_said(row, Lesson(False, weight, predicted))
    made = DECISIONS.validate_json(said.value)
    assert (said.id, made.kind, made.weight, made.abandonment) == ("o1", kind, weight, predicted)


def test_the_reward_of_a_window_and_of_a_late_order_have_their_own_names():
    order = fact(ordered(500, order_id="o7"))
    window, late = (
        window_said("default", decision(), 3.0),
        correction_said("default", decision(), order, (20.0, 5.0)),
    )
    assert (window.id, late.id) == ("default.d1.window", "default.d1.correction.o7")
    first, second = records([window, late])
    assert (first["kind"], first["profit"], first["cost"]) == ("window", -3.0, 3.0)
    assert (second["kind"], second["profit"], second["orders"]) == ("correction", 15.0, ["o7"])


@pytest.mark.parametrize("group", ["policy", "holdout"])
def test_every_reward_keeps_its_contract(group):
    made = DECISIONS.validate_json(window_said("default", decision(group), 0.0).value)
    assert made.holdout == (group == "holdout")


def test_a_revocation_names_the_order_that_caused_it_and_an_expiry_its_decision():
    order = fact(ordered(10, id="order-event"))
    revoked = OFFERS.validate_json(revoked_said("default", decision(), order).value)
    assert (revoked.causationid, revoked.data.reason) == ("order-event", "purchased")
    expired = OFFERS.validate_json(expired_said("default", decision(), T0 + 60).value)
    assert (expired.causationid, expired.data.reason) == ("default.d1", "expired")
    assert revoked.id == expired.id == "default.d1.ended"


def test_an_offer_carries_what_marketing_needs():
    machine = Desk().machine
    machine.take_moment(moment(0), SCORED)
    [offered] = [each for each in machine.said if each.stream == "offers"]
    made = OFFERS.validate_json(offered.value)
    assert made.expirytime == made.data.expires_at == made.data.at + timedelta(minutes=30)
    assert (made.subject, made.source) == ("ann", "offerstream/default")
    assert (made.correlationid, made.causationid) == (made.data.moment_id, made.data.decision_id)
    assert made.data.cart.value == 50.0
    assert made.data.cart.items[0].sku == "shoe"
    assert made.data.treatment.name == "ten_percent"
