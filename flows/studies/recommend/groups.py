"""Visits and baskets of recorded events, or of a table."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, Literal, NamedTuple

from flows.assembly import reader_of
from flows.files.time_order import input_files
from flows.settings import Settings
from flows.studies.file_samples import file_messages
from operators.ingest.message_reader import SourceReader
from operators.streaming.messages import AnyShopEvent, Order, ProductView, ShardBatch
from schemas.message import Message

Kind = Literal["visits", "baskets"]
READ_AT_ONCE: Final = 1000


class RecordedGroup(NamedTuple):
    """What a visit looked at, in order, or what an order bought, and when that was over.

    ``categories`` are those that were told of its products.
    """

    at_s: float
    market: str
    kind: Kind
    skus: tuple[str, ...]
    categories: tuple[tuple[str, str], ...] = ()


class _View(NamedTuple):
    at_s: float
    sku: str
    category: str


def recorded_groups(inputs: Sequence[Path], format_: str, settings: Settings) -> list[RecordedGroup]:
    """Return the visits and the baskets in recorded events, in the order in which they were over.

    All of them stand in memory. Raises SetupError where an input is no file, DataError where one is broken.
    """
    views: dict[tuple[str, str], list[_View]] = defaultdict(list)
    orders: dict[tuple[str, str], RecordedGroup] = {}
    for event in _events(inputs, format_, settings):
        if isinstance(event, ProductView):
            views[event.market, event.visitor].append(_View(event.at_s, event.sku, event.category or ""))
        elif isinstance(event, Order) and event.is_home:
            skus = tuple(dict.fromkeys(line.sku for line in event.lines if line.sku))
            orders[event.market, event.order] = RecordedGroup(event.at_s, event.market, "baskets", skus)
    gap_s = settings.session_gap.total_seconds()
    visits = [
        RecordedGroup(
            visit[-1].at_s,
            market,
            "visits",
            tuple(view.sku for view in visit),
            tuple({view.sku: view.category for view in visit if view.category}.items()),
        )
        for (market, _), viewed in views.items()
        for visit in _visits(sorted(viewed), gap_s)
    ]
    return sorted((*visits, *orders.values()), key=lambda group: (group.at_s, group))


def _visits(viewed: list[_View], gap_s: float) -> Iterator[list[_View]]:
    visit: list[_View] = []
    for view in viewed:
        if visit and view.at_s > visit[-1].at_s + gap_s:
            yield visit
            visit = []
        visit.append(view)
    if visit:
        yield visit


def _events(inputs: Sequence[Path], format_: str, settings: Settings) -> Iterator[AnyShopEvent]:
    make = reader_of(settings, settings.shop(), lambda _topic: format_, None, ordered=True)
    lateness, most = settings.lateness, settings.max_event_bytes
    with input_files(inputs, format_, lateness=lateness, max_event_bytes=most) as files:
        for number, file in enumerate(files):
            reader = make(f"{file.name}/{number}", None)
            unread = file_messages(file, number)
            while messages := list(islice(unread, READ_AT_ONCE)):
                yield from _read(reader, messages)
            for output in reader.end():
                if isinstance(output, ShardBatch):
                    yield from output.events


def _read(reader: SourceReader, messages: list[Message]) -> Iterator[AnyShopEvent]:
    for output in reader.read(messages, None):
        if isinstance(output, ShardBatch):
            yield from output.events
