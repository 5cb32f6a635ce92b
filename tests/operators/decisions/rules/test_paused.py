"""What was stopped: an offer, a market, all."""

from operators.decisions.rules.paused import Paused
from schemas.shop import Market, Shop
from tests.builders import offer
from tests.operators.decisions.rules.asking import configured, now, of


def test_an_offer_that_is_paused_is_not_made():
    rule = configured(Paused(), of())
    assert rule.removes(offer(paused=True), now()) == "paused"
    assert rule.removes(offer("mail"), now()) is None


def test_a_market_that_is_killed_makes_no_offer():
    shop = Shop(markets={"default": Market(name="default", killed=True), "uk": Market(name="uk")})
    rule = Paused()
    rule.configure(shop, shop.markets["default"])
    assert rule.removes(offer(), now()) == "killed"
    rule.configure(shop, shop.markets["uk"])
    assert rule.removes(offer(), now()) is None


def test_a_shop_that_is_killed_makes_no_offer_anywhere():
    assert configured(Paused(), of(killed=True)).removes(offer(paused=True), now()) == "killed"
