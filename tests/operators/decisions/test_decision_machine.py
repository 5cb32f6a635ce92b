"""One market's decisions: taken once, watched, revoked, learned from."""

from collections import Counter
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.decisions.cart_treatments import CART_S
from operators.decisions.decision_machine import DecisionMachine
from operators.decisions.ledger import read_entry
from operators.streaming.messages import CartOutcome
from schemas.decisions import decode_decision, read_decision_record
from schemas.offers import read_offer_record
from schemas.records import encode
from schemas.shop import Shop
from tests.builders import (
    DAY,
    HOUR,
    OFTEN,
    SCORED,
    T0,
    Desk,
    config,
    cooled,
    deciding,
    item,
    moment,
    of_type,
    offer,
    ordered,
    records,
    rules,
    shop,
    struct,
)
from tests.rows import everything_in


def types(found):
    return [each["type"] for each in found]


# An offer and its end


def test_an_idle_cart_leads_to_one_decision_and_its_offer():
    decision, offered = Desk().idle(0)
    assert decision["arm"] == "ten_percent"
    assert decision["offer_id"] == decision["decision_id"] == offered["data"]["offer_id"]
    assert offered["type"] == "offer.decided"


def test_moments_that_are_not_to_decide_lead_to_nothing():
    desk = Desk()
    for kind in ("cart_changed", "checkout_begun", "session_ended"):
        assert desk.idle(0, kind=kind) == []
    assert types(Desk(triggers=frozenset({"session_ended"})).idle(0, kind="session_ended"))[0] == "decision"


def test_a_purchase_revokes_the_open_offer():
    desk = Desk()
    decision, _ = desk.idle(0)
    [revoked] = desk.order(60)
    assert (revoked["type"], revoked["data"]["offer_id"]) == ("offer.revoked", decision["decision_id"])
    assert revoked["data"]["reason"] == "purchased"
    assert of_type(desk.wait(HOUR + 1), "offer.expired") == []


def test_a_purchase_with_the_offer_ends_it_as_redeemed():
    desk = Desk()
    decision, _ = desk.idle(0)
    [revoked] = desk.order(60, offers=[decision["decision_id"]])
    assert revoked["data"]["reason"] == "redeemed"


def test_an_offer_nobody_used_expires_once():
    desk = Desk()
    desk.idle(0)
    assert desk.wait(1800) == []
    [expired] = desk.wait(1801)
    assert (expired["type"], expired["data"]["reason"]) == ("offer.expired", "expired")
    assert types(desk.wait(2 * HOUR)) == ["reward"]
    assert len(desk.machine._open) == 0


def test_an_order_read_late_still_revokes_the_offer_it_could_not_prevent():
    desk = Desk()
    desk.idle(100)
    [revoked] = desk.order(160, happened=50)
    assert revoked["type"] == "offer.revoked"
    [reward] = of_type(desk.wait(2 * HOUR), "reward")
    assert (reward["orders"], reward["margin"]) == ([], 0.0)


# One decision a cart


def test_the_same_cart_is_never_decided_twice():
    desk = Desk(cooldown="0s")
    desk.idle(0)
    assert desk.idle(1) == []
    assert desk.idle(600) == []


def test_the_same_moment_read_again_is_not_decided_again():
    desk = Desk("no_offer")
    desk.idle(0)
    desk.wait(DAY)
    assert desk.idle(0) == []


def test_a_decision_against_an_offer_keeps_its_cart_too():
    desk = Desk("no_offer")
    assert types(desk.idle(0)) == ["decision"]
    assert desk.idle(600) == []
    assert types(desk.wait(HOUR + 1)) == ["reward"]
    assert types(desk.idle(2 * HOUR)) == ["decision"]


def test_a_cart_whose_offer_still_stands_gets_no_second_one_though_its_window_is_over():
    long = shop(offer(expires_after=timedelta(hours=8)))
    desk = Desk(of=long, cooldown="0s")
    desk.idle(0)
    assert types(desk.wait(2 * HOUR)) == ["reward"]
    assert desk.idle(3 * HOUR) == []
    desk.wait(9 * HOUR)
    assert types(desk.idle(9 * HOUR)) == ["decision", "offer.decided"]


