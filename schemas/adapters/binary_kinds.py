"""What a value looks like that is no JSON, in words for whoever sent it."""

from typing import Final

import msgspec

MARKS: Final = {
    b"Obj\x01": "an Avro file",
    b"\xc3\x01": "Avro with the fingerprint of its schema",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PAR1": "Parquet",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"<": "XML or HTML",
}
_LONGEST_VARINT: Final = 10
_GROUP_TYPES: Final = (3, 4)
_SIZES: Final = {1: 8, 5: 4}


def looks_like(value: bytes) -> str | None:
    """Return what a value seems to be, None for what could be anything.

    >>> looks_like(bytes([10, 2]) + b"v1" + bytes([16, 7])), looks_like(b"{oops")
    ('Protobuf', None)
    """
    marked = next((name for mark, name in MARKS.items() if value.startswith(mark)), None)
    if marked is not None or value[:1] in (b"", b"{", b"["):
        return marked
    if value.isascii() and value.decode().isprintable():
        return None
    kinds = {"MessagePack": _is_message_pack, "Protobuf": _is_protobuf, "Avro": _is_avro}
    return next((name for name, is_kind in kinds.items() if is_kind(value)), None)


def _is_message_pack(value: bytes) -> bool:
    try:
        return isinstance(msgspec.msgpack.decode(value), dict)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False


def _is_protobuf(value: bytes) -> bool:
    """Return whether fields of the wire format follow one another to the end."""
    at = 0
    while at < len(value):
        tag, at = _varint(value, at)
        kind = tag & 7
        if at < 0 or not tag >> 3 or tag >> 3 >= 1 << 29 or kind in _GROUP_TYPES or kind > 5:
            return False
        if kind in _SIZES:
            at += _SIZES[kind]
        else:
            size, at = _varint(value, at)
            if at < 0:
                return False
            at += size if kind == 2 else 0
    return at == len(value)


def _is_avro(value: bytes) -> bool:
    """Return whether it begins as a record does whose first field is a text: with its length, doubled."""
    size, at = _varint(value, 0)
    text = value[at : at + size // 2] if at > 0 else b""
    return size % 2 == 0 and 0 < size // 2 == len(text) and text.isascii() and text.decode().isprintable()


def _varint(value: bytes, at: int) -> tuple[int, int]:
    """Return the number that stands there and where it ends, a negative place where none does."""
    number = 0
    for shift, byte in enumerate(value[at : at + _LONGEST_VARINT]):
        number |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return number, at + shift + 1
    return number, -1
