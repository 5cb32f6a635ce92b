"""The structs take what the models take, with the same values, and nothing else."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.adapters import event_structs
from schemas.adapters.event_structs import MAX_BRACKETS, STRUCTS, decoded_event
from schemas.events import EVENTS
from tests.schemas.test_properties import instances, json_values

ROUNDED = timedelta(microseconds=1)
"""More than six digits of a second are cut by the models and rounded by the structs."""
TYPES = [kind.model_fields["type"].annotation.__args__[0] for kind in STRUCTS]
FIELDS = sorted({name for kind in STRUCTS for name in kind.model_fields} - {"type", "items"} | {"unknown"})
ODD = st.sampled_from(
    [
        *(
            "",
            "a" * 201,
            "EUR",
            "EUR\n",
            "eur",
            "Europe/Berlin",
            "Europe/Atlantis",
            "de-DE",
            "de_DE",
            "default",
        ),
        *(
            "https://shop.example/cart?c=1",
            "https://shop.example/a\x1cb",
            "https://shop.example/\x85",
            "Ä",
            "\x00",
        ),
        *(0, -0.0, 1, 1.0, 1e9, 1000000001, 10**30, 1e308, True, "1", "1.5", [], {}, None),
        *("1999-12-31T23:59:59.9999999Z", "2000-01-01T00:30:00+02:00", "2026-03-01T12:00:00.123456789+05:30"),
        *(
            "2026-03-01 12:00z",
            "2026-03-01T12:00:00",
            "2026-02-30T12:00:00Z",
            "2026-03-01T23:59:60Z",
            "1700000000",
        ),
        *({"email": True, "app": None}, {"email": "yes"}, {"sms": True}),
        *([{"sku": "a", "price": 1}], [{"sku": None, "price": 0, "quantity": 0}], [{"price": 1}]),
        *(["o-1"], [{"code": "C", "amount": 2}], [{"code": ""}]),
    ]
)
items = st.lists(
    st.fixed_dictionaries(
        {"sku": st.text(max_size=3), "price": st.floats(0, 9)}, optional={"quantity": ODD, "unit_cost": ODD}
    ),
    max_size=2,
)
right = st.fixed_dictionaries(
    {
        "id": st.just("e-1"),
        "type": st.sampled_from(TYPES),
        "time": st.just("2026-03-01T12:00:00Z"),
        "visitor_id": st.just("ann"),
        "order_id": st.just("o-1"),
        "offer_id": st.just("default.1"),
        "sku": st.just("sock"),
        "query": st.just("socks"),
        "items": items,
    }
)
nearly = st.tuples(right, st.dictionaries(st.sampled_from(FIELDS), ODD | json_values, max_size=3))


def judged(value):
    """What the models say: the event, None where they refuse it."""
    try:
        return EVENTS.validate_json(value)
    except ValidationError:
        return None


def plain(thing):
    """The values of an event, whichever form it has."""
    names = getattr(type(thing), "model_fields", None) or getattr(thing, "__struct_fields__", None)
    if names is None:
        return [plain(each) for each in thing] if isinstance(thing, tuple) else (type(thing) is bool, thing)
    return {
        name: plain(getattr(thing, name)) for name in names if name not in {"type", "time", "specversion"}
    }


def same(event, model):
    """Whether two forms of an event say the same."""
    return (
        type(event) is STRUCTS[type(model)]
        and abs(event.time - model.time) <= ROUNDED
        and plain(event) == plain(model)
    )


@settings(max_examples=200, deadline=None)
@given(nearly)
def test_what_the_structs_take_is_what_the_models_take(said):
    given_, odd = said
    value = json.dumps(given_ | odd).encode()
    event = decoded_event(value)
    if event is not None:
        assert same(event, judged(value))


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(list(STRUCTS)).flatmap(instances))
def test_the_structs_take_every_event_that_the_models_write(model):
    value = EVENTS.dump_json(model)
    event = decoded_event(value)
    assert same(event, judged(value)) if event is not None else model.timezone or model.time.year == 2000


@pytest.mark.parametrize(
    "rest",
    [
        b'"unknown":"\xff"}',
        b'"unknown":"\\ud800"}',
        b'"unknown":' + b"[" * 300 + b"]" * 300 + b"}",
        b'"unknown":01}',
        b'"unknown":"\x01"}',
        b'"type":"searched"}',
        b'"id":7}',
        b'"market":"default\\n"}',
        b'"timezone":"Europe/Atlantis"}',
        b'"time":"1999-12-31T12:00:00Z"}',
        b'"visitor_id":null}',
        b"}x",
        b"",
    ],
)
def test_what_the_models_refuse_the_structs_refuse(rest):
    value = b'{"type":"page_viewed","id":"1","time":"2026-03-01T12:00:00Z","visitor_id":"ann",' + rest
    assert judged(value) is None
    assert decoded_event(value) is None


def test_the_structs_pass_on_what_is_nested_more_than_they_judge():
    value = b'{"type":"page_viewed","id":"1","time":"2026-03-01T12:00:00Z","visitor_id":"ann","x":%s}'
    nested = value % (b" " * 200 + b"[" * MAX_BRACKETS + b"]" * MAX_BRACKETS)
    assert judged(nested) is not None
    assert decoded_event(nested) is None
    assert event_structs.decoded_event(value % b"[]") is not None
