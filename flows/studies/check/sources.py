"""Where a check reads from: the first records of a file, or the newest of a topic."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from flows.files.input_file import examine
from flows.kafka.bounded_read import read_messages, retained_ranges
from flows.kafka.cluster import Cluster
from flows.kafka.end_offsets import PartitionId
from flows.settings import Settings
from flows.studies.file_samples import SAMPLE, file_messages, fits_of_files
from flows.worker.setting_types import TOPIC_PATTERN
from schemas.adapters.frames import PayloadReader
from schemas.adapters.guessing import Fit, better_format, fit_of, tried
from schemas.errors import SetupError
from schemas.message import Message

BATCH: Final = 500

Batches = Iterator[list[Message]]


class CheckSource(NamedTuple):
    """What is read: its name, its records in batches, its format, and how well every format fits.

    ``is_found``: nobody named the format. ``partitions`` is None for a file. ``is_whole``: no more than what
    is read is there; of a file that is known only at its end, where fewer records came than were wanted.
    """

    name: str
    batches: Batches
    form: str
    is_found: bool
    fits: Mapping[str, Fit]
    partitions: int | None = None
    is_whole: bool = False

    @property
    def better(self) -> str | None:
        """The format that fits clearly better than the one it is read in."""
        return better_format(self.form, self.fits)


def source_of(
    name: str, form: str | None, limit: int, settings: Settings, payloads: PayloadReader | None = None
) -> CheckSource:
    """Return the file of this name, else the topic; at most ``limit`` records of it are read.

    ``payloads`` reads values of a topic whose schemas are in a Schema Registry.

    Raises SetupError where it is neither, DataError for a file that is no text, BrokerError where the topic
    cannot be read.
    """
    path = Path(name)
    if path.exists():
        return _file(path, form, limit, settings)
    if not TOPIC_PATTERN.fullmatch(name):
        raise SetupError(f"the input must be a file that can be read, or a topic; got {name!r}")
    return _topic(name, form, limit, settings, payloads)


def _file(path: Path, form: str | None, limit: int, settings: Settings) -> CheckSource:
    if form is not None:
        examine(path, form)  # what is wrong with it is worth more than what another format makes of it
    fits = fits_of_files([path], form, settings)
    chosen = _best(fits) if form is None else form
    messages = islice(file_messages(examine(path, chosen)), limit)
    return CheckSource(str(path), _in_batches(messages), chosen, form is None, fits)


def _topic(
    name: str, form: str | None, limit: int, settings: Settings, payloads: PayloadReader | None
) -> CheckSource:
    cluster = Cluster(settings.bootstrap, settings.group, settings.kafka_settings())
    try:
        ranges = retained_ranges(cluster, name)
    except SetupError as error:
        raise SetupError(f"{name!r} is not a file here, and as a topic: {error}") from None
    newest = _newest(ranges, limit)
    batches = read_messages(cluster, name, newest)
    some: list[list[Message]] = []
    while sum(map(len, some)) < SAMPLE and (batch := next(batches, None)):
        some.append(batch)
    sample = [message for batch in some for message in batch][:SAMPLE]
    form = settings.formats.get(name) if form is None else form
    fits = {
        each: fit_of(each, sample, settings.max_event_bytes, settings.format_options, payloads)
        for each in tried(form)
    }
    chosen = _best(fits) if form is None else form
    is_whole = newest == ranges
    return CheckSource(name, _chained(some, batches), chosen, form is None, fits, len(ranges), is_whole)


def _best(fits: Mapping[str, Fit]) -> str:
    """Return the format that takes most, the native one unless another fits clearly better."""
    first = "native" if "native" in fits or not fits else next(iter(fits))
    return better_format(first, fits) or max(
        fits, key=lambda name: (fits[name].taken, name == first), default=first
    )


def _newest(ranges: Mapping[PartitionId, tuple[int, int]], limit: int) -> dict[PartitionId, tuple[int, int]]:
    """Return the last part of each partition's range, together about ``limit`` records."""
    each = -(-limit // max(len(ranges), 1))
    return {partition: (max(start, end - each), end) for partition, (start, end) in ranges.items()}


def _in_batches(messages: Iterator[Message]) -> Batches:
    while batch := list(islice(messages, BATCH)):
        yield batch


def _chained(some: Sequence[list[Message]], batches: Batches) -> Batches:
    yield from some
    yield from batches
