"""Which open offers stand once more is known of a person: logins, refusals, purchases, stops."""

import pytest

from flows.stores.memory_ledger import MemoryLedger
from operators.streaming.messages import ConsentKnown
from schemas.rules import Rules
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Desk,
    World,
    carted,
    looked,
    of_type,
    offer,
    ordered,
    product,
    rules,
    shop,
)

HELD = {"quiet_hours": {"on_site": {"start": "22:00", "end": "07:00"}}}  # T0 is at 22:13


def cooling(**lengths):
    """Rules without a cooldown, but for these lengths."""
    none = dict.fromkeys(("after_offer", "after_purchase", "after_dismissal"), "0s")
    return Rules.model_validate({"cooldown": none | lengths, "consent": {"required": []}})


def made(said):
    (found,) = of_type(said, "offer.decided")
    return found["data"]["offer_id"]


def ends(said):
    found = of_type(said, "offer.expired", "offer.revoked", "offer.redeemed")
    return [(each["data"]["offer_id"], each["data"]["reason"]) for each in found]


def refuses(desk, at, visitor="ann", user=None, *, channel="on_site"):
    """Somebody wants no offers on a channel."""
    event = ConsentKnown(
        at_s=T0 + at,
        visitor=visitor,
        id=f"said-{at}",
        market="default",
        consent={channel: False},
        source="event",
        user=user,
    )
    return desk._read(desk.machine.know_person(event))


def test_of_two_visitors_who_turn_out_to_be_one_person_the_later_offer_is_revoked():
    desk = Desk()
    first, second = made(desk.idle(0, "phone")), made(desk.idle(10, "laptop"))
    desk.login(20, "phone", "u")
    assert ends(records := desk.login(30, "laptop", "u")) == [(second, "second_offer")]
    assert records[0]["causationid"] == "laptop-30"
    assert ends(desk.wait(4000)) == [(first, "expired")]


def test_an_offer_from_before_a_purchase_ends_when_its_holder_turns_out_to_be_the_buyer():
    desk = Desk()
    bought, later = made(desk.idle(0, "phone")), desk.idle(100, "tablet")
    desk.order(50, "laptop", user_id="u")
    assert ends(desk.login(200, "phone", "u")) == [(bought, "purchased")]
    assert ends(desk.login(210, "tablet", "u")) == []
    assert made(later)


def test_an_offer_ends_when_its_channel_is_refused_by_any_identity_of_the_person():
    desk = Desk()
    mine, other = made(desk.idle(0)), made(desk.idle(10, "bob"))
    assert ends(refuses(desk, 20, channel="email")) == []
    assert ends(refuses(desk, 30)) == [(mine, "consent_withdrawn")]
    desk.login(40, "bob", "u")
    assert ends(refuses(desk, 50, "", "u")) == [(other, "consent_withdrawn")]


def test_a_login_brings_the_refusal_of_another_device():
    desk = Desk()
    mine = made(desk.idle(0))
    refuses(desk, 10, "phone", "u")
    assert ends(desk.login(20, "ann", "u")) == [(mine, "consent_withdrawn")]


def test_a_held_offer_is_never_published_once_its_channel_is_refused():
    desk = Desk(of=shop(rules=rules(**HELD)))
    assert of_type(desk.idle(0), "offer.decided") == []
    refuses(desk, 60)
    assert of_type(desk.wait(86_400), "offer.decided", "offer.revoked") == []


def test_a_held_offer_is_not_published_by_a_market_that_went_into_shadow():
    desk = Desk(of=shop(rules=rules(**HELD)))
    desk.idle(0)
    desk.control(60, markets__default__rollout__stage="shadow")
    assert of_type(desk.wait(86_400), "offer.decided") == []


def test_a_cart_that_two_strangers_share_has_one_open_offer():
    desk = Desk()
    assert made(desk.idle(0, "ann", cart="shared"))
    assert desk.idle(10, "bob", cart="shared") == []
    again = desk.idle(4000, "bob", cart="shared")
    assert [each["type"] for each in again][:1] == ["offer.expired"]
    assert made(again)