def test_a_second_abandoned_cart_after_the_cooldown_is_eligible_again():
    desk = Desk(cooldown="24h")
    desk.idle(0)
    desk.wait(HOUR + 1)
    [decided] = desk.idle(DAY - 1, cart="second")
    assert (decided["reason"], decided["removed"]) == ("no_eligible_arm", {"ten_percent": "cooldown"})
    assert types(desk.idle(DAY, cart="second"))[-2:] == ["decision", "offer.decided"]


def test_the_cooldown_of_one_visitor_is_no_other_visitors():
    desk = Desk()
    desk.idle(0)
    assert types(desk.idle(1, "bob")) == ["decision", "offer.decided"]


# Lessons


def test_lessons_are_learned_at_the_end_of_the_window_whatever_the_reward():
    desk = Desk()
    desk.idle(0, "ann")
    desk.idle(0, "bob")
    desk.order(60, "ann", price=100.0)
    assert desk.policy.learned == []
    desk.wait(HOUR)
    assert desk.policy.learned == []
    desk.wait(HOUR + 1)
    assert sorted(desk.policy.learned) == [("ten_percent", 0.0), ("ten_percent", 40.0)]


def test_a_lesson_is_taught_with_the_features_of_the_moment():
    desk = Desk()
    desk.idle(0)
    desk.wait(2 * HOUR)
    assert desk.policy.contexts == [moment(0).features | {"abandonment": 0.7}]


def test_a_discount_for_someone_who_would_have_bought_anyway_is_a_loss():
    desk = Desk()
    decision, _ = desk.idle(0)
    desk.order(60, items=[item(price=100.0, unit_cost=95.0)], offers=[decision["decision_id"]])
    [reward] = of_type(desk.wait(2 * HOUR), "reward")
    assert (reward["margin"], reward["cost"], reward["profit"]) == (5.0, 10.0, -5.0)
    assert desk.policy.learned == [("ten_percent", -5.0)]


def test_an_order_at_the_very_end_of_the_window_belongs_to_it():
    desk = Desk()
    desk.idle(0)
    desk.wait(HOUR)
    desk.order(HOUR)
    assert desk.wait(HOUR + 1)[0]["margin"] == 20.0


def test_a_record_has_the_true_profit_and_what_of_it_trained_the_policy():
    desk = Desk()
    desk.policy.cap = 25.0
    decision, _ = desk.idle(0)
    desk.order(60, price=2000.0, offers=[decision["decision_id"]])
    [window] = of_type(desk.wait(2 * HOUR), "reward")
    assert (window["profit"], window["trained_profit"]) == (600.0, 25.0)
    [late] = of_type(desk.order(3 * HOUR, price=200.0, offers=[decision["decision_id"]]), "reward")
    assert (late["profit"], late["trained_profit"]) == (60.0, 25.0)


def test_a_decision_that_does_not_train_has_no_trained_profit():
    desk = Desk(shadow=True)
    desk.idle(0)
    [window] = of_type(desk.wait(2 * HOUR), "reward")
    assert window["trained_profit"] is None


def test_a_late_order_corrects_what_was_learned_by_exactly_what_it_earned():
    desk = Desk()
    decision, _ = desk.idle(0)
    desk.wait(2 * HOUR)
    [correction] = desk.order(3 * HOUR, price=200.0, offers=[decision["decision_id"]])
    assert (correction["kind"], correction["margin"], correction["cost"]) == ("correction", 80.0, 20.0)
    assert correction["profit"] == 60.0
    assert desk.policy.revised == [("ten_percent", 60.0)]
    assert desk.policy.contexts[0] == desk.policy.contexts[1]
    assert desk.policy.learned == [("ten_percent", 0.0)]


def test_an_order_of_the_window_read_after_it_corrects_too():
    desk = Desk()
    desk.idle(0)
    desk.wait(2 * HOUR)
    assert types(desk.order(3 * HOUR, happened=600)) == ["reward"]
    assert desk.policy.revised == [("ten_percent", 20.0)]


