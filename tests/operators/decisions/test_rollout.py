"""Rollout: whose offers are published in each stage, to whom, and what is learned of it."""

from itertools import count, pairwise

import pytest

from operators.bandits.spec import policy_from_spec
from operators.decisions.rollout import ROLLOUT, Route, route
from operators.decisions.shop_checks import check_shop
from operators.experiments.assignment import place_of
from operators.streaming.ids import share_of
from schemas.errors import SetupError
from schemas.rollout import Rollout
from tests.builders import DAY, HOUR, Desk, World, carted, of_type, offer, rules, shop

RULE = "always:five_off"
STAGES = {
    "shadow": {"stage": "shadow"},
    "rule": {"stage": "rule", "rule": RULE},
    "canary": {"stage": "canary", "share": 0.5},
    "canary beside a rule": {"stage": "canary", "share": 0.5, "rule": RULE},
    "online": {"stage": "online"},
}
PEOPLE = [f"v{n}" for n in range(40)]


def rolled(holdout=0.0, cooldown="24h", **rollout):
    offers = offer(), offer("five_off", value=5.0)
    return shop(*offers, rollout=Rollout(**rollout), holdout=holdout, rules=rules(cooldown))


def desk(holdout=0.0, *, at=None, **rollout):
    """A desk whose policy wants ten percent, and whose rule is five off."""
    settings = {} if at is None else at
    return Desk(of=rolled(holdout, **rollout), **settings)


def decided(found):
    return of_type(found, "decision")


def who(inside, share=0.5, taken=()):
    """A visitor who is by itself inside of a canary of this share, or outside."""
    names = (f"n{n}" for n in count())
    return next(
        each
        for each in names
        if (place_of("default", f"visitor:{each}") < share) is inside and each not in taken
    )


def a_user(inside, share=0.5):
    names = (f"u{n}" for n in count())
    return next(each for each in names if (place_of("default", f"user:{each}") < share) is inside)


# Shadow


@pytest.mark.parametrize(
    ("rollout", "settings"),
    [
        ({"stage": "shadow"}, {}),
        ({"stage": "online"}, {"shadow": True}),
        ({"stage": "canary"}, {"shadow": True}),
        ({"stage": "rule", "rule": RULE}, {"shadow": True}),
    ],
)
def test_in_shadow_all_is_decided_and_logged_and_nothing_is_published(rollout, settings):
    found = desk(at=settings, **rollout)
    (decision,) = found.idle(0)
    assert (decision["arm"], decision["propensity"]) == ("ten_percent", 0.8)
    assert (decision["stage"], decision["shadow"], decision["reason"]) == ("shadow", True, "shadow")
    assert (decision["canary"], decision["offer_id"], decision["expires_at"]) == (None, None, None)
    found.wait(2 * HOUR)
    assert found.policy.learned == []


def test_a_cart_in_shadow_had_no_offer_and_trains_the_abandonment_model_as_it_is():
    found = desk(0.1, stage="shadow")
    found.idle(0)
    (entry,) = found.ledger.after(-1)
    treatment = found.machine._carts.close("cart of ann", 1.0)
    assert (treatment.treated, treatment.none_probability, bool(entry)) == (False, 1.0, True)


def test_shadow_uses_up_no_cooldown_and_no_cap():
    found = desk(stage="shadow")
    found.idle(0)
    found.control(2 * HOUR, markets__default__rollout={"stage": "online"})
    assert found.idle(3 * HOUR, cart="second")[0]["arm"] == "ten_percent"


# Rule


def test_the_rule_chooses_with_the_probabilities_that_are_logged():
    decision, made = desk(stage="rule", rule=RULE).idle(0)
    assert (decision["arm"], decision["propensity"], decision["policy"]) == ("five_off", 1.0, RULE)
    assert decision["probabilities"] == {"no_offer": 0.0, "ten_percent": 0.0, "five_off": 1.0}
    assert (decision["stage"], decision["canary"], decision["reason"]) == ("rule", None, None)
    assert (made["data"]["treatment"]["name"], made["data"]["policy"]) == ("five_off", RULE)
    assert made["data"]["propensity"] == 1.0


def test_a_rule_whose_arm_is_not_eligible_makes_no_offer():
    of = shop(offer(), offer("big", min_cart_value=1e6), rollout=Rollout(stage="rule", rule="always:big"))
    (decision,) = Desk(of=of).idle(0)
    assert (decision["arm"], decision["propensity"]) == ("no_offer", 1.0)


