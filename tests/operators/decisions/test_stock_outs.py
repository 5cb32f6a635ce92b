"""An offer on a product that sells out is revoked, once, whatever comes first and whatever crashes."""

import pytest

from operators.streaming.ids import name_of
from operators.streaming.messages import MarketBatch, ProductChange
from tests.builders import (
    PART,
    PRODUCTS,
    T0,
    World,
    carted,
    item,
    looked,
    of_type,
    offer,
    ordered,
    product,
    rules,
    shop,
)

ENDS = ("offer.revoked", "offer.expired", "offer.redeemed")


def offered(ordered_mode=False, of=None, **more):
    """A cart goes quiet and is offered something at 130."""
    world = World(of, arm="ten_percent", catalog=True, ordered=ordered_mode, **more)
    world.stocked(product(0, stock=3), product(0, "sock", stock=9))
    world.tell(carted(10, price=80.0), looked(200, "bob"))
    if ordered_mode:
        world.stocked(product(300, "hat"))
        world.tell(looked(300, "bob"))
    assert len(world.lines("offer.decided")) == 1
    return world


def ends(world):
    world.end()
    return [(each["type"], each["data"]["reason"]) for each in world.lines(*ENDS)]


@pytest.mark.parametrize("ordered_mode", [False, True])
def test_an_open_offer_on_a_product_that_sells_out_is_revoked(ordered_mode):
    world = offered(ordered_mode)
    world.stocked(product(400, stock=0))
    assert ends(world) == [("offer.revoked", "out_of_stock")]
    [revoked] = world.lines("offer.revoked")
    assert revoked["causationid"] == name_of("product", "shoe", repr(T0 + 400))


@pytest.mark.parametrize(
    "change",
    [product(400, "sock", stock=0), product(400, stock=1), product(400), product(400, "hat", stock=0)],
    ids=["another product", "still one", "not told", "unheard of"],
)
def test_what_is_still_in_stock_ends_no_offer(change):
    world = offered()
    world.stocked(change)
    assert ends(world) == [("offer.expired", "expired")]


def test_a_product_that_is_removed_from_the_catalog_ends_no_offer():
    world = offered()
    gone = ProductChange(at_s=T0 + 400, id="gone", market="default", sku="shoe", product=None)
    world.market().process([MarketBatch("default", (gone,), ())])
    assert ends(world) == [("offer.expired", "expired")]


def test_the_products_that_an_offer_needs_end_it_too():
    world = offered(of=shop(offer(skus=("sock",))))
    world.stocked(product(400, "sock", stock=0))
    assert ends(world) == [("offer.revoked", "out_of_stock")]


def test_as_many_pieces_as_the_shop_wants_must_be_there():
    world = offered(of=shop(rules=rules(stock={"at_least": 3})))
    world.stocked(product(400, stock=2))
    assert ends(world) == [("offer.revoked", "out_of_stock")]


def test_an_offer_that_is_over_is_not_revoked():
    world = offered()
    world.tell(ordered(300, items=[item("shoe", price=80.0)]))
    world.stocked(product(400, stock=0))
    assert ends(world) == [("offer.revoked", "purchased")]
    assert world.market().decisions._open.on_product("shoe") == ()


def test_an_offer_that_expired_before_the_product_sold_out_has_expired():
    world = offered()
    world.stocked(product(130 + 1801, stock=0))
    assert ends(world) == [("offer.expired", "expired")]


def test_no_offer_is_made_on_what_is_sold_out():
    world = World(arm="ten_percent", catalog=True)
    world.stocked(product(0, stock=0))
    world.tell(carted(10, price=80.0), looked(200, "bob"))
    [decision] = world.lines("decision")
    assert decision["removed"] == {"ten_percent": "out_of_stock"}


def test_in_immediate_mode_no_offer_is_made_on_what_is_known_to_have_sold_out_meanwhile():
    world = World(arm="ten_percent", catalog=True)
    world.stocked(product(0, stock=3), product(150, stock=0))
    world.tell(carted(10, price=80.0), looked(200, "bob"))
    [decision] = world.lines("decision")
    assert decision["removed"] == {"ten_percent": "out_of_stock"}


def test_in_ordered_mode_a_decision_reads_the_stock_of_its_moment():
    world = World(arm="ten_percent", catalog=True, ordered=True)
    world.stocked(product(0, stock=3), product(150, stock=0), product(500, stock=4))
    world.tell(carted(10, price=80.0), looked(600, "bob"))
    world.stocked(product(600, "hat"))
    [decision] = world.lines("decision")
    assert decision["removed"] == {}
    assert ends(world) == [("offer.revoked", "out_of_stock")]


def test_in_immediate_mode_a_change_of_before_the_decision_that_is_read_after_it_ends_the_offer():
    world = offered()
    world.stocked(product(100, stock=0))
    [revoked] = world.lines("offer.revoked")
    [decided] = world.lines("offer.decided")
    assert revoked["data"]["at"] == decided["data"]["at"]
    assert ends(world) == [("offer.revoked", "out_of_stock")]


@pytest.mark.parametrize("first", ["product", "moment"])
def test_a_revocation_is_the_same_after_a_crash_whatever_is_read_first(first):
    world = World(arm="ten_percent", catalog=True)
    world.stocked(product(0, stock=3))
    world.tell(carted(10, price=80.0))
    sealed = world.snapshot()
    world.tell(looked(200, "bob"))
    world.stocked(product(400, stock=0))
    before = world.lines("offer.decided", *ENDS)
    assert [each["type"] for each in before] == ["offer.decided", "offer.revoked"]
    world.emitted.clear()
    world.crash(sealed)
    for part in (PRODUCTS, PART) if first == "product" else (PART, PRODUCTS):
        world.read_again(part, 10)
    world.end()
    assert of_type(world.lines("offer.decided", *ENDS), "offer.decided", *ENDS) == before


def test_an_offer_says_what_the_catalog_knows_of_its_products():
    world = World(arm="ten_percent", catalog=True)
    world.stocked(product(0, stock=3, title="Trail shoe", url="https://shop.example/shoe"))
    world.tell(carted(10, price=80.0), looked(200, "bob"))
    [offered] = world.lines("offer.decided")
    [line] = offered["data"]["cart"]["items"]
    assert (line["title"], line["url"], line["image"]) == ("Trail shoe", "https://shop.example/shoe", None)