def test_an_order_after_the_correction_period_changes_nothing():
    desk = Desk(correction_s=DAY)
    desk.idle(0)
    desk.wait(2 * HOUR)
    assert desk.order(DAY + 1) == []
    assert desk.policy.revised == []


def test_an_order_is_credited_to_one_decision_only():
    desk = Desk("no_offer")
    desk.idle(0, cart="first")
    desk.idle(10, cart="second")
    desk.order(20, cart_id="first")
    rewards = {each["at"]: each["margin"] for each in of_type(desk.wait(2 * HOUR), "reward")}
    assert sorted(rewards.values()) == [0.0, 20.0]
    assert desk.policy.learned == [("no_offer", 20.0), ("no_offer", 0.0)]


def test_an_order_without_a_cart_is_credited_to_the_latest_decision():
    desk = Desk("no_offer")
    desk.idle(0, cart="first")
    desk.idle(10, cart="second")
    desk.order(20)
    desk.wait(2 * HOUR)
    assert desk.policy.learned == [("no_offer", 0.0), ("no_offer", 20.0)]


def test_an_order_that_names_an_offer_belongs_to_it_though_another_window_is_open():
    desk = Desk(cooldown="0s")
    first, _ = desk.idle(0, cart="first")
    desk.wait(2 * HOUR)
    desk.policy.arm = "no_offer"
    assert of_type(desk.idle(2 * HOUR, cart="second"), "decision")
    said = desk.order(2 * HOUR + 60, cart_id="second", price=100.0, offers=[first["decision_id"]])
    [correction] = of_type(said, "reward")
    assert (correction["decision_id"], correction["profit"]) == (first["decision_id"], 30.0)
    [reward] = of_type(desk.wait(4 * HOUR), "reward")
    assert reward["margin"] == 0.0


def test_shown_clicked_and_redeemed_are_noted_and_counted_once():
    desk = Desk(of=shop(offer(cost={"charged": "shown", "fixed": 2.0})))
    decision, _ = desk.idle(0)
    for kind in ("shown", "shown", "clicked"):
        desk.feedback(kind, 10, decision["decision_id"])
    [reward] = of_type(desk.wait(2 * HOUR), "reward")
    assert (reward["shown"], reward["clicked"], reward["redeemed"]) == (True, True, False)
    assert reward["cost"] == 2.0


def test_feedback_on_what_nobody_offered_is_nothing():
    desk = Desk("no_offer")
    [decision] = desk.idle(0)
    assert desk.feedback("redeemed", 10, "default.unknown") == []
    assert desk.feedback("redeemed", 10, decision["decision_id"]) == []
    [reward] = desk.wait(2 * HOUR)
    assert (reward["shown"], reward["redeemed"]) == (False, False)


# Who gets none


def test_the_holdout_is_sticky_is_never_offered_and_does_not_train():
    desk = Desk(of=shop(holdout=0.3), cooldown="0s")
    found = [desk.idle(day * DAY + n, f"v{n}", cart=f"{n}-{day}") for day in range(3) for n in range(100)]
    last = desk.wait(10 * DAY)
    made = of_type((each for said in [*found, last] for each in said), "decision")
    groups = Counter((each["visitor_id"], each["holdout"]) for each in made)
    assert set(groups.values()) == {3}
    held = {visitor for visitor, holdout in groups if holdout}
    assert 15 <= len(held) <= 45
    for each in made:
        if each["holdout"]:
            assert (each["offer_id"], each["is_trainable"], each["reason"]) == (None, False, "holdout")
            assert each["probabilities"] == {"no_offer": 1.0}
            assert each["removed"] == {"ten_percent": "holdout"}
    assert len(desk.policy.learned) == 3 * (100 - len(held))
    rewards = of_type((each for said in [*found, last] for each in said), "reward")
    assert {each["visitor_id"] for each in rewards} == {f"v{n}" for n in range(100)}


