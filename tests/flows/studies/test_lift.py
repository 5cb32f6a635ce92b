"""Lift from the files that the worker writes: units, their seven days, and what the command prints."""

from array import array
from datetime import timedelta

import orjson
import pytest

from flows.assembly import reader_of, stations_of
from flows.cli import main
from flows.demo.settings import OFFERS
from flows.files.jsonl import FILES, LineFiles
from flows.files.sorting import sort_files
from flows.local.in_process import InProcessDataflow
from flows.settings import read_settings
from flows.stores.ledger import Ledgers
from flows.studies.lift.experiment_columns import DECISION_FIELDS, REWARD_FIELDS, ExperimentColumns
from flows.studies.lift.run import read_lift
from operators.simulation import DEMO_CARTS, World, WorldSettings
from schemas.decisions import Decision, Reward
from schemas.errors import DataError
from schemas.partial_records import partial_decoder
from schemas.records import Timestamp
from tests.builders import DAY, HOUR, PART, T0, Desk, message, offer, shop

NAMES = ("decisions", "rewards", "outcomes")


def decided(at, unit="visitor:ann", *, held_out=False, window=HOUR, **more):
    group = "holdout" if held_out else "policy"
    return {
        "type": "decision",
        "decision_id": f"{unit} at {at}",
        "market": "default",
        "at": str(Timestamp(T0 + at)),
        "window_ends_at": str(Timestamp(T0 + at + window)),
        "unit_id": unit,
        "assignment": group,
        "assigned_at": str(Timestamp(T0 + at)),
        "holdout_share": 0.1,
        "conflict": False,
    } | more


def rewarded(decision, *orders, cost=0.0, kind="window", cause=None):
    """A reward for orders, each a time and a profit; the decision itself may cost something."""
    return {
        "type": "reward",
        "decision_id": decision["decision_id"],
        "market": decision["market"],
        "at": decision["window_ends_at"],
        "kind": kind,
        "cause": cause,
        "profit": sum(profit for _, profit in orders) - cost,
        "orders": [f"order at {at}" for at, _ in orders],
        "ordered_at": [str(Timestamp(T0 + at)) for at, _ in orders],
        "order_profits": [profit for _, profit in orders],
    }


def again(at, first):
    """A later decision on the unit of an earlier one."""
    return decided(at, first["unit_id"]) | {"assigned_at": first["assigned_at"]}


def ended(at):
    return {"type": "outcome", "market": "default", "at": str(Timestamp(T0 + at))}


def written(directory, decisions, rewards=(), until=30 * DAY):
    for name, records in zip(NAMES, (decisions, rewards, [ended(until)]), strict=True):
        lines = [orjson.dumps(record) + b"\n" for record in records]
        (directory / f"{name}.jsonl").write_bytes(b"".join(lines))
    return read_lift(directory)["default"]


def profits(found):
    return list(found.units.profit)


def test_a_unit_has_one_value_of_its_first_seven_days_however_many_decisions(tmp_path):
    first = decided(0)
    second, third = again(5 * DAY, first), again(8 * DAY, first)
    rewards = [
        rewarded(first, (60, 10.0), (120, 5.0)),
        rewarded(first, (DAY, 2.0), kind="correction"),
        rewarded(second, (6 * DAY, 20.0), (7 * DAY, 1.0), (7 * DAY + 1, 100.0)),
        rewarded(third, (8 * DAY + 60, 1000.0)),
    ]
    found = written(tmp_path, [first, second, third], rewards)
    assert profits(found) == [38.0]
    assert list(found.units.conversion) == [1.0]
    assert list(found.units.at_s) == [T0]


def test_a_cost_without_an_order_counts_with_its_decision(tmp_path):
    first, bob = decided(0), decided(1, "user:bob")
    late = again(8 * DAY, first)
    rewards = [rewarded(first, cost=2.0), rewarded(bob, (8 * DAY, 10.0), cost=3.0), rewarded(late, cost=50.0)]
    found = written(tmp_path, [first, bob, late], rewards)
    assert profits(found) == [-2.0, -3.0]
    assert list(found.units.conversion) == [0.0, 0.0]


