"""A visitor's cart: its content follows from changes and snapshots, which may arrive out of order."""

from typing import Final, Literal

import msgspec

from operators.sessions.cart_lines import CATEGORY, LINES, CartLines, LeftOut, shortened
from operators.streaming.messages import Line

RECENT: Final = 32
"""Changes remembered for putting a late one into its right place."""
RECENT_LINES: Final = 400
"""The lines of all of them together, so that large changes take no more than many small ones."""

ChangeKind = Literal["added", "removed", "replaced"]


class CartChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One change of a cart: lines added, lines removed, or the whole cart replaced.

    Of more lines than a cart remembers, ``more`` is what is left out. ``partial``: some could not be read as
    they stood.
    """

    at_s: float
    rank: int
    id: str
    kind: ChangeKind
    lines: tuple[Line, ...]
    more: LeftOut | None = None
    partial: bool = False

    def bounded(self) -> "CartChange":
        """Return the same change with as many lines as a cart remembers, of as much text."""
        if any(line.category is not None and len(line.category) > CATEGORY for line in self.lines):
            return msgspec.structs.replace(self, lines=tuple(map(shortened, self.lines))).bounded()
        if len(self.lines) <= LINES:
            return self
        if self.kind == "removed":
            return msgspec.structs.replace(self, lines=self.lines[:LINES], partial=True)
        content = CartLines()
        content.add(self.lines)
        return msgspec.structs.replace(self, lines=tuple(content.lines.values()), more=content.left_out)


class MomentSample(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The one moment of a cart that trains the model on its outcome; ``values`` are its features, packed."""

    moment: str
    at_s: float
    kind: str
    values: bytes


class Cart(msgspec.Struct, array_like=True, gc=False):
    """What is in the cart of a visitor, and what was emitted about it.

    ``base`` is the content before the ``recent`` changes, which are in order of time: a change that
    arrives late is put among them and the content is computed again. ``names`` are those of
    ``CartIndex``, by which its order may call it, ``url`` is where the visitor finds it. Bounded by
    ``LINES``, ``RECENT``, ``RECENT_LINES``, ``CATEGORY`` and ``NAMES``: at most 600 lines of 400 characters.
    """

    id: str
    started_s: float
    changed_s: float
    content: CartLines = msgspec.field(default_factory=CartLines)
    base: CartLines = msgspec.field(default_factory=CartLines)
    recent: list[CartChange] = []
    value: float = 0.0
    quantity: int = 0
    peak_value: float = 0.0
    moments: int = 0
    sample: MomentSample | None = None
    names: tuple[str, ...] = ()
    url: str | None = None

    @property
    def lines(self) -> dict[str, Line]:
        """The lines that are remembered."""
        return self.content.lines

    @property
    def is_full(self) -> bool:
        """Whether there is anything in it."""
        return self.quantity > 0

    def apply(self, change: CartChange, final_s: float) -> None:
        """Apply a change at its place in time; changes before ``final_s`` are no longer reordered."""
        change = change.bounded()
        recent = self.recent
        if not recent or _place(change) >= _place(recent[-1]):
            recent.append(change)
            _apply(self.content, change)
        else:
            recent.append(change)
            recent.sort(key=_place)
            self.content = self.base.copy()
            for each in recent:
                _apply(self.content, each)
        lines = sum(len(each.lines) for each in recent)
        while recent and (len(recent) > RECENT or lines > RECENT_LINES or recent[0].at_s < final_s):
            lines -= len(recent[0].lines)
            _apply(self.base, recent.pop(0))
        self.started_s = min(self.started_s, change.at_s)
        self.changed_s = max(self.changed_s, change.at_s)
        self.value = self.content.value
        self.quantity = self.content.quantity
        self.peak_value = max(self.peak_value, self.value)


def _place(change: CartChange) -> tuple[float, int, str]:
    return change.at_s, change.rank, change.id


def _apply(content: CartLines, change: CartChange) -> None:
    if change.kind == "removed":
        content.remove(change.lines)
    else:
        if change.kind == "replaced":
            content.clear()
        content.add(change.lines, change.more)
    content.partial = (content.partial or change.partial) and content.is_full
