"""Settings as people type them: ``markets.uk.holdout 0.1``."""

import json
import tomllib
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from schemas.errors import SetupError


def typed_settings(words: Sequence[str]) -> dict[str, Any]:
    """Return values by path from paths and values in turn; SetupError for a path without a value.

    >>> typed_settings(["rules.cooldown.after_offer", "12h", "killed", "true"])
    {'rules.cooldown.after_offer': '12h', 'killed': True}
    """
    if len(words) % 2 or not words:
        raise SetupError("PATH VALUE must be pairs such as `markets.uk.holdout 0.1`")
    paths = words[::2]
    for path in paths:
        if paths.count(path) > 1:
            raise SetupError(f"PATH must be given once; got {path} twice")
    return {path: typed_value(value) for path, value in zip(paths, words[1::2], strict=True)}


def typed_value(text: str) -> Any:  # noqa: ANN401  JSON
    """Return the value that somebody typed: JSON, else TOML, else the text itself.

    >>> [typed_value(text) for text in ("0.1", "null", "12h", "2026-12-24", '{kind = "points"}')]
    [0.1, None, '12h', '2026-12-24', {'kind': 'points'}]
    """
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return _plain(tomllib.loads(f"value = {text}")["value"])
    except (ValueError, KeyError):
        return text


def _plain(value: Any) -> Any:  # noqa: ANN401  what TOML has
    match value:
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return value


def written(value: object) -> str:
    """Return a value as people read it.

    >>> written(0.1), written("12h"), written(None), written(["a"])
    ('0.1', '12h', 'unset', '["a"]')
    """
    if value is None:
        return "unset"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
