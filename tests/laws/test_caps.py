"""Law 9, of caps: nobody gets more offers than a cap allows, and no market makes more."""

from collections import Counter
from zlib import crc32

import pytest

from schemas.shop import Shop
from tests.builders import World
from tests.laws.shopping import OFFERS, jumbled, log

PERSON, MARKET = 2, 30
SHOP = Shop.model_validate(
    {
        "rules": {
            "cooldown": dict.fromkeys(("after_offer", "after_purchase", "after_dismissal"), "0s"),
            "freshness": dict.fromkeys(("on_site", "app", "email"), "9d"),
            "consent": {"required": []},
        },
        "caps": {
            "few": {"at_most": PERSON, "by": "hour"},
            "rush": {"per": "market", "at_most": MARKET, "by": "hour"},
        },
        "markets": {
            "default": {"margin_rate": 0.3, "holdout": 0.0},
            "uk": {"margin_rate": 0.4, "holdout": 0.0},
        },
        "offers": [offer | {"expires_after": "1m", "reward_window": "1m"} for offer in OFFERS],
    }
)


def account(visitor):
    """The account of every third visitor; six have it together."""
    number = crc32(visitor.encode())
    return f"u{number % 7}" if number % 3 == 0 else None


def events_of():
    """A busy hour and a half in which people come back every few minutes, on one device or another."""
    for event in log(seed=9, visitors=120, minutes=90):
        event.pop("user_id", None)
        user = account(event["visitor_id"])
        yield event if user is None else event | {"user_id": user}


@pytest.fixture(scope="module", params=["ordered", "immediate", "out of order", "crashing"])
def decided(request):
    """All decisions; crashing: everything but the ledgers goes back some minutes, again and again."""
    events = list(events_of())
    if request.param == "out of order":
        events = jumbled(events)
    world = World(SHOP, ordered=request.param == "ordered", arm=None)
    old = world.snapshot()
    for start in range(0, len(events), 50):
        world.tell(*events[start : start + 50])
        if request.param == "crashing" and start % 200 == 0:
            old, before = world.snapshot(), old
            world.crash(before)
            (part,) = world.readers
            world.read_again(part, 50)
    world.end()
    known = {record["decision_id"]: record for record in world.lines("decision")}
    return list(known.values())


def counts(decided, person):
    """How many offers were made in each hour, of a market or of each of its people."""
    made = [each for each in decided if each["offer_id"] is not None]
    return Counter(
        (each["market"], each["at"][:13], person and (account(each["visitor_id"]) or each["visitor_id"]))
        for each in made
    )


def test_nobody_gets_more_offers_in_an_hour_than_a_cap_allows(decided):
    assert max(counts(decided, person=True).values()) == PERSON
    assert any("cap" in each["removed"].values() for each in decided)


def test_no_market_makes_more_offers_in_an_hour_than_a_cap_allows(decided):
    assert max(counts(decided, person=False).values()) == MARKET
    assert any("cap_total" in each["removed"].values() for each in decided)
