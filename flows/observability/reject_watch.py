"""Whether too much of a topic is rejected, or all of it; with the first reason and the likeliest cause."""

import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from operators.streaming.messages import OutputRecord
from schemas.adapters.guessing import likely_format
from schemas.dead_letters import class_and_reason
from schemas.message import Message

WINDOW_S: Final = 60.0
"""Rejects are counted over a minute: a deploy that was mended is forgotten soon."""
STEP_S: Final = 5.0
MANY: Final = 10
"""Fewer rejects in a minute are single bad records."""
SHARE: Final = 0.05
"""More than one event in twenty is no accident; the alert ``ManyRejects`` has the same level."""
NOTHING: Final = 3
"""A topic of which nothing was ever taken is noticed at this many rejects, however slowly they come."""
SAMPLE: Final = 50
"""So many rejected records of a batch are read in other formats."""

FormatOf = Callable[[str], str | None]
"""Tells the format of a topic, None for one that holds no events."""


class _Step(NamedTuple):
    """What was read in a few seconds."""

    begun_s: float
    taken: int
    rejected: int


class _Topic(msgspec.Struct):
    """What was read of a topic since the start and of late; the first reject since all was well."""

    taken: int = 0
    rejected: int = 0
    steps: tuple[_Step, ...] = ()
    example: str = ""
    likely: str | None = None
    guessed_s: float = float("-inf")


class RejectWatch:
    """Counts of records by topic. Bounded by the topics, and by the steps of a minute."""

    def __init__(
        self, format_of: FormatOf, max_event_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._format_of = format_of
        self._max_event_bytes = max_event_bytes
        self._clock = clock
        self._topics: dict[str, _Topic] = {}

    def observe(
        self, topic: str, taken: int, messages: Sequence[Message], rejected: Sequence[OutputRecord]
    ) -> None:
        """Count a batch of a topic: the events taken of it, duplicates among them, and what was rejected."""
        found = self._topics.setdefault(topic, _Topic())
        is_first = not any(step.rejected for step in self._recent(found)) and self._numbers(found) is None
        found.taken += taken
        found.rejected += len(rejected)
        self._count(found, taken, len(rejected))
        if not rejected:
            return
        now_s = self._clock()
        if is_first:
            found.example, found.likely, found.guessed_s = example(rejected[0]), None, float("-inf")
        is_due = found.likely is None and now_s >= found.guessed_s + WINDOW_S
        if is_due and self._numbers(found) is not None:
            found.guessed_s = now_s
            found.likely = self._likely(topic, messages, rejected)

    def _count(self, counts: _Topic, taken: int, rejected: int) -> None:
        now_s = self._clock()
        step = _Step(now_s - now_s % STEP_S, taken, rejected)
        kept = self._recent(counts)
        if kept and kept[-1].begun_s == step.begun_s:
            last = kept.pop()
            step = _Step(step.begun_s, last.taken + taken, last.rejected + rejected)
        counts.steps = (*kept, step)

    def reasons(self) -> dict[str, str]:
        """Return a sentence for each topic of which too much is rejected now."""
        found = {}
        for topic, counts in self._topics.copy().items():
            numbers, likely = self._numbers(counts), counts.likely
            if numbers is not None:
                cause = f"; this looks like format {likely}: set formats={topic}={likely}" if likely else ""
                found[topic] = f"topic {topic}: {numbers}, first {counts.example}{cause}"
        return found

    def _recent(self, counts: _Topic) -> list[_Step]:
        since_s = self._clock() - WINDOW_S
        return [step for step in counts.steps if step.begun_s > since_s]

    def _numbers(self, counts: _Topic) -> str | None:
        """Return the numbers of a topic of which too much is rejected; None where all is well."""
        if counts.rejected >= NOTHING and not counts.taken:
            return f"nothing is taken, all {counts.rejected:,} events read so far were rejected"
        steps = self._recent(counts)
        rejected = sum(step.rejected for step in steps)
        read = rejected + sum(step.taken for step in steps)
        if rejected >= MANY and rejected > SHARE * read:
            return f"{rejected:,} of {read:,} events of the last minute were rejected"
        return None

    def _likely(
        self, topic: str, messages: Sequence[Message], rejected: Sequence[OutputRecord]
    ) -> str | None:
        form = self._format_of(topic)
        if form is None:
            return None
        places = {tuple(record.id.split("/")[1:3]) for record in rejected}
        sample = [each for each in messages if (str(each.partition), str(each.offset)) in places][:SAMPLE]
        return likely_format(form, sample, self._max_event_bytes)


def example(rejected: OutputRecord) -> str:
    """Return the place of a rejected record, its class and its reason, without a value that it quotes."""
    class_, reason = class_and_reason(rejected.headers)
    return f"{rejected.id} ({class_}: {reason.partition('; got ')[0]})"
