"""House formats: what a file may say, what it must not, and records that fit none of its events."""

import json

import pytest

from flows.settings import read_settings
from schemas.adapters import decoder, format_named
from schemas.adapters.json_paths import path_of
from schemas.errors import SetupError
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import HOUSE, MAX_EVENT_BYTES

COMMON = '[fields]\nid = "i"\ntime = "t"\nvisitor_id = "v"\n'
VIEW = '[[events]]\ntype = "product_viewed"\nfields = {sku = "s"}\n'
RECORD = {"i": 1, "t": "2026-03-01T12:00:00Z", "v": "ann", "s": "mug"}


@pytest.fixture
def house(tmp_path):
    """What reads a record by a file with these words."""
    file = tmp_path / "house.toml"

    def read(text, record):
        file.write_text(text)
        return decoder(f"generic:{file}", MAX_EVENT_BYTES)(Message(json.dumps(record).encode())).event

    return read


def refused(house, text):
    with pytest.raises(SetupError) as wrong:
        house(text, RECORD)
    return str(wrong.value)


def test_a_file_of_six_lines_is_enough(house):
    event = house(COMMON + VIEW, RECORD)
    assert (event.type, event.id, event.visitor_id, event.sku) == ("product_viewed", "1", "ann", "mug")


@pytest.mark.parametrize(
    ("unit", "written"),
    [
        ("s", 1772366400.5),
        ("ms", "1772366400500"),
        ("us", 1772366400500000),
        ("iso", "2026-03-01T12:00:00.5Z"),
    ],
)
def test_time_is_read_in_its_unit(house, unit, written):
    event = house(f'time_unit = "{unit}"\n' + COMMON + VIEW, RECORD | {"t": written})
    assert event.time.timestamp() == 1772366400.5


def test_a_time_without_a_zone_is_in_that_of_the_file(house):
    text = 'time_zone = "Europe/Berlin"\n' + COMMON + VIEW
    assert house(text, RECORD | {"t": "2026-07-01 12:00:00"}).time.isoformat() == "2026-07-01T12:00:00+02:00"
    assert house(text, RECORD | {"t": "2026-07-01T12:00:00Z"}).time.utcoffset().total_seconds() == 0


@pytest.mark.parametrize("written", [True, "noon", 1e300, -1e300, [1]])
def test_a_time_that_is_none_is_refused_in_words(house, written):
    with pytest.raises(InvalidEvent, match="time should be a number of ms since 1970"):
        house('time_unit = "ms"\n' + COMMON + VIEW, RECORD | {"t": written})


def test_a_record_without_an_id_has_one_that_follows_from_its_bytes(house):
    text = COMMON.replace('id = "i"\n', "", 1) + VIEW
    first, again, other = (house(text, record).id for record in (RECORD, RECORD, RECORD | {"s": "cup"}))
    assert first == again != other


def test_what_no_event_matches_is_activity_or_refused(house):
    view = VIEW + 'when = {k = "view"}\n'
    assert house(COMMON + view, RECORD | {"k": "zoom"}).type == "activity"
    with pytest.raises(InvalidEvent, match=r"unknown_type: no event in house\.toml matches the record"):
        house('unmatched = "reject"\n' + COMMON + view, RECORD | {"k": "zoom"})


def test_a_record_with_several_events_is_read_once_for_each():
    records = [
        {"what": "add2cart", "uuid": number, "ts": 1772366400000, "article": 1, "amount": 2}
        for number in "ab"
    ]
    message = Message(json.dumps({"user": {"cookie": "ann"}, "batch": records}).encode(), b"key")
    parts = format_named(f"generic:{HOUSE}").parts(message)
    read = decoder(f"generic:{HOUSE}", MAX_EVENT_BYTES)
    assert [(read(part).event.id, read(part).event.visitor_id, part.key) for part in parts] == [
        ("a", "ann", b"key"),
        ("b", "ann", b"key"),
    ]
    assert [format_named(f"generic:{HOUSE}").parts(part) for part in parts] == [None, None]


def test_the_events_of_a_record_may_lie_deep_in_it(tmp_path):
    file = tmp_path / "house.toml"
    file.write_text('each = "a.0.b"\n' + COMMON + VIEW)
    message = Message(b'{"a": [{"b": [1, 2]}, 3]}')
    values = [json.loads(part.value) for part in format_named(f"generic:{file}").parts(message)]
    assert values == [{"a": [{"b": 1}, 3]}, {"a": [{"b": 2}, 3]}]
    assert format_named(f"generic:{file}").parts(Message(b"{}")) is None
    file.write_text(COMMON + VIEW)
    assert format_named(f"generic:{file}").parts(message) is None


def test_events_that_have_the_id_of_their_record_in_common_get_their_own(tmp_path):
    file = tmp_path / "house.toml"
    file.write_text('each = "all"\n' + COMMON + VIEW.replace('"s"', '"all.s"'))
    read = decoder(f"generic:{file}", MAX_EVENT_BYTES)
    record = {**RECORD, "all": [{"s": "mug"}, {"s": "cup \ud800"}, {"s": "jug"}]}
    message = Message(json.dumps(record).encode())
    parts = format_named(f"generic:{file}").parts(message)
    ids = [read(part).event.id for part in (parts[0], parts[2])]
    assert len({*ids}) == 2
    assert all(each.startswith("1/") for each in ids)
    assert read(Message(parts[2].value)).event.id == ids[1]


