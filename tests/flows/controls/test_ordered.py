"""Controls in ordered mode: in force from their place in event time on, however records are batched."""

import orjson
import pytest

from flows.assembly import reader_of, stations_of
from flows.local.in_process import InProcessDataflow
from flows.settings import Settings
from flows.stores.ledger import Ledgers
from schemas.message import Message
from schemas.shop import Shop
from tests.builders import T0, at_text, carted, of_type, records
from tests.operators.decisions.test_dry_run import FILE

EVENTS, CONTROLS = "shop.events/0000", "shop.controls/0000"


def pause(at, id_, paused):
    change = {"type": "change", "id": id_, "set": {"offers.ten.paused": paused}, "by": "ann"}
    return change | {"at": at_text(at)}


STORY = {
    EVENTS: [carted(at, f"v{at}", cart_id=f"c{at}") for at in range(0, 100, 10)],
    CONTROLS: [pause(25, "c-1", paused=True), pause(55, "c-2", paused=None)],
}


def played(batch, first):
    """All records of the story, read in batches of this size, this partition first."""
    settings, shop = Settings(triggers="cart_changed", policy="always:ten"), Shop.model_validate(FILE)
    dataflow = InProcessDataflow(stations_of(settings, shop, list(STORY), Ledgers().of, ordered=True))
    make = reader_of(settings, shop, lambda _topic: "native", None, ordered=True)
    readers = {part: make(part, None) for part in sorted(STORY, key=lambda part: part != first)}
    said = []
    for part, reader in readers.items():
        topic, partition = part.split("/")
        messages = [
            Message(
                orjson.dumps(each), topic=topic, partition=int(partition), offset=offset, timestamp_s=T0 + 1e6
            )
            for offset, each in enumerate(STORY[part])
        ]
        for start in range(0, len(messages), batch):
            said += dataflow.process(reader.read(messages[start : start + batch], None))[0]
    for reader in readers.values():
        said += dataflow.process(reader.end())[0]
    return records(said)


@pytest.mark.parametrize("batch", [1, 3, 100])
@pytest.mark.parametrize("first", STORY)
def test_a_change_is_in_force_from_its_time_on(batch, first):
    decided = of_type(played(batch, first), "decision")
    assert [(each["visitor_id"], each["controls_version"], each["arm"]) for each in decided] == [
        *((f"v{at}", 0, "ten") for at in (0, 10, 20)),
        *((f"v{at}", 1, "no_offer") for at in (30, 40, 50)),
        *((f"v{at}", 2, "ten") for at in (60, 70, 80, 90)),
    ]
