"""The memory of decisions: written before it is published, never changed, not rolled back after a crash."""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

import msgspec

from operators.experiments.assignment import AssignmentStore
from operators.state.rows import RowStore
from operators.streaming.messages import Trace
from schemas.shop import folded


def visitor_name(visitor: str) -> str:
    """Return the name by which the decisions of a visitor are found."""
    return f"visitor:{visitor}"


def user_name(user: str) -> str:
    """Return the name by which the decisions of a user are found."""
    return f"user:{user}"


def cart_name(cart: str) -> str:
    """Return the name by which the decisions of a cart are found."""
    return f"cart:{cart}"


class CostRule(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the chosen offer costs and when it is ``charged``: redeemed, bought, shown or decided.

    ``share`` is of what the orders that are charged for it bring, at most ``limit`` over all of them; None:
    without a limit. ``fixed`` comes once.
    """

    charged: str
    share: float
    fixed: float
    limit: float | None = None

    def cost(self, share: float, fixed: float) -> float:
        """Return what an offer costs of which so much is charged as shares of orders, and so much as fixed.

        >>> CostRule("redeemed", 0.1, 2.0, limit=15.0).cost(30.0, 4.0)
        17.0
        """
        limit = self.limit
        if limit is not None and share > limit:
            share = limit
        fixed = min(fixed, self.fixed)
        return (max(0.0, share)) + (max(0.0, fixed))

    def at_cart(self, value: float) -> float:
        """Return what an offer costs that is charged for exactly a cart of this value."""
        share, fixed, limit = self.share * value, self.fixed, self.limit
        if limit is not None and share > limit:
            share = limit
        return (max(0.0, share)) + (max(0.0, fixed))


class CodeRule(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Which codes redeem an offer: this one, or those with this prefix; both as ``schemas.shop.folded``."""

    code: str | None
    prefix: str | None

    def fits(self, code: str) -> bool:
        """Return whether a code, as a shopper typed it, redeems the offer."""
        typed = folded(code)
        return typed == self.code or (self.prefix is not None and typed.startswith(self.prefix))


MAX_SKUS: Final = 100
NO_COST: Final = CostRule("redeemed", 0.0, 0.0)


class DecisionTerms(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What a decision is as long as anything may follow from it.

    ``group`` is holdout for who gets no offers, else policy. ``treated``: an offer was made. ``cost`` is that
    of the arm chosen. ``expires_s`` is None where no offer was made; ``published_s`` is when it is published,
    later than ``at_s`` where it is held. ``codes`` redeem the offer. ``trace`` is that of what caused it.
    ``skus`` are the products that the offer is on, at most ``MAX_SKUS``.
    """

    decision: str
    moment: str
    at_s: float
    visitor: str
    cart: str
    arm: str
    group: str
    treated: bool
    is_trainable: bool
    window_ends_s: float
    expires_s: float | None
    cost: CostRule
    user: str | None = None
    codes: CodeRule | None = None
    published_s: float | None = None
    trace: Trace | None = None
    skus: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What it can be found by: its visitor, its cart, its user."""
        names = (visitor_name(self.visitor), cart_name(self.cart))
        return names if self.user is None else (*names, user_name(self.user))

    @property
    def had_choice(self) -> bool:
        """Whether there was more than one arm; only then an outcome is awaited."""
        return self.window_ends_s > self.at_s


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One decision as it was taken, with the very bytes that are published.

    ``none_probability`` is the probability, over the holdout and the policy, that no offer was made.
    ``decided`` is the Decision record, ``offered`` the offer.decided record, None where none is published.
    ``since_s`` is the broker's timestamp of what caused the decision. ``moment`` is the moment in
    MessagePack, but for its features: with it, rules can be asked again.
    """

    seq: int
    terms: DecisionTerms
    none_probability: float
    features: dict[str, float | str]
    decided: bytes
    offered: bytes | None
    since_s: float | None
    moment: bytes


class Ledger(AssignmentStore, Protocol):
    """Where entries and assignments are kept; one for each market, with one writer."""

    @property
    def rows(self) -> RowStore | None:
        """Where the market's state stands beside its snapshots, None where these have to hold all of it."""

    def get(self, decision_id: str) -> bytes | None:
        """Return the entry of a decision, None if it was never taken."""

    def put(self, seq: int, decision_id: str, names: tuple[str, ...], at_s: float, entry: bytes) -> None:
        """Write an entry to be found by these names, so that it survives the death of the process."""

    def after(self, seq: int) -> Iterator[bytes]:
        """Return the entries with a greater sequence number, in ascending order."""

    def named(self, name: str) -> Iterator[bytes]:
        """Return the entries of a name, the newest first."""

    def forget(self, before_s: float) -> int:
        """Drop the entries of moments before a time; return how many went."""


class ErasableLedger(Ledger, Protocol):
    """A ledger from which a person can be taken."""

    def rewrite(self, seq: int, decision_id: str, at_s: float, entry: bytes) -> None:
        """Write an entry in place of another of the same number, to be found by its decision alone."""

    def recall_timed(self, name: str) -> tuple[float, bytes] | None:
        """Return what was last written under a name and for which time, None where there is nothing."""

    def replace(self, name: str, by: tuple[float, bytes] | None) -> None:
        """Write what is known at a time under a name; None: nothing, and no trace of the name."""

    def sweep(
        self,
        cursor: bytes,
        at_most: int,
        left: Callable[[str, bytes], bytes | None],
        mentions: Callable[[bytes], bool],
    ) -> bytes | None:
        """Look at so many rows from a cursor on, and leave of each what ``left`` returns of name and row.

        ``mentions`` returns whether some bytes are to be looked at. Return the cursor to go on with, None at
        the end; it begins with no bytes.
        """

    def erased(self) -> None:
        """Note that what was replaced or rewritten must leave the disk soon."""


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(LedgerEntry)


def write_entry(ledger: Ledger, entry: LedgerEntry) -> None:
    """Put an entry into a ledger."""
    terms = entry.terms
    ledger.put(entry.seq, terms.decision, terms.names, terms.at_s, encode_entry(entry))


def encode_entry(entry: LedgerEntry) -> bytes:
    """Return the bytes that an entry is written as."""
    return _ENCODER.encode(entry)


def read_entry(entry: bytes) -> LedgerEntry:
    """Return the entry that was written as these bytes."""
    return _DECODER.decode(entry)
