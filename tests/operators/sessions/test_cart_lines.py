"""Lines of a cart add up at their own prices, however many there are, as in a plain list."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.sessions.cart_lines import LINES, CartLines
from schemas.events import MAX_PIECES
from tests.builders import OFTEN, line

prices = st.sampled_from([0.0, 0.1, 0.2, 9.99, 1e9])
lines = st.builds(line, st.sampled_from(["", "x", "y", "z"]), prices, st.integers(1, 4))
removed = st.builds(
    line, st.sampled_from("xyzw"), st.none() | prices, st.integers(1, 4) | st.just(MAX_PIECES)
)
steps = st.lists(
    st.tuples(st.just("add"), st.lists(lines, max_size=3))
    | st.tuples(st.just("remove"), st.lists(removed, max_size=3)),
    max_size=20,
)


def filled(*put_in):
    made = CartLines()
    made.add(put_in)
    return made


class Plain:
    """A cart as a list of single pieces, in the order in which their lines were put in."""

    def __init__(self):
        self.lines = []

    def add(self, put_in):
        for each in put_in:
            found = next((held for held in self.lines if held[:2] == [each.sku, each.price]), None)
            if found is None:
                self.lines.append([each.sku, each.price, each.quantity])
            else:
                found[2] += each.quantity

    def remove(self, taken_out):
        for each in taken_out:
            for _ in range(min(each.quantity, 1000)):
                of_it = [held for held in self.lines if held[0] == each.sku and held[2]]
                at_price = [held for held in of_it if held[1] == each.price]
                if not of_it:
                    break
                (at_price or of_it)[-1][2] -= 1
            self.lines = [held for held in self.lines if held[2]]


@OFTEN
@given(steps)
def test_lines_are_those_of_a_plain_list(told):
    made, plain = CartLines(), Plain()
    for what, given_lines in told:
        getattr(made, what)(given_lines)
        getattr(plain, what)(given_lines)
    assert sorted((held.sku, held.price, held.quantity) for held in made.lines.values()) == sorted(
        map(tuple, plain.lines)
    )
    assert made.quantity == sum(count for *_, count in plain.lines)
    assert made.value == math.fsum(price * count for _, price, count in plain.lines)
    assert made.left_out is None


@OFTEN
@given(st.lists(st.tuples(prices, st.integers(1, 9)), min_size=LINES, max_size=3 * LINES))
def test_a_cart_of_any_number_of_lines_is_worth_all_of_them(given_lines):
    made = filled(*(line(f"P-{number}", *each) for number, each in enumerate(given_lines)))
    assert made.value == pytest.approx(math.fsum(price * count for price, count in given_lines), rel=1e-12)
    assert made.quantity == sum(count for _, count in given_lines)
    assert (len(made.lines), made.lines_left_out) == (LINES, len(given_lines) - LINES)


def test_two_lines_of_one_product_add_up_at_their_own_prices():
    assert filled(line("TEE", 50.0), line("TEE", 30.0)).value == 80.0
    assert filled(line("CREAM", 90.0), line("CREAM", 0.0)).value == 90.0
    assert filled(line("TEE", 50.0), line("TEE", 30.0), line("TEE", 30.0)).quantity == 3


def test_of_two_prices_the_one_that_is_named_is_taken_out_first_and_else_the_latest():
    made = filled(line("TEE", 50.0), line("TEE", 30.0))
    made.remove([line("TEE", 50.0)])
    assert made.value == 30.0
    made = filled(line("TEE", 50.0), line("TEE", 30.0))
    made.remove([line("TEE", None)])
    assert made.value == 50.0
    made.remove([line("TEE", 7.0)])
    assert not made.is_full


def test_as_many_pieces_as_there_may_be_are_all_of_them_and_nothing_else():
    made = filled(line("TEE", 50.0, 2), line("TEE", 30.0), line("HAT", 9.0))
    made.remove([line("TEE", None, MAX_PIECES)])
    assert [held.sku for held in made.lines.values()] == ["HAT"]


def test_a_product_that_is_not_remembered_is_taken_from_what_was_left_out():
    made = filled(*(line(f"P-{number}", 10.0, 2) for number in range(LINES + 10)))
    made.remove([line("P-105", 10.0, 1), line("P-106", None, 1)])
    assert (made.value, made.quantity, made.lines_left_out) == (2180.0, 218, 10)
    made.remove([line("P-107", None, MAX_PIECES)])
    assert (made.quantity, made.lines_left_out) == (217, 9)
    made.remove([line("P-108", None, 500)])
    assert (made.value, made.quantity, made.left_out) == (2000.0, 200, None)


def test_what_is_left_out_is_never_worth_less_than_nothing():
    made = filled(*(line(f"P-{number}", 1.0, 2) for number in range(LINES + 2)))
    made.remove([line("P-100", 1e9, 3)])
    assert made.value == 2.0 * LINES
    assert made.quantity == 2 * LINES + 1
