"""Messages of commercetools that cannot be taken; what can stands in the golden lines."""

import json
from pathlib import Path

import pytest

from schemas.adapters import FORMATS, decoder
from schemas.adapters.options import FormatOptions
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import MAX_EVENT_BYTES

GOLDEN = (Path(__file__).parent / "golden" / "commercetools.jsonl").read_text().splitlines()
CREATED, RETURNED = (json.loads(GOLDEN[at])["given"] for at in (0, -2))
STATE = {name: value for name, value in CREATED.items() if name != "order"} | {"type": "OrderStateChanged"}


def read(given, **options):
    message = Message(json.dumps(given).encode(), part=0)
    return decoder("commercetools", MAX_EVENT_BYTES, FormatOptions(**options))(message).event


def test_a_product_is_known_by_its_id_or_by_the_sku_of_its_variant():
    assert [line.sku for line in read(CREATED).items] == ["p-100", "p-200"]
    assert [line.sku for line in read(CREATED, product_key="sku").items] == ["LAMP-W", "BULB-4"]


def test_goods_less_the_discount_cost_what_was_charged_for_them():
    order = read(CREATED)
    goods = sum(line.price * line.quantity for line in order.items)
    charged = sum(line["totalPrice"]["centAmount"] for line in CREATED["order"]["lineItems"])
    assert goods - order.discount == pytest.approx(charged / 100)


def test_a_precise_amount_has_digits_of_its_own():
    line = CREATED["order"]["lineItems"][0]
    value = {"type": "highPrecision", "currencyCode": "EUR", "centAmount": 1}
    precise = value | {"preciseAmount": 12345, "fractionDigits": 6}
    order = CREATED["order"] | {"lineItems": [line | {"price": {"value": precise}}]}
    assert read(CREATED | {"order": order}).items[0].price == 0.012345


@pytest.mark.parametrize(
    "envelope",
    [
        {"specversion": "1.0", "id": "x", "source": "/shop", "type": "com.commercetools.order.message.X"},
        {"version": "0", "id": "x", "source": "aws.partner/commercetools.com/shop", "detail-type": "Message"},
    ],
)
def test_a_message_in_an_envelope_is_the_message(envelope):
    held = "detail" if "detail-type" in envelope else "data"
    assert read(envelope | {held: CREATED}) == read(CREATED)
    delivered = Message(json.dumps(envelope | {held: STATE | {"orderState": "Open"}}).encode())
    assert FORMATS["commercetools"].parts(delivered) == ()


@pytest.mark.parametrize("state", ["Open", "Confirmed", "Complete"])
def test_a_state_that_changes_nothing_of_the_worth_of_an_order_is_no_event(state):
    message = Message(json.dumps(STATE | {"orderState": state}).encode())
    assert FORMATS["commercetools"].parts(message) == ()


def test_a_message_with_an_event_is_its_only_part():
    for line in GOLDEN:
        assert FORMATS["commercetools"].parts(Message(json.dumps(json.loads(line)["given"]).encode())) is None


@pytest.mark.parametrize(
    ("given", "class_", "words"),
    [
        ([], "invalid", "a message must be a JSON object"),
        (
            STATE | {"orderState": "Open"},
            "unknown_type",
            "message 'OrderStateChanged' says nothing of what an order is",
        ),
        (STATE | {"type": None}, "unknown_type", "message None says nothing of what an order is worth"),
        (CREATED | {"order": None}, "invalid", "lineItems is missing"),
        (CREATED | {"id": ""}, "invalid", "id is missing"),
        (
            STATE | {"payloadNotIncluded": {"reason": "too large", "payloadType": "Message"}},
            "invalid",
            "payloadNotIncluded: it was too large; fetch the message",
        ),
        (
            RETURNED | {"order": {}},
            "invalid",
            "returnInfo names its lines by ids; add the order to the message",
        ),
    ],
)
def test_what_is_no_event_is_refused_in_words(given, class_, words):
    with pytest.raises(InvalidEvent) as wrong:
        read(given)
    assert wrong.value.class_ == class_
    assert words in wrong.value.reason


def test_an_amount_whose_digits_make_no_sense_is_not_there():
    order = CREATED["order"] | {"shippingInfo": {"price": {"centAmount": 500, "fractionDigits": 99}}}
    assert read(CREATED | {"order": order}).shipping is None
