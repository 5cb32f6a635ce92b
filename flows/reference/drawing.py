"""The dataflow as a picture for readers: the graph Bytewax runs, under names that say what flows."""

from collections.abc import Iterable, Mapping
from typing import Final

from bytewax.dataflow import Dataflow
from bytewax.visualize import to_rendered

from flows.assembly import stations_of
from flows.dataflow import Edges, build_dataflow
from flows.local.callback_sink import DiscardSink
from flows.local.memory import ListSource
from flows.settings import Settings
from flows.stores.memory_ledger import MemoryLedger
from operators.ingest.message_reader import SourceReader
from operators.streaming.ids import SHARDS
from schemas.errors import SetupError
from schemas.shop import Shop
from schemas.topics import INPUTS, OUTPUTS

READER_NAMES: Final[Mapping[str, str | None]] = {
    "ingest": f"{', '.join(row.topic for row in INPUTS)}<br>decode, validate, deduplicate",
    "by_shard": None,
    "sessions": f"sessions ({SHARDS} shards)",
    "by_market": None,
    "to_markets": None,
    "market_inputs": None,
    "markets": "decisions (one key a market)",
    "rejects": None,
    "emitted": None,
    "records": "records, by topic",
    **{
        name: each
        for row in OUTPUTS
        if row.setting is None
        for name, each in ((row.name, row.topic), (f"only_{row.name}", None))
    },
    "kept": None,
    "feature_rows": None,
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
    """Return the dataflow as the settings are by default, with nothing at its ends."""
    settings = Settings()
    stations = stations_of(settings, Shop(), (), lambda _market: MemoryLedger(), ordered=False)
    outputs = {name: DiscardSink() for name in settings.output_topics}
    edges = Edges(ListSource({}, _nobody), outputs, features=DiscardSink(), figures=DiscardSink())
    return build_dataflow(edges, stations)


def _nobody(part: str, _state: bytes | None) -> SourceReader:
    raise SetupError(f"nothing is read in a drawing; got {part!r}")
