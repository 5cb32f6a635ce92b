"""What a market notices about itself: entropy, silence, decisions without an arm, the holdout's size."""

import random
from pathlib import Path

import msgspec
import pytest
import yaml

from operators.decisions import verdicts as levels
from operators.decisions.diagnosis import Choices, Diagnosis
from operators.decisions.order_joins import OrderJoins, keys_of
from operators.decisions.verdicts import verdicts
from operators.experiments.unit_sketch import UnitSketch
from tests.builders import DAY, HOUR, T0, Desk, World, carted, of_type, offer, ordered, shop, struct

EVEN = {"no_offer": 0.25, "a": 0.25, "b": 0.25, "c": 0.25}
SURE = {"no_offer": 0.0025, "a": 0.9925, "b": 0.0025, "c": 0.0025}
ALERTS = Path(__file__).parents[3] / "deploy/prometheus/alerts.yml"


def chosen(probabilities, times, seed=1, **group):
    rng, choices = random.Random(seed), Choices()
    group = {"of_policy": True, "no_arm": False} | group
    for arm in rng.choices(list(probabilities), list(probabilities.values()), k=times):
        choices.add(arm, probabilities, **group)
    return choices.figures()


def level(question, figures, expected=None):
    """The level of one of the verdicts."""
    return verdict(question, figures, expected).level


def verdict(question, figures, expected=None):
    """One of the verdicts, in their order."""
    order = ("orders", "rewards", "choices", "convergence", "arms", "holdout")
    return verdicts(figures, expected)[order.index(question)]


def test_even_choices_have_all_entropy_and_one_arm_none():
    assert chosen(EVEN, 2000)["choice_entropy"] > 0.99
    assert chosen(EVEN, 2000)["probability_entropy"] == pytest.approx(1.0)
    assert chosen(SURE, 2000)["choice_entropy"] < levels.COLLAPSED
    assert chosen(SURE, 2000)["probability_entropy"] < levels.COLLAPSED


def test_what_was_chosen_long_ago_fades():
    rng, choices = random.Random(2), Choices()
    for arm in rng.choices(list(EVEN), k=3000):
        choices.add(arm, EVEN, of_policy=True, no_arm=False)
    for _ in range(3000):
        choices.add("a", SURE, of_policy=True, no_arm=False)
    assert choices.figures()["choice_entropy"] < levels.COLLAPSED
    assert len(choices.arms) <= 4


def test_a_few_decisions_say_nothing():
    assert chosen(EVEN, 20) == {}
    assert set(Diagnosis().figures(0.0, 0.05).values()) == {0.0}
    assert {each.level for each in verdicts(Diagnosis().figures(0.0, 0.05), 0.05)} == {"unknown"}
    assert {each.level for each in verdicts({})} == {"unknown"}


def test_a_rule_has_no_say_in_the_choices_and_who_is_outside_of_a_canary_had_one():
    rollouts = [{"stage": "rule", "rule": "always:ten_percent"}, {"stage": "canary", "share": 0.0}]
    for rollout in rollouts:
        desk = Desk(of=shop(rollout=rollout))
        for n in range(100):
            desk.idle(n, f"v{n}")
        figures = desk.machine.statistics.diagnosis.figures(T0, 0.0)
        assert "choice_entropy" not in figures
        assert figures["no_eligible_arm_share"] == 0.0


def test_the_holdout_has_no_say_in_the_choices():
    assert "choice_entropy" not in chosen({"no_offer": 1.0}, 200, of_policy=False)


def test_decisions_that_found_no_arm_are_a_share_of_all():
    rng, choices = random.Random(3), Choices()
    for _ in range(2000):
        without = rng.random() < 0.7
        choices.add("no_offer", {"no_offer": 1.0}, of_policy=True, no_arm=without)
    figures = choices.figures()
    assert figures["no_eligible_arm_share"] == pytest.approx(0.7, abs=0.08)
    assert level("arms", figures) == "watch"
    assert level("arms", {"no_eligible_arm_share": 0.1}) == "good"


def test_choices_that_collapsed_and_a_policy_that_never_settles_are_told_apart():
    assert level("choices", chosen(SURE, 1000)) == "watch"
    assert level("choices", chosen(EVEN, 1000)) == "good"
    even = chosen(EVEN, 1000) | {"orders_attributed": 9.0}
    assert level("convergence", even | {"policy_updates": 1999}) == "unknown"
    assert level("convergence", even | {"policy_updates": 2000}) == "watch"
    sure = chosen(SURE, 1000) | {"policy_updates": 2000}
    assert level("convergence", sure | {"orders_attributed": 9.0}) == "good"


