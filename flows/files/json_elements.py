"""The elements of JSON that is not one a line: an array, or objects one after another, over any lines.

Elements are cut out of the text by their brackets and strings alone: a parser would make objects of which
nobody needs more than where they end, would lose the bytes as they came, and could not go on after an element
that is broken.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

CHUNK: Final = 1 << 18
MAX_ELEMENT_BYTES: Final = 1 << 26

_BETWEEN: Final = re.compile(rb"(?:[\s,\[\]\x1e]|\xef\xbb\xbf)*+")
_NO_OBJECT: Final = re.compile(rb"[^\s,\[\]{]++")
# Up to a brace that is in no string. A line end ends a string too: JSON has none in strings.
_TO_BRACE: Final = re.compile(rb'(?:[^"{}]++|"(?:[^"\\\r\n]++|\\.)*+(?:"|\\?[\r\n]))*+')
_FIRST_KEY: Final = re.compile(rb'\{\s*"[^"\\]*"')


class EndlessElementError(ValueError):
    """An object does not end within what is read of it."""


class JsonElements:
    """Each object at the top or in arrays there, or what stands in its place, with its number.

    ``position`` is where the last one ended, ``offset`` the number of the next. An object that is not closed
    ends where the next one begins with the same key, or with the file. Holds one chunk and one element in
    memory; raises EndlessElementError for an element of more than ``MAX_ELEMENT_BYTES``.
    """

    def __init__(self, file: BinaryIO, offset: int = 0, position: int = 0, chunk: int = CHUNK) -> None:
        self.offset = offset
        self.position = position
        self._file = file
        self._chunk = chunk

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yield the number of an element and its text."""
        text, start, text_at, is_whole = b"", 0, self.position, False
        while True:
            start = _matched(_BETWEEN, text, start)
            end = end_of_element(text, start)
            too_long = len(text) - start > MAX_ELEMENT_BYTES
            if end is None and not is_whole and not too_long:
                more = self._file.read(max(self._chunk, len(text) - start))
                text_at += start
                text, start, is_whole = text[start:] + more, 0, not more
                continue
            if start == len(text):
                return
            if end is None:
                end = _next_alike(text, start)
            if end is None and too_long:
                raise EndlessElementError(f"the object at byte {text_at + start}")
            element = text[start:end]
            start += len(element)
            offset = self.offset
            self.offset += 1
            self.position = text_at + start
            yield offset, element.rstrip(b", \t\r\n")


def end_of_element(text: bytes, start: int) -> int | None:
    """Return where the element that begins at ``start`` ends, None where the text ends before.

    >>> text = b'{"a": "}"} {"b": 2'
    >>> end_of_element(text, 0), end_of_element(text, 11)
    (10, None)
    """
    if text[start : start + 1] != b"{":
        end = _matched(_NO_OBJECT, text, start)
        return end if end < len(text) else None
    depth, at = 1, start + 1
    while depth:
        at = _matched(_TO_BRACE, text, at)
        brace = text[at : at + 1]
        if brace == b"{":
            depth += 1
        elif brace == b"}":
            depth -= 1
        else:
            return None
        at += 1
    return at


def _next_alike(text: bytes, start: int) -> int | None:
    """Return where the next object begins that has the first key of the one at ``start``, written alike."""
    key = _FIRST_KEY.match(text, start)
    found = -1 if key is None else text.find(key[0], key.end())
    return None if found == -1 else found


def _matched(pattern: re.Pattern[bytes], text: bytes, start: int) -> int:
    found = pattern.match(text, start)
    return start if found is None else found.end()
