"""What crosses from one process to another, as bytes: Bytewax pickles items one by one.

What msgspec gives to pickle by itself names things that pickle then looks for in every module that is loaded,
which costs more than all other work on the item.
"""

import copyreg
from typing import Any, Final

import msgspec

from flows.local.batched_sink import Records
from operators.streaming.messages import MarketBatch, OutputRecord, ShardBatch

_encode: Final = msgspec.msgpack.Encoder().encode
_shard_batch: Final = msgspec.msgpack.Decoder(ShardBatch)
_market_batch: Final = msgspec.msgpack.Decoder(MarketBatch)


def shard_batch(encoded: bytes) -> ShardBatch:
    """Return what was sent."""
    return _shard_batch.decode(encoded)


def market_batch(encoded: bytes) -> MarketBatch:
    """Return what was sent."""
    return _market_batch.decode(encoded)


def _reduced_shard_batch(batch: ShardBatch) -> tuple[Any, ...]:
    return shard_batch, (_encode(batch),)


def _reduced_market_batch(batch: MarketBatch) -> tuple[Any, ...]:
    return market_batch, (_encode(batch),)


def records(fields: list[tuple[Any, ...]]) -> Records:
    """Return what was sent."""
    return Records(OutputRecord(*each) for each in fields)


def _reduced_records(batch: Records) -> tuple[Any, ...]:
    return records, ([_fields(record) for record in batch],)


def _fields(record: OutputRecord) -> tuple[Any, ...]:
    fields = msgspec.structs.astuple(record)
    has_defaults = record.own_key is msgspec.UNSET and not record.is_null
    return fields[:_BEFORE_OWN_KEY] if has_defaults else fields


_BEFORE_OWN_KEY: Final = OutputRecord.__struct_fields__.index("own_key")
"""Without a key of its own a record keeps the defaults from there on: pickle would look for UNSET too."""


def register() -> None:
    """Let items cross as bytes from now on."""
    copyreg.pickle(ShardBatch, _reduced_shard_batch)
    copyreg.pickle(MarketBatch, _reduced_market_batch)
    copyreg.pickle(Records, _reduced_records)
