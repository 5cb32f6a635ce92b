"""Paths into JSON: names with dots between them, ``basket.lines``; numbers count the elements of a list."""

import re
from typing import Any, Final, NamedTuple

from schemas.adapters.json_fields import Json

_NAME: Final = r'"[^"]+"|[^\s."\[\]]+'
_PATH: Final = re.compile(rf"(?:{_NAME})(?:\.(?:{_NAME}))*")
_NAMES: Final = re.compile(_NAME)


class JsonPath(NamedTuple):
    """Where a value is; a name that has dots or spaces itself stands in double quotes."""

    names: tuple[str, ...]

    def find(self, given: Json) -> Any:  # noqa: ANN401  JSON is anything
        """The value there; None where there is none."""
        found: Any = given
        for name in self.names:
            if type(found) is dict:
                found = found.get(name)
            elif type(found) is list and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                return None
        return found


def path_of(text: str) -> JsonPath:
    """The path that is written so; raises ValueError.

    >>> path_of('basket.lines.0."unit price"').find({"basket": {"lines": [{"unit price": 5}]}})
    5
    >>> path_of("basket..lines")
    Traceback (most recent call last):
    ValueError: must be a path like `basket.lines`; got 'basket..lines'
    """
    if not _PATH.fullmatch(text):
        raise ValueError(f"must be a path like `basket.lines`; got {text!r}")
    return JsonPath(tuple(name.strip('"') for name in _NAMES.findall(text)))
