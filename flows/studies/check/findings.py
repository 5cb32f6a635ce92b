"""What a check has found, as numbers, and the one thing to do about it."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from flows.kafka.schema_registry.start import schema_registry
from flows.settings import Settings
from flows.studies.check.sources import source_of
from flows.studies.check.tally import Tally
from schemas.adapters.guessing import Fit
from schemas.shop import Shop

LITTLE: Final = 0.5
"""Below this share of what is read, little is taken: the command ends with exit code 1."""
GENERIC: Final = "generic:"
OF_HOUSE_FORMATS: Final = ("invalid", "unknown_type")
"""What records are refused as that are JSON of a shop's own making, in every format that is known."""
NOTABLE: Final = 0.05
"""What concerns more than one event in twenty is worth a word of advice."""


class SourceFindings(NamedTuple):
    """What was read: how many records of which of how many partitions, in which format, and how well all fit.

    ``is_whole``: there are no more records. ``is_found``: nobody named the format. ``better`` fits clearly
    better. ``partitions`` is None for a file.
    """

    name: str
    records: int
    is_whole: bool
    partitions: int | None
    form: str
    is_found: bool
    fits: Mapping[str, Fit]
    better: str | None


class Findings(NamedTuple):
    """What a check has found in its sources."""

    sources: Sequence[SourceFindings]
    tally: Tally
    markets: Mapping[str, str]
    """The markets of the offers file, with their currencies."""

    @property
    def total(self) -> int:
        """How many events were read, whatever became of them."""
        counts = self.tally.counts
        return counts.processed + counts.duplicate + counts.rejected

    @property
    def share_taken(self) -> float:
        """The share of them that is taken; duplicates are."""
        return 1.0 - self.tally.counts.rejected / self.total if self.total else 0.0

    @property
    def is_little(self) -> bool:
        """Whether nothing or little was taken."""
        return self.share_taken < LITTLE or not self.tally.counts.processed

    @property
    def unknown_markets(self) -> Counter[str]:
        """The markets that events name and the offers file does not."""
        return Counter({name: n for name, n in self.tally.markets.items() if name not in self.markets})

    @property
    def foreign_currencies(self) -> Counter[str]:
        """The currencies that no market has."""
        ours = set(self.markets.values())
        return Counter({name: n for name, n in self.tally.currencies.items() if name not in ours})

    def as_json(self) -> dict[str, Any]:
        """Return everything that was found as plain values."""
        tally = self.tally
        joined = tally.joins.joined()
        return {
            "sources": [
                {**each._asdict(), "fits": {name: fit._asdict() for name, fit in each.fits.items()}}
                for each in self.sources
            ],
            "events": self.total,
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
            "unknown_markets": dict(self.unknown_markets),
            "orders": {
                "count": tally.joins.orders,
                "repeated": tally.joins.repeated,
                "join": sum(joined.values()),
                "by": dict(joined),
                "carry": dict(tally.joins.carried),
            },
            "advice": advice(self),
        }


def check(names: Sequence[str], form: str | None, limit: int, settings: Settings) -> Findings:
    """Read at most ``limit`` records of each of these files and topics, and return what is in them.

    A format that is not given is found. Raises as ``source_of`` does.
    """
    shop: Shop = settings.shop()
    tally, found = Tally(), []
    with schema_registry(settings.schema_registry, settings.schema_registry_client) as schemas:
        for name in names:
            source = source_of(name, form, limit, settings, schemas)
            records = tally.read(source, settings, shop, schemas)
            is_whole = records < limit if source.partitions is None else source.is_whole
            found.append(
                SourceFindings(
                    *(name, records, is_whole, source.partitions),
                    *(source.form, source.is_found, source.fits, source.better),
                )
            )
    return Findings(found, tally, {name: market.currency for name, market in shop.markets.items()})


