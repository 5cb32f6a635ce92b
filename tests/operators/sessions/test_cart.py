"""What is in a cart, whatever the order in which it is told."""

from hypothesis import given
from hypothesis import strategies as st

from operators.sessions.cart import LINES, PIECES, RECENT, Cart, CartChange
from operators.streaming.messages import RANK
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
    return {sku: held.quantity for sku, held in of.lines.items()}


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
    assert (made.value, made.quantity, made.peak_value) == (80.0, 2, 125.0)


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
    assert one.lines == other.lines
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
    assert cart(*early, *in_order).lines == cart(*early, *late).lines


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
    made = cart(*(change(at, "added", line(f"sku{at}", 1.0, PIECES)) for at in range(LINES + 50)))
    assert len(made.lines) == LINES
    made.apply(change(1000, "added", line("sku0", 1.0, PIECES)), 990.0)
    assert made.lines["sku0"].quantity == PIECES
