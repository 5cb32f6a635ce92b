"""The table of topics: what is read, what is written, and what each record type is called in files.

A new topic is one row here and one handler: for an input the reader of its records in ``flows.assembly``, for
an output whoever emits ``OutputRecord`` with its name. Settings, sinks, exports and documentation follow from
the table.
"""

from typing import Final, NamedTuple


class InputTopic(NamedTuple):
    """A topic that is read. ``records`` names the handler of what stands in it."""

    name: str
    topic: str
    records: str
    description: str


class OutputTopic(NamedTuple):
    """A topic that is written. ``files`` gives for each record type its file, without ``.jsonl``."""

    name: str
    topic: str
    key: str
    files: dict[str, str]
    description: str


INPUTS: Final = (
    InputTopic("events", "shop.events", "shop_event", "clickstream, cart and order events"),
    InputTopic("feedback", "shop.feedback", "shop_event", "what visitors did with offers"),
)
OUTPUTS: Final = (
    OutputTopic(
        "offers",
        "shop.offers",
        "visitor_id",
        {
            "offer.decided": "offers",
            "offer.redeemed": "offers",
            "offer.revoked": "offers",
            "offer.expired": "offers",
        },
        "offers made, redeemed, revoked and expired, for marketing",
    ),
    OutputTopic(
        "decisions",
        "shop.decisions",
        "visitor_id; the market for drifts",
        {
            "decision": "decisions",
            "reward": "rewards",
            "score": "scores",
            "outcome": "outcomes",
            "drift": "drifts",
        },
        "the audit trail: decisions, rewards, scores, outcomes, drifts",
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
