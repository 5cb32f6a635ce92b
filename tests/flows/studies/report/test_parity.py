"""Whether visitors who differ in one feature are offered as much, and what is said of it."""

import random

import pytest

from flows.studies.report.gather import gather
from flows.studies.report.parity import FEW, MAX_VALUES, OTHERS, UNKNOWN, Parity
from flows.studies.report.parity_values import worth_of
from schemas.offers import Terms, Treatment
from schemas.records import encode
from tests.flows.studies.explain.stories import made
from tests.report_log import decision, log

TREATMENT = {"name": "some", "kind": "percent_off", "value": 10.0, "channel": "on_site"}


def offered(n, features, *, offer, **more):
    arm = "ten_percent" if offer else "no_offer"
    chances = {"no_offer": 0.5, "ten_percent": 0.5}
    fields = {"held": False, "no_offer": "no_offer", "share": None, "features": features} | more
    return decision(n, float(n), chances, arm, **fields)


def compared(shares, each=600, feature="device"):
    """Parity over decisions for values that get offers with these shares."""
    rng, parity = random.Random(3), Parity(feature)
    for n in range(each * len(shares)):
        value = list(shares)[n % len(shares)]
        parity.add_decision(offered(n, {feature: value}, offer=rng.random() < shares[value]))
    return parity


def test_a_gap_that_is_there_is_named_with_its_interval():
    parity = compared({"mobile": 0.5, "desktop": 0.3, "tablet": 0.4})
    gap = parity.gap()
    assert (gap.most, gap.least, gap.is_certain) == ("mobile", "desktop", True)
    assert gap.interval.low < 0.2 < gap.interval.high
    assert parity.sentence().startswith("There is a gap: mobile got an offer in ")


def test_without_a_gap_none_is_claimed_more_often_than_one_time_in_twenty():
    claimed = 0
    for seed in range(40):
        rng, parity = random.Random(seed), Parity("device")
        for n in range(1500):
            parity.add_decision(offered(n, {"device": "abcde"[n % 5]}, offer=rng.random() < 0.4))
        claimed += parity.gap().is_certain
    assert claimed <= 5


def test_shares_are_those_of_the_decisions_and_clustered_by_visitor():
    parity = Parity("device")
    for n in range(400):  # each visitor twice, and the same both times
        parity.add_decision(offered(n, {"device": "mobile"}, offer=n // 2 % 2 == 0))
    found = parity.figures()["mobile"]
    mean, low, high = found["offered"]
    assert (found["decisions"], mean) == (400, 0.5)
    assert high - low == pytest.approx(2 * 1.96 * (0.25 / 200) ** 0.5, rel=0.15)


def test_the_holdout_and_shadow_are_left_out_and_a_missing_feature_is_not_known():
    parity = Parity("device")
    parity.add_decision(offered(1, {"device": "mobile"}, offer=False, held=True))
    parity.add_decision(offered(2, {"device": "mobile"}, offer=False, reason="shadow"))
    parity.add_decision(offered(3, {}, offer=True))
    assert list(parity.figures()) == [UNKNOWN]
    assert not parity.is_seen
    assert parity.sentence() == "No decision has the feature device."
    assert parity.section().figure is None


def test_many_values_take_bounded_memory():
    parity = Parity("source")
    for n in range(10 * MAX_VALUES):
        parity.add_decision(offered(n, {"source": f"campaign {n}"}, offer=False))
    assert len(parity.offered) == MAX_VALUES + 1
    assert parity.offered[OTHERS].count == 9 * MAX_VALUES
    assert parity.sentence() == f"There are not two values with {FEW} decisions each to compare."


@pytest.mark.parametrize(
    ("treatment", "worth"),
    [
        ({}, 11.82),
        ({"terms": Terms(max_discount=5.0)}, 5.0),
        ({"kind": "amount_off"}, 10.0),
        ({"kind": "reminder", "value": 3.0}, 0.0),
    ],
)
def test_an_offer_is_worth_what_its_record_says(treatment, worth):
    offer = made()
    data = offer.data.__class__(
        **{name: getattr(offer.data, name) for name in offer.data.__struct_fields__}
        | {"treatment": Treatment(**TREATMENT | treatment)}
    )
    offer = offer.__class__(
        **{name: getattr(offer, name) for name in offer.__struct_fields__} | {"data": data}
    )
    assert worth_of(offer) == pytest.approx(worth)


def test_what_offers_were_worth_is_read_from_their_file(tmp_path):
    directory = log(tmp_path, decisions=0)
    offer = made()
    same = {"at": offer.time, "market": "uk"}
    parts = [
        offered(0, {"device": "mobile"}, offer=True, decision_id=offer.data.decision_id, **same),
        offered(1, {"device": "mobile"}, offer=False, **same),
    ]
    (directory / "decisions.jsonl").write_bytes(b"".join(encode(each) + b"\n" for each in parts))
    (directory / "offers.jsonl").write_bytes(encode(offer) + b"\n")
    (market,) = (each for each in gather(directory) if each.name == "uk")
    (parity,) = market.parity()
    assert parity.figures()["mobile"]["worth"][0] == pytest.approx(11.82 / 2)
    (asked,) = next(each for each in gather(directory, parity=("size",)) if each.name == "uk").parity()
    assert asked.sentence() == "No decision has the feature size."