@pytest.mark.parametrize("after", ["0s", "24h"])
def test_who_bought_as_a_user_alone_gets_no_offer_about_what_was_before(after):
    desk = Desk(of=shop(rules=cooling(after_purchase=after)))
    desk.order(50, None, user_id="u")
    desk.login(60, "phone", "u")
    (decision,) = of_type(desk.idle(40, "phone", user="u"), "decision")
    assert set(decision["removed"].values()) == {"cooldown_purchase"}


def test_a_timer_that_fires_late_knows_the_purchase_that_is_read_with_it():
    world = World(arm="ten_percent")
    world.tell(carted(0))
    said = world.tell(ordered(121))
    assert [each["arm"] for each in of_type(said, "decision")] == ["no_offer"]
    assert of_type(said, "offer.decided") == []


def test_a_timer_that_fires_late_knows_a_refusal_and_a_login_that_were_read_before():
    world = World(shop(rules=rules(cooldown="0s")), arm="ten_percent")
    world.tell(carted(0), carted(1, "bob"))
    world.tell(looked(119, "phone", user_id="u", consent={"on_site": False}))
    world.tell(looked(125, "ann", consent={"on_site": False}), looked(126, "bob", user_id="u"))
    world.wait(250)
    removed = [each["removed"].get("ten_percent") for each in world.lines("decision")]
    assert removed == ["no_consent", "no_consent"]


def test_no_offer_ends_before_it_was_made():
    desk = Desk()
    desk.idle(100)
    (revoked,) = of_type(desk.order(90), "offer.revoked")
    assert revoked["data"]["at"] == "2023-11-14T22:15:00.000000Z"


def test_an_offer_put_away_after_its_end_cools_down_too():
    desk = Desk(of=shop(rules=cooling(after_dismissal="24h")))
    over = made(desk.idle(0))
    desk.wait(4000)
    desk.feedback("dismissed", 4100, over, "bob")
    desk.feedback("dismissed", 4100, over)
    (decision,) = of_type(desk.idle(4200, cart="another"), "decision")
    assert set(decision["removed"].values()) == {"cooldown_dismissal"}
    assert made(desk.idle(4300, "bob"))


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (shop(offer(paused=True)), "paused"),
        (shop(offer("another")), "paused"),
        (shop(killed=True), "killed"),
    ],
    ids=["paused", "gone", "killed"],
)
@pytest.mark.parametrize("is_saved", [True, False])
def test_a_start_with_another_offers_file_revokes_what_that_stops(of, reason, is_saved):
    before = Desk(ledger=MemoryLedger())
    state = before.machine.snapshot()
    mine = made(before.idle(0))
    state = before.machine.snapshot() if is_saved else state
    after = Desk(of=of, ledger=before.ledger, state=state)
    assert ends(after.wait(60)) == [(mine, reason)]
    assert ends(after.wait(9000)) == []


def test_stock_that_ran_out_while_an_offer_was_held_keeps_it_unpublished():
    world = World(shop(rules=rules(**HELD)), catalog=True, arm="ten_percent")
    world.stocked(product(0, stock=5))
    world.tell(carted(10), looked(400, "bob"))
    world.stocked(product(500, stock=0))
    world.wait(86_400)
    assert world.lines("offer.decided", "offer.revoked") == []


@pytest.mark.parametrize("what", ["refusal", "purchase", "login"])
def test_an_offer_whose_time_has_just_come_is_not_published_by_what_ends_it(what):
    desk = Desk(of=shop(rules=rules(**HELD)))
    desk.idle(0)
    desk.login(5, "bob", "u")
    refuses(desk, 10, "bob")
    seven = 9 * HOUR - 800  # a second after it is published, and not read yet
    ends_it = {
        "refusal": lambda: refuses(desk, seven + 1),
        "purchase": lambda: desk.order(seven + 1),
        "login": lambda: desk.login(seven + 1, "ann", "u"),
    }
    said = [*ends_it[what](), *desk.wait(DAY)]
    assert of_type(said, "offer.decided", "offer.revoked") == []


def test_a_purchase_that_is_read_after_a_login_and_happened_before_it_ends_the_offers_of_all_devices():
    desk = Desk()
    mine = made(desk.idle(0, "phone"))
    desk.login(10, "phone", "u")
    desk.login(100, "laptop", "u")
    assert ends(desk.order(95, "laptop")) == [(mine, "purchased")]
