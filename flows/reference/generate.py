"""What the README shows of the code: the page as Bytewax knows it, and the table of settings.

``python -m flows.reference.generate README.md`` writes both between their markers.
"""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from bytewax.dataflow import Dataflow
from bytewax.visualize import to_rendered

from flows.assembly import stations_of
from flows.dataflow import Edges, build_dataflow
from flows.local.callback_sink import DiscardSink
from flows.local.memory import ListSource
from flows.settings import Settings, table
from flows.stores.memory_ledger import MemoryLedger
from operators.ingest.partition_reader import PartitionReader
from schemas.errors import SetupError
from schemas.shop import Shop
from schemas.topics import OUTPUTS

SHAPES: Final = {
    "input": '(["{}"])',
    "output": '(["{}"])',
    "branch": '{{"{}"}}',
    "stateful_batch": '[["{}"]]',
}
MARKED: Final = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def drawing(flow: Dataflow) -> str:
    """Return a dataflow as a Mermaid flowchart: its ends are round, its stations have double walls."""
    steps = to_rendered(flow).substeps
    names = {step.step_id: step.step_id.rpartition(".")[2] for step in steps}
    maker = {port.port_id: names[step.step_id] for step in steps for port in step.out_ports}
    boxes = [
        names[step.step_id] + SHAPES.get(step.op_type, '["{}"]').replace("{}", names[step.step_id])
        for step in steps
    ]
    arrows = [
        f"{maker[source]} --> {names[step.step_id]}"
        for step in steps
        for port in step.inp_ports
        for source in port.from_port_ids
    ]
    return "".join(f"{line}\n" for line in ("flowchart LR", *boxes, *arrows))


def page() -> Dataflow:
    """Return the page with nothing at its ends."""
    stations = stations_of(Settings(), Shop(), (), lambda _market: MemoryLedger(), ordered=False)
    outputs = {row.name: DiscardSink() for row in OUTPUTS}
    edges = Edges(ListSource({}, _nobody), outputs, features=DiscardSink(), figures=DiscardSink())
    return build_dataflow(edges, stations)


GENERATED: Final[Mapping[str, Callable[[], str]]] = {
    "drawing": lambda: f"```mermaid\n{drawing(page())}```\n",
    "settings": table,
}


def filled(text: str) -> str:
    """Return a document with everything that is generated written anew between its markers."""
    return MARKED.sub(lambda found: found[1] + GENERATED[found[2]]() + found[3], text)


def _nobody(part: str, _state: bytes | None) -> PartitionReader:
    raise SetupError(f"nothing is read in a drawing; got {part!r}")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        document = Path(name)
        document.write_text(filled(document.read_text()))
