"""What shops already emit, turned into native events; one file a format."""

from collections.abc import Callable
from typing import Final

from schemas.adapters.batches import Decode, SeveralEvents, decode_each
from schemas.adapters.decoded import Decoded
from schemas.adapters.decoding import FORMATS, SELF_DESCRIBED, Format, decoder, format_named
from schemas.adapters.options import FormatOptions, ProductKey
from schemas.adapters.rees46 import CSV_HEADER, REES46_HEADER, Header, header_of
from schemas.adapters.snowplow_rows import COLUMNS

__all__ = [
    "CSV_FORMATS",
    "CSV_HEADER",
    "FORMATS",
    "REES46_HEADER",
    "SELF_DESCRIBED",
    "TSV_FORMATS",
    "Decode",
    "Decoded",
    "Format",
    "FormatOptions",
    "ProductKey",
    "SeveralEvents",
    "decode_each",
    "decoder",
    "format_named",
]

CSV_FORMATS: Final[dict[str, Callable[[bytes], Header]]] = {"rees46": header_of}
"""The formats that are written in CSV, and what finds the header of a file from its first line."""

TSV_FORMATS: Final[dict[str, int]] = {"snowplow": len(COLUMNS)}
"""The formats that may also be tab-separated values, a line an event without a header: how many columns."""
