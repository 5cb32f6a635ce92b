"""What a partition reader accepts."""

from collections.abc import Mapping

import msgspec


class IngestSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is accepted. In the markets of ``without_unit_costs`` an order needs none.

    ``currencies`` are those of the markets; amounts in others count where ``rates`` has, by market and
    currency, by what they are multiplied.

    ``lateness_s`` is how long timers wait for events out of order; what comes later is late and placed at the
    watermark, unless it is older than that by more than ``max_late_s``. The watermark follows the clocks of
    the last ``watermark_visitors`` distinct visitors. ``latest_s`` bounds the times of
    messages of which nobody knows when they were received, with ``clock_skew_s`` to spare. ``ordered``:
    nothing is ever stale, so batches do not carry when they were read. ``wall``: nothing may be later than
    when it is read. Not ``keeps_rejected``: of what is rejected only the place and the reason are told.
    """

    markets: frozenset[str]
    without_unit_costs: frozenset[str]
    currencies: Mapping[str, str]
    rates: Mapping[str, Mapping[str, float]]
    lateness_s: float
    max_late_s: float
    watermark_visitors: int
    clock_skew_s: float
    latest_s: float
    ordered: bool
    wall: bool
    keeps_rejected: bool = True