def test_a_rule_that_draws_logs_what_it_drew_from():
    found = desk(stage="rule", rule="uniform")
    arms = {decided(found.idle(n, name))[0]["arm"] for n, name in enumerate(PEOPLE)}
    assert arms == {"no_offer", "ten_percent", "five_off"}
    (decision,) = decided(found.idle(99, "new"))
    assert list(decision["probabilities"].values()) == pytest.approx([1 / 3] * 3)


def test_the_policy_learns_from_what_the_rule_chose_when_its_window_ends_and_when_it_is_revised():
    found = desk(stage="rule", rule=RULE)
    (decision, made) = found.idle(0)
    assert decision["is_trainable"]
    found.order(600, price=100.0, offers=[made["data"]["offer_id"]], order_id="o-1")
    assert found.policy.learned == []
    (reward,) = of_type(found.wait(2 * HOUR), "reward")
    assert found.policy.learned == [("five_off", reward["profit"])]
    assert reward["trained_profit"] == reward["profit"] > 0
    assert found.policy.contexts[0] == decision["features"]
    found.order(2 * HOUR, price=50.0)
    assert [arm for arm, _ in found.policy.revised] == ["five_off"]


def test_the_rule_does_not_learn():
    found = Desk(of=rolled(cooldown="0s", stage="rule", rule=RULE))
    found.idle(0)
    found.wait(2 * HOUR)
    assert found.idle(3 * HOUR, cart="second")[0]["policy_version"] == 0


@pytest.mark.parametrize("spec", ["linear_thompson", "linucb:floor=0.1"])
def test_a_rule_that_would_have_to_learn_is_refused(spec):
    with pytest.raises(SetupError, match=r"rollout.rule must be none, uniform or always:ARM"):
        check_shop(rolled(stage="rule", rule=spec), offer().reward_window)


# Canary


def test_a_greater_share_only_adds_persons():
    shares = [0.0, 0.05, 0.1, 0.3, 0.7, 1.0]
    inside = [
        {each for each in PEOPLE if desk_is_canary(each, Rollout(stage="canary", share=share))}
        for share in shares
    ]
    assert inside[0] == set()
    assert inside[-1] == set(PEOPLE)
    assert all(less <= more for less, more in pairwise(inside))
    assert 5 < len(inside[3]) < 20


def desk_is_canary(visitor, rollout):
    return route(rollout, place_of("default", f"visitor:{visitor}")).canary


def test_the_policy_chooses_for_those_inside_and_nobody_for_those_outside():
    found = desk(stage="canary", share=0.5)
    decision, made = found.idle(0, who(True))
    assert (decision["canary"], decision["policy"] == RULE, decision["arm"]) == (True, False, "ten_percent")
    assert made["type"] == "offer.decided"
    (decision,) = found.idle(0, who(False))
    assert (decision["canary"], decision["reason"], decision["is_trainable"]) == (False, ROLLOUT, False)
    assert decision["removed"] == {"ten_percent": "rollout", "five_off": "rollout"}
    assert (decision["eligible"], decision["probabilities"]) == (["no_offer"], {"no_offer": 1.0})
    found.wait(2 * HOUR)
    assert len(found.policy.learned) == 1


def test_beside_a_rule_those_outside_get_what_it_chooses_and_the_policy_learns_from_both():
    found = desk(stage="canary", share=0.5, rule=RULE)
    decision, made = found.idle(0, who(False))
    assert (decision["canary"], decision["reason"], decision["policy"]) == (False, None, RULE)
    assert made["data"]["treatment"]["name"] == "five_off"
    found.idle(0, who(True))
    found.wait(2 * HOUR)
    assert sorted(arm for arm, _ in found.policy.learned) == ["five_off", "ten_percent"]


def sides(found, *seen):
    """On which side of the canary each of these moments was: visitor and user."""
    return [
        decided(found.idle(n * HOUR * 2, visitor, user=user, cart=f"cart {n}"))[0]["canary"]
        for n, (visitor, user) in enumerate(seen)
    ]


def eager(**rollout):
    return Desk(of=rolled(cooldown="0s", stage="canary", share=0.5, **rollout))


@pytest.mark.parametrize("inside", [True, False])
def test_the_visitors_of_a_user_are_on_the_users_side(inside):
    user, other = a_user(inside), who(not inside)
    seen = [("first", user), (other, user), ("first", None), (other, None)]
    assert sides(eager(), *seen) == [inside] * 4


def test_a_visitor_inside_who_logs_in_as_a_user_outside_stays_in_on_every_device():
    visitor, user = who(True), a_user(False)
    seen = [
        (visitor, None),
        ("other", user),
        (visitor, user),
        ("other", user),
        ("third", user),
        (visitor, None),
    ]
    assert sides(eager(), *seen) == [True, False, True, True, True, True]


