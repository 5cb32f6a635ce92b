"""How the processes of a worker meet before they start: what they must agree on, and what is done once.

Process 0 listens where Bytewax will listen afterwards; each other process tells it how it was started, what
it holds of the state, and how far the last execution came. Once all are there, process 0 answers all of them
alike. Nothing is authenticated, as in Bytewax's cluster itself, but what is read here is plain data.
"""

import logging
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

import msgspec

from flows.cluster.layout import Layout
from flows.cluster.membership import Member
from flows.observability.log_events import LogEvent, tell
from flows.stores.bytewax_recovery import Progress
from flows.worker.state_dir import FirstStart
from schemas.errors import OfferstreamError, SetupError

_LENGTH: Final = struct.Struct(">I")
_MAGIC: Final = b"offerstream 1\n"
LONGEST: Final = 16 << 20
STEP_S: Final = 0.2
ANSWER_S: Final = 5.0
"""How long a process that has called may take to say who it is."""
REMIND_S: Final = 10.0
BEHIND_S: Final = 0.05

log = logging.getLogger("offerstream")


class StoppedError(Exception):
    """The process was asked to stop while it waited for the others."""


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """What a process says of itself.

    ``shape`` are digests of what must be the same for all, by name. ``disk`` identifies its state directory,
    ``held`` names the parts of the state in it, ``layout`` says whose they are.
    """

    process: int
    count: int
    shape: dict[str, str]
    disk: str
    held: tuple[str, ...]
    layout: Layout | None
    progress: Progress


class Go(msgspec.Struct, frozen=True, kw_only=True, tag="go"):
    """What all start with. ``disk`` is that of process 0; ``is_new``: there is no state yet.

    ``readers`` is the process that reads each input partition, ``run`` what this run is called.
    """

    run: str
    readers: dict[str, int]
    first: FirstStart
    disk: str
    epoch: int
    is_new: bool


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag="refusal"):
    """Why process 0 does not start."""

    words: str


def lead(
    member: Member, own: Hello, decide: Callable[[list[Hello]], Go], is_stopped: Callable[[], bool]
) -> Go:
    """Wait for all other processes, decide, and tell them; return what was decided.

    What ``decide`` raises ends the others too. Raises SetupError for another process that does not fit, and
    StoppedError.
    """
    with _listening(member.addresses[0]) as server, _calls(member, server, own, is_stopped) as calls:
        try:
            go = decide([own, *(hello for hello, _ in calls.values())])
        except OfferstreamError as error:
            _answer(calls, Refusal(words=str(error)))
            raise
        _answer(calls, go)  # nobody listens any more: who is told goes on to Bytewax, which listens there
    return go


def follow(member: Member, own: Hello, is_stopped: Callable[[], bool]) -> Go:
    """Call process 0 until it answers; return what it says.

    Raises SetupError where it refuses, and StoppedError.
    """
    reminded_s = time.monotonic()
    while not is_stopped():
        with suppress(OSError, msgspec.MsgspecError), _connected(member.addresses[0]) as call:
            _send(call, msgspec.msgpack.encode(own))
            answer = msgspec.msgpack.decode(_received(call, is_stopped), type=Go | Refusal)
            if isinstance(answer, Refusal):
                raise SetupError(f"process 0 does not start: {answer.words}")
            time.sleep(BEHIND_S)  # so that process 0 listens again before Bytewax calls it
            return answer
        if time.monotonic() >= reminded_s + REMIND_S:
            reminded_s = time.monotonic()
            tell(log, LogEvent.PROCESS_AWAITED, awaited=f"0 at {member.addresses[0]}")
        time.sleep(STEP_S)
    raise StoppedError


def check_hello(own: Hello, other: Hello) -> None:
    """Raise SetupError where another process was not started as this one was."""
    if other.count != own.count:
        raise SetupError(
            f"process {other.process} was started as one of {other.count}, process 0 of {own.count}"
        )
    for name in sorted(own.shape.keys() | other.shape.keys()):
        if own.shape.get(name) != other.shape.get(name):
            raise SetupError(f"{name} must be the same for all processes; that of {other.process} differs")


@contextmanager
def _listening(address: str) -> Iterator[socket.socket]:
    host, _, port = address.rpartition(":")
    try:
        server = socket.create_server((host, int(port)))
    except OSError as error:
        raise SetupError(
            f"process 0 must be able to listen at {address}, its place in --addresses; got: {error.strerror}"
        ) from None
    with server:
        server.settimeout(STEP_S)
        yield server


@contextmanager
def _calls(
    member: Member, server: socket.socket, own: Hello, is_stopped: Callable[[], bool]
) -> Iterator[dict[int, tuple[Hello, socket.socket]]]:
    """Yield what each other process has said, and its call, once all are there; then nobody listens."""
    calls: dict[int, tuple[Hello, socket.socket]] = {}
    reminded_s = time.monotonic()
    try:
        while len(calls) < member.count - 1:
            if is_stopped():
                raise StoppedError
            if (caller := _caller(server)) is not None:
                hello, call = caller
                if hello.process in calls:  # it was started again before all were there
                    calls[hello.process][1].close()
                calls[hello.process] = caller
                try:
                    check_hello(own, hello)
                except SetupError as error:
                    _answer(calls, Refusal(words=str(error)))
                    raise
            if time.monotonic() >= reminded_s + REMIND_S:
                reminded_s = time.monotonic()
                missing = sorted(set(range(1, member.count)) - calls.keys())
                tell(log, LogEvent.PROCESS_AWAITED, awaited=", ".join(map(str, missing)))
        server.close()
        yield calls
    finally:
        for _, call in calls.values():
            call.close()


def _caller(server: socket.socket) -> tuple[Hello, socket.socket] | None:
    """Return what a process that calls says and its call, None where nobody does or it is none of ours."""
    with suppress(OSError):
        call, _ = server.accept()
        try:
            call.settimeout(ANSWER_S)
            return msgspec.msgpack.decode(_received(call), type=Hello), call
        except (OSError, msgspec.MsgspecError):
            call.close()
    return None


def _answer(calls: Mapping[int, tuple[Hello, socket.socket]], answer: Go | Refusal) -> None:
    encoded = msgspec.msgpack.encode(answer)
    for _, call in calls.values():
        with suppress(OSError):  # that process has gone, and Bytewax waits for it
            _send(call, encoded)


@contextmanager
def _connected(address: str) -> Iterator[socket.socket]:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=ANSWER_S) as call:
        call.settimeout(STEP_S)
        yield call


def _send(call: socket.socket, message: bytes) -> None:
    call.sendall(_MAGIC + _LENGTH.pack(len(message)) + message)


def _received(call: socket.socket, is_stopped: Callable[[], bool] | None = None) -> bytes:
    """Return what is received; OSError where nothing comes or it is not from a process of ours."""
    head = _exactly(call, len(_MAGIC) + _LENGTH.size, is_stopped)
    length = _LENGTH.unpack_from(head, len(_MAGIC))[0]
    if not head.startswith(_MAGIC) or length > LONGEST:
        raise ConnectionError("not one of ours")
    return _exactly(call, length, is_stopped)


def _exactly(call: socket.socket, size: int, is_stopped: Callable[[], bool] | None) -> bytes:
    received = bytearray()
    while len(received) < size:
        try:
            some = call.recv(size - len(received))
        except TimeoutError:
            if is_stopped is None or is_stopped():
                raise
            continue
        if not some:
            raise ConnectionError("the other process has gone")
        received += some
    return bytes(received)