@pytest.mark.parametrize(
    ("cause", "conversion"), [("order", 1.0), ("update", 1.0), ("refund", 1.0), ("cancellation", 0.0)]
)
def test_an_order_that_was_cancelled_after_its_window_is_no_conversion(tmp_path, cause, conversion):
    unit = decided(0)
    rewards = [rewarded(unit, (60, 10.0)), rewarded(unit, (60, -10.0), kind="correction", cause=cause)]
    found = written(tmp_path, [unit], rewards)
    assert (profits(found), list(found.units.conversion)) == ([0.0], [conversion])


def test_of_two_orders_one_may_be_cancelled(tmp_path):
    unit = decided(0)
    rewards = [
        rewarded(unit, (60, 10.0), (90, 20.0)),
        rewarded(unit, (60, -10.0), kind="correction", cause="cancellation"),
    ]
    found = written(tmp_path, [unit], rewards)
    assert (profits(found), list(found.units.conversion)) == ([20.0], [1.0])


def test_both_groups_are_compared(tmp_path):
    units = [decided(n, f"visitor:{n}", held_out=n % 5 == 0) for n in range(500)]
    rewards = [rewarded(unit, (10_000, 20.0 if n % 5 else 5.0)) for n, unit in enumerate(units)]
    found = written(tmp_path, units, rewards)
    assert (found.profit.policy, found.profit.holdout) == (20.0, 5.0)
    assert (found.conversion.policy, found.conversion.holdout) == (1.0, 1.0)
    assert found.balance[:2] == (500, 100)
    assert found.balance.p_value < 0.001


def test_a_unit_whose_time_is_not_over_is_pending(tmp_path):
    young, old = decided(4 * DAY, "visitor:bob"), decided(0)
    rewards = [rewarded(old), rewarded(young)]
    assert written(tmp_path, [old, young], rewards, until=7 * DAY - 1).units.at_s.size == 0
    found = written(tmp_path, [old, young], rewards, until=7 * DAY)
    assert (found.units.at_s.size, found.pending) == (1, 1)
    assert found.balance.units == 2


def test_no_unit_is_over_after_the_first_decision_whose_window_is_still_open(tmp_path):
    early, late = decided(0), decided(DAY, "visitor:bob")
    open_one = decided(7.5 * DAY, "visitor:cid", held_out=True, window=3 * DAY)
    rewards = [rewarded(early), rewarded(late)]
    found = written(tmp_path, [early, late, open_one], rewards, until=9 * DAY)
    assert found.until_s == T0 + 7.5 * DAY
    assert list(found.units.at_s) == [T0]
    assert (found.pending, found.lost) == (2, 0)


def test_a_decision_whose_reward_was_lost_delays_no_unit(tmp_path):
    early, lost = decided(0), decided(DAY, "visitor:bob")
    found = written(tmp_path, [early, lost], [rewarded(early)])
    assert (found.units.at_s.size, found.lost) == (2, 1)


def test_units_that_began_before_the_records_or_without_a_holdout_are_left_out(tmp_path):
    known, before, everyone = decided(0), decided(1, "user:u"), decided(2, "user:w", holdout_share=0.0)
    before["assigned_at"] = str(Timestamp(T0 - DAY))
    stale = decided(3, None) | {"assignment": None, "assigned_at": None, "holdout_share": None}
    found = written(tmp_path, [known, before, everyone, stale], map(rewarded, [known, before, everyone]))
    assert list(found.units.at_s) == [T0]
    assert (found.begun_before, found.not_randomised, found.pending) == (1, 1, 0)


