"""One process of a Bytewax cluster that replays files in ordered mode: the page in several processes."""

import sys
from datetime import timedelta
from pathlib import Path

from bytewax.testing import cluster_main

from flows.assembly import reader_of, rules_of
from flows.dataflow import Edges, draw
from flows.files.jsonl import JsonlSink
from flows.files.source import FileSource
from flows.local.callback_sink import DiscardSink
from flows.stores.ledger import Ledgers
from tests.laws.shopping import settings


def main(out, offers, number, addresses, *files):
    chosen = settings(offers=Path(offers))
    shop = chosen.shop()
    source = FileSource(
        [Path(file) for file in files],
        reader_of(chosen, shop, lambda _topic: "native", None, ordered=True),
        batch=40,
    )
    sinks = [JsonlSink(Path(out), stream) for stream in ("offers", "decisions", "rejected")]
    rules = rules_of(chosen, shop, source.list_parts(), Ledgers().of, ordered=True)
    flow = draw(Edges(source, *sinks, DiscardSink(), DiscardSink()), rules)
    cluster_main(
        flow, addresses.split(";") if addresses else [], int(number), epoch_interval=timedelta(seconds=1)
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
