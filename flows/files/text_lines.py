"""The lines of a file as records: whatever ends them, blank ones left out, rows of CSV over several lines."""

import csv
from collections import deque
from collections.abc import Iterator
from io import StringIO
from typing import BinaryIO, Final

BOM: Final = b"\xef\xbb\xbf"
CHUNK: Final = 1 << 18
MAX_ROW_LINES: Final = 100
"""So many lines a row of CSV may have; where its quotes stay open for longer, it is one line alone."""


def split_lines(file: BinaryIO, chunk: int = CHUNK) -> Iterator[bytes]:
    r"""The lines of a file with what ends them: ``\n``, ``\r\n``, ``\r`` or the end of the file.

    Holds one chunk and one line in memory.
    """
    begun = bytearray()
    while data := file.read(chunk):
        if begun.endswith(b"\r") and not data.startswith(b"\n"):
            yield bytes(begun)
            begun.clear()
        lines = data.splitlines(keepends=True)
        # After \r the rest of a \r\n may follow in the next chunk.
        unended = b"" if data.endswith(b"\n") else lines.pop()
        if begun and lines:
            begun += lines[0]
            lines[0] = bytes(begun)
            begun.clear()
        yield from lines
        begun += unended
    if begun:
        yield bytes(begun)


class Lines:
    """Each line that is not blank, with its number.

    ``position`` is how many bytes the records so far and the blank lines between them take, ``offset`` the
    number of the next line.
    """

    def __init__(self, file: BinaryIO, offset: int = 0, position: int = 0, chunk: int = CHUNK) -> None:
        self.offset = offset
        self.position = position
        self._lines = split_lines(file, chunk)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yield the number of a line and what it says."""
        for line in self._lines:
            offset = self.offset
            self.offset += 1
            self.position += len(line)
            value = line.rstrip(b"\r\n").removeprefix(BOM)
            if value and not value.isspace():
                yield offset, value


class CsvRows:
    """Each row of CSV that is not blank, with the number of its first line.

    In quotes a row goes on over line ends. Quotes that nothing closes cost only the line that opens them.
    """

    def __init__(
        self, file: BinaryIO, offset: int = 0, position: int = 0, chunk: int = CHUNK, *, delimiter: str = ","
    ) -> None:
        self.offset = offset
        self.position = position
        self._delimiter = delimiter
        self._ahead: deque[bytes] = deque()
        self._lines = split_lines(file, chunk)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yield the number of a row's first line and the row."""
        while (line := self._ahead.popleft() if self._ahead else next(self._lines, None)) is not None:
            offset, row, lines = self.offset, line, 1
            if line.count(b'"') % 2 and self._is_open(line):
                row, lines = self._continued(line)
            self.offset += lines
            self.position += len(row)
            value = row.rstrip(b"\r\n").removeprefix(BOM)
            if value and not value.isspace():
                yield offset, value

    def _continued(self, line: bytes) -> tuple[bytes, int]:
        """Return the row that begins with this line and how many lines it has: one, if nothing closes it."""
        row = [line]
        for following in self._following():
            row.append(following)
            if following.count(b'"') % 2:
                text = b"".join(row)
                is_open = self._is_open(text)
                if is_open is None:
                    break
                if not is_open:
                    for _ in row[1:]:
                        self._ahead.popleft()
                    return text, len(row)
        return line, 1

    def _following(self) -> Iterator[bytes]:
        """Yield the next lines, which stay ahead."""
        for number in range(MAX_ROW_LINES - 1):
            if number == len(self._ahead):
                line = next(self._lines, None)
                if line is None:
                    return
                self._ahead.append(line)
            yield self._ahead[number]

    def _is_open(self, text: bytes) -> bool | None:
        """Return whether a row goes on after this text; None where it is no CSV."""
        rows = csv.reader(
            StringIO(text.decode(errors="replace"), newline=""), delimiter=self._delimiter, strict=True
        )
        try:
            list(rows)
        except csv.Error as error:
            return True if str(error) == "unexpected end of data" else None
        return False
