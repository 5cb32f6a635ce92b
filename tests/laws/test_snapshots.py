"""Law 16: a snapshot costs what changed, however much is remembered."""

from datetime import timedelta

import msgspec
import pytest

from operators.decisions.market import DUE_AT_ONCE
from operators.state.rows import changes_in
from schemas.shop import Shop
from tests.builders import HOUR, World, carted, event, offer, ordered, shop

FEW, MANY = 40, 800
OFFERS = [offer(reward_window=timedelta(hours=72), max_discount=20.0), offer("mail", channel="email")]


def market():
    """A shop with caps, a budget and cooldowns: whatever remembers what was decided."""
    of = shop(*OFFERS, holdout=0.1)
    caps = {"few": {"at_most": 3, "by": "week"}, "all": {"per": "market", "at_most": 10**6, "by": "day"}}
    budgets = {"all": {"amount": 1e6, "by": "day", "offers": ["ten_percent"]}}
    return Shop.model_validate({**of.document, "caps": caps, "budgets": budgets})


def person(number, at):
    """Logs in, fills a cart, and leaves it behind."""
    visitor, user = f"v{number}", f"u{number}"
    return carted(at, visitor, cart_id=f"c{number}", user_id=user, id=f"in {visitor}")


def remembering(persons):
    """A world in which so many persons have left their carts behind, each with an open decision."""
    world = World(market())
    world.tell(*(person(number, number / 100) for number in range(persons)))
    world.wait(150)
    for second in range(MANY // DUE_AT_ONCE + 1):
        world.wait(HOUR + second)
    world.snapshot()
    return world


def epoch(world, persons):
    """The same traffic, however many persons there are: new carts, an order, a log-in, a click."""
    at = HOUR + 60
    world.tell(*(person(number, at) for number in range(persons, persons + 5)))
    world.tell(ordered(at + 1, "v1", cart_id="c1", order_id="o1", user_id="u1"))
    world.tell(event("page_viewed", at + 2, visitor="v2", user_id="another"))
    world.wait(HOUR + 250)
    return world.snapshot()


def written(snapshot):
    """How many rows a snapshot holds, and their bytes; whatever else it holds is bounded by law 6."""
    _, shards, markets = snapshot
    rows = [msgspec.msgpack.decode(state)[-1] for state in shards.values()]
    rows += [msgspec.msgpack.decode(msgspec.msgpack.decode(state)[-1])[-1] for state in markets.values()]
    return sum(len(changes_in(each)) for each in rows), sum(map(len, rows))


@pytest.fixture(scope="module")
def worlds():
    return {persons: remembering(persons) for persons in (FEW, MANY)}


def test_a_snapshot_costs_what_changed(worlds):
    few, many = (written(epoch(world, persons)) for persons, world in worlds.items())
    shards, decisions = worlds[MANY].dataflow.shards.values(), worlds[MANY].market().decisions
    assert decisions.figures()["open_decisions"] >= MANY
    assert decisions.figures()["budget_reservations"] >= MANY / 4
    assert sum(len(shard._sessions._abandoned) for shard in shards) >= MANY - 1
    assert [now <= 1.2 * before for before, now in zip(few, many, strict=True)] == [True, True]
