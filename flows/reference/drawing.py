"""The dataflow as a picture for readers: the graph Bytewax runs, under names that say what flows."""

from collections.abc import Iterable, Mapping
from typing import Final

from bytewax.dataflow import Dataflow
from bytewax.visualize import to_rendered

from flows.assembly import rules_of
from flows.dataflow import Edges, draw
from flows.local.callback_sink import DiscardSink
from flows.local.memory import ListSource
from flows.settings import Settings
from flows.stores.memory_ledger import MemoryLedger
from operators.ingest.partition_reader import PartitionReader
from operators.streaming.ids import SHARDS
from schemas.errors import SetupError
from schemas.shop import Shop

READER_NAMES: Final[Mapping[str, str | None]] = {
    "source": "decode, validate, deduplicate",
    "judged": None,
    "by_shard": None,
    "visits": f"sessions ({SHARDS} shards)",
    "by_market": None,
    "markets": "decisions (one key a market)",
    "said": None,
    "streams": None,
    "offers": "shop.offers",
    "decisions": "shop.decisions",
    "wrong": None,
    "rejected": "shop.rejected",
    "kept": None,
    "saved": None,
    "features": "feature store",
    "measured": None,
    "figures": "metrics",
}
"""What a reader calls each step. None: it only passes records on, and an arrow takes its place."""

SHAPES: Final = {"input": '(["{}"])', "output": '(["{}"])', "stateful_batch": '[["{}"]]'}


def drawing(flow: Dataflow, names: Mapping[str, str | None]) -> str:
    """Return a dataflow as a Mermaid flowchart: its ends are round, its stations have double walls.

    Raises SetupError for a step without a name.
    """
    steps = {step.step_id.rpartition(".")[2]: step for step in to_rendered(flow).substeps}
    if unnamed := sorted(steps.keys() - names.keys()):
        raise SetupError(f"every step of the dataflow must have a reader's name; got {', '.join(unnamed)}")
    maker = {port.port_id: name for name, step in steps.items() for port in step.out_ports}
    before = {
        name: [maker[source] for port in step.inp_ports for source in port.from_port_ids]
        for name, step in steps.items()
    }
    boxes = [
        name + SHAPES.get(step.op_type, '["{}"]').replace("{}", str(names[name]))
        for name, step in steps.items()
        if names[name] is not None
    ]
    arrows = [
        f"{source} --> {name}"
        for name in steps
        if names[name] is not None
        for source in dict.fromkeys(_drawn_before(name, before, names))
    ]
    return "".join(f"{line}\n" for line in ("flowchart LR", *boxes, *arrows))


def _drawn_before(
    name: str, before: Mapping[str, list[str]], names: Mapping[str, str | None]
) -> Iterable[str]:
    """Return the nearest steps before this one that are drawn."""
    for source in before[name]:
        if names[source] is None:
            yield from _drawn_before(source, before, names)
        else:
            yield source


def dataflow() -> Dataflow:
    """Return the dataflow with nothing at its ends."""
    rules = rules_of(Settings(), Shop(), (), lambda _market: MemoryLedger(), ordered=False)
    return draw(Edges(ListSource({}, _nobody), *(DiscardSink() for _ in Edges._fields[1:])), rules)


def _nobody(part: str, _state: bytes | None) -> PartitionReader:
    raise SetupError(f"nothing is read in a drawing; got {part!r}")