def test_preferences_that_no_order_has_taught_are_not_good():
    sure = chosen(SURE, 1000) | {"policy_updates": 2000, "orders_attributed": 0.0}
    assert verdict("convergence", sure) == (
        "unknown",
        "The policy has preferences, but no order was attributed yet: they come from costs alone.",
    )


def test_a_policy_that_knows_one_arm_only_has_no_entropy_at_all():
    figures = chosen({"a": 1.0, "b": 0.0}, 100)
    assert verdict("choices", figures).sentence.startswith("The choices have collapsed: entropy 0.00 of 1")


def sold(desk, visitors, first=0, buys=lambda n: n % 5 == 0):
    """One visitor after the other leaves a cart; some come back and buy."""
    for n in range(first, first + visitors):
        desk.idle(60.0 * n, f"v{n}")
        if buys(n):
            desk.order(60.0 * n + 30, f"v{n}")
        desk.wait(60.0 * n + 40)


def figures_of(desk, at):
    return desk.machine.statistics.diagnosis.figures(T0 + at, 0.0)


def test_rewards_that_stay_away_while_offers_go_out_are_noticed():
    desk = Desk()
    sold(desk, 200)
    assert level("rewards", figures_of(desk, 200 * 60)) == "good"
    sold(desk, 100, 200, buys=lambda _: False)
    figures = figures_of(desk, 300 * 60)
    assert figures["reward_silence_seconds"] > 6000
    assert figures["missed_rewards"] == pytest.approx(100 * 0.17, rel=0.3)
    assert level("rewards", figures) == "bad"
    said = verdict("rewards", figures).sentence
    assert said.startswith("No reward for 104 minutes while decisions are taken")


def test_rewards_that_never_came_are_missed_at_the_conversion_that_was_assumed():
    desk = Desk()
    sold(desk, 600, buys=lambda _: False)
    figures = figures_of(desk, 600 * 60)
    assert figures["missed_rewards"] == pytest.approx(600 / 50)
    assert figures["orders_attributed"] == 0
    assert level("rewards", figures) == "bad"
    assert verdict("rewards", figures).sentence.endswith(
        "No order has come at all: is the topic that has them among `events_topics`?"
    )


def test_before_the_first_reward_nothing_is_good():
    desk = Desk()
    sold(desk, 60, buys=lambda _: False)
    assert verdict("rewards", figures_of(desk, 3600)) == (
        "unknown",
        "No order was attributed yet, 60 minutes after the first decision.",
    )


def test_rewards_that_hardly_ever_come_are_not_good():
    figures = {"reward_silence_seconds": 60.0, "missed_rewards": 1.0, "orders_attributed": 1.0}
    assert level("rewards", figures) == "good"
    assert level("rewards", figures | {"conversion": 0.001}) == "watch"
    assert level("rewards", figures | {"conversion": 0.01}) == "good"


def test_a_worker_that_makes_no_offers_misses_rewards_too():
    desk = Desk("no_offer", shadow=True)
    sold(desk, 600, buys=lambda _: False)
    assert level("rewards", figures_of(desk, 600 * 60)) == "bad"


def came(desk, orders, **carried):
    """Orders of buyers whom nobody has seen."""
    for n in range(orders):
        desk.order(1000.0 + n, f"server {n}", id=f"came {n}", order_id=f"came {n}", **carried)
    return figures_of(desk, 1000.0 + orders)


def test_orders_that_come_and_never_join_are_the_first_thing_said():
    figures = came(Desk(), 30, user_id="u-1", cart_id="c-1")
    assert figures["orders_seen"] == 30
    assert figures["orders_unattributed_share"] == pytest.approx(1.0)
    first = verdicts(figures)[0]
    assert first.level == "bad"
    assert first.sentence == (
        "Orders come but do not join: 100% of the last ones met no visit, cart or decision. What they carry: "
        "visitor 100%, user 100%, cart 100%. Is their `visitor_id` the one of the clickstream, or an id of "
        "the server's own? Does the clickstream ever name the `user_id`, as at a login? Do cart events carry "
        "the same `cart_id`?"
    )


