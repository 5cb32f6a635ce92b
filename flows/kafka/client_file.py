"""Settings of Kafka's clients in a file as Java's have it, ``client.properties``; secrets in others."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from schemas.errors import SetupError

PLACE: Final = re.compile(r"\$\{(file|directory):([^:}]+):([^}]+)\}")
"""Where a value stands instead: a key of another such file, or a file of a directory."""
ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
ESCAPED: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
PAIR: Final = re.compile(r"((?:\\.|[^\\=:\s])+)\s*[=:]?\s*(.*)", re.DOTALL)


def read_client_file(path: Path) -> dict[str, str]:
    """Return the settings of a file by their names, placeholders as they stand.

    Raises SetupError that names the file and the line, and never shows what stands there.
    """
    found = {}
    for number, line in _lines(path):
        pair = PAIR.fullmatch(line)
        if pair is None or not pair[2]:
            raise SetupError(f"{path}: line {number} must be NAME=VALUE; it is not")
        found[_unescaped(pair[1])] = _unescaped(pair[2])
    return found


def with_secrets(settings: Mapping[str, str]) -> dict[str, str]:
    """Return settings with what stands at ``${file:PATH:KEY}`` and ``${directory:PATH:NAME}`` in its place.

    These are the places of Kafka's FileConfigProvider and DirectoryConfigProvider. Raises SetupError where
    nothing can be read.
    """
    return {name: PLACE.sub(partial(_secret, name), text) for name, text in settings.items()}


def _secret(of: str, at: re.Match[str]) -> str:
    kind, path, key = at.groups()
    file = Path(path, key) if kind == "directory" else Path(path)
    try:
        if kind == "directory":
            return file.read_text(encoding="utf-8").rstrip("\r\n")
        return read_client_file(file)[key]
    except (OSError, UnicodeDecodeError):
        raise SetupError(f"Kafka setting `{of}` must stand in a file that can be read; got {file}") from None
    except KeyError:
        raise SetupError(f"Kafka setting `{of}` must stand in {file} as {key}; it does not") from None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each logical line and the number of its first one; a backslash at the end continues it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SetupError(f"the Kafka file must be one that can be read; got {str(path)!r}: {why}") from None
    first, held = 0, ""
    for number, physical in enumerate(text.splitlines(), 1):
        line = physical.lstrip()
        if not held and (not line or line[0] in "#!"):
            continue
        first = first if held else number
        held += line
        if (len(line) - len(line.rstrip("\\"))) % 2:
            held = held[:-1]
            continue
        yield first, held
        held = ""
    if held:
        yield first, held


def _unescaped(text: str) -> str:
    return ESCAPE.sub(
        lambda at: chr(int(at[1][1:], 16)) if len(at[1]) > 1 else ESCAPED.get(at[1], at[1]), text
    )