def test_conflicts_are_counted_and_keep_their_first_assignment(tmp_path):
    first = decided(0, held_out=False)
    second = again(DAY, first) | {"conflict": True}
    found = written(tmp_path, [first, second], [rewarded(first), rewarded(second)])
    assert (found.conflicts, list(found.units.held_out)) == (1, [False])


def test_units_that_begin_at_once_stay_in_the_order_of_their_lines(tmp_path):
    units = [decided(0, f"visitor:{n}") for n in range(20)]
    assert profits(written(tmp_path, units, [rewarded(unit, (1, n)) for n, unit in enumerate(units)])) == [
        *range(20)
    ]


def test_a_reward_without_its_decision_counts_for_no_unit(tmp_path):
    assert profits(written(tmp_path, [decided(0)], [rewarded(decided(5), (6, 7.0))])) == [0.0]
    found = written(tmp_path, [decided(0, None) | {"assigned_at": None}], [rewarded(decided(5), (6, 7.0))])
    assert (profits(found), found.balance.units) == ([], 0)


def test_a_decision_is_kept_in_few_bytes():
    columns = ExperimentColumns()
    read_decision = partial_decoder(Decision, *DECISION_FIELDS)
    read_reward = partial_decoder(Reward, *REWARD_FIELDS)
    for n in range(1000):
        decision = decided(n, f"visitor:{n}")
        columns.add_decision(read_decision(orjson.dumps(decision)))
        columns.add_reward(read_reward(orjson.dumps(rewarded(decision))))
    kept = sum(each.itemsize * len(each) for each in vars(columns).values() if isinstance(each, array))
    assert kept == 1000 * (41 + 8)


def test_markets_are_separate(tmp_path):
    one, other = decided(0), decided(0, "visitor:bob", market="uk")
    written(tmp_path, [one, other], [rewarded(one, (1, 7.0))])
    assert {name: profits(each) for name, each in read_lift(tmp_path).items()} == {"default": [7.0], "uk": []}


# What is wrong


def test_a_directory_without_the_files_is_refused(tmp_path):
    with pytest.raises(
        DataError, match=r"decisions.jsonl must be a file that replay or export wrote; got: No"
    ):
        read_lift(tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            b'{"decision_id": "d"}',
            r"decisions.jsonl, line 2 must be a record as this version writes it; got: Object",
        ),
        (
            b"nonsense",
            r"decisions.jsonl, line 2 must be a record as this version writes it; got: JSON is malformed",
        ),
        (b'"\xff"', r"decisions.jsonl, line 2 must be a record as this version writes it; got: "),
    ],
)
def test_a_line_of_something_else_is_refused_with_its_number(tmp_path, line, words):
    written(tmp_path, [decided(0)])
    with (tmp_path / "decisions.jsonl").open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(DataError, match=words):
        read_lift(tmp_path)


def test_an_order_without_its_profit_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"rewards.jsonl, line 1 .* `order_profits` must be equally long"):
        written(tmp_path, [decided(0)], [rewarded(decided(0), (1, 2.0)) | {"order_profits": []}])


def test_a_moment_without_its_zone_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"decisions.jsonl, line 1 .* - at `\$.at`"):
        written(tmp_path, [decided(0) | {"at": "2026-01-01T00:00:00"}])


# What the worker writes


class Written(Desk):
    """A desk whose records go into files, as those of a replay do."""

    def __init__(self, **more):
        super().__init__(**more)
        self.kept = []

    def _read(self, emitted):
        self.kept += emitted
        return super()._read(emitted)

    def write(self, directory):
        for stream in FILES:
            LineFiles(directory, stream).write(each for each in self.kept if each.stream == stream)
        sort_files(directory)


