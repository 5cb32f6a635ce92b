"""The table of topics: what is read, what is written, and what each record type is called in files.

A new topic is one row here and one handler: for an input the reader of its records in ``flows.assembly``, for
an output whoever emits ``OutputRecord`` with its name. Settings, sinks, exports and documentation follow from
the table.
"""

from typing import Final, NamedTuple


class InputTopic(NamedTuple):
    """A topic that is read. ``records`` names the handler of what stands in it.

    ``of_markets``: its records are addressed to markets, not to visitors. Such a topic is compacted, and it
    is read from its beginning, before the others. ``partitions``: so many where it is made, whatever is set.
    """

    name: str
    topic: str
    records: str
    description: str
    of_markets: bool = False
    partitions: int | None = None


class OutputTopic(NamedTuple):
    """A topic that is written.

    ``files`` gives for each record type its file, without ``.jsonl``; empty for what stands in another file
    already. ``setting`` is what must be on for it to be written, None: nothing.
    """

    name: str
    topic: str
    key: str
    files: dict[str, str]
    description: str
    setting: str | None = None


INPUTS: Final = (
    InputTopic("events", "shop.events", "shop_event", "clickstream, cart and order events"),
    InputTopic("feedback", "shop.feedback", "shop_event", "what visitors did with offers"),
    InputTopic(
        "catalog",
        "shop.catalog",
        "product",
        "products with their price, unit cost, stock and title; its key is the `sku`",
        of_markets=True,
    ),
    InputTopic(
        "controls",
        "shop.controls",
        "control",
        "changes of the offers file while the worker runs, and consents",
        of_markets=True,
        partitions=1,
    ),
)
OUTPUTS: Final = (
    OutputTopic(
        "offers",
        "shop.offers",
        "visitor_id",
        {
            "offer.decided": "offers",
            "offer.redeemed": "offers",
            "offer.expired": "offers",
            "offer.revoked": "offers",
        },
        "offers made, redeemed, expired and revoked, for marketing",
    ),
    OutputTopic(
        "offers_flat",
        "shop.offers.flat",
        "visitor_id",
        {},
        "the same on one level, for tools that take only scalars",
        setting="flat_offers",
    ),
    OutputTopic(
        "decisions",
        "shop.decisions",
        "visitor_id; the market for drifts and controls; of an erasure, who is erased",
        {
            "decision": "decisions",
            "reward": "rewards",
            "score": "scores",
            "outcome": "outcomes",
            "drift": "drifts",
            "control_applied": "controls",
            "erasure": "erasures",
        },
        "the audit trail: decisions, rewards, scores, outcomes, drifts, controls, erasures",
    ),
    OutputTopic(
        "rejected",
        "shop.rejected",
        "the rejected record's own",
        {"rejected": "rejected"},
        "records that could not be accepted, with their key, headers and bytes, and the reason in headers",
    ),
)
TOPICS: Final[dict[str, str]] = {each.name: each.topic for each in (*INPUTS, *OUTPUTS)}
"""The default topic of each row, by name."""
