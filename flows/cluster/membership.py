"""Which process of how many this one is, and what it owns."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from schemas.errors import SetupError

MOST_PROCESSES: Final = 64
"""Slots of what each process has one of: fixed by the format of the state."""


@dataclass(frozen=True, slots=True)
class Member:
    """One process of those at ``addresses``, ``host:port`` of each; a worker alone has none.

    ``is_supervised``: its supervisor holds the lock of the state directory and restarts it.
    """

    index: int = 0
    addresses: tuple[str, ...] = ()
    is_supervised: bool = False

    @property
    def count(self) -> int:
        """How many processes there are."""
        return max(1, len(self.addresses))

    @property
    def leads(self) -> bool:
        """Whether it is the one that does what is done once."""
        return self.index == 0

    def own(self, partitions: Iterable[str]) -> list[str]:
        """Return those of all these output partitions that this process owns, in order.

        >>> Member(1, ("a:1", "b:2", "c:3")).own(["offers/0000", "offers/0001", "offers/0002"])
        ['offers/0000', 'offers/0002']
        """
        return [name for name, owner in output_owners(partitions, self.count).items() if owner == self.index]


ALONE: Final = Member()


def owners(partitions: Iterable[str], processes: int) -> dict[str, int]:
    """Return the process that owns each of these partitions: they are dealt out in the order of names.

    All of them must be given: who owns one depends on the others.
    """
    return {name: at % processes for at, name in enumerate(sorted(partitions))}


def output_owners(partitions: Iterable[str], processes: int) -> dict[str, int]:
    """Return the process that owns each of these output partitions.

    All but process 0 own some: that has the first market, which is often more work than all else.
    """
    if processes == 1:
        return owners(partitions, 1)
    return {name: 1 + owner for name, owner in owners(partitions, processes - 1).items()}


def slot_of(process: int) -> str:
    """Return the key of what goes to one process, and the name of its first slot."""
    return f"{process:02d}"


def slots_of(member: Member) -> list[str]:
    """Return the names of the slots of a process: its own, and those of processes that there may once be."""
    return [slot_of(slot) for slot in range(MOST_PROCESSES) if slot % member.count == member.index]


def check_processes(member: Member, partitions: Collection[str]) -> None:
    """Raise SetupError where there are more processes than there may be."""
    if not 0 <= member.index < member.count:
        raise SetupError(f"--process must be from 0 to {member.count - 1}; got {member.index}")
    most = min(MOST_PROCESSES, len(partitions))
    if member.count > most:
        raise SetupError(
            f"there must be at most {most} processes, one for each input partition; got {member.count}"
        )
