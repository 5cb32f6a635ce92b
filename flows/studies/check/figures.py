"""Everything that a check has found as plain values, for ``--json``."""

from typing import Any

from flows.studies.check.advice import advice
from flows.studies.check.findings import Findings
from flows.studies.check.tally import time_text


def figures(found: Findings) -> dict[str, Any]:
    """Return everything that was found as plain values."""
    tally = found.tally
    joined = tally.joins.joined()
    return {
        "sources": [
            {**each._asdict(), "fits": {name: fit._asdict() for name, fit in each.fits.items()}}
            for each in found.sources
        ],
        "events": found.total,
        "taken": tally.counts.processed,
        "duplicates": tally.counts.duplicate,
        "kinds": dict(tally.kinds),
        "refused": {
            name: {"count": count, "first": tally.examples[name]} for name, count in tally.refused.items()
        },
        "dropped": dict(tally.dropped),
        "first": time_text(tally.first_s),
        "last": time_text(tally.last_s),
        "late": tally.counts.late,
        "clamped": tally.counts.clamped,
        "visitors": tally.visitors,
        "carts": tally.carts,
        "currencies": dict(tally.currencies),
        "markets": dict(tally.markets),
        "unknown_markets": dict(found.unknown_markets),
        "orders": {
            "count": tally.joins.orders,
            "repeated": tally.joins.repeated,
            "join": sum(joined.values()),
            "by": dict(joined),
            "carry": dict(tally.joins.carried),
        },
        "advice": advice(found),
    }
