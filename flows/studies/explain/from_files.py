"""The records of one decision in the files that a replay, an export or a backtest wrote."""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from flows.studies.explain.decision_story import DecisionStory
from flows.studies.explain.record_ids import decision_id_of
from schemas.decisions import Decision, Outcome, Reward, decode_decision
from schemas.errors import DataError
from schemas.offers import EndedOffer, OfferDecided, OfferRecord, read_offer_record
from schemas.records import decoder

COMPARED: Final = 1000
"""So many decisions before this one, and as many after it, are looked through for a similar one."""

R = TypeVar("R")


def story_in_files(directory: Path, name: str) -> DecisionStory:
    """Return a decision, by its id or that of its offer, with what followed from it.

    Raises DataError where there is no such decision, or where files are missing or hold something else.
    """
    decision_id = decision_id_of(name)
    decision, others = _decision(directory, decision_id)
    rewards = [
        each
        for each in _with(directory / "rewards.jsonl", decision_id, decoder(Reward))
        if each.decision_id == decision_id
    ]
    outcomes = [
        each
        for each in _with(directory / "outcomes.jsonl", decision_id, decoder(Outcome))
        if each.decision_id == decision_id
    ]
    offers = [
        each
        for each in _with(directory / "offers.jsonl", decision_id, read_offer_record)
        if each.data.decision_id == decision_id
    ]
    offer, ended = split(offers)
    return DecisionStory(decision, offer, ended, tuple(rewards), outcomes[-1] if outcomes else None, others)


def split(records: list[OfferRecord]) -> tuple[OfferDecided | None, EndedOffer | None]:
    """Return the record that makes an offer and the one that ends it, among those of one decision."""
    made = next((each for each in records if isinstance(each, OfferDecided)), None)
    ended = next((each for each in records if not isinstance(each, OfferDecided)), None)
    return made, ended


def _decision(directory: Path, decision_id: str) -> tuple[Decision, list[Decision]]:
    path, wanted = directory / "decisions.jsonl", decision_id.encode()
    before: deque[bytes] = deque(maxlen=COMPARED)
    lines = _lines(path)
    for line in lines:
        if wanted in line:
            found = _decoded(path, line, decode_decision)
            if found.decision_id == decision_id:
                near = [*before, *islice(lines, COMPARED)]
                return found, [_decoded(path, each, decode_decision) for each in near]
        before.append(line)
    raise DataError(f"{directory} has no decision or offer {decision_id!r}")


def _with(path: Path, decision_id: str, decode: Callable[[bytes], R]) -> Iterator[R]:
    """Return the records of a file in which an id stands somewhere."""
    wanted = decision_id.encode()
    return (_decoded(path, line, decode) for line in _lines(path) if wanted in line)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as lines:
            yield from lines
    except OSError as error:
        raise DataError(f"{path} must be a file that replay or export wrote; got: {error.strerror}") from None


def _decoded(path: Path, line: bytes, decode: Callable[[bytes], R]) -> R:
    try:
        return decode(line)
    except (msgspec.MsgspecError, ValueError) as error:
        raise DataError(f"{path} must hold records as this version writes them; got: {error}") from None