def test_a_few_orders_do_not_say_whether_they_join():
    desk = Desk()
    assert verdict("orders", figures_of(desk, 0)) == ("unknown", "No order has come yet.")
    assert verdict("orders", came(desk, 19)) == (
        "unknown",
        "Only 19 orders have come yet: too few to say whether they join.",
    )
    assert verdict("orders", {}).sentence.startswith("What orders came is not known here")


def test_orders_that_join_are_good_and_most_that_do_not_are_looked_at():
    desk = Desk()
    sold(desk, 40, buys=lambda _: True)
    assert level("orders", figures_of(desk, 40 * 60)) == "good"
    figures = came(desk, 60)
    assert figures["orders_unattributed_share"] == pytest.approx(0.6, abs=0.04)
    assert level("orders", figures) == "watch"


def test_an_order_without_any_key_is_asked_for_one():
    joins = OrderJoins()
    for _ in range(20):
        joins.add((), joined=False)
    assert verdict("orders", joins.figures()).sentence.endswith(
        "They carry no visitor, user, cart, checkout, code or offer: send one that carts have too."
    )
    for _ in range(80):
        joins.add(("code",), joined=False)
    assert verdict("orders", joins.figures()).sentence.endswith(
        "What they carry: code 82%. Send the `cart_id`, the `user_id` or the `visitor_id`."
    )


def test_the_keys_of_an_order_are_those_that_say_whose_it_is():
    assert keys_of(struct(ordered(0, "ann"))) == ("visitor",)
    assert keys_of(struct(ordered(0, "u-1", user_id="u-1", checkout_id="t"))) == ("user", "checkout")
    codes = [{"code": "SAVE10"}]
    full = ordered(
        0, None, user_id="u", cart_id="c", discount_codes=codes, offers=["o"], id="e", order_id="o"
    )
    assert keys_of(struct(full)) == ("user", "cart", "code", "offer")


def test_the_keys_of_orders_that_joined_do_not_count():
    joins = OrderJoins()
    for n in range(100):
        joins.add(("visitor",) if n % 2 else ("user",), joined=bool(n % 2))
    figures = joins.figures()
    assert figures["unattributed_with_user"] == pytest.approx(1.0)
    assert figures["unattributed_with_visitor"] == 0.0


def test_a_silence_in_which_no_offers_go_out_is_none():
    desk = Desk()
    sold(desk, 200)
    figures = figures_of(desk, 30 * DAY)
    assert figures["reward_silence_seconds"] > 29 * DAY
    assert level("rewards", figures) == "good"


def test_at_the_end_of_a_recording_silence_is_counted_to_the_last_decision():
    desk = Desk()
    sold(desk, 10, buys=lambda _: False)
    assert figures_of(desk, float("inf"))["reward_silence_seconds"] == 9 * 60


def test_somebody_who_comes_often_is_one_visitor():
    balance = UnitSketch()
    for _ in range(50):
        balance.observe("ann", holdout=True)
        balance.observe("bob", holdout=False)
    assert balance.share == 0.5


def units_of(desk, *sights):
    """The units that the market's sample holds after these visitors were seen, and how many are held out."""
    for n, (visitor, user) in enumerate(sights):
        desk.idle(n * DAY, visitor, user=user, cart=f"cart {n}")
    kept = desk.machine.statistics.diagnosis.balance.kept
    return len(kept), sum(kept.values())


def test_a_user_on_several_devices_is_one_unit():
    sights = [("phone", "ann"), ("laptop", "ann"), ("tablet", "ann"), ("phone", None)]
    assert units_of(Desk(), *sights) == (1, 0)
    assert units_of(Desk(of=shop(holdout=1 - 1e-12)), *sights) == (1, 1)


def test_who_was_assigned_apart_from_himself_counts_as_assigned_at_first():
    found, of = [], shop(holdout=0.5)
    for n in range(200):
        desk = Desk(of=of)
        (first,) = of_type(desk.idle(0, f"v{n}", cart="a"), "decision")
        (then,) = of_type(desk.idle(2 * DAY, f"v{n}", user=f"u{n}", cart="b"), "decision")
        assert then["unit_id"] == first["unit_id"]
        if then["holdout"] != first["holdout"]:
            found.append(list(desk.machine.statistics.diagnosis.balance.kept.values()))
    assert len(found) > 20
    assert found == [[False]] * len(found)


