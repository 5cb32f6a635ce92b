"""One process of a Bytewax cluster that replays files in ordered mode: the page in several processes."""

import sys
from datetime import timedelta
from pathlib import Path

from bytewax.testing import cluster_main

from flows.assembly import reader_of, stations_of
from flows.dataflow import Edges, build_dataflow
from flows.files.input_file import examine
from flows.files.jsonl import FILES, JsonlSink
from flows.files.source import FileSource
from flows.local.callback_sink import DiscardSink
from flows.stores.ledger import Ledgers
from tests.laws.shopping import settings


def main(out, offers, number, addresses, *files):
    chosen = settings(offers=Path(offers))
    shop = chosen.shop()
    source = FileSource(
        [examine(Path(file)) for file in files],
        reader_of(chosen, shop, lambda _topic: "native", None, ordered=True),
        batch=40,
    )
    outputs = {name: JsonlSink(Path(out), name) for name in FILES}
    stations = stations_of(chosen, shop, source.list_parts(), Ledgers().of, ordered=True)
    flow = build_dataflow(Edges(source, outputs, DiscardSink(), DiscardSink()), stations)
    cluster_main(
        flow, addresses.split(";") if addresses else [], int(number), epoch_interval=timedelta(seconds=1)
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