def test_a_shadow_decides_and_logs_and_offers_nothing():
    desk = Desk(shadow=True)
    [decision] = desk.idle(0)
    assert (decision["arm"], decision["offer_id"], decision["expires_at"]) == ("ten_percent", None, None)
    assert (decision["shadow"], decision["is_trainable"], decision["reason"]) == (True, False, "shadow")
    desk.order(60)
    [reward] = desk.wait(2 * HOUR)
    assert reward["cost"] == 0.0
    assert desk.policy.learned == []


def test_a_stale_moment_gets_no_offer_and_does_not_train():
    desk = Desk()
    [decision] = desk.idle(0, read=DAY)
    assert (decision["arm"], decision["reason"], decision["is_trainable"]) == ("no_offer", "stale", False)
    assert decision["removed"] == {"ten_percent": "stale"}
    assert desk.wait(2 * HOUR) == []
    assert types(desk.idle(3 * HOUR)) == ["decision", "offer.decided"]


def test_a_cart_too_small_for_any_offer_says_why():
    [decision] = Desk(of=shop(offer(min_cart_value=60.0))).idle(0)
    assert (decision["reason"], decision["removed"]) == ("no_eligible_arm", {"ten_percent": "min_cart_value"})


def test_history_does_not_speak():
    desk = Desk(emit_after_s=T0 + 1000)
    assert desk.idle(999) == []
    assert types(desk.idle(1000)) == ["decision", "offer.decided"]


# What the abandonment model may learn from


def outcome(at, kind="abandoned", cart="cart of ann", visitor="ann"):
    return CartOutcome(at_s=T0 + at, visitor=visitor, id=f"o{at}", market="default", kind=kind, cart=cart)


def test_a_cart_with_an_offer_is_treated_and_one_without_says_how_probable_that_was():
    desk = Desk()
    desk.idle(0)
    found = desk.machine.close_cart(outcome(60))
    assert (found.treated, found.none_probability) == (True, pytest.approx(0.2))
    desk = Desk("no_offer", of=shop(holdout=0.1))
    desk.idle(0, "v1")
    found = desk.machine.close_cart(outcome(60, cart="cart of v1", visitor="v1"))
    assert (found.treated, found.none_probability) == (False, pytest.approx(0.1 + 0.9 * 0.8))
    assert desk.machine.close_cart(outcome(60, cart="other", visitor="v2")) == (False, 1.0, None)


def test_a_cart_of_a_visitor_who_had_an_offer_lately_is_treated():
    desk = Desk(cooldown="24h")
    desk.idle(0, cart="first")
    assert desk.machine.close_cart(outcome(HOUR, cart="next")).treated
    assert not desk.machine.close_cart(outcome(DAY + 1, cart="next")).treated


# Probabilities


def test_probabilities_cover_exactly_the_eligible_arms_and_choices_follow_them():
    offers = offer(), offer("shipping", kind="free_shipping", value=4.0), offer("big", min_cart_value=1e6)
    machine = DecisionMachine(config(shop(*offers)), deciding())
    expected, chosen = Counter(), Counter()
    for n in range(600):
        emitted = machine.process_moment(moment(n, f"v{n}"), SCORED)
        [made] = [decode_decision(each.value) for each in emitted if each.type == "decision"]
        assert list(made.probabilities) == list(made.eligible) == ["no_offer", "ten_percent", "shipping"]
        assert sum(made.probabilities.values()) == pytest.approx(1.0)
        assert min(made.probabilities.values()) >= 0.02 / 3 - 1e-9
        assert made.propensity == made.probabilities[made.arm]
        expected.update(made.probabilities)
        chosen[made.arm] += 1
    for arm, mass in expected.items():
        assert abs(chosen[arm] - mass) < 4 * (mass * (1 - mass / 600)) ** 0.5


def test_another_seed_draws_other_arms_and_the_same_seed_the_same():
    def arms(seed):
        machine = DecisionMachine(config(), deciding(seed=seed))
        for n in range(50):
            machine.process_moment(moment(n, f"v{n}"), SCORED)
        return [read_entry(entry).terms.arm for entry in machine._ledger.after(0)]

    assert arms(1) == arms(1)
    assert arms(1) != arms(2)


# The contract


