"""The topic of controls: read as a whole, and added to."""

from flows.controls.log import ControlLog
from flows.kafka.bounded_read import read_history
from flows.kafka.cluster import Cluster
from flows.kafka.topics import partition_counts
from flows.kafka.writer import NewRecord, RecordWriter
from flows.settings import Settings
from flows.worker.topics_at_start import create_topics
from schemas.controls import Approval, Change, Consent, Withdrawal, control_key
from schemas.errors import BrokerError


class ControlTopic:
    """The topic that the settings name, on their cluster."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cluster = Cluster(settings.bootstrap, settings.group, settings.kafka_settings())
        self._topic = settings.topic_of("controls")

    def log(self) -> ControlLog:
        """Return the whole history, none where the topic is not there yet."""
        made = ControlLog(self._settings.shop(), self._settings.check_shop)
        if self._topic in partition_counts(self._cluster):
            for batch in read_history(self._cluster, self._topic):
                made.read(batch)
        return made

    def send(self, record: Change | Approval | Withdrawal | Consent) -> None:
        """Write a record, and make the topic first where it is not there; BrokerError where it is refused."""
        create_topics(self._settings, self._cluster, [self._topic])
        value = record.model_dump_json(exclude_none=not isinstance(record, Change)).encode()
        new = NewRecord(self._topic, 0, control_key(record).encode(), value, ())
        if RecordWriter(self._cluster).write([new]):
            raise BrokerError(f"{self._topic} refuses the record: {len(value)} bytes")
