"""The one thing to do about what a check has found."""

from collections.abc import Callable
from typing import Final

from flows.studies.check.findings import LITTLE, Findings

GENERIC: Final = "generic:"
OF_HOUSE_FORMATS: Final = ("invalid", "unknown_type")
"""What records are refused as that are JSON of a shop's own making, in every format that is known."""
NOTABLE: Final = 0.05
"""What concerns more than one event in twenty is worth a word of advice."""

Rule = Callable[[Findings], str | None]


def advice(found: Findings) -> str:
    """Return one sentence: what to do next, or what to mend first."""
    return next(sentence for rule in _ADVICE if (sentence := rule(found)) is not None)


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
    if not foreign or not found.tally.refused["currency"]:
        return None
    return f"No market counts in {foreign}: set its `currency` or its `rates` in the offers file."


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


_ADVICE: Final[tuple[Rule, ...]] = (
    *(_empty, _other_format, _markets, _currencies, _schemas, _little, _no_carts, _no_orders, _unjoined),
    *(_refused, _dropped, _late, _good),
)
"""The first that has something to say."""
