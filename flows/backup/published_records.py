"""What was published of markets, from the files that export and replay write, in the order of its time."""

import heapq
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from flows.studies.record_lines import read_records
from operators.decisions.relearning import RelearningMarket
from schemas.decisions import (
    ControlApplied,
    Decision,
    Outcome,
    Reward,
    VisitorErased,
    decode_decision,
    read_decision_record,
)
from schemas.errors import DataError
from schemas.offers import OfferDecided, read_offer_record
from schemas.records import decoder

FILES: Final = ("controls", "offers", "decisions", "rewards", "outcomes", "erasures")
_reward: Final = decoder(Reward)
SCORES: Final = "scores"
TAIL_BYTES: Final = 1 << 16

Step = tuple[float, int, str, Callable[[RelearningMarket], None]]
"""When something happened, its place among what happened then, its market, and what it does to that."""


def check_files(directory: Path) -> None:
    """Raise DataError unless a directory has the files."""
    if not (directory / "decisions.jsonl").is_file():
        raise DataError(
            f"{directory} must have the files that export or replay wrote; decisions.jsonl is missing"
        )


def steps(directory: Path) -> Iterator[Step]:
    """Yield what was published, in the order of its time; DataError for a line that is no such record."""
    files = ((name, directory / f"{name}.jsonl") for name in FILES)
    yield from heapq.merge(
        *(_file(name, path) for name, path in files if path.is_file()), key=lambda step: step[:2]
    )


def _file(name: str, path: Path) -> Iterator[Step]:
    decode = _offer if name == "offers" else _decision_record
    return read_records(path, decode)


def _offer(line: bytes) -> Step:
    event = read_offer_record(line)
    at_s, market, raw = event.time.seconds, event.data.market, line.rstrip(b"\n")
    if isinstance(event, OfferDecided):
        return at_s, 1, market, lambda known: known.offered(event.data.decision_id, raw)
    return at_s, 3, market, lambda known: known.offer_ended(event)


def _decision_record(line: bytes) -> Step:
    record = read_decision_record(line)
    at_s, raw = record.at.seconds, line.rstrip(b"\n")
    take: Callable[[RelearningMarket], None]
    match record:
        case ControlApplied():
            rank, take = 0, _told(RelearningMarket.controlled, record)
        case Decision():
            rank, take = 2, lambda known: known.decided(record.decision_id, raw, at_s)
        case Reward():
            rank, take = 4, _told(RelearningMarket.rewarded, record)
        case Outcome():
            rank, take = 5, _told(RelearningMarket.cart_ended, record)
        case VisitorErased():
            rank, take = 6, _told(RelearningMarket.forget_person, record)
        case _:
            raise ValueError(f"a {type(record).__name__} does not belong into this file")
    return at_s, rank, record.market, take


def awaited_in(directory: Path) -> frozenset[str]:
    """Return the decisions that had a choice and whose reward is not published. Bounded by those at once."""
    awaited: set[str] = set()
    decided = (
        (record.at.seconds, 0, record.decision_id)
        for record in read_records(directory / "decisions.jsonl", decode_decision)
        if record.window_ends_at.seconds > record.at.seconds
    )
    rewards = directory / "rewards.jsonl"
    rewarded = (
        (record.at.seconds, 1, record.decision_id)
        for record in (read_records(rewards, _reward) if rewards.is_file() else ())
        if record.kind == "window"
    )
    for _, is_reward, decision in heapq.merge(decided, rewarded):
        (awaited.discard if is_reward else awaited.add)(decision)
    return frozenset(awaited)


def _told(
    method: Callable[[RelearningMarket, Any], None], record: object
) -> Callable[[RelearningMarket], None]:
    return lambda known: method(known, record)


def latest_score_s(directory: Path) -> float | None:
    """Return the time of the latest score, None where there is none: nothing later was looked at."""
    path = directory / f"{SCORES}.jsonl"
    if not path.is_file() or not path.stat().st_size:
        return None
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - TAIL_BYTES, 0))
        *_, last = file.read().splitlines()
    record = read_decision_record(last)
    return record.at.seconds
