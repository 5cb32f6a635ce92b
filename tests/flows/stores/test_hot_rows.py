"""Rows in memory: read once while they are asked for, and never more than were allowed."""

import random

from flows.stores.hot_rows import HotRows


def asked(limit, names):
    read = []
    rows = HotRows(lambda name: read.append(name) or name.upper(), limit)
    assert [rows[name] for name in names] == [name.upper() for name in names]
    return read


def test_a_row_is_read_once():
    assert asked(4, "abab") == ["a", "b"]


def test_a_row_that_is_asked_for_again_and_again_stays():
    assert asked(4, "abacadaeafag") == [*"abcdefg"]


def test_a_row_that_nobody_asks_for_goes():
    assert asked(4, "abcdea") == [*"abcdea"]


def test_below_two_rows_none_is_kept():
    assert asked(1, "aa") == ["a", "a"]


def test_a_row_is_what_was_last_kept_and_read_again_once_it_was_dropped():
    rows = HotRows(str.upper, 4)
    for name in "abc":
        rows.keep(name, "new")
    assert [rows[name] for name in "abc"] == ["new"] * 3
    for name in "abc":
        rows.drop(name)
    assert [rows[name] for name in "abc"] == [*"ABC"]


def test_no_more_rows_are_kept_than_were_allowed_and_none_is_old():
    rng, written = random.Random(1), {}
    rows = HotRows(written.get, 6)
    for number in range(2000):
        name = rng.choice("abcdefghijkl")
        if rng.random() < 0.5:
            written[name] = number
            rows.keep(name, number)
        elif rng.random() < 0.2:
            written[name] = None
            rows.drop(name)
        assert rows[name] == written.get(name)
        assert len(rows) + len(rows._older) <= 6
