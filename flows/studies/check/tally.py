"""What was read of a sample, counted by what the worker would make of it."""

import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from flows.assembly import reader_of
from flows.kafka.topics import partition_name
from flows.settings import Settings
from flows.studies.check.joins import SampleJoins
from flows.studies.check.sources import CheckSource
from operators.ingest.counts import Counts
from operators.ingest.from_events import market_of
from operators.ingest.message_reader import SourceReader
from operators.streaming.messages import AnyShopEvent, OutputRecord, ReaderOutput, ShardBatch
from schemas.adapters import Decoded
from schemas.adapters.frames import PayloadReader
from schemas.dead_letters import class_and_reason
from schemas.message import Message
from schemas.shop import Shop


class Tally:
    """Counts of what is accepted, dropped and refused.

    Bounded by kinds, names of fields and classes, by the markets and currencies that are named, and by a hash
    for each visitor and cart that is read.
    """

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self.currencies: Counter[str] = Counter()
        self.markets: Counter[str] = Counter()
        self.counts = Counts()
        self.first_s, self.last_s = math.inf, -math.inf
        self.joins = SampleJoins()
        self._visitors: set[int] = set()
        self._carts: set[int] = set()

    @property
    def visitors(self) -> int:
        """How many visitors there are."""
        return len(self._visitors)

    @property
    def carts(self) -> int:
        """How many carts there are; those without an id are one a visitor."""
        return len(self._carts)

    def read(
        self, source: CheckSource, settings: Settings, shop: Shop, payloads: PayloadReader | None = None
    ) -> int:
        """Read a source to its end, with the readers of a worker; return how many records it has."""
        now_s = None if source.partitions is None else time.time()
        make = reader_of(
            *(settings, shop, lambda _: source.form, None),
            ordered=True,
            payloads=payloads,
            watch=self._decoded,
        )
        readers: dict[str, SourceReader] = {}
        records = 0
        for batch in source.batches:
            records += len(batch)
            for partition, messages in _by_partition(batch).items():
                if partition not in readers:
                    readers[partition] = make(partition, None)
                self._output(readers[partition].read(messages, now_s))
        for reader in readers.values():
            for name in Counts.__struct_fields__:
                setattr(self.counts, name, getattr(self.counts, name) + getattr(reader.counts, name))
        return records

    def _decoded(self, decoded: Decoded) -> None:
        event = decoded.event
        self.dropped.update(decoded.dropped)
        self.markets[market_of(event)] += 1
        if (currency := getattr(event, "currency", None)) is not None:
            self.currencies[currency] += 1

    def _output(self, output: Iterable[ReaderOutput]) -> None:
        for item in output:
            if isinstance(item, OutputRecord):
                self._rejected(item)
            elif isinstance(item, ShardBatch):
                for event in item.events:
                    if getattr(event, "is_home", True):
                        self._accepted(event)

    def _accepted(self, event: AnyShopEvent) -> None:
        kind = str(type(event).__struct_config__.tag)
        self.kinds[kind] += 1
        self.first_s, self.last_s = min(self.first_s, event.own_s), max(self.last_s, event.own_s)
        if event.visitor:
            self._visitors.add(hash((event.market, event.visitor)))
        if kind.startswith(("cart_", "checkout_")):
            self._carts.add(hash((event.market, getattr(event, "cart", None) or event.visitor)))
        self.joins.observe(event)

    def _rejected(self, record: OutputRecord) -> None:
        class_, reason = class_and_reason(record.headers)
        self.refused[class_] += 1
        self.examples.setdefault(class_, f"{record.id}: {reason}")


def _by_partition(messages: Sequence[Message]) -> dict[str, list[Message]]:
    found: dict[str, list[Message]] = {}
    for message in messages:
        found.setdefault(partition_name(message.topic, message.partition), []).append(message)
    return found


def time_text(at_s: float) -> str | None:
    """Return a time as text, None for none."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds") if math.isfinite(at_s) else None
