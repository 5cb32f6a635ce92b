"""What an explanation says of a decision, and what it admits not to know."""

import html
import math
from pathlib import Path

import pytest

from flows.studies.explain.explained import explained
from flows.studies.explain.local_terms import FEATURES, MOMENTS
from flows.studies.explain.removal_words import ENDED, NOT_DRAWN, REMOVED
from flows.studies.explain.text import as_html, as_text
from operators.decisions.rollout import ROLLOUT
from operators.decisions.statistics import NO_CHOICE
from operators.experiments.assignment import HOLDOUT
from operators.sessions.features import NAMES
from schemas.offers import OfferRevoked
from tests.flows.studies.explain.stories import SHOP, at, decision, other, outcome, reward, story, told
from tests.operators.decisions.rules.test_rules_are_described import reasons

GOLDEN = Path(__file__).with_name("golden.txt")


def words(found):
    return " ".join(as_text(found, 10_000).split())


def test_one_explanation_reads_as_it_was_written_down():
    assert as_text(explained(story(), SHOP), 100) == GOLDEN.read_text()


def test_every_reason_has_a_sentence():
    assert {*reasons(), HOLDOUT, ROLLOUT} == REMOVED.keys()
    assert {HOLDOUT, "shadow", ROLLOUT, *NO_CHOICE} == NOT_DRAWN.keys()
    revoked = set(OfferRevoked.__doc__.replace(",", " ").replace(".", " ").split())
    assert ENDED.keys() - {"redeemed", "expired"} <= revoked
    assert len(set(REMOVED.values())) == len(REMOVED)


def test_every_feature_and_every_moment_has_a_name():
    assert FEATURES.keys() == {*NAMES, "abandonment"}
    assert set(MOMENTS) == {"cart_idle", "cart_changed", "checkout_begun", "session_ended"}


def test_a_reason_of_a_later_version_is_named():
    found = explained(told(removed={"gift": "full_moon"}), SHOP)
    assert "gift: a rule named the reason `full_moon`" in words(found)


def test_the_numbers_add_up():
    found = explained(story(), SHOP)
    assert found.score.sum.total == pytest.approx(0.875)
    assert found.score.before_calibration == pytest.approx(1 / (1 + math.exp(-0.875)))
    chosen, none = (next(each for each in found.choice.arms if each.name == name)
                    for name in ("ten_percent", "no_offer"))  # fmt: skip
    assert found.choice.uplift.total == pytest.approx(chosen.expected - none.expected)
    assert [each.name for each in found.score.sum.features] == ["session_seconds", "device"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"model": "auto", "score_contributions": None}, "The model `auto` is no sum of features"),
        ({"score_contributions": None}, "see the setting `contributions`"),
        (
            {"policy": "adpredictor_thompson:floor=0.1", "uplift_contributions": None, "expected": {}},
            "The policy `adpredictor_thompson` expects no amount of money",
        ),
        ({"policy_version": 0, "uplift_contributions": None}, "The policy had learned nothing yet"),
        ({"uplift_contributions": None}, "This record does not say what the policy expected"),
        ({"shadow": True, "reason": "shadow"}, "The worker ran in shadow"),
        ({"canary": True}, "the person is in the canary"),
        ({"canary": False, "policy": "always:gift"}, "for whom the rule `always:gift` chooses"),
        ({"partial": True}, "as far as its lines could be read"),
    ],
)
def test_what_is_not_exact_or_not_ordinary_is_said(fields, sentence):
    assert sentence in words(explained(told(**fields), SHOP))


def test_who_is_held_out_is_told_so():
    alone = {
        "eligible": ("no_offer",),
        "probabilities": {"no_offer": 1.0},
        "arm": "no_offer",
        "propensity": 1.0,
    }
    fields = {"reason": "holdout", "holdout": True, "offer_id": None, "removed": {"gift": "holdout"}}
    fields |= {"uplift_of": None, "uplift_contributions": None, "expected": {}}
    said = words(explained(told(**alone, **fields), SHOP))
    assert "No offer was made. The person is in the holdout" in said
    assert "drawn by chance" not in said


def test_money_has_the_currency_of_the_offer_or_of_the_shop_that_made_it():
    assert "118.20 GBP" in words(explained(story(), None))
    assert "118.20 GBP" in words(explained(told(), SHOP))
    assert "worth 118.20." in words(explained(told(), None))
    elsewhere = SHOP.model_copy(update={"offers": SHOP.offers[:1]})
    assert explained(told(), elsewhere).moment.currency is None
    assert explained(told(), SHOP).moment.local == "2025-11-24T16:00:00.000+00:00"


def test_a_correction_is_told_with_its_cause_and_counted():
    later = reward(
        reward_id="r-2", kind="correction", cause="refund", at=at(9000), profit=-35.46, trained_profit=-30.0,
        margin=-47.28, cost=-11.82, order_profits=(-35.46,),
    )  # fmt: skip
    found = explained(story(rewards=(reward(), later)), SHOP)
    assert found.reward.profit == 0.0
    assert "The reward was corrected by -35.46 GBP, after a refund" in words(found)
    assert "The order o-1 was changed by -35.46 GBP" in words(found)


def test_without_a_reward_none_is_made_up():
    found = explained(told(), SHOP)
    assert found.reward is None
    assert "Its reward window has not ended" in words(found)


def test_the_most_similar_decision_is_of_somebody_else_between_the_same_arms():
    same = dict(decision().features)
    others = [
        other(1),
        other(2, features=same, visitor_id="v-1"),
        other(3, features=same, user_id="u-1"),
        other(4, features=same, eligible=("no_offer", "gift")),
        other(5, features=same, market="de"),
        other(6, features=same | {"device": "desktop"}),
        other(7, features=same, arm="free_shipping"),
    ]
    similar = explained(story(others=others), SHOP).similar
    assert (similar.decision_id, similar.arm, similar.of, similar.distance) == (
        "other-7",
        "free_shipping",
        3,
        0.0,
    )
    similar = explained(story(others=others[:-1]), SHOP).similar
    assert [(each.name, each.there) for each in similar.differs][:1] == [("device", "desktop")]


def test_html_is_of_the_same_words_and_of_no_markup_from_the_data():
    evil = "<img src=x onerror=alert(1)>"
    found = explained(story(decision=decision(cart_id="c", visitor_id=evil), outcome=outcome()), SHOP)
    shown = as_html(found)
    assert "<img" not in shown
    assert html.escape(evil) in shown
    assert shown.count("<h3>") == len(found.paragraphs)
    assert all(html.escape(line) in shown for part in found.paragraphs for line in part.lines)
