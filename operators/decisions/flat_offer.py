"""The flat form of an offer's record, as a record of a stream of its own."""

from typing import Final

import msgspec

from operators.streaming.messages import OutputRecord
from schemas.flat_offers import flat
from schemas.offers import read_offer_record

FLAT_OFFERS: Final = "offers_flat"


def flat_offer(record: OutputRecord) -> OutputRecord:
    """Return the flat form of a record of the stream ``offers``: the same id, type, key and headers."""
    value = msgspec.json.encode(flat(read_offer_record(record.value)))
    return msgspec.structs.replace(record, stream=FLAT_OFFERS, value=value, since_s=None)
