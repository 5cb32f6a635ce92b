"""The start of one process of several: what is checked and done once before all of them begin."""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from flows.cluster.holdings import check_holdings, held_in
from flows.cluster.layout import Layout, check_layouts, check_whole, read_layout, write_layout
from flows.cluster.loads import known_loads, readers_of
from flows.cluster.membership import Member, check_processes
from flows.cluster.roll_call import Go, Hello, follow, lead
from flows.settings import Settings
from flows.stores.bytewax_recovery import (
    drop_unsealed,
    make_store,
    progress_of,
    resume_epoch,
)
from flows.worker.state_dir import FirstStart, disk_id, take_first_start
from schemas.errors import SetupError

OF_ONE_PROCESS: Final = frozenset({"state", "metrics_host", "metrics_port"})
"""Settings that may differ from process to process."""


def start_together(
    settings: Settings,
    member: Member,
    first_start: Callable[[], FirstStart],
    is_stopped: Callable[[], bool],
    *,
    ordered: bool,
) -> Go:
    """Meet the other processes and prepare the state; return what all of them start with.

    ``first_start`` is called in process 0 alone, once all have met. Raises SetupError where the processes or
    their parts of the state do not fit together, and StoppedError.
    """
    directory = settings.state
    store = directory / "recovery"
    own = Hello(
        process=member.index,
        count=member.count,
        shape=shape_of(settings, ordered=ordered),
        disk=disk_id(directory),
        held=held_in(directory),
        layout=read_layout(directory),
        progress=progress_of(store),
    )

    def decide(hellos: list[Hello]) -> Go:
        is_new = not any(name.startswith("recovery/") for hello in hellos for name in hello.held)
        is_shared = _is_shared(hellos)
        first = first_start()
        if is_shared:
            check_whole(directory)
        elif any(hello.held for hello in hellos):
            check_layouts(((hello.process, hello.layout) for hello in hellos), member.count)
            held = {hello.process: hello.held for hello in hellos}
            parts = max(hello.progress.partitions for hello in hellos)
            check_holdings(held, first, member.count, parts)
        epoch = resume_epoch(hello.progress for hello in hellos)
        check_processes(member, first.sources)
        loads = known_loads(directory, member.count) if is_shared else []
        readers = readers_of(first.sources, member.count, loads)
        go = Go(run=uuid.uuid4().hex, readers=readers, first=first, disk=own.disk, epoch=epoch, is_new=is_new)
        _prepare(store, go, member, is_shared=is_shared)
        if not is_shared and is_new:
            write_layout(directory, Layout(member.index, member.count, go.run))
        return go

    if member.leads:
        return lead(member, own, decide, is_stopped)
    go = follow(member, own, is_stopped)
    if go.disk != own.disk:
        take_first_start(directory, go.first)
        _prepare(store, go, member, is_shared=False)
        if go.is_new:
            write_layout(directory, Layout(member.index, member.count, go.run))
    return go


def shape_of(settings: Settings, *, ordered: bool) -> dict[str, str]:
    """Return digests of what must be the same for all processes, by name."""
    found: Mapping[str, Any] = {
        **{name: value for name, value in dict(settings).items() if name not in OF_ONE_PROCESS},
        "offers": _content(settings.offers),
        "--ordered": ordered,
        "the version of offerstream": version("offerstream"),
    }
    return {_called(name): hashlib.sha256(_stable(value)).hexdigest()[:16] for name, value in found.items()}


def _called(name: str) -> str:
    return name.upper() if name.isidentifier() else name


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _stable(value: object) -> bytes:
    """Return a value as bytes that are the same in every process: sets have no order."""
    return repr(sorted(value) if isinstance(value, frozenset) else value).encode()


def _is_shared(hellos: list[Hello]) -> bool:
    disks = [hello.disk for hello in hellos]
    if 1 < len(set(disks)) < len(disks):
        raise SetupError("either all processes share one state directory or each has its own")
    return len(set(disks)) == 1


def _prepare(store: Path, go: Go, member: Member, *, is_shared: bool) -> None:
    """Make this process's parts of a new store; of one that is there, drop what was never sealed.

    A new store has a part for each process, so that what they seal need not go to one of them.
    """
    if go.is_new:
        count = member.count
        make_store(store, count, lambda part: is_shared or part % count == member.index)
    else:
        store.mkdir(exist_ok=True)
        drop_unsealed(store, go.epoch)
