"""The ends of partitions are asked of the leaders that there are now."""

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from flows.kafka.cluster import Cluster
from flows.kafka.end_offsets import EndOffsets


class Client:
    """A client that knows the leaders of its partitions, once it has asked for them again."""

    def __init__(self, *, fails):
        self.fails = fails
        self.knows = False

    def offsets_for_times(self, request, timeout):
        assert timeout > 0
        if self.fails and not self.knows:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        known = request if self.knows else request[:1]
        return [TopicPartition(one.topic, one.partition, 7) for one in known]

    def list_topics(self, timeout):
        assert timeout > 0
        self.knows = True


@pytest.mark.parametrize("fails", [True, False], ids=["no leader answers", "one of two answers"])
def test_leaders_that_moved_are_asked_for_again_at_once(fails):
    ends, client = EndOffsets(Cluster("nowhere:9092")), Client(fails=fails)
    ends._partitions = [("events", 0), ("events", 1)]
    if fails:
        with pytest.raises(KafkaException):
            ends._ask(client, 1.0, 2.0)
    else:
        ends._ask(client, 1.0, 2.0)
    assert client.knows
    ends._ask(client, 1.0, 2.0)
    assert ends.reply.ends == {("events", 0): 7, ("events", 1): 7}
