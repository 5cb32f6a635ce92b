"""The lines of a cart: a hundred as they are, of the others only how many they are and their worth."""

import math
from collections.abc import Iterable
from typing import Final

import msgspec

from operators.streaming.messages import Line
from schemas.events import MAX_PIECES

LINES: Final = 100
"""A cart remembers this many lines."""
CATEGORY: Final = 200
"""Characters of a line's category that are remembered, as many as a product's id may have."""


def shortened(line: Line) -> Line:
    """Return a line with as much of its category as is remembered."""
    if line.category is None or len(line.category) <= CATEGORY:
        return line
    return msgspec.structs.replace(line, category=line.category[:CATEGORY])


class LeftOut(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is known of the lines that are not remembered: how many they are, their pieces, their value."""

    lines: int
    quantity: int
    value: float

    def without(self, line: Line) -> "LeftOut | None":
        """Return what is left without a line, its pieces at its price or the mean one; None for nothing."""
        mean = self.value / self.quantity
        if line.quantity >= MAX_PIECES:
            pieces, lines = max(1, self.quantity // self.lines), self.lines - 1
        else:
            pieces, lines = min(line.quantity, self.quantity), self.lines
        quantity = self.quantity - pieces
        if not quantity or not lines:
            return None
        price = mean if line.price is None else line.price
        return LeftOut(min(lines, quantity), quantity, max(self.value - price * pieces, 0.0))


class CartLines(msgspec.Struct, array_like=True, gc=False):
    """What is in a cart: pieces of one product at one price are one line, at two prices they are two.

    Of a product that is taken out, pieces at the price that is named go first, then those that were put in
    last. A product that is not remembered is taken from those left out, if there are any. A line counts at
    most ``MAX_PIECES``; to take out as many takes out all. ``partial``: some lines could not be read as they
    stood. Bounded by ``LINES``.
    """

    lines: dict[str, Line] = {}
    left_out: LeftOut | None = None
    partial: bool = False

    def copy(self) -> "CartLines":
        """Return the same content, to be changed by itself."""
        return CartLines(dict(self.lines), self.left_out, self.partial)

    @property
    def value(self) -> float:
        """What all of it costs, rounded once."""
        left_out = 0.0 if self.left_out is None else self.left_out.value
        return math.fsum((left_out, *((line.price or 0.0) * line.quantity for line in self.lines.values())))

    @property
    def quantity(self) -> int:
        """How many pieces there are."""
        left_out = 0 if self.left_out is None else self.left_out.quantity
        return left_out + sum(line.quantity for line in self.lines.values())

    @property
    def is_full(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.lines) or self.left_out is not None

    @property
    def lines_left_out(self) -> int:
        """How many lines there are that are not remembered."""
        return 0 if self.left_out is None else self.left_out.lines

    def clear(self) -> None:
        """Take everything out."""
        self.lines.clear()
        self.left_out = None
        self.partial = False

    def add(self, lines: Iterable[Line], more: LeftOut | None = None) -> None:
        """Put lines in, and what is left out of them."""
        for line in lines:
            key = self._key(line)
            held = self.lines.get(key)
            if held is not None:
                pieces = min(held.quantity + line.quantity, MAX_PIECES)
                self.lines[key] = msgspec.structs.replace(line, quantity=pieces)
            elif len(self.lines) < LINES:
                self.lines[key] = line
            else:
                self._leave_out(LeftOut(1, line.quantity, (line.price or 0.0) * line.quantity))
        if more is not None:
            self._leave_out(more)

    def remove(self, lines: Iterable[Line]) -> None:
        """Take lines out; what is not there can be taken out too."""
        for line in lines:
            left = line.quantity
            is_known = False
            for key in self._keys(line):
                is_known = True
                held = self.lines[key]
                taken = min(left, held.quantity)
                left -= taken
                if taken == held.quantity:
                    del self.lines[key]
                else:
                    self.lines[key] = msgspec.structs.replace(held, quantity=held.quantity - taken)
                if not left:
                    break
            if left and self.left_out is not None and not is_known:
                self.left_out = self.left_out.without(line)

    def _key(self, line: Line) -> str:
        """Where a line is or goes: under its sku, but at a second price under sku and price."""
        held = self.lines.get(line.sku)
        if held is not None and held.price == line.price:
            return line.sku
        longer = f"{line.sku}\x1f{line.price!r}"
        return line.sku if held is None and longer not in self.lines else longer

    def _keys(self, line: Line) -> list[str]:
        """Where the pieces of a product are, in the order in which they are taken out."""
        keys = [key for key, held in self.lines.items() if held.sku == line.sku]
        keys.reverse()
        if len(keys) > 1 and line.price is not None:
            keys.sort(key=lambda key: self.lines[key].price != line.price)
        return keys

    def _leave_out(self, more: LeftOut) -> None:
        held = self.left_out
        self.left_out = (
            more
            if held is None
            else LeftOut(held.lines + more.lines, held.quantity + more.quantity, held.value + more.value)
        )
