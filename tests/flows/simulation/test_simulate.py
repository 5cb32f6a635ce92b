"""Simulated shoppers as a source of events: into a file, in a process of their own, and what they receive."""

from pathlib import Path

import orjson
import pytest

from flows.simulation.counters import Counters
from flows.simulation.kafka_link import KafkaLink
from flows.simulation.process import SimulationProcess
from flows.simulation.run import simulate
from flows.simulation.settings import SimulationSettings
from operators.simulation import World, WorldSettings
from schemas.errors import SetupError
from schemas.events import EVENTS
from schemas.shop import load_shop

SHOP = load_shop(Path(__file__).parents[3] / "schemas" / "example_offers.toml")


def test_a_file_gets_the_events_of_the_time_that_its_seconds_stand_for(tmp_path):
    path = tmp_path / "events.jsonl"
    counters = simulate(SimulationSettings(SHOP, path, speed=60, seconds=60))
    lines = path.read_bytes().splitlines()
    assert counters.events == len(lines) > 300
    times = [EVENTS.validate_json(line).time.timestamp() for line in lines]
    assert times == sorted(times)
    assert counters.at_s - 3600 <= times[0] <= times[-1] <= counters.at_s


def test_a_report_may_end_the_simulation(tmp_path):
    counters = simulate(SimulationSettings(SHOP, tmp_path / "f"), lambda counters: counters.events < 500)
    assert 500 <= counters.events < 2000


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"speed": 0}, "speed must be a number above 0; got 0"),
        ({"visits_per_hour": -1}, "visits_per_hour must be a number above 0; got -1"),
        ({"market": "moon"}, "market must be one of default, uk; got 'moon'"),
        (
            {"broken_checkout": (3.0, 2.0)},
            r"broken_checkout must be two days, the first before the second; got \(3.0, 2.0\)",
        ),
        ({"cart_share": 1.5}, "cart_share must be above 0 and at most 1; got 1.5"),
    ],
)
def test_settings_that_cannot_be_simulated_are_refused(tmp_path, wrong, words):
    with pytest.raises(SetupError, match=words):
        SimulationSettings(SHOP, tmp_path, **wrong)


def test_a_simulation_in_a_process_of_its_own_ends_when_it_is_asked_to(tmp_path):
    path = tmp_path / "events.jsonl"
    with SimulationProcess(SimulationSettings(SHOP, path, seed=5)) as shoppers:
        while shoppers.counters().events == 0:
            assert shoppers._here.poll(30)
        last = shoppers.stop()
    assert not shoppers.alive
    assert last.events > 0
    assert len(path.read_bytes().splitlines()) >= last.events


def test_a_simulation_that_fails_passes_on_its_error(tmp_path):
    shoppers = SimulationProcess(SimulationSettings(SHOP, tmp_path / "missing" / "f")).start()
    shoppers._process.wait(30)
    with pytest.raises(SetupError, match="must be a file that can be written; got: No such file"):
        shoppers.counters()
    shoppers.stop()


class LinkWithoutBroker(KafkaLink):
    """A link that is handed its records."""

    def __init__(self, world):
        self._world, self._counters = world, Counters(at_s=world.now_s)

    def apply(self, record):
        self._apply(record["type"], orjson.dumps(record))


def test_shoppers_receive_offers_and_revocations_and_decisions_are_tallied():
    world = World(1, WorldSettings(SHOP.arms("default"), 1_767_268_800.0, cart_share=0.9))
    world.events_until(world.now_s + 7200)
    cart = world.carts()[-1]
    link = LinkWithoutBroker(world)
    decision = {"type": "decision", "visitor_id": cart.visitor, "cart_id": cart.id, "arm": "ten_percent"}
    data = {"offer_id": "default.1", "visitor_id": cart.visitor, "market": "default"}
    link.apply(decision | {"holdout": False})
    link.apply(decision | {"holdout": True, "arm": "no_offer"})
    link.apply({"type": "score"})
    link.apply({"type": "offer.decided", "data": data | {"treatment": {"name": "ten_percent"}}})
    link.apply({"type": "offer.decided", "data": data | {"market": "uk"}})
    link.apply({"type": "offer.revoked", "data": data})
    counters, values = link._counters, world.true_values(cart)
    assert (counters.offers, counters.ignored, counters.revoked) == (1, 0, 1)
    assert counters.treated.all.profit == values["ten_percent"]
    assert counters.holdout.all.profit == values["no_offer"]
