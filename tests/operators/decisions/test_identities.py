"""Which visitors are one person."""

from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.identities import MEMORY_S, REFRESH_S, USERS, VISITORS, Identities
from tests.builders import DAY


def identities():
    return Identities(MemoryLedger())


def test_visitors_who_were_seen_with_one_user_are_one_person():
    known = identities()
    known.link("phone", "u", 10.0)
    known.link("laptop", "u", 20.0)
    known.link("other", "w", 20.0)
    assert known.visitors("phone", None, 30.0) == ("phone", "laptop")
    assert known.visitors("tablet", "u", 30.0) == ("tablet", "phone", "laptop")
    assert known.visitors("", "u", 30.0) == ("phone", "laptop")
    assert known.visitors("stranger", None, 30.0) == ("stranger",)
    assert known.visitors("", None, 30.0) == ()


def test_a_link_holds_from_the_time_at_which_it_was_seen():
    known = identities()
    known.link("phone", "u", 10.0)
    known.link("laptop", "u", 20.0)
    assert known.visitors("phone", None, 15.0) == ("phone",)


def test_a_shared_device_belongs_to_all_its_users():
    known = identities()
    for visitor, user in (("kiosk", "u"), ("kiosk", "w"), ("phone", "u"), ("laptop", "w")):
        known.link(visitor, user, 10.0)
    assert set(known.visitors("kiosk", None, 10.0)) == {"kiosk", "phone", "laptop"}
    assert set(known.visitors("phone", None, 10.0)) == {"phone", "kiosk"}


def test_a_link_is_forgotten_after_a_month_without_a_sight():
    known = identities()
    known.link("phone", "u", 0.0)
    known.link("laptop", "u", 0.0)
    known.link("phone", "u", 20 * DAY)
    late_s = MEMORY_S + REFRESH_S + DAY
    assert known.visitors("tablet", "u", late_s) == ("tablet", "phone")
    known.link("tablet", "u", late_s)
    assert known.visitors("", "u", 30 * DAY + late_s) == ("tablet",)


def test_a_user_keeps_the_latest_visitors_and_a_visitor_the_latest_users():
    known = identities()
    for n in range(VISITORS + 5):
        known.link(f"v{n}", "u", float(n))
    assert known.visitors("", "u", 100.0) == tuple(f"v{n}" for n in range(5, VISITORS + 5))
    for n in range(USERS + 2):
        known.link("kiosk", f"u{n}", float(n))
        known.link(f"of u{n}", f"u{n}", float(n))
    assert set(known.visitors("kiosk", None, 100.0)) == {"kiosk", *(f"of u{n}" for n in range(2, USERS + 2))}


def test_the_user_of_a_visitor_is_known_unless_there_were_several():
    known = identities()
    known.link("phone", "u", 10.0)
    assert [known.see("phone", None, at_s, at_s)[0] for at_s in (5.0, 20.0)] == [None, "u"]
    known.link("phone", "w", 30.0)
    assert known.see("phone", None, 40.0, 40.0)[0] is None
    assert known.see("stranger", None, 40.0, 40.0) == (None, (), ("stranger",))