def time_text(at_s: float) -> str | None:
    """Return a time as text, None for none."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds") if math.isfinite(at_s) else None


def advice(found: Findings) -> str:
    """Return one sentence: what to do next, or what to mend first."""
    return next(said for said in (rule(found) for rule in _ADVICE) if said is not None)


def _empty(found: Findings) -> str | None:
    if found.total:
        return None
    names = ", ".join(each.name for each in found.sources)
    return f"There is nothing in {names}: is this the right one, and is it written to?"


def _other_format(found: Findings) -> str | None:
    for each in found.sources:
        if each.better is not None:
            return f"{each.name} looks like format {each.better}: try --format {each.better}."
    return None


def _schemas(found: Findings) -> str | None:
    if found.tally.refused["schema"] <= NOTABLE * found.total:
        return None
    return "Values need their schemas: give the Schema Registry's address with --schema-registry."


def _little(found: Findings) -> str | None:
    if not found.is_little:
        return None
    (class_, _), *_ = found.tally.refused.most_common(1)
    if class_ == "too_large":
        return "Most is too_large: send smaller events, or raise `max_event_bytes`."
    if found.tally.counts.processed:
        return f"Little is taken; most of the rest is {class_}: mend what its example shows."
    nothing = f"Nothing is taken, in no format that is known; most is {class_}: see what its example lacks."
    if class_ not in OF_HOUSE_FORMATS or all(each.form.startswith(GENERIC) for each in found.sources):
        return nothing
    return f"{nothing} If it is JSON of your own making, say in a file what is where: --format generic:FILE."


def _markets(found: Findings) -> str | None:
    if found.unknown_markets.total() <= NOTABLE * found.total:
        return None
    unknown = ", ".join(name for name, _ in found.unknown_markets.most_common(5))
    return f"Declare market {unknown} in the offers file, or send another `market`."


def _currencies(found: Findings) -> str | None:
    foreign = ", ".join(name for name, _ in found.foreign_currencies.most_common(5))
    if not foreign or not found.tally.refused["currency"]:  # the market's `rates` may convert them
        return None
    return f"Amounts in {foreign} are no amounts of a market: set its `currency` in the offers file."


def _no_carts(found: Findings) -> str | None:
    if found.tally.carts:
        return None
    return "There is no event of a cart in it, and without carts nobody is made an offer: send cart events."


def _no_orders(found: Findings) -> str | None:
    if found.tally.joins.orders:
        return None
    return (
        "There is no order in it, and without orders nothing is learned: check the topic or file that has "
        "them together with this one."
    )


def _unjoined(found: Findings) -> str | None:
    joins = found.tally.joins
    if sum(joins.joined().values()) >= LITTLE * joins.orders:
        return None
    return (
        "Most orders meet nobody of this sample: send the `cart_id`, the `user_id` or the `visitor_id` of "
        "the clickstream with them, or read more with --limit."
    )


def _refused(found: Findings) -> str | None:
    if found.tally.counts.rejected <= NOTABLE * found.total:
        return None
    return f"{1 - found.share_taken:.0%} is refused: mend what the examples show."


def _dropped(found: Findings) -> str | None:
    (name, count), *_ = found.tally.dropped.most_common(1) or [("", 0)]
    if count <= NOTABLE * found.total:
        return None
    return f"`{name}` is often not as it should be: compare it with the table of the format."


def _late(found: Findings) -> str | None:
    if found.tally.counts.late <= NOTABLE * found.total or all(
        each.partitions is None for each in found.sources
    ):
        return None
    return "Many events are late, which costs punctual offers: send them sooner, or raise `lateness`."


def _good(found: Findings) -> str:
    files = [each for each in found.sources if each.partitions is None]
    if files:
        form = files[0].form
        alike = " ".join(each.name for each in files if each.form == form)
        others = " for each format" if any(each.form != form for each in files) else ""
        return f"This is good: try `offerstream replay {alike} --format {form} --out replayed`{others}."
    topics = ",".join(each.name for each in found.sources)
    formats = ",".join(f"{each.name}={each.form}" for each in found.sources if each.form != "native")
    sets = f" --set formats={formats}" if formats else ""
    return f"This is good: try `offerstream live --shadow --set events_topics={topics}{sets}`."


_ADVICE: Final = (
    *(_empty, _other_format, _markets, _currencies, _schemas, _little, _no_carts, _no_orders, _unjoined),
    *(_refused, _dropped, _late, _good),
)
"""The first that has something to say."""