def test_a_visitor_outside_who_logs_in_as_a_user_inside_comes_in():
    visitor, user = who(False), a_user(True)
    seen = [("other", user), (visitor, None), (visitor, user), (visitor, None), ("other", user)]
    assert sides(eager(), *seen) == [True, False, True, True, True]


def test_the_analysis_keeps_the_unit_whatever_side_it_comes_to():
    found, visitor, user = eager(), who(False), a_user(True)
    units = [
        decided(found.idle(n * HOUR * 2, visitor, user=known, cart=f"cart {n}"))[0]["unit_id"]
        for n, known in enumerate([None, user, None])
    ]
    assert units == [f"visitor:{visitor}"] * 3


def test_sides_survive_a_crash_and_a_change_of_stage():
    found = eager()
    visitor, user = who(True), a_user(False)
    state = found.machine.snapshot()
    assert sides(found, (visitor, None), (visitor, user), ("other", user)) == [True, True, True]
    found.control(7 * HOUR, markets__default__rollout={"stage": "online"})
    resumed = Desk(of=found.machine.controls.shop, state=state, ledger=found.ledger)
    resumed.control(8 * HOUR, markets__default__rollout={"stage": "canary", "share": 0.5})
    (made,) = decided(resumed.idle(9 * HOUR, "other", user=user, cart="new"))
    assert made["canary"] is True


# The holdout


@pytest.mark.parametrize("rollout", STAGES.values(), ids=STAGES)
def test_the_same_persons_are_held_out_in_every_stage_and_get_no_offer_of_anybody(rollout):
    found = desk(0.4, **rollout)
    records = [each for n, name in enumerate(PEOPLE) for each in found.idle(n, name)]
    held = {each["visitor_id"] for each in decided(records) if each["holdout"]}
    assert held == {name for name in PEOPLE if share_of("holdout", "default", name) < 0.4}
    assert 5 < len(held) < 35
    assert not held & {each["data"]["visitor_id"] for each in of_type(records, "offer.decided")}
    for each in decided(records):
        if each["holdout"]:
            assert (each["reason"], each["eligible"], each["arm"]) == ("holdout", ["no_offer"], "no_offer")


def test_the_holdout_is_the_same_through_all_stages_of_one_market():
    found = desk(0.4, stage="shadow")
    held, groups = [], []
    for n, rollout in enumerate([*STAGES.values(), {"stage": "shadow"}]):
        at = n * 2 * DAY
        found.wait(at)
        found.control(at, n + 1, markets__default__rollout=rollout)
        records = [each for m, name in enumerate(PEOPLE) for each in decided(found.idle(at + m + 1, name))]
        held.append({each["visitor_id"] for each in records if each["holdout"]})
        groups.append({each["visitor_id"]: each["assignment"] for each in records})
    assert all(each == held[0] for each in held)
    assert all(each == groups[0] for each in groups)


def test_the_holdout_is_divided_by_the_canary_as_all_others_are():
    found = desk(0.5, stage="canary", share=0.5)
    records = [each for n in range(200) for each in decided(found.idle(n, f"v{n}"))]
    inside = [each["canary"] for each in records if each["holdout"]]
    assert 0.3 < sum(inside) / len(inside) < 0.7


# How probable it was that no offer was made


@pytest.mark.parametrize(
    ("rollout", "place", "expected"),
    [
        ({"stage": "shadow"}, 0.2, 1.0),
        ({"stage": "online"}, 0.2, 0.28),
        ({"stage": "rule", "rule": RULE}, 0.2, 0.28),
        ({"stage": "canary", "share": 0.5}, 0.2, 0.28),
        ({"stage": "canary", "share": 0.5}, 0.7, 1.0),
        ({"stage": "canary", "share": 0.5, "rule": RULE}, 0.7, 0.28),
    ],
)
def test_no_offer_is_as_probable_as_the_lots_that_decide_it(rollout, place, expected):
    way = route(Rollout(**rollout), place)
    assert way.none_probability(0.1, 0.2) == pytest.approx(expected)


@pytest.mark.parametrize("rollout", STAGES.values(), ids=STAGES)
def test_carts_without_an_offer_stand_for_all(rollout):
    """Weighted by one over that probability they count as often as there are carts: 30 % are held out."""
    found, people = desk(0.3, **rollout), 500
    found.machine.policy = policy_from_spec("uniform", seed=0)
    total = 0.0
    for n in range(people):
        found.idle(n, f"p{n}")
        cart = found.machine._carts.close(f"cart of p{n}", n)
        total += 0.0 if cart.treated else 1.0 / cart.none_probability
    assert total / people == pytest.approx(1.0, abs=0.15)