def test_all_that_is_said_is_what_the_schemas_say():
    machine = Desk().machine
    emitted = [
        *machine.process_moment(moment(0), SCORED),
        *machine.process_moment(moment(0, "bob", read=DAY), SCORED),
        *machine.advance(T0 + 1900),
        *machine.process_moment(moment(2000, "cid"), SCORED),
        *machine.process_order(struct(ordered(2100, "cid"))),
        *machine.advance(T0 + 3 * HOUR),
        *machine.process_order(struct(ordered(4 * HOUR, "cid"))),
    ]
    kinds = Counter()
    for each in emitted:
        read = read_offer_record if each.stream == "offers" else read_decision_record
        assert encode(read(each.value)) == each.value
        assert each.key in {"ann", "bob", "cid"}
        kinds[each.type] += 1
    assert len({each.id for each in emitted}) == len(emitted)
    assert kinds == {
        "decision": 3,
        "offer.decided": 2,
        "offer.expired": 1,
        "offer.revoked": 1,
        "reward": 3,
    }


# Death and restart


def shopping(desk, steps):
    said = []
    for at, what, who in steps:
        said += records(desk.machine.advance(T0 + at))
        if what == "idle":
            said += desk.idle(at, who)
        elif what == "order":
            said += desk.order(at, who)
        elif what == "wait":
            said += desk.wait(at)
    return said


plans = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 100, 1801, 3601, 90_000]),
        st.sampled_from(["idle", "idle", "order", "wait"]),
        st.sampled_from(["ann", "bob"]),
    ),
    max_size=10,
)


def planned(plan):
    at, steps = 0.0, []
    for wait, what, who in plan:
        at += wait
        steps.append((at, what, who))
    return steps


def real_desk(ledger=None, state=None):
    world = cooled(shop(offer(), offer("mail", channel="email")), "2h")
    desk = Desk(of=world, ledger=ledger)
    desk.machine = DecisionMachine(config(world, desk.ledger), deciding(), state)
    return desk


@OFTEN
@given(plans, st.integers(0, 10), st.integers(0, 10), st.integers(0, 10))
def test_a_market_that_dies_twice_says_the_same_and_decides_nothing_anew(plan, first, second, third):
    steps = planned(plan)
    sealed, died, again = sorted((first, second, third))
    calm = real_desk()
    expected = shopping(calm, steps)

    desk = real_desk()
    before = shopping(desk, steps[:sealed])
    state = desk.machine.snapshot()
    shopping(desk, steps[sealed:again])
    decided = len(list(desk.ledger.after(0)))

    desk = real_desk(desk.ledger, state)
    middle = shopping(desk, steps[sealed:died])
    state = desk.machine.snapshot()

    desk = real_desk(desk.ledger, state)
    after = shopping(desk, steps[died:again])
    assert len(list(desk.ledger.after(0))) == decided
    after += shopping(desk, steps[again:])
    assert before + middle + after == expected
    state, calm_state = (msgspec.msgpack.decode(each.machine.snapshot()) for each in (desk, calm))
    assert state[:-1] == calm_state[:-1]
    assert everything_in(desk.machine._rows) == everything_in(calm.machine._rows)


def test_a_decision_whose_moment_does_not_come_again_is_said_again_all_the_same():
    desk = Desk()
    state = desk.machine.snapshot()
    said = desk.idle(100)
    after = Desk(ledger=desk.ledger, state=state)
    assert after.machine.figures()["unrecovered_decisions"] == 1
    assert after.wait(101) == said
    assert after.machine.figures() == desk.machine.figures() | {"unrecovered_decisions": 0}


def test_a_decision_waiting_to_be_recovered_keeps_its_cart_from_an_earlier_moment():
    desk = Desk()
    state = desk.machine.snapshot()
    desk.idle(239)
    after = Desk(ledger=desk.ledger, state=state)
    assert after.idle(120) == []
    assert types(after.wait(240)) == ["decision", "offer.decided"]


def test_an_order_after_a_restart_finds_the_offer_it_ends():
    desk = Desk()
    state = desk.machine.snapshot()
    desk.idle(0)
    after = Desk(ledger=desk.ledger, state=state)
    assert types(after.order(60)) == ["decision", "offer.decided", "offer.revoked"]


