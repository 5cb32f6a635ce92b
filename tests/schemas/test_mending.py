"""One bad part costs only itself: an invalid optional field is dropped by name, a required one rejects."""

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.adapters.decoded import event_of
from schemas.adapters.mending import KEPT, KINDS
from schemas.rejected import InvalidEvent
from tests.builders import OFTEN, cart_is, event, item, looked, native, ordered, viewed
from tests.schemas.test_properties import json_values

REQUIRED = {"sku": "shoe", "query": "", "order_id": "o-1", "offer_id": "default.x", "items": [item()]}
VALID = {
    kind: event(kind, 0, **{name: REQUIRED[name] for name in REQUIRED.keys() & model.model_fields.keys()})
    for kind, model in KINDS.items()
}


def optional(kind):
    return sorted(
        name
        for name, field in KINDS[kind].model_fields.items()
        if not field.is_required() and name not in KEPT
    )


@pytest.mark.parametrize(
    ("said", "dropped"),
    [
        ({"device": "x" * 1001}, ["device"]),
        ({"device": {}, "source": []}, ["device", "source"]),
        ({"user_id": 7}, ["user_id"]),
        ({"user_id": "\ud83d", "title": "\udc00"}, ["user_id", "title"]),
        ({"session_id": "", "url": False}, ["session_id", "url"]),
        ({"\ud83d": 1, "unknown": "\ud83d"}, []),
        ({"device": None, "market": None}, []),
        ({"consent": {"email": "yes", "app": 1, "sms": False}}, ["consent.email", "consent.app"]),
        ({"consent": "all"}, ["consent"]),
        ({"consent": {"email": None}, "locale": None}, []),
        ({"timezone": "Mars/Olympus", "locale": "pt_BR"}, ["timezone", "locale"]),
        ({"timezone": "../etc/localtime"}, ["timezone"]),
    ],
)
def test_an_optional_field_that_is_invalid_is_dropped_by_name(said, dropped):
    read = native(looked(0) | said)
    consent = read.event.consent
    assert consent is None or consent.model_dump(exclude_none=True) == {}
    assert read.event.model_copy(update={"consent": None}) == native(looked(0)).event
    assert sorted(read.dropped) == sorted(dropped)
    assert not read.is_partial


@pytest.mark.parametrize("address", ["javascript:alert(1)", "/cart", "https://shop.example/a b", 'http://a"'])
def test_an_address_of_a_cart_that_is_no_web_address_is_dropped(address):
    read = native(cart_is(0, cart_url=address))
    assert (read.event.cart_url, read.dropped) == (None, ("cart_url",))


def test_of_consent_only_the_odd_channel_goes():
    read = native(looked(0, consent={"email": "yes", "app": False}))
    assert (read.event.consent.app, read.event.consent.email) == (False, None)
    assert read.dropped == ("consent.email",)


def test_a_part_of_a_list_goes_alone():
    codes = [{"code": "A", "amount": -1}, {"amount": 2}, {"code": 7}, {"code": "B", "amount": 2.5}, None]
    read = native(ordered(0, discount_codes=codes, offers=["x", "", 7], shipping="free"))
    assert [(each.code, each.amount) for each in read.event.discount_codes] == [("A", None), ("B", 2.5)]
    assert read.event.offer_ids == ("x",)
    assert read.event.shipping is None
    assert read.dropped == (
        *("discount_codes", "discount_codes.amount", "discount_codes.code", "offer_ids", "shipping"),
    )
    assert read.is_partial


def test_a_field_of_a_line_goes_alone():
    read = native(cart_is(0, item(category=[]), item("hat", unit_cost=-1, category="hats")))
    assert [(each.sku, each.category, each.unit_cost) for each in read.event.items] == [
        ("shoe", None, None),
        ("hat", "hats", None),
    ]
    assert set(read.dropped) == {"items.category", "items.unit_cost"}
    assert read.is_partial


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_stands_in_an_optional_field_the_event_is_taken(kind):
    @OFTEN
    @given(
        name=st.sampled_from(optional(kind)), odd=json_values | st.text(min_size=201), strict=st.booleans()
    )
    def taken(name, odd, strict):
        assume(kind != "order_refunded" or name not in ("items", "amount"))
        assume(kind != "checkout_started" or name != "items")
        said = VALID[kind] | {name: odd}
        read = native(said) if strict else event_of(said)
        assert read.event.type == kind
        assert read.event.id == said["id"]
        if odd is not None and getattr(read.event, name) == KINDS[kind].model_fields[name].default != odd:
            assert any(each.startswith(name) for each in read.dropped) or odd in ([], ())

    taken()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("odd", [None, False, {}, "\ud800", "x" * 2000])
def test_a_required_field_that_is_invalid_rejects(kind, odd):
    for name, field in KINDS[kind].model_fields.items():
        if field.is_required() and name not in ("type", "query"):
            with pytest.raises(InvalidEvent, match=f"invalid: {name}"):
                native(VALID[kind] | {name: odd, "device": 7})


def test_a_market_is_never_dropped():
    with pytest.raises(InvalidEvent, match="unknown_market: market 'At Lantis' is not a market's name"):
        native(looked(0, market="At Lantis", device=7))


@pytest.mark.parametrize(
    ("given", "read"), [("eur", "EUR"), (" Eur ", "EUR"), ("EUR", "EUR"), ("", None), (None, None)]
)
def test_the_code_of_a_currency_is_mended(given, read):
    for each in (native(viewed(0, currency=given)), event_of(viewed(0, currency=given))):
        assert (each.event.currency, each.dropped) == (read, ())


@pytest.mark.parametrize("given", ["euro", "€", 978, True, [], "\ud800"])
def test_a_currency_that_is_none_is_not_dropped(given):
    with pytest.raises(InvalidEvent, match=r"currency: currency .* is no code like EUR"):
        native(viewed(0, currency=given))


def test_a_format_without_types_may_write_numbers_as_text_and_text_as_numbers():
    read = event_of(viewed(0, price="10,00", category=12, session_id=7) | {"device": True})
    assert (read.event.price, read.event.category, read.event.session_id) == (10.0, "12", "7")
    assert read.event.device is None
    assert read.dropped == ("device", "price")


def test_an_event_that_is_not_modelled_is_an_activity_whatever_else_is_odd():
    read = native(looked(0, device=7) | {"type": "wishlisted", "name": 7})
    assert (read.event.type, read.event.name, read.dropped) == ("activity", "wishlisted", ("device",))


def test_what_is_given_is_not_changed():
    given = ordered(0, device=7, items=[item(), None], discount_codes=[{"code": 7}])
    before = json.dumps(given)
    event_of(given)
    event_of(given, strict=True)
    assert json.dumps(given) == before
