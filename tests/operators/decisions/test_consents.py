"""Who agreed to offers on which channel: by visitor, by user, by person, as known at a time."""

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.consents import CHANGES, MEMORY_S, REFRESH_S, ConsentGiven, Consents
from operators.streaming.messages import ConsentKnown
from tests.builders import DAY, OFTEN


def said(at, visitor="phone", user=None, source="event", happened=None, **consent):
    return ConsentKnown(
        at_s=float(at),
        visitor=visitor,
        id=f"{visitor}-{at}",
        market="default",
        consent=consent,
        source=source,
        user=user,
        happened_s=happened,
    )


class Person:
    """Whoever is called so: two visitors of one user."""

    def __init__(self, *heard, store=None):
        self.store = MemoryLedger() if store is None else store
        self.known = Consents(self.store)
        self.hear(*heard)

    def hear(self, *heard):
        for each in heard:
            self.known.know(each)
        return self

    def email(self, at=1000.0, visitors=("phone", "laptop"), user="u"):
        return self.known.of(visitors, () if user is None else (user,), at).get("email")


def test_nobody_has_agreed_to_anything_at_first():
    assert Person().known.of(("phone",), (), 10.0) == {}


def test_consent_holds_from_its_time_and_says_when_and_where_it_was_given():
    person = Person(said(10, email=True, app=False))
    assert person.known.of(("phone",), (), 9.9) == {}
    assert person.known.of(("phone",), (), 10.0) == {
        "email": ConsentGiven(True, 10.0, "event"),
        "app": ConsentGiven(False, 10.0, "event"),
    }


def test_the_latest_news_of_an_identity_counts():
    person = Person(said(10, email=True), said(20, email=False), said(30, email=True))
    assert [person.email(at).granted for at in (15, 25, 35)] == [True, False, True]


def test_to_repeat_a_grant_is_no_news_and_undoes_no_denial_of_the_same_person():
    person = Person(said(10, email=True), said(20, "laptop", email=False), said(30, email=True))
    assert person.email() == ConsentGiven(False, 20.0, "event")
    person.hear(said(40, "laptop", email=True))
    assert person.email() == ConsentGiven(True, 40.0, "event")


def test_a_user_has_the_consent_of_its_visitors_and_repeating_it_logged_in_is_no_news():
    heard = (said(10, email=True), said(20, "laptop", "u", email=False), said(30, "phone", "u", email=True))
    person = Person(*heard)
    assert person.email(visitors=("tablet",)) == ConsentGiven(False, 20.0, "event")
    late = Person(said(10, email=True), said(20, "laptop", email=False), said(30, "phone", "u", email=True))
    assert late.email(visitors=("tablet",)) == ConsentGiven(True, 10.0, "event")
    assert late.email() == ConsentGiven(False, 20.0, "event")


def test_at_the_same_time_the_denial_counts():
    for heard in ((True, False), (False, True)):
        person = Person(said(10, "a", email=heard[0]), said(10, "b", email=heard[1]))
        assert person.email(visitors=("a", "b")).granted is False
        again = Person(*(said(10, email=is_given) for is_given in heard))
        assert again.email().granted is False


def test_a_page_that_repeats_a_grant_does_not_undo_what_controls_denied():
    person = Person(said(10, "phone", "u", email=True))
    person.hear(said(20, "", "u", "controls", email=False), said(30, "phone", "u", email=True))
    assert person.email() == ConsentGiven(False, 20.0, "controls")
    person.hear(said(40, "phone", "u", email=False), said(50, "phone", "u", email=True))
    assert person.email() == ConsentGiven(True, 50.0, "event")


def test_what_comes_late_counts_by_when_it_was_said_and_is_known_from_when_it_came():
    person = Person(said(10, email=True), said(30, happened=20.0, email=False))
    assert person.email(25.0).granted is True
    assert person.email(30.0) == ConsentGiven(False, 20.0, "event")
    person.hear(said(40, email=True), said(50, happened=25.0, email=False))
    assert person.email(60.0) == ConsentGiven(True, 40.0, "event")


def test_consent_is_forgotten_after_a_month_in_which_it_was_not_said():
    person = Person(said(0, on_site=False), said(20 * DAY, on_site=False))
    assert person.known.of(("phone",), (), 20 * DAY + MEMORY_S) != {}
    assert person.known.of(("phone",), (), 20 * DAY + MEMORY_S + REFRESH_S) == {}
    person.store.forget_identities(20 * DAY + 1)
    assert person.known.of(("phone",), (), 20 * DAY + 2) == {}


def test_what_controls_said_is_not_forgotten():
    person = Person(said(0, "", "u", "controls", email=False), said(DAY, "phone", "u", email=True))
    person.store.forget_identities(400 * DAY)
    assert person.email(DAY - 1) == ConsentGiven(False, 0.0, "controls")
    assert person.email(400 * DAY, visitors=()) == ConsentGiven(True, DAY, "event")


def test_one_who_cannot_decide_is_remembered_up_to_a_bound():
    person = Person(*(said(at, "", "u", email=bool(at % 2)) for at in range(100)))
    person.hear(said(100, "", "u", "controls", email=True))
    changes = person.known._known("consent of user u", 1000.0).changes
    assert len(changes) == CHANGES + 1
    assert person.email() == ConsentGiven(True, 100.0, "controls")


heard = st.lists(
    st.builds(
        lambda at, earlier, **more: said(at, happened=None if earlier is None else at - earlier, **more),
        at=st.integers(0, 12),
        earlier=st.sampled_from([None, None, 1.0, 5.0]),
        visitor=st.sampled_from(["phone", "laptop", ""]),
        user=st.sampled_from([None, "u"]),
        source=st.sampled_from(["event", "event", "controls"]),
        email=st.booleans(),
    ).filter(lambda event: event.visitor or event.user),
    max_size=8,
).map(lambda events: sorted(events, key=lambda event: event.at_s))


def readings(person, heard):
    """What is known when all of one time has been heard."""
    for at_s, events in groupby(heard, key=lambda event: event.at_s):
        person.hear(*events)
        yield at_s, person.email(at_s)


@OFTEN
@given(heard, st.integers(0, 8))
def test_what_is_read_again_after_a_crash_finds_and_leaves_the_same(heard, cut):
    once, again = Person(), Person(*heard)
    first = list(readings(once, heard))
    second = list(readings(again, heard[cut:]))
    assert second == first[len(first) - len(second) :]
    assert [once.email(at) for at in range(14)] == [again.email(at) for at in range(14)]
