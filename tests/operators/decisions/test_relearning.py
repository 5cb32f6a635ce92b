"""A market that is rebuilt from what was published of it is the one that was lost, within stated bounds."""

import math
from datetime import datetime

import orjson
import pytest

from flows.assembly import stations_of
from flows.local.in_process import InProcessDataflow
from flows.stores.ledger import Ledgers
from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.decision_machine import MarketConfig
from operators.decisions.ledger import read_entry
from operators.decisions.market import MarketStation
from operators.decisions.reconciling import PublishedDecision, reconcile
from operators.decisions.relearning import RelearningMarket
from schemas.decisions import ControlApplied, Decision, Outcome, Reward, read_decision_record
from schemas.offers import OfferDecided, read_offer_record
from tests.builders import HOUR, T0, Desk, shop
from tests.laws import shopping
from tests.rows import DictRows

ARMS = ["no_offer", "ten", "ship", "nudge"]
STEP = 4
"""So many events are read together: what is read later than a timer is due may be decided upon first."""
DEAREST = 9_500_000
"""The most that one offer of the shop costs, in millionths."""
RANKS = {"control_applied": 0, "offer.decided": 1, "decision": 2, "reward": 4, "outcome": 5}


def told(market, said, name):
    """Tell a market that is rebuilt what was published of it, in the order of time."""
    found = []
    for record in said:
        if record.stream == "rejected" or record.type in {"score", "drift"}:
            continue
        fields = orjson.loads(record.value)
        at = datetime.fromisoformat(fields.get("at") or fields["time"])
        found.append((at, RANKS.get(record.type, 3), record.id, record))
    for at, _, _, record in sorted(found, key=lambda each: each[:3]):
        read = read_offer_record if record.stream == "offers" else read_decision_record
        event = read(record.value)
        if (event.data.market if record.stream == "offers" else event.market) != name:
            continue
        match event:
            case OfferDecided():
                market.offered(event.data.decision_id, record.value)
            case Decision():
                market.decided(event.decision_id, record.value, at.timestamp())
            case Reward():
                market.rewarded(event)
            case Outcome():
                market.cart_ended(event)
            case ControlApplied():
                market.controlled(event)
            case _:
                market.offer_ended(event)


class Lost:
    """Machines that read a part of a log, in immediate mode, and what they published."""

    def __init__(self, events):
        self.settings = shopping.settings()
        self.events = shopping.messages(events)["log/0000"]
        self.said = []
        self.dataflow = self.made(Ledgers().of)
        self.read(self.dataflow, self.events, self.said)

    def made(self, ledger_of, **more):
        stations = stations_of(self.settings, shopping.SHOP, ["log/0000"], ledger_of, ordered=False, **more)
        return InProcessDataflow(stations)

    def read(self, dataflow, events, said):
        reader = shopping.readers(self.settings, ordered=False)("log/0000", None)
        for start in range(0, len(events), STEP):
            said += dataflow.process(reader.read(events[start : start + STEP], None))[0]

    def awaited(self):
        decided = shopping.decisions_in(self.said)
        ended = {
            each["decision_id"]
            for each in shopping.records_in(self.said, "reward")
            if each["kind"] == "window"
        }
        had_choice = {each["decision_id"] for each in decided if each["window_ends_at"] > each["at"]}
        return had_choice - ended

    def rebuilt(self, name="default", ledger=None):
        ledger = MemoryLedger(DictRows()) if ledger is None else ledger
        stations = stations_of(self.settings, shopping.SHOP, (), Ledgers().of, ordered=False)
        config = MarketConfig(shopping.SHOP, name, ledger)
        market = RelearningMarket(config, stations.markets, self.awaited())
        told(market, self.said, name)
        return market


def later(decision):
    """A decision of a while later: nobody reacts to one that is not published yet."""
    at_s = datetime.fromisoformat(decision["at"]).timestamp()
    return decision | {"at": shopping.stamp(at_s + 90.0)}


