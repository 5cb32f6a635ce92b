"""What stops the worker before its first message: a set-up that cannot be right."""

import re
from typing import Final

from pydantic import ValidationError

SUBJECT: Final = re.compile(r"^\w+ should")


class SetupError(ValueError):
    """A setting or a file of settings is wrong; the words say which, what was expected, what was got."""


def setup_message(error: ValidationError) -> str:
    """The first error of a set-up: which key, what was expected, what was got.

    Entries of a list are counted from one: ``offers.#2.kind``.
    """
    first = error.errors(include_url=False)[0]
    key = ".".join(f"#{at + 1}" if isinstance(at, int) else at for at in first["loc"])
    if first["type"] == "value_error":
        problem = str(first["ctx"]["error"])
    elif first["type"] == "missing":
        problem = "must be given; it is missing"
    elif first["type"] == "extra_forbidden":
        problem = "must not be there; the key is unknown"
    else:
        problem = f"{SUBJECT.sub('must', first['msg'])}; got {first['input']!r}"
    return f"{key} {problem}" if key else problem