# Shares so small and so great that everybody is in one group.
@pytest.mark.parametrize(("holdout", "cost"), [(1e-12, 2.0), (1 - 1e-12, 0.0)])
def test_the_orders_of_seven_days_and_no_others_count_in_either_group(tmp_path, holdout, cost):
    charged_when_shown = offer(cost={"charged": "shown", "fixed": 2.0})
    desk = Written(of=shop(charged_when_shown, holdout=holdout))
    [decision, *offered] = desk.idle(0)
    if offered:
        desk.feedback("shown", 5, decision["decision_id"])
    desk.order(600, price=10.0)
    desk.idle(3 * DAY, cart="second")
    for day, price in [(6.9, 100.0), (7.1, 1000.0), (9, 1000.0)]:
        desk.wait(day * DAY)
        desk.order(day * DAY, price=price)
    desk.idle(30 * DAY, "bob")
    desk.write(tmp_path)
    found = read_lift(tmp_path)["default"]
    assert profits(found) == pytest.approx([0.4 * 110.0 - cost])
    assert (found.pending, found.lost) == (1, 0)


@pytest.fixture(scope="module")
def shopped(tmp_path_factory):
    """The records of three days of simulated shoppers who react to offers.

    The shop is that of the demo, with a holdout so large that three days are enough.
    """
    directory = tmp_path_factory.mktemp("shopped")
    offers_file = tmp_path_factory.mktemp("shop") / "offers.toml"
    offers_file.write_text(OFFERS.read_text().replace("holdout = 0.1", "holdout = 0.4"))
    settings = read_settings(None, offers=offers_file)
    offers = settings.shop().arms("default")
    world = World(2, WorldSettings(offers, T0, visits_per_hour=150, cart_share=DEMO_CARTS, seasons=False))
    dataflow = InProcessDataflow(stations_of(settings, settings.shop(), [PART], Ledgers().of, ordered=True))
    reader = reader_of(settings, settings.shop(), lambda _topic: "native", None, ordered=True)(PART, None)
    records, offset = [], 0
    while world.now_s < T0 + 3 * DAY:
        batch = [message(event, offset + n) for n, event in enumerate(world.events_until(world.now_s + 240))]
        offset += len(batch)
        now = dataflow.process(reader.read(batch, None))[0]
        for each in now:
            if each.type == "offer.decided":
                world.deliver_offer(orjson.loads(each.value)["data"])
        records += now
    records += dataflow.process(reader.end())[0]
    for stream in FILES:
        LineFiles(directory, stream).write(each for each in records if each.stream == stream)
    sort_files(directory)
    return directory


def test_shoppers_who_react_to_offers_show_a_lift_in_conversion_and_in_profit(shopped):
    found = read_lift(shopped, timedelta(days=1))["default"]
    assert found.units.at_s.size > 1500
    assert found.balance.p_value > 0.05
    assert found.conversion.lift > 0.03
    assert found.profit.lift > 0.3
    # One look, at a time fixed before: here the naive interval holds, and it needs fewer units.
    assert found.conversion.naive_lower > 0
    assert found.conversion.lower < found.conversion.naive_lower


def test_the_command_prints_a_table_and_writes_the_course(shopped, tmp_path, capsys):
    path = tmp_path / "lift.json"
    assert main(["lift", str(shopped), "--days", "1", "--json", str(path)]) == 0
    printed = capsys.readouterr().out
    for words in ("market default", "conversion", "profit", "anytime-valid", "one look", "left out"):
        assert words in printed
    figures = orjson.loads(path.read_bytes())["default"]
    found = read_lift(shopped, timedelta(days=1))["default"]
    assert figures["profit"]["lift"] == pytest.approx(found.profit.lift)
    course = figures["conversion"]["series"]
    assert course[0]["lower"] is None
    assert [course[-1][name] for name in ("units", "lower")] == [
        found.units.at_s.size,
        found.conversion.lower,
    ]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--days", "0"], "--days must be above 0 and at most 7; got 0"),
        (["--days", "8"], "--days must be above 0 and at most 7; got 8"),
        (["--json", "."], "--json must be a file that can be written; got '.': Is a directory"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path, capsys, more, words):
    written(tmp_path, [decided(0)])
    assert main(["lift", str(tmp_path), *more]) == 2
    assert words in capsys.readouterr().err
