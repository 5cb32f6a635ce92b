"""What a copy of a state directory is: its description, its files, and whether they belong together."""

import io
import pickle
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

from flows.stores.bytewax_recovery import sealed_snapshots
from flows.stores.file_copies import is_database
from flows.stores.rocksdb import open_read_only
from flows.stores.state_rows import MARKET_PREFIX, numbered, rows_number, shard_prefix
from flows.worker.state_dir import STATE_FORMAT, read_first_start
from operators.decisions.market import market_in
from operators.decisions.market import rows_in as rows_of_market
from operators.sessions.shard import rows_in as rows_of_shard
from operators.sessions.shard import shard_in
from schemas.errors import DataError

FORMAT: Final = 1
MANIFEST: Final = "backup.json"
SINK_STEPS: Final = "offerstream."


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a copy is of: its own format and that of the state, when it was made, the first unsealed epoch.

    ``files`` has the size of each, by name.
    """

    format: int
    state_format: int
    version: str
    made_at_s: float
    epoch: int
    files: dict[str, int]


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write the description, which makes the copy complete."""
    (directory / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")


def files_of(directory: Path) -> dict[str, int]:
    """Return the size of each file of a copy, by name."""
    paths = (path for path in sorted(directory.rglob("*")) if path.is_file() and path.name != MANIFEST)
    return {str(path.relative_to(directory)): path.stat().st_size for path in paths}


def check_copy(directory: Path) -> Manifest:
    """Return the description of a copy; DataError unless it is complete, fits this version and itself."""
    path = directory / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise DataError(
            f"{directory} must be a directory that `offerstream backup` wrote to its end"
        ) from None
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(f"{path} must be what `offerstream backup` wrote; got: {error}") from error
    if manifest.format != FORMAT:
        raise DataError(f"{directory} has backup format {manifest.format}, this version reads {FORMAT}")
    if manifest.state_format != STATE_FORMAT:
        raise DataError(
            f"{directory} has state format {manifest.state_format}, this version works with {STATE_FORMAT}: "
            f"restore it with offerstream {manifest.version}, or rebuild a state with `offerstream relearn`"
        )
    found = files_of(directory)
    for name, size in manifest.files.items():
        if found.get(name) != size:
            raise DataError(
                f"{directory / name} must have {size} bytes; got {found.get(name, 'no such file')}: "
                "the copy is not complete"
            )
    _check_sqlite(directory / "recovery")
    check_together(directory)
    return manifest


def _check_sqlite(directory: Path) -> None:
    for path in sorted(directory.glob("*.sqlite3")):
        try:
            with closing(sqlite3.connect(path)) as store:
                told = store.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            told = str(error)
        if told != "ok":
            raise DataError(f"{path} is damaged: {told}")


def check_together(directory: Path) -> None:
    """Raise DataError where rows do not belong to the snapshots, as a worker's start would."""
    if read_first_start(directory) is None:
        raise DataError(f"{directory} has no start.json: no worker has started on it")
    shards: dict[str, list[tuple[int, int]]] = {}
    for step, state in station_snapshots(directory):
        number, place = numbered(rows_of_shard(state) if step == "sessions" else rows_of_market(state))
        if place is None:
            continue
        if step == "sessions":
            shards.setdefault(place, []).append((shard_in(state), number))
        else:
            market = market_in(state)
            _check_number(directory / "ledger" / market, [(MARKET_PREFIX, number)])
    for place, found in shards.items():
        _check_number(directory / "rows" / place, [(shard_prefix(shard), number) for shard, number in found])


def _check_number(database: Path, wanted: list[tuple[bytes, int]]) -> None:
    if not is_database(database):
        raise DataError(f"{database} is missing: snapshots are of no use without their rows")
    with open_read_only(database) as opened:
        for prefix, number in wanted:
            there = rows_number(opened, prefix)
            if not number - 1 <= there <= number:
                raise DataError(
                    f"the rows in {database} are those of snapshot {there}, not of {number}: "
                    "they do not belong to this recovery store"
                )


def station_snapshots(directory: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the sealed snapshots of all shards and markets, with the name of their step."""
    for step, _, state in sealed_snapshots(directory / "recovery"):
        name = step.removeprefix(SINK_STEPS)
        if name in {"sessions", "markets"}:
            yield name, plain(state)


def plain(pickled: bytes) -> Any:  # noqa: ANN401  bytes, numbers, texts and tuples of them
    """Return what is pickled, which must be plain values; DataError for anything else, which may run code."""
    try:
        return _PlainUnpickler(io.BytesIO(pickled)).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, ValueError, IndexError) as error:
        raise DataError(f"a snapshot must hold plain values only; got: {error}") from None


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  it returns nothing
        raise pickle.UnpicklingError(f"{module}.{name}")
