"""The processes meet before they start, agree, and refuse what does not fit."""

import socket
import threading
from contextlib import suppress

import pytest

from flows.cluster.membership import Member
from flows.cluster.roll_call import Go, Hello, StoppedError, follow, lead
from flows.kafka.broker_process import free_port
from flows.stores.bytewax_recovery import Progress
from flows.worker.state_dir import FirstStart
from schemas.errors import SetupError

FIRST = FirstStart(format=7, started_at_s=1.0, shards=64, markets=("de",), sources={"a/0000": 3}, sinks={})


def hello(process, count=2, **shape):
    return Hello(
        process=process,
        count=count,
        shape=shape,
        disk="d",
        held=(),
        layout=None,
        progress=Progress((), ((1, 0, 5),)),
    )


def go(hellos):
    assert sorted(each.process for each in hellos) == list(range(len(hellos)))
    return Go(run="r", readers={"a/0000": 0}, first=FIRST, disk="d", epoch=5, is_new=False)


def connected(address):
    host, port = address.split(":")
    while True:
        with suppress(ConnectionRefusedError):
            return socket.create_connection((host, int(port)))


class Meeting:
    """Process 0 in a thread, and others that call it."""

    def __init__(self, count=2, decide=go, **shape):
        self.addresses = tuple(f"127.0.0.1:{free_port()}" for _ in range(count))
        self.stopped = False
        self.ended = None
        self.others = {}
        own = hello(0, count, **shape)

        def run():
            try:
                self.ended = lead(Member(0, self.addresses), own, decide, lambda: self.stopped)
            except (SetupError, StoppedError) as error:
                self.ended = error

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def call(self, process, **shape):
        own = hello(process, len(self.addresses), **shape)
        return follow(Member(process, self.addresses), own, lambda: False)

    def end(self):
        self.thread.join(10)
        return self.ended


def test_all_start_with_what_process_0_decides():
    meeting = Meeting(3)
    said = []
    calls = [threading.Thread(target=lambda each=each: said.append(meeting.call(each))) for each in (1, 2)]
    for call in calls:
        call.start()
    for call in calls:
        call.join(10)
    assert said == [go([hello(0)])] * 2
    assert meeting.end() == said[0]


def test_a_process_with_other_settings_is_refused_and_so_is_the_start():
    meeting = Meeting(EPOCH="1")
    words = "EPOCH must be the same for all processes; that of 1 differs"
    with pytest.raises(SetupError, match=words):
        meeting.call(1, EPOCH="2")
    assert words in str(meeting.end())


def test_what_keeps_process_0_from_starting_ends_the_others():
    def decide(_hellos):
        raise SetupError("topic x cannot be made")

    meeting = Meeting(decide=decide)
    with pytest.raises(SetupError, match="process 0 does not start: topic x cannot be made"):
        meeting.call(1)
    assert str(meeting.end()) == "topic x cannot be made"


def test_a_stranger_who_calls_is_not_counted():
    meeting = Meeting()
    with connected(meeting.addresses[0]) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n" * 4)
        assert meeting.call(1).first == FIRST


def test_whoever_waits_for_the_others_can_be_stopped():
    meeting = Meeting()
    meeting.stopped = True
    assert isinstance(meeting.end(), StoppedError)
    with pytest.raises(StoppedError):
        follow(Member(1, meeting.addresses), hello(1), lambda: True)


def test_an_address_that_is_not_of_this_machine_is_refused():
    member = Member(0, ("192.0.2.1:7400", "127.0.0.1:7401"))
    with pytest.raises(SetupError, match=r"process 0 must be able to listen at 192\.0\.2\.1:7400"):
        lead(member, hello(0), go, lambda: False)