def test_who_is_held_out_where_nobody_gets_an_offer_counts_once():
    assert Route("canary", "nobody", canary=False).none_probability(0.3, 0.0) == 1.0


# Controls, and the other rules


def test_a_change_of_stage_is_in_force_for_the_next_decision():
    found = desk(stage="shadow")
    stages = [found.idle(0, "v0")[0]["stage"]]
    for n, rollout in enumerate(
        [{"stage": "rule", "rule": RULE}, {"stage": "canary", "share": 1.0}, {"stage": "online"}], 1
    ):
        found.control(10 * n, n, markets__default__rollout=rollout)
        decision, made = found.idle(10 * n + 1, f"v{n}")
        assert made["type"] == "offer.decided"
        stages.append(decision["stage"])
    assert stages == ["shadow", "rule", "canary", "online"]


@pytest.mark.parametrize(
    "rollout", [{"stage": "shadow"}, {"stage": "canary", "share": 0.0}, {"stage": "rule", "rule": "none"}]
)
def test_an_offer_that_is_out_stays_when_the_stage_goes_back(rollout):
    found = desk(stage="online")
    found.idle(0)
    assert of_type(found.control(1, markets__default__rollout=rollout), "offer.revoked") == []
    assert of_type(found.order(60), "offer.revoked", "offer.redeemed") != []
    found.wait(2 * HOUR)
    assert len(found.policy.learned) == 1


def test_a_kill_revokes_in_every_stage_and_the_stage_stays():
    found = desk(stage="canary", share=1.0)
    found.idle(0)
    (revoked,) = of_type(found.control(1, markets__default__killed=True), "offer.revoked")
    assert revoked["data"]["reason"] == "killed"
    (decision,) = found.idle(2, "bob")
    assert (decision["stage"], decision["reason"]) == ("canary", "no_eligible_arm")
    assert set(decision["removed"].values()) == {"killed"}


def quiet():
    """A desk at 22:13, where offers are held until eight."""
    of = shop(offer(), rules=rules(quiet_hours={"on_site": {"start": "22:00", "end": "08:00"}}))
    return Desk(of=of)


def test_an_offer_still_held_when_the_stage_goes_back_to_shadow_is_never_published():
    found = quiet()
    (decision,) = found.idle(0)
    assert decision["offer_id"] is not None
    found.control(60, markets__default__rollout={"stage": "shadow"})
    assert of_type(found.wait(30 * HOUR), "offer.decided", "offer.expired", "offer.revoked") == []


def test_an_offer_still_held_when_the_stage_becomes_a_canary_is_published():
    found = quiet()
    found.idle(0)
    found.control(60, markets__default__rollout={"stage": "canary", "share": 0.0})
    told = of_type(found.wait(40 * HOUR), "offer.decided", "offer.expired")
    assert [each["type"] for each in told] == ["offer.decided", "offer.expired"]


def test_a_first_touch_is_the_first_decision_in_whatever_stage():
    of = shop(
        offer(),
        offer("points", kind="points"),
        rules=rules("0s", first_touch="no_discount"),
        rollout=Rollout(stage="rule", rule="always:ten_percent"),
    )
    found = Desk(of=of)
    decision, *_ = found.idle(0)
    assert (decision["removed"], decision["arm"]) == ({"ten_percent": "first_touch"}, "no_offer")
    found.wait(2 * HOUR)
    assert found.idle(3 * HOUR, cart="second")[0]["arm"] == "ten_percent"


# Through the whole dataflow


def test_a_person_on_two_devices_is_treated_alike_from_event_to_offer():
    visitor, user = who(True), a_user(False)
    of = rolled(cooldown="0s", stage="canary", share=0.5)
    world = World(of, arm="ten_percent", ordered=True)
    alone, known, other = (at * 6 * HOUR for at in range(3))
    world.tell(carted(alone, visitor, cart_id="first"))
    world.tell(carted(known, visitor, user_id=user, cart_id="second"))
    world.tell(carted(other, "other", user_id=user, cart_id="third"))
    world.end()
    found = [(each["unit_id"], each["canary"], each["arm"]) for each in world.lines("decision")]
    assert [unit for unit, *_ in found] == [f"visitor:{visitor}"] * 2 + [f"user:{user}"]
    assert [rest for _, *rest in found] == [[True, "ten_percent"]] * 3
    assert len(world.lines("offer.decided")) == 3
