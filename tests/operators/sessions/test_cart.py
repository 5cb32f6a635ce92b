"""What is in a cart, whatever the order in which it is told."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from operators.sessions.cart import RECENT, RECENT_LINES, Cart, CartChange
from operators.sessions.cart_lines import LINES
from operators.streaming.messages import RANK
from schemas.events import MAX_PIECES
from tests.builders import OFTEN, line

CHANGES = {"added": "cart_item_added", "removed": "cart_item_removed", "replaced": "cart_updated"}
LATENESS_S = 10.0


def change(at_s, kind, *lines, id_=""):
    return CartChange(float(at_s), RANK[CHANGES[kind]], id_ or f"{kind}{at_s}", kind, lines)


def cart(*applied):
    made = Cart("cart", applied[0].at_s, applied[0].at_s)
    for each in applied:
        made.apply(each, each.at_s - LATENESS_S)
    return made


def content(of):
    pieces = dict.fromkeys((held.sku for held in of.lines.values()), 0)
    for held in of.lines.values():
        pieces[held.sku] += held.quantity
    return pieces


lines = st.builds(line, st.sampled_from("xyz"), st.sampled_from([1.0, 2.5, 9.99]), st.integers(1, 3))
changes = st.lists(
    st.tuples(st.integers(0, 10), st.sampled_from(list(CHANGES)), st.lists(lines, max_size=2)),
    min_size=1,
    max_size=RECENT,
)


def test_pieces_added_and_taken_out_are_counted_by_product():
    made = cart(
        change(0, "added", line("shoe", 50.0, 2)),
        change(1, "added", line("sock", 5.0)),
        change(2, "added", line("shoe", 40.0)),
        change(3, "removed", line("sock")),
        change(4, "removed", line("shoe", quantity=1)),
    )
    assert content(made) == {"shoe": 2}
    assert (made.value, made.quantity, made.peak_value) == (90.0, 2, 145.0)


def test_a_snapshot_of_the_cart_replaces_what_was_known():
    made = cart(change(0, "added", line("shoe")), change(1, "replaced", line("sock", 5.0, 3)))
    assert content(made) == {"sock": 3}
    assert content(cart(change(0, "added", line("shoe")), change(1, "replaced"))) == {}


def test_what_was_never_in_the_cart_can_be_taken_out_of_it():
    assert content(cart(change(0, "removed", line("shoe")), change(1, "added", line("sock")))) == {"sock": 1}


def test_a_snapshot_that_arrives_late_does_not_undo_what_was_added_after_it():
    made = cart(change(5, "added", line("sock")), change(3, "replaced", line("shoe")))
    assert content(made) == {"shoe": 1, "sock": 1}
    assert (made.started_s, made.changed_s) == (3.0, 5.0)


@OFTEN
@given(changes, st.randoms(use_true_random=False))
def test_any_order_of_arrival_within_the_lateness_gives_the_same_cart(told, random):
    applied = [
        change(at_s, kind, *lines, id_=f"{number:03d}") for number, (at_s, kind, lines) in enumerate(told)
    ]
    shuffled = list(applied)
    random.shuffle(shuffled)
    one, other = cart(*sorted(applied, key=lambda o: (o.at_s, o.rank, o.id))), cart(*shuffled)
    assert one.content == other.content
    assert (one.value, one.quantity, one.started_s, one.changed_s) == (
        other.value,
        other.quantity,
        other.started_s,
        other.changed_s,
    )


@OFTEN
@given(changes, changes, st.randoms(use_true_random=False))
def test_a_cart_long_settled_still_takes_the_latest_changes_in_any_order(first, then, random):
    early = [change(at, kind, *lines, id_=f"a{n:03d}") for n, (at, kind, lines) in enumerate(first)]
    late = [change(30 + at, kind, *lines, id_=f"b{n:03d}") for n, (at, kind, lines) in enumerate(then)]
    early.sort(key=lambda o: (o.at_s, o.rank, o.id))
    in_order = sorted(late, key=lambda o: (o.at_s, o.rank, o.id))
    random.shuffle(late)
    assert cart(*early, *in_order).content == cart(*early, *late).content


def test_what_happens_in_the_same_second_is_added_before_it_is_taken_out():
    taken_out, added = change(1, "removed", line("shoe"), id_="a"), change(1, "added", line("shoe"), id_="b")
    assert content(cart(change(0, "added", line("sock")), taken_out, added)) == {"sock": 1}


def test_a_cart_forgets_how_it_came_to_be():
    made = cart(*(change(at, "added", line("shoe")) for at in range(1000)))
    assert len(made.recent) <= LATENESS_S + 1
    at_once = cart(*(change(0, "added", line("shoe"), id_=f"{n:04d}") for n in range(1000)))
    assert len(at_once.recent) == RECENT
    assert content(at_once) == content(made) == {"shoe": 1000}


def test_a_cart_of_a_robot_is_bounded_in_lines_and_pieces():
    made = cart(*(change(at, "added", line(f"sku{at}", 1.0, MAX_PIECES)) for at in range(LINES + 50)))
    assert (len(made.lines), made.content.lines_left_out) == (LINES, 50)
    assert made.value == made.quantity == (LINES + 50) * MAX_PIECES
    made.apply(change(1000, "added", line("sku0", 1.0, MAX_PIECES)), 990.0)
    assert made.lines["sku0"].quantity == MAX_PIECES


def test_a_cart_of_a_thousand_lines_is_worth_all_of_them_and_remembers_a_hundred():
    thousand = [line(f"P-{number}", 10.0, 2) for number in range(1000)]
    for made in (cart(change(0, "replaced", *thousand)), cart(change(0, "added", *thousand))):
        assert (made.value, made.quantity, len(made.lines)) == (20_000.0, 2000, LINES)
        assert made.content.lines_left_out == 900
        assert len(made.recent[0].lines) == LINES
        assert made.is_full


def test_a_snapshot_of_a_small_cart_leaves_nothing_out():
    thousand = [line(f"P-{number}", 10.0) for number in range(1000)]
    made = cart(change(0, "replaced", *thousand), change(1, "replaced", line("shoe", 50.0)))
    assert (made.value, made.quantity, made.content.lines_left_out) == (50.0, 1, 0)
    assert not cart(change(0, "replaced", *thousand), change(1, "replaced")).is_full


def test_a_late_change_of_a_large_cart_is_put_into_its_place():
    thousand = [line(f"P-{number}", 10.0) for number in range(1000)]
    made = cart(change(5, "added", line("shoe", 50.0)), change(3, "replaced", *thousand))
    assert (made.value, made.quantity, made.content.lines_left_out) == (10_050.0, 1001, 901)


def test_a_cart_is_partial_until_it_is_told_anew_or_empty():
    odd = msgspec.structs.replace(change(0, "added", line("shoe")), partial=True)
    assert cart(odd).content.partial
    assert cart(odd, change(1, "added", line("sock"))).content.partial
    assert not cart(odd, change(1, "replaced", line("sock"))).content.partial
    assert not cart(odd, change(1, "removed", line("shoe"))).content.partial


def test_of_a_removal_of_very_many_products_the_first_hundred_are_taken_out():
    many = [line(f"P-{number}", 10.0) for number in range(LINES + 1)]
    made = cart(change(0, "replaced", *many), change(1, "removed", *many))
    assert (made.lines, made.content.lines_left_out, made.content.partial) == ({}, 1, True)
    assert made.is_full


def test_a_cart_is_bounded_in_bytes_whatever_its_events_hold():
    made = Cart("cart", 0.0, 0.0)
    for at_s in range(40):
        large = [
            msgspec.structs.replace(line(f"{at_s}-{number}".ljust(200, "x"), 1.0), category="y" * 1000)
            for number in range(3 * LINES)
        ]
        made.apply(change(at_s, "replaced", *large), -1.0)
    assert sum(len(each.lines) for each in made.recent) <= RECENT_LINES
    assert len(msgspec.msgpack.encode(made)) < 700 * 500
    assert made.quantity == 3 * LINES


def test_changes_that_are_not_remembered_one_by_one_still_count():
    kept, folded = Cart("cart", 0.0, 0.0), Cart("cart", 0.0, 0.0)
    for at_s in range(8):
        many = [line(f"{at_s}-{number}") for number in range(LINES)]
        kept.apply(change(at_s, "replaced", *many), at_s - 0.5)
        folded.apply(change(at_s, "replaced", *many), -1.0)
    assert kept.content == folded.content
