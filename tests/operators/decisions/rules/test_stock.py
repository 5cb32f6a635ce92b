"""No offer is made on a product that is not in stock."""

import pytest

from operators.decisions.rules.stock import StockRule
from operators.streaming.messages import Product
from tests.builders import moment, offer, shop
from tests.situations import situation_with


def removed(products, made=None, at_least=1):
    of = shop(rules={"stock": {"at_least": at_least}})
    rule = StockRule()
    rule.configure(of, of.markets["default"])
    return rule.removes(offer() if made is None else made, situation_with(products, of, moment(0)))


@pytest.mark.parametrize(("stock", "at_least", "reason"), [
    (0, 1, "out_of_stock"),
    (-2, 1, "out_of_stock"),
    (1, 1, None),
    (4, 5, "out_of_stock"),
    (0, 0, None),
    (None, 1, None),
])  # fmt: skip
def test_a_cart_needs_so_many_pieces_of_each_product(stock, at_least, reason):
    assert removed({"shoe": Product(stock=stock)}, at_least=at_least) == reason


def test_a_product_that_the_catalog_does_not_know_is_in_stock():
    assert removed({}) is None


def test_an_offer_needs_its_own_products_too():
    gift = offer("gift", skus=("socks",))
    products = {"shoe": Product(stock=3), "socks": Product(stock=0)}
    assert removed(products, gift) == "out_of_stock"
    assert removed(products) is None


def test_the_cart_is_looked_at_again_at_every_moment():
    of = shop()
    rule = StockRule()
    rule.configure(of, of.markets["default"])
    assert rule.removes(offer(), situation_with({"shoe": Product(stock=0)}, of, moment(0))) is not None
    assert rule.removes(offer(), situation_with({"shoe": Product(stock=1)}, of, moment(0))) is None
