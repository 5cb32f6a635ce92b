"""The notes of redrive on the rejected topic: which rejected messages are about to go back, and which did."""

from collections.abc import Callable
from typing import Final

import msgspec

from schemas.message import Header, Message, first_header
from schemas.records import Record, decoder


class RedrivingRecord(msgspec.Struct, frozen=True):
    """A rejected message, or part of one, by its id and the digest of what is written back of it."""

    id: str
    partition: str
    digest: str


class Redriving(Record, frozen=True, kw_only=True, gc=False, tag="redriving"):
    """These messages are about to be written back; ``offsets`` are where their partitions ended before."""

    batch: str
    offsets: dict[str, int]
    records: tuple[RedrivingRecord, ...]


class Redriven(Record, frozen=True, kw_only=True, gc=False, tag="redriven"):
    """Of the batch that was announced, the messages with these ids were written back, and no other."""

    batch: str
    ids: tuple[str, ...]


Note = Redriving | Redriven
NOTES: Final[dict[str, type[Record]]] = {"redriving": Redriving, "redriven": Redriven}
read_note: Final[Callable[[bytes | str], Note]] = decoder(Note)  # type: ignore[arg-type]
"""Return the note in some bytes; raises as ``schemas.records.decoder`` says."""


def note_headers(note: Note) -> tuple[Header, ...]:
    """Return the headers of a note: ``ce_id`` and ``ce_type``, as all output records have them."""
    type_ = note.__struct_config__.tag
    return ("ce_id", f"{note.batch}.{type_}".encode()), ("ce_type", f"{type_}".encode())


def is_note(message: Message) -> bool:
    """Return whether a record of the rejected topic is a note."""
    return first_header(message.headers, "ce_type") in NOTES
