"""A text feature of addresses or junk takes no room from others, and its frequent words are still learned."""

import random

import numpy as np
import pytest

from operators.bandits import LinearThompson
from operators.bandits.ad_predictor_thompson import AdPredictorThompson
from operators.bandits.binary_features import BinaryFeatures
from operators.bandits.feature_columns import OWN_WORDS, SHARED_WORDS, FeatureColumns
from operators.bandits.row_encoder import RowEncoder

ARMS = ("small", "large")


def junk(number):
    return {"device": f"https://shop.example/?session={number}", "cart": 40.0 + number % 7}


@pytest.mark.parametrize(
    "policy", [LinearThompson(seed=1), AdPredictorThompson(seed=1)], ids=lambda policy: policy.name
)
def test_the_right_arm_by_device_is_found_though_junk_came_first(policy):
    rng = random.Random(1)
    for number in range(300):
        policy.update(rng.choice(ARMS), junk(number), rng.gauss(0.0, 1.0))
    for turn in range(600):
        device = rng.choice(("phone", "desktop"))
        context = {"device": f"{device}", "source": rng.choice("abc"), "cart": 40.0 + turn % 7}
        arm = rng.choice(ARMS)
        policy.update(
            arm, context, rng.gauss(5.0 if (arm == "large") == (context["source"] == "a") else 0.0, 1.0)
        )
    for source, best in (("a", "large"), ("b", "small"), ("c", "small")):
        values = policy.values(ARMS, {"device": "phone", "source": source, "cart": 41.0})
        assert max(values, key=values.get) == best


def test_frequent_words_of_a_crowded_feature_are_told_apart_by_a_linear_policy():
    policy, rng = LinearThompson(seed=1), random.Random(1)
    for number in range(300):
        policy.update(rng.choice(ARMS), junk(number), rng.gauss(0.0, 1.0))
    assert policy.crowded_features() == 1
    for _ in range(800):
        device, arm = rng.choice(("phone", "desktop")), rng.choice(ARMS)
        is_right = (arm == "large") == (device == "phone")
        policy.update(arm, {"device": device, "cart": 40.0}, rng.gauss(5.0 if is_right else 0.0, 1.0))
    for device, best in (("phone", "large"), ("desktop", "small")):
        values = policy.values(ARMS, {"device": device, "cart": 40.0})
        assert max(values, key=values.get) == best


def test_words_take_a_bounded_number_of_columns_and_rows_stay_as_they_were_learned():
    encoder = RowEncoder(FeatureColumns(256))
    rows = []
    for number in range(400):
        encoder.learn(junk(number))
        rows.append(encoder.row(junk(number), encoder.columns.size))
    assert sum(name == "device" for name, _ in encoder.columns.words) == OWN_WORDS + SHARED_WORDS
    assert encoder.columns.crowded() == 1
    again = RowEncoder.restored(encoder.state())
    width = encoder.columns.size
    for number, row in enumerate(rows):
        for one in (encoder, again):
            assert np.array_equal(one.row(junk(number), width)[: len(row)], row)
            assert np.array_equal(one.slow_row(junk(number), width), one.row(junk(number), width))
    again.learn(junk(401))
    assert again.columns.size == width


def test_binary_features_keep_room_for_others():
    features = BinaryFeatures(64)
    for number in range(300):
        features.learn(junk(number))
    features.learn({"source": "news"})
    assert "source=news" in features.ids
    assert len(features.active({"device": "something new"})) == 1
    assert BinaryFeatures.restored(features.state()).own == features.own
