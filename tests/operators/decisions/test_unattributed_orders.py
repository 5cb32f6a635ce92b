"""Which orders met nobody known: counted once each, and taken back where somebody is found later."""

import pytest

from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.identities import Identities
from operators.decisions.order_joins import ENOUGH
from tests.builders import DAY, MINUTE, Desk, World, carted, event, looked, ordered


def joins(machine):
    return machine.statistics.diagnosis.joins


def of(desk):
    """How many orders came, and how many of them met nobody."""
    found = joins(desk.machine)
    return found.seen, round(found.unattributed, 1)


def test_an_order_that_is_attributed_has_joined():
    desk = Desk()
    desk.idle(0)
    desk.order(60)
    assert of(desk) == (1, 0)


def test_an_order_of_nobody_known_has_not():
    desk = Desk()
    desk.order(60, "server", user_id="u")
    assert of(desk) == (1, 1)
    assert joins(desk.machine).by_key["user"] == 1


def test_a_cart_that_was_bought_elsewhere_joins_whichever_is_read_first():
    desk = Desk()
    desk.bought(60, "ann", "c", "o")
    desk.order(60, None, order_id="o", user_id="u")
    assert of(desk) == (1, 0)
    desk = Desk()
    desk.order(60, None, order_id="o", user_id="u")
    assert of(desk) == (1, 1)
    desk.bought(60, "ann", "c", "o")
    assert of(desk) == (1, 0)
    assert joins(desk.machine).by_key["user"] == 0


def test_a_user_who_was_seen_browsing_joins_and_one_known_from_orders_alone_does_not():
    desk = Desk()
    desk.order(0, "server 1", user_id="u", order_id="a")
    desk.order(60, "server 2", user_id="u", order_id="b")
    assert of(desk) == (2, 2)
    desk.login(120, "ann", "u")
    desk.order(180, "server 3", user_id="u", order_id="c")
    assert of(desk) == (3, 2)


def test_an_order_that_is_told_again_counts_once_and_may_join_then():
    desk = Desk()
    desk.idle(0)
    for n in range(3):
        desk.order(60 + n, None, order_id="o", id=f"server {n}", user_id="u")
    assert of(desk) == (1, 1)
    desk.order(70, "ann", order_id="o", id="page")
    assert of(desk) == (1, 0)
    desk.order(80, "ann", order_id="o", id="page again")
    assert of(desk) == (1, 0)


def test_what_is_read_again_after_a_crash_counts_as_if_it_had_not_been():
    desk = Desk()
    before = desk.machine.snapshot()
    desk.order(60, "server", order_id="o")
    again = Desk(ledger=desk.ledger, state=before)
    again.order(60, "server", order_id="o")
    assert of(again) == of(desk) == (1, 1)


def test_a_link_from_an_order_becomes_one_of_the_clickstream():
    known = Identities(MemoryLedger())
    known.link("server", "u", 10.0, browsed=False)
    assert not known.has_browsed("u", 11.0)
    known.link("server", "u", 12.0)
    assert known.has_browsed("u", 13.0)
    assert not known.has_browsed("u", 11.0 - DAY)
    known.link("server", "u", 2 * DAY, browsed=False)
    assert known.has_browsed("u", 2 * DAY)


def shares(world):
    """What the market says of the orders so far."""
    found = world.market().figures()
    return found["orders_seen"], round(found["orders_unattributed_share"], 2)


def test_orders_of_buyers_who_were_there_join_without_a_decision():
    world = World()
    for n in range(ENOUGH):
        world.tell(looked(n * MINUTE, f"v{n}"), ordered(n * MINUTE + 20, f"v{n}"))
    assert shares(world) == (ENOUGH, 0.0)


@pytest.mark.parametrize(
    "keys", [{"cart_id": True}, {"user_id": True}], ids=["by their cart", "by their user"]
)
def test_orders_of_a_server_join(keys):
    world = World()
    for n in range(ENOUGH):
        own = {name: f"{name}-{n}" for name in keys}
        world.tell(carted(n * MINUTE, f"v{n}", **own))
        world.tell(ordered(n * MINUTE + 20, None, order_id=f"o{n}", id=f"o{n}", **own))
    assert shares(world) == (ENOUGH, 0.0)


def test_orders_of_a_server_that_share_nothing_with_the_clickstream_are_the_first_thing_said():
    world = World()
    for n in range(ENOUGH):
        world.tell(carted(n * MINUTE, f"v{n}", cart_id=f"c{n}"), event("activity", n * MINUTE + 1, f"v{n}"))
        world.tell(ordered(n * MINUTE + 20, None, order_id=f"o{n}", id=f"o{n}", user_id=f"u{n}"))
    assert shares(world) == (ENOUGH, 1.0)
    figures = world.market().figures()
    assert figures["unattributed_with_user"] == pytest.approx(1.0)
    assert figures["unattributed_with_cart"] == 0.0


def test_a_buyer_whose_visit_is_over_is_still_known():
    world = World()
    for n in range(ENOUGH):
        world.tell(looked(n * MINUTE, f"v{n}"))
    for n in range(ENOUGH):
        world.tell(ordered(DAY + n * MINUTE, f"v{n}"))
    assert shares(world) == (ENOUGH, 0.0)
