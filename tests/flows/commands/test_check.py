"""``check``: what a file is to the worker, in half a screen and one sentence of advice."""

import gzip
import json
from pathlib import Path

import pytest

from flows.cli import main
from tests.builders import HOUR, MINUTE, carted, event, looked, ordered, segment_calls
from tests.event_files import write


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def check(capfd):
    """Runs the command; returns its exit code and what it printed."""

    def ran(*words):
        code = main(["check", *(words or ("events.jsonl",))])
        said = capfd.readouterr()
        assert "Traceback" not in said.err
        return code, said.out if code < 2 else said.err

    return ran


def shopping(visitors=10):
    """Visitors who fill a cart and buy it."""
    for n in range(visitors):
        yield carted(n * MINUTE, f"v{n}", cart_id=f"c{n}", currency="EUR")
        yield ordered(n * MINUTE + 20, f"v{n}", cart_id=f"c{n}", currency="EUR")


def test_a_shop_that_is_understood_is_told_what_to_try_next(check):
    write(*shopping())
    assert check() == (
        0,
        """\
events.jsonl: all 20 records, in format native (detected)
taken      20 of 20 events: 10 cart_item_added, 10 order_completed
time       2023-11-14T22:13:20 to 2023-11-14T22:22:40 UTC; 0 late, 0 clamped
markets    20 default
currency   20 EUR
who        10 visitors, 10 carts
orders     10 of 10 join: 10 by cart
           they carry: 10 visitor, 10 cart; none: user, checkout, code, offer
formats    native takes 20 of 20; no other takes any

This is good: try `offerstream replay events.jsonl --format native --out replayed`.
""",
    )


def last(said):
    """The advice."""
    return " ".join(said.partition("\n\n")[2].split())


def test_a_format_that_is_given_is_kept_and_a_better_one_is_named(check):
    write(*segment_calls(40))
    code, said = check("events.jsonl", "--format", "native")
    assert code == 1
    assert "events.jsonl: all 40 records, in format native\n" in said
    assert "40 invalid, first events.jsonl/0/0: id is missing\n" in said
    assert last(said) == "events.jsonl looks like format segment: try --format segment."


def test_a_format_that_is_not_given_is_found(check):
    write(*segment_calls(40))
    code, said = check()
    assert code == 0
    assert "in format segment (detected)" in said
    assert "40 of 40 events: 40 cart_item_added" in said
    assert last(said).startswith("There is no order in it")


CSV = "event_time;event_type;product_id;price;user_id\n2019-10-01 00:00:00 UTC;cart;1;9.5;7\n"


def test_csv_is_found_by_its_header(check):
    Path("shop.csv").write_text(CSV)
    code, said = check("shop.csv")
    assert code == 0
    assert "in format rees46 (detected)" in said


def test_a_packed_file_is_read(check):
    write(*shopping())
    Path("packed").write_bytes(gzip.compress(Path("events.jsonl").read_bytes()))
    assert check("packed")[0] == 0


def test_no_more_than_the_limit_is_read(check):
    write(*shopping(50))
    _, said = check("events.jsonl", "--limit", "30")
    assert "events.jsonl: the first 30 records, in format native" in said
    assert "30 of 30 events" in said


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file_is_nothing(content, check):
    Path("events.jsonl").write_bytes(content)
    code, said = check()
    assert code == 1
    assert last(said) == "There is nothing in events.jsonl: is this the right one, and is it written to?"


def test_what_no_format_takes_is_told_by_its_most_frequent_class(check):
    write(*[b"{}"] * 5, b"[]", b"{")
    code, said = check()
    assert code == 1
    assert "taken      0 of 7 events\n" in said
    assert last(said) == (
        "Nothing is taken, in no format that is known; most is invalid: see what its example lacks. "
        "If it is JSON of your own making, say in a file what is where: --format generic:FILE."
    )


def test_what_is_no_json_is_no_house_format(check):
    write(*[b"{"] * 5)
    assert last(check()[1]) == (
        "Nothing is taken, in no format that is known; most is not_json: see what its example lacks."
    )


def test_what_a_house_format_refuses_is_not_told_to_have_a_file(check):
    Path("house.toml").write_text(
        'unmatched = "reject"\n[fields]\ntime = "t"\nvisitor_id = "v"\n[[events]]\ntype = "page_viewed"\n'
    )
    write(*[b"{}"] * 5)
    said = last(check("events.jsonl", "--format", "generic:house.toml")[1])
    assert said.endswith("see what its example lacks.")


