"""A new state directory from the records that were published, for a worker that has lost its own."""

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple

from flows.assembly import stations_of
from flows.backup.new_state import check_new, new_state
from flows.backup.published_records import awaited_in, check_files, latest_score_s, steps
from flows.kafka.cluster import Cluster
from flows.kafka.topics import (
    beginning_offsets,
    committed_offsets,
    end_offsets,
    offsets_at,
    partitions_of,
    topic_ids,
    topic_partition,
)
from flows.settings import Settings
from flows.stores.ledger import Ledgers
from flows.studies.export import export_topics
from flows.worker.erasure_cleaning import DUE_FILE
from flows.worker.state_dir import (
    STATE_FORMAT,
    FirstStart,
    new_erasure_key,
    write_first_start,
    write_relearned,
)
from operators.decisions.decision_machine import MarketConfig
from operators.decisions.relearning import Relearned, RelearningMarket
from operators.streaming.ids import SHARDS
from schemas.errors import DataError, SetupError
from schemas.shop import Shop

ReadFrom = Literal["open", "committed", "latest", "earliest"]
READ_FROM: Final[tuple[ReadFrom, ...]] = ("open", "committed", "latest", "earliest")
"""From where a worker reads on: what is open, or what its group committed, the ends, the beginnings."""

MARGIN_S: Final = 60.0
"""Records are read from so much before the visits of the oldest open decision: clocks differ."""


class Rebuilt(NamedTuple):
    """What was rebuilt by market, when the worker speaks again, from which time on it reads."""

    markets: dict[str, Relearned]
    open_decisions: dict[str, int]
    updates: dict[str, int]
    emit_after_s: float
    read_from_s: float | None


def relearn(settings: Settings, records: Path | None, read_from: ReadFrom) -> Rebuilt:
    """Rebuild a state directory from the topics, or from the files of an export in ``records``.

    Raises SetupError where the state directory exists, and DataError where nothing was published.
    """
    state = settings.state
    check_new(state, ": nothing is rebuilt over a state that is there")
    shop = settings.shop()
    cluster = Cluster(settings.bootstrap, settings.group, settings.kafka_settings())
    with new_state(state, "relearning") as new:
        with _records(cluster, settings, records) as directory:
            rebuilt = _rebuild(settings, shop, directory, new)
        write_first_start(new, _first_start(settings, shop, cluster, rebuilt, read_from))
    return rebuilt._replace(read_from_s=rebuilt.read_from_s if read_from == "open" else None)


@contextmanager
def _records(cluster: Cluster, settings: Settings, directory: Path | None) -> Iterator[Path]:
    """Yield a directory of files, exported where none is given."""
    if directory is not None:
        yield directory
        return
    aside = settings.state.with_name(f"{settings.state.name}.records")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        export_topics(cluster, settings.output_topics, aside)
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _rebuild(settings: Settings, shop: Shop, records: Path, state: Path) -> Rebuilt:
    markets: dict[str, RelearningMarket] = {}
    check_files(records)
    awaited = awaited_in(records)
    with ExitStack() as opened:
        due = state / DUE_FILE
        ledgers = Ledgers(state / "ledger", sync=False, on_erased=due.touch)
        opened.callback(ledgers.close)
        stations = stations_of(settings, shop, (), ledgers.of, ordered=False)
        for _, _, market, take in steps(records):
            if market not in markets:
                if market not in shop.markets:
                    raise DataError(f"{records} tells of the market {market}, which the offers file lacks")
                config = MarketConfig(shop, market, ledgers.of(market))
                markets[market] = RelearningMarket(config, stations.markets, awaited)
            take(markets[market])
        if not any(each.found.decisions for each in markets.values()):
            raise DataError("no decision was published: there is nothing to rebuild; start a worker anew")
        for name, each in markets.items():
            write_relearned(state, name, each.snapshot())
        latest_s = max(each.found.latest_s for each in markets.values())
        scored_s = latest_score_s(records)
        open_s = [
            since_s for each in markets.values() if (since_s := each.machine.open_since_s()) is not None
        ]
        return Rebuilt(
            {name: each.found for name, each in markets.items()},
            {name: each.machine.open_count for name, each in markets.items()},
            {name: each.machine.policy.updates for name, each in markets.items()},
            latest_s if scored_s is None else scored_s,
            min([latest_s, *open_s]) - settings.session_gap.total_seconds() - MARGIN_S,
        )


def _first_start(
    settings: Settings, shop: Shop, cluster: Cluster, rebuilt: Rebuilt, read_from: ReadFrom
) -> FirstStart:
    """Return where the worker reads on, and from where it looks for records that it would write again."""
    inputs = partitions_of(cluster, settings.input_topics)
    outputs = partitions_of(cluster, settings.output_topics.values())
    beginnings = beginning_offsets(cluster, inputs)
    of_events = [each for each in inputs if topic_partition(each)[0] not in settings.market_topics]
    since_s = rebuilt.read_from_s or 0.0
    sources: Mapping[str, int]
    match read_from:
        case "earliest":
            sources = {}
        case "latest":
            sources = end_offsets(cluster, of_events)
        case "committed":
            sources = committed_offsets(cluster, of_events)
            if missing := sorted(set(of_events) - set(sources)):
                raise SetupError(
                    f"the group {settings.group} has committed no offset of {', '.join(missing)}; "
                    "say --read-from open, or another one"
                )
        case "open":
            sources = offsets_at(cluster, of_events, since_s)
    sinks = beginning_offsets(cluster, outputs)
    if read_from != "earliest":
        sinks = {
            name: max(offset, sinks[name]) for name, offset in offsets_at(cluster, outputs, since_s).items()
        }
    return FirstStart(
        format=STATE_FORMAT,
        started_at_s=time.time(),
        shards=SHARDS,
        markets=tuple(shop.markets),
        sources={**beginnings, **sources},
        sinks=sinks,
        topics=topic_ids(cluster, (*settings.input_topics, *settings.output_topics.values())),
        emit_after_s=rebuilt.emit_after_s,
        erasure_key=new_erasure_key(),
    )
