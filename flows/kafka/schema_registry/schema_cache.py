"""The schemas of a Schema Registry that were asked for, each fetched once while other partitions are read."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

from flows.observability.log_events import LogEvent, tell
from schemas.adapters.frames import Frame, SchemaId, schema_to_read
from schemas.errors import RegistryError
from schemas.message import Message
from schemas.rejected import InvalidEvent

CAPACITY: Final = 1000
UNKNOWN_FOR_S: Final = 60.0
"""After this time a schema that the registry did not know, or that is of no use, is asked for again."""

FIRST_WAIT_S: Final = 0.1
LONGEST_WAIT_S: Final = 10.0
GIVE_UP_AFTER_S: Final = 60.0
BLOCKED_POLL_S: Final = 0.02

ToJson = Callable[[bytes], bytes]
"""Returns a payload as JSON; raises InvalidEvent."""

log = logging.getLogger("offerstream.kafka")


class RefusedSchemaError(Exception):
    """The registry answered, but nothing can be read by the schema; the words are the reason."""


class _Known(NamedTuple):
    """What became of a schema: what reads by it, or why nothing does, until when."""

    to_json: ToJson | None
    reason: str
    until_s: float


class SchemaCache:
    """A PayloadReader that remembers the schemas it used last, ``CAPACITY`` of them.

    ``fetch`` raises RefusedSchemaError where waiting does not help, and RegistryError where the registry does
    not answer. It runs in a thread of its own, one schema at a time.
    """

    def __init__(
        self, fetch: Callable[[SchemaId], ToJson], clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock_s = clock_s
        self._known: OrderedDict[SchemaId, _Known] = OrderedDict()
        self._fetched: dict[SchemaId, Future[ToJson]] = {}
        self._wait_s = 0.0
        self._next_try_s = clock_s()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="schema-registry")

    def __len__(self) -> int:
        """Return how many schemas are remembered."""
        return len(self._known)

    def close(self) -> None:
        """Fetch no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def ready(self, messages: Sequence[Message]) -> int:
        """Return how many of these messages, from the first, can be read without waiting.

        Where it is not all of them, the schema of the next one is asked for.
        """
        for at, message in enumerate(messages):
            schema = schema_to_read(message)
            if schema is not None and self._look_up(schema) is None:
                return at
        return len(messages)

    def json_of(self, frame: Frame) -> bytes:
        """Return the payload as JSON; raises InvalidEvent.

        Waits for a schema that is not known yet, and raises RegistryError where it does not come.
        """
        give_up_s = self._clock_s() + GIVE_UP_AFTER_S
        while (known := self._look_up(frame.schema)) is None:
            if self._clock_s() > give_up_s:
                raise RegistryError(f"the Schema Registry does not give schema {frame.schema}")
            time.sleep(BLOCKED_POLL_S)
        if known.to_json is None:
            raise InvalidEvent("schema", f"schema {frame.schema}: {known.reason}")
        return known.to_json(frame.payload)

    def _look_up(self, schema: SchemaId) -> _Known | None:
        known = self._known.get(schema)
        if known is not None and self._clock_s() < known.until_s:
            self._known.move_to_end(schema)
            return known
        fetched = self._fetched.get(schema)
        if fetched is None:
            if self._clock_s() >= self._next_try_s:
                self._fetched[schema] = self._thread.submit(self._fetch, schema)
            return None
        if not fetched.done():
            return None
        del self._fetched[schema]
        return self._answered(schema, fetched)

    def _answered(self, schema: SchemaId, fetched: Future[ToJson]) -> _Known | None:
        try:
            known = _Known(fetched.result(), "", float("inf"))
        except RefusedSchemaError as refused:
            known = _Known(None, str(refused), self._clock_s() + UNKNOWN_FOR_S)
        except RegistryError as error:
            self._wait_s = min(max(2 * self._wait_s, FIRST_WAIT_S), LONGEST_WAIT_S)
            self._next_try_s = self._clock_s() + self._wait_s
            tell(log, LogEvent.SCHEMA_AWAITED, schema=str(schema), reason=str(error))
            return None
        if self._wait_s:
            self._wait_s = 0.0
            tell(log, LogEvent.SCHEMA_REGISTRY_BACK)
        self._known[schema] = known
        self._known.move_to_end(schema)
        if len(self._known) > CAPACITY:
            self._known.popitem(last=False)
        return known