def test_a_list_is_where_a_number_of_a_path_counts():
    assert path_of("a.1").find({"a": [1, 2]}) == 2
    assert path_of("a.2").find({"a": [1, 2]}) is None
    assert path_of("a.1").find({"a": {"1": 3}}) == 3
    assert path_of("a.b").find({"a": [1]}) is None


def test_lines_that_are_no_objects_are_lines_without_anything(house):
    text = COMMON + '[[events]]\ntype = "cart_updated"\nitems = {from = "l", sku = "s", price = "p"}\n'
    assert house(text, RECORD | {"l": []}).items == ()
    with pytest.raises(InvalidEvent):
        house(text, RECORD)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "house.toml: events must be given; it is missing"),
        ("events = [", "house.toml must be TOML in UTF-8; got:"),
        (COMMON, "events must be given; it is missing"),
        (COMMON + VIEW + "color = 1\n", "events.#1.color must not be there; the key is unknown"),
        (COMMON + VIEW.replace("product_viewed", "seen"), "events.#1.type must be one of page_viewed,"),
        (
            COMMON + VIEW.replace("sku", "skew"),
            "product_viewed has no field 'skew'; it has category, consent, consent.app,",
        ),
        (
            COMMON + VIEW.replace('"s"', '"s..t"'),
            "events.#1.fields.sku.#1 must be a path like `basket.lines`; got 's..t'",
        ),
        (COMMON + VIEW.replace('"s"', "5"), "events.#1.fields.sku"),
        (COMMON + VIEW.replace('"s"', "[5]"), "must be a path like `basket.lines`; got 5"),
        (
            COMMON + VIEW + 'when = {"a[0]" = 1}\n',
            "events.#1.when must be a path like `basket.lines`; got 'a[0]'",
        ),
        (COMMON + VIEW.replace('fields = {sku = "s"}', ""), "events.#1: product_viewed must have sku"),
        (COMMON + VIEW + 'items = {sku = "s"}\n', "product_viewed has no items"),
        (
            COMMON + VIEW.replace("product_viewed", "cart_updated").replace("fields", "items"),
            "a line of cart_updated must have price",
        ),
        (
            COMMON + '[[events]]\ntype = "cart_updated"\nitems = {sku = "s", cost = "p"}\n',
            "a line of cart_updated has no field 'cost'; it has category, from, price,",
        ),
        (COMMON + '[[events]]\ntype = "cart_updated"\n', "events.#1: cart_updated must have items"),
        (COMMON.replace("visitor_id", "visitor") + VIEW, "an event has no field 'visitor'; it has "),
        (
            '[fields]\ntime = "t"\n[[events]]\ntype = "order_cancelled"\nfields = {order_id = "o"}\n',
            "fields must have visitor_id for activity, or unmatched be `reject`",
        ),
        ('time_unit = "h"\n' + COMMON + VIEW, "time_unit must be 'iso', 's', 'ms' or 'us'; got 'h'"),
        (
            'time_zone = "Moon"\n' + COMMON + VIEW,
            "time_zone must be an IANA time zone like Europe/Berlin; got 'Moon'",
        ),
    ],
)
def test_a_file_that_is_wrong_stops_the_start_in_words(house, text, words):
    assert words in refused(house, text)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("generic", "format generic must name its file, as in `generic:house.toml`; got 'generic'"),
        ("generic:", "format generic must name its file"),
        ("generic:none.toml", "none.toml must be a readable file; got: No such file or directory"),
        ("segment:house.toml", "format segment takes no file; got 'segment:house.toml'"),
    ],
)
def test_a_format_that_is_named_wrongly_stops_the_start_in_words(form, words):
    with pytest.raises(SetupError) as wrong:
        decoder(form, MAX_EVENT_BYTES)
    assert words in str(wrong.value)
    with pytest.raises(SetupError) as wrong:
        read_settings(formats={"shop.events": form})
    assert str(wrong.value).startswith("FORMATS must be formats of topics: ")
    assert words in str(wrong.value)


def test_a_topic_may_have_the_format_of_a_file():
    assert (
        read_settings(formats=f"shop.events=generic:{HOUSE}").format_of("shop.events") == f"generic:{HOUSE}"
    )


def test_a_file_is_read_before_any_message_is():
    with pytest.raises(SetupError, match="format generic must name its file"):
        format_named("generic")


def test_consent_is_said_by_channel_or_as_it_stands(house):
    common = COMMON + 'consent.app = "push"\n'
    record = RECORD | {"push": 0, "c": {"email": True, "app": True}}
    assert house(common + VIEW, record).consent.model_dump() == {"on_site": None, "email": None, "app": False}
    whole = COMMON + 'consent = "c"\n' + VIEW
    assert house(whole, record).consent.model_dump() == {"on_site": None, "email": True, "app": True}
    constant = COMMON + "[constants]\nconsent.on_site = true\n" + VIEW
    assert house(constant, RECORD).consent.on_site is True


def test_consent_for_an_unknown_channel_stops_the_start(house):
    assert "has no field 'consent.sms'" in refused(house, COMMON + 'consent.sms = "s"\n' + VIEW)
