"""Ids of Shopify, as all its interfaces write them."""

from schemas.adapters.json_fields import text_id


def shopify_id(value: object) -> str | None:
    """An id without the prefix of the GraphQL interfaces and without a key behind it.

    >>> shopify_id("gid://shopify/Order/450789469"), shopify_id(450789469)
    ('450789469', '450789469')
    >>> shopify_id("gid://shopify/Cart/Z2NwLWV1?key=6fd2")
    'Z2NwLWV1'
    """
    text = text_id(value)
    if text is not None and text.startswith("gid://"):
        text = text.rpartition("/")[2].partition("?")[0]
    return text or None
