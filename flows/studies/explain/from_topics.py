"""The records of one decision in the topics, the newest read first."""

from collections import deque
from collections.abc import Mapping
from typing import Final

from flows.kafka.bounded_read import ranges_since, read_newest_first
from flows.kafka.cluster import Cluster
from flows.studies.explain.decision_story import DecisionStory
from flows.studies.explain.from_files import split
from flows.studies.explain.record_ids import decision_id_of
from schemas.decisions import (
    DECISION_RECORDS,
    Decision,
    DecisionRecord,
    Outcome,
    Reward,
    decode_decision,
    read_decision_record,
)
from schemas.errors import DataError
from schemas.message import first_header
from schemas.offers import OFFER_RECORDS, OfferDecided, OfferRecord, read_offer_record
from schemas.records import Timestamp

COMPARED: Final = 2000
"""So many decisions are looked through for a similar one."""


def story_in_topics(cluster: Cluster, topics: Mapping[str, str], name: str, since_s: float) -> DecisionStory:
    """Return a decision, by its id or that of its offer, with what followed from it.

    ``topics`` names the topics of offers and decisions. What the broker took before ``since_s``, in seconds
    since 1970, is not read; nor is more than it takes to find the decision. Raises DataError where it is not
    found, and SetupError and BrokerError as ``read_newest_first`` does.
    """
    decision_id = decision_id_of(name)
    decision, records, others = _decision(cluster, topics["decisions"], decision_id, since_s)
    rewards = [each for each in records if isinstance(each, Reward) and each.decision_id == decision_id]
    outcomes = [each for each in records if isinstance(each, Outcome) and each.decision_id == decision_id]
    offers = [] if decision.offer_id is None else _offers(cluster, topics["offers"], decision_id, since_s)
    return DecisionStory(
        decision,
        *split(offers),
        tuple(sorted(rewards, key=lambda each: (each.at.seconds, each.reward_id))),
        max(outcomes, key=lambda each: each.at.seconds, default=None),
        others,
    )


def _decision(
    cluster: Cluster, topic: str, decision_id: str, since_s: float
) -> tuple[Decision, list[DecisionRecord], list[Decision]]:
    """Return a decision, the later records that name it, and other decisions."""
    wanted = decision_id.encode()
    records: list[DecisionRecord] = []
    others: deque[bytes] = deque(maxlen=COMPARED)
    for block in read_newest_first(cluster, topic, ranges_since(cluster, topic, since_s)):
        for message in block:
            kind = first_header(message.headers, "ce_type")
            if message.value is None or kind not in DECISION_RECORDS:
                continue
            if wanted in message.value:
                records.append(read_decision_record(message.value))
            elif kind == "decision":
                others.append(message.value)
        found = [each for each in records if isinstance(each, Decision) and each.decision_id == decision_id]
        if found:
            return found[0], records, [decode_decision(each) for each in others]
    raise DataError(
        f"topic {topic} has no decision or offer {decision_id!r} since {Timestamp(since_s)}; "
        "look further back with --since"
    )


def _offers(cluster: Cluster, topic: str, decision_id: str, since_s: float) -> list[OfferRecord]:
    """Return the records of an offer, as far as they are there."""
    wanted, found = decision_id.encode(), list[OfferRecord]()
    for block in read_newest_first(cluster, topic, ranges_since(cluster, topic, since_s)):
        for message in block:
            if message.value is None or wanted not in message.value:
                continue
            if first_header(message.headers, "ce_type") in OFFER_RECORDS:
                record = read_offer_record(message.value)
                if record.data.decision_id == decision_id:
                    found.append(record)
        if any(isinstance(each, OfferDecided) for each in found):
            break
    return found
