"""Weighted updates make the predictions that they made when the logistic regression was hand-written."""

import math
import random

import pytest

from operators.abandonment import models

# Updates 100, 200, 300 and 400 (the forest: 30 to 120); the third of three more after it forgot; the mean.
GOLDEN = {
    "logistic": [
        *(0.6854448322077831, 0.5287585489553885, 0.3209465294970586, 0.048960107292182364),
        *(0.43891490384837084, 0.4603452269206222),
    ],
    "adpredictor": [
        *(0.4025953687640253, 0.6281055667487326, 0.6338124112575374, 0.03133849810349679),
        *(0.5739414056445111, 0.4608742003286683),
    ],
    "tree": [
        *(0.5617270218076629, 0.5799146336129452, 0.39951540766516486, 0.27864309724713715),
        *(0.2858465377799873, 0.44176314777149656),
    ],
    "forest": [
        *(0.8382522557854347, 0.6284212198038068, 0.5048557977868532, 0.6543355020770725),
        *(0.691419603915388, 0.4812211984795597),
    ],
    "auto": [
        *(0.4096258269927052, 0.5348260771817025, 0.393261057518749, 0.03923402695535824),
        *(0.43904133037721, 0.45969283789223425),
    ],
}


def outcomes(count, seed=17):
    """Weighted outcomes with numbers of many sizes, words and gaps."""
    chance = random.Random(seed)
    for _ in range(count):
        value, paying = math.exp(chance.gauss(4, 1)), chance.random() < 0.3
        device = chance.choice(["mobile", "desktop", "tablet"])
        x = {"cart_value": value, "checkout_started": paying, "device": device, "views": chance.randrange(30)}
        if chance.random() < 0.6:
            x["margin"] = chance.gauss(0, 20)
        z = math.log(value) - 4 - 2 * paying + (device == "mobile")
        yield x, chance.random() < 1 / (1 + math.exp(-z)), chance.choice([1.0, 1.05, 2.5, 0.3, 7.0, 0.0])


@pytest.mark.parametrize("name", models.MODELS)
def test_predictions_are_those_of_the_first_version(name):
    model, count = models.build(name), 120 if name == "forest" else 400
    predicted = [model.predict_then_learn(*outcome) for outcome in outcomes(count)]
    model.forget()
    after = [model.predict_then_learn(*outcome) for outcome in outcomes(3, seed=18)]
    found = [*predicted[count // 4 - 1 :: count // 4], after[-1], sum(predicted) / count]
    assert found == pytest.approx(GOLDEN[name], rel=1e-12)
