"""Small ends for streams: one that tells a function, one that forgets."""

from collections.abc import Callable
from typing import Any

from bytewax.outputs import DynamicSink, FixedPartitionedSink, StatefulSinkPartition, StatelessSinkPartition
from typing_extensions import override

from flows.cluster.membership import ALONE, Member, slots_of


class _Forgetting(StatelessSinkPartition[Any]):
    @override
    def write_batch(self, items: list[Any]) -> None:
        pass


class DiscardSink(DynamicSink[Any]):
    """The end of a stream that nobody looks at."""

    @override
    def build(self, step_id: str, worker_index: int, worker_count: int) -> _Forgetting:
        """Return the end of the stream in this worker."""
        return _Forgetting()


class _Hearing(StatefulSinkPartition[Any, None]):
    def __init__(self, tell: Callable[[list[Any]], object], sealed: Callable[[], object]) -> None:
        self._tell = tell
        self._sealed = sealed

    @override
    def write_batch(self, items: list[Any]) -> None:
        self._tell(items)

    @override
    def snapshot(self) -> None:
        self._sealed()


class CallbackSink(FixedPartitionedSink[Any, None]):
    """Tells a function each batch of items, and another one when an epoch with items in it is sealed.

    The key of an item numbers the process whose function is told. There is a part for each process that there
    may ever be, so that those that stand in the state always exist.
    """

    def __init__(
        self,
        tell: Callable[[list[Any]], object],
        sealed: Callable[[], object] = lambda: None,
        member: Member = ALONE,
    ) -> None:
        self._tell = tell
        self._sealed = sealed
        self._member = member

    @override
    def list_parts(self) -> list[str]:
        """Return the parts of this process."""
        return slots_of(self._member)

    @override
    def part_fn(self, item_key: str) -> int:
        """Return the process of a key."""
        return int(item_key)

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: None) -> _Hearing:
        """Return the end of the stream."""
        return _Hearing(self._tell, self._sealed)