def test_events_that_are_too_large_are_told_of_the_setting(check):
    write(*[looked(n, title="x" * 900) for n in range(5)])
    code, said = check("events.jsonl", "--set", "max_event_bytes=1000")
    assert code == 1
    assert last(said) == "Most is too_large: send smaller events, or raise `max_event_bytes`."


def test_little_that_is_taken_is_exit_1_too(check):
    write(*shopping(2), *[b"{}"] * 5)
    code, said = check()
    assert code == 1
    assert last(said) == "Little is taken; most of the rest is invalid: mend what its example shows."


def test_some_that_is_refused_is_named(check):
    write(*shopping(), *[b"{}"] * 5)
    code, said = check()
    assert code == 0
    assert last(said) == "20% is refused: mend what the examples show."


def test_markets_that_are_not_in_the_offers_file_are_named(check):
    write(*[carted(n, f"v{n}", market="nz") for n in range(5)])
    code, said = check()
    assert code == 1
    assert "markets    5 nz; not in the offers file: nz\n" in said or "5 unknown_market" in said
    assert last(said) == "Declare market nz in the offers file, or send another `market`."


def test_a_currency_that_no_market_has_is_named(check):
    write(*shopping(), carted(HOUR, currency="JPY"))
    _, said = check()
    assert "20 EUR, 1 JPY" in said
    assert last(said) == "No market counts in JPY: set its `currency` or its `rates` in the offers file."


def test_the_currency_is_named_too_where_little_is_taken(check):
    write(*[carted(n, f"v{n}", currency="JPY") for n in range(5)])
    code, said = check()
    assert code == 1
    assert last(said).startswith("No market counts in JPY")


def test_a_currency_that_a_market_converts_is_no_concern(check):
    Path("offers.toml").write_text(
        '[markets.default]\ncurrency = "EUR"\nmargin_rate = 0.3\nrates = { JPY = 0.006 }\n'
        '[[offers]]\nname = "ten"\nkind = "percent_off"\nvalue = 10\nchannel = "email"\n'
        'expires_after = "1h"\nreward_window = "24h"\n'
    )
    write(*shopping(), carted(HOUR, currency="JPY"))
    assert last(check("events.jsonl", "--offers", "offers.toml")[1]).startswith("This is good")


def test_files_of_several_formats_are_replayed_one_format_at_a_time(check):
    write(*shopping())
    write(*segment_calls(40), name="calls.jsonl")
    _, said = check("calls.jsonl", "events.jsonl")
    assert last(said) == (
        "This is good: try `offerstream replay calls.jsonl --format segment --out replayed` for each format."
    )


def test_orders_that_meet_nobody_are_told_with_what_they_carry(check):
    carts = [carted(n * MINUTE, f"v{n}") for n in range(10)]
    orders = [
        ordered(n * MINUTE + 20, None, user_id=f"u{n}", id=f"o{n}", order_id=f"o{n}") for n in range(10)
    ]
    write(*carts, *orders)
    code, said = check()
    assert code == 0
    assert "orders     0 of 10 join\n" in said
    assert "they carry: 10 user; none: visitor, cart, checkout, code, offer\n" in said
    assert last(said).startswith("Most orders meet nobody of this sample: send the `cart_id`")


@pytest.mark.parametrize(
    ("key", "cart", "order"),
    [
        ("cart", {"cart_id": "c"}, {"cart_id": "c"}),
        ("checkout", {"checkout_id": "t"}, {"checkout_id": "t"}),
        ("user", {"user_id": "u"}, {"user_id": "u"}),
        ("visitor", {}, {"visitor_id": "ann"}),
    ],
)
def test_an_order_joins_by_the_first_key_it_shares_wherever_it_stands(key, cart, order, check):
    said_order = {name: value for name, value in ordered(20).items() if name != "visitor_id"} | order
    write(said_order, carted(0) | cart)
    assert f"orders     1 of 1 join: 1 by {key}\n" in check()[1]


def test_an_offer_that_somebody_was_shown_is_joined_by_its_order(check):
    shown = event("offer_shown", 0, offer_id="default.o-1")
    write(shown, ordered(20, None, offers=["default.o-1"], id="e", order_id="o"))
    assert "1 of 1 join: 1 by offer" in check()[1]


