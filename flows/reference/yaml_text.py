"""YAML for people to read, of what JSON can say."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

PLAIN: Final = re.compile(r"[A-Za-z][\w./-]*( [\w./-]+)*")
"""Words that YAML takes for nothing but text."""
RESERVED: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def yaml_text(value: Any) -> str:  # noqa: ANN401  JSON is anything
    """Return a value as YAML, its tables and lists in blocks.

    >>> print(yaml_text({"a": {"b c": [1, {"d": "no", "e": []}]}}), end="")
    a:
      b c:
        - 1
        - d: "no"
          e: []
    """
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Any) -> Iterator[str]:  # noqa: ANN401  the same
    if isinstance(value, dict) and value:
        for key, each in value.items():
            if isinstance(each, dict | list) and each:
                yield f"{_scalar(key)}:"
                yield from (f"  {line}" for line in _lines(each))
            else:
                yield f"{_scalar(key)}: {_scalar(each)}"
    elif isinstance(value, list) and value:
        for each in value:
            first, *more = _lines(each)
            yield f"- {first}"
            yield from (f"  {line}" for line in more)
    else:
        yield _scalar(value)


def _scalar(value: Any) -> str:  # noqa: ANN401  the same
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in RESERVED:
        return value
    return json.dumps(value, ensure_ascii=False)
