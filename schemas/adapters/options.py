"""What a shop sets about the formats it sends: one object, of which a format takes what concerns it."""

from typing import Literal, NamedTuple

ProductKey = Literal["product_id", "sku"]


class FormatOptions(NamedTuple):
    """How messages are to be understood where a format leaves it open.

    ``product_key``: which of the two identifies a product, where a message has both.
    """

    product_key: ProductKey = "product_id"
