"""A state directory from a backup: checked, put back, and told what was published since."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from flows.backup.copy_of_state import MANIFEST, Manifest, check_copy, plain
from flows.backup.new_state import check_new, new_state
from flows.kafka.bounded_read import read_messages
from flows.kafka.cluster import Cluster
from flows.kafka.topics import beginning_offsets, end_offsets, topic_partition
from flows.stores.bytewax_recovery import sealed_snapshots
from flows.stores.file_copies import copy_closed, is_database, link_or_copy
from flows.stores.ledger import RocksLedger
from flows.worker.state_dir import FirstStart, read_first_start
from operators.decisions.reconciling import PublishedDecision, Reconciled, reconcile
from schemas.decisions import decode_decision
from schemas.errors import DataError
from schemas.message import Message, first_header
from schemas.offers import OfferDecided, read_offer_record
from schemas.shop import Shop

TOLD: Final = ("decisions", "offers")
"""The streams that nothing may be decided without."""

Ends = Mapping[str, int]
"""The offset after what a copy knows, by output partition."""


class Restored(NamedTuple):
    """What was put back, how many records were published since by topic, what of these by market."""

    manifest: Manifest
    ahead: dict[str, int]
    reconciled: dict[str, Reconciled]


class Topics(NamedTuple):
    """Where outputs are: the cluster, and the topic of each stream by its name."""

    cluster: Cluster
    of_stream: Mapping[str, str]


def restore(copy: Path, state: Path, topics: Topics, shop: Shop, *, reconciles: bool) -> Restored:
    """Make a state directory from a copy.

    Raises DataError where the copy is not complete or its parts do not belong together, where the topics have
    decisions or offers that it does not know, unless these are put into it, and where its input is gone.
    SetupError where the state directory has something in it.
    """
    manifest = check_copy(copy)
    first = read_first_start(copy)
    if first is None:
        raise DataError(f"{copy} has no start.json: no worker has started on it")
    check_new(state)
    ends, positions = offsets_in(copy, first)
    written = frozenset(topics.of_stream.values())
    ends = {name: end for name, end in ends.items() if topic_partition(name)[0] in written}
    _check_input(topics.cluster, positions)
    ahead = _ahead(topics.cluster, ends)
    counts = {topic: count for topic, count in _by_topic(ahead).items() if count}
    told = {topics.of_stream[name] for name in TOLD}
    if told & counts.keys() and not reconciles:
        raise DataError(_words_of_ahead({topic: counts[topic] for topic in sorted(told & counts.keys())}))
    with new_state(state, "restoring") as new:
        _copy_all(copy, new)
        published = _published(topics, ahead) if told & counts.keys() else {}
        reconciled = {
            market: _reconcile(new, shop, market, found) for market, found in sorted(published.items())
        }
    return Restored(manifest, counts, reconciled)


def offsets_in(copy: Path, first: FirstStart) -> tuple[Ends, Ends]:
    """Return where each output partition ends that a copy knows, and where it reads each input from."""
    ends, positions = dict(first.sinks), dict(first.sources)
    for step, key, pickled in sealed_snapshots(copy / "recovery"):
        if step.endswith(".ingest"):
            offset = msgspec.msgpack.decode(plain(pickled))[1]
            if offset is not None:
                positions[key] = offset
        elif key in ends:
            ends[key] = plain(pickled)[1]
    return ends, positions


def _check_input(cluster: Cluster, positions: Ends) -> None:
    beginnings = beginning_offsets(cluster, positions)
    for partition, offset in sorted(positions.items()):
        if offset < beginnings[partition]:
            raise DataError(
                f"the backup reads {partition} on from offset {offset}, but the topic begins at "
                f"{beginnings[partition]}: it is too old; `offerstream relearn` rebuilds a state without it"
            )


def _ahead(cluster: Cluster, ends: Ends) -> dict[str, tuple[int, int]]:
    now = end_offsets(cluster, ends)
    return {name: (end, now[name]) for name, end in ends.items() if end < now[name]}


def _by_topic(ahead: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, (start, end) in ahead.items():
        topic = topic_partition(name)[0]
        counts[topic] = counts.get(topic, 0) + end - start
    return counts


def _words_of_ahead(counts: Mapping[str, int]) -> str:
    words = " and ".join(f"{topic} has {count}" for topic, count in counts.items())
    return (
        f"{words} records that the backup does not know: what they decided would be decided anew, and maybe "
        "otherwise; `--reconcile` puts the decisions among them into the ledger"
    )


def _copy_all(copy: Path, to: Path) -> None:
    for path in copy.iterdir():
        if path.is_dir():
            _copy_directory(path, to / path.name)
        elif path.name != MANIFEST:
            link_or_copy(path, to / path.name, never_changes=False)


def _copy_directory(directory: Path, to: Path) -> None:
    if is_database(directory):
        copy_closed(directory, to)
        return
    to.mkdir()
    for path in directory.iterdir():
        if path.is_dir():
            _copy_directory(path, to / path.name)
        else:
            link_or_copy(path, to / path.name, never_changes=False)


def _published(topics: Topics, ahead: Mapping[str, tuple[int, int]]) -> dict[str, list[PublishedDecision]]:
    """Return the decisions that were published beyond what a copy knows, by market, with their offers."""
    offered: dict[str, bytes] = {}
    for message in _read(topics, "offers", ahead, "offer.decided"):
        offer = read_offer_record(_value(message))
        if isinstance(offer, OfferDecided):
            offered[offer.data.decision_id] = _value(message)
    found: dict[str, list[PublishedDecision]] = {}
    for message in _read(topics, "decisions", ahead, "decision"):
        decision = decode_decision(_value(message))
        each = PublishedDecision(_value(message), offered.get(decision.decision_id))
        found.setdefault(decision.market, []).append(each)
    return found


def _read(topics: Topics, stream: str, ahead: Mapping[str, tuple[int, int]], kind: str) -> Iterator[Message]:
    topic = topics.of_stream[stream]
    ranges = {topic_partition(name): each for name, each in ahead.items()}
    ranges = {partition: each for partition, each in ranges.items() if partition[0] == topic}
    for batch in read_messages(topics.cluster, topic, ranges):
        for message in batch:
            is_ours = first_header(message.headers, "ce_id") is not None
            if is_ours and first_header(message.headers, "ce_type") == kind and message.value is not None:
                yield message


def _value(message: Message) -> bytes:
    return message.value or b""


def _reconcile(state: Path, shop: Shop, market: str, found: Iterable[PublishedDecision]) -> Reconciled:
    if market not in shop.markets:
        raise DataError(f"decisions were published for the market {market}, which the offers file lacks")
    ledger = RocksLedger(state / "ledger" / market, sync=True)
    try:
        arms = {offer.name: offer for offer in shop.arms(market)}
        return reconcile(ledger, shop.markets[market], arms, found)
    finally:
        ledger.close()
