"""The types of settings beyond those of Python: topics, lists and pairs as people write them."""

import re
from typing import Annotated, Final

import orjson
from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

TOPIC_PATTERN: Final = re.compile(r"[a-zA-Z0-9._-]{1,249}")
URL_PATTERN: Final = re.compile(r"https?://[^@\s]+")
Topic = Annotated[str, Field(pattern=rf"^{TOPIC_PATTERN.pattern}$")]


def items_of(value: object) -> object:
    """Take a list as people write it, ``a,b``, or as JSON."""
    if not isinstance(value, str):
        return value
    return orjson.loads(value) if value.startswith("[") else [item.strip() for item in value.split(",")]


def pairs_of(value: object) -> object:
    """Take pairs as people write them, ``a=b,c=d``, or as JSON."""
    if not isinstance(value, str):
        return value
    if value.startswith("{"):
        return orjson.loads(value)
    pairs = [item.partition("=") for item in value.split(",") if item.strip()]
    for number, (_, equals, _) in enumerate(pairs, 1):
        if not equals:  # the text may hold a password
            raise ValueError(f"must be pairs like `name=value,name=value`; number {number} is none")
    return {name.strip(): value.strip() for name, _, value in pairs}


Pairs = Annotated[dict[str, str], NoDecode, BeforeValidator(pairs_of)]
