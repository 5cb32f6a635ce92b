"""A visitor's cart: its content follows from changes and snapshots, which may arrive out of order."""

from typing import Final, Literal

import msgspec

from operators.streaming.messages import Line

LINES: Final = 100
"""A cart keeps this many lines; further ones are not added."""
PIECES: Final = 1_000_000
"""A line counts at most this many pieces; further ones are not added."""
RECENT: Final = 32
"""Changes remembered for putting a late one into its right place."""

ChangeKind = Literal["added", "removed", "replaced"]


class CartChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One change of a cart: lines added, lines removed, or the whole cart replaced."""

    at_s: float
    rank: int
    id: str
    kind: ChangeKind
    lines: tuple[Line, ...]


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
    ``CartIndex``, by which its order may call it. Bounded by ``LINES``, ``RECENT`` and ``NAMES``.
    """

    id: str
    started_s: float
    changed_s: float
    lines: dict[str, Line] = {}
    base: dict[str, Line] = {}
    recent: list[CartChange] = []
    value: float = 0.0
    quantity: int = 0
    peak_value: float = 0.0
    moments: int = 0
    sample: MomentSample | None = None
    names: tuple[str, ...] = ()

    def apply(self, change: CartChange, final_s: float) -> None:
        """Apply a change at its place in time; changes before ``final_s`` are no longer reordered."""
        recent = self.recent
        if not recent or _place(change) >= _place(recent[-1]):
            recent.append(change)
            _apply(self.lines, change)
        else:
            recent.append(change)
            recent.sort(key=_place)
            self.lines = dict(self.base)
            for each in recent:
                _apply(self.lines, each)
        while recent and (len(recent) > RECENT or recent[0].at_s < final_s):
            _apply(self.base, recent.pop(0))
        self.started_s = min(self.started_s, change.at_s)
        self.changed_s = max(self.changed_s, change.at_s)
        self.value = sum((line.price or 0.0) * line.quantity for line in self.lines.values())
        self.quantity = sum(line.quantity for line in self.lines.values())
        self.peak_value = max(self.peak_value, self.value)


def _place(change: CartChange) -> tuple[float, int, str]:
    return change.at_s, change.rank, change.id


def _apply(lines: dict[str, Line], change: CartChange) -> None:
    if change.kind == "replaced":
        lines.clear()
    for line in change.lines:
        held = lines.get(line.sku)
        if change.kind == "removed":
            if held is None:
                continue
            left = held.quantity - line.quantity
            if left > 0:
                lines[line.sku] = msgspec.structs.replace(held, quantity=left)
            else:
                del lines[line.sku]
        elif held is not None:
            pieces = min(held.quantity + line.quantity, PIECES)
            lines[line.sku] = msgspec.structs.replace(line, quantity=pieces)
        elif len(lines) < LINES:
            lines[line.sku] = line
