"""The one consumer of a process: read without waiting, and shared out to the partitions it reads."""

from collections import deque
from datetime import UTC, datetime, timedelta

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from flows.kafka.cluster import Cluster, consumer, log
from flows.kafka.end_offsets import Ends
from flows.kafka.records import END_OF_PARTITION, OFFSET_GONE, SKIPS_RECORDS, Record, consume, message
from flows.kafka.topics import place
from schemas.errors import SetupError
from schemas.message import Message

AT_ONCE = 1000
FULL_MESSAGES = 4000
FULL_BYTES = 8_000_000
SHORTEST_NAP = timedelta(milliseconds=1)
LONGEST_NAP = timedelta(milliseconds=5)
AWAKE_ROUNDS = 200


class PartitionBuffer:
    """What waits for one partition: at most ``FULL_MESSAGES`` or ``FULL_BYTES`` and one poll more."""

    def __init__(self, name: str, first: int) -> None:
        self.name = name
        self.topic, self.partition = place(name)
        self.reached = first
        self.waiting: deque[Record] = deque()
        self.bytes = 0
        self.paused = False
        self.round = -1

    def put(self, record: Record) -> None:
        """Queue a record."""
        self.reached = record.offset() + 1
        self.bytes += len(record)
        self.waiting.append(record)

    def take(self, most: int) -> list[Message]:
        """The oldest waiting records, in their order."""
        if len(self.waiting) <= most:
            taken, self.waiting = list(self.waiting), deque()
            self.bytes = 0
        else:
            taken = [self.waiting.popleft() for _ in range(most)]
            self.bytes -= sum(map(len, taken))
        topic, partition = self.topic, self.partition
        return [message(record, topic, partition) for record in taken]

    def place(self) -> TopicPartition:
        """Where its next record is fetched."""
        return TopicPartition(self.topic, self.partition, self.reached)


class SharedConsumer:
    """Polls for all lanes at once, once a round: a round is over when a lane comes that was served in it.

    A full lane is paused until half of it is taken. Offsets to commit are gathered and sent together.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._consumer = consumer(cluster)
        self._lanes: dict[tuple[str, int], PartitionBuffer] = {}
        self._assigned = 0
        self._commits: dict[str, int] = {}
        self._idle_rounds = 0
        self.ends = Ends(cluster)
        self.round = 0
        self.awake_at: datetime | None = None

    def add(self, name: str, first: int) -> PartitionBuffer:
        """A lane that reads this part from this offset on."""
        lane = PartitionBuffer(name, first)
        self._lanes[lane.topic, lane.partition] = lane
        return lane

    def turn(self, lane: PartitionBuffer) -> None:
        """Let a lane have its turn; it may have records waiting afterwards."""
        if lane.round == self.round or not self._assigned:
            self.round += 1
            self._poll()
        lane.round = self.round

    def commit(self, name: str, offset: int) -> None:
        """Tell the group, some time soon, that this part is read up to this offset."""
        self._commits[name] = offset

    def leave(self, lane: PartitionBuffer) -> None:
        """Forget a lane; with the last one the consumer closes."""
        self._lanes.pop((lane.topic, lane.partition), None)
        if not self._lanes:
            self._send_commits()
            self.ends.close()
            self._consumer.close()

    def _poll(self) -> None:
        if self._assigned != len(self._lanes):
            self._assign()
        self._send_commits()
        self._resume()
        records = consume(self._consumer, AT_ONCE, 0)
        for record in records:
            self._sort(record)
        self._pause()
        self._idle_rounds = 0 if records else self._idle_rounds + 1
        nap = SHORTEST_NAP if self._idle_rounds < AWAKE_ROUNDS else LONGEST_NAP
        self.awake_at = datetime.now(UTC) + nap

    def _assign(self) -> None:
        self._consumer.assign([one.place() for one in self._lanes.values()])
        self._assigned = len(self._lanes)
        for lane in self._lanes.values():
            lane.paused = False
        self.ends.ask(self._lanes)

    def _sort(self, record: Record) -> None:
        error = record.error()
        if error is None:
            self._lanes[record.topic(), record.partition()].put(record)
        elif error.code() == END_OF_PARTITION:
            lane = self._lanes[record.topic(), record.partition()]
            lane.reached = max(lane.reached, record.offset())
        elif error.code() == OFFSET_GONE or error.code() in SKIPS_RECORDS:
            raise SetupError(self._words(record, error))
        else:
            log.warning("Kafka: %s", error.str())

    def _words(self, record: Record, error: KafkaError) -> str:
        lane = self._lanes.get((record.topic(), record.partition()))
        if lane is None or error.code() != OFFSET_GONE:
            return f"{record.topic()}/{record.partition()} cannot be read: {error.str()}"
        try:
            low, high = self._consumer.get_watermark_offsets(lane.place(), timeout=5)
            range_ = f"{low} to {high}"
        except KafkaException:
            range_ = "unknown"
        return (
            f"{lane.name} cannot be read on from offset {lane.reached}: what Kafka retains is {range_}. "
            "Records were deleted before they were read, or the topic was made anew. Bring them back, "
            "or start with a new state directory, where --from says what to read"
        )

    def _pause(self) -> None:
        full = [
            one
            for one in self._lanes.values()
            if not one.paused and (len(one.waiting) > FULL_MESSAGES or one.bytes > FULL_BYTES)
        ]
        if full:
            self._consumer.pause([one.place() for one in full])
            for one in full:
                one.paused = True

    def _resume(self) -> None:
        ready = [
            one
            for one in self._lanes.values()
            if one.paused and len(one.waiting) <= FULL_MESSAGES // 2 and one.bytes <= FULL_BYTES // 2
        ]
        if ready:
            self._consumer.resume([one.place() for one in ready])
            for one in ready:
                one.paused = False

    def _send_commits(self) -> None:
        if self._commits:
            done = [TopicPartition(*place(name), offset) for name, offset in self._commits.items()]
            self._commits.clear()
            try:
                self._consumer.commit(offsets=done, asynchronous=True)
            except KafkaException as error:
                log.warning("Kafka: %s", error.args[0].str())
