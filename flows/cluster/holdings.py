"""Which process holds which part of the state, where each has a disk of its own."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from flows.cluster.membership import output_owners, owners
from flows.cluster.placement import market_keys, owner_of_key
from flows.stores.bytewax_recovery import part_name
from flows.stores.features import feature_parts
from flows.worker.state_dir import RELEARNED, FirstStart
from schemas.errors import SetupError

ROOMS: Final = ("ledger", "catalog", "seen", "features", "recovery", RELEARNED)
HALF: Final = ".moving"
"""What ends so is half a copy."""


def held_in(directory: Path) -> tuple[str, ...]:
    """Return the parts of the state in a directory, as ``ledger/default``, in order."""
    return tuple(
        f"{room}/{path.name}"
        for room in ROOMS
        for path in sorted((directory / room).glob("*"))
        if not path.name.endswith((HALF, "-wal", "-shm"))
    )


def owners_of(first: FirstStart, processes: int) -> dict[str, int]:
    """Return the process that owns each part of the state that there may be, for so many processes.

    Parts of the recovery store are whoever's they are, but those of a process that is no longer there.
    """
    found: dict[str, int] = {}
    for market, key in market_keys(first.markets).items():
        owner = owner_of_key(key, processes)
        found |= {f"{room}/{market}": owner for room in ("ledger", "catalog", RELEARNED)}
    for name, owner in owners(first.sources, processes).items():
        found[f"seen/{name.replace('/', '-')}"] = owner
    for name, owner in output_owners(feature_parts(), processes).items():
        found[f"features/{name}"] = owner
    return found


def check_holdings(held: Mapping[int, Iterable[str]], first: FirstStart, processes: int, parts: int) -> None:
    """Raise SetupError unless each process holds what it owns, and together they hold the recovery store.

    ``parts`` is how many parts that has.
    """
    belongs = owners_of(first, processes)
    for process, names in held.items():
        for name in names:
            owner = belongs.get(name, process)
            if owner != process:
                raise SetupError(
                    f"the disk of process {process} holds {name}, which belongs to process {owner} of "
                    f"{processes}; `offerstream state move` moves it"
                )
    stores = [name for names in held.values() for name in names if name.startswith("recovery/")]
    wanted = [f"recovery/{part_name(number)}" for number in range(parts)]
    if sorted(stores) != sorted(wanted):
        raise SetupError(
            f"together the processes must hold each of the {parts} parts of recovery/ once; they hold "
            f"{', '.join(sorted(stores)) or 'none'}; `offerstream state move` gathers them"
        )
