"""Where an id still stands: in the state, in backups of it, in the topics. It is looked for as bytes.

So an id is also found where it is a part of a longer one; what is found says enough to tell.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from flows.kafka.bounded_read import read_history
from flows.kafka.cluster import Cluster
from flows.settings import Settings
from flows.stores.file_copies import is_database
from flows.stores.rocksdb import items_from, open_read_only
from schemas.errors import SetupError
from schemas.events import MAX_ID

CHUNK: Final = 1 << 20
LONGEST: Final = 4 * MAX_ID
"""The most bytes that an id may have."""


class Mention(NamedTuple):
    """A place in which an id stands: the file, database or topic, what of it, and how often."""

    where: str
    what: str
    times: int


def everywhere(
    settings: Settings, directories: Iterable[Path], id_: str, *, with_topics: bool
) -> list[Mention]:
    """Return where an id stands in state directories and backups, and in the topics of the settings.

    A worker may be running on a directory. Raises SetupError where there is no such directory or topic, and
    BrokerError.
    """
    wanted = _names(settings, id_)
    found: list[Mention] = []
    for directory in directories:
        if not directory.is_dir():
            raise SetupError(f"a state or a backup must be a directory; got {str(directory)!r}")
        found += _counted(_in_directory(directory, wanted))
    if with_topics:
        cluster = Cluster(settings.bootstrap, settings.group, settings.kafka_settings())
        for topic in dict.fromkeys((*settings.input_topics, *settings.output_topics.values())):
            found += _counted(_in_topic(cluster, topic, wanted))
    return found


def _names(settings: Settings, id_: str) -> re.Pattern[bytes]:
    """Return what finds an id, or its pseudonyms as a visitor and as a user."""
    pseudonyms = settings.pseudonyms()
    names = [id_]
    if pseudonyms is not None:
        names += [*pseudonyms.every("visitor", id_), *pseudonyms.every("user", id_)]
    return re.compile(b"|".join(re.escape(name.encode()) for name in names))


def _counted(places: Iterator[tuple[str, str]]) -> list[Mention]:
    counts: dict[tuple[str, str], int] = {}
    for place in places:
        counts[place] = counts.get(place, 0) + 1
    return [Mention(*place, times) for place, times in sorted(counts.items())]


def _in_directory(directory: Path, wanted: re.Pattern[bytes]) -> Iterator[tuple[str, str]]:
    for path in sorted(directory.rglob("*")):
        if path.is_dir() and is_database(path):
            yield from _in_database(path, wanted)
        elif path.is_file():
            if path.name.endswith(".sqlite3"):
                yield from _in_snapshots(path, wanted)
            if _stands_in(path, wanted):
                yield str(path), "bytes of the file, deleted ones among them"


def _in_database(path: Path, wanted: re.Pattern[bytes]) -> Iterator[tuple[str, str]]:
    with open_read_only(path) as database:
        for key, value in items_from(database, b""):
            if wanted.search(key):
                yield str(path), "keys of rows"
            if wanted.search(value):
                yield str(path), "rows"


def _in_snapshots(path: Path, wanted: re.Pattern[bytes]) -> Iterator[tuple[str, str]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
        tables = {name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "snaps" not in tables:
            return
        rows = store.execute("SELECT step_id, ser_change FROM snaps WHERE ser_change IS NOT NULL")
        for step, snapshot in rows:
            if wanted.search(snapshot):
                yield str(path), f"snapshots of {step}"


def _stands_in(path: Path, wanted: re.Pattern[bytes]) -> bool:
    try:
        with path.open("rb") as file:
            before = b""
            while chunk := file.read(CHUNK):
                if wanted.search(before + chunk):
                    return True
                before = chunk[-LONGEST:]
    except FileNotFoundError:  # a running worker has deleted it
        pass
    return False


def _in_topic(cluster: Cluster, topic: str, wanted: re.Pattern[bytes]) -> Iterator[tuple[str, str]]:
    for batch in read_history(cluster, topic):
        for message in batch:
            headers = (value for _, value in message.headers if value is not None)
            if any(wanted.search(each) for each in (message.key or b"", message.value or b"", *headers)):
                yield topic, "records"