def test_a_few_units_do_not_say_whether_the_holdout_is_in_balance():
    diagnosis = Diagnosis(balance=seen(0.05, 49, 1))
    assert "holdout_share" not in diagnosis.figures(0.0, 0.05)
    assert verdict("holdout", diagnosis.figures(0.0, 0.05), 0.05) == (
        "unknown",
        "Too few units yet to say whether the holdout is in balance.",
    )
    assert "holdout_p_value" in Diagnosis(balance=seen(0.05, 50, 1)).figures(0.0, 0.05)


def test_a_moment_with_nothing_to_choose_from_is_no_unit_yet():
    assert units_of(Desk(of=shop(offer(min_cart_value=1e6))), ("phone", "ann")) == (0, 0)


def seen(share, visitors, seed):
    rng, balance = random.Random(seed), UnitSketch()
    for n in range(visitors):
        balance.observe(f"{seed}-{n}", holdout=rng.random() < share)
    return balance


def test_a_holdout_that_is_not_as_set_is_noticed_and_one_that_is_hardly_ever():
    assert seen(0.10, 3000, 1).p_value(0.05) < levels.UNBALANCED
    assert seen(0.0, 3000, 1).p_value(0.05) < levels.UNBALANCED
    rng = random.Random(5)
    alarms = 0
    for seed in range(100):
        balance, least = UnitSketch(), 1.0
        for n in range(1000):
            balance.observe(f"{seed}-{n}", holdout=rng.random() < 0.05)
            if n % 20 == 0:
                least = min(least, balance.p_value(0.05))
        alarms += least < 0.05
    assert alarms <= 5


def test_the_sample_is_bounded_and_fair():
    balance = seen(0.3, 20_000, 7)
    assert len(balance.kept) == 1000
    assert balance.share == pytest.approx(0.3, abs=0.06)
    assert balance.greatest == max(balance.kept)


@pytest.mark.parametrize(("expected", "share", "p_value"), [(0.0, 0.0, 1), (0.0, 0.5, 0), (1.0, 1.0, 1)])
def test_a_holdout_of_nobody_or_everybody_is_exact(expected, share, p_value):
    assert seen(share, 100, 1).p_value(expected) == p_value


def test_the_words_say_whether_the_holdout_fits():
    figures = {"holdout_share": 0.05, "holdout_p_value": 0.8}
    assert level("holdout", figures, 0.05) == "good"
    assert level("holdout", figures) == "unknown"
    assert level("holdout", {"holdout_share": 0.1, "holdout_p_value": 1e-5}, 0.05) == "bad"


def test_a_market_tells_it_and_remembers_it_over_a_crash():
    world = World(shop(holdout=0.2))
    for n in range(150):
        world.tell(carted(n * 60.0, f"v{n}"))
        if n % 4 == 0:
            world.tell(ordered(n * 60.0 + 30, f"v{max(n - 4, 0)}"))
    world.wait(150 * 60.0 + HOUR)
    figures = world.market().figures()
    assert {"choice_entropy", "probability_entropy", "missed_rewards", "holdout_p_value"} <= figures.keys()
    assert 0.1 < figures["holdout_share"] < 0.3
    world.crash(world.snapshot())
    assert world.market().figures() == figures


def test_a_snapshot_of_before_there_was_a_diagnosis_is_read():
    desk = Desk()
    desk.idle(0)
    state = msgspec.msgpack.decode(desk.machine.snapshot())
    state[8] = state[8][:2]
    again = Desk(ledger=desk.ledger, state=msgspec.msgpack.encode(state))
    assert again.machine.statistics.arms["ten_percent"].decided == 1
    assert again.machine.statistics.diagnosis == Diagnosis()


def test_the_alerts_have_the_levels_of_the_report():
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    rules = {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}
    assert rules["ChoicesCollapsed"].endswith(f"< {levels.COLLAPSED:g}")
    assert f"> {levels.UNSETTLED:g} and" in rules["PolicyNeverSettles"]
    assert rules["PolicyNeverSettles"].endswith(f">= {levels.UPDATES}")
    assert f"> {levels.SILENCE_S:g} and" in rules["RewardsStopped"]
    assert rules["RewardsStopped"].endswith(f"> {levels.MISSED:g}")
    assert rules["OrdersUnattributed"].endswith(f"> {levels.MOST_LOST:g}")
    assert rules["NoEligibleArm"].endswith(f"> {levels.NO_ARM:g}")
    assert rules["HoldoutOutOfBalance"].endswith(f"< {levels.UNBALANCED:g}")
