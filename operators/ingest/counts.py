"""What became of the records and events of a source partition."""

import msgspec


class Counts(msgspec.Struct):
    """Of records: read = taken + records_rejected; of events: events = processed + duplicate + rejected.

    A record may hold several events; it is taken unless all of them are rejected. A record that cannot be
    read counts as one event. ``late`` and ``ignored`` (orders of a till or a test) are parts of
    ``processed``, ``late_after_idle`` and ``late_orders`` of ``late``. ``clamped`` counts events that claimed
    to be later than they were received, ``partial`` those of whose lines or discounts some were odd.
    """

    read: int = 0
    taken: int = 0
    records_rejected: int = 0
    events: int = 0
    processed: int = 0
    duplicate: int = 0
    late: int = 0
    rejected: int = 0
    late_after_idle: int = 0
    late_orders: int = 0
    clamped: int = 0
    ignored: int = 0
    partial: int = 0
