"""Which offers are for whom."""

import pytest

from operators.decisions.rules import audience as audience_module
from operators.decisions.rules.audience import AudienceRule
from operators.decisions.rules.rule import NOTHING_KNOWN
from operators.streaming.messages import Line, Product
from tests.builders import HOUR, offer
from tests.operators.decisions.rules.asking import configured, local, now, of

LINES = (Line("shoe", 1, 40.0, "shoes"), Line("bag", 2, 5.0))


def reason(situation=None, all_carts=None, asked=None, **audience):
    """Why an offer with an audience is not made; ``all_carts`` is the audience of the market."""
    asked = offer(audience=audience) if asked is None else asked
    rule = configured(AudienceRule(), of(asked, tables={"audience": all_carts or {}}))
    return rule.removes(asked, now(lines=LINES) if situation is None else situation)


def test_an_offer_without_an_audience_is_for_everybody():
    assert reason() is None


def test_a_cart_must_be_worth_what_an_offer_needs():
    small, right, great = (now(cart_value=value) for value in (29.99, 30.0, 90.01))
    limits = {"min_cart_value": 30, "max_cart_value": 90}
    assert reason(small, **limits) == "min_cart_value"
    assert reason(right, **limits) is None
    assert reason(now(cart_value=90.0), **limits) is None
    assert reason(great, **limits) == "max_cart_value"


def test_the_greatest_of_all_minima_counts():
    asked = offer(min_cart_value=40, audience={"min_cart_value": 20})
    assert reason(now(cart_value=39.99), asked=asked) == "min_cart_value"
    assert reason(now(cart_value=40.0), asked=asked) is None
    assert reason(now(cart_value=40.0), {"min_cart_value": 50}, asked=asked) == "min_cart_value"


def test_the_audience_of_a_market_holds_for_all_its_offers():
    assert reason(all_carts={"max_cart_value": 10}) == "max_cart_value"
    assert reason(all_carts={"when": "cart.value > 100"}, when="cart.value > 10") == "audience"
    assert reason(all_carts={"when": "cart.value > 10"}, when="cart.value > 100") == "audience"
    assert reason(all_carts={"when": "cart.value > 10"}, when="cart.value > 20") is None


def test_a_cart_must_hold_one_of_the_skus_and_none_of_the_others():
    assert reason(skus=["hat", "bag"]) is None
    assert reason(skus=["hat"]) == "sku"
    assert reason(without_skus=["bag"]) == "sku"
    assert reason(skus=["shoe"], without_skus=["hat"]) is None


def test_a_cart_must_hold_one_of_the_categories_and_none_of_the_others():
    assert reason(categories=["shoes"]) is None
    assert reason(categories=["bags"]) == "category"
    assert reason(without_categories=["shoes"]) == "category"


def test_the_catalog_knows_a_category_that_events_do_not_tell():
    catalog = {"bag": Product(category="bags")}
    lookups = NOTHING_KNOWN._replace(product=lambda sku, _: catalog.get(sku))
    assert reason(now(lines=LINES, lookups=lookups), categories=["bags"]) is None


def test_a_line_that_is_no_product_has_no_sku():
    assert reason(now(lines=(Line("", 1, 5.0),)), without_skus=["shoe"]) is None


@pytest.mark.parametrize(
    ("situation", "kinds"),
    [
        (now(visits_before=0), {"all", "new"}),
        (now(visits_before=1), {"all"}),
        (now(visits_before=0, user="ann"), {"all", "known"}),
        (now(visits_before=1, user="ann"), {"all", "known"}),
    ],
    ids=["new", "came back", "new but logged in", "known"],
)
def test_visitors_are_new_or_known_or_neither(situation, kinds):
    fitting = {kind for kind in ("all", "new", "known") if reason(situation, visitors=kind) is None}
    assert fitting == kinds


@pytest.mark.parametrize(
    ("when", "situation"),
    [
        ("cart.value > 50.5 && cart.currency == 'EUR'", now(cart_value=51.0)),
        ("cart.pieces == 3 && cart.lines == 2", now(context={"cart_items": 3, "cart_lines": 2})),
        ("cart.skus == ['shoe', 'bag'] && cart.categories == ['shoes']", now(lines=LINES)),
        ("visitor.user == 'ann' && visitor.known && !visitor.new", now(user="ann")),
        ("visitor.visits == 2 && visitor.locale.startsWith('de')", now(visits_before=2, locale="de-AT")),
        (
            "session.device == 'mobile' && session.minutes == 1.5",
            now(context={"device": "mobile", "session_seconds": 90.0}),
        ),
        (
            "session.searches == 2 && session.checkout_started",
            now(context={"searches": 2, "checkout_started": 1.0}),
        ),
        ("session.device == '' && session.source == '' && segment == ''", now()),
        ("segment == 'gold'", now(context={"segment": "gold"})),
        ("abandonment > 0.6", now(context={"abandonment": 0.7})),
        ("moment.trigger == 'cart_idle'", now()),
        (
            "moment.hour == 9 && moment.weekday == 'tue'",
            now(local("2026-12-01T09:30", "Asia/Tokyo"), zone="Asia/Tokyo"),
        ),
    ],
)
def test_an_expression_knows_the_cart_the_visitor_the_session_and_the_moment(when, situation):
    assert reason(situation, when=when) is None
    assert reason(situation, when=f"!({when})") == "audience"


def test_an_expression_that_cannot_be_evaluated_removes_the_offer():
    assert reason(when="cart.skus[9] == 'shoe'") == "audience"
    assert reason(when="1 / (cart.pieces - cart.pieces) > 0") == "audience"


def test_text_that_no_encoding_has_removes_the_offer_and_nothing_more():
    assert reason(now(context={"device": "\ud800"}), when="session.device == 'mobile'") == "audience"


def test_the_fields_are_found_out_once_a_moment_and_only_where_an_expression_asks(monkeypatch):
    asked = []
    monkeypatch.setattr(audience_module, "field_values", lambda now, _names: asked.append(now) or {})
    plain, one, two = (
        offer("plain"),
        offer("one", audience={"when": "true"}),
        offer("two", audience={"when": "true"}),
    )
    rule = configured(AudienceRule(), of(plain, one, two))
    first, second = now(0), now(HOUR)
    assert rule.removes(plain, first) is None
    assert asked == []
    for situation in (first, second):
        rule.removes(one, situation)
        rule.removes(two, situation)
    assert asked == [first, second]
