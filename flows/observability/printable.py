"""What people see in a terminal: text out of files and topics commands no terminal."""

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Final, TextIO, cast

_COMMANDS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]"
)
"""Control characters but tab and line feed, and what turns the direction of text around."""


def printable(text: str) -> str:
    r"""Return a text in which control characters are written out.

    >>> printable("red: \x1b[31m, \u202eback\n")
    'red: \\x1b[31m, \\u202eback\n'
    """
    return _COMMANDS.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class PrintableStream:
    """A text stream whose control characters are written out; to those who ask it is no terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, control characters written out."""
        self._stream.write(printable(text))
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def isatty(self) -> bool:
        """Return that nobody may send it colours."""
        return False

    def __getattr__(self, name: str) -> object:
        """Return what else the stream has."""
        return getattr(self._stream, name)


@contextmanager
def printable_output() -> Iterator[None]:
    """Let whatever is printed in the block be printable."""
    with redirect_stdout(cast("TextIO", PrintableStream(sys.stdout))):
        yield


def terminal_width(otherwise: int) -> int:
    """Return the width of the terminal, where the output goes to one."""
    stream = sys.__stdout__
    return shutil.get_terminal_size().columns if stream is not None and stream.isatty() else otherwise