def test_another_policy_starts_without_the_lessons_of_the_one_before():
    desk = Desk()
    desk.machine.policy = DecisionMachine(config(), deciding()).policy
    desk.idle(0)
    desk.wait(2 * HOUR)
    assert desk.machine.policy.updates == 1
    state = desk.machine.snapshot()
    same, looser, other, faster = (
        DecisionMachine(config(ledger=desk.ledger), deciding(policy=it), state)
        for it in ("linear_thompson", "linear_thompson:floor=0.3", "linucb", "linear_thompson:half_life=9")
    )
    assert (same.policy.updates, other.policy.updates) == (1, 0)
    assert (looser.policy.updates, looser.policy.floor, looser.replaced_policy) == (1, 0.3, None)
    assert (faster.policy.updates, faster.policy.half_life) == (0, 9)
    assert other.replaced_policy == faster.replaced_policy == "linear_thompson"


def test_a_state_of_another_format_is_refused_with_words():
    written = msgspec.msgpack.decode(Desk().machine.snapshot())
    with pytest.raises(ValueError, match="the state of decisions must be of format 7; got 0"):
        Desk(state=msgspec.msgpack.encode([0, *written[1:]]))


def test_a_ledger_that_lost_an_open_decision_is_told_in_words():
    desk = Desk()
    decision, _ = desk.idle(0)
    desk.ledger.forget(T0 + 1)
    with pytest.raises(
        LookupError, match=f"the ledger of market 'default' has lost decision {decision['decision_id']}"
    ):
        desk.wait(2 * HOUR)


# Bounds and order


def test_a_window_longer_than_the_correction_period_still_finds_its_decision():
    desk = Desk(of=shop(offer(reward_window=timedelta(days=30))), correction_s=DAY)
    desk.idle(0)
    for day in range(32):
        desk.wait(day * DAY)
    assert desk.policy.learned == [("ten_percent", 0.0)]


def test_expiries_and_windows_end_in_order_of_time_however_seldom_time_is_told():
    def said(*times):
        desk = Desk(of=shop(offer(), offer("mail", expires_after=timedelta(hours=3))))
        desk.idle(0, "ann")
        desk.policy.arm = "mail"
        desk.idle(-1700, "bob")
        return [each for at in times for each in desk.wait(at)]

    assert said(20_000) == said(1801, 1901, 1950, 3500, 3700, 9000, 20_000)


def test_a_steady_load_for_weeks_leaves_a_bounded_state_and_ledger():
    desk, sizes = Desk(correction_s=2 * DAY), []
    for n in range(1500):
        at = n * 1800.0
        desk.idle(at, f"v{n}")
        if n % 3 == 0:
            desk.order(at + 60, f"v{n}")
        desk.wait(at)
        figures = desk.machine.figures()
        sizes.append(figures["open_decisions"])
    assert max(sizes) <= 4
    assert figures["cart_treatments"] <= CART_S / 1800 + 1
    assert len(desk.machine._open._timers._heap) <= 10
    kinds = Counter(key[:1] for key in everything_in(desk.machine._rows))
    assert kinds[b"d"] == kinds[b"t"] == figures["open_decisions"]
    assert kinds[b"n"] == 2 * figures["open_decisions"]
    assert kinds[b"c"] == kinds[b"k"] == figures["cart_treatments"]
    assert len(list(desk.ledger.after(0))) <= (3 * DAY + 3 * HOUR) / 1800 + 1


def test_the_ledger_keeps_what_a_weekly_cap_counts_however_short_the_correction():
    of = shop(rules=rules("0s"))
    capped = Shop.model_validate({**of.document, "caps": {"few": {"at_most": 1, "by": "week"}}})
    desk = Desk(of=capped, correction_s=HOUR)
    assert of_type(desk.idle(0), "offer.decided")  # a Tuesday
    for day in range(1, 5):
        desk.wait(day * DAY)
    [decided] = of_type(desk.idle(4 * DAY, cart="later"), "decision")
    assert decided["removed"] == {"ten_percent": "cap"}
    assert of_type(desk.idle(6 * DAY, cart="next week"), "offer.decided")