@pytest.fixture(scope="module")
def lost():
    events = shopping.with_back_office(shopping.log(visitors=150))
    said, _ = shopping.loop(shopping.messages(events), shopping.settings(), ordered=False)
    events = shopping.with_feedback(events, [later(each) for each in shopping.decisions_in(said)])
    return Lost(events[: len(events) * 4 // 5])


@pytest.fixture(scope="module", params=["default", "uk"])
def pair(lost, request):
    """The machine of a market that is lost, and the one that is rebuilt."""
    rebuilt = lost.rebuilt(request.param)
    return lost.dataflow.market(request.param), rebuilt


def opened(machine):
    return {name: (each.offer_open, each.window_ended) for name, each in machine._open.items()}


def rule(machine, name):
    return next(each for each in machine._rules.rules if each.name == name)


def test_what_waits_for_its_reward_waits_again(pair):
    before, after = pair[0].decisions, pair[1].machine
    waiting = {name for name, (_, window_ended) in opened(before).items() if not window_ended}
    assert len(waiting) > 3
    assert set(after._unrecovered.decisions()) == waiting
    others = {name: each for name, each in opened(before).items() if name not in waiting}
    assert opened(after) == others
    assert pair[1].machine.open_count == len(opened(before))


def used(machine, until_s=0.0):
    """What is used of each budget, by period, and how many offers were made, once a time is reached."""
    accounts = rule(machine, "budget")._accounts
    rule(machine, "budget").forget(until_s)
    return {
        name: {key: (each.used, each.made) for key, each in account.totals.items()}
        for name, account in accounts.items()
    }


def test_caps_and_the_numbers_of_offers_are_the_same(pair):
    before, after = pair[0].decisions, pair[1].machine
    assert rule(after, "market_caps")._counts == rule(before, "market_caps")._counts
    for name, periods in used(before).items():
        assert {key: made for key, (_, made) in used(after)[name].items()} == {
            key: made for key, (_, made) in periods.items()
        }


def test_ledgers_agree_but_for_traces_lines_and_microseconds(pair):
    before, after = pair[0].decisions, pair[1].machine
    for entry in map(read_entry, before._ledger.after(-1)):
        again = read_entry(after._ledger.get(entry.terms.decision))
        assert again.decided == entry.decided
        assert again.offered == entry.offered
        assert again.features == entry.features
        assert again.terms.at_s == pytest.approx(entry.terms.at_s, abs=1e-6)
        for name in ("names", "arm", "group", "treated", "is_trainable", "cost", "codes"):
            assert getattr(again.terms, name) == getattr(entry.terms, name), name


def test_the_policy_chooses_as_before(pair):
    before, after = pair[0].decisions, pair[1].machine
    assert after.policy.updates == before.policy.updates > 10
    assert pair[1].found.capped_otherwise == 0
    differences = []
    for entry in map(read_entry, before._ledger.after(-1)):
        old, new = (each.policy.choose(ARMS, entry.features, 1, {})[1] for each in (before, after))
        differences.append(sum(abs(old[arm] - new[arm]) for arm in ARMS) / 2)
    assert sum(differences) / len(differences) < 0.01


def test_the_abandonment_model_knows_what_it_knew(pair):
    pair[1]._train(most=0)
    before, after = pair[0].abandonment.figures(), pair[1].station.abandonment.figures()
    # carts that had an offer are judged by the model as it was some updates earlier or later
    same = [name for name in before if not name.startswith("treated_")]
    assert {name: after[name] for name in same} == pytest.approx({name: before[name] for name in same})
    assert after["treated_outcomes"] == before["treated_outcomes"]
    assert before["updates"] > 20
    assert pair[1].found.untrained == 0
    scores = []
    for entry in map(read_entry, pair[0].decisions._ledger.after(-1)):
        features = {name: value for name, value in entry.features.items() if name != "abandonment"}
        models = (pair[0].abandonment, pair[1].station.abandonment)
        old, new = (each.score(features) for each in models)
        scores.append(abs(old - new))
    assert sum(scores) / len(scores) < 1e-9


def test_statistics_are_the_same(pair):
    before, after = pair[0].decisions.statistics, pair[1].machine.statistics
    waiting = [each.terms.arm for each in pair[1].machine._unrecovered.before(math.inf)]
    for arm, numbers in before.arms.items():
        again = after.arms[arm]
        assert again.decided + waiting.count(arm) == numbers.decided
        assert (again.ended, again.ordered) == (numbers.ended, numbers.ordered)
        assert again.profit == pytest.approx(numbers.profit)


def test_persons_are_assigned_as_they_were(pair):
    before, after = pair[0].decisions, pair[1].machine
    units = {
        entry.terms.visitor for entry in map(read_entry, before._ledger.after(-1)) if entry.terms.had_choice
    }
    for visitor in units:
        old = before._assignments._recall(f"visitor:{visitor}", 0.0)
        new = after._assignments._recall(f"visitor:{visitor}", 0.0)
        assert (new.unit, new.group, new.held_out) == (old.unit, old.group, old.held_out)


def test_a_worker_that_reads_the_same_events_again_publishes_nothing_twice_and_decides_nothing_anew(lost):
    ledgers = {name: MemoryLedger(DictRows()) for name in shopping.SHOP.markets}
    seeds = {name: lost.rebuilt(name, ledger).snapshot() for name, ledger in ledgers.items()}
    until_s = max(
        datetime.fromisoformat(each["at"]).timestamp() for each in shopping.records_in(lost.said, "score")
    )
    again = lost.made(ledgers.__getitem__, relearned_of=seeds.get, emit_after_s=until_s)
    updates = {name: lost.dataflow.market(name).decisions.policy.updates for name in seeds}
    models = {name: lost.dataflow.market(name).abandonment.version for name in seeds}
    said = []
    lost.read(again, lost.events, said)
    published = {each.id for each in lost.said}
    new = [each for each in said if each.id not in published]
    assert {each.type for each in new} <= {"score"}
    for name in seeds:
        market = again.market(name)
        assert market.decisions.policy.updates == updates[name]
        assert market.abandonment.version == models[name]
        assert opened(market.decisions) == opened(lost.dataflow.market(name).decisions)
        before = lost.dataflow.market(name).decisions
        for budget, periods in used(before, until_s).items():
            for period, (spent, made) in periods.items():
                again_spent, again_made = used(market.decisions, until_s)[budget][period]
                # feedback that was read before a late decision is read after it now
                assert abs(again_spent - spent) <= DEAREST
                assert again_made == made
        for decision, each in before._open.items():
            earned = market.decisions._open.get(decision).earnings
            assert earned.money.margin == pytest.approx(each.earnings.money.margin)
            assert [order.order for order in earned.orders] == [order.order for order in each.earnings.orders]


def test_a_new_policy_learns_from_an_old_log(lost):
    lost.settings = shopping.settings(policy="epsilon_greedy")
    try:
        market = lost.rebuilt()
    finally:
        lost.settings = shopping.settings()
    assert market.machine.policy.updates == lost.dataflow.market("default").decisions.policy.updates


def test_a_rebuilt_market_is_written_down_and_goes_on(lost):
    ledger = MemoryLedger(DictRows())
    market = lost.rebuilt(ledger=ledger)
    state, stations = (
        market.snapshot(),
        stations_of(lost.settings, shopping.SHOP, (), Ledgers().of, ordered=False),
    )
    config = MarketConfig(shopping.SHOP, "default", ledger)
    resumed = MarketStation(config, stations.markets, state)
    assert opened(resumed.decisions) == opened(market.machine)
    waiting = market.machine._unrecovered.decisions()
    assert resumed.decisions._unrecovered.decisions() == waiting != []


def test_an_offer_that_was_never_published_stays_withheld():
    desk = Desk()
    decided = desk.idle(0)[0]
    stations = stations_of(shopping.settings(), shop(), (), Ledgers().of, ordered=False)
    market = RelearningMarket(MarketConfig(shop(), "default", MemoryLedger(DictRows())), stations.markets, ())
    market.decided(decided["decision_id"], orjson.dumps(decided), 0.0)
    assert market.found.withheld == 1
    emitted = market.machine.advance(T0 + 2 * HOUR)
    assert [each.type for each in emitted] == ["reward"]
    assert opened(market.machine) == {}


def test_an_offer_without_the_record_of_its_decision_is_followed_and_trains_nothing(lost):
    open_offers = {
        decision
        for decision, each in lost.dataflow.market("default").decisions._open.items()
        if each.offer_open and each.published and not each.window_ended
    }
    gone, stays = min(open_offers), max(open_offers)
    said = [each for each in lost.said if each.id != gone]
    market = RelearningMarket(
        MarketConfig(shopping.SHOP, "default", MemoryLedger(DictRows())),
        stations_of(lost.settings, shopping.SHOP, (), Ledgers().of, ordered=False).markets,
        lost.awaited(),
    )
    told(market, said, "default")
    market.snapshot()
    assert market.found.unrecorded == 1
    machine = market.machine
    assert {gone, stays} <= set(machine._unrecovered.decisions())
    published = {each.id: each.value for each in lost.said}
    decision, offer = machine._recover(machine._unrecovered.get(gone))
    assert offer.value == published[f"{gone}-decided"]
    was, now = orjson.loads(published[gone]), orjson.loads(decision.value)
    assert (now["reason"], now["is_trainable"], now["unit_id"]) == ("unrecorded", False, None)
    kept = ("decision_id", "arm", "propensity", "offer_id", "at", "expires_at", "cart_id")
    assert {name: now[name] for name in kept} == {name: was[name] for name in kept}
    assert now["at"] < now["window_ends_at"] <= was["window_ends_at"]  # other arms may have waited longer


def test_decisions_that_were_published_after_a_copy_are_recovered_from_it(lost):
    ledger = MemoryLedger(DictRows())
    offers = {
        each["data"]["decision_id"]: orjson.dumps(each)
        for each in shopping.records_in(lost.said, "offer.decided")
    }
    decided = [
        PublishedDecision(each.value, offers.get(orjson.loads(each.value)["decision_id"]))
        for each in lost.said
        if each.type == "decision" and orjson.loads(each.value)["market"] == "default"
    ]
    arms = {offer.name: offer for offer in shopping.SHOP.arms("default")}
    given = (ledger, shopping.SHOP.markets["default"], arms)
    found = reconcile(*given, decided)
    assert (found.added, found.known, found.withheld, found.unknown_arms) == (len(decided), 0, 0, 0)
    assert reconcile(*given, decided).known == len(decided)
    machine = lost.made(lambda _market: ledger).market("default").decisions
    assert machine.figures()["unrecovered_decisions"] == len(decided)
    before = lost.dataflow.market("default").decisions
    assert rule(machine, "market_caps")._counts == rule(before, "market_caps")._counts
    assert reconcile(*given[:2], {}, [PublishedDecision(decided[0].decided, None)]).known == 1
