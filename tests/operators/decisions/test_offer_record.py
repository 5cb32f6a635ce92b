"""What the record of an offer takes from the decision, the moment, the offers file and the catalog."""

import msgspec
import pytest

from operators.decisions.offer_record import OfferDetails, offer_decided, offer_details
from operators.decisions.rules.rule import ConsentGiven, Lookups
from operators.streaming.messages import Line, Product
from schemas.decisions import decode_decision
from schemas.offers import OfferConsent, Promotion, Terms
from schemas.records import Timestamp
from schemas.shop import Market
from tests.builders import T0, Wish, changed, moment, offer, situation
from tests.operators.decisions.test_selection import chosen
from tests.schemas.test_golden import GOLDEN

DECISION = decode_decision((GOLDEN / "decisions.jsonl").read_bytes().splitlines()[0])
NO_DETAILS = OfferDetails()


def made(details=NO_DETAILS, of=None, market=None, **more):
    """The data of the offer that the golden decision makes of a moment of ann's."""
    market = Market(name="uk", currency="GBP") if market is None else market
    return offer_decided(DECISION, changed(moment(0), **more), of or offer(), market, details).data


def test_an_offer_has_what_the_offers_file_says_of_it():
    of = offer(
        code="SAVE10",
        min_cart_value=15.0,
        max_discount=5.0,
        combinable=False,
        priority=3,
        test=True,
        attributes={"campaign": "autumn", "weight": 0.5, "rank": 2, "vip": False},
    )
    market = Market(name="uk", currency="GBP", disclosure="Set by an algorithm.")
    treatment = made(of=of, market=market).treatment
    assert treatment.promotion == Promotion(code="SAVE10", pool=None)
    assert treatment.terms == Terms(min_cart_value=15.0, max_discount=5.0, combinable=False)
    assert (treatment.currency, treatment.priority, treatment.test) == ("GBP", 3, True)
    assert treatment.disclosure == "Set by an algorithm."
    assert treatment.attributes == {"campaign": "autumn", "weight": 0.5, "rank": 2, "vip": False}


def test_items_are_described_as_the_catalog_knows_them():
    lines = (Line("mug", 2, 9.5), Line("plate", 1, None, "dishes"), Line("", 1))
    catalog = {
        "mug": Product(title="Blue mug", url="https://s/mug", image="https://s/mug.jpg", category="kitchen"),
        "plate": Product(category="kitchen"),
    }
    found = made(OfferDetails(product=catalog.get), lines=lines).cart.items
    assert [(each.sku, each.title, each.url, each.image, each.category) for each in found] == [
        ("mug", "Blue mug", "https://s/mug", "https://s/mug.jpg", "kitchen"),
        ("plate", None, None, None, "dishes"),
        (None, None, None, None, None),
    ]


@pytest.mark.parametrize(
    ("told", "filed", "url"),
    [
        (None, None, None),
        ("https://s/c", "https://s/{cart_id}", "https://s/c"),
        (None, "https://s/{cart_id}/view", "https://s/a%2Fb%20c/view"),
        (None, "https://s/cart", "https://s/cart"),
    ],
)
def test_the_cart_is_found_where_an_event_says_else_where_the_offers_file_says(told, filed, url):
    assert made(market=Market(name="uk", cart_url=filed), cart="a/b c", cart_url=told).cart.url == url


def test_what_the_decision_knows_besides_is_told():
    consent = OfferConsent(granted=True, at=Timestamp(T0), source="event")
    details = OfferDetails(T0 + 60, consent, expected_profit=4.0, uplift=1.0, controls_version=2)
    data = made(details, of=offer(channel="email"), locale="de-DE", timezone="Europe/Berlin")
    assert (data.not_before, data.consent) == (Timestamp(T0 + 60), {"email": consent})
    assert (data.expected_profit, data.uplift, data.controls_version) == (4.0, 1.0, 2)
    assert (data.locale, data.timezone) == ("de-DE", "Europe/Berlin")


def test_what_nobody_knows_is_null():
    data = made()
    assert (data.not_before, data.consent, data.expected_profit, data.uplift) == (None, {}, None, None)
    assert (data.locale, data.timezone, data.treatment.promotion) == (None, None, None)


def test_the_record_follows_from_its_decision():
    record = offer_decided(DECISION, moment(0), offer(), Market(name="uk"), NO_DETAILS)
    assert record.id == f"{DECISION.decision_id}-decided"
    assert (record.causationid, record.data.offer_id) == (DECISION.decision_id, DECISION.decision_id)
    assert record.expirytime == record.data.expires_at == DECISION.expires_at


def test_a_decision_without_an_offer_has_no_such_record():
    none = msgspec.structs.replace(DECISION, expires_at=None)
    with pytest.raises(ValueError, match=f"decision {none.decision_id} makes no offer"):
        offer_decided(none, moment(0), offer(), Market(name="uk"), NO_DETAILS)


class Estimates(Wish):
    """A policy that expects three of an offer and one of none."""

    def __init__(self, updates, *, of_rewards=True):
        super().__init__()
        self.updates = updates
        self.estimates_rewards = of_rewards

    def values(self, arms, context):
        assert context
        return {arm: 1.0 if arm == "no_offer" else 3.0 for arm in arms}


def details(policy, *, drawn=None, given=None):
    drawn = chosen() if drawn is None else drawn
    lookups = Lookups(lambda *_: None, lambda *_: {} if given is None else {"on_site": given})
    return offer_details(drawn, situation(moment(0), lookups=lookups), policy, 7)


@pytest.mark.parametrize(
    ("policy", "profit", "uplift"),
    [(Estimates(5), 3.0, 2.0), (Estimates(0), None, None), (Estimates(5, of_rewards=False), None, None)],
    ids=["trained", "untrained", "of chances, not of money"],
)
def test_what_a_policy_expects_of_an_offer_is_told_where_it_has_learned_to_in_money(policy, profit, uplift):
    found = details(policy)
    assert (found.expected_profit, found.uplift, found.controls_version) == (profit, uplift, 7)


def test_the_consent_for_the_channel_is_told_as_it_was_looked_at():
    given = ConsentGiven(granted=True, at_s=T0 - 60, source="controls")
    assert details(Wish(), given=given).consent == OfferConsent(
        granted=True, at=Timestamp(T0 - 60), source="controls"
    )
    assert details(Wish()).consent is None


def test_an_offer_that_is_held_may_not_be_shown_before_it_is_published():
    held = msgspec.structs.replace(chosen(), publish_s=T0 + 600)
    assert details(Wish(), drawn=held).not_before_s == T0 + 600
    assert details(Wish()).not_before_s is None


def test_without_an_offer_nothing_is_looked_up():
    assert details(Estimates(5), drawn=chosen(shadow=True)) == OfferDetails(controls_version=7)
    assert details(Estimates(5), drawn=chosen(share=1.0)) == OfferDetails(controls_version=7)
