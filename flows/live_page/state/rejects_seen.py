"""What was rejected, by class, with the latest reason and place of each."""

from typing import Final, NamedTuple

from schemas.dead_letters import split_headers
from schemas.message import Message

MOST_CLASSES: Final = 50
MOST_CHARS: Final = 300


class RejectExample(NamedTuple):
    """How many events of a class were read, and where and why the latest one was refused.

    The reason is cut before a value that it quotes: that may be somebody's.
    """

    events: int
    reason: str
    place: str


class RejectsSeen:
    """Rejected records by class. Bounded by ``MOST_CLASSES``."""

    def __init__(self) -> None:
        self.by_class: dict[str, RejectExample] = {}

    def add(self, message: Message) -> None:
        """Add a record of the rejected topic; one without its headers counts as ``unknown``."""
        parts = split_headers(message.headers)
        ours = {} if parts is None else parts.ours()
        words = {name: value.decode(errors="replace") for name, value in ours.items()}
        name = words.get("class", "unknown")
        if name not in self.by_class and len(self.by_class) >= MOST_CLASSES:
            name = "others"
        before = self.by_class.get(name)
        self.by_class[name] = RejectExample(
            1 if before is None else before.events + 1,
            words.get("reason", "unknown").partition("; got ")[0][:MOST_CHARS],
            "/".join(words.get(each, "?") for each in ("topic", "partition", "offset")),
        )

    def most_first(self) -> list[tuple[str, RejectExample]]:
        """Return the classes, the most frequent first."""
        return sorted(self.by_class.items(), key=lambda item: (-item[1].events, item[0]))
