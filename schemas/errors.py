"""The errors that end a command with one line: what is wrong with the set-up, the data or the broker."""

import re
from typing import ClassVar, Final

from pydantic import ValidationError

SUBJECT: Final = re.compile(r"^\w+ should")


class OfferstreamError(ValueError):
    """The base of everything that ends a command with one line and, unless it says otherwise, exit code 2."""

    exit_code: ClassVar[int] = 2


class SetupError(OfferstreamError):
    """A setting or a file of settings is wrong; the words say which, what was expected, what was got."""


class DataError(OfferstreamError):
    """A file or a log is not what it should be."""


class NothingTakenError(OfferstreamError):
    """A run has read its input to the end and taken nothing of it; the words say what was wrong with it.

    It ends the command with exit code 1.
    """

    exit_code = 1


class BrokerError(OfferstreamError):
    """Kafka does not give or take what it must."""


class RestartNeededError(OfferstreamError):
    """The worker has sealed its last epoch and is to be started again; the exit code is EX_TEMPFAIL."""

    exit_code = 75


class StateError(OfferstreamError):
    """The state directory cannot be written or read as it must; the exit code is EX_IOERR."""

    exit_code = 74


class RegistryError(OfferstreamError):
    """A Schema Registry does not answer, or not as one."""


def expected_error(error: BaseException | None) -> OfferstreamError | None:
    """Return the OfferstreamError that caused an error, if any: Bytewax wraps what its callbacks raise."""
    while error is not None and not isinstance(error, OfferstreamError):
        error = error.__cause__
    return error


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
