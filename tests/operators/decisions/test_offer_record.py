"""What the record of an offer takes from the decision, the moment, the offers file and the catalog."""

import msgspec
import pytest

from operators.decisions.offer_record import OfferDetails, offer_decided
from operators.streaming.messages import Line, Product
from schemas.decisions import decode_decision
from schemas.offers import OfferConsent, Promotion, Terms
from schemas.records import Timestamp
from schemas.shop import Market
from tests.builders import T0, changed, moment, offer
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
