"""Proof that a partition is read to its end: what the broker itself said, and when it was asked."""

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, TopicPartition

from flows.kafka.cluster import Cluster, consumer

BEGINNING: Final = OFFSET_BEGINNING
END: Final = OFFSET_END
ASK_EVERY_S: Final = 0.4
GOOD_FOR_S: Final = 1.0
GIVE_UP_S: Final = 2.0
Place = tuple[str, int]


def offsets(client: Consumer, places: Iterable[Place], which: int, within_s: float) -> dict[Place, int]:
    """The first or the end offset of each partition that the broker tells, as the client's isolation sees it.

    One request to each leader. Asked as a lookup by time, whose protocol has numbers for beginning and end:
    AdminClient.list_offsets can crash the process (librdkafka 2.16 looks for leaders on two threads at once).
    Raises KafkaException when nobody answers.
    """
    asked = [TopicPartition(topic, partition, which) for topic, partition in places]
    told = client.offsets_for_times(asked, timeout=within_s) if asked else []
    return {(one.topic, one.partition): one.offset for one in told if one.error is None and one.offset >= 0}


class Answer(NamedTuple):
    """Where partitions ended, and when that was asked, on a clock that never jumps and on the wall's."""

    ends: dict[Place, int]
    asked_s: float
    wall_s: float


class Ends:
    """Asks the broker where all partitions end, over and over, one question at a time, on its own thread.

    A question that the broker did not answer proves nothing, and no answer proves anything for longer
    than a second.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._closing = threading.Event()
        self._places: list[Place] = []
        self._thread: threading.Thread | None = None
        self.answer = Answer({}, float("-inf"), 0.0)

    def ask(self, places: Iterable[Place]) -> None:
        """Ask about these partitions from now on."""
        self._places = list(places)
        if self._thread is None:
            self._thread = threading.Thread(target=self._ask, name="ends", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(GIVE_UP_S)

    def proved(self, place: Place, reached: int) -> float | None:
        """The wall clock at which a partition read up to here was at its end, if that is proved."""
        answer = self.answer
        end = answer.ends.get(place)
        if end is None or reached < end or time.monotonic() - answer.asked_s > GOOD_FOR_S:
            return None
        return answer.wall_s

    def lag(self, place: Place, reached: int) -> int | None:
        """How many records are still to come, by the last answer; None before the first."""
        end = self.answer.ends.get(place)
        return None if end is None else max(0, end - reached)

    def _ask(self) -> None:
        client = consumer(self._cluster, quiet=True)
        while not self._closing.is_set():
            asked_s, wall_s = time.monotonic(), time.time()
            with suppress(KafkaException):  # of a broker that is gone the reading consumer tells
                self.answer = Answer(offsets(client, self._places, END, GIVE_UP_S), asked_s, wall_s)
            self._closing.wait(max(0.01, asked_s + ASK_EVERY_S - time.monotonic()))
        client.close()
