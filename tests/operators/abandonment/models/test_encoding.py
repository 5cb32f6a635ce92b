"""The encoder: what each kind of model reads of a cart, however broken the numbers are."""

import math
import random

import pytest

from operators.abandonment.models.encoding import BIAS, CONSTANT, REACH, Encoder


def trained(rows):
    encoder = Encoder()
    for x in rows:
        encoder.learn(x)
    return encoder


def test_names_without_end_do_not_grow_the_encoder_without_end():
    encoder = Encoder(limit=40)
    for turn in range(40 + 50):
        encoder.learn({f"number{turn}": 1.0, f"page{turn}": "word"})
    assert len(encoder.numbers) == len(encoder.words) == 40
    assert encoder.scaled({"page": "word49"}) == {BIAS: CONSTANT}


def test_a_number_is_scaled_by_its_mean_and_deviation_under_the_log():
    chance = random.Random(1)
    encoder = trained({"cart_value": math.exp(chance.gauss(4, 1))} for _ in range(5_000))
    assert encoder.scaled({"cart_value": math.exp(4)})["cart_value"] == pytest.approx(0.0, abs=0.05)
    assert encoder.scaled({"cart_value": math.exp(5)})["cart_value"] == pytest.approx(1.0, abs=0.05)
    assert encoder.scaled({"cart_value": 1e9})["cart_value"] == REACH


def test_a_number_of_two_values_has_no_second_feature():
    encoder = trained({"paying": turn % 2 == 0} for turn in range(100))
    assert set(encoder.scaled({"paying": True})) == {BIAS, "paying"}


def test_a_number_that_is_often_missing_also_says_that_it_is_there():
    encoder = trained({"coupon": float(turn)} if turn % 3 else {} for turn in range(100))
    assert encoder.scaled({"coupon": 5.0})["coupon?"] == 1.0
    assert encoder.scaled({}) == {BIAS: CONSTANT}


def test_means_follow_the_last_values():
    encoder = Encoder(memory=100)
    for turn in range(2_000):
        encoder.learn({"views": 1.0 if turn < 1_000 else 50.0})
    assert encoder.numbers["views"].raw_mean == pytest.approx(50.0, rel=0.01)


@pytest.mark.parametrize("value", [None, math.nan])
def test_a_gap_is_no_feature(value):
    encoder = trained({"views": float(turn)} for turn in range(10))
    assert encoder.scaled({"views": value}) == {BIAS: CONSTANT}
    assert encoder.plain({"views": value}) == encoder.binned({"views": value}) == {}


def test_trees_read_finite_numbers_and_known_words_and_bins_their_names():
    encoder = trained({"views": float(turn % 9), "device": "mobile"} for turn in range(90))
    x = {"views": 4.0, "device": "mobile", "page": "new", "unseen": 1.0, "moment": "x"}
    assert encoder.plain(x) == {"views": math.log1p(4.0), "device=": "mobile"}
    assert set(encoder.binned(x)) == {"views:7", "device=mobile"}


def test_junk_words_of_one_feature_leave_room_for_the_words_of_others():
    encoder = Encoder()
    for number in range(5_000):
        encoder.learn({"device": f"https://shop.example/?session={number}"})
    encoder.learn({"source": "news"})
    assert len(encoder.words) == encoder.limit // 16 + 1
    assert encoder.scaled({"source": "news"})["source=news"] == 1.0
