"""Expressions about whom an offer is for: checked at start, never raised by afterwards."""

import re

import pytest

from flows.settings import Settings
from operators.decisions.audience import (
    FIELDS,
    AudienceError,
    Expression,
    Expressions,
    Values,
    check_audiences,
)
from operators.decisions.rules.audience_fields import field_values
from schemas.errors import SetupError
from schemas.rules import Audience, Rules
from schemas.shop import Market, Shop
from tests.builders import offer
from tests.operators.decisions.rules.asking import now

EXAMPLES = {"double": 60.5, "string": "gold", "int": 3, "bool": True, "list<string>": ["shoes", "bags"]}
VALUES = Values({name: EXAMPLES[kind] for name, kind in FIELDS.items()})


@pytest.mark.parametrize(
    "text",
    [
        "cart.value > 50",
        "50 < cart.value && cart.value <= 60.5",
        "cart.pieces >= 2.5",
        '"shoes" in cart.categories && !("hats" in cart.categories)',
        "cart.skus.exists(sku, sku.startsWith('sho'))",
        "size(cart.skus) == 2",
        "session.device in ['mobile', 'gold']",
        "visitor.known || visitor.visits > 100",
        "segment == 'gold' ? cart.value > 60.0 : false",
        "visitor.locale.matches('^g(o|e)ld$')",
        "moment.hour < 12 && moment.weekday != 'sun'",
    ],
)
def test_an_expression_is_true_of_what_fits_it(text):
    assert Expression(text).holds(VALUES)
    assert not Expression(f"!({text})").holds(VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "cart.pieces / (cart.pieces - 3) > 0",
        "cart.skus[7] == 'shoes'",
        "int(segment) > 3",
        "visitor.id.matches(segment + '(')",
    ],
)
def test_what_cannot_be_evaluated_is_not_true(text):
    assert not Expression(text).holds(VALUES)
    assert not Expression(f"!({text})").holds(VALUES)


def test_a_value_that_is_missing_makes_an_expression_untrue():
    nothing = Values({})
    assert not any(
        Expression(f"size(string({name})) > 0").holds(nothing) for name in ("segment", "abandonment")
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cart.valeu > 50", "must use known fields; 'cart.valeu' is none, try cart.value, cart.currency"),
        (
            "carts.value > 50",
            "'carts.value' is none, try cart, visitor, session, moment, segment, abandonment",
        ),
        ("value > 50", "'value' is none, try cart, visitor"),
        (
            "cart.value > 'much'",
            "no matching overload for '_>_' applied to '(double, string)'; cart.value is double",
        ),
        ("visitor.known == 1", "applied to '(bool, int)'; visitor.known is bool"),
        ("cart.value == 60", "cart.value is double; beside a double write 2.0 for 2"),
        ("cart.value", "must be true or false; 'cart.value' is DOUBLE"),
        ("cart.value >", "at character 13 Syntax error"),
        ("visitor.id.matches('(')", "must have valid regular expressions; got '('"),
        ("__import__('os').system('true') == 0", "must use known fields; '__import__'"),
    ],
)
def test_an_expression_that_cannot_be_used_is_refused_with_its_field_named(text, words):
    with pytest.raises(AudienceError, match=re.escape(words)):
        Expression(text)


def audience(when):
    return Audience(when=when)


@pytest.mark.parametrize(
    ("shop", "words"),
    [
        (
            Shop(offers=(offer(), offer("vip", audience=audience("cart.valeu > 50")))),
            r"^offers\.#2\.audience\.when must use known fields; 'cart\.valeu' is none.*\(offer 'vip'\)$",
        ),
        (
            Shop(rules=Rules(audience=audience("cart.value > 'much'"))),
            r"^rules\.audience\.when must be an expression that fits the types.*cart\.value is double$",
        ),
        (
            Shop(markets={"uk": Market(name="uk", rules=Rules(audience=audience("cart.value")))}),
            r"^markets\.uk\.rules\.audience\.when must be true or false",
        ),
    ],
)
def test_a_shop_with_an_audience_that_cannot_be_used_does_not_start(shop, words):
    with pytest.raises(SetupError, match=words):
        check_audiences(shop)


def test_a_shop_whose_audiences_can_be_used_starts():
    check_audiences(Shop(offers=(offer(), offer("vip", audience=audience("cart.value > 50")))))


def test_many_expressions_say_together_what_each_says_alone():
    texts = [f"cart.value > {at}.0 // more than {at}" for at in range(0, 80, 2)]
    for more in ([], ["cart.skus[9] == 'shoe'"]):  # one that cannot be evaluated
        each = [Expression(text) for text in texts + more]
        values = field_values(now(cart_value=41.0), Expressions(each).fields)
        assert Expressions(each).hold(values) == [one.holds(Values(values)) for one in each]
        assert sum(Expressions(each).hold(values)) == 21
    assert Expressions(()).hold({}) == []


KINDS = {"double": float, "string": str, "int": int, "bool": bool, "list<string>": list}


def test_every_field_has_a_value_of_its_type_at_every_moment():
    for situation in (now(features={}), now(user="ann", context={"abandonment": 0.7})):
        made = field_values(situation, FIELDS)
        assert {name: type(value) for name, value in made.items()} == {
            name: KINDS[kind] for name, kind in FIELDS.items()
        }


def test_a_worker_does_not_start_with_an_audience_that_cannot_be_used(tmp_path):
    path = tmp_path / "offers.toml"
    path.write_text(
        """
        [markets.default]
        rules.audience.when = "visitor.knwon"
        """
    )
    with pytest.raises(
        SetupError, match=r"offers\.toml: markets\.default\.rules\.audience\.when .*'visitor\.knwon'"
    ):
        Settings(offers=path).shop()
