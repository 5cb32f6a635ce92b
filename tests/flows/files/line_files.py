"""Builders of records, and a look into the files they are written to."""

from flows.files.jsonl import JsonlSink
from operators.streaming.messages import OutputRecord
from schemas.message import Message
from schemas.rejected import InvalidEvent, reject


class Echo:
    """A reader that returns what it was given, and remembers how much that was."""

    def __init__(self, name, state):
        self.name = name
        self.count = int(state or b"0")

    def read(self, messages, now_s):
        assert now_s is None
        self.count += len(messages)
        return list(messages)

    def resumed(self):
        return [f"resumed {self.name} at {self.count}"]

    def end(self):
        return [f"end of {self.name} at {self.count}"]

    def snapshot(self):
        return b"%d" % self.count


def drained(partition):
    """All that a source partition emits from here to its end."""
    emitted = []
    while True:
        try:
            emitted += partition.next_batch()
        except StopIteration:
            partition.close()
            return emitted


def offer(at_s, name, value=None):
    line = value or b'{"id":"%s","time":"2026-01-01T00:00:%02dZ"}' % (name.encode(), at_s)
    return OutputRecord("offers", "offer.decided", "ada", name, line)


def rejected(value, offset=0, class_="not_json", **settings):
    record = reject(Message(value, None, (), "t", 0, offset), InvalidEvent(class_, "why"), **settings)
    return OutputRecord("rejected", "rejected", record.id, record.id, record.value, record.headers)


def lines(directory, name):
    return (directory / f"{name}.jsonl").read_bytes().splitlines()


def filled(directory, stream, *records):
    """The sink of a stream after these records."""
    partition = JsonlSink(directory, stream).build_part("sink", stream, None)
    partition.write_batch(list(records))
    return partition
