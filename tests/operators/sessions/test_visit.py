"""What is remembered of one visit."""

from operators.sessions.visit import CATEGORIES, PRODUCTS, Visit
from tests.builders import T0, carted, looked, ordered, removed, searched, struct, viewed


def visit(*events):
    made = Visit("default", "ann", struct(events[0]).at_s, struct(events[0]).at_s)
    for event in events:
        made.observe(struct(event))
    return made


def test_a_visit_counts_what_was_done():
    events = looked(0), viewed(1), viewed(2), searched(3), carted(4), removed(5)
    seen = visit(*events)
    assert (seen.events, seen.page_views, seen.product_views, seen.searches) == (6, 1, 2, 1)
    assert (seen.cart_adds, seen.cart_removes) == (1, 1)


def test_an_event_that_arrives_late_moves_the_start_and_not_the_end():
    seen = visit(looked(10), looked(20), looked(5), looked(12))
    assert (seen.started_s, seen.last_s, seen.events) == (T0 + 5, T0 + 20, 4)


def test_a_late_event_does_not_end_a_silence():
    seen = visit(looked(10), looked(20))
    seen.idle_emitted = True
    seen.observe(struct(looked(15)))
    assert seen.idle_emitted
    seen.observe(struct(looked(25)))
    assert not seen.idle_emitted


def test_the_last_order_counts_whatever_the_order_of_arrival():
    assert visit(ordered(10), ordered(5)).ordered_s == T0 + 10


def test_who_it_is_and_on_what_is_kept_once_told():
    seen = visit(
        looked(0, device="phone", source="mail", session_id="s1"),
        looked(1, user_id="u1", source="search"),
        looked(2),
    )
    assert (seen.device, seen.source, seen.session, seen.user) == ("phone", "mail", "s1", "u1")


def test_a_robot_that_views_everything_fills_a_bounded_memory():
    robot = visit(*(viewed(at, sku=f"sku{at}", category=f"c{at}") for at in range(500)))
    assert robot.product_views == 500
    assert robot.distinct_products == PRODUCTS
    assert len(robot.categories) == CATEGORIES
    robot.observe(struct(viewed(501, sku="sku0", category="c0")))
    assert robot.categories["c0"] == 2


def test_products_without_a_price_do_not_count_as_free():
    seen = visit(viewed(0, price=None), viewed(1, price=30.0))
    assert (seen.viewed_value, seen.viewed_priced) == (30.0, 1)
