"""The catalog topic: what each product costs the shopper and the shop, and how many pieces there are.

A record is the whole product, and replaces what was known of it before. Its key is the ``sku``, or
``market/sku`` where it is of one market. A record of that key without a value removes the product.
"""

from collections.abc import Container
from typing import Annotated, Final, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from schemas.adapters.frames import PayloadReader, unframed
from schemas.adapters.mending import with_currency
from schemas.adapters.reasons import parse, reason_of
from schemas.events import Amount, Currency, Id, InputModel, Label, Name, Time
from schemas.message import Message
from schemas.rejected import InvalidEvent

MAX_STOCK: Final = 1_000_000_000
Pieces = Annotated[int, Field(ge=-MAX_STOCK, le=MAX_STOCK)]
Url = Annotated[str, Field(pattern=r"^https?://", max_length=2000)]


class CatalogProduct(InputModel):
    """A product as it is from ``at`` on, in one market or, where none is named, in all.

    ``price`` and ``unit_cost`` are per piece, in ``currency`` or, where none is named, in the market's own.
    Without ``at`` it counts from the record's timestamp. ``stock`` is negative where more is sold than there
    is. What is left out is not known.
    """

    sku: Id
    market: Name | None = None
    at: Time | None = None
    price: Amount | None = None
    unit_cost: Amount | None = None
    currency: Currency | None = None
    stock: Pieces | None = None
    title: Label | None = None
    url: Url | None = None
    image: Url | None = None
    category: Label | None = None


class Removal(NamedTuple):
    """The key of a product that is removed."""

    key: str

    def of(self, markets: Container[str]) -> tuple[str, str | None]:
        """Return the product's sku and its market; None where it is removed from all.

        >>> Removal("de/A-7").of({"de"}), Removal("A-7/blue").of({"de"})
        (('A-7', 'de'), ('A-7/blue', None))
        """
        market, _, sku = self.key.partition("/")
        return (sku, market) if sku and market in markets else (self.key, None)


class ReadProduct(NamedTuple):
    """A product that was read, and the names of its fields that were not taken."""

    product: CatalogProduct
    dropped: tuple[str, ...] = ()


PRODUCTS: Final = TypeAdapter(CatalogProduct)
KEPT: Final = frozenset({"sku", "market", "currency"})
"""Never dropped: without them a product would count where, or as what, it does not belong."""

_validate: Final = PRODUCTS.validator.validate_json
_OBJECT: Final = ord("{")


def read_product(
    message: Message, max_bytes: int, payloads: PayloadReader | None = None
) -> ReadProduct | Removal:
    """Return what a record of the catalog says, without what is invalid of its optional fields.

    Raises InvalidEvent where the record as a whole cannot be taken.
    """
    value = message.value
    if value is None:
        return _removal(message.key)
    if not value:
        raise InvalidEvent("empty", "the value has no bytes; a removal has none at all")
    if len(value) > max_bytes:
        raise InvalidEvent("too_large", f"{len(value)} bytes; a product has at most {max_bytes}")
    if value[0] != _OBJECT or message.headers:
        value = unframed(message, payloads).value or b""
    try:
        return ReadProduct(_validate(value))
    except ValidationError:
        return _mended(parse(value))


def _removal(key: bytes | None) -> Removal:
    try:
        name = (key or b"").decode()
    except UnicodeDecodeError:
        raise InvalidEvent("encoding", "the key of a removal is not UTF-8") from None
    if not name:
        raise InvalidEvent("empty_key", "a removal must have the product's key")
    return Removal(name)


def _mended(given: object) -> ReadProduct:
    if not isinstance(given, dict):
        raise InvalidEvent("invalid", "a product must be a JSON object")
    if "currency" in given:
        given = with_currency(given)
    given = {name: value if _is_whole(value) else False for name, value in given.items() if _is_whole(name)}
    dropped: set[str] = set()
    while True:
        try:
            return ReadProduct(_validate(to_json(given, inf_nan_mode="constants")), tuple(sorted(dropped)))
        except ValidationError as error:
            problems = error.errors(include_url=False)
            for problem in problems:
                (name,) = problem["loc"][:1]
                if name in KEPT:
                    raise InvalidEvent(
                        "unknown_market" if name == "market" else "invalid", reason_of(problem, str(name))
                    ) from None
                dropped.add(str(name))
            given = {name: value for name, value in given.items() if name not in dropped}


def _is_whole(value: object) -> bool:
    """Return whether a value is no text with half a surrogate pair, which is no text at all."""
    try:
        return not isinstance(value, str) or value.encode() is not None
    except UnicodeEncodeError:
        return False
