"""What a partition reader accepts."""

import msgspec


class IngestSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is accepted. In the markets of ``with_margin_rate`` an order needs no unit costs.

    ``lateness_s`` is how far behind its partition an event may be, ``clock_skew_s`` how far ahead of its
    record. ``latest_s`` bounds the times of messages that have no broker's timestamp. ``ordered``: nothing
    is ever stale, so batches do not carry when they were read. ``wall``: nothing may be later than when it
    is read, whatever its record says.
    """

    markets: frozenset[str]
    with_margin_rate: frozenset[str]
    lateness_s: float
    clock_skew_s: float
    latest_s: float
    ordered: bool
    wall: bool