def test_the_same_key_in_another_market_is_another(check):
    write(carted(0, cart_id="c"), ordered(20, "bob", cart_id="c", market="uk"))
    assert "0 of 1 join" in check()[1]


def test_orders_and_carts_may_be_in_files_of_different_formats(check):
    write(*segment_calls(10), name="web.jsonl")
    write(
        *[ordered(n, None, cart_id=f"c-{n}", id=f"e{n}", order_id=f"o{n}") for n in range(10)],
        name="shop.jsonl",
    )
    code, said = check("web.jsonl", "shop.jsonl")
    assert code == 0
    assert "web.jsonl: all 10 records, in format segment (detected)" in said
    assert "shop.jsonl: all 10 records, in format native (detected)" in said
    assert "10 of 10 join: 10 by cart" in said


def test_orders_told_again_and_duplicates_are_counted_apart(check):
    again = ordered(30, "bob", id="other") | {"order_id": "o"}
    write(carted(0), carted(0), ordered(20, order_id="o"), again)
    said = check()[1]
    assert "; 1 duplicate\n" in said
    assert "1 of 1 join: 1 by visitor; 1 told again\n" in said


def test_a_shop_without_carts_or_of_late_events_is_told(check):
    write(*[looked(n, f"v{n}") for n in range(5)])
    assert last(check()[1]).startswith("There is no event of a cart in it")
    write(*[carted(HOUR + n, f"v{n}") for n in range(200)], *shopping())
    assert "late (a replay sorts them first)" in check()[1]


def test_it_fits_on_half_a_screen_whatever_there_is(check):
    names = [f"m{n}" for n in range(40)]
    bad = [b"{}", b"{", b"\xff", b"[" * 999, looked(9, time="2124-01-01T00:00:00Z"), looked(1, id=""), b""]
    kinds = [
        event(f"{kind}", 5, query="x", sku="a") for kind in ("page_viewed", "searched", "product_viewed")
    ]
    odd = [looked(n, market=name) for n, name in enumerate(names)]
    for n in range(5):
        write(*shopping(3), *bad, *kinds, *odd, name=f"{n}.jsonl")
    said = check(*(f"{n}.jsonl" for n in range(5)))[1]
    assert said.count("\n") <= 25
    assert max(map(len, said.splitlines())) <= 100
    assert "and 2 more\n" in said


def test_a_machine_reads_the_same_as_json(check):
    write(*shopping(), b"{}")
    assert check("events.jsonl", "--json", "found.json")[0] == 0
    found = json.loads(Path("found.json").read_bytes())
    assert found["sources"][0]["form"] == "native"
    assert found["sources"][0]["fits"]["native"] == {"messages": 21, "taken": 20, "modelled": 20}
    assert found["refused"]["invalid"]["count"] == 1
    assert found["orders"] == {
        "count": 10,
        "repeated": 0,
        "join": 10,
        "by": {"cart": 10},
        "carry": {"visitor": 10, "cart": 10},
    }
    assert found["advice"].startswith("This is good")


WRONG = {
    "no/such.jsonl": "the input must be a file that can be read, or a topic; got 'no/such.jsonl'",
    "a topic": "the input must be a file that can be read, or a topic; got 'a topic'",
    ".": "the input must be a file that can be read; got '.'",
    "image.png": "image.png must be JSON in UTF-8, plain or gzip, for the format native; it looks like",
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_neither_a_file_nor_a_topic_is_wrong_use(name, check):
    Path("image.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    code, said = check(name)
    assert code == 2
    assert said.startswith(f"offerstream check: {WRONG[name]}")


def test_a_format_that_the_file_is_not_written_in_is_wrong_use(check):
    Path("shop.csv").write_text(CSV)
    code, said = check("shop.csv", "--format", "native")
    assert code == 2
    assert "it looks like CSV of the format rees46" in said


def test_a_file_that_breaks_off_is_wrong_use(check):
    write(*shopping(500))
    Path("broken.gz").write_bytes(gzip.compress(Path("events.jsonl").read_bytes())[:-2000])
    code, said = check("broken.gz")
    assert code == 2
    assert "broken.gz must be gzip from end to end" in said
